-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- L1, T2: what an operator's change costs does not grow with what is over: rows that are read are counted, in an office with a long past and in
-- one with none. A slot that history refers to is closed, one nobody ever had is deleted, as before.
\ir lib/helpers.psql
select no_plan();

create function pg_temp.office(id text, past integer) returns void language plpgsql as $$
begin
    insert into data.organization (organization_id, agency_code, name, phone, time_zone, horizon_days) values (id, 'TEST00001', id, '000', 'Europe/Moscow', 0);
    insert into data.organization_service values (id, 's1');
    insert into data.area (organization_id, area_id, number, name, capacity) values (id, 'b', 1, 'Здание', 1), (id, 'w', 2, 'Окно', 1), (id, 'h', 3, 'Зал', 5);
    update data.area set parent_key = (select area_key from data.area where organization_id = id and area_id = 'b') where organization_id = id and area_id = 'w';
    insert into data.area_service select area_key, id, 's1' from data.area where organization_id = id;
    insert into data.timetable (area_key, organization_id, weekday, starts, ends, slot_min) select area_key, id, d, '09:00', '12:00', 30 from data.area, generate_series(1, 7) as d where organization_id = id and area_id in ('w', 'h');
    -- the past: bookings, places and history of days gone by
    insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at, capacity)
    select gen_random_uuid(), id, a.area_key, t, t + interval '10 minutes', a.capacity
    from data.area as a, generate_series(1, past) as n, lateral (select now() - interval '5 days' - n * interval '10 minutes' as t) as x where a.organization_id = id and a.area_id in ('w', 'h');
    create temp table old on commit drop as select lower(id || '-' || row_number() over ()) as key, s.* from data.slot as s where s.organization_id = id;
    set local session_replication_role = replica; -- as if they had come one by one
    insert into data.booking (book_key, book_id, esia_id, organization_id, state, status_code, created_at, changed_at) select key, key, '1', id, 'SERVED', '202', now(), now() from old;
    insert into data.booking_history (book_key, at, actor, db_user, new_state, new_status, organization_id, slot_ids) select key, now(), 'A', 'x', 'SERVED', '202', id, array[slot_id] from old;
    insert into data.place (slot_id, place_no, book_key, capacity, area_key, starts_at, ends_at, before_min) select slot_id, 1, key, capacity, area_key, starts_at, ends_at, 5 from old;
    set local session_replication_role = origin;
    drop table old;
end $$;
set local enable_seqscan = off; -- as the planner does when there is much: whether there is a way is asked
create function pg_temp.rows_read() returns bigint language sql volatile as $$
    select sum(pg_stat_get_xact_tuples_returned(c.oid) + pg_stat_get_xact_tuples_fetched(c.oid))::bigint
    from pg_class as c left join pg_index as i on i.indexrelid = c.oid
    where coalesce(i.indrelid, c.oid) in ('data.slot'::regclass, 'data.place'::regclass, 'data.booking'::regclass, 'data.booking_history'::regclass, 'data.occupancy'::regclass) and c.relkind in ('r', 'i')
$$;
create function pg_temp.cost(sql text) returns bigint language plpgsql as $$
declare
    was bigint := pg_temp.rows_read();
begin
    execute sql;
    return pg_temp.rows_read() - was;
end $$;
create temp table steps (n integer, sql text);
insert into steps values
(1, $$select admin.generate(%1$L, current_date, current_date + 10)$$),
(2, $$select pg_temp.book(lower(%1$L) || '-kept', array[(select min(s.slot_id::text) from data.slot as s join data.area as a using (area_key) where s.organization_id = %1$L and s.starts_at > now() + interval '1 day' and a.area_id = 'w')], organization => %1$L)$$),
(3, $$select pg_temp.book(lower(%1$L) || '-gone', array[(select max(s.slot_id::text) from data.slot as s join data.area as a using (area_key) where s.organization_id = %1$L and s.starts_at > now() + interval '1 day' and a.area_id = 'w')], organization => %1$L)$$),
(4, $$select pg_temp.cancel(lower(%1$L) || '-gone')$$),
(5, $$update data.area set is_exclusive = true where organization_id = %1$L and area_id = 'b'$$),
(6, $$update data.area set buffer_before_min = 5 where organization_id = %1$L and area_id = 'h'$$),
(7, $$update data.area set is_exclusive = false, buffer_before_min = 0 where organization_id = %1$L$$),
(8, $$delete from data.timetable where organization_id = %1$L$$),
(9, $$select admin.generate(%1$L, current_date, current_date + 10)$$),
(10, $$select * from admin.today(%1$L)$$),
(11, $$select * from admin.load(%1$L)$$),
(12, $$select * from admin.waiting(%1$L)$$),
(13, $$update data.organization set time_zone = 'Europe/Samara' where organization_id = %1$L$$),
(14, $$select * from admin.zone_check(%1$L)$$),
(15, $$select * from admin.zone_move(%1$L, true)$$);
create temp table cost (n integer, o text, rows bigint);
create procedure pg_temp.pass(o text, past integer) language plpgsql as $$
declare
    t text;
begin
    perform pg_temp.office(o, past);
    foreach t in array array['slot', 'place', 'booking', 'booking_history'] loop
        execute format('analyze data.%I', t);
    end loop;
    insert into cost select s.n, o, pg_temp.cost(format(s.sql, o)) from steps as s order by s.n;
end $$;
-- All of it in a database without a past, then once more when there is one: a step that reads everybody's counts, too. P: as the planner
-- likes; Q: as it does when it thinks rows many, and joins whole tables wherever a statement leaves it the choice.
call pg_temp.pass('P0', 0);
set local enable_nestloop = off;
call pg_temp.pass('Q0', 0);
call pg_temp.pass('Q1', 1500);
set local enable_nestloop = on;
call pg_temp.pass('P1', 1500);
create temp table told as select left(a.o, 1) as how, n, s.sql, a.rows as without, b.rows as with_past
from cost as a join cost as b using (n) join steps as s using (n) where a.o in ('P0', 'Q0') and b.o = left(a.o, 1) || '1';
select diag(format('%s, step %s: %s rows without a past, %s with', how, n, without, with_past)) from told order by how, n;
-- Q: 1, 9 and 14 list what they find by plain joins
select cmp_ok(with_past, '<=', without + 1000, format('L1: %s costs what is to come (%s)', left(sql, 60), how))
from told where n < 15 and (how = 'P' or n not in (1, 9, 14)) order by how, n;
select is(pg_temp.state(lower(o) || '-gone'), 'CANCELLED_APPLICANT', 'one visit was given up') from unnest(array['P0', 'P1', 'Q0', 'Q1']) as o;
-- without hours: what nobody ever had is gone, what history knows is closed, what somebody has is his
select set_eq(format($$select case when p.slot_id is not null then 'kept' when s.is_closed then 'closed' else 'open' end from data.slot as s left join data.place as p using (slot_id) where s.organization_id = %L and s.starts_at > now()$$, o),
    array['kept', 'closed'], 'T2: slots of ' || o) from unnest(array['P0', 'P1', 'Q0', 'Q1']) as o;
select cmp_ok((select count(*) from data.slot where organization_id = o and starts_at > now() and is_closed and not exists (select from data.place as p where p.slot_id = slot.slot_id)), '<=', 2::bigint, 'S3: those that were given up and no other: ' || o) from unnest(array['P0', 'P1', 'Q0', 'Q1']) as o;
select is_empty($$select h.history_id from data.booking_history as h, unnest(h.slot_ids) as u where not exists (select from data.slot as s where s.slot_id = u)$$, 'S3: history refers to nothing that is not there');
select pg_temp.healthy();
select * from finish();
rollback;
