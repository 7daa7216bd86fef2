-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- M9: attributes and queueNumber of TimeSlot (item 18): what an organization says of the intervals of an area reaches getSlots and the
-- answers about bookings, and goes away again.
\ir lib/helpers.psql
select no_plan();

create function pg_temp.told_of(area text) returns jsonb language sql as $$
    select case when count(distinct coalesce(r.attributes, 'null')) = 1 then (array_agg(r.attributes))[1] else '"various"' end
    from pg_temp.get_slots('TEST00001', '{T1}', '{}', array[area], 'SIMPLE', 'PHYSIC', '1', 1000) as r where r.kind = 'slot'
$$;
-- "queueNumber attributes" of the one slot a booking has.
create function pg_temp.booked(rows api.answer[]) returns text language sql as $$
    select concat_ws(' ', coalesce(r.queue_number, '-'), r.attributes) from unnest(rows) as r where r.kind = 'slot'
$$;
create function pg_temp.refusal(query text) returns text language plpgsql as $$
declare
    code text;
    constraint_said text;
begin
    execute query;
    return 'done';
exception when others then
    get stacked diagnostics code = returned_sqlstate, constraint_said = message_text;
    return code || ' ' || constraint_said;
end $$;

select is(pg_temp.told_of('a3'), null, 'M9: nothing is said unless somebody says it');
select is(pg_temp.booked(pg_temp.book_rows('q-0', array[pg_temp.slot('a3', 1)])), '-', 'M9: nor of a booking');

-- attributes
select is(admin.slot_attribute('T1', 'a3', 'entrance', 'со двора'), 'a3', 'the command answers with the area');
select is(admin.slot_attribute('T1', 'a3', 'floor', '2'), 'a3', 'a second one');
select is(pg_temp.told_of('a3'), '[{"name": "entrance", "value": "со двора"}, {"name": "floor", "value": "2"}]', 'M9: both, in the order they were named');
select is(pg_temp.told_of('a1'), null, 'M9: of that area only');
select is(admin.slot_attribute('T1', 'a3', 'entrance', 'с улицы'), 'a3', 'another value');
select is(pg_temp.told_of('a3'), '[{"name": "entrance", "value": "с улицы"}, {"name": "floor", "value": "2"}]', 'M9: in its place');
select is(pg_temp.booked(pg_temp.book_rows('q-1', array[pg_temp.slot('a3', 2)])), '- [{"name": "entrance", "value": "с улицы"}, {"name": "floor", "value": "2"}]', 'M9: book tells them');
select is(pg_temp.booked(array(select r from api.get_booking_status('TEST00001', 'q-1', '1000000000') as r)),
    '- [{"name": "entrance", "value": "с улицы"}, {"name": "floor", "value": "2"}]', 'M9: getBookingStatus too');
select is(admin.slot_attribute('T1', 'a3', 'entrance'), 'a3', 'without a value');
select is(pg_temp.told_of('a3'), '[{"name": "floor", "value": "2"}]', 'M9: it is taken away');
select is(admin.slot_attribute('T1', 'a3', 'nothing'), 'a3', 'what was not there');
select is(admin.slot_attribute('T1', 'a3', 'floor', ''), 'a3', 'the last one');
select is(pg_temp.told_of('a3'), null, 'M9: nothing is left, not an empty list');
select alike(pg_temp.refusal($$select admin.slot_attribute('T1', 'zz', 'a', 'b')$$), 'P0002 %', 'an area nobody knows');
select alike(pg_temp.refusal($$select admin.slot_attribute('T1', 'a3', '', 'b')$$), '23514 Атрибутов у помещения%', 'L2: a name has a letter at least');
select alike(pg_temp.refusal($$select admin.slot_attribute('T1', 'a3', repeat('x', 256), 'b')$$), '23514 %', 'L2: and 255 at the most');
select alike(pg_temp.refusal($$select admin.slot_attribute('T1', 'a3', 'a', repeat('x', 4001))$$), '23514 %', 'L2: a value 4,000');
select is((select count(admin.slot_attribute('T1', 'a3', 'n' || n, 'v')) from generate_series(1, 100) as n), 100::bigint, 'L2: a hundred of them');
select alike(pg_temp.refusal($$select admin.slot_attribute('T1', 'a3', 'n101', 'v')$$), '23514 %', 'L2: and no more');
update data.area set slot_attributes = null where organization_id = 'T1' and area_id = 'a3';
select is(admin.slot_attribute('T1', 'a3', 'long', repeat('я', 2000)), 'a3', 'L2: four kilobytes of them in all');
select alike(pg_temp.refusal($$select admin.slot_attribute('T1', 'a3', 'more', repeat('v', 100))$$), '23514 %',
    'L2: and no more: each of thousands of intervals bears them in an answer');
update data.area set slot_attributes = null where organization_id = 'T1' and area_id = 'a3';

-- what all of an answer repeats
select is(data.slots_bearable('{T1,T2}', null, 20000), 20000, 'L2: as many as are asked for, where nothing is said');
select is(admin.slot_attribute('T1', 'a3', 'floor', '2'), 'a3', 'a short word');
select is(data.slots_bearable('{T1,T2}', null, 20000), 20000, 'L2: as many where little is said');
select is((select count(*) from pg_temp.get_slots('TEST00001', '{T1}', '{}', '{}', 'SIMPLE', 'PHYSIC', '1', 5) as r where r.kind = 'slot'), 5::bigint, 'so many');
update data.area set slot_attributes = jsonb_build_array(jsonb_build_object('name', 'n', 'value', repeat('&', 4000))) where organization_id = 'T1' and area_id = 'a3';
insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at)
select gen_random_uuid(), 'T1', a.area_key, date_trunc('hour', now()) + interval '2 days' + n * interval '5 min', date_trunc('hour', now()) + interval '2 days' + (n + 1) * interval '5 min'
from data.area as a cross join generate_series(1, 600) as n where a.organization_id = 'T1' and a.area_id = 'a1';
create temp table told as
select r from pg_temp.get_slots('TEST00001', '{T1}', '{}', '{}', 'SIMPLE', 'PHYSIC', '1', 20000) as r where r.kind = 'slot';
select is((select count(*) from told), least(8388608 / (80 + 5 * 4000 + octet_length('[{"name": "n", "value": ""}]')), 20000)::bigint, 'L2: fewer intervals than there are');
select ok((select sum(octet_length(replace((r).attributes::text, '&', '&amp;'))) from told) <= 8388608, 'L2: what attributes take of an answer is 8 MiB at most');
select is(data.slots_bearable('{T1}', null, 20000), 8388608 / (80 + 5 * 4000 + octet_length('[{"name": "n", "value": ""}]')), 'L2: so many are told, the earliest');
select is(data.slots_bearable('{T1}', null, 7), 7, 'L2: not more than are asked for');
select cmp_ok((select count(*) from pg_temp.get_slots('TEST00001', '{T1}', '{}', '{a1}', 'SIMPLE', 'PHYSIC', '1', 20000) as r where r.kind = 'slot'), '>', 417::bigint,
    'L2: nor does an area that is not asked for');
select is(data.slots_bearable('{T2}', null, 20000), 20000, 'L2: an organization that is not asked for costs nobody anything');
update data.area set slot_attributes = null where organization_id = 'T1' and area_id = 'a3';

-- the number in a queue: of the places of one interval
select is(admin.queue_numbers('T1', 'a3', 'А-'), 'a3', 'the command answers with the area');
select is(pg_temp.booked(pg_temp.book_rows('q-2', array[pg_temp.slot('a3', 3)])), 'А-1', 'M9: the first');
select is(pg_temp.booked(pg_temp.book_rows('q-3', array[pg_temp.slot('a3', 3)])), 'А-2', 'M9: the second of the same time');
select is(pg_temp.booked(pg_temp.book_rows('q-4', array[pg_temp.slot('a3', 4)])), 'А-1', 'M9: another time has its own numbers');
select is(pg_temp.booked(array(select r from api.get_booking_status('TEST00001', 'q-3', '1000000000') as r)), 'А-2', 'M9: it stays the same');
select is((select count(*) from pg_temp.get_slots('TEST00001', '{T1}', '{}', '{a3}', 'SIMPLE', 'PHYSIC', '1', 1000) where queue_number is not null), 0::bigint,
    'M9: who has no booking has no number');
select is(admin.queue_numbers('T1', 'a3', ''), 'a3', 'nothing before it');
select is(pg_temp.booked(pg_temp.book_rows('q-5', array[pg_temp.slot('a3', 5)])), '1', 'M9: the number alone');
select is(admin.queue_numbers('T1', 'a3'), 'a3', 'no numbers');
select is(pg_temp.booked(pg_temp.book_rows('q-6', array[pg_temp.slot('a3', 6)])), '-', 'M9: none');
select alike(pg_temp.refusal($$select admin.queue_numbers('T1', 'a3', repeat('x', 21))$$), '23514 Перед номером%', 'L2: a few letters');

-- serviceId is told wherever there is one: the slot's own, the one asked for, the area's only one; in getSlots, book, getBookingStatus and pushes alike
create function pg_temp.services(area text, asked text[] default '{}') returns text language sql as $$
    select string_agg(distinct coalesce(r.service_id, '-'), ' ') from pg_temp.get_slots('TEST00001', '{T1}', asked, array[area], 'SIMPLE', 'PHYSIC', '1', 5) as r where r.kind = 'slot'
$$;
-- What each says of the first slot of a booking: "book status push", once when they agree.
create function pg_temp.said(book text, slots text[], asked text[] default '{}') returns text language plpgsql as $$
declare
    told text[];
begin
    told := array(select coalesce(r.service_id, '-') from unnest(pg_temp.book_rows(book, slots, services => asked)) as r where r.kind = 'slot' limit 1);
    told := told || array(select coalesce(r.service_id, '-') from api.get_booking_status('TEST00001', book, '1000000000') as r where r.kind = 'slot' limit 1)
        || coalesce(data.visit_json((select b from data.booking as b where b.book_key = said.book)) ->> 'serviceId', '-');
    return (select string_agg(distinct t, ' ') || ' ' || cardinality(told) from unnest(told) as t);
end $$;
select is(pg_temp.services('a1'), 's1', 'item 18: an area of one service says it to who asks for none');
select is(pg_temp.services('a1', '{s1}'), 's1', 'item 18: and to who asks for it');
select is(pg_temp.services('a2'), '-', 'item 18: an area of two says none');
select is(pg_temp.services('a2', '{s2}'), 's2', 'item 18: but the one that is asked for');
select is(pg_temp.services('a2', '{s1,s2}'), '-', 'item 18: asked for both it is none of them');
select is(pg_temp.said('s-1', array[pg_temp.slot('a1', 30)]), 's1 3', 'item 19: booked there');
select is(pg_temp.said('s-2', array[pg_temp.slot('a2', 30)]), '- 3', 'item 19: booked in an area of two');
select is(pg_temp.said('s-3', array[pg_temp.slot('a2', 31)], '{s2}'), 's2 3', 'item 19: for one of them');
select is(pg_temp.said('s-4', array[pg_temp.slot('a2', 32)], '{s1,s2}'), '- 3', 'item 19: for both');
select is(pg_temp.said('s-5', array[pg_temp.slot('a1', 33), pg_temp.slot('a1', 34)]), 's1 3', 'item 19: of a visit of several slots, which goes the long way');
update data.slot set service_id = 's2' where slot_id = pg_temp.slot('a2', 36)::uuid;
select is(pg_temp.said('s-6', array[pg_temp.slot('a2', 36)]), 's2 3', 'item 18: a slot of one service says it');
delete from data.area_service where service_id = 's1' and area_key = (select area_key from data.area where organization_id = 'T1' and area_id = 'a2');
select is(pg_temp.services('a2'), 's2', 'item 18: one is left');
insert into data.area_service select area_key, 'T1', 's1' from data.area where organization_id = 'T1' and area_id = 'a2';
delete from data.area_service where area_key = (select area_key from data.area where organization_id = 'T1' and area_id = 'a3');
select is(pg_temp.services('a3'), '-', 'item 18: an area of no service');

-- 2.3 b: what is pushed tells of the visit what the answer told (room, ticket, attributes)
select admin.queue_numbers('T1', 'a3', 'А-'), admin.slot_attribute('T1', 'a3', 'room', '12'), admin.slot_attribute('T1', 'a3', 'window', '3');
select is(pg_temp.book('v-1', array[pg_temp.slot('a3', 20)]) || pg_temp.book('v-2', array[pg_temp.slot('a3', 20)]), '201/0 slots=1201/0 slots=1', 'two of the same time');
select is((select result from admin.invite('v-2')), 'сделано', 'one is invited');
select is((select payload -> 'timeslot' from data.outbox where book_key = 'v-2'), (select jsonb_build_object('slotId', slot_id, 'organizationId', organization_id, 'areaId', area_id,
        'visitTime', pg_temp.told(visit_at, visit_offset), 'queueNumber', 'А-2', 'duration', duration, 'attributes', '[{"name": "room", "value": "12"}, {"name": "window", "value": "3"}]'::jsonb)
    from api.get_booking_status('TEST00001', 'v-2', '1000000000') where kind = 'slot'), 'M8: the push has what getBookingStatus has, the number and the attributes too');
select is((select payload -> 'timeslot' from data.outbox where book_key = 'v-2') ? 'serviceId', false, 'item 18: and no service where there is none');
select is((select result from admin.move('v-2', pg_temp.slot('a1', 35))), 'сделано', 'moved to a room without numbers');
select is((select (payload -> 'timeslot') - '{slotId,visitTime}'::text[] from data.outbox where book_key = 'v-2' order by outbox_id desc limit 1),
    '{"areaId": "a1", "duration": 15, "organizationId": "T1", "serviceId": "s1"}', 'M8: it has none then, and the service of that room');
select pg_temp.healthy();
select * from finish();
rollback;
