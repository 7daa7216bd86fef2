-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- B5, item 9.7: citizens have at least 14 days to choose from, whatever is set where: window, horizon and notice of an organization and of
-- its services, by a model, over random settings (setseed); what has come in before is put right by name.
\ir lib/helpers.psql
select no_plan();
do $$ begin perform setseed(0.329); end $$;

create function pg_temp.one_of(variadic n integer[]) returns integer language sql volatile return n[1 + floor(random() * cardinality(n))::integer];
create temp table tried as
select n, pg_temp.one_of(14, 15, 16, 20, 28, 30, 366) as window_days, pg_temp.one_of(0, 1, 60, 1440, 1441, 2880, 20160) as notice,
    pg_temp.one_of(0, null, null, 14, 15, 20, 28, 400) as horizon,
    pg_temp.one_of(null, null, 14, 15, 28, 60) as window_1, pg_temp.one_of(null, null, 0, 1, 1440, 7200, 20160) as notice_1,
    pg_temp.one_of(null, null, 14, 15, 28, 60) as window_2, pg_temp.one_of(null, null, 0, 1, 1440, 7200, 20160) as notice_2
from generate_series(1, 80) as n;
-- The day the last offered slot may lie on, less the notice of the strictest.
create function pg_temp.will_do(t tried) returns boolean language sql return
    (select min(d) from unnest(array[t.window_days, nullif(t.horizon, 0), t.window_1, t.window_2]) as d) * interval '24 hours'
        - (select max(m) from unnest(array[t.notice, t.notice_1, t.notice_2]) as m) * interval '1 minute' >= interval '14 days';
create function pg_temp.set_all(t tried) returns void language sql as $$
    update data.organization set booking_window_days = t.window_days, notice_min = t.notice, horizon_days = t.horizon where organization_id = 'T1';
    update data.organization_service set booking_window_days = case service_id when 's1' then t.window_1 else t.window_2 end,
        notice_min = case service_id when 's1' then t.notice_1 else t.notice_2 end where organization_id = 'T1';
$$;
create function pg_temp.refused(t tried) returns text language plpgsql as $$
declare
    c text;
begin
    -- From settings that will do with anything, the last statement is what is judged.
    update data.organization set booking_window_days = 366, notice_min = 0, horizon_days = null where organization_id = 'T1';
    update data.organization_service set booking_window_days = null, notice_min = null where organization_id = 'T1';
    if t.n % 2 = 0 then
        perform pg_temp.set_all(t);
    else
        update data.organization_service set booking_window_days = case service_id when 's1' then t.window_1 else t.window_2 end,
            notice_min = case service_id when 's1' then t.notice_1 else t.notice_2 end where organization_id = 'T1';
        update data.organization set booking_window_days = t.window_days, notice_min = t.notice, horizon_days = t.horizon where organization_id = 'T1';
    end if;
    return null;
exception when check_violation then
    get stacked diagnostics c = constraint_name;
    return c || case when sqlerrm ~ '^Организация T1: .* меньше 14 дней$' then '' else ': ' || sqlerrm end;
end $$;
create temp table said as select t, pg_temp.will_do(t) as will_do, pg_temp.refused(t) as refused from tried as t;
select cmp_ok((select count(*) from said where will_do), '>', 3::bigint, 'some will do');
select cmp_ok((select count(*) from said where not will_do), '>', 30::bigint, 'many will not');
select is_empty('select * from said where will_do <> (refused is null)', 'item 9.7: just those that leave 14 days are taken');
select set_eq('select distinct refused from said where refused is not null', array['organization_offered_days', 'organization_service_offered_days'], 'item 9.7: in the operator''s words, by name');
update data.organization set booking_window_days = 30, notice_min = 0, horizon_days = null where organization_id = 'T1';
update data.organization_service set booking_window_days = null, notice_min = null where organization_id = 'T1';
grant usage on schema public to zapisd_operator;
set local role zapisd_operator;
select throws_ok($$update data.organization set notice_min = 20160 where organization_id = 'T1'; update data.organization set booking_window_days = 27 where organization_id = 'T1'$$, '23514', null, 'item 9.7: an operator neither');
reset role;
select is(words, 'Самое короткое окно записи за вычетом самого большого notice_min — не меньше 14 дней', 'O3: commands say it in the same words') from data.constraint_words() where name = 'organization_offered_days';

-- What was there before: widened so far and no further, the notice stays; offices that had enough are not touched.
drop function data.offered_days_kept() cascade;
drop function data.offered_minutes(text);
create temp table was as
select t.*, 'W' || t.n as id from tried as t;
insert into data.organization (organization_id, agency_code, name, time_zone, booking_window_days, notice_min, horizon_days) select id, 'TEST00001', id, 'Europe/Moscow', window_days, notice, horizon from was;
insert into data.organization_service (organization_id, service_id, booking_window_days, notice_min) select id, 's1', window_1, notice_1 from was union all select id, 's2', window_2, notice_2 from was;
set local client_min_messages = error;
\ir ../../sql/migrations/028_offered_days.sql
set local client_min_messages = warning;
create temp table became as
select o.organization_id as id, row(w.n, o.booking_window_days, o.notice_min, o.horizon_days, a.booking_window_days, a.notice_min, b.booking_window_days, b.notice_min)::tried as t,
    (w.n, w.window_days, w.notice, w.horizon, w.window_1, w.notice_1, w.window_2, w.notice_2)::tried as was
from was as w join data.organization as o on o.organization_id = w.id
join data.organization_service as a on a.organization_id = w.id and a.service_id = 's1'
join data.organization_service as b on b.organization_id = w.id and b.service_id = 's2';
select is_empty('select * from became where not pg_temp.will_do(t)', 'item 9.7: no office is left with less');
select is_empty('select * from became where pg_temp.will_do(was) and t <> was', 'item 9.7: those that had enough are as they were');
select is_empty($$select * from became where ((t).notice, (t).notice_1, (t).notice_2) is distinct from ((was).notice, (was).notice_1, (was).notice_2)
    or ((t).window_1 is null) <> ((was).window_1 is null) or ((t).horizon is null) <> ((was).horizon is null) or ((t).horizon = 0) <> ((was).horizon = 0)
    or (t).window_days < (was).window_days or (t).window_1 < (was).window_1 or (t).horizon < (was).horizon$$, 'item 9.7: nothing is made shorter, what was not set is not');
select is_empty($$select * from became where (t).window_days > greatest((was).window_days, 28) or (t).window_1 > greatest((was).window_1, 28)$$, 'nor wider than need be');
select * from finish();
rollback;
