-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- O3: what a closing shows before it is what it does, breaks after visits and shared rooms included; why somebody is cancelled and not moved is
-- said; a service that nobody gives any more is named.
\ir lib/helpers.psql
select no_plan();
create function pg_temp.day() returns date language sql as $$ select (now() at time zone 'Europe/Moscow')::date + 3 $$;
insert into data.organization (organization_id, agency_code, number, name, phone, time_zone) values ('B', 'TEST00001', 900050, 'С перерывами', '000', 'Europe/Moscow');
insert into data.organization_service values ('B', 's1'), ('B', 's2');
insert into data.area (organization_id, area_id, number, name, buffer_after_min) values ('B', 'w', 1, 'Окно', 10);
insert into data.area (organization_id, area_id, number, name, is_exclusive) values ('B', 'room', 2, 'Кабинет', true);
insert into data.area (organization_id, area_id, number, name, parent_key) select 'B', 'p' || n, 2 + n, 'Специалист', area_key from data.area, generate_series(1, 2) as n where organization_id = 'B' and area_id = 'room';
insert into data.area_service select area_key, 'B', case area_id when 'w' then 's1' else 's2' end from data.area where organization_id = 'B' and area_id <> 'room';
select admin.set_hours('B', a, 'пн-вс', '9:00-11:00', 15) from unnest('{w,p1,p2}'::text[]) as a;
select admin.generate('B');
create function pg_temp.at(a text, t time) returns text language sql as $$
    select s.slot_id::text from data.slot as s join data.area as x using (area_key) where s.organization_id = 'B' and x.area_id = a and s.wall_at = pg_temp.day() + t
$$;
select is(pg_temp.book(b, array[pg_temp.at(a, t)], organization => 'B', esia => b, services => array[s]), '201/0 slots=1', b)
from (values ('w1', 'w', time '9:00', 's1'), ('w2', 'w', '9:30', 's1'), ('w3', 'w', '10:00', 's1'), ('p1', 'p1', '9:00', 's2'), ('p2', 'p2', '9:15', 's2')) as v (b, a, t, s);
select is(pg_temp.book('held', array[pg_temp.at('w', '10:30')], true, organization => 'B', esia => 'h', services => '{s1}'), '201/0 slots=1', 'a hold');
update data.organization set confirm_booking = true where organization_id = 'B';
select pg_temp.book('asked', array[pg_temp.at('p1', '10:30')], organization => 'B', esia => 'a', services => '{s2}');
select is(pg_temp.state('asked'), 'ACCEPTED', 'one that waits for the clerk');
create temp table plan as select * from admin.close_day('B', pg_temp.day(), 'учёт');
create temp table done as select * from admin.close_day('B', pg_temp.day(), 'учёт', apply => true);
select results_eq('select book_id, new_visit, new_area_id, note from plan order by 1', 'select book_id, new_visit, new_area_id, note from done order by 1', 'O3: what was shown is what is done');
select is((select count(*) from done where new_visit is not null), 5::bigint, 'O3: five are moved');
select matches((select note from plan where book_id = 'asked'), 'ждёт подтверждения', 'O3: why it is not moved');
select matches((select note from plan where book_id = 'held'), 'предварительная', 'O3: nor a hold');
select is((select what from admin.check() where problem = 'услугу негде оказать' and what like '%организация B,%'), null, 'O3: each service has its place');
delete from data.area_service where organization_id = 'B' and service_id = 's2';
select matches((select what from admin.check() where problem = 'услугу негде оказать' and what like '%организация B,%'), 'услуги: s2; назначьте', 'O3: one has none');
-- what is closed and opened by hand
select is_empty($$select what from admin.check() where problem = 'открыто для записи то, что закрыто'$$, 'O3: what is closed is not on offer');
update data.slot set is_closed = false where organization_id = 'B' and wall_at = pg_temp.day() + time '10:45';
select is((select string_agg(substring(what from 'помещение ([^,]*, интервалов: [0-9]*)'), '; ' order by what) from admin.check() where problem = 'открыто для записи то, что закрыто'), 'p1, интервалов: 1; p2, интервалов: 1; w, интервалов: 1', 'O3: opened by hand it is named');
select admin.generate('B', pg_temp.day(), pg_temp.day());
select is_empty($$select what from admin.check() where problem = 'открыто для записи то, что закрыто'$$, 'O3: made again it is closed');
-- an office that is switched off takes nobody
select cmp_ok((select count(*) from admin.free('B', pg_temp.day() + 1)), '>', 0::bigint, 'O3: free ones while it works');
select pg_temp.book('off', array[pg_temp.slot('a1', 1)], services => '{s1}');
update data.organization set is_active = false where organization_id = 'B';
select is_empty($$select from admin.free('B', pg_temp.day() + 1)$$, 'O3: none when it is switched off');
select is((select result || ': ' || comment from admin.move('off', (select min(slot_id::text) from data.slot where organization_id = 'B' and not is_closed and starts_at > now()))), 'отказано: организация выключена, в неё не записывают', 'O3: nor is anybody moved there');
select * from finish();
rollback;
