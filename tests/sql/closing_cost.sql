-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- L1: what closing a day of a full office costs, counted in rows that are read of slots and places: the calendar is gone through once for all
-- bookings of a day, not once for each; and in the end it is as it would be if each had looked for itself.
\ir lib/helpers.psql
select no_plan();

-- Eight windows, twenty slots a day; full_days days without a free place, then free ones.
create function pg_temp.office(id text, full_days integer) returns void language plpgsql as $$
begin
    insert into data.organization (organization_id, agency_code, name, phone, time_zone, horizon_days, booking_window_days) values (id, 'TEST00001', id, '000', 'Europe/Moscow', 0, 60);
    insert into data.organization_service values (id, 's1'), (id, 's2');
    insert into data.area (organization_id, area_id, number, name) select id, 'w' || n, n, 'w' || n from generate_series(1, 8) as n;
    insert into data.area_service select a.area_key, id, s.service_id from data.area as a join data.organization_service as s using (organization_id)
    where a.organization_id = id and (s.service_id = 's1' or a.number > 4);
    insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at)
    select data.slot_uuid(t.at, o.number, a.number), id, a.area_key, t.at, t.at + interval '15 minutes'
    from data.organization as o join data.area as a using (organization_id), generate_series(2, full_days + 5) as d, generate_series(0, 19) as n,
        lateral (select ((now() at time zone 'Europe/Moscow')::date + d + time '09:00' + n * interval '15 minutes') at time zone 'Europe/Moscow' as at) as t
    where o.organization_id = id;
    create temp table one on commit drop as
    select id || '-' || row_number() over (order by s.starts_at, s.slot_id) as key, case when a.number > 4 then '{s2}' else '{s1}' end::text[] as services, s.*
    from data.slot as s join data.area as a using (area_key)
    where s.organization_id = id and (s.starts_at at time zone 'Europe/Moscow')::date <= (now() at time zone 'Europe/Moscow')::date + 1 + full_days;
    insert into data.booking (book_key, book_id, esia_id, organization_id, state, status_code, service_ids, created_at, changed_at)
    select lower(key), lower(key), '1', id, 'BOOKED', '201', services, now(), now() from one;
    insert into data.booking_history (book_key, at, actor, db_user, new_state, new_status, organization_id, slot_ids) select lower(key), now(), 'A', 'x', 'BOOKED', '201', id, array[slot_id] from one;
    insert into data.place (slot_id, place_no, book_key, capacity, area_key, starts_at, ends_at) select slot_id, 1, lower(key), 1, area_key, starts_at, ends_at from one;
    drop table one;
end $$;
select pg_temp.office('F10', 10), pg_temp.office('F20', 20);
analyze data.slot;
analyze data.place;
analyze data.booking;
create function pg_temp.day(n integer) returns date language sql as $$ select (now() at time zone 'Europe/Moscow')::date + n $$;
-- Rows read of slots and places by this transaction, by whatever way.
create function pg_temp.rows_read() returns bigint language sql volatile as $$
    select sum(pg_stat_get_xact_tuples_returned(c.oid) + pg_stat_get_xact_tuples_fetched(c.oid))::bigint
    from pg_class as c left join pg_index as i on i.indexrelid = c.oid
    where coalesce(i.indrelid, c.oid) in ('data.slot'::regclass, 'data.place'::regclass) and c.relkind in ('r', 'i')
$$;
create function pg_temp.cost(org text, apply boolean) returns bigint language plpgsql as $$
declare
    was bigint := pg_temp.rows_read();
    n bigint;
begin
    select count(*) into n from admin.close_day(org, pg_temp.day(4), 'учения', apply, true, 1000) as c where c.outcome ~ '^(будет перенесена|перенесена)';
    if n <> 160 then
        raise exception '% of 160 moved', n;
    end if;
    return (pg_temp.rows_read() - was) / n;
end $$;
create temp table cost as
select org, false as apply, pg_temp.cost(org, false) as rows_a_booking from (values ('F10'), ('F20')) as v (org);
create temp table plan as select book_id, new_visit, new_area_id from admin.close_day('F10', pg_temp.day(4), 'учения');
insert into cost select org, true, pg_temp.cost(org, true) from (values ('F10'), ('F20')) as v (org);
select diag(org || case when apply then ', applied: ' else ', dry run: ' end || rows_a_booking || ' rows of slots and places a booking') from cost order by apply, org;
-- The day itself with its night and what is around it is 1,000 rows and more, by whichever way the planner reads them; a search of its own for
-- each booking would be thousands each.
select cmp_ok(rows_a_booking, '<', 1500::bigint, format('L1: %s, %s: rows read a booking', org, case when apply then 'applied' else 'dry run' end)) from cost order by apply, org;
select ok(b.rows_a_booking < 2 * a.rows_a_booking, 'L1: a calendar twice as full does not cost many times as much')
from cost as a join cost as b on a.apply = b.apply where a.org = 'F10' and b.org = 'F20';
select set_eq('select book_id, new_visit, new_area_id from plan', $$
    select w.book_key, to_char(s.starts_at at time zone 'Europe/Moscow', 'DD.MM.YYYY HH24:MI'), a.area_id from data.closure_booking as w join data.closure as c using (closure_id)
    join data.slot as s on s.slot_id = w.new_slot_ids[1] join data.area as a on a.area_key = s.area_key where c.organization_id = 'F10'$$, 'O3: what was planned is what was done');

-- As if each had looked for itself, in its turn: nobody who came later got a nearer place than somebody who came before, of those that served both.
create temp table done as
select w.book_key, row_number() over (order by w.visit_at, w.book_key) as turn, o.starts_at as old_at, n.starts_at as new_at, a.number, b.service_ids
from data.closure_booking as w join data.closure as c using (closure_id) join data.booking as b using (book_key)
join data.slot as o on o.slot_id = w.old_slot_ids[1] join data.slot as n on n.slot_id = w.new_slot_ids[1] join data.area as a on a.area_key = n.area_key
where c.organization_id = 'F10';
select is_empty($$
    select x.book_key, y.book_key from done as x join done as y on y.turn > x.turn
    where abs(extract(epoch from y.new_at - x.old_at)) < abs(extract(epoch from x.new_at - x.old_at)) and (x.service_ids = '{s1}' or y.number > 4)$$, 'O3: the nearest place goes to the first in time');
select is_empty($$
    select d.book_key from done as d join data.slot as s on s.organization_id = 'F10' and not s.is_closed join data.area as a using (area_key)
    where abs(extract(epoch from s.starts_at - d.old_at)) < abs(extract(epoch from d.new_at - d.old_at)) and (d.service_ids = '{s1}' or a.number > 4)
        and not exists (select from data.place as p where p.slot_id = s.slot_id)$$, 'O3: and no nearer one is left free');

-- Visits of two slots and a hall of several places, in the same walk.
update data.closure set state = 'lifted', lifted_at = now(), lifted_by = 'x' where organization_id = 'F20';
insert into data.area (organization_id, area_id, number, name, capacity) select 'F20', 'hall', 99, 'hall', 3;
insert into data.area_service select area_key, 'F20', 's1' from data.area where organization_id = 'F20' and area_id = 'hall';
insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at, capacity)
select data.slot_uuid(t.at, o.number, 99), 'F20', a.area_key, t.at, t.at + interval '20 minutes', 3
from data.organization as o join data.area as a using (organization_id), (values (8, 0), (8, 1), (8, 2), (12, 0), (13, 0), (14, 0), (14, 2), (15, 0), (15, 1)) as v (d, n),
    lateral (select (pg_temp.day(v.d) + time '10:00' + v.n * interval '20 minutes') at time zone 'Europe/Moscow' as at) as t
where o.organization_id = 'F20' and a.area_id = 'hall';
create function pg_temp.hall(d integer, n integer) returns text language sql as $$
    select slot_id::text from data.slot join data.area using (area_key) where area_id = 'hall' and area.organization_id = 'F20'
        and starts_at = (pg_temp.day(d) + time '10:00' + n * interval '20 minutes') at time zone 'Europe/Moscow'
$$;
select is(pg_temp.book('h' || n, array[pg_temp.hall(8, 0), pg_temp.hall(8, 1)], organization => 'F20', services => '{s1}'), '201/0 slots=2', 'a visit of two slots') from generate_series(1, 3) as n;
select is(pg_temp.book('i' || n, array[pg_temp.hall(8, 2)], organization => 'F20', services => '{s1}'), '201/0 slots=1', 'and of one') from generate_series(1, 3) as n;
select is(pg_temp.book('x1', array[pg_temp.hall(15, 1)], organization => 'F20', services => '{s1}'), '201/0 slots=1', 'one place of three is taken where two follow each other');
create temp table hall as select * from admin.close_area('F20', 'hall', pg_temp.day(8), pg_temp.day(8), 'ремонт');
select set_eq($$select book_id, outcome, new_visit from admin.close_area('F20', 'hall', pg_temp.day(8), pg_temp.day(8), 'ремонт', true)$$,
    $$select book_id, replace(outcome, 'будет ', ''), new_visit from hall$$, 'O3: and that is what is done');
select is((select count(*) from hall where book_id ~ '^i' and new_visit = to_char(pg_temp.day(12), 'DD.MM.YYYY') || ' 10:00'), 3::bigint, 'O3: three to the three places of one slot');
select is((select string_agg(book_id || ' ' || coalesce(new_visit, '-'), ', ' order by book_id) from hall where book_id ~ '^h'), (select string_agg(format('h%s %s', n, case when n < 3 then to_char(pg_temp.day(15), 'DD.MM.YYYY') || ' 10:00' else '-' end), ', ') from generate_series(1, 3) as n), 'O3: two to slots that follow each other, while both have a place');

-- Many who come at the same time: what was found for the first of them is given to the others, and nobody looks through it all again. Forty windows
-- that are all booked at four times of a day, and free on the next; a visit looks at a slot that is to be had once or twice, not at each of them.
insert into data.organization (organization_id, agency_code, name, phone, time_zone, horizon_days, booking_window_days) values ('F40', 'TEST00001', 'F40', '000', 'Europe/Moscow', 0, 60);
insert into data.organization_service values ('F40', 's1'), ('F40', 's2');
insert into data.area (organization_id, area_id, number, name) select 'F40', 'w' || n, n, 'w' || n from generate_series(1, 40) as n;
insert into data.area_service select a.area_key, 'F40', s.service_id from data.area as a join data.organization_service as s using (organization_id) where a.organization_id = 'F40' and (s.service_id = 's1' or a.number > 20);
insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at)
select data.slot_uuid(t.at, o.number, a.number), 'F40', a.area_key, t.at, t.at + interval '15 minutes'
from data.organization as o join data.area as a using (organization_id), generate_series(4, 5) as d, generate_series(0, 3) as n,
    lateral (select (pg_temp.day(d) + time '09:00' + n * interval '15 minutes') at time zone 'Europe/Moscow' as at) as t
where o.organization_id = 'F40';
create temp table forty as select 'f40-' || row_number() over (order by s.starts_at, s.slot_id) as key, case when a.number > 20 then '{s2}' else '{s1}' end::text[] as services, s.*
from data.slot as s join data.area as a using (area_key) where s.organization_id = 'F40' and s.starts_at < pg_temp.day(5)::timestamp at time zone 'Europe/Moscow';
insert into data.booking (book_key, book_id, esia_id, organization_id, state, status_code, service_ids, created_at, changed_at) select key, key, '1', 'F40', 'BOOKED', '201', services, now(), now() from forty;
insert into data.booking_history (book_key, at, actor, db_user, new_state, new_status, organization_id, slot_ids) select key, now(), 'A', 'x', 'BOOKED', '201', 'F40', array[slot_id] from forty;
insert into data.place (slot_id, place_no, book_key, capacity, area_key, starts_at, ends_at) select slot_id, 1, key, 1, area_key, starts_at, ends_at from forty;
set local track_functions = 'all';
create function pg_temp.looked() returns bigint language sql volatile as $$ select coalesce(pg_stat_get_xact_function_calls('data.is_left'::regproc), 0) $$;
create temp table looked as select pg_temp.looked() as before, 0::bigint as after, 0::bigint as applied;
create temp table forty_plan as select * from admin.close_day('F40', pg_temp.day(4), 'учения');
update looked set after = pg_temp.looked();
create temp table forty_done as select * from admin.close_day('F40', pg_temp.day(4), 'учения', true, true, 1000);
update looked set applied = pg_temp.looked();
select diag(format('dry run: %s slots looked at for 160 visits, applied: %s', after - before, applied - after)) from looked;
select cmp_ok(after - before, '<', 160 * 4::bigint, 'L1: what is free is looked through once for all who come at one time: dry run') from looked;
select cmp_ok(applied - after, '<', 160 * 4::bigint, 'L1: and when it is done') from looked;
select is((select count(*) from forty_plan where outcome = 'будет перенесена' and new_area_id = area_id and left(new_visit, 10) = to_char(pg_temp.day(5), 'DD.MM.YYYY') and right(visit, 5) = right(new_visit, 5)), 160::bigint, 'O3: each to his own window, at his own hour');
select set_eq('select book_id, new_visit, new_area_id from forty_done', 'select book_id, new_visit, new_area_id from forty_plan', 'O3: what was planned is what was done');
select pg_temp.healthy();
select * from finish();
rollback;
