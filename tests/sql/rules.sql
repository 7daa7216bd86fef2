-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- Rules of an office: B5 (limits, deadlines, windows), B7 (bookings of an application), B9 (buffers, exclusive areas,
-- channels), edge case 24 (who is admitted). Each rule below, at and above its boundary, and off again.
\ir lib/helpers.psql
select no_plan();

create function pg_temp.rows_of(book text, slots text[], channel text default 'portal', user_type text default 'SIMPLE',
    user_kind text default 'PHYSIC', esia text default '1000000000', services text[] default '{}',
    applicant jsonb default '{"lastName": "Тестов"}', preliminary boolean default false) returns api.answer[] language sql as $$
    select array_agg(r) from api.book(
        row('l', channel, 'p', 'PORTAL', 'TEST00001', gen_random_uuid()::text, 'book', 'good', null, null, sha256(convert_to(gen_random_uuid()::text, 'UTF8')), now(), false, 'x', false)::api.message,
        book, slots, 'T1', user_type, user_kind, esia, applicant, services, '{}', preliminary, null, '[]', '{}') as r
$$;
create function pg_temp.attempt(book text, slots text[], channel text default 'portal', user_type text default 'SIMPLE',
    user_kind text default 'PHYSIC', esia text default '1000000000', services text[] default '{}',
    applicant jsonb default '{"lastName": "Тестов"}', preliminary boolean default false) returns text language sql as $$
    select pg_temp.line(pg_temp.rows_of(book, slots, channel, user_type, user_kind, esia, services, applicant, preliminary))
$$;
create function pg_temp.refusal(rows api.answer[]) returns text language sql as $$
    select error_message from unnest(rows) where kind = 'answer'
$$;
create function pg_temp.offers(slot text, services text[] default '{}', channel text default null) returns boolean language sql as $$
    select exists (select from pg_temp.get_slots('', '{T1}', services, '{}', 'SIMPLE', 'PHYSIC', '1', 10000, null, channel) as r where r.slot_id = slot)
$$;
create function pg_temp.has_rules() returns boolean language sql as $$
    select has_rules from data.organization where organization_id = 'T1'
$$;
create function pg_temp.key(id text) returns integer language sql as $$
    select area_key from data.area where area_id = id and organization_id = 'T1'
$$;

-- off by default
select is(pg_temp.has_rules(), false, 'B5: no rule is on by default');
update data.organization set has_rules = true where organization_id = 'T1';
select is(pg_temp.has_rules(), false, 'B5: and the mark cannot be set by hand');

-- B5: live bookings of one account
insert into data.booking_limit (organization_id, person, period, max_bookings) values ('T1', 'esiaId', 'live', 2);
select is(pg_temp.has_rules(), true, 'B5: a limit is a rule');
select is(pg_temp.attempt('l1', array[pg_temp.slot('a1', 5)]), '201/0 slots=1', 'B5: one of two');
select is(pg_temp.attempt('l2', array[pg_temp.slot('a1', 6)]), '201/0 slots=1', 'B5: two of two');
select is(pg_temp.refusal(pg_temp.rows_of('l3', array[pg_temp.slot('a1', 7)])),
    'Отказ в бронировании: превышено допустимое число записей одного заявителя: не более 2 действующих одновременно', 'B5: the refusal tells which limit');
select is(pg_temp.status('l3'), '208/0', 'B5: and is 208');
select is(pg_temp.owner_of(pg_temp.slot('a1', 7)), null, 'B5: no place is kept');
select is(pg_temp.attempt('l3', '{blind_request}'), '208/4', 'B5: a blind one is refused too');
select is((select count(*) from data.place where book_key = 'l3'), 0::bigint, 'B5: and keeps no place');
select is(pg_temp.attempt('l4', array[pg_temp.slot('a1', 7)], esia => '2'), '201/0 slots=1', 'B5: another person may');
select is(pg_temp.attempt('l2', array[pg_temp.slot('a1', 6)], applicant => '{"lastName": "Тестов", "userINN": "1"}'), '201/0 slots=1', 'B5: a correction does not count itself');
select is(pg_temp.attempt('l1', array[pg_temp.slot('a1', 8)]), '201/0 slots=1', 'B5: a move does not count itself');
select is(pg_temp.cancel('l1'), '301/0', 'one is cancelled');
select is(pg_temp.attempt('l3', array[pg_temp.slot('a1', 5)], preliminary => true), '201/0 slots=1', 'B5: a cancelled one does not count');
select pg_temp.lapse('l3');
select is(pg_temp.attempt('l5', array[pg_temp.slot('a1', 9)]), '201/0 slots=1', 'B5: nor does a lapsed hold');
select is(pg_temp.attempt('l3', array[pg_temp.slot('a1', 5)]), '208/4', 'B5: confirmed too late it is one too many');
update data.booking_limit set max_bookings = 1 where organization_id = 'T1';
select is(pg_temp.attempt('l5', array[pg_temp.slot('a1', 9)], applicant => '{"lastName": "Проверкин"}'), '201/0 slots=1', 'B5: a lower limit takes nothing back');
select is(pg_temp.attempt('l5', array[pg_temp.slot('a1', 10)]), '208/4', 'B5: but binds a move');
select is(pg_temp.owner_of(pg_temp.slot('a1', 9)), 'l5', 'M2: the old place stays');
delete from data.booking_limit;
select is(pg_temp.has_rules(), false, 'B5: the last rule gone');
select is(pg_temp.attempt('l6', array[pg_temp.slot('a1', 10)]), '201/0 slots=1', 'B5: no limit, no refusal');

-- B5: by what tells the person, by service
insert into data.booking_limit (organization_id, service_id, person, period, max_bookings) values ('T1', 's2', 'userSnils', 'live', 1);
select is(pg_temp.attempt('n1', array[pg_temp.slot('a2', 1)], services => '{s2}', applicant => '{"userSnils": "00000000101"}'), '201/0 slots=1', 'B5: one for the service');
select is(pg_temp.refusal(pg_temp.rows_of('n2', array[pg_temp.slot('a2', 2)], esia => '3', services => '{s2}', applicant => '{"userSnils": "00000000101"}')),
    'Отказ в бронировании: превышено допустимое число записей одного заявителя на эту услугу: не более 1 действующих одновременно', 'B5: by SNILS, whatever the account');
select is(pg_temp.attempt('n2', array[pg_temp.slot('a2', 2)], esia => '3', services => '{s1}', applicant => '{"userSnils": "00000000101"}'), '201/0 slots=1', 'B5: another service is not limited');
select is(pg_temp.attempt('n2', array[pg_temp.slot('a2', 2)], esia => '3', services => '{s2}', applicant => '{"userSnils": "00000000101"}'), '208/4', 'B5: nor by a later change of the service');
select is((select service_ids from data.booking where book_key = 'n2'), '{s1}', 'B5: which then is not made');
select is(pg_temp.attempt('n3', array[pg_temp.slot('a2', 3)], services => '{s2}', applicant => '{"userSnils": "00000000202"}'), '201/0 slots=1', 'B5: another SNILS');
select is(pg_temp.attempt('n3', array[pg_temp.slot('a2', 3)], services => '{s2}', applicant => '{"userSnils": "00000000101"}'), '208/4', 'B5: nor by a later change of the SNILS');
select is(pg_temp.attempt('n4', array[pg_temp.slot('a2', 4)], services => '{s2}'), '201/0 slots=1', 'B5: no SNILS: this limit does not count it');
delete from data.booking_limit;
insert into data.booking_limit (organization_id, person, period, max_bookings) values ('T1', 'userINN', 'live', 1), ('T1', 'businessINN', 'live', 1);
select is(pg_temp.attempt('i1', array[pg_temp.slot('a2', 5)], applicant => '{"userINN": "770000000082"}'), '201/0 slots=1', 'B5: by INN');
select is(pg_temp.attempt('i2', array[pg_temp.slot('a2', 6)], applicant => '{"userINN": "770000000082"}', esia => '4'), '208/4', 'B5: by INN, one too many');
select is(pg_temp.attempt('i3', array[pg_temp.slot('a2', 6)], applicant => '{"businessINN": "7700000009"}'), '201/0 slots=1', 'B5: by INN of a firm');
select is(pg_temp.refusal(pg_temp.rows_of('i4', array[pg_temp.slot('a2', 7)], applicant => '{"businessINN": "7700000009"}', esia => '4')),
    'Отказ в бронировании: превышено допустимое число записей одной организации: не более 1 действующих одновременно', 'B5: by INN of a firm, one too many');
delete from data.booking_limit;

-- B5: in an area for one service alone it goes without saying, for those that count as for the one that is judged
insert into data.booking_limit (organization_id, service_id, person, period, max_bookings) values ('T1', 's1', 'esiaId', 'live', 1);
select is(pg_temp.attempt('u1', array[pg_temp.slot('a1', 20)], esia => '70'), '201/0 slots=1', 'B5: one for the service, which is not named');
select is(pg_temp.attempt('u2', array[pg_temp.slot('a1', 21)], esia => '70'), '208/4', 'B5: it counts for another that names none');
select is(pg_temp.attempt('u2', array[pg_temp.slot('a1', 21)], esia => '70', services => '{s1}'), '208/4', 'B5: and for one that names it');
select is(pg_temp.attempt('u3', array[pg_temp.slot('a2', 21)], esia => '70'), '201/0 slots=1', 'B5: in an area of several services nobody knows which is meant');
select is(pg_temp.attempt('u4', array[pg_temp.slot('a2', 22)], esia => '71', services => '{s2}'), '201/0 slots=1', 'B5: another service');
select is(pg_temp.attempt('u5', array[pg_temp.slot('a1', 22)], esia => '71'), '201/0 slots=1', 'B5: does not count');
select is(pg_temp.cancel(b, '71'), '301/0', 'given back: ' || b) from unnest('{u4,u5}'::text[]) as b;
delete from data.booking_limit;

-- B5: calendar periods, by the day of the visit
insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at)
select ('00000000-0000-4000-8000-00000000010' || n)::uuid, 'T1', pg_temp.key('a2'), pg_temp.noon() + d, pg_temp.noon() + d + interval '5 min'
from (values (1, interval '-12 hours'), (2, interval '11 hours 50 min'), (3, interval '12 hours'), (4, interval '7 days')) v (n, d);
insert into data.booking_limit (organization_id, person, period, max_bookings) values ('T1', 'esiaId', 'day', 1);
select is(pg_temp.attempt('d1', '{00000000-0000-4000-8000-000000000101}', esia => '5'), '201/0 slots=1', 'B5: the first minute of a day');
select is(pg_temp.refusal(pg_temp.rows_of('d2', '{00000000-0000-4000-8000-000000000102}', esia => '5')),
    'Отказ в бронировании: превышено допустимое число записей одного заявителя: не более 1 в день', 'B5: the last of the same day');
select is(pg_temp.attempt('d2', '{00000000-0000-4000-8000-000000000103}', esia => '5'), '201/0 slots=1', 'B5: the first of the next, in the zone of the office');
update data.booking_limit set period = 'week', max_bookings = 3;
select is(pg_temp.attempt('d3', '{00000000-0000-4000-8000-000000000104}', esia => '5'), '201/0 slots=1', 'B5: another week');
update data.booking set state = 'NO_SHOW', status_code = '203' where book_key = 'd1';
update data.booking_limit set period = 'year', max_bookings = 3;
select is(pg_temp.attempt('d4', '{00000000-0000-4000-8000-000000000102}', esia => '5'), '208/4', 'B5: who did not come has used his turn');
update data.booking_limit set period = 'live', max_bookings = 3;
select is(pg_temp.attempt('d4', '{00000000-0000-4000-8000-000000000102}', esia => '5'), '201/0 slots=1', 'B5: though he has no booking any more');
update data.booking set state = 'SERVED', status_code = '202' where book_key = 'd1';
select data.add_history(b, 'NO_SHOW', '203', 'G', null, null, null) from data.booking as b where book_key = 'd1';
delete from data.booking_limit;

-- B7: bookings of one application
select is(pg_temp.attempt('c1', array[pg_temp.slot('a3', 1)], applicant => '{"caseNumber": "77"}'), '201/0 slots=1', 'B7: one of an application');
select is(pg_temp.attempt('c2', array[pg_temp.slot('a3', 2)], applicant => '{"caseNumber": "77"}'), '201/0 slots=1', 'B7: several are allowed');
insert into data.booking_limit (organization_id, person, period, max_bookings) values ('T1', 'caseNumber', 'live', 3);
select is(pg_temp.attempt('c3', array[pg_temp.slot('a3', 3)], applicant => '{"caseNumber": "77"}'), '201/0 slots=1', 'B7: three of three');
select is(pg_temp.refusal(pg_temp.rows_of('c4', array[pg_temp.slot('a3', 4)], applicant => '{"caseNumber": "77"}', esia => '6')),
    'Отказ в бронировании: превышено допустимое число записей по одному заявлению: не более 3 действующих одновременно', 'B7: a fourth is one too many, whoever asks');
select is(pg_temp.attempt('c4', array[pg_temp.slot('a3', 4)], esia => '6', applicant => '{"caseNumber": "78"}'), '201/0 slots=1', 'B7: another application');
delete from data.booking_limit;

-- edge case 24: who is admitted to a service
update data.organization_service set user_types = '{QUALIFIED}', user_kinds = '{PHYSIC}' where organization_id = 'T1' and service_id = 's2';
select is(pg_temp.attempt('q1', array[pg_temp.slot('a2', 10)], services => '{s2}'), '207/2 userType:1', 'edge 24: SIMPLE for a service that needs QUALIFIED');
select is(pg_temp.state('q1') || ' ' || (select count(*) from data.place where book_key = 'q1'), 'RETURNED 0', 'edge 24: nothing is booked');
select is(pg_temp.attempt('q1', array[pg_temp.slot('a2', 10)], services => '{s2}', user_kind => 'BUSINESS'), '207/2 userType:1 userKind:1', 'M10: both at once');
select is(pg_temp.attempt('q1', array[pg_temp.slot('a2', 10)], services => '{s1,s2}'), '207/2 userType:1', 'edge 24: one service of two needs it');
select is(pg_temp.attempt('q1', array[pg_temp.slot('a2', 10)], services => '{s2}', user_type => 'QUALIFIED'), '201/0 slots=1', 'edge 24: QUALIFIED may');
select is(pg_temp.attempt('q2', array[pg_temp.slot('a2', 11)], services => '{s1}'), '201/0 slots=1', 'edge 24: another service admits all');
select is(pg_temp.offers(pg_temp.slot('a2', 12), '{s2}'), true, 'item 2.2: everybody may look');
select throws_ok($$update data.organization_service set user_types = '{}' where service_id = 's2'$$, '23514', null, 'a service for nobody');
select throws_ok($$update data.organization_service set user_types = '{BASIC}' where service_id = 's2'$$, '23514', null, 'an unknown kind of account');
update data.slot set service_id = 's2' where slot_id = pg_temp.slot('a2', 13)::uuid;
select is(pg_temp.attempt('q3', array[pg_temp.slot('a2', 13)]), '207/2 userType:1', 'edge 24: a slot for that service alone, though none is named');
update data.slot set service_id = null where slot_id = pg_temp.slot('a2', 13)::uuid;
select is(pg_temp.attempt('q4', array[pg_temp.slot('a2', 13)]), '201/0 slots=1', 'edge 24: in an area of several services nobody knows which is meant');
delete from data.area_service where area_key = pg_temp.key('a2') and service_id <> 's2';
select is(pg_temp.attempt('q5', array[pg_temp.slot('a2', 17)]), '207/2 userType:1', 'edge 24: in an area for that service alone it goes without saying');
create temporary table shut as select slot_id from data.slot where organization_id = 'T1' and area_key <> pg_temp.key('a2') and not is_closed;
update data.slot set is_closed = true where slot_id in (select slot_id from shut);
select is(pg_temp.attempt('q6', '{blind_request}'), '208/4', 'edge 24: nor does anybody get such a slot by chance');
select is(pg_temp.attempt('q6', '{blind_request}', user_type => 'QUALIFIED'), '201/0 slots=1', 'edge 24: whom the service admits does');
select is(pg_temp.cancel('q6'), '301/0', 'and gives it back');
update data.slot set is_closed = false where slot_id in (select slot_id from shut);
insert into data.area_service (area_key, organization_id, service_id) values (pg_temp.key('a2'), 'T1', 's1');
update data.organization_service set user_types = null, user_kinds = null where service_id = 's2';

-- B5: deadlines. Noon tomorrow is between 12 and 36 hours away.
select is(pg_temp.attempt('m1', array[pg_temp.slot('a2', 14)], services => '{s2}'), '201/0 slots=1', 'a booking');
select is(pg_temp.attempt('m2', array[pg_temp.slot('a2', 15)], services => '{s1}'), '201/0 slots=1', 'another');
update data.organization set move_deadline_min = (extract(epoch from (select starts_at from data.place where book_key = 'm1') - clock_timestamp()) / 60)::integer + 2 where organization_id = 'T1';
select is(pg_temp.refusal(pg_temp.rows_of('m1', array[pg_temp.slot('a2', 16)], services => '{s2}')), 'Отказ в бронировании: срок переноса записи истёк', 'B5: moved too late');
select is(pg_temp.owner_of(pg_temp.slot('a2', 14)), 'm1', 'B5: it stays where it was');
select is(pg_temp.attempt('m1', array[pg_temp.slot('a2', 14)], services => '{s2}', applicant => '{"lastName": "Проверкин"}'), '201/0 slots=1', 'B5: corrected in place it may be');
select is(pg_temp.has_rules(), false, 'the organization''s own deadline is no rule to look for');
update data.organization_service set move_deadline_min = 0 where organization_id = 'T1' and service_id = 's2';
select is(pg_temp.attempt('m1', array[pg_temp.slot('a2', 16)], services => '{s2}'), '201/0 slots=1', 'B5: a service has a deadline of its own');
update data.organization set move_deadline_min = 0 where organization_id = 'T1';
update data.organization_service set move_deadline_min = null, cancel_deadline_min = 43200 where service_id = 's2' and organization_id = 'T1';
select is(pg_temp.cancel('m1'), '201/4', 'B5: cancelled too late for its service');
select is(pg_temp.cancel('m2'), '301/0', 'B5: another service has no such deadline');
update data.organization_service set cancel_deadline_min = null where organization_id = 'T1';
select is(pg_temp.cancel('m1'), '301/0', 'B5: no deadline');

-- B5: in an area for one service alone it goes without saying whose deadlines they are
update data.organization_service set move_deadline_min = 43200 where organization_id = 'T1' and service_id = 's1';
select is(pg_temp.refusal(pg_temp.rows_of('u1', array[pg_temp.slot('a1', 23)], esia => '70')), 'Отказ в бронировании: срок переноса записи истёк', 'B5: moved too late for a service that is not named');
select is(pg_temp.owner_of(pg_temp.slot('a1', 20)), 'u1', 'B5: it stays where it was');
select is(pg_temp.attempt('u3', array[pg_temp.slot('a2', 23)], esia => '70'), '201/0 slots=1', 'B5: in an area of several services nobody knows which is meant');
update data.organization_service set move_deadline_min = null, cancel_deadline_min = 43200 where organization_id = 'T1' and service_id = 's1';
select is(pg_temp.cancel('u1', '70'), '201/4', 'B5: nor is it cancelled any more');
update data.organization_service set cancel_deadline_min = null where organization_id = 'T1';
select is(pg_temp.attempt('u1', array[pg_temp.slot('a1', 23)], esia => '70'), '201/0 slots=1', 'B5: no deadline');
select is(pg_temp.cancel(b, '70'), '301/0', 'given back: ' || b) from unnest('{u1,u3}'::text[]) as b;

-- B5: window and notice of a service; in an area where nobody has been, whatever the hour.
insert into data.area (organization_id, area_id, number, name) values ('T1', 'w', 9, 'Кабинет 9');
insert into data.area_service select pg_temp.key('w'), 'T1', unnest('{s1,s2}'::text[]);
insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at)
select ('00000000-0000-4000-8000-00000000020' || n)::uuid, 'T1', pg_temp.key('w'), now() + d, now() + d + interval '1 second'
from (values (1, interval '16 days'), (2, interval '14 days 23 hours'), (3, interval '20 minutes'), (4, interval '40 minutes'), (5, interval '29 days')) v (n, d);
update data.organization_service set booking_window_days = 15, notice_min = 30 where organization_id = 'T1' and service_id = 's2';
select is((select array_agg(pg_temp.offers(('00000000-0000-4000-8000-00000000020' || n), '{s2}') order by n) from generate_series(1, 4) n), '{f,t,f,t}', 'B5: what a service''s window and notice offer');
select is((select array_agg(pg_temp.attempt('w' || n, array['00000000-0000-4000-8000-00000000020' || n], services => '{s2}') order by n) from generate_series(1, 4) n),
    '{208/4,201/0 slots=1,208/4,201/0 slots=1}', 'B5: is what may be booked');
select is(pg_temp.attempt('w1', '{00000000-0000-4000-8000-000000000201}', services => '{s1}'), '201/0 slots=1', 'B5: another service has the organization''s');
select throws_ok($$update data.organization_service set booking_window_days = 13$$, '23514', null, 'item 9.7: never under 14 days');
select throws_ok($$update data.organization set booking_window_days = 13$$, '23514', null, 'item 9.7: for an organization neither');
update data.organization_service set booking_window_days = 30, notice_min = null where organization_id = 'T1' and service_id = 's2';
update data.organization set booking_window_days = 14 where organization_id = 'T1';
select is(pg_temp.offers('00000000-0000-4000-8000-000000000205', '{s2}'), true, 'B5: a service may look farther ahead');
select is(pg_temp.offers('00000000-0000-4000-8000-000000000205', '{s1}'), false, 'B5: than others');
select is(pg_temp.attempt('w5', '{00000000-0000-4000-8000-000000000205}', services => '{s1,s2}'), '208/4', 'B5: of several the strictest');
update data.organization set booking_window_days = 30 where organization_id = 'T1';
update data.organization_service set booking_window_days = null where organization_id = 'T1' and service_id = 's2';

-- B5: a booking that names no service has the window and the notice of what its slot is for: of the slot itself, or of an area for one alone. What is
-- offered, by list and blindly, is what may be booked; the agency's own search is not bound by either.
insert into data.area (organization_id, area_id, number, name) values ('T1', 'v', 10, 'Кабинет 10'), ('T1', 'v2', 11, 'Кабинет 11'), ('T1', 'v3', 12, 'Кабинет 12');
insert into data.area_service select pg_temp.key(a), 'T1', s from (values ('v', 's2'), ('v2', 's1'), ('v2', 's2'), ('v3', 's1'), ('v3', 's2')) as v (a, s);
insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at, service_id)
select ('00000000-0000-4000-8000-00000000' || k || '0' || n)::uuid, 'T1', pg_temp.key(area), now() + d, now() + d + interval '1 second', service
from (values (1, interval '16 days'), (2, interval '14 days 23 hours'), (3, interval '20 minutes'), (4, interval '40 minutes'), (5, interval '29 days')) v (n, d)
cross join (values ('03', 'v', null), ('04', 'v2', 's2'), ('05', 'v3', null)) as a (k, area, service);
create function pg_temp.unnamed(k text, n integer) returns text language sql as $$
    select pg_temp.offers('00000000-0000-4000-8000-00000000' || k || '0' || n) || ' ' || pg_temp.attempt('n' || k || n, array['00000000-0000-4000-8000-00000000' || k || '0' || n])
$$;
update data.organization_service set booking_window_days = 15, notice_min = 30 where organization_id = 'T1' and service_id = 's2';
select is((select array_agg(pg_temp.unnamed('03', n) order by n) from generate_series(1, 4) n), '{false 208/4,true 201/0 slots=1,false 208/4,true 201/0 slots=1}', 'B5: window and notice in an area for one service');
select is((select array_agg(pg_temp.unnamed('04', n) order by n) from generate_series(1, 4) n), '{false 208/4,true 201/0 slots=1,false 208/4,true 201/0 slots=1}', 'B5: of a slot for one service');
select is((select array_agg(pg_temp.unnamed('05', n) order by n) from generate_series(1, 4) n), '{true 201/0 slots=1,true 201/0 slots=1,true 201/0 slots=1,true 201/0 slots=1}', 'B5: of none where nobody knows which is meant');
select is((select array_agg(pg_temp.cancel('n' || k || n) order by k, n) from unnest('{03,04}'::text[]) as k, unnest('{2,4}'::integer[]) as n), array_fill('301/0'::text, '{4}'), 'given back');
create function pg_temp.blindly(area text) returns text language sql as $$
    select coalesce((select r.slot_id from api.book(pg_temp.msg(), 'n-' || gen_random_uuid(), '{blind_request}', 'T1', 'SIMPLE', 'PHYSIC', '77', '{}', '{}', array[area], false, null, '[]', '{}') as r
        where r.kind = 'slot'), 'none')
$$;
select is(pg_temp.blindly('v'), '00000000-0000-4000-8000-000000000304', 'B4, B5: what is given blindly is within the notice, too');
select ok(exists (select from admin.free('T1', ((now() + interval '20 minutes') at time zone 'Europe/Moscow')::date) as f where f.slot_id = '00000000-0000-4000-8000-000000000303'),
    'B5: notice binds the applicant: the clerk sees what is free');
update data.organization_service set booking_window_days = 30, notice_min = null where organization_id = 'T1' and service_id = 's2';
update data.organization set booking_window_days = 14 where organization_id = 'T1';
select is(pg_temp.unnamed('03', 5), 'true 201/0 slots=1', 'B5: a service that looks farther ahead does so unnamed');
select is(pg_temp.unnamed('05', 5), 'false 208/4', 'B5: where nobody knows which is meant nobody looks so far');
select is(pg_temp.cancel('n035'), '301/0', 'given back');
update data.slot set is_closed = true where area_key = pg_temp.key('v') and slot_id <> '00000000-0000-4000-8000-000000000305';
select is(pg_temp.blindly('v'), '00000000-0000-4000-8000-000000000305', 'B4, B5: blindly, too');
update data.organization set booking_window_days = 30 where organization_id = 'T1';
update data.organization_service set booking_window_days = null, buffer_after_min = 5 where organization_id = 'T1' and service_id = 's2';
update data.slot set is_closed = false where area_key = pg_temp.key('v');
select is((select array_agg(pg_temp.attempt('nb' || k, array['00000000-0000-4000-8000-00000000' || k || '01']) order by k) from unnest('{03,04}'::text[]) as k), '{201/0 slots=1,201/0 slots=1}', 'booked unnamed');
select is((select array_agg(after_min) from data.place where book_key in ('nb03', 'nb04')), '{5,5}', 'buffer of a service: of an area for it alone, and of a slot for it');
update data.organization_service set buffer_after_min = 0 where organization_id = 'T1' and service_id = 's2';
update data.slot set is_closed = true where area_key in (pg_temp.key('v'), pg_temp.key('v2'), pg_temp.key('v3'));

-- buffers
select is(pg_temp.has_rules(), false, 'all off');
update data.area set buffer_after_min = 10 where area_key = pg_temp.key('a1');
select is(pg_temp.has_rules(), true, 'a buffer is a rule');
select is(pg_temp.attempt('b1', array[pg_temp.slot('a1', 21)]), '201/0 slots=1', 'a visit with ten minutes after it');
select is((select array_agg(pg_temp.offers(pg_temp.slot('a1', n)) order by n) from generate_series(19, 23) n), '{t,f,f,f,t}', 'buffer: the neighbours on both sides are not offered, those beyond are');
select is(pg_temp.attempt('b2', array[pg_temp.slot('a1', 22)]), '208/4', 'buffer: nor booked');
select is(pg_temp.attempt('b2', array[pg_temp.slot('a1', 20)]), '208/4', 'buffer: nor the one before, whose own buffer would not fit');
select is(pg_temp.attempt('b2', array[pg_temp.slot('a1', 23)]), '201/0 slots=1', 'buffer: the one after');
select throws_ok($$insert into data.place (slot_id, place_no, book_key, capacity, area_key, starts_at, ends_at)
    select slot_id, 1, 'b2', capacity, area_key, starts_at, ends_at from data.slot where slot_id = pg_temp.slot('a1', 22)::uuid$$, '23P01', null, 'B2: a buffer is a constraint of the database');
select is(pg_temp.attempt('b3', array[pg_temp.slot('a1', 27), pg_temp.slot('a1', 28)]), '201/0 slots=2', 'buffer: none between the slots of one visit');
select is((select array_agg(after_min order by starts_at) from data.place where book_key = 'b3'), '{0,10}', 'buffer: only after the last');
select is(pg_temp.attempt('b2', array[pg_temp.slot('a1', 24)]), '201/0 slots=1', 'buffer: a move does not stand in its own way');
select pg_temp.cancel('b1');
select is(pg_temp.offers(pg_temp.slot('a1', 22)), true, 'buffer: gone with the visit');
update data.area set buffer_after_min = 0 where area_key = pg_temp.key('a1');
update data.organization_service set buffer_before_min = 15 where service_id = 's2' and organization_id = 'T1';
select is(pg_temp.attempt('b4', array[pg_temp.slot('a2', 21)], services => '{s2}'), '201/0 slots=1', 'buffer of a service');
select is(array[pg_temp.offers(pg_temp.slot('a2', 20)), pg_temp.offers(pg_temp.slot('a2', 19)), pg_temp.offers(pg_temp.slot('a2', 22)), pg_temp.offers(pg_temp.slot('a2', 22), '{s2}')],
    '{f,t,t,f}', 'buffer of a service: before its visits, whatever the other is for');
select is(pg_temp.attempt('b5', array[pg_temp.slot('a2', 22)], services => '{s2}'), '208/4', 'buffer of a service: kept');
select is(pg_temp.attempt('b5', array[pg_temp.slot('a2', 22)], services => '{s1}'), '201/0 slots=1', 'buffer of a service: of that service');
update data.organization_service set buffer_before_min = 0 where organization_id = 'T1';
update data.slot set is_closed = true where starts_at < pg_temp.noon() or starts_at > pg_temp.noon() + interval '1 day';
update data.area set buffer_before_min = 720 where area_key = pg_temp.key('a2');
select is(pg_temp.attempt('b6', '{blind_request}', services => '{s2}'), '208/4', 'buffer: blind_request keeps it: nothing is that far apart');
update data.area set buffer_before_min = 0 where area_key = pg_temp.key('a2');
select is(pg_temp.attempt('b6', '{blind_request}', services => '{s2}'), '201/0 slots=1', 'without it there is room');
select is(pg_temp.has_rules(), false, 'the last buffer is off');
select is(pg_temp.attempt('b5', array[pg_temp.slot('a2', 23)]), '201/0 slots=1', 'a move, without any rule');
select is(pg_temp.offers(pg_temp.slot('a2', 20)), true, 'buffer: with the last rule those of visits already booked go');
select is(pg_temp.attempt('b7', array[pg_temp.slot('a2', 20)]), '201/0 slots=1', 'buffer: what is offered can be had');
update data.slot set is_closed = false where organization_id = 'T1';

-- B9: exclusive areas: a room with two specialists in it
insert into data.area (organization_id, area_id, number, name, parent_key, kind) values
('T1', 'r', 20, 'Кабинет', pg_temp.key('a3'), 'room');
insert into data.area (organization_id, area_id, number, name, parent_key, kind)
select 'T1', 'p' || n, 20 + n, 'Специалист ' || n, pg_temp.key('r'), 'specialist' from generate_series(1, 3) n;
update data.area set parent_key = null where area_key = pg_temp.key('p3');
insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at)
select data.slot_uuid(pg_temp.noon() + make_interval(mins => 15 * n), 900001, a.number), 'T1', a.area_key, pg_temp.noon() + make_interval(mins => 15 * n), pg_temp.noon() + make_interval(mins => 15 * n + 15)
from data.area as a, generate_series(0, 7) as n where a.organization_id = 'T1' and a.area_id in ('r', 'p1', 'p2', 'p3');
select is(pg_temp.attempt('e1', array[pg_temp.slot('p1', 1)]), '201/0 slots=1', 'B9: a specialist');
select is(pg_temp.attempt('e2', array[pg_temp.slot('p2', 1)]), '201/0 slots=1', 'B9: two in one room, by default');
select throws_ok($$update data.area set is_exclusive = true where area_id = 'a3' and organization_id = 'T1'$$, '23514', null, 'B9: an area for two is not exclusive');
update data.area set is_exclusive = true where area_key = pg_temp.key('r');
select is((select array_agg(area_id order by area_id) from data.area where organization_id = 'T1' and uses = array[pg_temp.key('r')]), '{p1,p2,r}', 'B9: who uses the room');
select is((select count(*) from data.occupancy), 1::bigint, 'B9: of visits booked before, the first has it');
select is((select array_agg(pg_temp.offers(pg_temp.slot(a, 2))) from unnest('{r,p1,p2,p3}'::text[]) a), '{t,t,t,t}', 'B9: a quarter later all are free');
select is(pg_temp.attempt('e3', array[pg_temp.slot('p1', 2)]), '201/0 slots=1', 'B9: one visit');
select is((select array_agg(pg_temp.offers(pg_temp.slot(a, 2))) from unnest('{r,p1,p2,p3}'::text[]) a), '{f,f,f,t}', 'B9: the room and its other specialist are not offered');
select is(pg_temp.attempt('e4', array[pg_temp.slot('p2', 2)]), '208/4', 'B9: nor booked');
select is(pg_temp.attempt('e4', array[pg_temp.slot('r', 2)]), '208/4', 'B9: the room neither');
select is(pg_temp.attempt('e4', array[pg_temp.slot('p3', 2)]), '201/0 slots=1', 'B9: somebody outside is');
select is(pg_temp.attempt('e5', array[pg_temp.slot('r', 3)]), '201/0 slots=1', 'B9: the room itself');
select is(pg_temp.attempt('e6', array[pg_temp.slot('p1', 3)]), '208/4', 'B9: keeps its specialists');
select is(pg_temp.attempt('e3', array[pg_temp.slot('p2', 2)]), '201/0 slots=1', 'B9: a move within the room does not stand in its own way');
select pg_temp.cancel('e3');
select is(pg_temp.attempt('e6', array[pg_temp.slot('p1', 2)], preliminary => true), '201/0 slots=1', 'B9: free again; a hold');
select pg_temp.lapse('e6');
select is(pg_temp.offers(pg_temp.slot('p2', 2)), true, 'B9: a lapsed one stands in nobody''s way');
select is(pg_temp.attempt('e7', array[pg_temp.slot('p2', 2)]), '201/0 slots=1', 'B9: and gives way');
update data.area set is_exclusive = true where area_key = pg_temp.key('p3');
insert into data.area_use values (pg_temp.key('r'), pg_temp.key('p3'), 'T1');
select is((select uses from data.area where area_key = pg_temp.key('p1')), array(select unnest(array[pg_temp.key('r'), pg_temp.key('p3')]) order by 1), 'B9: the room needs a specialist from elsewhere, and so does who is in it');
select is(pg_temp.attempt('e8', array[pg_temp.slot('p3', 5)]), '201/0 slots=1', 'B9: he is busy');
select is(pg_temp.attempt('e9', array[pg_temp.slot('p1', 5)]), '208/4', 'B9: then nobody is received there');
select throws_ok($$insert into data.occupancy select slot_id, 1, pg_temp.key('p3'), starts_at, ends_at from data.place where book_key = 'e8'$$, '23505', null, 'B9: said by constraints');
delete from data.area_use;
select is((select array_agg(distinct uses) from data.area where area_id in ('p1', 'r') and organization_id = 'T1'), array[array[pg_temp.key('r')]], 'B9: not needed any more');
update data.area set is_exclusive = false where organization_id = 'T1';
select is((select count(*) from data.occupancy), 0::bigint, 'B9: nothing is left of it');

-- shares of channels: a day of the third area has eighty places
-- What the windows above are shown with lies minutes from now: late in the evening that is a place of the day whose places are counted here.
update data.slot set is_closed = true where area_key in (select pg_temp.key(w) from unnest('{w,v,v2,v3}'::text[]) as w);
insert into data.channel_share (organization_id, area_key, channel, percent) values ('T1', pg_temp.key('a2'), 'kiosk', 0), ('T1', null, 'call-centre', 2);
select is(pg_temp.attempt('s1', array[pg_temp.slot('a2', 35)], channel => 'kiosk'), '208/4', 'channel: nothing for kiosks here');
select is(pg_temp.refusal(pg_temp.rows_of('s1', array[pg_temp.slot('a2', 35)], channel => 'kiosk')),
    'Отказ в бронировании: места этого дня, отведённые для такого способа записи, закончились', 'channel: the refusal says so');
select is(array[pg_temp.offers(pg_temp.slot('a2', 35), channel => 'kiosk'), pg_temp.offers(pg_temp.slot('a3', 35), channel => 'kiosk'), pg_temp.offers(pg_temp.slot('a2', 35), channel => 'portal'), pg_temp.offers(pg_temp.slot('a2', 35))],
    '{f,t,t,t}', 'channel: nor offered to them; to others it is');
select is(pg_temp.attempt('s1', array[pg_temp.slot('a2', 35)]), '201/0 slots=1', 'channel: the portal has no share set and may');
create function pg_temp.share() returns bigint language sql as $$
    select coalesce(sum(s.capacity), 0) * 2 / 100 from data.slot s where s.organization_id = 'T1' and not s.is_closed
        and (s.starts_at at time zone 'Europe/Moscow')::date = (pg_temp.noon() at time zone 'Europe/Moscow')::date
$$;
select is(pg_temp.share(), 3::bigint, 'channel: two in a hundred of this day, rounded down');
select is(pg_temp.attempt('t0', array[pg_temp.slot('a3', 34)], channel => 'call-centre'), '201/0 slots=1', 'channel: one of three');
select is(pg_temp.attempt('t1', array[pg_temp.slot('a3', 35)], channel => 'call-centre'), '201/0 slots=1', 'channel: two of three');
select is(pg_temp.attempt('t2', array[pg_temp.slot('a3', 35)], channel => 'call-centre', preliminary => true), '201/0 slots=1', 'channel: three of three');
select is(pg_temp.attempt('t3', array[pg_temp.slot('a3', 36)], channel => 'call-centre'), '208/4', 'channel: not four');
create function pg_temp.day_locks() returns bigint language sql as $$ select count(*) from pg_locks where locktype = 'advisory' and classid = 3290003 and pid = pg_backend_pid() $$;
create temporary table day_locks as select pg_temp.day_locks() as n;
set local timezone = 'Asia/Kamchatka';
select is(pg_temp.attempt('t3', array[pg_temp.slot('a3', 36)], channel => 'call-centre'), '208/4', 'channel: nor in a session of another zone');
reset timezone;
select is(pg_temp.day_locks(), (select n from day_locks), 'channel: which comes after the others at the same lock of the day');
select is(pg_temp.offers(pg_temp.slot('a3', 36), channel => 'call-centre'), false, 'channel: nor offered');
select is(pg_temp.attempt('t1', array[pg_temp.slot('a3', 37)], channel => 'call-centre'), '201/0 slots=1', 'channel: a move does not count itself');
select pg_temp.lapse('t2');
select is(pg_temp.offers(pg_temp.slot('a3', 36), channel => 'call-centre'), true, 'channel: a lapsed hold gives its share back');
select is(pg_temp.attempt('t3', array[pg_temp.slot('a3', 36)], channel => 'call-centre'), '201/0 slots=1', 'channel: to the next');
insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at)
select gen_random_uuid(), 'T1', pg_temp.key('a2'), t, t + interval '5 min' from generate_series(0, 99) as n
cross join lateral (select pg_temp.noon() + interval '10 days' + make_interval(mins => 5 * n) as t) as x;
select is(pg_temp.attempt('t4', '{blind_request}', channel => 'call-centre', services => '{s2}'), '201/0 slots=1', 'channel: a blind one goes to a day with a share left');
select isnt((select (starts_at at time zone 'Europe/Moscow')::date from data.place where book_key = 't4'), (pg_temp.noon() at time zone 'Europe/Moscow')::date, 'channel: to another day');
select throws_ok($$insert into data.channel_share (organization_id, channel, percent) values ('T1', 'fax', 1)$$, '23514', null, 'an unknown channel');
select throws_ok($$insert into data.channel_share (organization_id, channel, percent) values ('T1', 'portal', 101)$$, '23514', null, 'more than all');
delete from data.channel_share;
select is(pg_temp.has_rules(), false, 'all off again');
select pg_temp.healthy();

-- who may set them
grant usage on schema public to zapisd_operator;
set local role zapisd_operator;
select lives_ok($$insert into data.booking_limit (organization_id, person, period, max_bookings) values ('T1', 'esiaId', 'live', 2)$$, 'O3: rules are the operator''s');
select lives_ok($$insert into data.channel_share (organization_id, channel, percent) values ('T1', 'kiosk', 50)$$, 'O3: shares too');
select lives_ok($$update data.area set is_exclusive = true where organization_id = 'T1' and area_id = 'p3'$$, 'O3: and areas');
select throws_ok($$delete from data.occupancy$$, '42501', null, 'B9: not what is taken');
select throws_ok($$insert into data.booking_limit (organization_id, person, period, max_bookings) values ('T1', 'esiaId', 'live', 3)$$, '23505', null, 'one number for one question');
select throws_ok($$insert into data.booking_limit (organization_id, person, period, max_bookings) values ('T1', 'lastName', 'live', 3)$$, '23514', null, 'a name tells nobody');
reset role;
select is((select has_rules from data.organization where organization_id = 'T1'), true, 'and it counts');
select * from finish();
rollback;
