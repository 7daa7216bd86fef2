-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- B2, B9: an area for one is one person's at a time, whoever writes and however: rows of data.place and data.slot written by
-- the owner of the tables himself, by times that touch, overlap, cross midnight, or are odd. No GiST anywhere, a key on every
-- table, and an admin.check() that believes no index.
\ir lib/helpers.psql
select no_plan();

select is_empty($$select c.oid::regclass from pg_class as c join pg_am as m on m.oid = c.relam
    where c.relkind in ('i', 'I') and m.amname <> 'btree' and c.relnamespace in ('data'::regnamespace, 'api'::regnamespace, 'admin'::regnamespace)$$,
    'B2: every index is a B-tree: a scan of GiST that is begun again may lose rows');
select is_empty($$select conname from pg_constraint where contype = 'x'$$, 'B2: and no exclusion constraint rests on another');
select is_empty($$select extname from pg_extension where extname = 'btree_gist'$$, 'B2: nor is there the extension for it');
select is_empty($$select c.oid::regclass from pg_class as c
    where c.relkind in ('r', 'p') and c.relnamespace in ('data'::regnamespace, 'api'::regnamespace, 'admin'::regnamespace)
        and not exists (select from pg_index as i where i.indrelid = c.oid and (i.indisprimary or i.indisreplident))$$,
    'O3: every table, partitions too, has a key: without one logical replication refuses each change');
set local client_min_messages = error; -- no need of wal_level = logical to be refused
create publication everything for all tables;
insert into data.special_day (organization_id, day, kind) values ('T1', '2030-01-01', 'hours');
insert into data.special_hours (special_day_id, organization_id, starts, ends) select special_day_id, 'T1', '09:00', '10:00' from data.special_day where day = '2030-01-01';
select lives_ok($$update data.special_hours set ends = '11:00'$$, 'O3: published, hours are still changed');
select lives_ok($$delete from data.special_hours$$, 'O3: and deleted');
select lives_ok($$update data.booking_arrow set actors = actors where event = 'book'$$, 'O3: arrows too');
drop publication everything;
set local client_min_messages = warning;

-- An area of its own, and its owner with psql.
insert into data.area (organization_id, area_id, number, name) values ('T1', 'n', 77, 'Ночное окно'), ('T1', 'n2', 78, 'Другое'), ('T1', 'hall', 79, 'Зал'), ('T1', 'h1', 80, 'Стол 1'), ('T1', 'h2', 81, 'Стол 2');
select is(pg_temp.book('k1', array[pg_temp.slot('a1', 5)]), '201/0 slots=1', 'a booking to take places for');
grant usage on schema public to zapisd_owner;
create function pg_temp.key(a text) returns integer language sql as $$ select area_key from data.area where organization_id = 'T1' and area_id = a $$;
create function pg_temp.take(a text, since text, until text, before integer default 0, after integer default 0, n integer default 1) returns text language plpgsql as $$
declare
    id uuid := gen_random_uuid();
    c text;
begin
    insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at, capacity, serial)
    select id, 'T1', pg_temp.key(a), since::timestamptz, until::timestamptz, n,
        (select coalesce(max(s.serial), 0) + 1 from data.slot as s where s.area_key = pg_temp.key(a));
    insert into data.place (slot_id, place_no, book_key, capacity, area_key, starts_at, ends_at, before_min, after_min)
    select s.slot_id, 1, 'k1', s.capacity, s.area_key, s.starts_at, s.ends_at, before, after from data.slot as s where s.slot_id = id;
    return case when found then 'taken' else 'nothing' end;
exception when exclusion_violation then
    get stacked diagnostics c = constraint_name;
    return c;
end $$;
set local role zapisd_owner;
select is(pg_temp.take(a, '2031-03-01 ' || since, '2031-03-0' || until, before, after, n), want, format('B2: %s from %s to %s (%s %s): %s', a, since, until, before, after, what)) from (values
    (1, 'n', '09:00', '1 09:20', 0, 0, 1, 'taken', 'the first'),
    (2, 'n', '09:00', '1 09:30', 0, 0, 1, 'place_area_once', 'begins with it'),
    (3, 'n', '09:19:59', '1 09:40', 0, 0, 1, 'place_area_once', 'a second too early'),
    (4, 'n', '09:19:59.999999', '1 09:40', 0, 0, 1, 'place_area_once', 'a microsecond too early'),
    (5, 'n', '09:20', '1 09:27', 0, 0, 1, 'taken', 'touches it, seven minutes'),
    (6, 'n', '09:27', '1 09:27:30', 0, 0, 1, 'taken', 'half a minute'),
    (7, 'n', '09:27:30', '1 09:28:11', 0, 0, 1, 'taken', 'in the minute of another'),
    (8, 'n', '09:27:40', '1 09:27:41', 0, 0, 1, 'place_area_once', 'within one'),
    (9, 'n', '08:30', '1 10:00', 0, 0, 1, 'place_area_once', 'around all'),
    (10, 'n', '08:30', '1 09:00', 0, 1, 1, 'place_area_once', 'a minute after it is kept free'),
    (11, 'n', '08:30', '1 09:00', 0, 0, 1, 'taken', 'none is'),
    (12, 'n', '09:50', '1 10:00', 30, 0, 1, 'place_area_once', 'half an hour before it is kept free'),
    (13, 'n', '10:00', '1 10:10', 60, 60, 1, 'place_area_once', 'an hour around it'),
    (14, 'n', '11:00', '1 11:10', 60, 60, 1, 'taken', 'an hour around it is free'),
    (15, 'n', '12:05', '1 12:10', 0, 0, 1, 'place_area_once', 'in what another keeps free'),
    (16, 'n', '12:10', '1 12:20', 0, 0, 1, 'taken', 'after it'),
    (17, 'n', '23:50', '2 00:20', 0, 0, 1, 'taken', 'across midnight'),
    (18, 'n', '23:40', '1 23:51', 0, 0, 1, 'place_area_once', 'before midnight'),
    (19, 'n', '22:00', '2 22:00', 0, 0, 1, 'place_area_once', 'a whole day'),
    (20, 'n2', '22:00', '2 22:00', 720, 720, 1, 'taken', 'a day, half a day around it, elsewhere'),
    (21, 'n2', '10:00', '1 10:01', 0, 0, 1, 'place_area_once', 'the first minute of that'),
    (22, 'n2', '09:59', '1 10:00', 0, 0, 1, 'taken', 'the minute before it'),
    (23, 'n', '09:00', '1 09:20', 0, 0, 5, 'taken', 'a slot for five is another matter')) as v (i, a, since, until, before, after, n, want, what) order by i;
-- slots that are changed under their places
select throws_ok($$update data.slot set ends_at = ends_at + interval '1 minute' where area_key = pg_temp.key('n') and starts_at = '2031-03-01 08:30'$$, '23P01', null, 'B2: a slot does not grow into another visit');
select throws_ok($$update data.slot set capacity = 1 where area_key = pg_temp.key('n') and capacity = 5$$, '23P01', null, 'B2: nor become one for one over another');
select throws_ok($$update data.slot set area_key = pg_temp.key('n2'), serial = 5 where area_key = pg_temp.key('n') and starts_at = '2031-03-01 23:50'$$, '23P01', null, 'B2: nor move into an area that is taken');
select lives_ok($$update data.slot set ends_at = ends_at - interval '1 minute' where area_key = pg_temp.key('n') and starts_at = '2031-03-01 08:30'$$, 'B2: it may shrink');
select lives_ok($$update data.slot set starts_at = starts_at + interval '1 month', ends_at = ends_at + interval '1 month' where area_key = pg_temp.key('n') and starts_at = '2031-03-01 23:50'$$, 'B2: and go where nobody is');
select throws_ok($$update data.place set after_min = 31 where area_key = pg_temp.key('n') and starts_at = '2031-03-01 08:30'$$, '23P01', null, 'B2: a buffer does not grow into another visit');
-- many at once
select lives_ok($$
    with s as (insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at)
        select gen_random_uuid(), 'T1', pg_temp.key('n2'), t, t + interval '7 minutes' from generate_series(timestamptz '2040-01-01', '2040-02-10', interval '7 minutes') as t returning *)
    select count(*) from s$$, 'B2: eight thousand slots');
select lives_ok($$insert into data.place (slot_id, place_no, book_key, capacity, area_key, starts_at, ends_at)
    select slot_id, 1, 'k1', capacity, area_key, starts_at, ends_at from data.slot where area_key = pg_temp.key('n2') and starts_at >= '2040-01-01'$$, 'B2: all taken in one statement: locks do not run out');
select cmp_ok((select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()), '<', 1500::bigint, 'B2: they are bounded');
select is(pg_temp.take('n2', '2040-02-01 00:00', '2040-02-01 00:01'), 'place_area_once', 'B2: and each of them counts');

-- B9: exclusive areas come with the place, whoever takes it, and stay as long
reset role;
update data.area set parent_key = pg_temp.key('hall') where organization_id = 'T1' and area_id in ('h1', 'h2');
update data.area set is_exclusive = true where organization_id = 'T1' and area_id = 'hall';
set local role zapisd_owner;
select is(pg_temp.take('h1', '2031-05-01 09:00', '2031-05-01 09:20'), 'taken', 'B9: a table in a hall for one visit');
select is(pg_temp.take('h2', '2031-05-01 09:10', '2031-05-01 09:30'), 'occupancy_area_once', 'B9: the other table is not to be had, by psql either');
select is(pg_temp.take('h2', '2031-05-01 09:20', '2031-05-01 09:30'), 'taken', 'B9: after it it is');
select throws_ok($$update data.slot set ends_at = '2031-05-01 09:21' where area_key = pg_temp.key('h1') and starts_at = '2031-05-01 09:00'$$, '23P01', null, 'B9: nor by a slot that grows');
select throws_ok($$delete from data.occupancy$$, '42501', null, 'B9: what is used is not forgotten');
select throws_ok($$update data.occupancy set busy_to = busy_from + interval '1 second'$$, '42501', null, 'B9: nor made shorter');
delete from data.place where area_key = pg_temp.key('h1');
select is(pg_temp.take('h2', '2031-05-01 09:00', '2031-05-01 09:20'), 'taken', 'B9: it ends with its place');
reset role;

-- who is asked politely makes no row, and says nothing
select is(pg_temp.book('k2', array[pg_temp.slot('a1', 5)]), '208/4', 'the functions still answer');
select is(current_setting('zapisd.asking', true), '', 'B2: what they ask with ends with them');

-- T2: hours, by an operator himself
set local role zapisd_operator;
select lives_ok($$insert into data.timetable (area_key, organization_id, weekday, starts, ends, slot_min) select area_key, 'T1', 6, '09:00', '12:00', 15 from data.area where organization_id = 'T1' and area_id = 'n'$$, 'T2: an operator writes hours');
select throws_ok($$insert into data.timetable (area_key, organization_id, weekday, starts, ends, slot_min) select area_key, 'T1', 6, '11:59', '13:00', 15 from data.area where organization_id = 'T1' and area_id = 'n'$$, '23P01', null, 'T2: that do not overlap');
select lives_ok($$insert into data.timetable (area_key, organization_id, weekday, starts, ends, slot_min) select area_key, 'T1', 6, '12:00', '13:00', 15 from data.area where organization_id = 'T1' and area_id = 'n'$$, 'T2: or touch');
reset role;

-- admin.check(): an overlap that got in, and an index that lost a row
select is_empty('select * from admin.check()', 'nothing is wrong');
set local role zapisd_owner;
alter table data.place disable trigger place_area_once;
select is(pg_temp.take('n', '2031-03-01 09:10', '2031-03-01 09:25'), 'taken', 'an overlap got in somehow');
alter table data.place enable trigger place_area_once;
reset role;
select is((select count(*) from admin.check() where problem = 'помещение на одного занято дважды' and what like '%организация T1, помещение n%'), 2::bigint, 'B2: it is found, pair by pair');
select is((select count(*) from admin.check()), 2::bigint, 'B2: and nothing else');
delete from data.place where starts_at = '2031-03-01 09:10' and area_key = pg_temp.key('n');
select is_empty('select * from admin.check()', 'nothing is wrong again');
create temp table plan (line text);
create function pg_temp.answers(i regclass) returns boolean language plpgsql set enable_seqscan = off set enable_sort = off
    set enable_incremental_sort = off set enable_bitmapscan = off set max_parallel_workers_per_gather = 0 as $$
declare
    p text := '';
    line text;
begin
    for line in execute 'explain ' || data.index_question(i) loop
        p := p || line;
    end loop;
    return p like '%using ' || (select relname from pg_class where oid = i) || ' on %' and p not like '%Sort%';
end $$;
select ok(pg_temp.answers(i), 'B2: asked for its rows, none but it answers: ' || i) from data.asked_indexes() as i;
select set_has('select i::text from data.asked_indexes() as i', $$values ('data.place_pkey'), ('data.place_area'), ('data.place_booking'), ('data.slot_pkey'), ('data.occupancy_area')$$, 'B2: those that tell what is free are asked');
update pg_index set indisready = false where indexrelid = 'data.place_area'::regclass;
select is(pg_temp.take('n2', '2031-07-01 09:10', '2031-07-01 09:25'), 'taken', 'a row the index does not hear of');
update pg_index set indisready = true where indexrelid = 'data.place_area'::regclass;
select results_eq('select problem, what ~ ''^data.place_area: строк \d+, в индексе \d+'' from admin.check()', $$values ('индекс знает не все строки таблицы', true)$$, 'B2: an index that lies is named');
reindex index data.place_area;
select is_empty('select * from admin.check()', 'and mended');

-- L4: an operator may give a booked slot more places; the places are the owner's
set local role zapisd_operator;
select lives_ok($$update data.slot set capacity = capacity + 1 where slot_id = (select p.slot_id from data.place as p where p.hold_until is null limit 1)$$,
    'B9: an operator raises the capacity of a booked slot');
reset role;
select * from finish();
rollback;
