-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- T2, O3: a time that is no longer offered is nobody's once it is given back, whatever took it out of the offer and however it was given
-- back; hours past midnight in one call; what changes and whom it concerns is said by the command itself.
\ir lib/helpers.psql
select no_plan();
create function pg_temp.day() returns date language sql as $$ select (now() at time zone 'Europe/Moscow')::date + 3 $$;
insert into data.organization (organization_id, agency_code, number, name, phone, time_zone) values ('H', 'TEST00001', 900020, 'Часы', '000', 'Europe/Moscow');
insert into data.organization_service values ('H', 's1'), ('H', 's2');
insert into data.area (organization_id, area_id, number, name, capacity) values ('H', 'one', 1, 'Кабинет', 1), ('H', 'many', 2, 'Зал', 3);
insert into data.area_service select area_key, 'H', s from data.area, unnest(array['s1', 's2']) as s where organization_id = 'H';
insert into data.calendar (calendar_id, name) values ('h-land', 'Страна'), ('h-other', 'Другая');
insert into data.calendar_day (calendar_id, day, kind) values ('h-other', pg_temp.day(), 'holiday');
select is(admin.use_calendar('H', 'h-land'), 'h-land', 'a calendar');
select is(admin.set_hours('H', a, 'пн-вс', '10:00-12:00', 30), 7, 'hours') from unnest(array['one', 'many']) as a;
select cmp_ok(admin.generate('H'), '>', 0::bigint, 'slots');
-- where visits are moved to
insert into data.organization (organization_id, agency_code, number, name, phone, time_zone) values ('H2', 'TEST00001', 900021, 'Рядом', '000', 'Europe/Moscow');
insert into data.organization_service values ('H2', 's1');
insert into data.area (organization_id, area_id, number, name) values ('H2', 'next', 1, 'Кабинет');
insert into data.area_service select area_key, 'H2', 's1' from data.area where organization_id = 'H2';
select admin.set_hours('H2', 'next', 'пн-вс', '10:00-12:00', 30), admin.generate('H2');
create function pg_temp.next() returns text language sql as $$ select min(slot_id::text) from data.slot where organization_id = 'H2' and wall_at::date = pg_temp.day() $$;

create function pg_temp.at(area text, wall time, day date default pg_temp.day()) returns text language sql as $$
    select s.slot_id::text from data.slot as s join data.area as a using (area_key)
    where a.organization_id = 'H' and a.area_id = area and s.wall_at = day + wall
$$;
create function pg_temp.listed(id text) returns boolean language sql as $$
    select exists (select from pg_temp.get_slots('TEST00001', '{H}', '{s1}', null, 'SIMPLE', 'PHYSIC', 'me', 100000) as r where r.slot_id = id)
$$;
create function pg_temp.generated() returns void language plpgsql as $$
begin
    for i in 1 .. 200 loop
        exit when (select k.did is null from data.keep_generate() as k);
    end loop;
end $$;
-- One booking (of so many) in a slot, a word of the operator, the booking given back; then all the ways to the slot. Nothing of it stays.
create function pg_temp.tried(area text, bookings integer, word text, way text, waits boolean) returns text language plpgsql as $$
declare
    id text := pg_temp.at(area, '10:00');
    said text;
begin
    begin
        for i in 1 .. bookings loop
            said := pg_temp.book('tried-' || i, array[id], preliminary => way in ('lapse', 'sweep'), organization => 'H', esia => 'e' || i, services => '{s1}');
            if said not like '201/0%' then
                raise exception 'not booked: %', said;
            end if;
        end loop;
        execute word;
        if waits then
            perform pg_temp.generated();
        end if;
        said := case when exists (select from data.place where book_key = 'tried-1') then '' else 'booking lost ' end;
        case way
            when 'cancel' then perform pg_temp.cancel('tried-1', 'e1');
            when 'agency' then perform admin.cancel('tried-1', 'проверка');
            when 'move' then perform admin.move('tried-1', pg_temp.next());
            when 'rebook' then perform pg_temp.book('tried-1', array[pg_temp.next()], organization => 'H2', esia => 'e1', services => '{s1}');
            when 'lapse' then perform pg_temp.lapse('tried-1');
            when 'sweep' then perform pg_temp.lapse('tried-1'), data.sweep_holds(100);
        end case;
        if exists (select from data.place where book_key = 'tried-1' and slot_id = id::uuid) and way <> 'lapse' then
            said := said || 'not given back ';
        end if;
        said := said || concat_ws(' ', case when pg_temp.listed(id) then 'listed' end,
            case when exists (select from admin.free('H', pg_temp.day()) as f where f.slot_id = id) then 'free' end,
            case when pg_temp.book('other', array[id], organization => 'H', esia => 'other', services => '{s1}') like '201/0%' then 'booked' end,
            case when pg_temp.book('blind', '{}', organization => 'H', esia => 'blind', services => '{s1}') like '201/0%'
                and exists (select from data.place where book_key = 'blind' and slot_id = id::uuid) then 'blind' end);
        raise exception 'tried' using errcode = 'ZT001', detail = said;
    exception when sqlstate 'ZT001' then
        get stacked diagnostics said = pg_exception_detail;
        return coalesce(nullif(said, ''), '-');
    end;
end $$;
create temp table word as select * from (values
    ('nothing', 'one', 1, 'select 1', false, 'listed free booked'),
    ('set_hours', 'one', 1, $$select admin.set_hours('H', 'one', 'пн-вс', '11:00-12:00', 30)$$, false, '-'),
    ('set_hours: none', 'one', 1, $$select admin.set_hours('H', 'one', 'пн-вс', 'нет', 30)$$, false, '-'),
    ('set_hours_for', 'one', 1, $$select admin.set_hours_for('H', 'one', pg_temp.day(), pg_temp.day(), 'пн-вс', '11:00-12:00', 30)$$, false, '-'),
    ('special_day: closed', 'one', 1, $$select admin.special_day('H', pg_temp.day(), 'закрыто')$$, false, '-'),
    ('special_day: hours', 'one', 1, $$select admin.special_day('H', pg_temp.day(), '11:00-12:00')$$, false, '-'),
    ('special_day of the area', 'one', 1, $$select admin.special_day('H', pg_temp.day(), '14:00-15:00', 'one', 30)$$, false, '-'),
    ('calendar_day', 'one', 1, $$select admin.calendar_day('h-land', pg_temp.day(), 'праздник')$$, false, '-'),
    ('use_calendar', 'one', 1, $$select admin.use_calendar('H', 'h-other')$$, false, '-'),
    ('close_day, held by its list', 'one', 1, $$select admin.close_day('H', pg_temp.day(), 'проверка', apply => true, at_most => 0)$$, false, '-'),
    ('day off', 'one', 1, $$insert into data.day_off values ('H', pg_temp.day(), '')$$, true, '-'),
    ('hours deleted by hand', 'one', 1, $$delete from data.timetable where organization_id = 'H'$$, true, '-'),
    ('service removed from the area', 'one', 1, $$delete from data.area_service where organization_id = 'H' and service_id = 's1'$$, true, 'free'),
    ('other length', 'one', 1, $$select admin.set_hours('H', 'one', 'пн-вс', '10:00-12:00', 60)$$, false, 'listed free booked'),
    ('of several: hours', 'many', 3, $$select admin.set_hours('H', 'many', 'пн-вс', '11:00-12:00', 30)$$, false, '-'),
    ('of several: one of three', 'many', 1, $$select admin.set_hours('H', 'many', 'пн-вс', '11:00-12:00', 30)$$, false, '-'),
    ('fewer places than taken', 'many', 3, $$update data.area set capacity = 1 where organization_id = 'H' and area_id = 'many'$$, true, '-'),
    ('fewer places, one taken', 'many', 2, $$update data.area set capacity = 1 where organization_id = 'H' and area_id = 'many'$$, true, '-'),
    ('another service', 'one', 1, $$select admin.set_hours('H', 'one', 'пн-вс', 'нет', 30); select admin.set_hours('H', 'one', 'пн-вс', '10:00-12:00', 30, 's2')$$, true, 'free')) as v (name, area, bookings, word, waits, answer);
-- Giving back one of several leaves the others there: these are tried with the slot emptied as well, below.
select is(pg_temp.tried(area, bookings, word, way, waits), answer, format('T2: %s, %s', name, way))
from word, unnest(array['cancel', 'agency', 'move', 'rebook']) as way
where name <> 'other length';
select is(pg_temp.tried(area, bookings, word, way, waits), answer, format('B3, T2: %s, %s', name, way))
from word, unnest(array['lapse', 'sweep']) as way where name not in ('other length', 'service removed from the area', 'another service', 'nothing');

-- Nobody is booked, at H or anywhere near that day: what the word takes out of the offer is not offered when it has been said.
create function pg_temp.offered_after(word text, area text, waits boolean) returns text language plpgsql as $$
declare
    id text := pg_temp.at(area, '10:00');
    said text;
begin
    begin
        execute word;
        if waits then
            perform admin.generate('H');
        end if;
        said := concat_ws(' ', case when pg_temp.listed(id) then 'listed' end, case when exists (select from admin.free('H', pg_temp.day()) as f where f.slot_id = id) then 'free' end,
            case when pg_temp.book('other', array[id], organization => 'H', esia => 'other', services => '{s1}') like '201/0%' then 'booked' end);
        raise exception 'tried' using errcode = 'ZT001', detail = said;
    exception when sqlstate 'ZT001' then
        get stacked diagnostics said = pg_exception_detail;
        return coalesce(nullif(said, ''), '-');
    end;
end $$;
select is((select count(*) from data.place as p join data.slot as s using (slot_id) where s.organization_id = 'H'), 0::bigint, 'nobody is booked at H');
select is(pg_temp.offered_after(word, area, waits), case when name like 'of several%' or name like 'fewer%' then pg_temp.offered_after(word, area, true) else answer end, format('T2: %s, where nobody is booked', name))
from word where name <> 'other length';

-- What is given back becomes what the schedule says, at once: its new length, service and places.
create function pg_temp.shape(id text) returns text language sql as $$
    select format('%s min, %s, %s%s%s', extract(epoch from ends_at - starts_at)::integer / 60, capacity, coalesce(service_id, 'all'), case when is_closed then ', closed' else '' end,
        case when is_outdated then ', outdated' else '' end) from data.slot where slot_id = id::uuid
$$;
create temp table kept as select pg_temp.at('one', '10:00') as one, pg_temp.at('many', '10:00') as many;
select is(pg_temp.book('k' || i, array[case i when 1 then one else many end], organization => 'H', esia => 'k' || i, services => '{s1}'), '201/0 slots=1', 'booked') from kept, generate_series(1, 4) as i;
select is(admin.set_hours('H', 'one', 'пн-вс', '10:00-12:00', 60), 7, 'an hour each');
select is(pg_temp.shape(one), '30 min, 1, all, closed, outdated', 'T2: the booked one keeps its length, and is nobody else''s') from kept;
select is(pg_temp.cancel('k1', 'k1'), '301/0', 'given back');
select is(pg_temp.shape(one), '60 min, 1, all', 'T2: and is an hour at once') from kept;
update data.area set capacity = 2 where organization_id = 'H' and area_id = 'many';
select pg_temp.generated();
select is(pg_temp.shape(many), '30 min, 3, all, closed, outdated', 'T2: three in a hall for two') from kept;
select is(pg_temp.cancel('k4', 'k4'), '301/0', 'the third gives back');
select is(pg_temp.shape(many), '30 min, 2, all', 'T2: two of two are left') from kept;
select is(left(pg_temp.book('k5', array[many], organization => 'H', esia => 'k5', services => '{s1}'), 5), '208/4', 'T2: and no third is taken') from kept;
select is(pg_temp.cancel('k3', 'k3'), '301/0', 'the second gives back');
select is(left(pg_temp.book('k6', array[many], organization => 'H', esia => 'k6', services => '{s1}'), 5), '201/0', 'T2: his place is to be had') from kept;
update data.area set capacity = 4 where organization_id = 'H' and area_id = 'many';
select pg_temp.generated();
select is(pg_temp.shape(many), '30 min, 2, all, outdated', 'T2: more places come when it is empty') from kept;
select pg_temp.cancel('k2', 'k2'), pg_temp.cancel('k6', 'k6');
select is(pg_temp.shape(many), '30 min, 4, all', 'T2: and then they do') from kept;
-- Outside the hours and offered again: the booking has been there all the time.
select is(left(pg_temp.book('k7', array[many], organization => 'H', esia => 'k7', services => '{s1}'), 5), '201/0', 'booked') from kept;
select admin.special_day('H', pg_temp.day(), 'закрыто');
select is(pg_temp.shape(many), '30 min, 4, all, closed', 'T2: closed at once') from kept;
select admin.special_day('H', pg_temp.day(), 'убрать');
select is(pg_temp.shape(many), '30 min, 4, all', 'T2: offered again, open again at once') from kept;
select is(pg_temp.owner_of(many), 'k7', 'T2: and his') from kept;
update data.slot set is_closed = true where slot_id = (select many::uuid from kept);
select admin.set_hours('H', 'many', 'пн-вс', '10:00-12:00', 30);
select is(pg_temp.shape(many), '30 min, 4, all, closed', 'T2: what a person closed stays closed') from kept;

-- The command itself says who stays.
select is((select string_agg(book_id, ',') from admin.off_schedule('H')), null, 'O3: nobody is outside the hours');
select admin.set_hours('H', 'many', 'пн-вс', '11:00-12:00', 30);
select is((select string_agg(book_id, ',') from admin.off_schedule('H')), 'k7', 'O3: now somebody is');

-- Past midnight, in one call
select is(admin.set_hours('H', 'one', 'пт-сб', '18:00-20:00, 22:00-2:00', 60), 6, 'O3: three rows a day');
create function pg_temp.offer(day date) returns text language sql as $$
    select coalesce(string_agg(to_char(f.wall_at, 'HH24:MI'), ' ' order by f.wall_at), '-')
    from data.offered_slots('H', day, day) as f join data.area as a using (area_key) where a.area_id = 'one'
$$;
select admin.set_hours('H', 'one', 'пн-чт, вс', 'нет', 60);
-- 2027-03-05 is a Friday
select is(pg_temp.offer('2027-03-05'), '18:00 19:00 22:00 23:00', 'T2: Friday evening');
select is(pg_temp.offer('2027-03-06'), '00:00 01:00 18:00 19:00 22:00 23:00', 'T2: Friday night and Saturday evening');
select is(pg_temp.offer('2027-03-07'), '00:00 01:00', 'T2: Saturday night');
select is(pg_temp.offer('2027-03-08'), '-', 'T2: no Sunday night');
select is(admin.set_hours('H', 'one', 'сб', '9:00-10:00', 60), 1, 'O3: other Saturdays');
select is(pg_temp.offer('2027-03-06') || '/' || pg_temp.offer('2027-03-07'), '00:00 01:00 09:00/-', 'T2: Friday''s night is Friday''s, Saturday''s is gone with it');
select throws_ok($$select admin.set_hours('H', 'one', 'сб', '1:00-3:00', 60)$$, '23P01', null, 'T2: Saturday begins when Friday is over');
select is(admin.set_hours('H', 'one', 'пт', '22:00-0:00', 60), 1, 'O3: till midnight');
select is(pg_temp.offer('2027-03-05') || '/' || pg_temp.offer('2027-03-06'), '22:00 23:00/09:00', 'T2: and no night');
select is(admin.set_hours('H', 'one', 'пт', '20:00-1:00, 2:00-4:00', 60), 3, 'O3: a break after midnight');
select is(pg_temp.offer('2027-03-05') || '/' || pg_temp.offer('2027-03-06'), '20:00 21:00 22:00 23:00/00:00 02:00 03:00 09:00', 'T2: is kept');
select is(admin.set_hours_for('H', 'one', '2027-03-12', '2027-03-12', 'пт', '22:00-3:00', 60), 2, 'O3: one night');
select is(pg_temp.offer('2027-03-12') || '/' || pg_temp.offer('2027-03-13') || '/' || pg_temp.offer('2027-03-20'), '22:00 23:00/00:00 01:00 02:00 09:00/00:00 02:00 03:00 09:00', 'T2: that night, and the usual one after');
select is(admin.set_hours_for('H', 'one', '2027-03-12', '2027-03-12', 'пт', 'нет', 60), 0, 'O3: not that night');
select is(pg_temp.offer('2027-03-12') || '/' || pg_temp.offer('2027-03-13'), '-/09:00', 'T2: its second half is not left behind');
-- days that are not usual: the evening's rule holds for its night
select admin.special_day('H', '2027-03-05', 'закрыто');
select is(pg_temp.offer('2027-03-05') || '/' || pg_temp.offer('2027-03-06'), '-/09:00', 'T2: a closed Friday has no night');
select admin.special_day('H', '2027-03-05', '19:00-3:00');
select is(pg_temp.offer('2027-03-05') || '/' || pg_temp.offer('2027-03-06'), '20:00 21:00 22:00 23:00/00:00 02:00 09:00', 'T2: shorter hours cut the night, not the evening');
select admin.special_day('H', '2027-03-05', '23:00-1:00', 'one', 30);
select is(pg_temp.offer('2027-03-05') || '/' || pg_temp.offer('2027-03-06'), '23:00 23:30/00:00 00:30 09:00', 'T2: hours of its own, past midnight');
select admin.special_day('H', '2027-03-05', 'убрать'), admin.special_day('H', '2027-03-05', 'убрать', 'one');
select admin.calendar_day('h-land', '2027-03-06', 'праздник');
select is(pg_temp.offer('2027-03-06'), '00:00 02:00 03:00', 'T2: the night before a holiday is Friday''s');
select admin.calendar_day('h-land', '2027-03-05', 'короче на 60');
select is(pg_temp.offer('2027-03-05') || '/' || pg_temp.offer('2027-03-06'), '20:00 21:00 22:00 23:00/00:00 02:00', 'T2: a short day is short at its end, after midnight');
select is((select string_agg(format('%s %s', day, hours), ', ' order by day) from admin.schedule('H', '2027-03-04', '2027-03-06') where area_id = 'one' and hours <> '—'),
    '2027-03-05 20:00-01:00, 02:00-03:00', 'O3: admin.schedule has them, the night with its evening');

-- one reader of hours for all commands: what one takes all take, and say the same of the rest
create temp table hours as select * from unnest(array['9:00-18:00', ' 9:00 - 13:00 , 14:00-18:00 ', '9:00–13:00', '22:00-2:00', '20:00-8:00', '22:00-0:00', '0:00-24:00', '9:00-8:00', '18:00-9:00', '9-10', '25:00-26:00', '9:00-9:00',
    '9:00-12:00, 11:00-13:00', '22:00-2:00, 1:00-3:00', '22:00-2:00, 3:00-2:30', 'с девяти', '9:00-10:00,', '24:00-2:00', '9:60-10:00', '22:00-2:00, 3:00-1:00']) as u (said);
create function pg_temp.outcome(word text) returns text language plpgsql as $$
begin
    execute word;
    raise exception 'taken' using errcode = 'ZT002';
exception when sqlstate 'ZT002' then
    return 'taken';
when others then
    return sqlstate || ' ' || sqlerrm;
end $$;
create temp table outcome as select said, pg_temp.outcome(format('select admin.set_hours(''H'', ''many'', ''вт'', %L, 30)', said)) as a,
    pg_temp.outcome(format('select admin.set_hours_for(''H'', ''many'', ''2027-05-04'', ''2027-05-05'', ''вт'', %L, 30)', said)) as b,
    pg_temp.outcome(format('select admin.special_day(''H'', ''2027-05-04'', %L, ''many'', 30)', said)) as c from hours;
select is_empty('select * from outcome where a <> b or a <> c', 'O3: set_hours, set_hours_for and special_day read hours in one way');
select set_eq($$select said from outcome where a = 'taken'$$, array['9:00-18:00', ' 9:00 - 13:00 , 14:00-18:00 ', '9:00–13:00', '22:00-2:00', '20:00-8:00', '22:00-0:00', '0:00-24:00'], 'O3: and take these');
select is_empty($$select * from outcome where a <> 'taken' and a !~ '[А-Яа-я]{4}'$$, 'O3: others are refused in words');
select * from finish();
rollback;
