-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- Appendix 3, note: a preliminary reservation asks for a time alone; data, admission and limits are judged when it is to be final
-- (B3, B5, B7, M2), and holds stay bounded.
\ir lib/helpers.psql
select no_plan();

create function pg_temp.rows_of(book text, slots text[], preliminary boolean, services text[] default '{}', later text[] default '{}', words text[] default null,
    applicant jsonb default '{"lastName": "Тестов"}', user_type text default 'SIMPLE', esia text default '1000000000') returns api.answer[] language sql as $$
    select array_agg(r) from api.book(pg_temp.msg(), book, slots, 'T1', user_type, 'PHYSIC', esia, applicant, services, '{}', preliminary, null, '[]',
        case when preliminary then '{}' else later end, case when preliminary then null else words end, case when preliminary then later else '{}' end, words) as r
$$;
create function pg_temp.hold(book text, slot text, services text[] default '{}', later text[] default '{}', words text[] default null,
    applicant jsonb default '{"lastName": "Тестов"}', user_type text default 'SIMPLE', esia text default '1000000000') returns text language sql as $$
    select pg_temp.line(pg_temp.rows_of(book, array[slot], true, services, later, words, applicant, user_type, esia))
$$;
create function pg_temp.final(book text, slot text, services text[] default '{}', later text[] default '{}', words text[] default null,
    applicant jsonb default '{"lastName": "Тестов"}', user_type text default 'SIMPLE', esia text default '1000000000') returns text language sql as $$
    select pg_temp.line(pg_temp.rows_of(book, array[slot], false, services, later, words, applicant, user_type, esia))
$$;
create function pg_temp.why(rows api.answer[]) returns text language sql as $$ select error_message from unnest(rows) as r where kind = 'answer' $$;

-- the data
select is(pg_temp.hold('d1', pg_temp.slot('a1', 5), later => '{email,userSnils,docType}', words => '{адрес,снилс,документ}',
    applicant => '{"lastName": "Тестов", "email": "nobody@", "userSnils": "1", "userINN": "770000000082", "userDoc": {"docType": "x", "docNumber": "1"}}'),
    '201/0 slots=1', 'M2, Appendix 3: what is wrong with the applicant does not stop a hold');
select is((select array[last_name, email, user_snils, user_inn, user_doc::text] from data.applicant where book_key = 'd1'), '{Тестов,null,null,770000000082,null}', 'M9: what is wrong is not kept');
select is(pg_temp.line(pg_temp.rows_of('d1', array[pg_temp.slot('a1', 5)], false, later => '{email}', words => '{адрес}')), '207/2', 'alternative 3: it is told when it is to be final');
select is(pg_temp.state('d1') || coalesce(pg_temp.owner_of(pg_temp.slot('a1', 5)), ''), 'RETURNED', 'alternative 3: and the time goes back');
select is(pg_temp.hold('d1', pg_temp.slot('a1', 5), later => '{email}', words => '{адрес}'), '201/0 slots=1', 'S2: held again');
select is(pg_temp.final('d1', pg_temp.slot('a1', 5)), '201/0 slots=1', 'and booked, put right');
select is(pg_temp.line(pg_temp.rows_of('d1', array[pg_temp.slot('a1', 6)], true, later => '{email,docNumber}', words => '{"Адрес неверен",null}')), '207/2 email:1 docNumber:1',
    '0101: a final booking stays one, so what is called a hold is judged as it is');
select is((select last_name from data.applicant where book_key = 'd1') || pg_temp.owner_of(pg_temp.slot('a1', 5)) || pg_temp.state('d1'), 'Тестовd1BOOKED', '0101: and stays as it was');
select matches((select status_message from unnest(pg_temp.rows_of('d1', array[pg_temp.slot('a1', 6)], true, later => '{email}', words => '{"Адрес неверен"}')) where kind = 'answer'),
    'Адрес неверен$', 'Appendix 1: with the reason');

-- what a hold cannot do without
select is(pg_temp.hold('f1', 'junk', later => '{email}'), '207/2 slotId:1', 'a time that is none');
select is(pg_temp.line(pg_temp.book_rows('f2', array[pg_temp.slot('a1', 7)], true, organization => 'nowhere')), '207/2 organizationId:2', 'an organization that is none');
select is(pg_temp.line(pg_temp.book_rows('f3', array[pg_temp.slot('a1', 7)], true, bad => '{userType}')), '207/2', 'a form that is none');
select is(pg_temp.hold('f4', pg_temp.slot('a1', 7), services => '{s9}'), '207/2 serviceId:2', 'a service that is none');
select is(pg_temp.hold('f5', pg_temp.slot('a1', 7), services => '{s2}'), '208/4', 'a time that is not for this service is not available');
select is(pg_temp.hold('f6', pg_temp.slot('a1', 5)), '208/4', 'nor one that is taken');

-- admission
update data.organization_service set user_types = '{QUALIFIED}' where organization_id = 'T1' and service_id = 's2';
select is(pg_temp.hold('a1', pg_temp.slot('a2', 5), services => '{s2}'), '201/0 slots=1', 'edge 24: whom a service admits is not asked of a hold');
select is(pg_temp.final('a1', pg_temp.slot('a2', 5), services => '{s2}'), '207/2 userType:1', 'edge 24: but of a booking');
select is(pg_temp.state('a1') || coalesce(pg_temp.owner_of(pg_temp.slot('a2', 5)), ''), 'RETURNED', 'alternative 3: the time goes back');
select is(pg_temp.hold('a2', pg_temp.slot('a2', 6), services => '{s2}'), '201/0 slots=1', 'a hold of who is not admitted');
select is(pg_temp.hold('a2', pg_temp.slot('a2', 7), services => '{s2}'), '201/0 slots=1', 'alternative 2: may take another time');
select is(pg_temp.final('a2', pg_temp.slot('a2', 7), services => '{s2}', user_type => 'QUALIFIED'), '201/0 slots=1', 'who comes back with a better account is booked');
select is(pg_temp.hold('a2', pg_temp.slot('a2', 8), services => '{s2}'), '207/2 userType:1', '0101: a final booking stays one, and is asked');
update data.organization_service set user_types = null where organization_id = 'T1';
select pg_temp.cancel('a2'), pg_temp.cancel('d1');

-- limits: holds against holds, bookings against bookings
insert into data.booking_limit (organization_id, person, period, max_bookings) values ('T1', 'esiaId', 'live', 2);
select is(pg_temp.final('l1', pg_temp.slot('a1', 10)) || pg_temp.final('l2', pg_temp.slot('a1', 11)), '201/0 slots=1201/0 slots=1', 'B5: two of two');
select is(pg_temp.hold('l3', pg_temp.slot('a1', 12)), '201/0 slots=1', 'Appendix 3: a hold asks for no limit of bookings');
select is(pg_temp.hold('l4', pg_temp.slot('a1', 13)), '201/0 slots=1', 'B5: nobody holds more than he may book: two');
select is(pg_temp.hold('l5', pg_temp.slot('a1', 14)), '208/4', 'B5: and no third');
select is(pg_temp.why(pg_temp.rows_of('l5', array[pg_temp.slot('a1', 14)], true)),
    'Отказ в бронировании: превышено допустимое число предварительных записей одного заявителя: не более 2 действующих одновременно', 'B5: the refusal tells of holds');
select is(pg_temp.hold('l9', pg_temp.slot('a1', 14), esia => '2000000000'), '201/0 slots=1', 'B5: another person may');
select is(pg_temp.line(pg_temp.rows_of('l6', '{blind_request}', true)), '208/4', 'B5: nor a blind one');
select is(pg_temp.hold('l3', pg_temp.slot('a1', 15)), '201/0 slots=1', 'B5: a hold that moves does not count itself');
select is(pg_temp.why(pg_temp.rows_of('l3', array[pg_temp.slot('a1', 15)], false)),
    'Отказ в бронировании: превышено допустимое число записей одного заявителя: не более 2 действующих одновременно', 'B5: the limit is judged when it is to be final');
select is(pg_temp.state('l3') || coalesce(pg_temp.owner_of(pg_temp.slot('a1', 15)), ''), 'REFUSED', 'alternative 3: and the time goes back');
select is(pg_temp.hold('l6', pg_temp.slot('a1', 16)), '201/0 slots=1', 'B5: there is room for a hold again');
select pg_temp.lapse('l6');
select is(pg_temp.hold('l7', pg_temp.slot('a1', 17)), '201/0 slots=1', 'B5: one that ran out does not count');
select is(pg_temp.cancel('l1'), '301/0', 'one booking fewer');
select is(pg_temp.final('l4', pg_temp.slot('a1', 13)), '201/0 slots=1', 'B5: whoever is final first is booked, whatever else is held');
select is(pg_temp.final('l7', pg_temp.slot('a1', 17)), '208/4', 'B5: the other one is not');
select is(pg_temp.final('l9', pg_temp.slot('a1', 14), esia => '2000000000'), '201/0 slots=1', 'B5: another person is');
delete from data.booking_limit;
insert into data.booking_limit (organization_id, person, period, max_bookings, service_id) values ('T1', 'caseNumber', 'year', 1, 's2');
select is(pg_temp.hold('c1', pg_temp.slot('a2', 20), services => '{s2}', applicant => '{"caseNumber": "9"}') || pg_temp.hold('c2', pg_temp.slot('a2', 21), services => '{s2}', applicant => '{"caseNumber": "9"}'),
    '201/0 slots=1208/4', 'B7, item 6.3: of an application, by period and service, too');
select is(pg_temp.final('c1', pg_temp.slot('a2', 20), services => '{s2}', applicant => '{"caseNumber": "9"}'), '201/0 slots=1', 'B7: one of one');
select is(pg_temp.hold('c2', pg_temp.slot('a2', 21), services => '{s2}', applicant => '{"caseNumber": "9"}') || ' ' || pg_temp.final('c2', pg_temp.slot('a2', 21), services => '{s2}', applicant => '{"caseNumber": "9"}'),
    '201/0 slots=1 208/4', 'B7: held, not booked');
delete from data.booking_limit;

-- a share of the places is availability: judged at the hold
insert into data.channel_share (organization_id, channel, percent) values ('T1', 'kiosk', 0);
select is(pg_temp.book('s1', array[pg_temp.slot('a2', 25)], true, m => jsonb_populate_record(pg_temp.msg(), '{"channel": "kiosk"}')), '208/4', 'channel: places kept for others are not available');
delete from data.channel_share;

-- the portal moves a hold
update data.organization_service set user_types = '{QUALIFIED}' where organization_id = 'T1' and service_id = 's2';
select is(pg_temp.hold('u1', pg_temp.slot('a2', 30), services => '{s2}'), '201/0 slots=1', 'a hold');
select is(pg_temp.line(array(select r from api.update_booking_details(pg_temp.msg(), 'u1', '1000000000', pg_temp.slot('a2', 31), 'T1', 'a2', 's2',
        (select to_char(starts_at at time zone 'Europe/Moscow', 'YYYY-MM-DD"T"HH24:MI:SS"+03:00"') from data.slot where slot_id::text = pg_temp.slot('a2', 31)), null, '201', null, '{}') as r)),
    '201/0', 'item 17: moved by the portal it is a hold still');
select pg_temp.healthy();
select * from finish();
rollback;
