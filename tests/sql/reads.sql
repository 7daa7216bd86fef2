-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- getSlots (M1, T1, B9) and the reference books (M5-M7, R1-R4, R6, A12-A20).
\ir lib/helpers.psql
select no_plan();

create function pg_temp.slots(organizations text[], services text[] default '{}', areas text[] default '{}', n integer default 1000,
    recipient text default 'TEST00001') returns text language sql as $$
    select pg_temp.line(array(select r from pg_temp.get_slots(recipient, organizations, services, areas, 'SIMPLE', 'PHYSIC', '1', n) as r))
$$;
create function pg_temp.offered(slot text) returns boolean language sql as $$
    select exists (select from pg_temp.get_slots('', '{T1,T2}', '{}', '{}', 'SIMPLE', 'PHYSIC', '1', 10000) as r where r.slot_id = slot)
$$;
select is(pg_temp.slots('{T1}', areas => '{a2}'), '-/0 slots=40', 'M1: all of an area');
select is(pg_temp.slots('{T1}', areas => '{""}'), '-/0 slots=121', 'M1: an empty areaId is none');
select is(pg_temp.slots('{T1}', areas => '{a2}', n => 7), '-/0 slots=7', 'M1: the limit');
select is(pg_temp.slots('{T1,T2}', recipient => ''), '-/0 slots=161', 'M1: several organizations');
select is(pg_temp.slots('{T1,T1}', areas => '{a2}'), '-/0 slots=40', 'the same organization twice');
select is(pg_temp.slots('{T1}', services => '{s2}'), '-/0 slots=40', 'M1: by service');
select is(pg_temp.slots('{T1}', services => '{s1}'), '-/0 slots=121', 'M1: by another');
select is(pg_temp.slots('{T1}', services => '{s1,s2}'), '-/0 slots=40', 'item 18: for both, not for either');
select is(pg_temp.slots('{T1}', services => '{s2}', areas => '{a1}'), '-/0', 'M1: an empty list is code 0');
select is(pg_temp.slots('{T1,T2}', services => '{s2}', recipient => ''), '-/0 slots=40', 'M1: a service only one of them offers');

-- bad input
select is(pg_temp.slots('{}'), '-/2 organizationId:1', 'no organization');
select is(pg_temp.slots(null), '-/2 organizationId:1', 'null');
select is(pg_temp.slots('{""}'), '-/2 organizationId:1', 'an empty one');
select is(pg_temp.slots('{nowhere}'), '-/2 organizationId:2', 'unknown organization');
select is(pg_temp.slots('{T1,nowhere}'), '-/2 organizationId:2', 'unknown among known');
select is(pg_temp.slots('{T2}'), '-/2 organizationId:2', 'C6: of another agency');
select is(pg_temp.slots('{T1}', services => '{s3}'), '-/2 serviceId:2', 'a service not offered');
select is(pg_temp.slots('{T1}', areas => '{b1}'), '-/2 areaId:2', 'an area of another organization');
select is(pg_temp.slots('{T1}', services => '{s9}', areas => '{zz}'), '-/2 serviceId:2 areaId:2', 'M10: both at once');
select is(pg_temp.slots(array['T1'' or true --']), '-/2 organizationId:2', 'P4: text is never SQL');
select is(pg_temp.slots('{T1}', areas => '{a2}', n => 0), '-/0', 'no slots wanted');

-- order and form
select ok((select bool_and(v >= coalesce(p, v)) from (select visit_at as v, lag(visit_at) over (order by n) as p
    from rows from (pg_temp.get_slots('', '{T1,T2}', '{}', '{}', 'SIMPLE', 'PHYSIC', '1', 10000)) with ordinality
        as r (kind, b, c, d, e, f, g, h, organization_id, j, visit_at, l, m, o, q, s, t, u, vo, bo, n) where kind = 'slot') x), 'M1: time order across organizations');
select is((select array_agg(distinct visit_offset order by visit_offset) from pg_temp.get_slots('', '{T1,T2}', '{}', '{}', 'SIMPLE', 'PHYSIC', '1', 10000) where kind = 'slot'),
    '{180,720}', 'T1: each in its organization''s zone');
select is((select array[service_id, area_id, duration::text] from pg_temp.get_slots('', '{T1}', '{s2}', '{}', 'SIMPLE', 'PHYSIC', '1', 1) where kind = 'slot'), '{s2,a2,15}', 'the service asked is told');

-- the lists (docs/decisions/0321)
create temporary table told as select * from api.get_slots('', '{T1,T2}', '{}', '{}', 'SIMPLE', 'PHYSIC', '1', 10000) with ordinality;
select is((select count(*) from told where kind = 'slots'), (select count(distinct visit_at) from told), 'a row an instant');
select is((select sum(cardinality(slot_ids)) from told), 161::bigint, 'all intervals');
select is((select count(*) from told where kind = 'slots' and (cardinality(slot_ids) <> cardinality(area_keys)
    or cardinality(durations) not in (1, cardinality(slot_ids)) or cardinality(own_services) <> cardinality(slot_ids))), 0::bigint, 'lists of one length');
select is((select count(*) from told where slot_ids <> array(select unnest(slot_ids) order by 1)), 0::bigint, 'in the order of slotId');
select is((select array_agg(distinct area_id order by area_id) from told where kind = 'area'), '{a1,a2,a3,b1}', 'areas that the lists name');
select is((select durations from told where kind = 'slots' order by ordinality desc limit 1), '{15}', 'one duration of all');
select is((select array_agg(distinct d order by d) from told cross join unnest(durations) as d where visit_at = extract(epoch from pg_temp.noon())), '{15,60}',
    'or one of each');
drop table told;

-- what is absent
select is(pg_temp.book('g1', array[pg_temp.slot('a2', 5)]), '201/0 slots=1', 'a booking');
select is(pg_temp.offered(pg_temp.slot('a2', 5)), false, 'M1: taken slots are absent');
select is(pg_temp.book('g2', array[pg_temp.slot('a2', 6)], true), '201/0 slots=1', 'a hold');
select is(pg_temp.offered(pg_temp.slot('a2', 6)), false, 'M1: held slots are absent');
select is(pg_temp.book('g3', array[pg_temp.slot('a3', 6)]), '201/0 slots=1', 'one of two places');
select is(pg_temp.offered(pg_temp.slot('a3', 6)), true, 'B9: one is left');
select is(pg_temp.book('g4', array[pg_temp.slot('a3', 6)]), '201/0 slots=1', 'the other');
select is(pg_temp.offered(pg_temp.slot('a3', 6)), false, 'B9: none is left');
select is(pg_temp.book('g5', array[pg_temp.slot('a1', 4)]), '201/0 slots=1', 'the last quarter of the long slot');
select is(pg_temp.offered(pg_temp.slot('a1', 0)), false, 'B2: an overlapping slot of the room is absent');
select is(pg_temp.offered(pg_temp.slot('a1', 3)) and pg_temp.offered(pg_temp.slot('a1', 5)), true, 'B2: its neighbours are not');
select is(pg_temp.cancel('g5'), '301/0', 'cancelled');
select is(pg_temp.offered(pg_temp.slot('a1', 0)), true, 'and back again');
select is(pg_temp.book('g6', array[pg_temp.slot('a1', 0)]), '201/0 slots=1', 'the long one');
select is(pg_temp.offered(pg_temp.slot('a1', 1)) or pg_temp.offered(pg_temp.slot('a1', 2)) or pg_temp.offered(pg_temp.slot('a1', 4)), false, 'B2: nothing under it is offered');
select is(pg_temp.offered(pg_temp.slot('a1', 5)), true, 'B2: what follows is');
update data.slot set is_closed = true where slot_id = pg_temp.slot('a1', 10)::uuid;
select is(pg_temp.offered(pg_temp.slot('a1', 10)), false, 'M1: closed ones are absent');
insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at)
select ('00000000-0000-4000-8000-00000000000' || n)::uuid, 'T1', area_key, now() + d, now() + d + interval '5 min'
from data.area, (values (1, interval '-1 hour'), (2, interval '10 min'), (3, interval '31 days'), (4, interval '29 days')) v (n, d)
where organization_id = 'T1' and area_id = 'a2';
select is(pg_temp.offered('00000000-0000-4000-8000-000000000001'), false, 'M1: the past is absent');
select is(pg_temp.offered('00000000-0000-4000-8000-000000000002'), true, 'M1: soon is not');
select is(pg_temp.offered('00000000-0000-4000-8000-000000000003'), false, 'B5: beyond the window');
select is(pg_temp.offered('00000000-0000-4000-8000-000000000004'), true, 'B5: within it');
update data.organization set notice_min = 30, booking_window_days = 15 where organization_id = 'T1';
select is(pg_temp.offered('00000000-0000-4000-8000-000000000002'), false, 'B5: notice');
select is(pg_temp.offered('00000000-0000-4000-8000-000000000004'), false, 'B5: a shorter window');
-- B9: tree
update data.area set parent_key = (select area_key from data.area where area_id = 'a3' and organization_id = 'T1') where area_id in ('a1', 'a2') and organization_id = 'T1';
select is((select array_agg(distinct area_id order by area_id) from pg_temp.get_slots('', '{T1}', '{}', '{a3}', 'SIMPLE', 'PHYSIC', '1', 10000) where kind = 'slot'), '{a1,a2,a3}', 'B9: an area means everything inside it');
select is((select array_agg(distinct area_id) from pg_temp.get_slots('', '{T1}', '{}', '{a2}', 'SIMPLE', 'PHYSIC', '1', 10000) where kind = 'slot'), '{a2}', 'B9: a room means itself');

-- reference books
create function pg_temp.ref(ref text, parent text default null, tree text default 'SUBTREE', selected text[] default '{}', ordered text[] default '{}',
    page integer default 0, size integer default 0, version text default null, recipient text default 'TEST00001') returns text language sql as $$
    select string_agg(case kind when 'answer' then error_code || ' total=' || coalesce(total_items::text, '-') when 'field' then field || ':' || error_code
            else repeat('>', depth) || coalesce(r."values"[array_position(r.names, 'code')], array_to_string(r."values", '|')) || coalesce('^' || parent_item, '') end, ' ' order by n)
    from rows from (api.get_ref_items_list(recipient, ref, parent, tree, selected, ordered, page, size, version)) with ordinality
        as r (kind, error_code, error_message, field, total_items, version, depth, parent_item, names, "values", n)
$$;
select set_eq('select name, kind from api.get_refs_list('''')', $$values ('organizations', 'P'), ('services', 'P'), ('offers', 'P'), ('areas', 'H')$$, 'M5: four books');
select results_eq($$select error_code, field from api.get_ref_attributes_list('', '{nothing}')$$, $$values (3, null), (2, 'refNames')$$, 'M6: an unknown book is error 3');
select results_eq($$select error_code, field from api.get_ref_attributes_list('', '{}')$$, $$values (2, null), (1, 'refNames')$$, 'M6: no book is error 2');
select results_eq($$select error_code, field from api.get_ref_attributes_list('', null)$$, $$values (2, null), (1, 'refNames')$$, 'M6: null is error 2');
select results_eq($$select ref_name, name, type, allow_filtering from api.get_ref_attributes_list('', '{services,services}') where kind = 'attribute'$$,
    $$values ('services', 'code', 'STRING', true), ('services', 'title', 'STRING', true), ('services', 'frguNumber', 'STRING', true), ('services', 'isDeleted', 'BOOLEAN', false)$$, 'A12, A13, M6: code and title are announced; a book asked twice comes once');
select is((select count(*) from api.get_ref_attributes_list('', '{organizations}') where name ~ '^(mon|tue|wed|thu|fri|sat|sun)(IsWorking|Start|End|HasDinner|DinnerStart|DinnerEnd)$'), 42::bigint, 'R4: the timetable attributes');
select is(pg_temp.ref('areas'), '0 total=3 a3 >a1^a3 >a2^a3', 'A20: SUBTREE nests; A19: totalItems counts all');
select is(pg_temp.ref('areas', tree => 'ONELEVEL'), '0 total=1 a3', 'A20: ONELEVEL: roots');
select is(pg_temp.ref('areas', 'a3', 'ONELEVEL'), '0 total=2 a1^a3 a2^a3', 'A20: ONELEVEL: children of a parent');
select is(pg_temp.ref('areas', 'a1'), '0 total=0', 'A20: SUBTREE from a leaf');
select is(pg_temp.ref('services'), '0 total=2 s1 s2', 'R1: what the agency offers');
select is(pg_temp.ref('services', recipient => 'TEST00002'), '0 total=1 s1', 'C6: what the other offers');
select is(pg_temp.ref('organizations'), '0 total=1 T1', 'C6: an agency sees its own');
select is(pg_temp.ref('organizations', ordered => '{timeZone}', recipient => '', selected => '{code}') ~ 'T2.*T1', true, 'R2: orderBy');
update data.organization set latitude = 9.5 where organization_id = 'T1';
update data.organization set latitude = 10.25 where organization_id = 'T2';
select is(pg_temp.ref('organizations', ordered => '{latitude}', recipient => '') ~ 'T1 .*T2', true, 'R2: numbers sort as numbers');
select is(pg_temp.ref('services', selected => '{title,frguNumber}'), '0 total=2 Услуга 1|0000000000000000001 Услуга 2|0000000000000000002', 'R2: selectAttributes');
select is(pg_temp.ref('services', page => 1, size => 1) || ', ' || pg_temp.ref('services', page => 2, size => 1) || ', ' || pg_temp.ref('services', page => 3, size => 1),
    '0 total=2 s1, 0 total=2 s2, 0 total=2', 'A18: pages, and past the end');
select is(pg_temp.ref('services', page => 0, size => 1) || ', ' || pg_temp.ref('services', page => 1, size => 0), '0 total=2 s1 s2, 0 total=2 s1 s2', 'A18: a zero means all');
select is(pg_temp.ref('services', page => 2147483647, size => 2147483647), '0 total=2', 'A18: far past the end');
select is(pg_temp.ref('nothing'), '3 total=0', 'an unknown book is error 3');
select is(pg_temp.ref(null), '3 total=0', 'so is none');
select is(pg_temp.ref('services', tree => 'subtree'), '2 total=0 treeFiltering:1', 'a treeFiltering that is none');
select is(pg_temp.ref('services', tree => null), '2 total=0 treeFiltering:1', 'no treeFiltering');
select is(pg_temp.ref('areas', 'zz'), '2 total=0 parentRefItemValue:2', 'an unknown parent');
select is(pg_temp.ref('services', ordered => '{colour}'), '2 total=0 orderBy:2', 'orderBy an unknown attribute');
select is(pg_temp.ref('services', selected => '{latitude}'), '2 total=0 selectAttributes:2', 'selecting an unknown attribute');
select is(pg_temp.ref('services', tree => 'X', selected => '{x}', ordered => '{y}', page => -1, size => -1), '2 total=0 treeFiltering:1 selectAttributes:2 orderBy:2 pageNum:1 pageSize:1', 'M10: all at once');
create function pg_temp.version(ref text) returns text language sql as $$ select version from api.get_ref_items_list('', ref, null, 'ONELEVEL', '{}', '{}', 0, 0, null) where kind = 'answer' $$;
select is(pg_temp.ref('services', version => pg_temp.version('services')), '5 total=0', 'A15: the same version: error 5');
select is((select version from api.get_ref_items_list('', 'services', null, 'ONELEVEL', '{}', '{}', 0, 0, pg_temp.version('services'))), pg_temp.version('services'), 'A15: and the version in force');
select is(pg_temp.ref('services', version => 'rubbish'), '0 total=2 s1 s2', 'A14: an unknown version: the full list');
select is(pg_temp.ref('services', version => '0'), '0 total=2 s1 s2', 'A14: an older one too');
create temp table v as select pg_temp.version('services') as services, pg_temp.version('areas') as areas, pg_temp.version('organizations') as organizations;
update data.service set name = 'Услуга один' where service_id = 's1';
select is(pg_temp.version('services')::bigint, (select services::bigint + 1 from v), 'R3, R6: a change makes a version');
select is(pg_temp.version('areas'), (select areas from v), 'R3: of that book only');
insert into data.timetable (area_key, organization_id, weekday, starts, ends, slot_min)
select area_key, 'T1', w, s::time, e::time, 15 from data.area, (values (1, '09:00', '13:00'), (1, '14:05', '18:00'), (2, '10:00', '16:30')) t (w, s, e)
where organization_id = 'T1' and area_id = 'a1';
select isnt(pg_temp.version('organizations'), (select organizations from v), 'R4: hours are part of the organization');
select is((select array_agg(val order by n) from (select unnest(names) as n, unnest("values") as val from api.get_ref_items_list('TEST00001', 'organizations', null, 'ONELEVEL',
    '{monIsWorking,monStart,monEnd,monHasDinner,monDinnerStart,monDinnerEnd,tueHasDinner,tueStart,tueEnd,tueDinnerStart,wedIsWorking,wedStart}', '{}', 0, 0, null)) x),
    '{14:05,13:00,18:00,true,true,9:00,16:30,false,10:00,false}', 'R4: 9:00 to 18:00 with dinner 13:00 to 14:05; no dinner; no work');
-- Item 3: what is wrong with a field that the function knows is said, not that something is.
create function pg_temp.words(rows text[]) returns text language sql as $$ select string_agg(w, ' | ' order by w) from unnest(rows) as w $$;
select is(pg_temp.words(array(select r.field || ': ' || r.error_message from api.get_slots('', '{}', '{}', '{}', 'SIMPLE', 'PHYSIC', '', 10) as r where r.kind = 'field')), 'organizationId: Не заполнено обязательное поле', 'item 3: getSlots');
select is(pg_temp.words(array(select r.field || ': ' || r.error_message from api.get_ref_items_list('', 'areas', null, 'LEAVES', '{}', '{}', -1, -2, null) as r where r.kind = 'field')),
    'pageNum: Номер страницы — от 0 | pageSize: Размер страницы — от 0 | treeFiltering: Значение — ONELEVEL или SUBTREE', 'item 3: getRefItemsList');
select is(pg_temp.words(array(select r.field || ': ' || r.error_message from api.get_ref_attributes_list('', '{}') as r where r.kind = 'field')), 'refNames: Не заполнено обязательное поле', 'item 3: getRefAttributesList');
select * from finish();
rollback;
