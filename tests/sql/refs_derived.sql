-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- The built-in reference books follow the tables they are about (R3-R6, C6, A13), and books as CSV (R5).
\ir lib/helpers.psql
\ir lib/refs.psql
select no_plan();
create function pg_temp.attr(ref text, code text, name text) returns text language sql as $$
    select v.value from data.ref_value as v where v.ref_name = ref and v.code = attr.code and v.name = attr.name
$$;
create temp table v as select ref_name, version from data.ref_book;
create function pg_temp.since(ref text) returns text language sql as $$ select version::text from v where ref_name = ref $$;
create function pg_temp.mark() returns void language sql as $$ update v set version = b.version from data.ref_book as b where b.ref_name = v.ref_name $$;

-- R3, R6: each change shows at once, and only what changed
update data.service set name = 'Услуга один' where service_id = 's1';
select is(pg_temp.ref('services', version => pg_temp.since('services'), recipient => 'TEST00001'), '0 total=1 s1', 'R3: a changed service is all of the delta');
select is(pg_temp.attr('services', 's1', 'title'), 'Услуга один', 'R6: and shows its new name');
select is(pg_temp.version('organizations') || pg_temp.version('areas'), pg_temp.since('organizations') || pg_temp.since('areas'), 'R3: other books keep their versions');
update data.service set frgu_number = '7700000010000000001' where service_id = 's2';
select is(pg_temp.attr('services', 's2', 'frguNumber'), '7700000010000000001', 'R5: the number of the federal register');
select pg_temp.mark();
update data.service set name = name;
update data.organization set notice_min = notice_min + 1 where organization_id = 'T1';
update data.area set capacity = capacity where organization_id = 'T1';
update data.timetable set capacity = capacity;
delete from data.timetable where false;
select is_empty('select b.ref_name from data.ref_book as b join v using (ref_name) where b.version <> v.version', 'R3: what does not show makes no version');
-- C6: what an agency no longer offers is gone for it alone
delete from data.organization_service where organization_id = 'T1' and service_id = 's3';
insert into data.organization_service (organization_id, service_id) select 'T2', 's2' where not exists (select from data.organization_service where organization_id = 'T2' and service_id = 's2');
select is(pg_temp.ref('services', version => pg_temp.since('services'), recipient => 'TEST00002'), '0 total=1 s2', 'C6: a service that is new to an agency');
select is(pg_temp.ref('services', version => pg_temp.since('services'), recipient => 'TEST00001'), '0 total=1 s2', 'C6: to the other it only changed');
select pg_temp.mark();
delete from data.organization_service where organization_id = 'T2' and service_id = 's2';
select is(pg_temp.ref('services', version => pg_temp.since('services'), recipient => 'TEST00002'), '0 total=1 -s2', 'A13, C6: no longer offered: a tombstone for that agency');
select is(pg_temp.ref('services', version => pg_temp.since('services'), recipient => 'TEST00001'), '0 total=1 s2', 'C6: and none for the other');
select is(pg_temp.ref('services', version => pg_temp.since('services')), '0 total=1 s2', 'C6: nor for any agency');
-- closing an organization
select pg_temp.mark();
update data.organization set is_active = false where organization_id = 'T2';
select is(pg_temp.ref('organizations', version => pg_temp.since('organizations'), recipient => 'TEST00002'), '0 total=1 -T2', 'A13: an organization that is closed');
select is(pg_temp.ref('organizations', version => pg_temp.since('organizations'), recipient => 'TEST00001'), '0 total=0', 'C6: not told to another agency');
select is(pg_temp.ref('areas', version => pg_temp.since('areas'), recipient => 'TEST00002'), '0 total=1 -b1', 'A13: its areas go with it');
select is(pg_temp.ref('services', version => pg_temp.since('services'), recipient => 'TEST00002'), '0 total=1 -s1', 'A13: and its services');
select is(pg_temp.ref('areas', 'b1'), '2 total=0 parentRefItemValue:2', 'what is gone is no parent');
update data.organization set is_active = true where organization_id = 'T2';
select is(pg_temp.ref('areas', version => pg_temp.since('areas'), recipient => 'TEST00002'), '0 total=1 b1', 'open again');
-- areas: a tree
update data.area set parent_key = (select area_key from data.area where area_id = 'a3' and organization_id = 'T1') where area_id = 'a1' and organization_id = 'T1';
select is(pg_temp.ref('areas', recipient => 'TEST00001'), '0 total=3 a2 a3 >a1^a3', 'B9: the tree of areas');
select throws_ok($$update data.area set parent_key = (select area_key from data.area where area_id = 'a1' and organization_id = 'T1') where area_id = 'a3' and organization_id = 'T1'$$, '23514', null, 'edge 22: a cycle in parents');
insert into data.area (organization_id, area_id, number, name) values ('T2', 'a1', 77, 'Тоже a1');
select is(pg_temp.ref('areas', selected => '{code,organizationId}', filter => '{"attributeName": "code", "condition": "equals", "checkAllValues": false, "value": "a1"}'), '0 total=2 a1^a3 a1', 'equal codes of two organizations are two items');
delete from data.area where organization_id = 'T2' and area_id = 'a1';
insert into data.area (organization_id, area_id, number, name, parent_key) select 'T2', 'child', 78, 'Внутри', area_key from data.area where organization_id = 'T2' and area_id = 'b1';
select is(pg_temp.ref('areas', 'b1'), '0 total=1 child^b1', 'B9: parent and child');

-- R4: coordinates and hours
update data.organization set latitude = -0.5, longitude = 180 where organization_id = 'T1';
select is(pg_temp.attr('organizations', 'T1', 'latitude') || ' ' || pg_temp.attr('organizations', 'T1', 'longitude'), '-0.500000 180.000000', 'R4: WGS-84 with a decimal point');
update data.organization set latitude = null, longitude = null where organization_id = 'T1';
select is(pg_temp.attr('organizations', 'T1', 'latitude'), null, 'R4: unknown coordinates are left out');
select throws_ok($$update data.organization set latitude = 90.1$$, '23514', null, 'R4: beyond the pole');
select pg_temp.mark();
insert into data.timetable (area_key, organization_id, weekday, starts, ends, slot_min)
select area_key, 'T1', w, s::time, e::time, 15 from data.area, (values (1, '09:00', '13:00'), (1, '13:45', '18:00'), (1, '19:00', '19:30')) as t (w, s, e)
where organization_id = 'T1' and area_id = 'a2';
select is(pg_temp.attr('organizations', 'T1', 'monStart') || '-' || pg_temp.attr('organizations', 'T1', 'monEnd') || ' ' || pg_temp.attr('organizations', 'T1', 'monDinnerStart') || '-' || pg_temp.attr('organizations', 'T1', 'monDinnerEnd'),
    '9:00-19:30 18:00-19:00', 'R4: several intervals; the longest break is the dinner');
insert into data.timetable (area_key, organization_id, weekday, starts, ends, slot_min) select area_key, 'T1', 1, '17:30', '20:00', 30 from data.area where organization_id = 'T1' and area_id = 'a3';
select is(pg_temp.attr('organizations', 'T1', 'monEnd') || ' ' || pg_temp.attr('organizations', 'T1', 'monDinnerStart') || '-' || pg_temp.attr('organizations', 'T1', 'monDinnerEnd'),
    '20:00 13:00-13:45', 'R4: the hours of all areas together');
select is(pg_temp.attr('organizations', 'T1', 'tueIsWorking') || pg_temp.attr('organizations', 'T1', 'tueHasDinner') || coalesce(pg_temp.attr('organizations', 'T1', 'tueStart'), '-'), 'falsefalse-', 'R4: a day off');
select is(pg_temp.ref('organizations', version => pg_temp.since('organizations'), recipient => 'TEST00001'), '0 total=1 T1', 'R4: a new timetable is a changed organization');
select is((select count(*) from data.timetable as t join data.organization as o using (organization_id) where o.organization_id = 'T1' and exists (
    select from admin.generate('T1', (date_trunc('week', now()) + interval '14 days')::date, (date_trunc('week', now()) + interval '14 days')::date))), 4::bigint, 'slots of that Monday are made');
select is((select to_char(min(s.starts_at at time zone o.time_zone), 'FMHH24:MI') || '-' || to_char(max(s.ends_at at time zone o.time_zone), 'FMHH24:MI') from data.slot as s join data.organization as o using (organization_id)
    where s.organization_id = 'T1' and (s.starts_at at time zone o.time_zone)::date = (date_trunc('week', now()) + interval '14 days')::date),
    pg_temp.attr('organizations', 'T1', 'monStart') || '-' || pg_temp.attr('organizations', 'T1', 'monEnd'), 'R4, T2: the first slot starts and the last one ends as the book says');
-- a row that begins by itself
select pg_temp.mark();
insert into data.timetable (area_key, organization_id, weekday, starts, ends, slot_min, valid_from, valid_to)
select area_key, 'T1', 3, '10:00', '12:00', 15, (now() at time zone 'Europe/Moscow')::date + 3, (now() at time zone 'Europe/Moscow')::date + 9 from data.area where organization_id = 'T1' and area_id = 'a2';
select is(pg_temp.attr('organizations', 'T1', 'wedIsWorking') || ' ' || (pg_temp.version('organizations') = pg_temp.since('organizations')), 'false true', 'R4: what begins in three days does not show yet');
select is((select refresh_at from data.ref_item where code = 'T1'), ((now() at time zone o.time_zone)::date + 3)::timestamp at time zone o.time_zone, 'R4: it will at midnight there') from data.organization as o where organization_id = 'T1';
-- three days later, as far as the row knows
update data.timetable set valid_from = valid_from - 3 where organization_id = 'T1' and weekday = 3;
select is(pg_temp.attr('organizations', 'T1', 'wedStart'), '10:00', 'R4: then it shows');
select is((select refresh_at from data.ref_item where code = 'T1'), ((now() at time zone o.time_zone)::date + 10)::timestamp at time zone o.time_zone, 'R4: until it ends') from data.organization as o where organization_id = 'T1';
-- a stale item, as after a night: the reader itself brings it in step
alter table data.ref_item disable trigger user;
update data.ref_item set attributes = attributes || '{"wedIsWorking": "false"}', refresh_at = now() - interval '1 second' where code = 'T1';
alter table data.ref_item enable trigger user;
select pg_temp.mark();
select is(pg_temp.ref('organizations', version => pg_temp.since('organizations'), recipient => 'TEST00001'), '0 total=1 T1', 'R4, R6: the first request of the day sees the day, and a new version');
select is(pg_temp.attr('organizations', 'T1', 'wedIsWorking'), 'true', 'R4: it is in step again');
select is(pg_temp.ref('organizations', version => pg_temp.version('organizations')), '5 total=0', 'R4: once');

-- R1, Appendix 3, base б: the offices where a service can be had, and what an area is
create function pg_temp.at(service text, recipient text default '') returns text language sql as $$
    select pg_temp.ref('offers', selected => '{organizationId}', recipient => recipient, filter => jsonb_build_object('attributeName', 'serviceId', 'condition', 'equals',
        'checkAllValues', false, 'value', service))
$$;
select is(pg_temp.at('s1'), '0 total=2 T1 T2', 'R1: where a service can be had');
select is(pg_temp.at('s1', 'TEST00002'), '0 total=1 T2', 'C6: of the offices of one agency');
select is(pg_temp.at('s3'), '0 total=0', 'R1: nowhere');
select pg_temp.mark();
update data.service set name = 'Услуга 1 иначе' where service_id = 's1';
select is(pg_temp.ref('offers', version => pg_temp.since('offers')), '0 total=2 s1 s1', 'R3: its new name is told of each office');
select pg_temp.mark();
delete from data.organization_service where organization_id = 'T1' and service_id = 's2' and not exists (select from data.area_service as a where a.organization_id = 'T1' and a.service_id = 's2');
insert into data.organization_service (organization_id, service_id) values ('T1', 's3');
select is(pg_temp.ref('offers', version => pg_temp.since('offers'), selected => '{serviceId}'), '0 total=1 s3', 'R6: a service that is new to an office');
update data.organization set is_active = false where organization_id = 'T2';
select is(pg_temp.at('s1'), '0 total=1 T1', 'R6: an office that is closed offers nothing');
update data.organization set is_active = true where organization_id = 'T2';
select is(pg_temp.at('s1'), '0 total=2 T1 T2', 'R6: and when it is open again');
delete from data.organization_service where organization_id = 'T1' and service_id = 's3';
select is(pg_temp.at('s3'), '0 total=0', 'R6: offered no longer');
update data.area set kind = 'specialist' where organization_id = 'T1' and area_id = 'a2';
select is(pg_temp.ref('areas', selected => '{code}', filter => '{"attributeName": "kind", "condition": "equals", "checkAllValues": false, "value": "specialist"}'), '0 total=1 a2',
    'R1: specialists are told apart from rooms');
update data.area set kind = null where organization_id = 'T1' and area_id = 'a2';
create temp table kinds as select area_key, kind from data.area where organization_id in ('T1', 'T2');
select admin.ref_csv('areas');
update pg_temp.ref_csv set kind = case code when 'a1' then 'window' when 'a2' then '' when 'a3' then 'hall' end, title = title || case code when 'a1' then '' else '!' end;
select matches((select string_agg(problem, '') from admin.ref_import('areas')), '^принято: изменено', 'R5: kinds of areas come with the file');
select is((select string_agg(concat_ws(' ', a.area_id, a.kind), ', ' order by a.area_id) from data.area as a where a.organization_id = 'T1'), 'a1 window, a2, a3 hall', 'R5: and are what it says, none too');
select admin.ref_csv('areas');
update pg_temp.ref_csv set kind = 'cave' where code in ('a1', 'a3');
select is((select string_agg(field, ' ') from admin.ref_import('areas')), 'kind kind', 'R5: a word that is no kind is told of each line');
select is((select string_agg(concat_ws(' ', a.area_id, a.kind), ', ' order by a.area_id) from data.area as a where a.organization_id = 'T1'), 'a1 window, a2, a3 hall', 'R5: and nothing is changed');
drop table pg_temp.ref_csv;
update data.area as a set kind = k.kind, name = rtrim(name, '!') from kinds as k where k.area_key = a.area_key;

-- R5: CSV, as the operator
select admin.ref_new('doctors', 'Врачи'), admin.ref_new('units', 'Подразделения', 'H');
select admin.ref_attribute('doctors', 'age', 'Возраст', 'LONG'), admin.ref_attribute('doctors', 'unit', 'Подразделение', 'STRING', 'units'), admin.ref_attribute('doctors', 'note', 'Примечание'),
    admin.ref_attribute('units', 'head', 'Над кем', 'STRING', 'units');
set local role zapisd_operator;
select throws_ok($$select * from admin.ref_import('doctors')$$, '42P01', null, 'R5: nothing was copied');
select throws_ok($$select admin.ref_csv('nowhere')$$, 'P0002', null, 'R5: an unknown book');
select throws_ok($$select * from admin.ref_import('nowhere')$$, 'P0002', null, 'R5: nor is it imported');
select is(admin.ref_csv('units', true), 0::bigint, 'R5: an empty table');
\copy ref_csv from stdin (format csv, header match)
code,parent,title,head
c,b,"Сектор ""Южный"", 1",
a,,Управление,b
b,a,Отдел,
\.
select throws_ok($$select * from admin.ref_import('doctors')$$, '42P01', null, 'R5: it was copied for another book');
select results_eq($$select line, problem from admin.ref_import('units')$$, $$values (null::bigint, 'принято: изменено 3, удалено 0, версия 2')$$, 'R5: children before parents, links within the file: one version');
reset role;
select is(pg_temp.ref('units'), '0 total=3 a >b^a >>c^b', 'R5: the tree is there');
select is(pg_temp.attr('units', 'c', 'title'), 'Сектор "Южный", 1', 'R5: quotes are read by psql');
set local role zapisd_operator;
select is(admin.ref_csv('doctors', true), 0::bigint, 'R5: doctors');
\copy ref_csv from stdin (format csv, header match)
code,title,age,unit,note
d1,Иванов,40,a,
,Без кода,40,a,
d2,"Длинное
примечание",сорок,a,"раз
два
три"
d1,Двойник,1,a,
d3,,41,a,
d4,Ссылка,42,nowhere,
d5,Дробь,1.5,nowhere,
,,,,
d7,Половина,0.5,a,
d6,Хороший,43,b,"a,b"
\.
create temp table told as select * from admin.ref_import('doctors');
select results_eq($$select line, field from told order by line, field$$, $$values (3::bigint, 'code'), (4, 'age'), (8, 'code'), (9, 'title'), (10, 'unit'), (11, 'age'), (11, 'unit'), (12, 'code'), (12, 'title'), (13, 'age')$$,
    'R5: every wrong row with its line, lines within values counted');
select is((select problem from told where line = 8), 'код «d1» уже был в строке 2', 'R5: in words');
reset role;
select is(pg_temp.ref('doctors') || ' ' || pg_temp.version('doctors'), '0 total=0 1', 'R5: and nothing was imported');
set local role zapisd_operator;
select is(admin.ref_csv('doctors', true), 0::bigint, 'R5: mended');
\copy ref_csv from stdin (format csv, header match)
code,title,age,unit,note
d1,Иванов,40,a,
d2,Петров,,,"раз
два"
d3,Сидоров,41,c,""
\.
select is((select problem from admin.ref_import('doctors')), 'принято: изменено 3, удалено 0, версия 2', 'R5: imported');
select is(admin.ref_csv('doctors'), 3::bigint, 'R5: and out again');
select results_eq('select * from ref_csv', $$values ('d1', 'Иванов', '40', 'a', null), ('d2', 'Петров', null, null, E'раз\nдва'), ('d3', 'Сидоров', '41', 'c', '')$$, 'R5: what went in comes out');
select is((select problem from admin.ref_import('doctors')), 'принято: изменено 0, удалено 0, версия 2', 'R5: the same again changes nothing');
select admin.ref_csv('doctors', true);
\copy ref_csv from stdin (format csv, header match)
code,title,age,unit,note
d3,Сидоров,42,c,
d4,Новый,,,
\.
select is((select problem from admin.ref_import('doctors', true)), 'принято: изменено 2, удалено 0, версия 4', 'R5: a partial file adds and changes');
select admin.ref_csv('doctors', true);
\copy ref_csv from stdin (format csv, header match)
code,title,age,unit,note
d4,Новый,,,
\.
select is((select problem from admin.ref_import('doctors')), 'принято: изменено 0, удалено 3, версия 5', 'R5: a whole file is the whole book');
reset role;
select is(pg_temp.ref('doctors', version => '2'), '0 total=4 -d1 -d2 -d3 d4', 'R5, A13: callers learn it as a delta');
set local role zapisd_operator;
select admin.ref_csv('units', true);
\copy ref_csv from stdin (format csv, header match)
code,parent,title,head
a,c,Управление,
b,a,Отдел,
c,b,Сектор,
d,d,Сам себе,
e,zz,Сирота,
f,a,Под кругом,
\.
select results_eq($$select line, field from admin.ref_import('units')$$, $$values (2::bigint, 'parent'), (3, 'parent'), (4, 'parent'), (5, 'parent'), (6, 'parent')$$, 'edge 22: a cycle is told of each of its lines, not of what hangs on it');
select admin.ref_csv('units', true);
\copy ref_csv from stdin (format csv, header match)
code,parent,title,head
a,c,Управление,
\.
select results_eq($$select line, field from admin.ref_import('units', true)$$, $$values (2::bigint, 'parent')$$, 'edge 22: a cycle with what is in the book');
select admin.ref_csv('units', true);
\copy ref_csv from stdin (format csv, header match)
code,parent,title,head
c,,Сектор,
x,c,Новый,c
\.
select is((select problem from admin.ref_import('units')), 'принято: изменено 2, удалено 2, версия 5', 'R5: a parent that goes leaves its child behind');
reset role;
select is(pg_temp.ref('units'), '0 total=2 c >x^c', 'R5: which is at the top now');
set local role zapisd_operator;
-- built-in books
select admin.ref_csv('services');
update ref_csv set title = 'Услуга два', "frguNumber" = '123' where code = 's2';
insert into ref_csv values ('s9', 'Услуга девять', '9');
select is((select problem ~ '^принято: изменено 2, удалено 0' from admin.ref_import('services')), true, 'R5: services come as CSV');
select results_eq($$select service_id, name, frgu_number from data.service where service_id in ('s2', 's9') order by 1$$, $$values ('s2', 'Услуга два', '123'), ('s9', 'Услуга девять', '9')$$, 'R5: into their own table, register numbers included');
select admin.ref_csv('organizations');
update ref_csv set latitude = '55.5', longitude = null where code = 'T1';
select is((select string_agg(concat_ws(' ', field, problem), '; ') from admin.ref_import('organizations')), 'longitude широта и долгота указываются вместе', 'R4: half a place on a map is none');
select admin.ref_csv('organizations');
update ref_csv set phone = '+7 000', latitude = '55.5', longitude = '37.5' where code = 'T1';
select is((select problem ~ '^принято: изменено 1, ' from admin.ref_import('organizations')), true, 'R4: organizations too');
select admin.ref_csv('organizations');
update ref_csv set latitude = '91', "monStart" = '7:00', "timeZone" = 'Nowhere/Town', longitude = 'x' where code = 'T1';
insert into ref_csv (code, title, "timeZone") values ('T9', 'Новая', 'UTC');
create temp table told2 as select field from admin.ref_import('organizations') order by line, field;
select results_eq('select distinct field from told2 order by field', $$values ('code'), ('latitude'), ('longitude'), ('monStart'), ('timeZone')$$, 'R4: hours are not imported, nor nonsense, nor an organization of no agency');
select admin.ref_csv('areas');
update ref_csv set title = 'Кабинет №1' where code = 'a1';
select is((select problem ~ '^принято: изменено 1, ' from admin.ref_import('areas')), true, 'R5: areas are renamed');
-- a table of the same name that somebody else made
drop table if exists told, told2;
reset role;
drop table if exists pg_temp.ref_csv;
create temp view ref_csv as select 'd1'::text as code, 'x'::text as title;
grant select on ref_csv to zapisd_operator;
set local role zapisd_operator;
select throws_ok($$select * from admin.ref_import('doctors')$$, '42P01', null, 'a view is not taken for the file');
reset role;
drop view pg_temp.ref_csv;
-- the operator's own statements
set local role zapisd_operator;
select lives_ok($$insert into data.ref_item (ref_name, code, title, attributes) values ('doctors', 'd9', 'Девятый', '{"age": "9"}')$$, 'R6: plain insert');
select lives_ok($$update data.ref_item set attributes = attributes || '{"age": "10"}' where ref_name = 'doctors' and code = 'd9'$$, 'R6: plain update');
select throws_ok($$update data.ref_item set attributes = '{"age": "ten"}' where ref_name = 'doctors'$$, '23514', null, 'R1: with its types');
select throws_ok($$update data.ref_item set title = 'x' where ref_name = 'services'$$, '42501', null, 'R5: of one''s own books only');
select throws_ok($$update data.ref_item set agencies = '{}'$$, '42501', null, 'C6: not of whom they are offered to');
select throws_ok($$update data.ref_item set source_key = 'x'$$, '42501', null, 'nor inner keys');
select throws_ok($$update data.ref_book set version = 1$$, '42501', null, 'R3: versions are not set back');
select throws_ok($$delete from data.ref_mark$$, '42501', null, 'A13: nor forgotten');
select throws_ok($$insert into data.ref_attribute values ('services', 50, 'x', 'x', 'STRING')$$, '42501', null, 'attributes come by admin.ref_attribute()');
select throws_ok($$select data.ref_derive('services', null)$$, '42501', null, 'inner functions are inner');
select throws_ok($$truncate data.ref_item$$, '42501', null, 'R3: no truncate, which leaves no tombstones');
select lives_ok($$delete from data.ref_item where ref_name = 'doctors' and code = 'd9'$$, 'R6: plain delete');
reset role;
set local role zapisd_auditor;
select lives_ok('select * from data.ref_item', 'the auditor reads books');
select throws_ok($$select admin.ref_put('doctors', 'x', 'x')$$, '42501', null, 'and changes none');
select throws_ok($$select admin.ref_csv('doctors')$$, '42501', null, 'nor imports');
reset role;
select is((select changed_by from data.ref_book where ref_name = 'doctors'), session_user::text, 'who changed it last is told');
select is_empty('select * from pg_temp.bad_steps()', 'A18: every step counts right');
select * from finish();
rollback;
