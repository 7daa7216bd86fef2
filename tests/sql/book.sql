-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- book: M2 with the resolutions A1, A3, A6, A7, A23, A24, A26, A32, A33, B3, B4, B6 and bad input.
\ir lib/helpers.psql
select no_plan();

-- A3, T1: success
select is(pg_temp.book('B1', array[pg_temp.slot('a1', 5)]), '201/0 slots=1', 'A3: a final booking is 201 and error 0');
select results_eq($$select slot_id, organization_id, area_id, pg_temp.told(visit_at, visit_offset), pg_temp.told(book_end_at, book_end_offset), duration from unnest(pg_temp.book_rows('B1b', array[pg_temp.slot('a1', 6)], services => '{s1}')) where kind = 'slot'$$,
    $$select pg_temp.slot('a1', 6), 'T1', 'a1', to_char(now() at time zone 'Europe/Moscow' + interval '1 day', 'YYYY-MM-DD"T13:15:00+03:00"'), null::text, 15$$,
    'T1, M2: the slot is told in the zone of the organization, without Z');
select is((select error_message from unnest(pg_temp.book_rows('b1', array[pg_temp.slot('a1', 5)])) where kind = 'answer'), 'ОК', 'A11: code 0 says ОК');
select is((select count(*) from data.booking_history where book_key = 'b1'), 1::bigint, 'A1, B6: B1 and b1 are one booking, and the repeat had no effect');
select is((select book_id from data.booking where book_key = 'b1'), 'B1', 'A1: kept as sent');
select is((select last_name || case_number from data.applicant join data.booking using (book_key) where book_key = 'b1'), 'Тестов7', 'M9: the applicant is stored');
select is((select array[actor::text, old_state::text, new_state::text, portal_time, (portal_at = '2026-11-22 07:00+00')::text] from data.booking_history where book_key = 'b1'),
    array['A', null, 'BOOKED', '2026-11-22T10:00:00+03:00', 'true'], 'S3, A34: history has actor, states and the portal''s time with its zone');

-- A32: taken
select is(pg_temp.book('B2', array[pg_temp.slot('a1', 5)]), '208/4', 'A32: a taken slot is 208 and error 4');
select is(pg_temp.state('B2'), 'REFUSED', 'S2: refused');
select is(pg_temp.status('B2'), '208/0', 'M3: and so it is told');
select is(pg_temp.book('B2', array[pg_temp.slot('a1', 7)]), '201/0 slots=1', 'S2: REFUSED lives again under the same id');
select is(pg_temp.book('B3', array[pg_temp.slot('a1', 0)]), '201/0 slots=1', 'the long slot');
select is(pg_temp.book('B4', array[pg_temp.slot('a1', 2)]), '208/4', 'B2: a slot inside the long one is taken with it');
select is(pg_temp.book('c1', array[pg_temp.slot('a3', 1)]) || pg_temp.book('c2', array[pg_temp.slot('a3', 1)]) || pg_temp.book('c3', array[pg_temp.slot('a3', 1)]),
    '201/0 slots=1201/0 slots=1208/4', 'B9: two places of two, and no third');
select is(pg_temp.book('c3', array[gen_random_uuid()::text]), '208/4', 'a well-formed slotId nobody knows is 208 and error 4');

-- bad input: error 2, 207, nothing stored
select is(pg_temp.book('x1', '{not-a-uuid}'), '207/2 slotId:1', 'slotId that is no UUID');
select is(pg_temp.book('x1', '{}'), '207/2 slotId:1', 'no slotId');
select is(pg_temp.book('x1', null), '207/2 slotId:1', 'null slotId');
select is(pg_temp.book('x1', array[null]::text[]), '207/2 slotId:1', 'a null among slotIds');
select is(pg_temp.book('x1', array[pg_temp.slot('a1', 9), pg_temp.slot('a1', 9)]), '207/2 slotId:1', 'A7: the same slot twice');
select is(pg_temp.book('x1', array[pg_temp.slot('a1', 9), upper(pg_temp.slot('a1', 9))]), '207/2 slotId:1', 'A7: the same slot twice, in other case');
select is(pg_temp.book('x1', array[pg_temp.slot('a1', 9), pg_temp.slot('a1', 11)]), '207/2 slotId:1', 'A7: not adjacent');
select is(pg_temp.book('x1', array[pg_temp.slot('a1', 9), pg_temp.slot('a2', 10)]), '207/2 slotId:1', 'A7: not in one area');
select is(pg_temp.book('x1', array[pg_temp.slot('a1', 9), pg_temp.slot('b1', 10)]), '207/2 slotId:1', 'A7: not in one organization');
select is(pg_temp.book('x1', array['blind_request', pg_temp.slot('a1', 9)]), '207/2 slotId:1', 'B4: blind_request with another');
select is(pg_temp.book('x1', '{blind_request,blind_request}'), '207/2 slotId:1', 'B4: blind_request twice');
select is(pg_temp.book('x1', '{BLIND_REQUEST}'), '207/2 slotId:1', 'B4: the keyword is lower case');
select is(pg_temp.book('x1', '{" blind_request"}'), '207/2 slotId:1', 'B4: and stands alone');
select is(pg_temp.book('x1', array[pg_temp.slot('a1', 9)], organization => 'T2', m => pg_temp.msg(recipient => '')), '207/2 organizationId:1', 'A33: the slot is of another organization');
select is(pg_temp.book('x1', array[pg_temp.slot('a1', 9)], organization => 'nowhere'), '207/2 organizationId:2', 'unknown organization');
select is(pg_temp.book('x1', array[pg_temp.slot('a1', 9)], organization => null), '207/2 organizationId:2', 'no organization');
select is(pg_temp.book('x1', array[pg_temp.slot('b1', 9)], organization => 'T2'), '207/2 organizationId:2', 'C6: an organization of another agency');
select is(pg_temp.book('x1', array[pg_temp.slot('a1', 9)], services => '{s9}'), '207/2 serviceId:2', 'unknown service');
select is(pg_temp.book('x1', array[pg_temp.slot('a1', 9)], services => '{s1,s3}'), '207/2 serviceId:2', 'one service of two not offered here');
select is(pg_temp.book('x1', array[pg_temp.slot('a1', 9)], areas => '{zz}'), '207/2 areaId:2', 'unknown area');
select is(pg_temp.book('x1', array[pg_temp.slot('a1', 9)], areas => '{b1}'), '207/2 areaId:2', 'area of another organization');
select is(pg_temp.book('x1', '{junk}', organization => 'nowhere', services => '{s9}'), '207/2 organizationId:2 slotId:1', 'M10: all bad fields at once');
select is(pg_temp.book('x1', '{junk}', services => '{s9}', areas => '{zz}'), '207/2 serviceId:2 areaId:2 slotId:1', 'M10: all bad fields at once, known organization');
select is(pg_temp.book('x1', array[pg_temp.slot('a1', 9)], bad => '{userSnils}'), '207/2', 'fields the daemon found wrong: nothing is booked');
select is(pg_temp.book('', array[pg_temp.slot('a1', 9)]), '207/2 bookId:1', 'no bookId');
select is(pg_temp.book(null, array[pg_temp.slot('a1', 9)]), '207/2 bookId:1', 'null bookId');
select is(pg_temp.book('x1', array[pg_temp.slot('a1', 9)], esia => ''), '207/2 esiaId:1', 'A10: no esiaId');
select is(pg_temp.state('x1') || ' ' || (select count(*) from data.place where book_key = 'x1'), 'RETURNED 0', 'items 15.1, 20: remembered as returned, nothing is booked');
select is(pg_temp.owner_of(pg_temp.slot('a1', 9)), null, 'nor took a place');
select is((select count(*) from data.applicant where book_key = 'x1'), 0::bigint, 'nor left a person');
select is(pg_temp.book('x2', array[pg_temp.slot('a1', 9)], areas => '{"",null}', services => '{""}'), '201/0 slots=1', 'empty areaId and serviceId mean none');
select is(pg_temp.book('x3', array[pg_temp.slot('a1', 10)], services => '{s2}'), '208/4', 'a service this room does not serve');
select is(pg_temp.book('x3', array[pg_temp.slot('a1', 10)], areas => '{a2}'), '208/4', 'a slot of another area than asked');
select is(pg_temp.book('x3', array[pg_temp.slot('a2', 10)], services => '{s2}', areas => '{a2}'), '201/0 slots=1', 'the right room');

-- when a slot may not be booked
update data.slot set is_closed = true where slot_id = pg_temp.slot('a2', 20)::uuid;
select is(pg_temp.book('y1', array[pg_temp.slot('a2', 20)]), '208/4', 'a closed slot');
insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at)
select ('00000000-0000-4000-8000-00000000000' || n)::uuid, 'T1', area_key, now() + d, now() + d + interval '5 min'
from data.area, (values (1, interval '-1 hour'), (2, interval '10 min'), (3, interval '31 days'), (4, interval '29 days'), (5, interval '5 hours')) v (n, d)
where organization_id = 'T1' and area_id = 'a2';
select is(pg_temp.book('y1', '{00000000-0000-4000-8000-000000000001}'), '208/4', 'M1: a slot of the past');
update data.organization set notice_min = 30 where organization_id = 'T1';
select is(pg_temp.book('y1', '{00000000-0000-4000-8000-000000000002}'), '208/4', 'B5: too near');
select is(pg_temp.book('y1', '{00000000-0000-4000-8000-000000000003}'), '208/4', 'B5: beyond the window');
select is(pg_temp.book('y1', '{00000000-0000-4000-8000-000000000004}'), '201/0 slots=1', 'B5: within it');
update data.organization set is_active = false where organization_id = 'T1';
select is(pg_temp.book('y2', array[pg_temp.slot('a2', 21)]), '207/2 organizationId:2', 'an organization out of service');
update data.organization set is_active = true, notice_min = 0 where organization_id = 'T1';

-- A6: several slots
select is(pg_temp.book('m1', array[pg_temp.slot('a1', 14), pg_temp.slot('a1', 12), pg_temp.slot('a1', 13)]), '201/0 slots=3', 'A6: three slots of one visit, in any order');
select is((select array_agg(slot_id order by n) from unnest(pg_temp.book_rows('m1', array[pg_temp.slot('a1', 14), pg_temp.slot('a1', 12), pg_temp.slot('a1', 13)])) with ordinality as r (kind,a,b,c,d,e,slot_id,f,g,h,i,j,k,l,o,p,q,s,t,u,n) where kind = 'slot'),
    array[pg_temp.slot('a1', 12), pg_temp.slot('a1', 13), pg_temp.slot('a1', 14)], 'A6: answered in time order');
select is(pg_temp.book('m2', array[pg_temp.slot('a1', 15), pg_temp.slot('a1', 14)]), '208/4', 'A6: one of two is taken: none is booked');
select is(pg_temp.owner_of(pg_temp.slot('a1', 15)), null, 'A6: the free one stays free');
select is(pg_temp.book('m3', array[pg_temp.slot('a1', 15), gen_random_uuid()::text]), '208/4', 'A6: one of two is unknown');
update data.organization set adjacency_required = false where organization_id = 'T1';
select is(pg_temp.book('m4', array[pg_temp.slot('a1', 15), pg_temp.slot('a2', 17)]), '201/0 slots=2', 'A7: adjacency by setting');
update data.organization set adjacency_required = true where organization_id = 'T1';

-- B4: blind_request
select is(pg_temp.book('bl1', '{blind_request}', areas => '{b1}', organization => 'T2', m => pg_temp.msg(recipient => 'TEST00002')), '201/0 slots=1', 'B4: a place somewhere');
select is(pg_temp.owner_of(pg_temp.slot('b1', 1)), 'bl1', 'B4: the earliest');
select is(pg_temp.book('bl2', '{blind_request}', areas => '{b1}', organization => 'T2', m => pg_temp.msg(recipient => 'TEST00002')), '201/0 slots=1', 'B4: again');
select is(pg_temp.owner_of(pg_temp.slot('b1', 2)), 'bl2', 'B4: the next');
select is((select pg_temp.book('bl3', '{blind_request}', services => '{s2}', areas => '{a2}')), '201/0 slots=1', 'B4: by service and area');
select is(pg_temp.owner_of('00000000-0000-4000-8000-000000000002'), 'bl3', 'B4: the earliest of that area');
select is(pg_temp.book('bl4', '{blind_request}', services => '{s2}', areas => '{a1}'), '208/4', 'B4: nothing fits');
update data.slot set is_closed = true where organization_id = 'T2';
select is(pg_temp.book('bl5', '{blind_request}', organization => 'T2', m => pg_temp.msg(recipient => '')), '208/4', 'B4: nothing is open');
update data.slot set is_closed = false where organization_id = 'T2';
select is((select pg_temp.book('bl6', '{blind_request}', preliminary => true, organization => 'T2', m => pg_temp.msg(recipient => ''))), '201/0 slots=1', 'B4: a blind hold');
select is(pg_temp.book('bl6', '{blind_request}', organization => 'T2', m => pg_temp.msg(recipient => '')), '201/0 slots=1', 'B4: confirmed blindly: the slot it has');
select is(pg_temp.owner_of(pg_temp.slot('b1', 3)), 'bl6', 'B4: still the same place');
select is(pg_temp.state('bl6'), 'BOOKED', 'B4: and final');

-- A26: whose booking
select is(pg_temp.book('B1', array[pg_temp.slot('a1', 20)], esia => '2000000000'), '207/2 bookId:2', 'A26: a foreign booking');
select is(pg_temp.book('B1', array[pg_temp.slot('b1', 20)], organization => 'T2', m => pg_temp.msg(recipient => 'TEST00002')), '207/2 bookId:2', 'C6: a booking of another agency');
select is(pg_temp.owner_of(pg_temp.slot('a1', 5)), 'b1', 'A26: nothing happened to it');

-- B6: messages
select is(pg_temp.book('n1', array[pg_temp.slot('a1', 21)], m => pg_temp.msg('id-1')), '201/0 slots=1', 'B6: a message');
select api.journal_reply(journal_id, at, '201', 'the answer') from data.journal where message_id = 'id-1' and direction = 'in';
select is(pg_temp.book('n1', array[pg_temp.slot('a1', 21)], m => pg_temp.msg('id-1')), 'stored', 'B6: the same message');
select is((select convert_from(stored, 'UTF8') from unnest(pg_temp.book_rows('other', array[pg_temp.slot('a1', 22)], m => pg_temp.msg('id-1')))), 'the answer', 'B6: gets the first answer, byte for byte, whatever the arguments');
select is(pg_temp.book('n2', array[pg_temp.slot('a1', 22)], m => pg_temp.msg('id-1', 'y')), 'reused', 'B6: the same id with another content');
select is(pg_temp.book('n2', array[pg_temp.slot('a1', 22)], m => pg_temp.msg('id-2', 'id-1')), 'stored', 'C7: the same content under another id');
select is(pg_temp.book('n2', array[pg_temp.slot('a1', 22)], m => pg_temp.msg('body:' || encode(sha256('id-1'), 'hex'), 'id-1')), 'stored', 'C7: the same content without the id');
select is(pg_temp.book('n2', array[pg_temp.slot('a1', 22)], m => pg_temp.msg('id-2', 'z')), 'reused', 'B6: the other id stands for it too');
select is(pg_temp.book('n3', array[pg_temp.slot('a1', 26)], m => pg_temp.msg('body:' || encode(sha256('w'), 'hex'), 'w')), '201/0 slots=1', 'B6: a message without an id of SMEV');
select api.journal_reply(s.journal_id, s.journal_at, '201', 'the first') from data.message_seen as s where s.digest = sha256('w') and s.sender_code = 'PORTAL';
select is((select convert_from(stored, 'UTF8') from unnest(pg_temp.book_rows('n3', array[pg_temp.slot('a1', 26)], m => pg_temp.msg('id-3', 'w')))), 'the first', 'C7: an id put on later leads to the first answer');
select is(pg_temp.book('n3', array[pg_temp.slot('a1', 26)], m => pg_temp.msg('id-3', 'v')), 'reused', 'B6: and stands for it from then on');
select is(pg_temp.state('n2'), null, 'B6: has no effect');
select is((select count(*) from data.journal where message_id = 'id-1'), 1::bigint, 'B6: and is not journalled here');
select is(pg_temp.book('n1', array[pg_temp.slot('a1', 21)], m => pg_temp.msg('id-4')), '201/0 slots=1', 'B6: the same booking in another message');
select is((select count(*) from data.booking_history where book_key = 'n1'), 1::bigint, 'B6: has no second effect');
select is(pg_temp.book('n1', array[pg_temp.slot('a1', 21)], m => pg_temp.msg('id-5'), applicant => '{"lastName": "Проверкин"}'), '201/0 slots=1', 'M2: corrected data');
select is((select last_name from data.applicant where book_key = 'n1'), 'Проверкин', 'M2: are taken over');

-- TestMsg
select is(pg_temp.book('t1', array[pg_temp.slot('a1', 22)], m => pg_temp.msg('id-t', test => true)), '201/0 slots=1', 'V2: a test message is answered as usual');
select is(pg_temp.state('t1'), null, 'V2: without lasting effect');
select is(pg_temp.owner_of(pg_temp.slot('a1', 22)), null, 'V2: no place');
select is((select is_test from data.journal where message_id = 'id-t'), true, 'V2: but journalled');

-- portal's clock
select is(pg_temp.book('pt1', array[pg_temp.slot('a1', 23)], m => pg_temp.msg(portal_time => '2026-02-31T10:00:00+03:00')), '201/0 slots=1', 'item 15: an impossible portal time fails nothing');
select is((select portal_time || coalesce(portal_at::text, '-') from data.booking_history where book_key = 'pt1'), '2026-02-31T10:00:00+03:00-', 'item 15: it is kept as sent');
select is(pg_temp.book('pt2', array[pg_temp.slot('a1', 24)], m => pg_temp.msg(portal_time => '2026-02-01T10:00:00')), '201/0 slots=1', 'item 15: a time without a zone');
select is((select portal_at from data.booking_history where book_key = 'pt2'), null, 'T1: is no instant');
select is(pg_temp.book('pt3', array[pg_temp.slot('a1', 25)], m => pg_temp.msg(portal_time => null)), '201/0 slots=1', 'no portal time');
select pg_temp.healthy();
select * from finish();
rollback;
