-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- T2, O3: weekly hours with periods, special days, calendars, generation that follows them, zones whose rules changed.
-- Expected times are worked out by hand from the rules of docs/decisions/0110, not by the functions tested.
\ir lib/helpers.psql
select no_plan();

insert into data.organization (organization_id, agency_code, number, name, phone, time_zone) values ('S', 'TEST00001', 900010, 'Расписание', '000', 'Europe/Moscow');
insert into data.organization_service values ('S', 's1'), ('S', 's2');
insert into data.area (organization_id, area_id, number, name, capacity) values ('S', 'hall', 1, 'Зал', 2), ('S', 'r1', 2, 'Кабинет 1', 1), ('S', 'r2', 3, 'Кабинет 2', 1);
update data.area set parent_key = (select area_key from data.area where organization_id = 'S' and area_id = 'hall') where organization_id = 'S' and area_id <> 'hall';
insert into data.area_service select area_key, 'S', 's1' from data.area where organization_id = 'S';
-- Monday to Friday 9-11 and 12-14 by the hour, Friday to 13; r2 only on Mondays
insert into data.timetable (area_key, organization_id, weekday, starts, ends, slot_min)
select area_key, 'S', w, h.a::time, h.b::time, 60
from data.area, generate_series(1, 5) w, (values ('09:00', '11:00'), ('12:00', '14:00')) h (a, b)
where organization_id = 'S' and (area_id = 'r1' or w = 1) and area_id <> 'hall' and not (w = 5 and h.a = '12:00');
insert into data.timetable (area_key, organization_id, weekday, starts, ends, slot_min)
select area_key, 'S', 5, '12:00', '13:00', 60 from data.area where organization_id = 'S' and area_id = 'r1';

create function pg_temp.offer(day date, area text default 'r1') returns text language sql as $$
    select coalesce(string_agg(to_char(f.wall_at, 'HH24:MI'), ' ' order by f.wall_at, f.serial), '-')
    from data.offered_slots('S', day, day) f join data.area a using (area_key) where a.area_id = area
$$;
create function pg_temp.open_at(day date, area text default 'r1') returns text language sql as $$
    select coalesce(string_agg(to_char(s.starts_at at time zone 'Europe/Moscow', 'HH24:MI'), ' ' order by s.starts_at), '-')
    from data.slot s join data.area a using (area_key)
    where a.organization_id = 'S' and a.area_id = area and not s.is_closed and (s.starts_at at time zone 'Europe/Moscow')::date = day
$$;

-- weekly hours: 2027-03-01 is a Monday
select is(pg_temp.offer('2027-03-01'), '09:00 10:00 12:00 13:00', 'T2: two intervals and a break');
select is(pg_temp.offer('2027-03-05'), '09:00 10:00 12:00', 'T2: a shorter Friday');
select is(pg_temp.offer('2027-03-06'), '-', 'T2: nothing on a Saturday');
select is(pg_temp.offer('2027-03-02', 'r2'), '-', 'T2: an area with Mondays only');
select is(pg_temp.offer('2027-03-01', 'hall'), '-', 'T2: an area without hours');

-- periods of validity
select lives_ok($$insert into data.timetable (area_key, organization_id, weekday, starts, ends, slot_min, valid_from)
    select area_key, 'S', 2, '09:00', '10:00', 30, '2027-04-01' from data.area where organization_id = 'S' and area_id = 'r2'$$, 'T2: hours from a day on');
select lives_ok($$insert into data.timetable (area_key, organization_id, weekday, starts, ends, slot_min, valid_to)
    select area_key, 'S', 2, '09:00', '10:00', 20, '2027-03-31' from data.area where organization_id = 'S' and area_id = 'r2'$$, 'T2: the same hours, otherwise cut, until then');
select is(pg_temp.offer('2027-03-30', 'r2'), '09:00 09:20 09:40', 'T2: before');
select is(pg_temp.offer('2027-04-06', 'r2'), '09:00 09:30', 'T2: after');
select throws_ok($$insert into data.timetable (area_key, organization_id, weekday, starts, ends, slot_min)
    select area_key, 'S', 2, '09:30', '12:00', 30 from data.area where organization_id = 'S' and area_id = 'r2'$$, '23P01', null, 'T2: overlapping hours are refused');
select lives_ok($$insert into data.timetable (area_key, organization_id, weekday, starts, ends, slot_min, serial)
    select area_key, 'S', 2, '09:30', '10:30', 60, 1 from data.area where organization_id = 'S' and area_id = 'r2'$$, 'T2: unless they have another serial');
select is(pg_temp.offer('2027-04-06', 'r2'), '09:00 09:30 09:30', 'T2: both');
select is(admin.set_hours_for('S', 'r1', '2027-06-07', '2027-06-13', 'пн-вт', '10:00-12:00', 60), 2, 'T2, O3: other hours for a week');
select is(pg_temp.offer('2027-06-07'), '10:00 11:00', 'T2: that week');
select is(pg_temp.offer('2027-05-31') || '/' || pg_temp.offer('2027-06-14'), '09:00 10:00 12:00 13:00/09:00 10:00 12:00 13:00', 'T2: as before, before and after it');
select is(admin.set_hours_for('S', 'r1', '2027-07-01', null, 'ср', 'нет', 60), 0, 'T2: no Wednesdays from July');
select is(pg_temp.offer('2027-06-30') || '/' || pg_temp.offer('2027-07-07'), '09:00 10:00 12:00 13:00/-', 'T2: the last Wednesday');
-- The last word counts: hours for good take the place of hours for a time, and nobody is offered two grids (T2, B1).
create function pg_temp.grids(area text) returns bigint language sql as $$
    select count(*) from data.timetable as t join data.timetable as u on u.area_key = t.area_key and u.weekday = t.weekday and u.ctid > t.ctid and u.starts < t.ends and u.ends > t.starts
        and u.service_id is not distinct from t.service_id and daterange(u.valid_from, u.valid_to, '[]') && daterange(t.valid_from, t.valid_to, '[]')
    join data.area as a on a.area_key = t.area_key where a.organization_id = 'S' and a.area_id = area
$$;
create temp table hours_before as select t.* from data.timetable as t where t.organization_id = 'S';
create function pg_temp.kept_hours() returns void language sql as $$ delete from data.timetable where organization_id = 'S'; insert into data.timetable overriding system value select * from hours_before $$;
select is(admin.set_hours('S', 'r1', 'пн', '9:10-12:10', 60), 1, 'T2: hours for good, after hours for a week in June');
select is(pg_temp.offer('2027-05-31') || '/' || pg_temp.offer('2027-06-07') || '/' || pg_temp.offer('2027-06-14'), '09:10 10:10 11:10/09:10 10:10 11:10/09:10 10:10 11:10', 'T2: hold before it, in it and after it');
select is(pg_temp.offer('2027-06-08') || '/' || pg_temp.offer('2027-06-15'), '10:00 11:00/09:00 10:00 12:00 13:00', 'T2: on that weekday and no other');
select is(admin.set_hours('S', 'r1', 'пн-ср', '9:00-11:00', 60), 3, 'T2: in any order');
select is(admin.set_hours_for('S', 'r1', '2027-06-07', '2027-06-13', 'пн-ср', '22:00-2:00', 60), 6, 'T2: nights of a week');
select is(admin.set_hours('S', 'r1', 'пн-ср', '21:30-23:30', 60), 3, 'T2: no nights');
select is(pg_temp.offer('2027-06-08') || '/' || pg_temp.offer('2027-06-09'), '21:30 22:30/21:30 22:30', 'T2: neither evenings nor nights are left of it');
select is(admin.set_hours('S', 'r1', 'пн-ср', 'нет', 60), 0, 'T2: none at all');
select is(pg_temp.offer('2027-06-07') || pg_temp.offer('2027-07-07'), '--', 'T2: is none, also in that week and from July');
select is(pg_temp.grids('r1'), 0::bigint, 'B1: one grid');
select pg_temp.kept_hours();
-- Whatever order of these commands: never two grids of one service.
create function pg_temp.said(n integer) returns text language plpgsql as $$
declare
    x integer := n;
    q text;
    said text := '';
begin
    for k in 1 .. 3 loop
        q := (array[$q$select admin.set_hours('S', 'r1', 'пн-вт', '9:00-12:00', 60)$q$, $q$select admin.set_hours('S', 'r1', 'вт-ср', '9:10-12:10', 30)$q$, $q$select admin.set_hours('S', 'r1', 'вт', 'нет', 30)$q$,
            $q$select admin.set_hours_for('S', 'r1', '2027-06-07', '2027-06-13', 'пн-ср', '9:20-11:20', 40)$q$, $q$select admin.set_hours_for('S', 'r1', '2027-06-10', null, 'вт', '9:25-11:25', 40)$q$,
            $q$select admin.set_hours_for('S', 'r1', null, '2027-06-08', 'вт-ср', '22:00-1:00', 60)$q$])[x % 6 + 1];
        x := x / 6;
        said := said || q || '; ';
        execute q;
    end loop;
    return said;
end $$;
create temp table orders (n integer, said text, grids bigint, crossed bigint);
do $$
begin
    for i in 0 .. 215 loop
        perform pg_temp.kept_hours();
        insert into orders select i, pg_temp.said(i);
        update orders set grids = pg_temp.grids('r1'), crossed = (
            with offered as materialized (
                select o.* from data.offered_slots('S', '2027-06-07', '2027-06-22') as o join data.area as a using (area_key) where a.area_id = 'r1')
            select count(*) from offered as f join offered as g
            on g.wall_at < f.wall_end and g.wall_end > f.wall_at and (g.wall_at, g.serial) > (f.wall_at, f.serial)) where n = i;
    end loop;
end $$;
select is_empty('select said, grids, crossed from orders where grids > 0 or crossed > 0', 'T2, B1: of 216 ways to say three of them none makes two grids');
select pg_temp.kept_hours();
select throws_ok($$select admin.set_hours_for('S', 'r1', null, null, 'ср', '9:00-10:00', 60)$$, '22023', null, 'set_hours_for: no period');
select throws_ok($$select admin.set_hours_for('S', 'r1', '2027-07-02', '2027-07-01', 'ср', '9:00-10:00', 60)$$, '22023', null, 'set_hours_for: ends before it begins');
select throws_ok($$select admin.set_hours_for('S', 'nowhere', '2027-07-02', null, 'ср', '9:00-10:00', 60)$$, 'P0002', null, 'set_hours_for: unknown area');
select throws_ok($$select admin.set_hours_for('S', 'r1', '2027-07-02', null, 'ср', '9:00-8:00', 60)$$, '22023', null, 'set_hours_for: hours backwards');
select throws_ok($$select admin.set_hours_for('S', 'r1', '2027-07-02', null, 'ср', '9:00-11:00, 10:00-12:00', 60)$$, '22023', null, 'set_hours_for: hours overlap');
select throws_ok($$select admin.set_hours_for('S', 'r1', '2027-07-02', null, 'ср', '25:00-26:00', 60)$$, '22008', null, 'set_hours_for: no such hour');
select throws_ok($$select admin.set_hours_for('S', 'r1', '2027-07-02', null, 'ср', 'с девяти до пяти', 60)$$, '22023', null, 'set_hours_for: words');
select throws_ok($$select admin.set_hours_for('S', 'r1', '2027-07-02', null, 'ср', '9:00-10:00', 0)$$, '23514', null, 'set_hours_for: visits of no length');
select throws_ok($$select admin.set_hours_for('S', 'r1', '2027-07-02', null, 'ср', '9:00-10:00', 30, 's3')$$, '23503', null, 'set_hours_for: a service it does not offer');

-- calendars
select is(admin.add_calendar('t-land', 'Страна'), 't-land', 'a calendar');
select is(admin.add_calendar('t-region', 'Область', 't-land'), 't-region', 'one that rests on it');
select is(admin.use_calendar('TEST00001', 't-land'), 't-land', 'the agency keeps it');
select is(admin.calendar_day('t-land', '2027-03-08', 'праздник', 'Женский день'), 'праздник', 'a holiday');
select is(admin.calendar_day('t-land', '2027-03-06', 'как пт', 'перенос'), 'как пт', 'a Saturday worked as a Friday');
select is(admin.calendar_day('t-land', '2027-03-04', 'короче на 60', 'предпраздничный'), 'короче на 60', 'a short day');
select is(pg_temp.offer('2027-03-08'), '-', 'T2: nobody comes on a holiday');
select is(pg_temp.offer('2027-03-06'), '09:00 10:00 12:00', 'T2: a Saturday worked as a Friday has Friday''s hours');
select is(pg_temp.offer('2027-03-06', 'r2'), '-', 'T2: of those who work on Fridays');
select is(pg_temp.offer('2027-03-04'), '09:00 10:00 12:00', 'T2: an hour less at the end of a short day');
select is(pg_temp.offer('2027-03-03'), '09:00 10:00 12:00 13:00', 'T2: an ordinary day');
select is(admin.calendar_day('t-region', '2027-03-08', 'обычный'), 'обычный', 'the region works on that day');
select is(pg_temp.offer('2027-03-08'), '-', 'T2: not ours');
select is(admin.use_calendar('S', 't-region'), 't-region', 'an organization of the region');
select is(pg_temp.offer('2027-03-08'), '09:00 10:00 12:00 13:00', 'T2: the nearest calendar wins');
select is(pg_temp.offer('2027-03-06'), '09:00 10:00 12:00', 'T2: and where it is silent the country''s holds');
select is(admin.use_calendar('S', 'нет'), 'нет', 'opted out');
select is(pg_temp.offer('2027-03-06') || '/' || pg_temp.offer('2027-03-04'), '-/09:00 10:00 12:00 13:00', 'T2: whoever keeps no calendar has weeks only');
select is(admin.use_calendar('S', null), 'как у ведомства', 'opted in again');
select is(pg_temp.offer('2027-03-08'), '-', 'T2: the agency''s calendar');
select throws_ok($$select admin.use_calendar('nobody', 't-land')$$, 'P0002', null, 'use_calendar: nobody');
select throws_ok($$select admin.use_calendar('S', 'nowhere')$$, '23503', null, 'use_calendar: unknown calendar');
select throws_ok($$select admin.calendar_day('nowhere', '2027-03-08', 'праздник')$$, '23503', null, 'calendar_day: unknown calendar');
select throws_ok($$select admin.calendar_day('t-land', '2027-03-08', 'выходной')$$, '22023', null, 'calendar_day: unknown word');
select throws_ok($$select admin.calendar_day('t-land', '2027-03-08', 'как вч')$$, '22023', null, 'calendar_day: no such weekday');
select throws_ok($$select admin.calendar_day('t-land', '2027-03-08', 'короче на 0')$$, '23514', null, 'calendar_day: shorter by nothing');
select throws_ok($$select admin.calendar_day('t-land', '2027-03-08', 'короче на 999')$$, '23514', null, 'calendar_day: shorter than nothing');
select throws_ok($$select admin.calendar_day('t-land', null, 'праздник')$$, '22023', null, 'calendar_day: no day');
select throws_ok($$select admin.calendar_day('t-land', '2027-03-08', null)$$, '22023', null, 'calendar_day: no kind');
select throws_ok($$insert into data.calendar_day values ('t-land', '2027-03-09', 'workday')$$, '23514', null, 'a moved working day says as which it is worked');
select throws_ok($$insert into data.calendar_day values ('t-land', '2027-03-09', 'holiday', 5)$$, '23514', null, 'a holiday is worked as nothing');
select throws_ok($$insert into data.calendar values ('t-x', 't-x', 'x')$$, '23514', null, 'no calendar rests on itself');
update data.calendar set parent_id = 't-region' where calendar_id = 't-land';
select is(pg_temp.offer('2027-03-06'), '09:00 10:00 12:00', 'two that rest on each other do no harm');
update data.calendar set parent_id = null where calendar_id = 't-land';

-- special days: before the calendar, the area's before its hall's, that before the organization's
select is(admin.special_day('S', '2027-03-09', 'закрыто'), 'закрыто', 'closed');
select is(pg_temp.offer('2027-03-09'), '-', 'T2: a closed day');
select is(admin.special_day('S', '2027-03-09', '10:00-13:00'), '10:00-13:00', 'other hours instead');
select is(pg_temp.offer('2027-03-09'), '10:00 12:00', 'T2: of the usual slots those within the hours, where they always were');
select is(admin.special_day('S', '2027-03-09', '12:00-14:00', 'hall'), '12:00-14:00', 'the hall otherwise');
select is(pg_temp.offer('2027-03-09'), '12:00 13:00', 'T2: and what is inside it');
select is(admin.special_day('S', '2027-03-09', '15:00-16:00', 'r1', 20), '15:00-16:00', 'the room its own');
select is(pg_temp.offer('2027-03-09'), '15:00 15:20 15:40', 'T2: hours of its own with visits of their own length');
select is(pg_temp.offer('2027-03-09', 'r2'), '-', 'T2: the room beside keeps the hall''s, which leave nothing of its Tuesday');
select is(admin.special_day('S', '2027-03-13', '9:00-10:00', as_weekday => 'пн'), '9:00-10:00', 'a Saturday as a Monday, an hour long');
select is(pg_temp.offer('2027-03-13') || '/' || pg_temp.offer('2027-03-13', 'r2'), '09:00/09:00', 'T2: whoever works on Mondays');
select is(admin.special_day('S', '2027-03-08', 'обычный'), 'обычный', 'working on the holiday');
select is(pg_temp.offer('2027-03-08'), '09:00 10:00 12:00 13:00', 'T2: a special day goes before the calendar');
select is(admin.special_day('S', '2027-03-08', 'убрать'), 'убран', 'not after all');
select is(pg_temp.offer('2027-03-08'), '-', 'T2: the holiday again');
insert into data.day_off values ('S', '2027-03-09', 'санитарный');
select is(pg_temp.offer('2027-03-09'), '-', 'T2: a day off goes before everything');
delete from data.day_off where organization_id = 'S';
select throws_ok($$select admin.special_day('nowhere', '2027-03-09', 'закрыто')$$, 'P0002', null, 'special_day: unknown organization');
select throws_ok($$select admin.special_day('S', '2027-03-09', 'закрыто', 'nowhere')$$, 'P0002', null, 'special_day: unknown area');
select throws_ok($$select admin.special_day('S', null, 'закрыто')$$, '22023', null, 'special_day: no day');
select throws_ok($$select admin.special_day('S', '2027-03-09', '10')$$, '22023', null, 'special_day: no hours');
select throws_ok($$select admin.special_day('S', '2027-03-09', null)$$, '22023', null, 'special_day: nothing');
select throws_ok($$select admin.special_day('S', '2027-03-09', '10:00-12:00', null, 20)$$, '22023', null, 'special_day: a length for the whole organization');
select throws_ok($$select admin.special_day('S', '2027-03-09', '10:00-12:00', as_weekday => 'friday')$$, '22023', null, 'special_day: no such weekday');
select throws_ok($$select admin.special_day('S', '2027-03-09', 'закрыто', as_weekday => 'пт')$$, '23514', null, 'special_day: closed like a Friday');
select throws_ok($$insert into data.special_day (organization_id, area_key, day, kind) select 'S', area_key, '2027-03-10', 'closed' from data.area where organization_id = 'T1' and area_id = 'a1'$$,
    '23503', null, 'an area of another organization');
select results_eq($$select weekday, area_id, hours, slots, why from admin.schedule('S', '2027-03-05', '2027-03-08')$$,
    $$values ('пт', 'r1', '09:00-11:00, 12:00-13:00', 3::bigint, ''), ('сб', 'hall', '—', 0::bigint, 'перенос; как пт'),
        ('сб', 'r1', '09:00-11:00, 12:00-13:00', 3, 'перенос; как пт'), ('сб', 'r2', '—', 0, 'перенос; как пт'),
        ('пн', 'hall', '—', 0, 'Женский день'), ('пн', 'r1', '—', 0, 'Женский день'), ('пн', 'r2', '—', 0, 'Женский день')$$, 'O3: admin.schedule() tells hours and why');
select throws_ok($$select * from admin.schedule('nowhere')$$, 'P0002', null, 'schedule: unknown organization');
select throws_ok($$select * from admin.schedule('S', '2027-03-05', '2027-03-04')$$, '22023', null, 'schedule: days out of order');

-- generation follows, and never touches what is booked
update data.organization set booking_window_days = 366 where organization_id = 'S';
select is(admin.generate('S', '2027-05-10', '2027-05-14'), 26::bigint, 'T2: a week (r1: 4 a day, Friday 3; r2: Monday 4, Tuesday 3)') ;
select is(admin.generate('S', '2027-05-10', '2027-05-14'), 0::bigint, 'T2: repeatable');
create temp table before as select * from data.slot where organization_id = 'S';
select is(admin.generate('S', '2027-05-10', '2027-05-14'), 0::bigint, 'T2: and once more');
select set_eq('select * from data.slot where organization_id = ''S''', 'select * from before', 'T2: with no row changed');
create function pg_temp.at(wall timestamp, area text default 'r1') returns text language sql as $$
    select s.slot_id::text from data.slot s join data.area a using (area_key)
    where a.organization_id = 'S' and a.area_id = area and s.starts_at = wall at time zone 'Europe/Moscow' and serial = 0
$$;
-- slots of the next months are beyond the window of some; open it by hand for the test's own bookings
create function pg_temp.take(book text, id text) returns void language plpgsql as $$
begin
    insert into data.booking (book_key, book_id, esia_id, organization_id, state, status_code, created_at, changed_at, service_ids)
    values (book, book, '1000000000', 'S', 'BOOKED', '201', now(), now(), '{s1}');
    insert into data.place (slot_id, place_no, book_key, capacity, area_key, starts_at, ends_at)
    select slot_id, 1, book, capacity, area_key, starts_at, ends_at from data.slot where slot_id = id::uuid;
    insert into data.booking_history (book_key, at, actor, db_user, new_state, new_status, organization_id, slot_ids)
    values (book, now(), 'A', session_user, 'BOOKED', '201', 'S', array[id::uuid]);
end $$;
select pg_temp.take('gen-1', pg_temp.at('2027-05-11 09:00'));
select pg_temp.take('gen-2', pg_temp.at('2027-05-11 12:00'));
update data.booking set state = 'CANCELLED_APPLICANT', status_code = '301' where book_key = 'gen-2';
delete from data.place where book_key = 'gen-2';
insert into data.booking_history (book_key, at, actor, db_user, old_state, new_state, new_status, organization_id) values ('gen-2', now(), 'A', session_user, 'BOOKED', 'CANCELLED_APPLICANT', '301', 'S');
select admin.special_day('S', '2027-05-11', 'закрыто');
select is(admin.generate('S', '2027-05-10', '2027-05-14'), 0::bigint, 'T2: a day that is closed now makes no slots');
select is(pg_temp.open_at('2027-05-11'), '-', 'T2: its free slots are withdrawn, and nobody else gets the booked one');
select is((select to_jsonb(s) - 'is_closed' - 'is_withdrawn' from data.slot s where slot_id = pg_temp.at('2027-05-11 09:00')::uuid),
    (select to_jsonb(s) - 'is_closed' - 'is_withdrawn' from before s where slot_id = pg_temp.at('2027-05-11 09:00')::uuid), 'T2: which is left as it was in every other column');
select is(pg_temp.owner_of(pg_temp.at('2027-05-11 09:00')), 'gen-1', 'T2: with its booking');
select is((select is_closed from data.slot where slot_id = (select slot_ids[1] from data.booking_history where book_key = 'gen-2' and old_state is null)), true, 'T2: one that history refers to is closed');
select is(pg_temp.at('2027-05-11 10:00'), null, 'T2: one nobody ever had is gone');
select is(pg_temp.open_at('2027-05-12'), '09:00 10:00 12:00 13:00', 'T2: other days are left alone');
select admin.special_day('S', '2027-05-11', 'убрать');
select is(admin.generate('S', '2027-05-10', '2027-05-14'), 5::bigint, 'T2: open again: two anew here, three beside');
select is(pg_temp.open_at('2027-05-11'), '09:00 10:00 12:00 13:00', 'T2: and the closed one opened');
select is((select slot_ids[1]::text from data.booking_history where book_key = 'gen-2' and old_state is null), pg_temp.at('2027-05-11 12:00'), 'T2: under the id it had');
update data.slot set is_closed = true where slot_id = pg_temp.at('2027-05-12 09:00')::uuid;
select admin.generate('S', '2027-05-10', '2027-05-14');
select is(pg_temp.open_at('2027-05-12'), '10:00 12:00 13:00', 'T2: what the operator closed stays closed');
-- other lengths and capacities
update data.timetable set slot_min = 30, capacity = 3 where organization_id = 'S' and weekday = 2 and starts = '09:00' and area_key = (select area_key from data.area where organization_id = 'S' and area_id = 'r1')
    and coalesce(valid_from, '2027-01-01') <= '2027-05-11' and coalesce(valid_to, '2028-01-01') >= '2027-05-11';
select admin.generate('S', '2027-05-10', '2027-05-14');
select is((select string_agg(to_char(starts_at at time zone 'Europe/Moscow', 'HH24:MI') || '/' || extract(epoch from ends_at - starts_at)::int / 60 || '/' || s.capacity, ' ' order by starts_at)
    from data.slot s join data.area a using (area_key) where a.organization_id = 'S' and area_id = 'r1' and (starts_at at time zone 'Europe/Moscow')::date = '2027-05-11'),
    '09:00/60/1 09:30/30/3 10:00/30/3 10:30/30/3 12:00/60/1 13:00/60/1', 'T2: free slots take the new length, the booked one keeps its own');
-- one booked in part closes for the rest
insert into data.timetable (area_key, organization_id, weekday, starts, ends, slot_min) select area_key, 'S', 1, '09:00', '10:00', 60 from data.area where organization_id = 'S' and area_id = 'hall';
select is(admin.generate('S', '2027-05-17', '2027-05-17'), 9::bigint, 'a hall for two');
select pg_temp.take('part', pg_temp.at('2027-05-17 09:00', 'hall'));
delete from data.timetable where organization_id = 'S' and area_key = (select area_key from data.area where organization_id = 'S' and area_id = 'hall');
select admin.generate('S', '2027-05-17', '2027-05-17');
select is(pg_temp.open_at('2027-05-17', 'hall') || '/' || pg_temp.owner_of(pg_temp.at('2027-05-17 09:00', 'hall')), '-/part', 'T2: its free place is not sold any more, its booking lives');
-- slots of other makers
insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at) select gen_random_uuid(), 'S', area_key, '2027-05-22 10:00+03', '2027-05-22 11:00+03' from data.area where organization_id = 'S' and area_id = 'r1';
select admin.generate('S', '2027-05-22', '2027-05-22');
select is(pg_temp.open_at('2027-05-22'), '10:00', 'T2: a slot that was not made from the timetable is not withdrawn by it');
select throws_ok($$select admin.generate('S', '2027-01-02', '2027-01-01')$$, '22023', null, 'generate: days out of order');
select throws_ok($$select admin.generate(null)$$, 'P0002', null, 'generate: no organization');

-- the daemon does it by itself
create function pg_temp.keep_house() returns text[] language plpgsql as $$
declare
    r record;
    all_of_it text[] := '{}';
begin
    for i in 1 .. 500 loop
        select * into r from api.housekeeping();
        exit when not found;
        all_of_it := all_of_it || (r.task || ' ' || r.did || case when r.failed then ' failed' else '' end);
    end loop;
    return all_of_it;
end $$;
update data.organization set booking_window_days = 14 where organization_id = 'S';
select ok(cardinality(array(select t from unnest(pg_temp.keep_house()) t where t like 'generate S,%')) >= 1, 'T2: housekeeping generates ahead');
select is((select max(wall_at)::date from data.slot s where organization_id = 'S' and s.starts_at < now() + interval '20 days'),
    (select max(d)::date from generate_series((now() at time zone 'Europe/Moscow')::date, (now() at time zone 'Europe/Moscow')::date + 15, interval '1 day') d where extract(isodow from d) < 6
        and not exists (select from data.calendar_days('S', d::date, d::date))), 'T2: up to the horizon, a day beyond the booking window');
select is(array(select t from unnest(pg_temp.keep_house()) t where t like '% S,%'), '{}', 'T2: and then rests');
select is((select due_from from data.schedule_state where organization_id = 'S'), (now() at time zone 'Europe/Moscow')::date + 16, 'T2: till tomorrow');
update data.organization set horizon_days = 40 where organization_id = 'S';
select ok((select due_from is null from data.schedule_state where organization_id = 'S'), 'T2: a longer horizon is news');
select ok(cardinality(array(select t from unnest(pg_temp.keep_house()) t where t like 'generate S,%')) = 6, 'T2: a week a call');
select is((select due_from from data.schedule_state where organization_id = 'S'), (now() at time zone 'Europe/Moscow')::date + 41, 'T2: as far as configured');
select admin.calendar_day('t-land', '2027-12-31', 'праздник');
select ok((select due_from is null from data.schedule_state where organization_id = 'S'), 'T2: a new holiday is news to those who keep the calendar');
update data.organization set horizon_days = 0 where organization_id = 'S';
select is(array(select t from unnest(pg_temp.keep_house()) t where t like '% S,%'), '{}', 'T2: horizon 0: by hand only');
update data.organization set horizon_days = 14 where organization_id = 'S';
-- a slot of another maker with the id a new one would have: on conflict it is left; an impossible capacity is a failure that is told
insert into data.timetable (area_key, organization_id, weekday, starts, ends, slot_min, service_id) select area_key, 'S', w, '20:00', '21:00', 60, 's2' from data.area, generate_series(1, 7) w where organization_id = 'S' and area_id = 'r2';
alter table data.slot add constraint test_refusal check (service_id is distinct from 's2') not valid;
select ok(exists (select from unnest(pg_temp.keep_house()) t where t like 'generate S:%failed'), 'O3: what fails is told');
select ok((select last_error is not null and not_before > now() from data.schedule_state where organization_id = 'S'), 'O3: kept, and not tried again at once');
alter table data.slot drop constraint test_refusal;
select is(pg_temp.book('hk', array[pg_temp.slot('a1', 9)], preliminary => true), '201/0 slots=1', 'a hold');
select pg_temp.lapse('hk');
select ok(exists (select from unnest(pg_temp.keep_house()) t where t like 'sweep %'), 'B3: housekeeping sweeps lapsed holds');
select is(pg_temp.state('hk'), 'EXPIRED', 'B3: EXPIRED');

-- Zones with history. Volgograd put its clocks back an hour on 2020-12-27 at 2:00 (+04 to +03); what had been made before
-- that was known stands at the instants of the old rule.
insert into data.organization (organization_id, agency_code, number, name, phone, time_zone) values ('V', 'TEST00001', 900011, 'Волгоград', '000', 'Europe/Volgograd'), ('N', 'TEST00001', 900012, 'Нью-Йорк', '000', 'America/New_York');
insert into data.area (organization_id, area_id, number, name) values ('V', 'v', 1, 'v'), ('N', 'n', 1, 'n');
insert into data.timetable (area_key, organization_id, weekday, starts, ends, slot_min) select area_key, organization_id, w, '00:30', '04:30', 30 from data.area, generate_series(1, 7) w where organization_id in ('V', 'N');
select is((select data.make_slots(o, '2020-12-26', '2020-12-26') || '/' || data.make_slots(o, '2020-12-27', '2020-12-27') from data.organization as o where organization_id = 'V'), '8/8', 'T2: Volgograd, the night the clocks went back: each wall time once');
select is((select array_agg(starts_at at time zone 'UTC' order by starts_at) from data.slot where organization_id = 'V' and wall_at >= '2020-12-27 00:30' and wall_at <= '2020-12-27 01:30'),
    '{"2020-12-26 20:30","2020-12-26 22:00","2020-12-26 22:30"}'::timestamp[], 'T2: 0:30 is +04, of 1:00 and 1:30 the second is meant, +03');
select is_empty($$select 1 from data.slot a join data.slot b using (area_key) where a.organization_id in ('V', 'N') and b.slot_id <> a.slot_id and a.starts_at < b.ends_at and b.starts_at < a.ends_at$$, 'T2: none overlap');
select is((select data.wire_time(starts_at, 'Europe/Volgograd') from data.slot where organization_id = 'V' and wall_at = '2020-12-27 04:00'), '2020-12-27T04:00:00+03:00', 'T1: the new offset');
select is((select data.wire_time(starts_at, 'Europe/Volgograd') from data.slot where organization_id = 'V' and wall_at = '2020-12-26 04:00'), '2020-12-26T04:00:00+04:00', 'T1: the old one');
select is(admin.generate('N', '2027-03-14', '2027-03-14'), 6::bigint, 'T2: New York, 2027-03-14: 2:00 and 2:30 do not exist');
select is((select string_agg(to_char(wall_at, 'HH24:MI'), ' ' order by wall_at) from data.slot where organization_id = 'N'), '00:30 01:00 01:30 03:00 03:30 04:00', 'T2: these are left; the one that ends where the clocks are put forward is half an hour like the others');
select is(admin.generate('N', '2027-11-07', '2027-11-07'), 8::bigint, 'T2: New York, 2027-11-07: each wall time once');
select is_empty($$select * from admin.zone_check()$$, 'T2: no slot is off');

-- rules change under what is made: an office gets another zone (a new tzdata does the same)
insert into data.organization (organization_id, agency_code, number, name, phone, time_zone) values ('Z', 'TEST00001', 900013, 'Пояс', '000', 'Europe/Volgograd');
insert into data.organization_service values ('Z', 's1');
insert into data.area (organization_id, area_id, number, name) values ('Z', 'z', 1, 'z');
insert into data.area_service select area_key, 'Z', 's1' from data.area where organization_id = 'Z';
insert into data.timetable (area_key, organization_id, weekday, starts, ends, slot_min) select area_key, 'Z', w, '09:00', '13:00', 30 from data.area, generate_series(1, 7) w where organization_id = 'Z';
create function pg_temp.zday() returns date language sql as $$ select (now() at time zone 'Europe/Volgograd')::date + 3 $$;
create function pg_temp.z(wall time) returns text language sql as $$ select slot_id::text from data.slot where organization_id = 'Z' and wall_at = pg_temp.zday() + wall $$;
select admin.generate('Z');
select is(pg_temp.book('z1', array[pg_temp.z('09:00')], organization => 'Z', services => '{s1}') || pg_temp.book('z2', array[pg_temp.z('10:00')], organization => 'Z', services => '{s1}')
    || pg_temp.book('z3', array[pg_temp.z('12:00'), pg_temp.z('12:30')], organization => 'Z', services => '{s1}') || pg_temp.book('z4', array[pg_temp.z('09:30')], true, organization => 'Z', services => '{s1}'),
    '201/0 slots=1201/0 slots=1201/0 slots=2201/0 slots=1', 'four visits');
create temp table zbefore as select * from data.slot where organization_id = 'Z';
update data.organization set time_zone = 'Europe/Samara' where organization_id = 'Z';
select cmp_ok((select count(*) from admin.zone_check('Z')), '>', 100::bigint, 'T2: every slot made is listed');
select results_eq($$select made_for, right(reads_now, 14) from admin.zone_check('Z') where 'z1' = any (book_ids)$$,
    $$select to_char(pg_temp.zday(), 'DD.MM.YYYY') || ' 09:00', '10:00:00+04:00'$$, 'T2: with the time it was made for and what it reads now');
select ok(cardinality(pg_temp.keep_house()) >= 0, 'housekeeping runs');
select is(admin.generate('Z'), 0::bigint, 'T2: generation moves nothing and makes no twin');
select set_eq('select * from data.slot where organization_id = ''Z'' and wall_at::date <= current_date + 20', 'select * from zbefore where wall_at::date <= current_date + 20', 'T2: nothing has moved');
select is((select count(*) from admin.zone_move('Z')), 4::bigint, 'T2: zone_move without apply lists');
select is((select count(*) from data.outbox where book_key like 'z_'), 0::bigint, 'T2: and tells nobody');
select set_eq($$select book_id, outcome, new_visit from admin.zone_move('Z', true)$$,
    $$select * from (values ('z1', 'перенесена', to_char(pg_temp.zday(), 'DD.MM.YYYY') || ' 09:00'), ('z2', 'перенесена', to_char(pg_temp.zday(), 'DD.MM.YYYY') || ' 10:00'),
        ('z3', 'перенесена', to_char(pg_temp.zday(), 'DD.MM.YYYY') || ' 12:00'), ('z4', 'осталась', null)) v$$, 'T2: moved to the same wall time; a hold is left to run out');
select results_eq($$select p.book_key, data.wire_time(min(p.starts_at), 'Europe/Samara') from data.place p where book_key in ('z1', 'z2', 'z3') group by 1 order by 1$$,
    $$select * from (values ('z1', pg_temp.zday() || 'T09:00:00+04:00'), ('z2', pg_temp.zday() || 'T10:00:00+04:00'), ('z3', pg_temp.zday() || 'T12:00:00+04:00')) v$$, 'T2: the wall time is kept, the instant is another');
select is((select string_agg(book_key || n, ' ' order by book_key) from (select book_key, count(*) n from data.outbox where book_key like 'z_' group by 1) x), 'z11 z21 z31', 'T2: each pushed once');
select is((select payload -> 'timeslot' ->> 'visitTime' from data.outbox where book_key = 'z1'), pg_temp.zday() || 'T09:00:00+04:00', 'M8: the portal is told the new offset');
select is((select array_agg(made_for) from admin.zone_check('Z')), array[to_char(pg_temp.zday(), 'DD.MM.YYYY') || ' 09:30'], 'T2: only the hold is off now');
select is_empty($$select 1 from data.slot s where organization_id = 'Z' and not is_closed and wall_at is not null and wall_at <> pg_temp.zday() + time '09:30' and starts_at > now() and starts_at at time zone 'Europe/Samara' <> wall_at$$, 'T2: free slots are at the new instants');
select is((select count(*) from data.slot where organization_id = 'Z' and not is_closed and wall_at::date = pg_temp.zday()), 7::bigint, 'T2: each wall time of the day once, but the one the hold stands in the way of');
select is((select count(*) from admin.zone_move('Z', true)), 1::bigint, 'T2: again: the hold only');
select throws_ok($$select * from admin.zone_move('nowhere')$$, 'P0002', null, 'zone_move: unknown organization');
select throws_ok($$select * from admin.zone_move('Z', null)$$, '22023', null, 'zone_move: neither yes nor no');
update data.slot set is_closed = true where organization_id = 'Z' and wall_at = pg_temp.zday() + time '11:00';
-- forward and back: instants earlier, and visits that stand in each other's way
update data.organization set time_zone = 'Asia/Omsk' where organization_id = 'Z';
select is((select string_agg(outcome, ' ' order by book_id) from admin.zone_move('Z', true)), 'перенесена перенесена осталась осталась', 'T2: two hours east: the hold stands in the way of one');
select pg_temp.lapse('z4');
select pg_temp.keep_house();
select is((select string_agg(book_id || ' ' || outcome || ' ' || new_visit, ',') from admin.zone_move('Z', true)), 'z3 перенесена ' || to_char(pg_temp.zday(), 'DD.MM.YYYY') || ' 12:00', 'T2: called again it goes on');
select is((select count(*) from data.slot where organization_id = 'Z' and not is_closed and wall_at::date = pg_temp.zday()), 7::bigint, 'T2: each wall time of the day once, but the one closed by hand');
select is((select is_closed from data.slot where organization_id = 'Z' and wall_at = pg_temp.zday() + time '11:00'), true, 'T2: that one stays closed');
select is_empty($$select * from admin.zone_check('Z')$$, 'T2: nothing is off');
select is((select string_agg(data.wire_time(p.starts_at, 'Asia/Omsk'), ' ' order by p.starts_at) from data.place p where book_key in ('z1', 'z2')), pg_temp.zday() || 'T09:00:00+06:00 ' || pg_temp.zday() || 'T10:00:00+06:00', 'T2: at nine and ten again');
select pg_temp.healthy();

-- grants
grant usage on schema public to zapisd_operator, zapisd_daemon, zapisd_auditor;
set local role zapisd_operator;
select lives_ok($$select admin.special_day('S', '2027-09-01', 'закрыто')$$, 'the operator makes special days');
select lives_ok($$insert into data.calendar_day values ('t-land', '2027-05-01', 'holiday')$$, 'and copies calendars in');
select throws_ok($$update data.slot set wall_at = now()$$, '42501', null, 'but no wall times');
select throws_ok($$update data.schedule_state set due_from = null$$, '42501', null, 'nor how far generation has come');
select throws_ok($$select * from api.housekeeping()$$, '42501', null, 'housekeeping is the daemon''s');
select throws_ok($$select data.schedule_touch('S')$$, '42501', null, 'nothing inner');
reset role;
set local role zapisd_auditor;
select throws_ok($$select admin.special_day('S', '2027-09-01', 'закрыто')$$, '42501', null, 'the auditor changes nothing');
select lives_ok($$select * from admin.schedule('S')$$, 'but may look');
select lives_ok($$select * from admin.zone_check()$$, 'at zones too');
select throws_ok($$select * from admin.zone_move('S')$$, '42501', null, 'not even to plan');
reset role;
set local role zapisd_daemon;
select lives_ok($$select * from api.housekeeping()$$, 'the daemon keeps house');
select throws_ok($$select admin.generate('S')$$, '42501', null, 'and is no operator');
reset role;
select * from finish();
rollback;
