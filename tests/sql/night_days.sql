-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- O3, T2: in an office past midnight every command that takes a day means the same one: the evening with its night. The office's clock stands
-- between midnight and one, so that its night goes on.
\ir lib/helpers.psql
select no_plan();
create function pg_temp.zone() returns text language sql as $$
    select case when h >= 12 then 'Etc/GMT-' || 24 - h else 'Etc/GMT+' || h end from (select extract(hour from now() at time zone 'UTC')::integer as h) as t
$$;
create function pg_temp.today() returns date language sql as $$ select (now() at time zone pg_temp.zone())::date $$;
select is(extract(hour from now() at time zone pg_temp.zone()), 0::numeric, 'it is past midnight there');
insert into data.organization (organization_id, agency_code, number, name, phone, time_zone) values ('N', 'TEST00001', 900040, 'Ночной', '000', pg_temp.zone()), ('D', 'TEST00001', 900041, 'Дневной', '000', pg_temp.zone());
insert into data.organization_service values ('N', 's1'), ('D', 's1');
insert into data.area (organization_id, area_id, number, name, capacity) values ('N', 'h', 1, 'Зал', 2), ('N', 'm', 2, 'Утренний', 1), ('D', 'd', 1, 'Дневной', 1);
insert into data.area_service select area_key, organization_id, 's1' from data.area where organization_id in ('N', 'D');
select admin.set_hours('N', 'h', 'пн-вс', '20:00-3:00', 30), admin.set_hours('N', 'm', 'пн-вс', '2:00-4:00', 60), admin.set_hours('D', 'd', 'пн-вс', '9:00-18:00', 60), admin.generate('N'), admin.generate('D');
create function pg_temp.at(t time, back integer default 0, area text default 'h') returns text language sql as $$
    select s.slot_id::text from data.slot as s join data.area as a using (area_key) where s.organization_id = 'N' and a.area_id = area and s.wall_at = pg_temp.today() + back + t
$$;
select is(pg_temp.book(b, array[pg_temp.at(t, n, a)], organization => 'N', esia => b, services => '{s1}'), '201/0 slots=1', b)
from (values ('before', time '2:30', 3, 'h'), ('evening', '22:00', 3, 'h'), ('night', '0:30', 4, 'h'), ('morning', '2:00', 3, 'm'), ('after', '2:00', 4, 'm'), ('next', '22:00', 4, 'h'), ('now', '2:30', 0, 'h')) as v (b, t, n, a);
-- one day for all of them
create function pg_temp.whole(n integer) returns text[] language sql as $$ select array_agg(book_id order by book_id) from admin.today('N', pg_temp.today() + n) $$;
select is(pg_temp.whole(3), '{evening,morning,night}'::text[], 'O3: visitors of a day: its morning, its evening and the night after it');
select is(pg_temp.whole(2), '{before}'::text[], 'O3: the night before it is the day before''s');
select set_eq($$select left(visit, 11) from admin.free('N', pg_temp.today() + 3) where area_id = 'h' and visit like '% 0_:%'$$,
    $$select to_char(pg_temp.today() + 4 + make_interval(mins => 30 * n), 'DD.MM HH24:MI') from generate_series(0, 5) as n$$, 'O3: what is free of it after midnight');
select is((select taken from admin.load('N', pg_temp.today() + 3, pg_temp.today() + 3)), 3::bigint, 'O3: its occupancy');
select is((select string_agg(format('%s %s %s %s', area_id, hours, slots, taken), ', ' order by area_id) from admin.schedule('N', pg_temp.today() + 3, pg_temp.today() + 3)), 'h 20:00-03:00 14 2, m 02:00-04:00 2 1', 'O3: its hours');
select set_eq($$select book_id from admin.close_day('N', pg_temp.today() + 3, 'учёт')$$, '{evening,night,morning}'::text[], 'O3: whom closing it concerns');
select is_empty(format($$select new_visit from admin.close_day('N', pg_temp.today() + 3, 'учёт') where new_visit like '%s 0_:%%' and new_area_id = 'h' or new_visit like '%s 2_:%%'$$, to_char(pg_temp.today() + 4, 'DD.MM.YYYY'), to_char(pg_temp.today() + 3, 'DD.MM.YYYY')),
    'O3: nobody is to be moved into what is being closed');
create temp table told (book_id text);
do $$
begin
    perform admin.special_day('N', pg_temp.today() + 3, 'закрыто');
    insert into told select book_id from admin.off_schedule('N', pg_temp.today() + 3, pg_temp.today() + 3);
    perform admin.special_day('N', pg_temp.today() + 3, 'убрать');
end $$;
select set_eq('select book_id from told', '{evening,night,morning}'::text[], 'O3: whom a closed special day leaves behind');
select admin.generate('N');
select set_eq($$select book_id from admin.close_day('N', pg_temp.today() + 3, 'учёт', apply => true)$$, '{evening,night,morning}'::text[], 'O3: closing it');
select is((select string_agg(b.book_key || ' ' || case when s.wall_at = pg_temp.today() + v.n + v.t then 'stays' else 'moved' end, ', ' order by b.book_key) from (values ('before', time '2:30', 3), ('evening', '22:00', 3), ('night', '0:30', 4),
    ('morning', '2:00', 3), ('after', '2:00', 4), ('next', '22:00', 4)) as v (b, t, n) join data.booking as b on b.book_key = v.b and b.state = 'BOOKED' join data.place as p on p.book_key = b.book_key join data.slot as s on s.slot_id = p.slot_id),
    'after stays, before stays, evening moved, morning moved, next stays, night moved', 'O3: neither the night before nor the next morning are');
select is((select string_agg(to_char(s.wall_at, 'DD HH24:MI'), ' ') from data.slot as s where s.organization_id = 'N' and not s.is_closed and s.wall_at::date - s.is_night::integer = pg_temp.today() + 3), null, 'B2: nothing of it is on offer');
select is((select count(*) from data.slot as s where s.organization_id = 'N' and s.is_closed and s.wall_at::date - s.is_night::integer in (pg_temp.today() + 2, pg_temp.today() + 4)), 0::bigint, 'B2: all of the days beside it is');
select admin.generate('N');
select is((select count(*) from data.slot as s where s.organization_id = 'N' and s.is_closed and s.wall_at::date - s.is_night::integer <> pg_temp.today() + 3), 0::bigint, 'T2: making slots again says the same');
select is(admin.reopen((select max(closure_id) from data.closure)), 16::bigint, 'O3: opened again, as it was');
-- a specialist is absent by the clock
select set_eq(format($$select book_id from admin.absence('N', 'h', %L, %L, 'болезнь')$$, pg_temp.today() + 3 + time '0:00', pg_temp.today() + 4 + time '0:00'), '{before,evening}'::text[], 'O3: an absence from midnight to midnight');
-- which day it is
select is(admin.office_day('N'), pg_temp.today() - 1, 'O3: its night goes on, so it is still the day before');
select is(admin.office_day('D'), pg_temp.today(), 'O3: where nobody works at night it is a new day');
select is((select array_agg(book_id) from admin.today('N')), '{now}'::text[], 'O3: visitors of the night that goes on');
select set_eq($$select distinct left(visit, 5) from admin.free('N')$$, array[to_char(pg_temp.today(), 'DD.MM')], 'O3: what is free of it');
select is((select visits from admin.offices() where organization_id = 'N'), 1::bigint, 'O3: offices counts it');
select set_eq($$select book_id from admin.close_day('N', pg_temp.today() - 1, 'авария')$$, '{now}'::text[], 'O3: its day may still be closed');
select throws_like($$select admin.close_day('D', pg_temp.today() - 1, 'авария')$$, 'Это время уже прошло%', 'O3: another''s is over');
select admin.set_hours('N', 'm', 'пн-вс', '0:00-1:00', 30), admin.generate('N');
select is(admin.office_day('N'), pg_temp.today(), 'O3: a visit of the new day ends the old one');
select pg_temp.healthy();
select * from finish();
rollback;
