-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- B2, S2, S3, T1: the invariants attacked directly, by the owner of the tables himself, as psql would let him.
\ir lib/helpers.psql
select no_plan();
set local role zapisd_owner;
set local search_path = public, pg_temp;
reset role;

-- two bookings to fight with
select is(pg_temp.book('k1', array[pg_temp.slot('a1', 5)]), '201/0 slots=1', 'a booking to attack');
select is(pg_temp.book('k2', array[pg_temp.slot('a3', 5)]), '201/0 slots=1', 'and another');
grant usage on schema public to zapisd_owner;

create function pg_temp.place(book text, slot text, n integer, cap integer default null) returns text language sql as $$
    select format('insert into data.place (slot_id, place_no, book_key, capacity, area_key, starts_at, ends_at)
        select slot_id, %s, %L, %s, area_key, starts_at, ends_at from data.slot where slot_id = %L', n, book,
        coalesce(cap::text, 'capacity'), slot)
$$;
set local role zapisd_owner;

-- B2: capacity and double use
select throws_ok(pg_temp.place('k2', pg_temp.slot('a1', 5), 1), '23505', null, 'B2: a place is taken once');
select throws_ok(pg_temp.place('k2', pg_temp.slot('a1', 5), 2), '23514', null, 'B2: no second place in a slot for one');
select throws_ok(pg_temp.place('k2', pg_temp.slot('a3', 5), 3), '23514', null, 'B2: no third place in a slot for two');
select throws_ok(pg_temp.place('k2', pg_temp.slot('a3', 5), 0), '23514', null, 'B2: places count from one');
select throws_ok(pg_temp.place('k2', pg_temp.slot('a1', 5), 2, 9), '23503', null, 'B2: a place cannot claim a larger capacity');
select throws_ok(replace(pg_temp.place('k2', pg_temp.slot('a1', 6), 1), 'starts_at, ends_at from',
    'starts_at + interval ''1 day'', ends_at + interval ''1 day'' from'), '23503', null, 'B2: nor another time');
select throws_ok(replace(pg_temp.place('k2', pg_temp.slot('a1', 6), 1), 'area_key, starts_at, ends_at from', 'area_key + 1, starts_at, ends_at from'),
    '23503', null, 'B2: nor another area');
select lives_ok(pg_temp.place('k2', pg_temp.slot('a1', 1), 1), 'a free place can be taken');
select throws_ok(pg_temp.place('k1', pg_temp.slot('a1', 0), 1), '23P01', null, 'B2: an overlapping slot of an area for one is refused');
select throws_ok(pg_temp.place('nobody', pg_temp.slot('a1', 9), 1), '23503', null, 'a place belongs to a booking');
select lives_ok(pg_temp.place('k1', pg_temp.slot('a3', 5), 2), 'the second place of two');
select throws_ok(format('update data.slot set capacity = 1 where slot_id = %L', pg_temp.slot('a3', 5)), '23514', null,
    'B2: a capacity does not fall below what is taken');
select lives_ok(format('update data.slot set capacity = 3 where slot_id = %L', pg_temp.slot('a3', 5)), 'it may grow');
select throws_ok(format('update data.slot set capacity = 0 where slot_id = %L', pg_temp.slot('a3', 6)), '23514', null, 'but not be nothing');
select throws_ok(format('delete from data.slot where slot_id = %L', pg_temp.slot('a1', 5)), '23503', null, 'a slot somebody has is not deleted');
select throws_ok(format('update data.slot set starts_at = starts_at - interval ''15 min'' where slot_id = %L', pg_temp.slot('a1', 5)),
    '23505', null, 'B2: a slot is not moved onto another');
select throws_ok('insert into data.slot select gen_random_uuid(), organization_id, area_key, starts_at, ends_at from data.slot
    where organization_id = ''T1'' limit 1', '23505', null, 'T2: the same slot is not made twice');
select throws_ok('insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at)
    select gen_random_uuid(), ''T2'', area_key, now(), now() + interval ''1 min'' from data.area where area_id = ''a1'' and organization_id = ''T1''',
    '23503', null, 'a slot is in an area of its own organization');
select throws_ok('insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at)
    select gen_random_uuid(), ''T1'', area_key, now(), now() from data.area where area_id = ''a1'' and organization_id = ''T1''',
    '23514', null, 'a slot has a length');

-- S2: every arrow of booking_arrow and every missing one
reset role;
create function pg_temp.try_arrow(o data.booking_state, n data.booking_state) returns boolean language plpgsql as $$
begin
    -- However it got there: no trigger watches the beginning.
    set local session_replication_role = replica;
    insert into data.booking (book_key, book_id, esia_id, organization_id, state, status_code, hold_until, created_at, changed_at)
    values ('arrow', 'arrow', '1', 'T1', o, data.state_code(o), case o when 'HELD' then now() end, now(), now());
    set local session_replication_role = origin;
    update data.booking set state = n, status_code = data.state_code(n), hold_until = case n when 'HELD' then now() end where book_key = 'arrow';
    raise exception 'undo' using errcode = 'ZZ001';
exception
    when sqlstate 'ZZ001' then return true;
    when check_violation then return false;
end $$;
select is_empty($$
    select o, n from unnest(enum_range(null::data.booking_state)) o, unnest(enum_range(null::data.booking_state)) n
    where o <> n and pg_temp.try_arrow(o, n) <> (exists (select from data.booking_arrow a where (a.old_state, a.new_state) = (o, n)))
$$, 'S2: every arrow works and every missing arrow is refused');
-- the table itself, against section "states" of the specification
select is_empty($$
    select * from (values ('HELD', 'BOOKED'), ('HELD', 'EXPIRED'), ('HELD', 'RETURNED'), ('HELD', 'REFUSED'), ('BOOKED', 'CANCELLED_APPLICANT'),
        ('BOOKED', 'CANCELLING'), ('CANCELLING', 'BOOKED'), ('EXPIRED', 'HELD'), ('REFUSED', 'BOOKED'), ('RETURNED', 'HELD'),
        ('CANCELLED_AGENCY', 'BOOKED'), ('BOOKED', 'SERVED'), ('INVITED', 'NO_SHOW'), ('SERVED', 'NOT_SERVED'), ('ACCEPTED', 'BOOKED')) v
    except select old_state::text, new_state::text from data.booking_arrow$$, 'S2: arrows that must be there');
select is_empty($$
    select * from (values ('SERVED', 'BOOKED'), ('NO_SHOW', 'HELD'), ('BOOKED', 'HELD'), ('BOOKED', 'EXPIRED'), ('BOOKED', 'REFUSED'),
        ('CANCELLED_APPLICANT', 'SERVED'), ('EXPIRED', 'SERVED'), ('HELD', 'SERVED'), ('HELD', 'NO_SHOW'), ('CANCELLING', 'HELD'),
        ('SERVED', 'CANCELLED_APPLICANT'), ('REFUSED', 'SERVED'), ('NO_DATA', 'CANCELLED_AGENCY')) v
    intersect select old_state::text, new_state::text from data.booking_arrow$$, 'S2: arrows that must not');
set local role zapisd_owner;

-- bookings
select throws_ok($$update data.booking set status_code = '202' where book_key = 'k1'$$, '23514', null, 'S1: state and status agree');
select throws_ok($$update data.booking set status_code = '20' where book_key = 'k1'$$, '23514', null, 'S1: 20 is no status');
select throws_ok($$update data.booking set status_code = '20a' where book_key = 'k1'$$, '23514', null, 'S1: 20a is no status');
select throws_ok($$update data.booking set status_code = '2010000000' where book_key = 'k1'$$, '23514', null, 'S1: a sub-code has at most six digits');
select lives_ok($$update data.booking set status_code = '201001' where book_key = 'k1'$$, 'S1: a sub-code is kept whole');
select throws_ok($$update data.booking set state = 'HELD' where book_key = 'k1'$$, '23514', null, 'S2: BOOKED does not become HELD');
select throws_ok($$update data.booking set hold_until = now() where book_key = 'k1'$$, '23514', null, 'B3: only a hold has an end');
select throws_ok($$update data.booking set book_id = 'other' where book_key = 'k1'$$, '23514', null, 'A1: the key is the id in lower case');
select throws_ok($$update data.booking set esia_id = '' where book_key = 'k1'$$, '23514', null, 'a booking has an owner');
select throws_ok($$update data.booking set organization_id = 'nowhere' where book_key = 'k1'$$, '23503', null, 'a booking is somewhere');
select throws_ok($$delete from data.booking where book_key = 'k1'$$, '23503', null, 'a booking with history is not deleted');

-- S3, J2
select throws_ok('update data.booking_history set reason = ''x''', '42501', null, 'S3: history is not changed');
select throws_ok('delete from data.booking_history', '42501', null, 'S3: nor deleted');
select throws_ok('truncate data.booking_history', '42501', null, 'S3: nor emptied');
select throws_ok('update data.journal set verdict = ''x''', '42501', null, 'J2: the journal is not changed');
select throws_ok('delete from data.journal', '42501', null, 'J2: nor deleted');
select throws_ok('truncate data.journal', '42501', null, 'J2: nor emptied');
select throws_ok('delete from data.journal_default', '42501', null, 'J2: nor a partition of it');
select throws_ok($$insert into data.booking_history (book_key, at, actor, db_user, new_state, new_status, organization_id)
    values ('k1', now(), 'X', 'x', 'BOOKED', '201', 'T1')$$, '23514', null, 'S3: an actor is one of four');

-- configuration
select throws_ok($$update data.organization set time_zone = 'Europe/Nowhere' where organization_id = 'T1'$$, '23514', null, 'T1: a zone is known');
select throws_ok($$update data.organization set time_zone = 'MSK' where organization_id = 'T1'$$, '23514', null, 'T1: an abbreviation is no zone');
select throws_ok($$update data.organization set time_zone = '+03:00' where organization_id = 'T1'$$, '23514', null, 'T1: an offset is no zone');
select throws_ok($$update data.organization set booking_window_days = 13 where organization_id = 'T1'$$, '23514', null, 'B5, item 9.7: not under 14 days');
select lives_ok($$update data.organization set booking_window_days = 14 where organization_id = 'T1'$$, 'B5: 14 days will do');
select throws_ok(format('update data.organization set horizon_days = %s where organization_id = ''T1''', n), '23514', null, 'item 9.7: a horizon of ' || n || ' days') from unnest('{-1,1,7,13,401}'::integer[]) as n;
select lives_ok(format('update data.organization set horizon_days = %s where organization_id = ''T1''', n), 'item 9.7: a horizon of ' || n || ' days will do') from unnest('{0,14,400}'::integer[]) as n;
select lives_ok($$update data.organization set horizon_days = null where organization_id = 'T1'$$, 'item 9.7: none follows the window');
-- what an office had before the rule is put right, and nothing else
alter table data.organization disable trigger organization_offered_days;
alter table data.organization drop constraint organization_horizon_range, add constraint organization_horizon_range check (horizon_days between 0 and 400);
update data.organization set horizon_days = case organization_id when 'T1' then 7 else 0 end where organization_id in ('T1', 'T2');
\ir ../../sql/migrations/026_horizon.sql
select results_eq($$select organization_id, horizon_days from data.organization where organization_id in ('T1', 'T2') order by 1$$, $$values ('T1', 14), ('T2', 0)$$, 'item 9.7: the migration raises what is below');
alter table data.organization enable trigger organization_offered_days;
select throws_ok($$update data.organization set hold_default_min = 4 where organization_id = 'T1'$$, '23514', null, 'A23: bounds in order');
select throws_ok($$update data.organization set hold_max_min = 30 where organization_id = 'T1'$$, '23514', null, 'A23: bounds in order, above');
select throws_ok($$update data.organization set latitude = 91 where organization_id = 'T1'$$, '23514', null, 'R4: latitude');
select throws_ok($$update data.organization set longitude = -181 where organization_id = 'T1'$$, '23514', null, 'R4: longitude');
select throws_ok($$insert into data.organization (organization_id, agency_code, number, name, time_zone) values ('T3', 'TEST00001', 900002, 'x', 'Europe/Moscow')$$, '23505', null, 'B8: a number is one organization''s');
select throws_ok($$insert into data.area (organization_id, area_id, number, name) values ('T1', 'a9', 16384, 'x')$$, '23514', null, 'B8: a number fits the clock sequence');
select throws_ok($$insert into data.area (organization_id, area_id, number, name) values ('T1', 'a9', 2, 'x')$$, '23505', null, 'B8: a number is one area''s');
select throws_ok(format('update data.%s set number = number + 5000 where organization_id = ''T1''', t), '55000', null, 'B8: a number never changes, not by whoever owns the table: ' || t) from unnest(array['organization', 'area']) as t;
select throws_ok($$update data.area set area_id = '' where organization_id = 'T1' and area_id = 'a1'$$, '23514', null, 'an area has an id');
select throws_ok($$update data.area set parent_key = (select area_key from data.area where area_id = 'b1' and organization_id = 'T2')
    where organization_id = 'T1' and area_id = 'a1'$$, '23503', null, 'B9: a parent is of the same organization');
select lives_ok($$update data.area set parent_key = (select area_key from data.area where area_id = 'a3' and organization_id = 'T1')
    where organization_id = 'T1' and area_id = 'a1'$$, 'B9: a tree');
select throws_ok($$update data.area set parent_key = (select area_key from data.area where area_id = 'a1' and organization_id = 'T1')
    where organization_id = 'T1' and area_id = 'a3'$$, '23514', null, 'B9: not a ring');
select throws_ok($$update data.area set parent_key = area_key where organization_id = 'T1' and area_id = 'a3'$$, '23514', null, 'B9: not itself');
select throws_ok($$insert into data.timetable (area_key, organization_id, weekday, starts, ends, slot_min)
    select area_key, organization_id, 8, '09:00', '10:00', 15 from data.area where organization_id = 'T1' and area_id = 'a1'$$, '23514', null, 'a week has seven days');
select throws_ok($$insert into data.timetable (area_key, organization_id, weekday, starts, ends, slot_min)
    select area_key, organization_id, 1, '10:00', '09:00', 15 from data.area where organization_id = 'T1' and area_id = 'a1'$$, '23514', null, 'hours begin before they end');
select throws_ok($$insert into data.timetable (area_key, organization_id, weekday, starts, ends, slot_min, service_id)
    select area_key, organization_id, 1, '09:00', '10:00', 15, 's3' from data.area where organization_id = 'T1' and area_id = 'a1'$$, '23503', null, 'a service its organization does not offer');
select throws_ok($$insert into data.message_seen values ('PORTAL', '', 'x', 1, now())$$, '23514', null, 'B6: a message has an id');
select throws_ok($$insert into data.organization_status values ('T1', '20', 'x')$$, '23514', null, 'S4: a text belongs to a status');
reset role;
select * from finish();
rollback;
