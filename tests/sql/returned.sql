-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- Status 207: it says what is to be put right (Appendix 1, M10, S4), and a request returned with it is remembered like one refused
-- with 208 (items 15.1 and 20; S2, S3), without more of the person than is needed to find it again.
\ir lib/helpers.psql
select no_plan();

create function pg_temp.text_of(rows api.answer[]) returns text language sql as $$ select status_message from unnest(rows) as r where kind = 'answer' $$;
create function pg_temp.says(rows api.answer[]) returns text language sql as $$
    select string_agg(field || ': ' || error_message, '; ') from unnest(rows) as r where kind = 'field'
$$;
-- As the daemon sends what it has found itself.
create function pg_temp.found(book text, fields text[], words text[], slots text[] default '{blind_request}', preliminary boolean default false,
    organization text default 'T1', esia text default '1000000000', m api.message default pg_temp.msg(),
    applicant jsonb default '{"lastName": "Тестов-Неверный", "userSnils": "112-233-445 96", "email": "nobody@"}') returns api.answer[] language sql as $$
    select array_agg(r) from api.book(m, book, slots, organization, 'SIMPLE', 'PHYSIC', esia, applicant, '{}', '{}', preliminary, null, '[]', fields, words) as r
$$;
create function pg_temp.story(book text) returns text language sql as $$
    select string_agg(concat_ws(' ', actor, coalesce(old_state::text, '-'), new_state, new_status), '; ' order by history_id) from data.booking_history where book_key = book
$$;

-- Appendix 1: the reason is obligatory
select is(pg_temp.text_of(pg_temp.found('t1', '{mobilePhone,userSnils}', '{"Номер телефона указывается в формате 7 XXX XXX XX XX","СНИЛС: 11 цифр с верным контрольным числом"}')),
    'Заявление не зарегистрировано, проверьте введенные данные. Номер телефона указывается в формате 7 XXX XXX XX XX; '
    'СНИЛС: 11 цифр с верным контрольным числом', 'Appendix 1: 207 names each field and what is wrong with it');
select is(pg_temp.text_of(pg_temp.book_rows('t2', '{junk}', services => '{s9}')),
    'Заявление не зарегистрировано, проверьте введенные данные. Услуга: Значение не найдено в справочнике; '
    'Интервал времени: Идентификатор интервала времени должен быть UUID, как в ответе getSlots', 'Appendix 1: and what the reference data say');
select is(pg_temp.text_of(pg_temp.found('t3', '{slotId,email}', '{"Интервал времени указан дважды",null}', array[pg_temp.slot('a1', 1), pg_temp.slot('a1', 1)])),
    'Заявление не зарегистрировано, проверьте введенные данные. Интервал времени указан дважды; '
    'Адрес электронной почты: Недопустимое значение поля', 'M10: a field is told once');
select is(pg_temp.text_of(pg_temp.found('t4', '{email}', '{"Адрес неверен."}', organization => 'nowhere')),
    'Заявление не зарегистрировано, проверьте введенные данные. Адрес электронной почты: Адрес неверен; Организация: Значение не найдено в справочнике',
    'Appendix 1: where the organization is not known, too');
select is(pg_temp.text_of(pg_temp.book_rows('B', '{blind_request}', esia => '')), 'Заявление не зарегистрировано, проверьте введенные данные. '
    'Учётная запись заявителя: Не заполнено обязательное поле', 'Appendix 1: and without an owner');
select ok(length(pg_temp.text_of(pg_temp.found('t5', array(select 'поле' || repeat('x', 250) from generate_series(1, 60)), array(select 'слова' from generate_series(1, 60))))) <= 4000,
    'L2: however many there are, a text of the schema');
select is((select array_agg(f order by f) from unnest('{bookId,esiaId,slotId,organizationId,serviceId,areaId,userType,userKind,lastName,firstName,middleName,email,mobilePhone,userSnils,userLogin,
        userDoc,docType,docSeries,docNumber,issueDate,validDate,issuedBy,issueDept,userINN,businessINN,businessOGRN,businessName,caseNumber,preliminaryReservation,
        preliminaryReservationPeriod,attributes}'::text[]) as f where data.field_title(btrim(f, E' \n')) ~ '^(Поле|Неизвестное) '), null, 'M9: every field of item 19 has a name people know');
-- what a sender calls his elements is no place for words of his own (S4)
select is(pg_temp.text_of(pg_temp.found('t6', array['zz', U&'a\0301', U&'a\200Db', 'позвоните_8800', repeat('x', 41), '_1122334459'], array['x', 'x', 'x', 'x', 'x', 'x'])),
    'Заявление не зарегистрировано, проверьте введенные данные. Поле zz: x' || repeat('; Неизвестное поле: x', 5), 'M10, S4: only names that look like one are repeated');

-- what is wrong with intervals is said
select is(pg_temp.says(pg_temp.book_rows('s1', array[pg_temp.slot('a1', 9), pg_temp.slot('a1', 11)])),
    'slotId: Интервалы времени одного посещения должны следовать один за другим без перерыва', 'A7: not adjacent');
select is(pg_temp.says(pg_temp.book_rows('s1', array[pg_temp.slot('a1', 9), pg_temp.slot('a2', 10)])),
    'slotId: Интервалы времени одного посещения должны относиться к одному помещению', 'A7: of two areas');
select is(pg_temp.says(pg_temp.book_rows('s1', array[pg_temp.slot('a1', 9), pg_temp.slot('b1', 10)])),
    'slotId: Интервалы времени относятся к разным организациям', 'A7: of two organizations');
select is(pg_temp.says(pg_temp.book_rows('s1', array[pg_temp.slot('a1', 9)], organization => 'T2', m => pg_temp.msg(recipient => ''))),
    'organizationId: Интервал времени относится к другой организации', 'A33: of another organization');
select is(pg_temp.says(pg_temp.book_rows('s1', array[pg_temp.slot('a1', 9), upper(pg_temp.slot('a1', 9))])), 'slotId: Интервал времени указан дважды', 'A7: twice');
select is(pg_temp.says(pg_temp.book_rows('s1', '{}')), 'slotId: Не указан интервал времени', 'none');
select is(pg_temp.says(pg_temp.book_rows('s1', array['blind_request', pg_temp.slot('a1', 9)])), 'slotId: Значение blind_request должно быть единственным', 'B4');

-- a first one is remembered
select is(pg_temp.line(pg_temp.found('r1', '{userSnils,email}', '{"СНИЛС неверен","адрес неверен"}', array[pg_temp.slot('a1', 5)])), '207/2', 'a first request with wrong data');
select is(pg_temp.status('r1'), '207/0', 'M3, item 20: getBookingStatus tells 207');
select is((select status_message from api.get_booking_status('TEST00001', 'R1', '1000000000')),
    'Заявление не зарегистрировано, проверьте введенные данные. СНИЛС неверен; Адрес электронной почты: адрес неверен', 'item 20: with its reason');
select is(pg_temp.status('r1', '2000000000'), '-/2 bookId:2', 'A26: to its owner alone');
select is(pg_temp.status('r1', recipient => 'TEST00002'), '-/2 bookId:2', 'C6: not to another agency');
select is(pg_temp.story('r1'), 'A - RETURNED 207', 'S2, S3: the arrow fires and is written down');
select is((select array[reason, portal_time] from data.booking_history where book_key = 'r1'),
    '{"ошибки в данных: СНИЛС неверен; Адрес электронной почты: адрес неверен",2026-11-22T10:00:00+03:00}', 'item 15: with the reason and the portal''s time');
select is((select count(*) from data.applicant where book_key = 'r1') || (select concat(user_type, user_kind, case_number, attributes) from data.booking where book_key = 'r1'), '0',
    'J3: of the person nothing is kept but whose it is');
select is((select count(*) from data.booking_history, unnest(array['Неверный', '112-233', '445 96', 'nobody']) w where reason like '%' || w || '%')
    + (select count(*) from data.booking, unnest(array['Неверный', '112-233', '445 96', 'nobody']) w where status_message like '%' || w || '%'), 0::bigint,
    'J3: no value of a wrong field is in a text');
select is(pg_temp.cancel('r1'), '207/4', 'A27: there is nothing to cancel');
select is((select state::text from data.booking where book_key = 'r1'), 'RETURNED', 'A27: it stays');

-- B6
select is(pg_temp.line(pg_temp.found('r1', '{userSnils,email}', '{"СНИЛС неверен","адрес неверен"}', array[pg_temp.slot('a1', 5)])), '207/2', 'B6: the same content in another message');
select is(pg_temp.story('r1'), 'A - RETURNED 207', 'B6: has no second effect');
select is(pg_temp.line(pg_temp.found('r1', '{email}', '{"адрес неверен"}', array[pg_temp.slot('a1', 5)])), '207/2', 'something else is wrong with it now');
select is(pg_temp.story('r1'), 'A - RETURNED 207; A RETURNED RETURNED 207', 'S3: that is told');
select is((select status_message from api.get_booking_status('', 'r1', '1000000000')),
    'Заявление не зарегистрировано, проверьте введенные данные. Адрес электронной почты: адрес неверен', 'item 20: the last word');
select is(pg_temp.line(pg_temp.found('r2', '{email}', null, m => pg_temp.msg('same'))), '207/2', 'B6: a message');
select api.journal_reply(journal_id, at, '207', 'the answer') from data.journal where message_id = 'same' and direction = 'in';
select is(pg_temp.line(pg_temp.found('r2', '{email}', null, m => pg_temp.msg('same'))), 'stored', 'B6: gets its first answer');
select is(pg_temp.line(pg_temp.found('r3', '{email}', null, m => pg_temp.msg('t-1', test => true))) || coalesce(pg_temp.state('r3'), '-'), '207/2-', 'V2: a test message leaves nothing');

-- it lives again
select is(pg_temp.book('r1', array[pg_temp.slot('a1', 5)]), '201/0 slots=1', 'S2: put right, it is booked');
select is(pg_temp.story('r1'), 'A - RETURNED 207; A RETURNED RETURNED 207; A RETURNED BOOKED 201', 'S3');
select is((select last_name from data.applicant where book_key = 'r1'), 'Тестов', 'M9: and has its person');
select is(pg_temp.line(pg_temp.found('r1', '{email}', '{"адрес неверен"}', array[pg_temp.slot('a1', 6)])), '207/2', 'M2: a move with wrong data');
select is(pg_temp.state('r1') || ' ' || pg_temp.owner_of(pg_temp.slot('a1', 5)), 'BOOKED r1', 'M2: the visit stays');
select is((select reason from data.booking_history where book_key = 'r1' order by history_id desc limit 1), 'изменение отклонено, ошибки в данных: Адрес электронной почты: адрес неверен', 'S3: the attempt is written down');

-- over already: every end of a booking
create function pg_temp.ended(s text) returns text language plpgsql as $$
begin
    if s = 'CANCELLED_AGENCY' then
        perform pg_temp.book('d' || s, array[pg_temp.slot('a2', 30)]), admin.cancel('d' || s, 'учение', '000');
    elsif s = 'CANCELLED' then
        perform pg_temp.book('d' || s, array[pg_temp.slot('a2', 30)]), admin.cancel('d' || s, 'учение', '000', '303');
    elsif s = 'CANCELLED_APPLICANT' then
        perform pg_temp.book('d' || s, array[pg_temp.slot('a2', 30)]), pg_temp.cancel('d' || s);
    elsif s = 'REFUSED' then
        perform pg_temp.book('d' || s, array[gen_random_uuid()::text]);
    else
        perform pg_temp.book('d' || s, array[pg_temp.slot('a2', 30)], true), pg_temp.lapse('d' || s);
    end if;
    return pg_temp.line(pg_temp.found('d' || s, '{email}', null, array[pg_temp.slot('a2', 30)])) || ' ' || split_part(pg_temp.story(lower('d' || s)), '; ', -1);
end $$;
select is(pg_temp.ended(s), '207/2 A ' || s || ' RETURNED 207', 'S2: ' || s || ' -> RETURNED')
from unnest('{EXPIRED,CANCELLED_APPLICANT,CANCELLED_AGENCY,CANCELLED,REFUSED}'::text[]) as s;
select is(pg_temp.story('dexpired'), 'A - HELD 201; T HELD EXPIRED 303; A EXPIRED RETURNED 207', 'S3: that the hold ran out is said before');

-- a hold
select is(pg_temp.line(pg_temp.book_rows('h1', '{junk}', true)) || pg_temp.status('h1'), '207/2 slotId:1207/0', 'S2: what was to be a hold and cannot be read is returned, too');
select is(pg_temp.book('h2', array[pg_temp.slot('a1', 20)], true), '201/0 slots=1', 'a hold');
select is(pg_temp.line(pg_temp.found('h2', '{email}', '{"адрес неверен"}', array[pg_temp.slot('a1', 20)])), '207/2', 'Appendix 3, alternative 3: its final booking comes with wrong data');
select is(pg_temp.story('h2') || coalesce(pg_temp.owner_of(pg_temp.slot('a1', 20)), ''), 'A - HELD 201; A HELD RETURNED 207', 'S2: HELD -> RETURNED, the time is free');
select is((select status_message from api.get_booking_status('', 'h2', '1000000000')),
    'Заявление не зарегистрировано, проверьте введенные данные. Адрес электронной почты: адрес неверен', 'Appendix 1: with the reason');

-- where nothing can be remembered
select is(pg_temp.line(pg_temp.found('u1', '{email}', null, organization => 'nowhere')) || coalesce(pg_temp.state('u1'), '-'), '207/2 organizationId:2-', 'an organization nobody knows: it is nobody''s booking');
select is(pg_temp.line(pg_temp.found('u2', '{email}', null, organization => 'T2')) || coalesce(pg_temp.state('u2'), '-'), '207/2 organizationId:2-', 'C6: nor another agency''s');
select is(pg_temp.line(pg_temp.found('u3', '{bookId}', null)) || coalesce(pg_temp.state('u3'), '-'), '207/2-', 'a number that is none');
select is(pg_temp.line(pg_temp.found('u4', '{esiaId}', null)) || coalesce(pg_temp.state('u4'), '-'), '207/2-', 'an account that is none');
select is(pg_temp.line(pg_temp.found('r1', '{email}', null, esia => '2000000000')), '207/2 bookId:2', 'A26: somebody else''s is not touched');
select is((select count(*) from data.booking_history where book_key = 'r1'), 4::bigint, 'A26: nor its history');
update data.organization set is_active = false where organization_id = 'T1';
select is(pg_temp.line(pg_temp.found('u5', '{email}', null)) || pg_temp.state('u5'), '207/2 organizationId:2RETURNED', 'an organization out of service remembers');
update data.organization set is_active = true where organization_id = 'T1';

-- S4
insert into data.organization_status (organization_id, code, comment) values ('T1', '207', '{organization}: исправьте и отправьте снова — {reason}');
select is(pg_temp.text_of(pg_temp.found('o1', '{email}', '{"адрес неверен"}')), 'Заявление не зарегистрировано, проверьте введенные данные. Отдел Т1: исправьте и отправьте снова — Адрес электронной почты: адрес неверен', 'S4: the organization''s own words with {reason}');
select is((select status_message from api.get_booking_status('', 'o1', '1000000000')), 'Заявление не зарегистрировано, проверьте введенные данные. Отдел Т1: исправьте и отправьте снова — Адрес электронной почты: адрес неверен', 'S4: remembered so');
update data.organization_status set comment = 'Исправьте заявление.' where organization_id = 'T1' and code = '207';
select is(pg_temp.text_of(pg_temp.found('o2', '{email}', '{"адрес неверен"}')), 'Заявление не зарегистрировано, проверьте введенные данные. Исправьте заявление. Адрес электронной почты: адрес неверен', 'Appendix 1: obligatory, whether the words have a place for it or not');
select is(pg_temp.text_of(pg_temp.found('o3', '{email}', '{"адрес неверен"}', organization => 'T2', m => pg_temp.msg(recipient => 'TEST00002'))),
    'Заявление не зарегистрировано, проверьте введенные данные. Адрес электронной почты: адрес неверен', 'C6: of another organization the common ones');
select is(pg_temp.text_of(pg_temp.found('o4', '{email}', '{"адрес неверен"}', organization => 'T1', m => pg_temp.msg(recipient => 'TEST00002'))) like '%Исправьте%', false, 'C6: nobody''s words for another agency');
update data.organization_status set comment = repeat('я', 4000) where organization_id = 'T1' and code = '207';
select is((select array[length(t)::text, right(t, 15)] from pg_temp.text_of(pg_temp.found('o5', '{email}', '{"адрес неверен"}')) as t), '{4000,": адрес неверен"}', 'S4: within the schema''s bound');
delete from data.organization_status where organization_id = 'T1';
select pg_temp.healthy();
select * from finish();
rollback;
