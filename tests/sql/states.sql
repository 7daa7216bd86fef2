-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- The state machine as book and cancelBooking walk it (S2), holds (B3, A23, A24), moves (M2), getBookingStatus (M3), A26-A28.
\ir lib/helpers.psql
select no_plan();

-- A23: the period of a hold
create function pg_temp.period(book text, slot text, minutes integer) returns integer language sql as $$
    select round(extract(epoch from (to_timestamp(book_end_at) - clock_timestamp())) / 60)::integer
    from unnest(pg_temp.book_rows(book, array[slot], preliminary => true, period => minutes)) where kind = 'slot'
$$;
select is(pg_temp.period('p1', pg_temp.slot('a2', 1), null), 60, 'A23: 60 minutes when the period is missing');
select is(pg_temp.period('p2', pg_temp.slot('a2', 2), 0), 60, 'A23: or zero');
select is(pg_temp.period('p3', pg_temp.slot('a2', 3), -1), 60, 'A23: or negative');
select is(pg_temp.period('p4', pg_temp.slot('a2', 4), 1), 5, 'A23: a short one is lengthened');
select is(pg_temp.period('p5', pg_temp.slot('a2', 5), 240), 240, 'A23: 240 is kept');
select is((select hold_until from data.booking where book_key = 'p5'), (select hold_until from data.place where book_key = 'p5'), 'B3: place and booking agree');
select pg_temp.period('p6', pg_temp.slot('a2', 6), 100000);
select ok((select hold_until = least(date_trunc('second', changed_at + interval '1440 minutes'), (select starts_at from data.place where book_key = 'p6')) from data.booking where book_key = 'p6'), 'A23: a huge one is shortened, to the bound or to the start of the visit');
select matches((select pg_temp.told(book_end_at, book_end_offset) from unnest(pg_temp.book_rows('p7', array[pg_temp.slot('a2', 7)], preliminary => true)) where kind = 'slot'),
    '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+03:00$', 'T1: bookEndTime has the numeric offset and no fraction');
select is(pg_temp.book('p8', array[pg_temp.slot('a2', 8)], period => 240), '201/0 slots=1', 'A23: a final booking that still sends the period');
select is((select hold_until from data.booking where book_key = 'p8'), null, 'A23: has no end');

-- HELD -> BOOKED
select is(pg_temp.book('h1', array[pg_temp.slot('a1', 5)], true), '201/0 slots=1', 'a hold');
select is(pg_temp.state('h1'), 'HELD', 'is HELD');
select is(pg_temp.status('h1'), '201/0 slots=1', 'A3: and 201 on the wire');
select is(pg_temp.book('z1', array[pg_temp.slot('a1', 5)]), '208/4', 'B3: a live hold keeps its place');
select is(pg_temp.book('h1', array[pg_temp.slot('a1', 5)]), '201/0 slots=1', 'HELD -> BOOKED by the same id');
select is((select state || coalesce(hold_until::text, '-') from data.booking where book_key = 'h1'), 'BOOKED-', 'final');
select is((select hold_until from data.place where book_key = 'h1'), null, 'its place too');
select is(pg_temp.book('h1', array[pg_temp.slot('a1', 5)], true), '201/0 slots=1', 'BOOKED, preliminary again');
select is(pg_temp.state('h1'), 'BOOKED', 'S2: BOOKED never falls back to HELD');

-- the held slots, and something that was not held
select is(pg_temp.book('hs', array[pg_temp.slot('a1', 30)], true), '201/0 slots=1', 'a hold');
select is(pg_temp.book('hs', array[pg_temp.slot('a1', 30), gen_random_uuid()::text]), '208/4', 'A6: with a slot nobody knows beside it, it is not the same visit');
select is(pg_temp.state('hs'), 'HELD', 'and the hold lives on');
select is(pg_temp.book('hs', array[pg_temp.slot('a1', 30)], true, services => '{s2}'), '208/4', 'M1: nor held for a service that room does not serve');
select is(pg_temp.state('hs'), 'HELD', 'nothing final was refused');
-- S2, Appendix 3, alternative 3: a final booking refused, with the slots held or blindly, ends the hold.
select is(pg_temp.book('hs', array[pg_temp.slot('a1', 30)], services => '{s2}'), '208/4', 'M1: nor booked for it');
select is(pg_temp.state('hs'), 'REFUSED', 'S2: HELD -> REFUSED');
select is((select count(*)::integer from data.place where book_key = 'hs'), 0, 'S2: its place is freed');
select is(pg_temp.book('hs', array[pg_temp.slot('a1', 30)], true), '201/0 slots=1', 'a hold');
select is(pg_temp.book('hs', '{blind_request}', services => '{s2}'), '208/4', 'M1: nor blindly');
select is(pg_temp.state('hs'), 'REFUSED', 'S2: HELD -> REFUSED');
select is(pg_temp.book('hs', array[pg_temp.slot('a1', 30)], true), '201/0 slots=1', 'a hold');
update data.slot set is_closed = true where slot_id = pg_temp.slot('a1', 30)::uuid;
select is(pg_temp.book('hs', array[pg_temp.slot('a1', 30)], services => '{s1}'), '201/0 slots=1', 'a slot closed meanwhile was promised');
update data.slot set is_closed = false where slot_id = pg_temp.slot('a1', 30)::uuid;
select pg_temp.cancel('hs');

-- repeated holds
update data.organization set max_holds = 2 where organization_id = 'T1';
select is(pg_temp.book('h2', array[pg_temp.slot('a1', 6)], true, period => 10), '201/0 slots=1', 'a hold of 10 minutes');
select is(pg_temp.book('h2', array[pg_temp.slot('a1', 6)], true, period => 20), '201/0 slots=1', 'renewed');
select ok((select hold_until > now() + interval '19 min' from data.booking where book_key = 'h2'), 'the clock is set anew');
select is(pg_temp.book('h2', array[pg_temp.slot('a1', 6)], true, period => 30), '201/0 slots=1', 'a third time');
select ok((select hold_until < now() + interval '21 min' and hold_count = 2 from data.booking where book_key = 'h2'), 'B3: but at most max_holds times');
select is(pg_temp.book('h2', array[pg_temp.slot('a1', 7)], true, period => 30), '201/0 slots=1', 'moved');
select ok((select hold_until < now() + interval '21 min' from data.booking where book_key = 'h2'), 'B3: a move does not reset the count');
update data.organization set max_holds = 5 where organization_id = 'T1';

-- B6: identical repeat leaves the end alone
select is(pg_temp.book('h3', array[pg_temp.slot('a1', 8)], true, period => 10), '201/0 slots=1', 'a hold');
update data.booking set hold_until = hold_until - interval '3 min' where book_key = 'h3';
update data.place set hold_until = hold_until - interval '3 min' where book_key = 'h3';
select is(pg_temp.book('h3', array[pg_temp.slot('a1', 8)], true, period => 10), '201/0 slots=1', 'B6: the same again');
select ok((select hold_until < now() + interval '8 min' from data.booking where book_key = 'h3'), 'B6: bookEndTime unchanged');

-- HELD -> EXPIRED, before any sweeper
select is(pg_temp.book('e1', array[pg_temp.slot('a1', 9)], true), '201/0 slots=1', 'a hold');
select pg_temp.lapse('e1');
select is(pg_temp.status('e1'), '303/0', 'A24: a lapsed hold is 303');
select is((select status_message from api.get_booking_status('', 'e1', '1000000000')), 'Заявление отменено. Срок предварительного бронирования истёк', 'A24: and says why');
select is((select count(*) from pg_temp.get_slots('TEST00001', '{T1}', '{}', '{a1}', 'SIMPLE', 'PHYSIC', '', 100) where slot_id = pg_temp.slot('a1', 9)), 1::bigint, 'B3: its slot is offered again');
select is(pg_temp.book('e2', array[pg_temp.slot('a1', 9)]), '201/0 slots=1', 'B3: and taken by somebody else');
select is(pg_temp.owner_of(pg_temp.slot('a1', 9)), 'e2', 'B3: whose it is');
select is(pg_temp.state('e1'), 'HELD', 'the other booking row was not touched');
select is(pg_temp.book('e1', array[pg_temp.slot('a1', 9)]), '208/4', 'confirmed too late: 208');
select is(pg_temp.owner_of(pg_temp.slot('a1', 9)), 'e2', 'and the new owner is untouched');
select results_eq($$select old_state::text, new_state::text, actor::text from data.booking_history where book_key = 'e1' order by history_id$$,
    $$values (null, 'HELD', 'A'), ('HELD', 'EXPIRED', 'T'), ('EXPIRED', 'REFUSED', 'A')$$, 'S3: history says so');
select is(pg_temp.book('e3', array[pg_temp.slot('a1', 10)], true), '201/0 slots=1', 'a hold');
select pg_temp.lapse('e3');
select is(pg_temp.book('e3', array[pg_temp.slot('a1', 10)]), '201/0 slots=1', 'too late, but still free: booked anew');
select is(pg_temp.state('e3'), 'BOOKED', 'EXPIRED -> BOOKED');
select is(pg_temp.book('e5', array[pg_temp.slot('a1', 2)], true), '201/0 slots=1', 'a hold inside the long slot');
select is(pg_temp.book('e4', array[pg_temp.slot('a1', 0)], true), '208/4', 'B2: the long slot is not free');
select pg_temp.lapse('e5');
select is(pg_temp.book('e4', array[pg_temp.slot('a1', 0)]), '201/0 slots=1', 'B3: a lapsed hold of an overlapping slot gives way');
select is(pg_temp.owner_of(pg_temp.slot('a1', 2)), null, 'B2: and is gone');
select is(pg_temp.cancel('e4'), '301/0', 'make room again');
select is(pg_temp.book('e6', array[pg_temp.slot('a3', 5)], true) || pg_temp.book('e7', array[pg_temp.slot('a3', 5)], true) || pg_temp.book('e8', array[pg_temp.slot('a3', 5)], true),
    '201/0 slots=1201/0 slots=1208/4', 'two holds of two');
select pg_temp.lapse('e6');
select is(pg_temp.book('e8', array[pg_temp.slot('a3', 5)], true), '201/0 slots=1', 'B3: the lapsed one of two gives way');
select is(pg_temp.owner_of(pg_temp.slot('a3', 5)), 'e8,e7', 'B3: that very place');

-- sweeper
select is(admin.sweep(), 2::bigint, 'admin.sweep() records what lapsed');
select is((select count(*) from data.booking where state = 'HELD' and hold_until < now()), 0::bigint, 'nothing lapsed is left');
select is(pg_temp.state('e6'), 'EXPIRED', 'HELD -> EXPIRED');
select is(admin.sweep(), 0::bigint, 'a second time there is nothing to do');

select is((select count(*) from data.outbox), 0::bigint, 'A24: no push by default: the portal counts the time itself');
update data.organization set push_lapsed = true where organization_id = 'T1';
select is(pg_temp.book('e9', array[pg_temp.slot('a3', 8)], true), '201/0 slots=1', 'held');
select is(pg_temp.book('e10', array[pg_temp.slot('a3', 9)], true), '201/0 slots=1', 'held');
select pg_temp.lapse('e9'), pg_temp.lapse('e10');
select is(pg_temp.cancel('e10'), '303/0', 'A24: who asks himself learns it from the answer');
select is(admin.sweep(), 1::bigint, 'the other one is swept');
select is((select array_agg(book_key || ' ' || (payload #>> '{status,statusCode}') || ' ' || (payload ? 'timeslot')::text) from data.outbox), '{e9 303 false}',
    'A24: and pushed once, where an organization wants it');
update data.organization set push_lapsed = false where organization_id = 'T1';

-- moves
select is(pg_temp.book('v1', array[pg_temp.slot('a1', 20)], true, period => 10), '201/0 slots=1', 'hold S1');
select is(pg_temp.book('v1', array[pg_temp.slot('a1', 21)], true, period => 20), '201/0 slots=1', 'alternative 2: hold S2 with the same id');
select is(pg_temp.owner_of(pg_temp.slot('a1', 20)), null, 'S1 is free');
select ok((select hold_until > now() + interval '19 min' from data.booking where book_key = 'v1'), 'the clock restarts');
select is(pg_temp.book('v2', array[pg_temp.slot('a1', 22)]), '201/0 slots=1', 'somebody else');
select is(pg_temp.book('v1', array[pg_temp.slot('a1', 22)], true, period => 30), '208/4', 'S2 is busy: 208');
select is(pg_temp.owner_of(pg_temp.slot('a1', 21)), 'v1', 'M2: the old slot stays');
select ok((select hold_until < now() + interval '21 min' and state = 'HELD' from data.booking where book_key = 'v1'), 'with its old end');
select is(pg_temp.status('v1'), '201/0 slots=1', 'M3: and is told so');
select is((select reason from data.booking_history where book_key = 'v1' order by history_id desc limit 1), 'изменение отклонено: Интервал времени занят', 'S3: the attempt is in the history');
select is(pg_temp.book('v1', array[pg_temp.slot('a2', 21)]), '201/0 slots=1', 'moved to another area and confirmed at once');
select is(pg_temp.state('v1'), 'BOOKED', 'HELD -> BOOKED');
select is(pg_temp.book('v1', array[pg_temp.slot('a2', 22)], true), '201/0 slots=1', 'BOOKED moved with the preliminary flag');
select is(pg_temp.state('v1') || pg_temp.owner_of(pg_temp.slot('a2', 22)), 'BOOKEDv1', 'same kind: stays BOOKED');
update data.organization set agency_code = 'TEST00001' where organization_id = 'T2';
select is(pg_temp.book('v1', array[pg_temp.slot('b1', 22)], organization => 'T2', m => pg_temp.msg(recipient => '')), '201/0 slots=1', 'moved to another organization of its agency');
select is((select organization_id from data.booking where book_key = 'v1'), 'T2', 'it is there now');
select is(pg_temp.book('v1', array[gen_random_uuid()::text], organization => 'T2', m => pg_temp.msg(recipient => '')), '208/4', 'moved to nowhere');
select is(pg_temp.owner_of(pg_temp.slot('b1', 22)), 'v1', 'M2: the old slot stays');
update data.organization set agency_code = 'TEST00002' where organization_id = 'T2';
select is(pg_temp.book('v3', array[pg_temp.slot('a1', 1)]), '201/0 slots=1', 'a short slot');
select is(pg_temp.book('v3', array[pg_temp.slot('a1', 0)]), '201/0 slots=1', 'B2: moved to the long slot over it');
select is(pg_temp.book('v3', array[pg_temp.slot('a1', 3)]), '201/0 slots=1', 'B2: and back to a short one under it');
select is(pg_temp.book('v4', array[pg_temp.slot('a2', 25), pg_temp.slot('a2', 26)]), '201/0 slots=2', 'two slots');
select is(pg_temp.book('v4', array[pg_temp.slot('a2', 26), pg_temp.slot('a2', 27)]), '201/0 slots=2', 'moved by one');
select is(pg_temp.book('v5', array[pg_temp.slot('a2', 29)]), '201/0 slots=1', 'in the way');
select is(pg_temp.book('v4', array[pg_temp.slot('a2', 28), pg_temp.slot('a2', 29)]), '208/4', 'one of the new ones is taken');
select is(pg_temp.owner_of(pg_temp.slot('a2', 26)) || pg_temp.owner_of(pg_temp.slot('a2', 27)) || coalesce(pg_temp.owner_of(pg_temp.slot('a2', 28)), '-'), 'v4v4-', 'M2: both old ones stay, no new one is kept');
select is(pg_temp.book('v4', array[pg_temp.slot('a2', 28)], bad => '{email}'), '207/2', 'a move with bad data');
select is(pg_temp.owner_of(pg_temp.slot('a2', 26)), 'v4', 'M2: changes nothing');
select is(pg_temp.state('v4'), 'BOOKED', 'nor the state');

-- RETURNED
select is(pg_temp.book('r1', array[pg_temp.slot('a1', 30)], true), '201/0 slots=1', 'a hold');
select is(pg_temp.book('r1', array[pg_temp.slot('a1', 31)], false, bad => '{userINN}'), '207/2', 'final, other slot, bad data');
select is(pg_temp.state('r1'), 'HELD', 'M2: on failure of a move the hold stays');
select is(pg_temp.book('r1', array[pg_temp.slot('a1', 30)], true, bad => '{userINN}'), '207/2', 'preliminary again with bad data');
select is(pg_temp.state('r1'), 'HELD', 'is no reason to lose the hold');
select is(pg_temp.book('r1', array[pg_temp.slot('a1', 30)], false, bad => '{userINN}'), '207/2', 'alternative 3: the final check fails');
select is(pg_temp.state('r1'), 'RETURNED', 'HELD -> RETURNED');
select is(pg_temp.owner_of(pg_temp.slot('a1', 30)), null, 'the hold is freed');
select is(pg_temp.status('r1'), '207/0', 'M3: told so');
select is(pg_temp.cancel('r1'), '207/4', 'A27: nothing to cancel');
select is(pg_temp.book('r1', array[pg_temp.slot('a1', 30)]), '201/0 slots=1', 'RETURNED -> BOOKED');

-- cancelBooking (M4)
select is(pg_temp.cancel('nobody'), '-/2 bookId:2', 'A26: unknown');
select is(pg_temp.cancel(null), '-/2 bookId:2', 'A26: null');
select is(pg_temp.cancel('r1', '2000000000'), '-/2 bookId:2', 'A26: foreign looks the same');
select is(pg_temp.cancel('r1', null), '-/2 bookId:2', 'A26: nobody''s');
select is(pg_temp.cancel('r1', m => pg_temp.msg(recipient => 'TEST00002')), '-/2 bookId:2', 'C6: another agency''s');
select is(pg_temp.cancel('r1', bad => '{bookId}'), '-/2', 'bad fields: nothing is done');
select is(pg_temp.cancel('r1', m => pg_temp.msg('tc', test => true)), '301/0', 'V2: a test cancellation');
select is(pg_temp.state('r1'), 'BOOKED', 'V2: has no effect');
select is(pg_temp.cancel('R1', m => pg_temp.msg('c-1')), '301/0', 'A28: cancelled, whatever the case of the id');
select is(pg_temp.state('r1') || coalesce(pg_temp.owner_of(pg_temp.slot('a1', 30)), '-'), 'CANCELLED_APPLICANT-', 'BOOKED -> CANCELLED_APPLICANT, place freed');
select is(pg_temp.cancel('r1', m => pg_temp.msg('c-1')), 'stored', 'B6: the same message');
select is(pg_temp.cancel('r1', m => pg_temp.msg('c-1', 'other')), 'reused', 'B6: the same id, other content');
select is(pg_temp.cancel('r1'), '301/0', 'A27: a second cancellation is a success');
select is((select count(*) from data.booking_history where book_key = 'r1' and new_state = 'CANCELLED_APPLICANT'), 1::bigint, 'A27: without a second effect');
select is(pg_temp.book('r1', array[pg_temp.slot('a1', 30)], true), '201/0 slots=1', 'CANCELLED_APPLICANT -> HELD');
select is(pg_temp.cancel('r1'), '301/0', 'HELD -> CANCELLED_APPLICANT');
select is(pg_temp.book('r2', array[pg_temp.slot('a1', 31)], true), '201/0 slots=1', 'a hold');
select pg_temp.lapse('r2');
select is(pg_temp.cancel('r2'), '303/0', 'a lapsed hold is over already');
select is(pg_temp.state('r2'), 'EXPIRED', 'and recorded as such');
update data.organization set cancel_deadline_min = 43200 where organization_id = 'T1';
select is(pg_temp.book('r3', array[pg_temp.slot('a1', 32)]), '201/0 slots=1', 'a visit');
select is(pg_temp.cancel('r3'), '201/4', 'B5: after the deadline it stands');
update data.organization set cancel_deadline_min = 0, confirm_cancel = true where organization_id = 'T1';
select is(pg_temp.cancel('r3'), '300/0', 'A28: when the agency confirms cancellations');
select is(pg_temp.owner_of(pg_temp.slot('a1', 32)), 'r3', 'A28: the place is kept till then');
select is(pg_temp.cancel('r3'), '300/0', 'A28: again');
select is(pg_temp.book('r3', array[pg_temp.slot('a1', 33)]), '208/4', 'S2: no change while being cancelled (A32)');
select is(pg_temp.status('r3'), '300/0 slots=1', 'M3: it is being cancelled as before');
update data.organization set confirm_cancel = false, confirm_booking = true where organization_id = 'T1';
select is(pg_temp.book('ac', array[pg_temp.slot('a1', 34)], true), '201/0 slots=1', 'B10: a hold');
select is(pg_temp.book('ac', array[pg_temp.slot('a1', 34)]), '100/0 slots=1', 'B10: 100 first');
select is(pg_temp.state('ac'), 'ACCEPTED', 'B10: HELD -> ACCEPTED');
select is(pg_temp.book('ac2', array[pg_temp.slot('a1', 34)]), '208/4', 'B10: ACCEPTED holds the slot');
select is(pg_temp.cancel('ac'), '301/0', 'ACCEPTED -> CANCELLED_APPLICANT');
update data.organization set confirm_booking = false where organization_id = 'T1';

-- What a change that is refused says: the text of its status and of its error.
create function pg_temp.refused(book text) returns text language sql as $$
    select r.status_message || ' | ' || r.error_message from unnest(pg_temp.book_rows(book, array[pg_temp.slot('a1', 35)])) as r where r.kind = 'answer'
$$;
-- the visit has begun, or is over
insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at)
select '00000000-0000-4000-8000-000000000009', 'T1', area_key, now() + interval '1 hour', now() + interval '2 hours' from data.area where organization_id = 'T1' and area_id = 'a2';
select is(pg_temp.book('o1', '{00000000-0000-4000-8000-000000000009}'), '201/0 slots=1', 'a visit soon');
update data.slot set starts_at = now() - interval '1 minute' where slot_id = '00000000-0000-4000-8000-000000000009';
select is(pg_temp.cancel('o1'), '201/4', 'A27: begun: error 4 with the status as it is');
select is(pg_temp.book('o1', array[pg_temp.slot('a1', 35)]), '208/4', 'A32: a change of a visit that has begun is refused');
select is(pg_temp.refused('o1'), 'Запрашиваемое время не может быть забронировано. Время посещения уже наступило, запись остаётся прежней | Отказ в бронировании: Время посещения уже наступило, запись остаётся прежней', 'A32: and says why');
select is(pg_temp.status('o1'), '201/0 slots=1', 'it stands');
select pg_temp.healthy();
create function pg_temp.outcome(s data.booking_state) returns text language plpgsql as $$
begin
    update data.booking set state = s, status_code = data.state_code(s) || '001' where book_key = 'o1';
    return pg_temp.status('o1') || ' ' || pg_temp.cancel('o1') || ' ' || pg_temp.book('o1', array[pg_temp.slot('a1', 35)]);
end $$;
select is(pg_temp.outcome('SERVED'), '202001/0 slots=1 202001/4 208/4', 'SERVED is final for the applicant, its sub-code kept (S1)');
select is(pg_temp.refused('o1'), 'Запрашиваемое время не может быть забронировано. Запись уже нельзя изменить, её статус 202001: принят | Отказ в бронировании: Запись уже нельзя изменить, её статус 202001: принят', 'A32: the refusal says what it has come to');
select is(pg_temp.status('o1'), '202001/0 slots=1', 'M3: and it stays that');
select is(pg_temp.outcome('NO_SHOW'), '203001/0 slots=1 203001/4 208/4', 'NO_SHOW too');
select is(pg_temp.outcome('NO_DATA'), '205001/0 slots=1 205001/4 208/4', 'NO_DATA too');
select is(pg_temp.outcome('NOT_SERVED'), '206001/0 slots=1 206001/4 208/4', 'NOT_SERVED too');

select is((select count(*) from data.booking_history where book_key = 'o1' and actor = 'A' and old_state = new_state and reason like 'изменение отклонено: %'), 7::bigint, 'S3: each attempt is in the history');
-- an invited visit (item 19, note 1; 9.1 a, b): moved, corrected and cancelled like a booked one, and told in the order's words for 201
select is(pg_temp.book('i1', array[pg_temp.slot('a1', 11)]), '201/0 slots=1', 'a booking');
select is((select state || ' ' || comment from admin.invite('i1')), 'INVITED Приглашаем Вас получить запрашиваемую услугу или функцию. Место: Отдел Т1, Примерная улица, 1, Кабинет 1. Время: '
    || to_char(pg_temp.noon() at time zone 'Europe/Moscow', 'DD.MM.YYYY') || ' в 14:30.', 'S4: Appendix 1, 201: the invitation with its place and its time');
select is((select status_message from api.get_booking_status('TEST00001', 'i1', '1000000000') where kind = 'answer'), (select status_message from data.booking where book_key = 'i1'), 'M3: told so');
select is((select payload #>> '{status,statusMessage}' from data.outbox where book_key = 'i1'), (select status_message from data.booking where book_key = 'i1'), 'M8: and pushed so');
select is(pg_temp.book('i1', array[pg_temp.slot('a1', 11)]), '201/0 slots=1', 'B6: the request that booked it, once more');
select is(pg_temp.book('i1', array[pg_temp.slot('a1', 11)], applicant => '{"lastName": "ТЕСТОВ", "firstName": "Тест", "caseNumber": "7", "mobilePhone": "+7 900 000-00-00"}'), '201/0 slots=1', 'M2: its data are corrected');
select is((select mobile_phone from data.applicant where book_key = 'i1'), '+7 900 000-00-00', 'M9: and kept');
select is(pg_temp.book('i1', array[pg_temp.slot('a1', 12)], true), '201/0 slots=1', 'M2: moved, whatever the flag');
select is(pg_temp.state('i1') || pg_temp.owner_of(pg_temp.slot('a1', 12)) || coalesce(pg_temp.owner_of(pg_temp.slot('a1', 11)), '-'), 'INVITEDi1-', 'M2: it is invited there, the old time is free');
select matches((select status_message from data.booking where book_key = 'i1'), '^Приглашаем Вас .* в 14:45\.$', 'S4: to the new time');
select is(pg_temp.book('i2', array[pg_temp.slot('a1', 13)]), '201/0 slots=1', 'somebody else');
select is(pg_temp.book('i1', array[pg_temp.slot('a1', 13)]), '208/4', 'A32: a busy time');
select is(pg_temp.status('i1') || pg_temp.owner_of(pg_temp.slot('a1', 12)), '201/0 slots=1i1', 'M2: the invitation stands');
select is(pg_temp.book('i1', array[pg_temp.slot('a1', 12)], bad => '{email}'), '207/2', 'M10: bad data');
select is(pg_temp.status('i1'), '201/0 slots=1', 'M2: change nothing');
select is((select result || state from admin.move('i1', pg_temp.slot('a1', 14))), 'сделаноINVITED', 'S2: the agency moves it');
select is((select array_agg(payload #>> '{timeslot,slotId}' order by outbox_id) from data.outbox where book_key = 'i1'), array[pg_temp.slot('a1', 11), pg_temp.slot('a1', 14)], 'M8: and tells the portal');
select is(pg_temp.cancel('i1'), '301/0', 'M4: it is cancelled');
select is(pg_temp.owner_of(pg_temp.slot('a1', 14)), null, 'M4: and its place is free');
update data.organization set move_deadline_min = 43000 where organization_id = 'T1';
select is(pg_temp.book('i3', array[pg_temp.slot('a1', 11)]), '201/0 slots=1', 'a booking');
select is((select result from admin.invite('i3')), 'сделано', 'invited');
select is(pg_temp.book('i3', array[pg_temp.slot('a1', 12)]), '208/4', 'B5: the deadline of a move binds the invited too');
update data.organization set move_deadline_min = 0 where organization_id = 'T1';

-- getBookingStatus
select is(pg_temp.status('nobody'), '-/2 bookId:2', 'A26: unknown');
select is(pg_temp.status('v2', '2000000000'), '-/2 bookId:2', 'A26: foreign');
select is(pg_temp.status('v2', ''), '-/2 bookId:2', 'A26: nobody''s');
select is(pg_temp.status('v2', null), '-/2 bookId:2', 'A26: null');
select is(pg_temp.status('v2', recipient => 'TEST00002'), '-/2 bookId:2', 'C6: another agency');
select is(pg_temp.status('V2', recipient => ''), '201/0 slots=1', 'A1: case-blind');
-- S4
insert into data.organization_status values ('T1', '201', 'Ждём Вас: {organization}, {address}, {time}');
select is((select status_message from unnest(pg_temp.book_rows('s4', array[pg_temp.slot('a1', 36)])) where kind = 'answer'), 'Ждём Вас: Отдел Т1, Примерная улица, 1, 20:45', 'S4: the organization''s own text');
select is((select status_message from unnest(pg_temp.book_rows('s5', array[pg_temp.slot('a1', 36)])) where kind = 'answer'), 'Запрашиваемое время не может быть забронировано. Интервал времени занят', 'S1: the order''s text of 208, and why');
select * from finish();
rollback;
