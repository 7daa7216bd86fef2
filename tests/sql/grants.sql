-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- What each role can really do, tried as that role (S3, B2, J3, O3).
\ir lib/helpers.psql
select no_plan();
select is(pg_temp.book('k1', array[pg_temp.slot('a1', 5)]), '201/0 slots=1', 'a booking to look at');
grant usage on schema public to zapisd_operator, zapisd_daemon, zapisd_auditor;

select is_empty($$select p.oid::regprocedure from pg_proc as p where p.pronamespace = 'api'::regnamespace and not has_function_privilege('zapisd_daemon', p.oid, 'execute')$$, 'api is there for the daemon: a new operation is granted, too');
set local role zapisd_operator;
select throws_ok('insert into data.place (slot_id, place_no, book_key, capacity, area_key, starts_at, ends_at) select slot_id, 2, book_key, capacity, area_key, starts_at, ends_at from data.place', '42501', null, 'B2: the operator takes no place');
select throws_ok('update data.place set hold_until = now()', '42501', null, 'B2: nor changes one');
select throws_ok('delete from data.place', '42501', null, 'B2: nor frees one');
select throws_ok('update data.booking set state = ''CANCELLED''', '42501', null, 'S2: no state by hand');
select throws_ok('delete from data.booking', '42501', null, 'no booking is deleted');
select throws_ok('insert into data.booking_history (book_key) values (''k1'')', '42501', null, 'S3: no made-up history');
select throws_ok('update data.booking_history set reason = ''x''', '42501', null, 'S3: no changed history');
select throws_ok('delete from data.booking_history', '42501', null, 'S3: no deleted history');
select throws_ok('truncate data.booking_history', '42501', null, 'S3: no emptied history');
select throws_ok('delete from data.journal', '42501', null, 'J2: no deleted journal');
select throws_ok('update data.journal_default set body = null', '42501', null, 'J2: no changed journal');
select throws_ok('drop table data.journal_default', '42501', null, 'J2: no dropped journal');
select throws_ok('alter table data.place disable trigger all', '42501', null, 'B2: no switched-off constraint');
select throws_ok('alter table data.place drop constraint place_within_capacity', '42501', null, 'B2: no dropped constraint');
select throws_ok('drop trigger place_area_once on data.place', '42501', null, 'B2: no dropped trigger');
select throws_ok('insert into data.booking_arrow values (''BOOKED'', ''HELD'')', '42501', null, 'S2: no new arrow');
select throws_ok('update data.status set message = ''x''', '42501', null, 'S1: Appendix 1 is not edited');
select throws_ok('select * from data.applicant', '42501', null, 'J3: no personal data');
select throws_ok('select esia_id from data.booking', '42501', null, 'J3: no accounts');
select throws_ok('select body from data.journal', '42501', null, 'J3: no messages');
select throws_ok('select * from api.get_booking_status('''', ''k1'', ''1000000000'')', '42501', null, 'the operator does not speak for the portal');
select throws_ok('update data.slot set starts_at = now()', '42501', null, 'a slot is not moved by hand');
select throws_ok('delete from data.slot', '42501', null, 'nor deleted');
select lives_ok('update data.slot set is_closed = true where organization_id = ''T1'' and serial = 1', 'but closed');
select throws_ok('update data.slot set capacity = 0 where organization_id = ''T1''', '23514', null, 'B2: the constraints hold for the operator');
select lives_ok('update data.organization set notice_min = 30 where organization_id = ''T1''', 'configuration is the operator''s');
select throws_ok('update data.organization set booking_window_days = 1', '23514', null, 'B5: within its constraints');
select throws_ok('update data.organization set organization_id = ''TX'' where organization_id = ''T1''', '23503', null, 'an organization with bookings keeps its id');
select is((select applicant from admin.v_booking where book_id = 'k1'), 'Т*** Т.', 'J3: names are masked');
select is_empty('select * from admin.check()', 'the operator can check');
select throws_ok('create table data.x ()', '42501', null, 'makes nothing in data');
select throws_ok('create function api.x() returns int language sql return 1', '42501', null, 'nor in api');
reset role;

set local role zapisd_daemon;
select throws_ok('select * from data.booking', '42501', null, 'the daemon reads no table');
select throws_ok('select * from data.status', '42501', null, 'none at all');
select throws_ok('insert into data.place values (gen_random_uuid(), 1)', '42501', null, 'writes none');
select throws_ok('select * from admin.today(''T1'')', '42501', null, 'is no operator');
select throws_ok('select data.wire_time(now(), ''UTC'')', '42501', null, 'calls nothing inner');
select throws_ok('select nextval(''data.journal_id'')', '42501', null, 'and counts nothing');
select lives_ok('select * from api.get_booking_status('''', ''k1'', ''1000000000'')', 'it calls the api');
select lives_ok($$select * from api.ready('{}'::jsonb)$$, 'asks whether all is ready');
select is((select status_code from api.book(row('l', 'plain', 'p', 'PORTAL', 'TEST00001', 'as-daemon', 'book', 'good', null, null, sha256(convert_to('as-daemon', 'UTF8')), now(), false, 'x', false)::api.message,
    'd1', '{blind_request}', 'T1', 'SIMPLE', 'PHYSIC', '1', '{"lastName": "Тестов"}', '{s1}', '{""}', true, 10, '[]', '{}') where kind = 'answer'), '201', 'books');
select is((select status_code from api.cancel_booking(row('l', 'plain', 'p', 'PORTAL', 'TEST00001', 'as-daemon-2', 'cancelBooking', 'good', null, null, sha256(convert_to('as-daemon-2', 'UTF8')), now(), false, 'x', false)::api.message,
    'd1', '1', '{}') where kind = 'answer'), '301', 'cancels');
select is((select error_code from api.update_booking_details(row('l', 'plain', 'p', 'PORTAL', 'TEST00001', 'as-daemon-3', 'updateBookingDetails', 'good', null, null, sha256(convert_to('as-daemon-3', 'UTF8')), now(), false, 'x', false)::api.message,
    'd1', '1', null, null, null, null, null, null, '301', null, '{}') where kind = 'answer'), 0, 'M8: hands on what the portal says');
select is((select count(*) > 1 from api.get_slots('', '{T1}', '{s1}', '{""}', 'SIMPLE', 'PHYSIC', '', 10)), true, 'lists slots');
select is((select count(*) > 1 from api.get_ref_items_list('', 'organizations', null, 'SUBTREE', '{}', '{}', 0, 0, null)), true, 'and reference books');
reset role;
select is((select array_agg(distinct db_user::text) from data.booking_history where book_key = 'd1'), array[session_user::text], 'S3: history names the session, not the owner of the function');

set local role zapisd_auditor;
select lives_ok('select journal_id, at, method, verdict, digest from data.journal', 'the auditor reads facts of the journal');
select lives_ok('select * from data.booking_history', 'and history');
select lives_ok('select * from admin.history(''k1'')', 'of one booking too');
select throws_ok('select body from data.journal', '42501', null, 'J3: but no message');
select throws_ok('select peer from data.journal', '42501', null, 'J3: no address');
select throws_ok('select * from data.applicant', '42501', null, 'J3: no applicant');
select throws_ok('select * from admin.v_booking', '42501', null, 'J3: not even initials');
select throws_ok('select * from admin.sweep()', '42501', null, 'changes nothing');
select throws_ok('update data.organization set name = ''x''', '42501', null, 'configures nothing');
reset role;
select * from finish();
rollback;
