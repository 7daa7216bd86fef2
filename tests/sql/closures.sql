-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- O3, edge case 29: a day, an area, an office closed, a specialist away: who is moved, who is cancelled, each told once.
\ir lib/helpers.psql
select no_plan();
-- T1: a1 and a2 one person each, s2 in a2 only, a3 two; a 15-minute slot each from tomorrow noon, forty of them.
-- A second day, a week later, with fewer: ten in a1, two in a2.
insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at)
select data.slot_uuid(w.at, 900001, a.number), 'T1', a.area_key, w.at, w.at + interval '15 minutes'
from data.area as a, generate_series(0, 9) as n, lateral (select pg_temp.noon() + interval '7 days' + n * interval '15 minutes' as at) as w
where a.organization_id = 'T1' and (a.area_id = 'a1' or a.area_id = 'a2' and n < 2);
create function pg_temp.day() returns date language sql as $$ select (pg_temp.noon() at time zone 'Europe/Moscow')::date $$;

select is(pg_temp.book('c1', array[pg_temp.slot('a1', 1)], services => '{s1}'), '201/0 slots=1', 'a visit at noon in a1');
select is(pg_temp.book('c2', array[pg_temp.slot('a2', 1)], services => '{s2}'), '201/0 slots=1', 'one for s2 in a2');
select is(pg_temp.book('c3', array[pg_temp.slot('a2', 2)], services => '{s2}'), '201/0 slots=1', 'another');
select is(pg_temp.book('c4', array[pg_temp.slot('a2', 3)], services => '{s2}'), '201/0 slots=1', 'a third, for whom there is nothing equal');
select is(pg_temp.book('c5', array[pg_temp.slot('a1', 5), pg_temp.slot('a1', 6)], services => '{s1}'), '201/0 slots=2', 'a visit of two slots');
select is(pg_temp.book('c6', array[pg_temp.slot('a1', 9)], true, services => '{s1}'), '201/0 slots=1', 'a hold');
select is(pg_temp.book('c7', array[pg_temp.slot('a3', 1)], services => '{s1}'), '201/0 slots=1', 'in the hall');
select is(pg_temp.book('other', array[pg_temp.slot('b1', 1)], organization => 'T2', services => '{s1}', m => pg_temp.msg(recipient => 'TEST00002')), '201/0 slots=1', 'in another organization');

-- dry run
create temp table before as select (select jsonb_agg(to_jsonb(s) order by slot_id) from data.slot s) as slots, (select jsonb_agg(to_jsonb(p) order by slot_id) from data.place p) as places,
    (select count(*) from data.booking_history) as history, (select count(*) from data.outbox) as outbox, (select count(*) from data.closure) as closures;
select set_eq($$select book_id from admin.close_day('T1', pg_temp.day(), 'санитарный день')$$, array['c1', 'c2', 'c3', 'c4', 'c5', 'c6', 'c7'], 'O3: close_day lists whom it concerns');
select set_eq($$select book_id from admin.close_day('T1', pg_temp.day(), 'санитарный день') where outcome = 'будет отменена'$$, array['c4', 'c6'], 'O3: and what would become of them: nothing equal is left for c4, a hold is not moved');
select is((select row(before.*)::text from before), (select row((select jsonb_agg(to_jsonb(s) order by slot_id) from data.slot s), (select jsonb_agg(to_jsonb(p) order by slot_id) from data.place p),
    (select count(*) from data.booking_history), (select count(*) from data.outbox), (select count(*) from data.closure))::text), 'O3: nothing is changed by that');

-- interrupted after two, gone on with
select is((select string_agg(outcome, ' ' order by outcome) from admin.close_day('T1', pg_temp.day(), 'санитарный день', apply => true, at_most => 2)),
    'ждёт ждёт ждёт ждёт ждёт перенесена перенесена', 'O3: two of seven in the first transaction');
select is((select count(*) from data.slot s where organization_id = 'T1' and (starts_at at time zone 'Europe/Moscow')::date = pg_temp.day() and not is_closed), 0::bigint, 'O3: but the day is closed at once');
select is((select state from data.closure where organization_id = 'T1'), 'working', 'O3: the closure is at work');
select is(pg_temp.book('late', array[pg_temp.slot('a1', 20)], services => '{s1}'), '208/4', 'B2: nobody books the closed day any more');
select is(pg_temp.book('late', '{blind_request}', services => '{s1}', areas => '{a3}'), '208/4', 'B4: nor blindly');
-- a citizen is quicker than the rest of the closure
select is(pg_temp.cancel('c5'), '301/0', 'a citizen cancels in between');
select is((select string_agg(book_id || ' ' || outcome, ', ' order by book_id) from admin.close_day('T1', pg_temp.day(), 'другая причина', apply => true)
    where book_id not in ('c2', 'c3', 'c4')), 'c1 перенесена, c5 ушла, c6 отменена, c7 перенесена', 'O3: the same call goes on; whoever left is let go');
select is((select string_agg(outcome, ',' order by outcome) from admin.go_on((select max(closure_id) from data.closure)) where book_id in ('c2', 'c3', 'c4')), 'отменена,перенесена,перенесена', 'O3: two equal slots, three visits');
select is((select count(*) from data.closure), 1::bigint, 'O3: one closure');
select is((select state from data.closure), 'done', 'O3: done');
select is((select array_agg(distinct (s.starts_at at time zone 'Europe/Moscow')::date) from data.place p join data.slot s using (slot_id) where p.book_key in ('c1', 'c2', 'c3', 'c7')), array[pg_temp.day() + 7], 'O3: moved to the next day there is');
select is_empty($$select p.book_key from data.place p join data.slot s using (slot_id) join data.booking b on b.book_key = p.book_key where s.organization_id = 'T1' and s.is_closed$$, 'O3: nobody is left in the closed day');
select is_empty($$select b.book_key from data.booking b join data.place p using (book_key) join data.slot s on s.slot_id = p.slot_id where b.book_key like 'c_' and not data.slot_serves(s.service_id, s.area_key, b.service_ids)$$, 'O3: an equal slot serves what the visit is for');
select is((select string_agg(book_key || n, ' ' order by book_key) from (select book_key, count(*) n from data.outbox where book_key ~ '^c.$' group by 1) x), 'c11 c21 c31 c41 c61 c71', 'M8: one message each, none to whom it no longer concerned');
select is((select string_agg(payload -> 'status' ->> 'statusCode', ' ' order by book_key) from data.outbox where book_key ~ '^c.$'), (select string_agg(status_code, ' ' order by book_key) from data.booking where book_key ~ '^c.$' and book_key <> 'c5'), 'M8: that tells the state as it is');
select is((select status_code from data.booking where book_key = 'c6'), '302', 'S2: cancelled by the agency');
select matches((select status_message from data.booking where book_key = 'c6'), 'санитарный день.*000.*Примерная улица, 1', 'S4: with the first reason and where to turn');
select is((select string_agg(new_state::text || '/' || actor::text || '/' || db_user, ' ') from data.booking_history where book_key = 'c6' and old_state = 'HELD'), 'CANCELLED_AGENCY/G/' || session_user, 'S3: history names who did it');
select is((select count(*) from data.booking_history where book_key = 'c1'), 2::bigint, 'S3: one line for the move, none for tries');
select is(pg_temp.state('other'), 'BOOKED', 'another organization is not concerned');
select is((select string_agg(outcome, ' ') from admin.close_day('T1', pg_temp.day(), 'ещё раз', apply => true) where outcome in ('ждёт')), null, 'O3: again: nothing is left to do');
select is((select count(*) from data.outbox where book_key ~ '^c.$'), 6::bigint, 'M8: and nobody is told twice');
select results_eq($$select organization_id, kind, state, waiting, moved, cancelled, others from admin.closures$$, $$values ('T1', 'day', 'done', 0::bigint, 4::bigint, 2::bigint, 1::bigint)$$, 'O3: admin.closures counts');
select pg_temp.healthy();

-- taken back
select is(admin.reopen((select max(closure_id) from data.closure)), 121::bigint, 'O3: reopened');
select is((select count(*) from data.slot where organization_id = 'T1' and is_closed), 0::bigint, 'O3: every slot is open again');
select is(pg_temp.book('late', array[pg_temp.slot('a1', 20)], services => '{s1}'), '201/0 slots=1', 'and booked');
select throws_ok($$select admin.reopen((select max(closure_id) from data.closure))$$, 'P0002', null, 'reopen: twice');
select throws_ok($$select * from admin.go_on((select max(closure_id) from data.closure))$$, 'P0002', null, 'go_on: with what is taken back');

-- a specialist away for an hour: the same hour in another area is nearest; move => false cancels
select is(pg_temp.book('a-1', array[pg_temp.slot('a1', 30)], services => '{s1}'), '201/0 slots=1', 'at a quarter past seven');
select is((select outcome || ' ' || new_area_id || ' ' || new_visit from admin.absence('T1', 'a1', pg_temp.day() + time '19:00', pg_temp.day() + time '20:00', 'болезнь', apply => true)),
    'перенесена a2 ' || to_char(pg_temp.day() + time '19:15', 'DD.MM.YYYY HH24:MI'), 'O3: moved to the colleague at the same time');
select is((select count(*) from data.slot s join data.area a using (area_key) where a.organization_id = 'T1' and a.area_id = 'a1' and is_closed), 4::bigint, 'O3: the hour is closed, no more');
select is(pg_temp.book('a-2', array[pg_temp.slot('a2', 32)], services => '{s1}'), '201/0 slots=1', 'another');
select is((select outcome from admin.absence('T1', 'a2', pg_temp.day() + time '19:40', pg_temp.day() + time '20:00', 'болезнь', true, false)), 'отменена', 'O3: move => false cancels');
-- an area with what is inside it, until further notice
update data.area set parent_key = (select area_key from data.area where organization_id = 'T1' and area_id = 'a3') where organization_id = 'T1' and area_id = 'a2';
select set_eq($$select book_id from admin.close_area('T1', 'a3', pg_temp.day(), null, 'ремонт')$$, array['c2', 'c3', 'a-1'], 'B9: closing a hall concerns the rooms inside it, without end');
select is((select count(*) from admin.close_area('T1', 'a3', pg_temp.day(), pg_temp.day(), 'ремонт')), 1::bigint, 'O3: until the evening: one');
-- CANCELLING: the applicant''s wish is granted
update data.organization set confirm_cancel = true where organization_id = 'T1';
select is(pg_temp.cancel('a-1'), '300/0', 'a cancellation waits for the clerk');
select is((select outcome from admin.close_area('T1', 'a3', pg_temp.day(), pg_temp.day(), 'ремонт', true) where book_id = 'a-1'), 'отменена', 'closed under it');
select is(pg_temp.state('a-1'), 'CANCELLED_APPLICANT', 'S2: granted, not turned into the agency''s');
-- the office for good
select cmp_ok((select count(*) from admin.close_office('T1', pg_temp.day(), null, 'отдел закрыт', true) where outcome = 'отменена'), '>=', 4::bigint, 'O3: an office closed for good: all cancelled');
select is_empty($$select 1 from data.booking b where organization_id = 'T1' and state in ('BOOKED', 'HELD', 'ACCEPTED', 'INVITED')$$, 'O3: nobody is left');
select is_empty($$select book_key from data.outbox group by book_key, payload having count(*) > 1$$, 'M8: no message twice');
select pg_temp.healthy();

-- wrong input
select throws_ok($$select * from admin.close_day('nowhere', current_date + 1, 'x')$$, 'P0002', null, 'close_day: unknown organization');
select throws_ok($$select * from admin.close_day(null, current_date + 1, 'x')$$, 'P0002', null, 'close_day: no organization');
select throws_ok($$select * from admin.close_day('T1', null, 'x')$$, '22023', null, 'close_day: no day');
select throws_ok($$select * from admin.close_day('T1', '2020-01-01', 'x')$$, '22023', null, 'close_day: long past');
select throws_ok($$select * from admin.close_day('T1', 'infinity', 'x')$$, '22023', null, 'close_day: never');
select throws_ok($$select * from admin.close_day('T1', current_date + 1, '')$$, '22023', null, 'close_day: no reason');
select throws_ok($$select * from admin.close_day('T1', current_date + 1, null)$$, '22023', null, 'close_day: null reason');
select throws_ok($$select * from admin.close_day('T1', current_date + 1, 'x', null)$$, '22023', null, 'close_day: neither yes nor no');
select throws_ok($$select * from admin.close_day('T1', current_date + 1, 'x', true, true, -1)$$, '22023', null, 'close_day: less than nothing at once');
select throws_ok($$select * from admin.close_area('T1', 'nowhere', current_date, null, 'x')$$, 'P0002', null, 'close_area: unknown area');
select throws_ok($$select * from admin.close_area('T1', 'b1', current_date, null, 'x')$$, 'P0002', null, 'close_area: an area of others');
select throws_ok($$select * from admin.close_area('T1', 'a1', current_date + 2, current_date, 'x')$$, '22023', null, 'close_area: ends before it begins');
select throws_ok($$select * from admin.absence('T1', 'a1', current_date + time '10:00', null, 'x')$$, '22023', null, 'absence: without end');
select throws_ok($$select * from admin.absence('T1', 'a1', current_date + 2 + time '10:00', current_date + 2 + time '10:00', 'x')$$, '22023', null, 'absence: of no length');
select throws_ok($$select * from admin.go_on(-1)$$, 'P0002', null, 'go_on: unknown');
select throws_ok($$select * from admin.go_on(null, null)$$, '22023', null, 'go_on: no number at once');
select throws_ok($$select admin.reopen(null)$$, 'P0002', null, 'reopen: nothing');
update data.organization set phone = ' ', address = '' where organization_id = 'T2';
select throws_ok($$select * from admin.close_day('T2', current_date + 1, 'x', true)$$, '22023', null, 'S2: 302 tells where to turn: an organization without contacts cannot close');
select is((select count(*) from data.closure where organization_id = 'T2'), 0::bigint, 'and nothing is begun');
-- an area whose days are generated stays closed, and opens with reopen
update data.organization set phone = '000' where organization_id = 'T2';
insert into data.timetable (area_key, organization_id, weekday, starts, ends, slot_min) select area_key, 'T2', w, '08:00', '10:00', 60 from data.area, generate_series(1, 7) w where organization_id = 'T2';
select is((select count(*) from admin.close_day('T2', current_date + 5, 'учения', true)), 0::bigint, 'a day with no bookings and no slots yet');
select is(admin.generate('T2', current_date + 4, current_date + 6), 4::bigint, 'T2: a closed day makes no slots');
select is(admin.reopen((select max(closure_id) from data.closure)), 2::bigint, 'T2: reopened it does');

-- R4: the reference book shows the week as it is; closed until further notice is no week, closed with an end is
create function pg_temp.week() returns text language sql as $$
    select coalesce(string_agg(k || '=' || v, ' '), '-') from (
        select e.key as k, e.value as v from data.ref_item as i, jsonb_each_text(i.attributes) as e where i.ref_name = 'organizations' and i.code = 'T2' and e.key in ('monIsWorking', 'monStart') order by 1) x
$$;
select is(pg_temp.week(), 'monIsWorking=true monStart=8:00', 'R4: the hours the slots come from');
select lives_ok($$select * from admin.close_office('T2', current_date, current_date + 30, 'отпуск', true)$$, 'closed for a month');
select is(pg_temp.week(), 'monIsWorking=true monStart=8:00', 'R4: the week is the same');
select lives_ok($$select * from admin.close_area('T2', 'b1', (now() at time zone 'Asia/Kamchatka')::date, null, 'окно убрано', true)$$, 'its only window closed for good');
select is(pg_temp.week(), 'monIsWorking=false', 'R4: no reception in any week');
select lives_ok($$select admin.reopen((select max(closure_id) from data.closure))$$, 'put back');
select is(pg_temp.week(), 'monIsWorking=true monStart=8:00', 'R4: and open again');
select admin.reopen((select max(closure_id) from data.closure where state <> 'lifted'));

-- grants
grant usage on schema public to zapisd_operator, zapisd_daemon, zapisd_auditor;
set local role zapisd_operator;
select lives_ok($$select * from admin.close_day('T2', current_date + 6, 'учения', true)$$, 'the operator closes');
select throws_ok($$update data.closure set state = 'done'$$, '42501', null, 'and does not say it is done');
select throws_ok($$delete from data.closure_booking$$, '42501', null, 'nor forgets whom it concerned');
select throws_ok($$select data.closure_work(1, 1)$$, '42501', null, 'nothing inner');
reset role;
set local role zapisd_auditor;
select lives_ok($$select * from admin.closures$$, 'the auditor looks');
select throws_ok($$select * from admin.close_day('T2', current_date + 6, 'учения')$$, '42501', null, 'and plans nothing');
reset role;
set local role zapisd_daemon;
select throws_ok($$select * from admin.go_on()$$, '42501', null, 'the daemon is no operator');
reset role;
select * from finish();
rollback;
