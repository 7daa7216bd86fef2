-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- M8, A2: updateBookingDetails when the portal calls it. Each status of item 17 in each state, before and after the visit;
-- moves by the rules of book (M2); A25, A26, A27, A28, A29; B6, S1, S3; edge cases 25 and 26. What is expected is typed
-- here from the order and the table of states.
\ir lib/helpers.psql
select no_plan();

insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at)
select v.slot_id::uuid, 'T1', area_key, v.starts_at, v.ends_at
from data.area, (values ('00000000-0000-4000-8000-000000000001', now() - interval '1 hour', now() - interval '45 minutes'),
    ('00000000-0000-4000-8000-000000000002', now() - interval '5 minutes', now() + interval '10 minutes')) as v (slot_id, starts_at, ends_at)
where organization_id = 'T1' and area_id = 'a2';
create function pg_temp.past() returns text language sql return '00000000-0000-4000-8000-000000000001';
create function pg_temp.running() returns text language sql return '00000000-0000-4000-8000-000000000002';

-- A timeslot as getSlots would give it, then what is to be different about it.
create function pg_temp.ts(slot text, change jsonb default '{}') returns jsonb language sql as $$
    select jsonb_build_object('slotId', s.slot_id, 'organizationId', s.organization_id, 'areaId', a.area_id,
        'visitTime', data.wire_time(s.starts_at, o.time_zone), 'duration', extract(epoch from s.ends_at - s.starts_at)::integer / 60) || change
    from data.slot as s join data.area as a using (area_key) join data.organization as o on o.organization_id = s.organization_id
    where s.slot_id = slot::uuid
$$;
create function pg_temp.update_rows(book text, code text, slot jsonb default null, esia text default '1000000000', message text default null,
    bad text[] default '{}', m api.message default pg_temp.msg()) returns api.answer[] language sql as $$
    select array_agg(r) from api.update_booking_details(m, book, esia, slot ->> 'slotId', slot ->> 'organizationId', slot ->> 'areaId',
        slot ->> 'serviceId', slot ->> 'visitTime', (slot ->> 'duration')::integer, code, message, bad) as r
$$;
create function pg_temp.update(book text, code text, slot jsonb default null, esia text default '1000000000', message text default null,
    bad text[] default '{}', m api.message default pg_temp.msg()) returns text language sql as $$
    select regexp_replace(pg_temp.line(pg_temp.update_rows(book, code, slot, esia, message, bad, m)), '^[^ ]*/', '')
$$;
create function pg_temp.message(book text, code text, slot jsonb default null) returns text language sql as $$
    select error_message from unnest(pg_temp.update_rows(book, code, slot)) limit 1
$$;
create function pg_temp.code(book text) returns text language sql as $$ select status_code from data.booking where book_key = book $$;
create function pg_temp.last(book text) returns text language sql as $$
    select concat_ws(' ', h.old_state, h.new_state, h.new_status, h.actor, h.reason) from data.booking_history as h where h.book_key = book order by h.history_id desc limit 1
$$;
create function pg_temp.lines(book text) returns bigint language sql as $$ select count(*) from data.booking_history where book_key = book $$;

-- ---- the whole table -------------------------------------------------------------------------------------------
create function pg_temp.put(book text, s data.booking_state, at_slot text) returns void language plpgsql as $$
begin
    set local session_replication_role = replica;
    insert into data.booking (book_key, book_id, esia_id, organization_id, state, status_code, hold_until, created_at, changed_at)
    values (book, book, '1000000000', 'T1', s, data.state_code(s), case s when 'HELD' then now() + interval '1 hour' end, now(), now());
    set local session_replication_role = origin;
    if s not in ('RETURNED', 'REFUSED', 'CANCELLED_APPLICANT', 'CANCELLED_AGENCY', 'CANCELLED', 'EXPIRED') then
        insert into data.place (slot_id, place_no, book_key, hold_until, capacity, area_key, starts_at, ends_at)
        select slot_id, 1, book, case s when 'HELD' then now() + interval '1 hour' end, capacity, area_key, starts_at, ends_at
        from data.slot where slot_id = at_slot::uuid;
    end if;
end $$;
-- "CANCELLED P freed", "same": success and nothing happened, "refused": error 4, a line in the history and nothing else.
create function pg_temp.told(code text, s data.booking_state, at_slot text, other text default null) returns text language plpgsql as $$
declare
    line text;
    was data.booking;
    b data.booking;
    h data.booking_history;
    place text;
    rows api.answer[];
begin
    perform pg_temp.put('arrow', s, at_slot);
    select * into was from data.booking where book_key = 'arrow';
    rows := pg_temp.update_rows('arrow', code, case when other is not null then pg_temp.ts(other) end);
    line := regexp_replace(pg_temp.line(rows), '^[^ ]*/', '');
    select * into b from data.booking where book_key = 'arrow';
    select * into h from data.booking_history where book_key = 'arrow' order by history_id desc limit 1;
    place := case pg_temp.owner_of(at_slot) when 'arrow' then 'kept' else case pg_temp.owner_of(other) when 'arrow' then 'swapped' else 'freed' end end;
    if exists (select from data.outbox where book_key = 'arrow') then
        line := 'pushed';
    elsif line = '0' and h.book_key is null then
        line := case when b is not distinct from was then 'same' else 'changed without a line in the history' end;
    elsif line = '0' then
        line := concat_ws(' ', b.state, h.actor, place);
        if h.new_state <> b.state or h.new_status <> b.status_code or h.old_state <> s or h.journal_id is null or h.portal_at is null then
            line := 'bad history ' || h::text;
        end if;
    elsif line = '4' then
        line := case when b is distinct from was then 'refused, but changed'
            when rows[1].error_message not like '%. Статус заявления: ' || b.status_code then 'refused without its status: ' || rows[1].error_message
            when h.actor in ('P', 'A') and h.reason ~ 'отклонен' and h.new_state = s and h.journal_id is not null then 'refused'
            else 'refused without a line in the history' end;
    end if;
    raise exception using errcode = 'ZZ001', message = line;
exception
    when sqlstate 'ZZ001' then return sqlerrm;
    when others then return sqlstate || ' ' || sqlerrm;
end $$;
create temp table wanted (at text, code text, old_state text, outcome text);
insert into wanted
select at, code, old_state, 'same' from unnest(array['before', 'during', 'after']) as at, (values ('201', 'HELD'), ('201', 'BOOKED'), ('201', 'INVITED'),
    ('202', 'SERVED'), ('203', 'NO_SHOW'), ('205', 'NO_DATA'), ('206', 'NOT_SERVED'), ('207', 'RETURNED'), ('208', 'REFUSED'),
    ('301', 'CANCELLED_APPLICANT'), ('302', 'CANCELLED_AGENCY'), ('303', 'CANCELLED'), ('303', 'EXPIRED'),
    ('301', 'CANCELLING'), ('301', 'CANCELLED_AGENCY'), ('301', 'CANCELLED'), ('301', 'EXPIRED')) as v (code, old_state)
union all
select 'before', '301', s, 'CANCELLED_APPLICANT A freed' from unnest(array['HELD', 'BOOKED', 'ACCEPTED', 'INVITED']) as s
union all
select 'before', '303', s, 'CANCELLED P freed' from unnest(array['HELD', 'BOOKED', 'ACCEPTED', 'INVITED']) as s
union all
select 'after', '205', s, 'NO_DATA P kept' from unnest(array['BOOKED', 'INVITED', 'ACCEPTED', 'CANCELLING']) as s;
create temp table seen as
select v.at, c as code, s::text as old_state, pg_temp.told(c, s, v.slot) as outcome
from (values ('before', pg_temp.slot('a2', 30)), ('during', pg_temp.running()), ('after', pg_temp.past())) as v (at, slot),
    unnest(array['201', '202', '203', '205', '206', '207', '208', '301', '302', '303']) as c, unnest(enum_range(null::data.booking_state)) as s;
select is((select count(*) from seen), 450::bigint, 'M8: ten statuses in fifteen states, before, during and after the visit');
select is(s.outcome, coalesce(w.outcome, 'refused'), format('S2: %s, %s the visit, %s from the portal: %s', s.old_state, s.at, s.code, coalesce(w.outcome, 'refused')))
from seen as s left join wanted as w using (at, code, old_state) order by s.at, s.code, s.old_state;
select set_eq($$select distinct old_state, split_part(outcome, ' ', 1) from seen where outcome ~ ' P '$$,
    $$select old_state::text, new_state::text from data.booking_arrow where strpos(actors, 'P') > 0$$, 'S2: what the portal says by its own word is what data.booking_arrow lets it say');
select is(pg_temp.told('201', s, pg_temp.slot('a2', 30), pg_temp.slot('a2', 31)), case when s in ('HELD', 'BOOKED', 'ACCEPTED', 'INVITED') then s || ' A swapped' else 'refused' end,
    format('M2: %s, moved by the portal', s)) from unnest(enum_range(null::data.booking_state)) as s;
select is(pg_temp.told('201', s, pg_temp.past(), pg_temp.slot('a2', 31)), 'refused', format('M2: %s, moved after its time', s)) from unnest(enum_range(null::data.booking_state)) as s;
update data.organization set confirm_cancel = true where organization_id = 'T1';
select is(pg_temp.told('301', s, pg_temp.slot('a2', 30)), 'CANCELLING A kept', format('A28: %s, 301 from the portal, to be confirmed', s))
from unnest(array['BOOKED', 'ACCEPTED', 'INVITED']::data.booking_state[]) as s;
select is(pg_temp.told('301', 'HELD', pg_temp.slot('a2', 30)), 'CANCELLED_APPLICANT A freed', 'A28: HELD, 301 from the portal: nobody is asked');
update data.organization set confirm_cancel = false where organization_id = 'T1';

-- ---- what the answer says --------------------------------------------------------------------------------------
select is(pg_temp.book('w1', array[pg_temp.slot('a1', 5)]), '201/0 slots=1', 'a booking');
select is(pg_temp.message('w1', '201'), 'ОК', 'nothing to do');
select is(pg_temp.lines('w1'), 1::bigint, 'S3: and nothing to write down');
select is(pg_temp.message('w1', '202'), 'Статус 202 не может быть установлен порталом. Статус заявления: 201', 'A27: the agency''s word: error 4 and the status it has');
select is(pg_temp.last('w1'), 'BOOKED BOOKED 201 P отклонено (портал, 202): Статус 202 не может быть установлен порталом', 'S3: the attempt is in the history');
select is(pg_temp.message('w1', '205'), 'Время посещения ещё не прошло. Статус заявления: 201', 'A29: 205 when the time is over');
select ok((select portal_time = '2026-11-22T10:00:00+03:00' and portal_at is not null and db_user = session_user from data.booking_history where book_key = 'w1' order by history_id desc limit 1),
    'S3: the portal''s time is in the history (item 15)');
select is(pg_temp.message('w1', '301'), 'ОК', 'cancelled');
select is(pg_temp.status('w1'), '301/0', 'M3: and told so');
select is(pg_temp.owner_of(pg_temp.slot('a1', 5)), null, 'its place is free');
select is(pg_temp.message('w1', '301') || pg_temp.lines('w1'), 'ОК4', 'A27: a second time is a success, and no event');
update data.organization set confirm_cancel = true where organization_id = 'T1';
select is(pg_temp.book('w2', array[pg_temp.slot('a1', 5)]), '201/0 slots=1', 'another');
select matches(pg_temp.message('w2', '301'), 'Статус заявления: 300$', 'A28: a cancellation that waits for the clerk is told as 300');
update data.organization set confirm_cancel = false where organization_id = 'T1';
select is_empty($$select * from data.outbox where book_key ~ '^w'$$, 'M8: the portal is not told what it said');

-- ---- texts and digits behind the status ------------------------------------------------------------------------
select pg_temp.put(v.book, 'BOOKED', v.slot) from (values ('n1', pg_temp.past())) as v (book, slot);
select is(pg_temp.update('n1', '205001', message => 'нет сведений'), '0', 'S1: 205001 from the portal');
select is((select concat_ws(' ', state, status_code, status_message) from data.booking where book_key = 'n1'), 'NO_DATA 205001 нет сведений', 'S1: kept whole, with the portal''s text');
select is((select status_code || status_message from unnest(array(select r from api.get_booking_status('', 'n1', '1000000000') as r)) limit 1), '205001нет сведений', 'S1: and told back');
select is(pg_temp.update('n1', '205001') || pg_temp.update('n1', '205'), '00', 'again, and without the digits: as it is');
select is(pg_temp.update('n1', '205002'), '4', 'other digits are another thing');
select is(pg_temp.lines('n1'), 2::bigint, 'S3: one change, one attempt');
select is((select result from admin.correct('n1', '202', 'пришёл')), 'сделано', 'A29: the clerk knows better');
select is(pg_temp.update('n1', '205001'), '4', 'and the portal does not turn it back');
select is(pg_temp.code('n1'), '202', 'it stays');
select is(pg_temp.book('n2', array[pg_temp.slot('a1', 6)]) || pg_temp.update('n2', '303', message => ' '), '201/0 slots=10', '303 without a text of the portal');
select is((select status_message from data.booking where book_key = 'n2'), 'Заявление отменено', 'S4: has ours');
-- Appendix 1, 303: the portal's words are its reason, behind the order's, and only when somebody can read them.
create function pg_temp.withdrawn(words text, code text default '303') returns text language plpgsql as $$
declare
    told text;
begin
    perform pg_temp.book('n3', array[pg_temp.slot('a1', 6)]), pg_temp.update('n3', code, message => words);
    select status_message into told from api.get_booking_status('', 'n3', '1000000000') where kind = 'answer';
    return told;
end $$;
select is(pg_temp.withdrawn(v.words), 'Заявление отменено' || v.told, format('S4: the portal says %L with 303', v.words)) from (values
    ('Причина портала', '. Причина портала'), ('Заявление отменено', ''), ('заявление отменено.', ''), ('Заявление отменено: дубликат', '. дубликат'), ('Заявление отменено порталом', '. порталом'),
    ('Заявление отменённое', '. Заявление отменённое'), (E'дубль\x07\x7f заявки', '. дубль заявки'), (U&'дубль\0085заявки', '. дубль заявки'), (E'\x1b[31mдубль', '. [31mдубль'), (U&' \00A0дубль\200B\3000', '. дубль'), (U&'дубль \202Eзаявки\202C', '. дубль заявки'), (U&'дубль\2066\2069заявки', '. дубль заявки')) as v (words, told);
select is(pg_temp.withdrawn(words), 'Заявление отменено', format('S4: nobody sees %s', coalesce(words::bytea::text, 'null'))) from unnest(array[null, '', ' ', E'\t\r\n', U&'\00A0', U&'\200B', U&'\2003\3000', E'\x7f', U&'\0085', U&'\009B',
    U&'\FEFF\2060', U&'\00AD', U&'\202E', U&'\+0E0041', U&'\FFFE', U&' \200B \009B ', U&'Заявление отменено\200B']) as words;
select is(admin.set_text('T1', '303', 'Запись снята') || ' / ' || pg_temp.withdrawn('дубликат'), 'Заявление отменено. Запись снята. причина / Заявление отменено. Запись снята. дубликат', 'S4: in the organization''s words, too');
select lives_ok($$select admin.set_text('T1', '303', ''), admin.add_status('TEST00001', '303002', 'Повторная')$$, 'the order''s again');
select is(pg_temp.withdrawn(U&'\200B', '303002'), 'Заявление отменено. Повторная', 'S1: digits that are listed are the reason');
delete from data.place where slot_id = pg_temp.past()::uuid;
select pg_temp.put('n4', 'BOOKED', pg_temp.past());
select is(pg_temp.update('n4', '205', message => U&'\200B\009B'), '0', '205 that says nothing anybody sees');
select is((select status_message from data.booking where book_key = 'n4'), data.status_text('205', 'T1'), '0201: has our text');
delete from data.place where book_key = 'n4';
select pg_temp.put('n5', 'BOOKED', pg_temp.past());
select is(pg_temp.update('n5', '205', message => U&'нет\009B сведений'), '0', '205 with a control character in it');
select is((select status_message from data.booking where book_key = 'n5'), 'нет сведений', '0106: none reaches a citizen''s text');
delete from data.place where book_key = 'n5';
select is(pg_temp.book('n2', array[pg_temp.slot('a1', 6)]) || pg_temp.update('n2', '301007'), '201/0 slots=10', '301007');
select is((select concat_ws(' ', state, status_code) from data.booking where book_key = 'n2'), 'CANCELLED_APPLICANT 301007', 'S1: kept whole');
select is(pg_temp.last('n2'), 'BOOKED CANCELLED_APPLICANT 301007 A', 'S3: in the history too');

-- ---- A25 -------------------------------------------------------------------------------------------------------
select is(pg_temp.book('c1', array[pg_temp.slot('a1', 7)]), '201/0 slots=1', 'a booking');
select is(pg_temp.update('c1', c), '2 status:1', format('A25: %s', coalesce('"' || c || '"', 'no status')))
from unnest(array['204', '999', '20', '2', '', null, '20a', '2060000000', 'x', '2 1', ' 201', '201 ', '-201', '201.0', '000', '001', '100', '101', '200', '300', '100001', '204001', '304',
    '400', '２０１', '201''; drop table data.booking; --', repeat('2', 5000)]) as c;
select is(message, 'Данный статус заявления не поддерживается в текущей версии', 'A25: in the order''s words')
from (select error_message from unnest(pg_temp.update_rows('c1', '204')) where kind = 'field') as t (message);
select is(pg_temp.update('c1', '204', esia => '9'), '2 bookId:2 status:1', 'M10: all that is wrong in one answer');
select is(pg_temp.update('c1', '204', pg_temp.ts(pg_temp.slot('a1', 8))), '2 status:1', 'A25: a time does not help it');
update data.agency set strict_sub_codes = true where agency_code = 'TEST00001';
insert into data.status_detail (agency_code, code, reason) values ('TEST00001', '303001', 'Повторная');
select is(pg_temp.update('c1', '301001'), '2 status:1', 'S1: digits that the agency has not listed, where it is strict');
select is(pg_temp.update('c1', '301001', m => pg_temp.msg(recipient => '')), '2 status:1', 'S1: whoever is addressed');
select is(pg_temp.update('nobody', '301001', m => pg_temp.msg(recipient => '')), '2 bookId:2', 'A26: of a booking that is not there no agency is strict');
select is(pg_temp.update('c1', '301001', esia => '9', m => pg_temp.msg(recipient => '')), '2 bookId:2', 'A26: nor of somebody else''s');
select is(pg_temp.update('c1', '303001'), '0', 'S1: listed ones are good');
update data.agency set strict_sub_codes = false where agency_code = 'TEST00001';
select is(pg_temp.lines('c1'), 2::bigint, 'S3: what was no request left nothing in the history');

-- ---- A26 -------------------------------------------------------------------------------------------------------
select is(pg_temp.book('o1', array[pg_temp.slot('a1', 9)]), '201/0 slots=1', 'a booking');
select is(pg_temp.update('nobody', v.code, v.slot, v.esia), '2 bookId:2', 'A26: unknown')
from (values ('301', null::jsonb, '1000000000'), ('201', pg_temp.ts(pg_temp.slot('a1', 10)), '1000000000'), ('205', null, '')) as v (code, slot, esia);
select is(pg_temp.update('o1', v.code, v.slot, v.esia, bad => v.bad, m => pg_temp.msg(recipient => v.to)),
    pg_temp.update('nobody', v.code, v.slot, v.esia, bad => v.bad, m => pg_temp.msg(recipient => v.to)), format('A26: foreign is as unknown: %s', v))
from (values ('301', null::jsonb, '9', '{}'::text[], 'TEST00001'), ('301', null, '', '{}', 'TEST00001'), ('301', null, null, '{}', 'TEST00001'), ('204', null, '9', '{}', 'TEST00001'),
    ('201', pg_temp.ts(pg_temp.slot('a1', 10)), '9', '{}', 'TEST00001'), ('201', pg_temp.ts(pg_temp.slot('a1', 10), '{"areaId": "x"}'), '9', '{}', 'TEST00001'),
    ('205', pg_temp.ts(pg_temp.slot('a1', 10)), '9', '{}', 'TEST00001'), ('301', null, '9', '{status}', 'TEST00001'), ('301', null, '9', '{esiaId}', 'TEST00001'),
    ('301', null, '1000000000', '{}', 'TEST00002'), ('201', pg_temp.ts(pg_temp.slot('a1', 10)), '1000000000', '{}', 'TEST00002')) as v (code, slot, esia, bad, "to");
select is(pg_temp.update('o1', '301', bad => b), '2', format('M10: what the daemon found wrong, %s', b)) from unnest(array['{bookId}', '{esiaId}', '{statusMessage}', '{slotId}']) as s, lateral (select s::text[]) as t (b);
select is(pg_temp.update(null, '301') || pg_temp.update('', '301') || pg_temp.update('o1', '301', esia => null), '2 bookId:22 bookId:22 bookId:2', 'no id is no booking');
select is(pg_temp.state('o1') || pg_temp.lines('o1'), 'BOOKED1', 'A26: nothing has happened, and nothing is in the history');
select is(pg_temp.update('O1', '201'), '0', 'A1: the number in other letters');

-- ---- moves, as by book -----------------------------------------------------------------------------------------
select is(pg_temp.book('m1', array[pg_temp.slot('a1', 11)], services => '{s1}'), '201/0 slots=1', 'a booking');
select is(pg_temp.book('m2', array[pg_temp.slot('a1', 12)]), '201/0 slots=1', 'and another');
select is(pg_temp.update('m1', '201', pg_temp.ts(pg_temp.slot('a1', 11))), '0', 'its own time again');
select is(pg_temp.lines('m1'), 1::bigint, 'is nothing new');
select is(pg_temp.message('m1', '201', pg_temp.ts(pg_temp.slot('a1', 12))), 'Отказ в бронировании: Интервал времени занят. Статус заявления: 201', 'M2: a taken one');
select is(pg_temp.owner_of(pg_temp.slot('a1', 11)) || pg_temp.owner_of(pg_temp.slot('a1', 12)), 'm1m2', 'M2: the old one stays');
select is(pg_temp.last('m1'), 'BOOKED BOOKED 201 A изменение отклонено: Интервал времени занят', 'S3: the attempt is in the history');
select is(pg_temp.update('m1', '201', pg_temp.ts(pg_temp.slot('a1', 13))), '0', 'M2: a free one');
select is(coalesce(pg_temp.owner_of(pg_temp.slot('a1', 11)), '-') || pg_temp.owner_of(pg_temp.slot('a1', 13)), '-m1', 'M2: new for old');
select is(pg_temp.last('m1'), 'BOOKED BOOKED 201 A перенос через портал', 'S3: in the history');
select is_empty($$select * from data.outbox where book_key = 'm1'$$, 'M8: and not pushed');
select is(pg_temp.book('m1', array[pg_temp.slot('a1', 11)], services => '{s1}'), '201/0 slots=1', 'B6: the first request again is a new wish');
select is(pg_temp.owner_of(pg_temp.slot('a1', 11)), 'm1', 'M2: it is moved back');
select is(pg_temp.update('m1', '201', pg_temp.ts(pg_temp.slot('a1', 14), jsonb_build_object('slotId', upper(pg_temp.slot('a1', 14))))), '0', 'A1: a number in capitals');
select is(pg_temp.update('m1', '201005', pg_temp.ts(pg_temp.slot('a1', 15))) || pg_temp.code('m1'), '0201005', 'S1: digits behind 201 are kept');
select is(pg_temp.update('m1', '201', pg_temp.ts(pg_temp.slot('a1', 15), v.change)), v.answer, format('M10: a timeslot that is not the one offered: %s', v.change))
from (values ('{"visitTime": "2001-01-01T10:00:00+03:00"}'::jsonb, '2 visitTime:1'), ('{"visitTime": "10:00"}', '2 visitTime:1'), ('{"visitTime": null}', '2 visitTime:1'),
    ('{"visitTime": "2001-01-01T10:00:00Z"}', '2 visitTime:1'), ('{"duration": 60}', '2 duration:1'), ('{"duration": 0}', '2 duration:1'), ('{"duration": null}', '0'),
    ('{"organizationId": "T2"}', '2 organizationId:2'), ('{"organizationId": "X"}', '2 organizationId:2'), ('{"areaId": "nowhere"}', '2 areaId:2'), ('{"areaId": ""}', '0'),
    ('{"serviceId": "s2"}', '2 serviceId:1'), ('{"serviceId": "s1"}', '0'), ('{"slotId": "x"}', '2 slotId:1'), ('{"slotId": "blind_request"}', '2 slotId:1'),
    ('{"slotId": "91200505"}', '2 slotId:1'), ('{"slotId": "x", "organizationId": "X"}', '2 organizationId:2 slotId:1'),
    ('{"duration": 1, "visitTime": "x", "areaId": "nowhere"}', '2 areaId:2 visitTime:1 duration:1')) as v (change, answer);
select is(pg_temp.update('m1', '201', pg_temp.ts(pg_temp.slot('b1', 15))), '2 organizationId:2', 'C6: of another agency');
select is(pg_temp.update('m1', '201', pg_temp.ts(pg_temp.slot('a1', 16), '{"organizationId": "T2"}'), m => pg_temp.msg(recipient => '')), '2 areaId:2 organizationId:1', 'A33: a slot of another organization than it says');
select is(pg_temp.update('m1', '201', pg_temp.ts(pg_temp.slot('a1', 16), '{"areaId": "a2"}')), '4', 'of another room than it says');
select is(pg_temp.update('m1', '201', pg_temp.ts(pg_temp.slot('a1', 16), jsonb_build_object('slotId', gen_random_uuid()))), '4', 'a slot nobody knows');
select is(pg_temp.update('m1', '201', pg_temp.ts(pg_temp.past())), '4', 'a slot of the past');
update data.slot set is_closed = true where slot_id = pg_temp.slot('a1', 17)::uuid;
select is(pg_temp.message('m1', '201', pg_temp.ts(pg_temp.slot('a1', 17))), 'Отказ в бронировании: Интервал времени закрыт для записи. Статус заявления: 201005', 'a closed one');
update data.slot set is_closed = false where slot_id = pg_temp.slot('a1', 17)::uuid;
update data.organization set notice_min = 6000 where organization_id = 'T1';
select is(pg_temp.update('m1', '201', pg_temp.ts(pg_temp.slot('a1', 17))), '4', 'B5: the notice counts');
select is(pg_temp.update('m1', '201', pg_temp.ts(pg_temp.slot('a1', 15))), '0', 'but not for the time it has');
update data.organization set notice_min = 0, move_deadline_min = 10000 where organization_id = 'T1';
select is(pg_temp.message('m1', '201', pg_temp.ts(pg_temp.slot('a1', 17))), 'Отказ в бронировании: срок переноса записи истёк. Статус заявления: 201005', 'B5: the deadline counts');
update data.organization set move_deadline_min = 0 where organization_id = 'T1';
update data.organization_service set move_deadline_min = 43200 where organization_id = 'T1' and service_id = 's1';
select is(pg_temp.message('m1', '201', pg_temp.ts(pg_temp.slot('a1', 17))), 'Отказ в бронировании: срок переноса записи истёк. Статус заявления: 201005', 'B5: so does that of the only service of its area, which it does not name');
update data.organization_service set move_deadline_min = null where organization_id = 'T1';
update data.organization set cancel_deadline_min = 10000 where organization_id = 'T1';
select is(pg_temp.message('m1', c), 'Срок отмены записи истёк. Статус заявления: 201005', format('B5: so does that of cancellation, for %s', c)) from unnest(array['301', '303']) as c;
update data.organization set cancel_deadline_min = 0 where organization_id = 'T1';
-- admission: an area for one service alone admits whom that service does, though the booking names none (edge case 24)
update data.organization_service set user_types = '{QUALIFIED}' where organization_id = 'T1' and service_id = 's2';
create temporary table a2_services as select t.* from data.area_service as t join data.area as a using (area_key) where a.organization_id = 'T1' and a.area_id = 'a2' and t.service_id <> 's2';
delete from data.area_service as t using a2_services as u where t.area_key = u.area_key and t.service_id = u.service_id;
select is(pg_temp.book('ma', array[pg_temp.slot('a1', 28)]), '201/0 slots=1', 'a booking that names no service');
select is(pg_temp.update('ma', '201', pg_temp.ts(pg_temp.slot('a2', 29))), '2 userType:1', 'B5: moved to where the applicant is not admitted');
select is(pg_temp.cancel('ma'), '301/0', 'and given up');
insert into data.area_service select * from a2_services;
update data.organization_service set user_types = null where organization_id = 'T1' and service_id = 's2';
select is(pg_temp.owner_of(pg_temp.slot('a1', 15)) || pg_temp.code('m1'), 'm1201005', 'M2: nothing of this has moved it');
select is(pg_temp.update('m1', c, pg_temp.ts(pg_temp.slot('a1', 17))), '2 timeslot:1', format('another time with %s is no request', c)) from unnest(array['202', '205', '301', '302', '303']) as c;
select is(pg_temp.state('m1'), 'BOOKED', 'and cancels nothing');
select is(pg_temp.update('m1', '301', pg_temp.ts(pg_temp.slot('a1', 15))), '0', 'its own time beside 301 is');
select is(pg_temp.update('m1', '301', pg_temp.ts(pg_temp.slot('a1', 15))), '0', 'A27: and again');
select is(pg_temp.update('m1', '201', pg_temp.ts(pg_temp.slot('a1', 15))), '4', 'what is cancelled comes back by book alone');

-- as book takes them: an areaId that only repeats the slotId (old pages of the portal), and a service named with the new time
select is(pg_temp.book('ms', array[pg_temp.slot('a2', 10)]), '201/0 slots=1', 'a booking that names no service, in a room of two');
select is(pg_temp.update('ms', '201', pg_temp.ts(pg_temp.slot('a2', 11), jsonb_build_object('areaId', pg_temp.slot('a2', 11)))), '0', 'M8: the slotId again as areaId says nothing of areas');
select is(pg_temp.update('ms', '201', pg_temp.ts(pg_temp.slot('a2', 12), jsonb_build_object('areaId', upper(pg_temp.slot('a2', 12))))), '0', 'A1: nor in capitals');
select is(pg_temp.update('ms', '201', pg_temp.ts(pg_temp.slot('a2', 13), jsonb_build_object('areaId', pg_temp.slot('a2', 12)))), '2 areaId:2', 'another slotId is no area');
select is(pg_temp.owner_of(pg_temp.slot('a2', 12)), 'ms', 'M2: it is where it was moved to');
select is(pg_temp.update('ms', '201', pg_temp.ts(pg_temp.slot('a2', 13), '{"serviceId": "s2"}')), '0', 'item 18: a service named with the new time');
select is((select service_ids from data.booking where book_key = 'ms'), '{s2}', 'M9: is kept');
select is((select service_id from api.get_booking_status('', 'ms', '1000000000') where kind = 'slot'), 's2', 'M3: and told');
select is(pg_temp.update('ms', '201', pg_temp.ts(pg_temp.slot('a1', 13), '{"serviceId": "s2"}')), '4', 'M1: it is not moved to a room that does not serve it');
select is(pg_temp.update('ms', '201', pg_temp.ts(pg_temp.slot('a2', 14), '{"serviceId": "s1"}')), '2 serviceId:1', 'nor for another');
select is(pg_temp.cancel('ms'), '301/0', 'and given up');

select is(pg_temp.book('mh', array[pg_temp.slot('a1', 18)], true, period => 10), '201/0 slots=1', 'a hold');
create temp table hold as select hold_until from data.booking where book_key = 'mh';
select is(pg_temp.update('mh', '201', pg_temp.ts(pg_temp.slot('a1', 19))), '0', 'B3: is moved');
select is((select array[b.hold_until, p.hold_until] from data.booking as b join data.place as p using (book_key) where book_key = 'mh'), (select array[hold_until, hold_until] from hold), 'B3: and keeps its end');
select is(pg_temp.state('mh'), 'HELD', 'B3: it stays a hold');
select is(pg_temp.update('mh', '201') || pg_temp.state('mh'), '0HELD', '201 confirms nothing');
select pg_temp.lapse('mh');
select is(pg_temp.update('mh', '201', pg_temp.ts(pg_temp.slot('a1', 18))), '4', 'B3: too late');
select is(pg_temp.state('mh') || coalesce(pg_temp.owner_of(pg_temp.slot('a1', 19)), '-'), 'EXPIRED-', 'A24: it has run out');
select is(pg_temp.update('mh', '303'), '0', 'A24: which is 303 already');
select is(pg_temp.book('ml', array[pg_temp.slot('a1', 20)], true), '201/0 slots=1', 'another hold');
select pg_temp.lapse('ml');
select is(pg_temp.update('ml', '301') || pg_temp.state('ml'), '0EXPIRED', 'A24: cancelled when it had run out');

select is(pg_temp.book('mm', array[pg_temp.slot('a2', 1), pg_temp.slot('a2', 2)]), '201/0 slots=2', 'a visit of two slots');
select is(pg_temp.update('mm', '201', pg_temp.ts(pg_temp.slot('a2', 1), '{"duration": 30}')), '0', 'A6: told as one, it is the same');
select is(pg_temp.update('mm', '201', pg_temp.ts(pg_temp.slot('a2', 1))) || pg_temp.update('mm', '201', pg_temp.ts(pg_temp.slot('a2', 2))), '00', 'A6: its parts are it too');
select is(pg_temp.update('mm', '201', pg_temp.ts(pg_temp.slot('a2', 3), '{"duration": 30}')), '2 duration:1', 'A6: one slot is not as long');
select matches(pg_temp.message('mm', '201', pg_temp.ts(pg_temp.slot('a2', 3))), 'методом book\. Статус заявления: 201$', 'A6: one timeslot is not room enough to move it');
select is((select count(*) from data.place where book_key = 'mm'), 2::bigint, 'M2: it stays whole');

select is(pg_temp.book('ma', array[pg_temp.slot('a2', 10)]), '201/0 slots=1', 'to an agency that confirms');
update data.organization set confirm_booking = true where organization_id = 'T1';
select is(pg_temp.book('mc', array[pg_temp.slot('a2', 11)]), '100/0 slots=1', 'B10: one that waits for it');
select matches(pg_temp.message('mc', '201', pg_temp.ts(pg_temp.slot('a2', 12))), 'Статус заявления: 100$', 'B10: is moved and waits on');
select is(pg_temp.state('mc') || pg_temp.owner_of(pg_temp.slot('a2', 12)), 'ACCEPTEDmc', 'B10: there');
select is(pg_temp.update('mc', '201'), '4', 'B10: the portal does not confirm it');
select is(pg_temp.update('ma', '201', pg_temp.ts(pg_temp.slot('a2', 11))) || pg_temp.state('ma'), '0BOOKED', 'B10: what is confirmed stays confirmed');
update data.organization set confirm_booking = false where organization_id = 'T1';

insert into data.booking_limit (organization_id, person, period, max_bookings) values ('T1', 'userSnils', 'day', 1);
select is(pg_temp.book('l1', array[pg_temp.slot('a2', 20)], applicant => '{"lastName": "Тестов", "userSnils": "00000000000"}'), '201/0 slots=1', 'B5: one a day');
select is(pg_temp.update('l1', '201', pg_temp.ts(pg_temp.slot('a2', 21))), '0', 'B5: moved within its day it is still one');
delete from data.booking_limit;
insert into data.booking_limit (organization_id, person, period, max_bookings) values ('T1', 'esiaId', 'live', 1);
select matches(pg_temp.message('l1', '201', pg_temp.ts(pg_temp.slot('a2', 22))), 'превышено допустимое число записей', 'B5: a limit refuses a move as it refuses a booking');
select is(pg_temp.owner_of(pg_temp.slot('a2', 21)) || coalesce(pg_temp.owner_of(pg_temp.slot('a2', 22)), '-'), 'l1-', 'M2: the old one stays');
delete from data.booking_limit;

-- ---- one message, one effect (B6); test calls (V2) -------------------------------------------------------------
select is(pg_temp.book('i1', array[pg_temp.slot('a3', 1)]), '201/0 slots=1', 'a booking');
select is(pg_temp.update('i1', '201', pg_temp.ts(pg_temp.slot('a3', 2)), m => pg_temp.msg('id-1')), '0', 'B6: a message');
select is(pg_temp.line(pg_temp.update_rows('i1', '201', pg_temp.ts(pg_temp.slot('a3', 2)), m => pg_temp.msg('id-1'))), 'stored', 'B6: the same again');
select is(pg_temp.line(pg_temp.update_rows('i1', '303', m => pg_temp.msg('id-1', 'y'))), 'reused', 'B6: its id with another content');
select is(pg_temp.line(pg_temp.update_rows('i1', '204', m => pg_temp.msg('id-2'))) || pg_temp.line(pg_temp.update_rows('i1', '204', m => pg_temp.msg('id-2'))), '-/2 status:1stored', 'B6: a wrong one too has one answer');
select is(pg_temp.state('i1') || pg_temp.lines('i1'), 'BOOKED2', 'B6: one effect');
select is((select count(*) from data.journal where message_id = 'id-1'), 1::bigint, 'J1: journalled once');
select is(pg_temp.update('i1', '303', m => pg_temp.msg(test => true)) || pg_temp.update('i1', '201', pg_temp.ts(pg_temp.slot('a3', 5)), m => pg_temp.msg(test => true)) || pg_temp.update('i1', '202', m => pg_temp.msg(test => true)),
    '004', 'V2: test calls are answered as usual');
select is(pg_temp.state('i1') || pg_temp.lines('i1') || pg_temp.owner_of(pg_temp.slot('a3', 2)), 'BOOKED2i1', 'V2: and have no effect');

set local role zapisd_operator;
select throws_ok($$select * from api.update_booking_details(null, 'i1', '1000000000', null, null, null, null, null, null, '303', null, '{}')$$, '42501', null, 'J3: the operator does not speak for the portal');
reset role;
select pg_temp.healthy();

-- ---- A29: 205 and 203 by our own timer, when the organization has asked for it ---------------------------------
delete from data.place where slot_id = pg_temp.past()::uuid;
select pg_temp.put('t1', 'BOOKED', pg_temp.past());
grant usage on schema public to zapisd_operator, zapisd_daemon;
set local role zapisd_daemon;
select is_empty($$select * from api.housekeeping() where task = 'outcomes'$$, 'A29: by default nobody says anything');
set local role zapisd_operator;
select lives_ok($$update data.organization set no_data_after_hours = 0 where organization_id = 'T1'$$, 'O3: the operator asks for 205');
set local role zapisd_daemon;
select results_eq($$select task, did, failed from api.housekeeping()$$, $$values ('outcomes', '1 bookings', false)$$, 'A29: the daemon''s housekeeping says it');
reset role;
select is(pg_temp.last('t1'), 'BOOKED NO_DATA 205 T без отметки о приёме', 'S3: the timer is the one who said so');
select is((select string_agg(payload #>> '{status,statusCode}', ',') from data.outbox where book_key = 't1'), '205', 'M8: the portal is told, once');
select is(pg_temp.update('t1', '205') || pg_temp.lines('t1'), '01', 'A29: and may say the same');
select * from finish();
rollback;
