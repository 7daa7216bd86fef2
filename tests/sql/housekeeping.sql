-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- L1, L4: housekeeping's tasks, each on its own: what fails, hangs or is locked pauses alone and is written down, without
-- anybody's data; and what is behind is said by admin.check(), admin.housekeeping and api.housekeeping_state().
\ir lib/helpers.psql
select no_plan();

create function pg_temp.run(what text default null) returns text language sql as $$
    select coalesce((select task || ': ' || did || case when failed then ' failed' else '' end from api.housekeeping(what)), '-')
$$;
create function pg_temp.settle() returns void language plpgsql as $$
begin
    for i in 1 .. 500 loop
        exit when pg_temp.run() = '-';
    end loop;
end $$;
create function pg_temp.seen(what text) returns text language sql as $$
    select concat_ws(' ', runs, failures, last_error, next_run > now() + interval '3 seconds') from admin.housekeeping where task = what
$$;
update data.organization set horizon_days = 0;
select is((select count(*) from admin.check() where problem = 'интервалы сами не создаются'), (select count(distinct a.organization_id) from data.timetable join data.area as a using (area_key)), 'L4: a horizon of nothing is told of each');
update data.organization set is_active = false where organization_id not in ('T1', 'T2');
select is_empty('select * from data.silent_settings()', 'L4: of one that is closed it is not');
select results_eq($$select substring(c from 'agency (\S+)') from api.agency_concerns(array['TEST00001', 'NOBODY']) as c order by 1$$,
    $$select agency_code from data.agency as a where agency_code <> 'TEST00001' and exists (select from data.organization as o where o.agency_code = a.agency_code and o.is_active) union select 'NOBODY' order by 1$$, 'L4: agencies that one side alone knows');
select pg_temp.settle();
select results_eq('select task from admin.housekeeping', array['sweep', 'outcomes', 'closure', 'generate', 'journal', 'outbox', 'ended', 'clock'], 'L4: every task has its row');
select is_empty('select * from admin.housekeeping where last_run is null or last_success is null or failures > 0 or behind is not null or next_run is null', 'L4: when it ran and when it will again');
select throws_ok($$select * from api.housekeeping('no such task')$$, '22023', null, 'L1: an unknown task is a mistake');

-- each of them broken in turn: the others do their work, the broken one is tried again later
create function pg_temp.work() returns void language plpgsql as $$
begin
    perform pg_temp.book('hold', array[pg_temp.slot('a1', 9)], preliminary => true);
    perform pg_temp.lapse('hold');
    perform admin.close_day('T1', (pg_temp.noon() at time zone 'Europe/Moscow')::date + 2, 'учения', true, true, 0);
    update data.closure set state = 'working' where state = 'done';
    insert into data.timetable (area_key, organization_id, weekday, starts, ends, slot_min) select area_key, 'T2', w, '01:00', '02:00', 60 from data.area, generate_series(1, 7) w where organization_id = 'T2';
    update data.organization set horizon_days = 14 where organization_id = 'T2';
end $$;
create function pg_temp.tasks_done(broken text, broken_sql text) returns text language plpgsql as $$
declare
    seen text[] := '{}';
    got text;
begin
    begin
        perform pg_temp.work();
        execute broken_sql;
        for i in 1 .. 30 loop
            got := pg_temp.run();
            exit when got = '-';
            seen := seen || (split_part(got, ':', 1) || case when got ~ 'failed$' then '!' else '' end);
        end loop;
        seen := array(select distinct t from unnest(seen) as t order by 1) || array[coalesce((select last_error from data.housekeeping where task = broken), 'no error'), pg_temp.run(broken)];
        raise exception 'undo' using errcode = 'ZB000';
    exception when sqlstate 'ZB000' then
        return array_to_string(seen, ' ');
    end;
end $$;
select is(pg_temp.tasks_done('sweep', 'select 1'), 'closure generate sweep no error -', 'L1: what there is to do');
create function pg_temp.broken(how text) returns table (task text, sql text) language sql as $$
    values ('sweep', 'create or replace function data.sweep_holds(at_most bigint) returns bigint language plpgsql as $f$ begin ' || how || ' end $f$'),
        ('outcomes', 'create or replace function data.sweep_outcomes(at_most bigint) returns bigint language plpgsql as $f$ begin ' || how || ' end $f$'),
        ('closure', 'create or replace function data.keep_closure(out did text, out failed boolean) language plpgsql as $f$ begin ' || how || ' end $f$'),
        ('generate', 'create or replace function data.keep_generate(out did text, out failed boolean) language plpgsql as $f$ begin ' || how || ' end $f$'),
        ('journal', 'create or replace function data.keep_journal(out did text, out failed boolean) language plpgsql as $f$ begin ' || how || ' end $f$')
$$;
select is(pg_temp.tasks_done(b.task, b.sql),
    (select string_agg(t || case when t = b.task then '!' else '' end, ' ' order by t || case when t = b.task then '!' else '' end)
     from (select unnest(array['closure', 'generate', 'sweep']) union select b.task) as x (t)) || ' failed (23514) -',
    format('L1: %s fails: the others do their work, it is written down and not tried again at once', b.task))
from pg_temp.broken($$ raise exception 'Секретова Тайна 79995550101' using errcode = 'check_violation', detail = 'Failing row contains (Секретова)'; $$) as b;

-- the deadline of the caller: what takes longer is cancelled, and query_canceled is caught where the pause is written down.
-- Only what hangs for ever has one: nothing else may depend on how fast it is.
savepoint slow;
create function pg_temp.hang() returns trigger language plpgsql as $$ begin perform pg_sleep(600); return new; end $$;
create trigger hang before insert on data.slot for each statement execute function pg_temp.hang();
select pg_temp.work();
select is((select days from data.schedule_state where organization_id = 'T2'), 7::smallint, 'a week at once');
set local statement_timeout = '5s';
select is(pg_temp.run('generate'), 'generate: T2: took longer than it may (57014) failed', 'L1: a piece over its deadline is a failure');
set local statement_timeout = 0;
select ok((select not_before > now() and days = 3 from data.schedule_state where organization_id = 'T2'), 'L1: tried again later, with fewer days');
select is(pg_temp.run('generate'), '-', 'L1: and not before');
select is(pg_temp.run('sweep'), 'sweep: 1 bookings', 'L1: another task goes on');
update data.schedule_state set not_before = null;
drop trigger hang on data.slot;
select matches(pg_temp.run('generate'), '^generate: T2, .* new', 'L1: when it can it does');
rollback to slow;
create function pg_temp.hang() returns trigger language plpgsql as $$ begin perform pg_sleep(600); return new; end $$;
select is(pg_temp.book('c1', array[pg_temp.slot('a1', 1)], services => '{s1}'), '201/0 slots=1', 'a visit');
create trigger hang before insert on data.outbox for each statement execute function pg_temp.hang();
select lives_ok($$select admin.close_day('T1', (pg_temp.noon() at time zone 'Europe/Moscow')::date, 'учения', true, true, 0)$$, 'its day is closed');
set local statement_timeout = '5s';
select is(pg_temp.run('closure'), (select format('closure: no. %s: took longer than it may (57014) failed', max(closure_id)) from data.closure), 'L1: a closure over its deadline is a failure');
set local statement_timeout = 0;
select is((select last_error || (next_try > now()) from admin.closures where organization_id = 'T1'), 'took longer than it may (57014)true', 'L4: admin.closures tells it');
select is((select state from data.closure_booking where book_key = 'c1'), 'waiting', 'O3: and the booking waits as before');
select is(pg_temp.run('closure'), '-', 'L1: it is not tried again at once');
rollback to slow;
reset statement_timeout;

-- pauses grow, and one success ends them
select is((select string_agg(data.pause(n)::text, ' ' order by n) from generate_series(1, 9) as n), '00:00:05 00:00:10 00:00:20 00:00:40 00:01:20 00:02:40 00:05:20 00:10:00 00:10:00', 'L1: the pause doubles, up to ten minutes');
select api.housekeeping_failed('journal', 'db_timeout') from generate_series(1, 3);
select is((select concat_ws(' ', failures, failed_in_row, last_error, not_before > now() + interval '15 seconds') from data.housekeeping where task = 'journal'), '3 3 db_timeout t', 'L4: what the daemon tells afterwards is kept');
select is((select problem || ' / ' || what from admin.check()), 'программе не удаётся её работа / разделы журнала (journal): ошибка «db_timeout»; когда снова: select * from admin.housekeeping, причина подробнее — в журнале службы', 'L4: three in a row are a problem');
select is((select string_agg(task || ' ' || behind, ',') from api.housekeeping_state() where reason is not null), 'journal 1', 'L4: which the daemon is told');
update data.housekeeping set not_before = null;
select is(pg_temp.run('journal'), '-', 'nothing is due');
select is((select failed_in_row from data.housekeeping where task = 'journal'), 0, 'L1: one look that ends well ends the pauses');
select pg_temp.healthy();

-- what is behind: not at once, not in silence; and what a finding tells to do ends it
create function pg_temp.obey() returns text language plpgsql as $$
declare
    c text;
    n integer := 0;
begin
    for c in select (regexp_matches(f.what, '(?:создаёт|продолжает) (select [^;]*)$'))[1] from admin.check() as f loop
        execute c;
        n := n + 1;
    end loop;
    return format('%s obeyed, %s left', n, (select count(*) from admin.check()));
end $$;
savepoint lag;
update data.schema_version set applied_at = now() - interval '2 hours' where name = '018_housekeeping.sql';
do $$
begin
    execute 'drop table data.' || data.journal_partition(1);
end $$;
select is(pg_temp.obey(), '1 obeyed, 0 left', 'L4: a partition is made by what admin.check() tells');
rollback to lag;
update data.schema_version set applied_at = now() - interval '2 hours' where name = '018_housekeeping.sql';
do $$
begin
    execute 'drop table data.' || data.journal_partition(1);
end $$;
select is((select problem from admin.check()), 'у журнала нет раздела на следующий месяц', 'L4: no partition for next month');
select is(admin.housekeeping_lags('journal'), format('у журнала нет раздела на следующий месяц: раздел %s; создаёт select * from admin.journal_partitions()', data.journal_partition(1)), 'L4: by name');
select is((select behind from admin.housekeeping where task = 'journal'), admin.housekeeping_lags('journal'), 'L4: in admin.housekeeping too');
select is((select reason from api.housekeeping_state() where task = 'journal'), 'journal has no partition for next month', 'L4: and to the daemon, for /readyz');
insert into data.journal (journal_id, at, direction, listener, channel, peer, message_id, method, verdict, is_test, body, received_at)
select 1, (date_trunc('month', now() at time zone 'UTC') + interval '40 days') at time zone 'UTC', 'in', 'l', 'portal', 'p', 'm', 'book', 'good', false, '', now();
select matches(pg_temp.run('journal'), 'journal_default holds rows of that month failed$', 'L4: a month that cannot be split off is a failure, not silence');
select ok((select not_before > now() from data.housekeeping where task = 'journal'), 'L1: and paused');
rollback to lag;
update data.organization set horizon_days = 20 where organization_id = 'T1';
select pg_temp.healthy();
update data.schedule_state set due_since = now() - interval '2 hours' where organization_id = 'T1';
select is((select problem || ' / ' || what from admin.check()), 'интервалы не созданы до горизонта / организация T1: с сегодняшнего дня; создаёт select admin.generate(''T1'')', 'L4: slots not made for hours');
update data.schedule_state set due_since = null, due_from = (now() at time zone 'Europe/Moscow')::date + 15 where organization_id = 'T1';
select matches((select what from admin.check()), '^организация T1: с [0-9.]{10}; создаёт', 'L4: the horizon ran away');
select is(pg_temp.obey(), '1 obeyed, 0 left', 'L4: slots are made by what admin.check() tells');
select is((select concat_ws(' ', due_from, due_since) from data.schedule_state where organization_id = 'T1'), data.horizon_day(o) + 1 || '', 'L4: and the daemon need not make them')
from data.organization as o where organization_id = 'T1';
update data.schedule_state set due_since = now() - interval '2 hours', due_from = null where organization_id = 'T1';
select lives_ok($$select admin.generate('T1', current_date + 3, current_date + 40)$$, 'days to come');
select isnt((select count(*) from admin.check()), 0::bigint, 'L4: those before them are still to be made');
select lives_ok($$select admin.generate('T1', current_date - 1, current_date + 3)$$, 'some of those due');
select is((select due_from::text from data.schedule_state where organization_id = 'T1'), (current_date + 4)::text, 'L4: the daemon goes on behind them');
select pg_temp.settle();
select pg_temp.healthy();
select is((select due_since from data.schedule_state where organization_id = 'T1'), null, 'L4: all is made');
savepoint closure;
select lives_ok($$select admin.close_day('T1', (pg_temp.noon() at time zone 'Europe/Moscow')::date, 'учения', true, true, 0)$$, 'a day is closed');
insert into data.closure_progress (closure_id, failed_in_row, last_error) select max(closure_id), 5, 'somebody is at what is left' from data.closure
on conflict (closure_id) do update set failed_in_row = excluded.failed_in_row, last_error = excluded.last_error;
update data.closure set state = 'working';
select is(pg_temp.obey(), '1 obeyed, 0 left', 'L4: a closure goes on by what admin.check() tells');
rollback to closure;

-- J4: what nobody vouches for leaves by its age from the default partition too, whatever months lie in it; what is of use stays
savepoint refused;
do $$
declare
    t text;
begin
    for t in select c.relname from pg_inherits as i join pg_class as c on c.oid = i.inhrelid where i.inhparent = 'data.journal_refused'::regclass and c.relname <> 'journal_refused_default' loop
        execute 'drop table data.' || t;
    end loop;
    perform setseed(0.329);
end $$;
create temp table refused as
select n as refused_id, clock_timestamp() - random() * interval '400 days' as at from generate_series(1, 300) as n
union all
select 301, clock_timestamp() + interval '50 years'
union all
select 302, clock_timestamp();
insert into data.journal_refused (refused_id, at, listener, peer, request_id, reason, messages, size, head) select refused_id, at, 'l', 'p', 'r', 'MALFORMED', 1, 1, 'x' from refused;
select is((select count(*) from data.journal_refused_default), 302::bigint, 'without months all is in the default partition');
select matches(pg_temp.run('journal'), 'holds rows of that month.* failed$', 'the months to come are made, the present one cannot be');
update data.housekeeping set not_before = null;
select matches(pg_temp.run('journal'), '^journal: journal_refused_default before', 'J4: the next look sees to what is of no more use');
select ok((select last_did ~ '^journal_refused_default before' from data.housekeeping where task = 'journal'), 'J4: what has left is told');
select set_eq('select refused_id from data.journal_refused', $$select refused_id from refused
    where date_trunc('month', at at time zone 'UTC') >= date_trunc('month', (now() - interval '3 months') at time zone 'UTC')$$, 'J4: whole months that ended three months ago, no other row');
select is((select count(*) from data.journal_refused_default where head = 'x'), (select count(*) from data.journal_refused), 'they are where they were');
select throws_ok('delete from data.journal_refused_default', '42501', null, 'J2: and rows are only added there');
select is((select relowner::regrole::text from pg_class where oid = 'data.journal_refused_default'::regclass), 'zapisd_owner', 'it is the owner''s');
select isnt(obj_description('data.journal_refused_default'::regclass), null, 'and says what it is');
select is(pg_temp.run('journal'), '-', 'L1: once a month, not every minute');
rollback to refused;

-- L4: whatever is wrong is said in Russian, by name, with what to do
savepoint words;
select is(pg_temp.book('wr' || n, array[pg_temp.slot('a1', 20 + n)], preliminary => n = 1), '201/0 slots=1', 'a visit') from generate_series(1, 6) as n;
insert into data.timetable (area_key, organization_id, weekday, starts, ends, slot_min) select area_key, 'T1', 1, '09:00', '12:00', 15 from data.area where organization_id = 'T1' and area_id in ('a1', 'a2');
insert into data.special_day (organization_id, day, kind) values ('T1', '2030-01-01', 'hours');
set local session_replication_role = replica;
insert into data.timetable (area_key, organization_id, weekday, starts, ends, slot_min) select area_key, 'T1', 1, '10:00', '11:00', 15 from data.area where organization_id = 'T1' and area_id = 'a1';
insert into data.special_hours (special_day_id, organization_id, starts, ends) select special_day_id, 'T1', t::time, '12:00' from data.special_day, unnest(array['09:00', '10:00']) as t where day = '2030-01-01';
update data.place set hold_until = now() + interval '1 minute' where book_key = 'wr1';
delete from data.place where book_key = 'wr2';
update data.booking set state = 'CANCELLED', status_code = data.state_code('CANCELLED') where book_key = 'wr3';
update data.booking set organization_id = 'T2' where book_key = 'wr4';
insert into data.place (slot_id, place_no, book_key, capacity, area_key, starts_at, ends_at) select slot_id, 2, 'wr6', 2, area_key, starts_at, ends_at from data.place where book_key = 'wr5';
insert into data.occupancy (slot_id, place_no, area_key, busy_from, busy_to) select p.slot_id, p.place_no, p.area_key, now(), now() + interval '40 hours' from data.place as p where p.book_key in ('wr5', 'wr6') and p.place_no = 1;
update data.place set starts_at = starts_at - interval '10 minutes' where book_key = 'wr6' and place_no = 1;
set local session_replication_role = origin;
update data.schedule_state set due_since = now() - interval '2 hours', due_from = null, last_error = data.error_words('57014') where organization_id = 'T1';
update data.organization set horizon_days = 20 where organization_id = 'T1';
update data.schedule_state set due_since = now() - interval '2 hours' where organization_id = 'T1';
insert into data.closure (organization_id, kind, from_at, to_at, reason, is_moving, created_at, created_by) values ('T1', 'day', '2031-01-01', '2031-01-02', 'x', true, now(), 'x');
insert into data.closure_progress (closure_id, failed_in_row, last_error) select max(closure_id), 5, 'somebody is at what is left' from data.closure;
update data.housekeeping as h set failed_in_row = 3, last_error = (array[data.error_words('57014'), data.error_words('XX000'), 'db_timeout', 'somebody is at what is left', null])[h.number];
update data.schema_version set applied_at = now() - interval '2 hours' where name = '018_housekeeping.sql';
do $$ begin execute 'drop table data.' || data.journal_partition(1); end $$;
insert into data.rights select n.* from data.rights_now() as n;
grant select on data.applicant to zapisd_operator;
create temp table told as select * from admin.check();
select cmp_ok((select count(distinct problem) from told), '>=', 13::bigint, 'L4: all of it is found');
select is_empty($$select * from told where problem !~ '^[а-яё, ]+$' or what !~ '[а-яё]+.*; .*[а-яё]' or what ~ '[a-z]{2,} [a-z]{2,} [a-z]{2,} [a-z]{2,} [a-z]{2,} [a-z]{2,} '$$, 'L4: in Russian, with what to do');
select is((select what from told where problem ~ 'право'), 'роль zapisd_operator: select on table data.applicant; отнять: revoke select on table data.applicant from zapisd_operator', 'C6: a right given by hand is told');
select is((select count(*) from api.concerns() as c where c ~ 'no file of ours grants select on table data.applicant to zapisd_operator'), 1::bigint, 'C6: by zapisd check too');
rollback to words;

-- several closures take turns, and one that cannot go on does not hold up the next
select is(pg_temp.book('d' || n, array[pg_temp.slot('a1', n)], services => '{s1}') || pg_temp.book('e' || n, array[pg_temp.slot('a2', n)], services => '{s2}'), '201/0 slots=1201/0 slots=1', 'visits') from generate_series(1, 3) as n;
select count(*) from admin.close_area('T1', 'a1', (pg_temp.noon() at time zone 'Europe/Moscow')::date, (pg_temp.noon() at time zone 'Europe/Moscow')::date, 'первое', true, false, 0);
select count(*) from admin.close_area('T1', 'a2', (pg_temp.noon() at time zone 'Europe/Moscow')::date, (pg_temp.noon() at time zone 'Europe/Moscow')::date, 'второе', true, false, 0);
create function pg_temp.refuse() returns trigger language plpgsql as $$ begin raise exception 'Секретова' using errcode = 'lock_not_available'; end $$;
create trigger refuse before update on data.booking for each row when (new.book_key like 'd%') execute function pg_temp.refuse();
select pg_temp.settle();
select results_eq($$select reason, state, waiting, cancelled, last_error from admin.closures order by closure_id desc limit 2$$,
    $$values ('второе', 'done', 0::bigint, 3::bigint, null), ('первое', 'working', 3, 0, 'somebody is at what is left')$$, 'L1: the second is done, the first waits and says why');
drop trigger refuse on data.booking;
update data.closure_progress set not_before = null;
select pg_temp.settle();
select is((select state from admin.closures order by closure_id desc offset 1 limit 1), 'done', 'O3: and goes on when it can');
select pg_temp.healthy();

-- grants
grant usage on schema public to zapisd_operator, zapisd_daemon, zapisd_auditor;
set local role zapisd_operator;
select lives_ok('select * from admin.housekeeping', 'the operator looks');
select throws_ok('update data.housekeeping set not_before = now()', '42501', null, 'and changes nothing');
reset role;
set local role zapisd_auditor;
select lives_ok('select * from admin.housekeeping', 'so does the auditor');
reset role;
set local role zapisd_daemon;
select lives_ok($$select * from api.housekeeping('sweep')$$, 'the daemon runs a task');
select lives_ok($$select * from api.housekeeping_state()$$, 'asks how all stand');
select throws_ok('select * from data.housekeeping', '42501', null, 'and reads nothing inner');
reset role;
select * from finish();
rollback;
