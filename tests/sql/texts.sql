-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- S4: the text a citizen reads of each state is the organization's, with the place, the service and the number in the queue (2.3 b, Appendix 1),
-- by whichever way the state was reached, and the same in the answer, in getBookingStatus and in what is pushed.
\ir lib/helpers.psql
select no_plan();

insert into data.area (organization_id, area_id, number, name, capacity) values ('T1', 'h', 20, 'Корпус 2', 1);
insert into data.area (organization_id, area_id, number, name, parent_key)
select 'T1', 'f', 21, ' этаж 3 ', area_key from data.area where organization_id = 'T1' and area_id = 'h';
update data.area set parent_key = (select area_key from data.area where organization_id = 'T1' and area_id = 'f'), queue_prefix = 'Б-'
where organization_id = 'T1' and area_id in ('a1', 'a2', 'a3');
create function pg_temp.text_of(book text) returns text language sql as $$ select status_message from data.booking where book_key = book $$;
create function pg_temp.told(book text) returns text language sql as $$
    select status_message from api.get_booking_status('', book, '1000000000') where kind = 'answer'
$$;
create function pg_temp.answered(rows api.answer[]) returns text language sql as $$ select status_message from unnest(rows) where kind = 'answer' $$;

-- Every state has a text of its own with everything in it.
select lives_ok(format($$select admin.set_text('T1', %L, %L || ': [{area}]; [{service}]; [{queue}]; [{date}]; [{reason}]')$$, s, s), 'S4: a text for ' || s)
from unnest('{HELD,BOOKED,INVITED,CANCELLED,EXPIRED,100,202,203,205,206,207,208,300,301,302}'::text[]) as s;
create temp table place (area text, told text);
insert into place values ('a1', 'Корпус 2, этаж 3, Кабинет 1'), ('a3', 'Корпус 2, этаж 3, Зал');
-- An own text stands where Appendix 1 has its «<>»: between the words of the order.
create temp table around (state text, opening text, ending text);
insert into around values ('INVITED', 'Приглашаем Вас получить запрашиваемую услугу или функцию. ', '. Адрес: Примерная улица, 1. Время: %s в %s'),
    ('301', 'Вы удалили своё заявление. ', ''), ('302', 'Заявление было отменено по инициативе Отдел Т1. ', '. За дополнительной информацией обращайтесь по 000, Примерная улица, 1'),
    ('CANCELLED', 'Заявление отменено. ', ''), ('EXPIRED', 'Заявление отменено. ', '');
create function pg_temp.wanted(state text, area text, service text, queue text, reason text default '', at text default '') returns text language sql as $$
    select concat((select opening from around as r where r.state = wanted.state), format('%s: %s; %s; %s; %s; %s', state, (select told from place as p where p.area = wanted.area), service, queue,
        day, reason), (select format(ending, day, at) from around as r where r.state = wanted.state))
    from (select to_char(pg_temp.noon() at time zone 'Europe/Moscow', 'DD.MM.YYYY') as day) as d
$$;
select is(pg_temp.answered(pg_temp.book_rows('h', array[pg_temp.slot('a1', 5)], true, services => '{s1}')), pg_temp.wanted('HELD', 'a1', 'Услуга 1', 'Б-1'), 'S4: a hold');
select is(pg_temp.answered(pg_temp.book_rows('h', array[pg_temp.slot('a1', 5)])), pg_temp.wanted('BOOKED', 'a1', 'Услуга 1', 'Б-1'), 'S4: confirmed');
select is(pg_temp.answered(pg_temp.book_rows('h', array[pg_temp.slot('a3', 5)])), pg_temp.wanted('BOOKED', 'a3', 'Услуга 1', 'Б-1'), 'S4: moved: the new place');
select is(pg_temp.answered(pg_temp.book_rows('q', array[pg_temp.slot('a3', 5)], services => '{s1}')), pg_temp.wanted('BOOKED', 'a3', 'Услуга 1', 'Б-2'), 'S4: the second of a hall has the second number');
select is(pg_temp.answered(pg_temp.book_rows('b', '{blind_request}', services => '{s1}', areas => '{a3}')), pg_temp.wanted('BOOKED', 'a3', 'Услуга 1', 'Б-1'), 'S4: a blind one, where it came to be');
select is(pg_temp.answered(pg_temp.book_rows('w', array[pg_temp.slot('a2', 5)])) ~ 'Кабинет 2; ; Б-1;', true, 'S4: a room of several services, none asked for: no service is named');
select is(pg_temp.answered(pg_temp.book_rows('w2', array[pg_temp.slot('a2', 6)], services => '{s2}')) ~ 'Кабинет 2; Услуга 2; Б-1;', true, 'S4: the one asked for');
select is((select comment from admin.invite('h')), pg_temp.wanted('INVITED', 'a3', 'Услуга 1', 'Б-1', at => '13:00'), 'S4: invited');
select is((select payload #>> '{status,statusMessage}' from data.outbox where book_key = 'h'), pg_temp.text_of('h'), 'M8: pushed so');
select is((select comment from admin.move('h', pg_temp.slot('a3', 8), 'ремонт')), pg_temp.wanted('INVITED', 'a3', 'Услуга 1', 'Б-1', 'ремонт', '13:45'), 'S4: moved by the agency');
select is((select status_message from unnest(array(select r from api.cancel_booking(pg_temp.msg(), 'h', '1000000000', '{}') as r)) as r where kind = 'answer'),
    pg_temp.wanted('301', 'a3', 'Услуга 1', 'Б-1'), 'S4: cancelled: the place it was at');
select is(pg_temp.answered(pg_temp.book_rows('q', array[pg_temp.slot('a3', 5)], services => '{s1}', areas => '{a3}')), pg_temp.wanted('BOOKED', 'a3', 'Услуга 1', 'Б-2'), 'S4: corrected in place');
select is((select comment from admin.cancel('q', 'авария')), pg_temp.wanted('302', 'a3', 'Услуга 1', 'Б-2', 'авария'), 'S4: cancelled by the agency');
select is((select comment from admin.cancel('b', 'авария', status_code => '303')), pg_temp.wanted('CANCELLED', 'a3', 'Услуга 1', 'Б-1', 'авария'), 'S4: 303');

-- A hold that ran out is told by whoever meets it first.
select pg_temp.book(b, array[pg_temp.slot('a1', n)], true), pg_temp.lapse(b) from (values ('e1', 11), ('e2', 12), ('e3', 13)) as v (b, n);
select pg_temp.wanted('EXPIRED', 'a1', 'Услуга 1', 'Б-1', 'срок предварительного бронирования истёк') as lapsed \gset
select is(pg_temp.told('e1'), :'lapsed', 'S4: getBookingStatus of a hold that ran out');
select is((select status_message from unnest(array(select r from api.cancel_booking(pg_temp.msg(), 'e2', '1000000000', '{}') as r)) as r where kind = 'answer'), :'lapsed', 'S4: cancelBooking of it');
select cmp_ok(admin.sweep(), '>=', 1::bigint, 'the rest is swept');
select is(pg_temp.text_of('e3'), :'lapsed', 'S4: and reads the same');
select is(pg_temp.told('e3'), :'lapsed', 'S4: and is told the same');
select is(admin.set_text('T1', 'EXPIRED', ''), 'Заявление отменено. Срок предварительного бронирования истёк', 'S4: the common text again');
select pg_temp.book('e4', array[pg_temp.slot('a1', 14)], true), pg_temp.lapse('e4');
select is(pg_temp.told('e4'), 'Заявление отменено. Срок предварительного бронирования истёк', 'S4: told so');
select lives_ok($$select admin.set_text('T1', '303', 'Отменено[: {reason}]')$$, 'a text of 303');
select is(pg_temp.told('e4'), 'Заявление отменено. Отменено: срок предварительного бронирования истёк', 'S4: it is one of a hold that ran out, too');

-- Which of several texts.
select is(admin.set_text('T1', '201', 'общий'), 'общий', 'S4: a text of 201 is shown as those who book will have it');
select is(pg_temp.answered(pg_temp.book_rows('p1', array[pg_temp.slot('a1', 15)])) like 'BOOKED:%', true, 'S4: that of the state comes first');
select is(admin.set_text('T1', ' booked ', ''), 'общий', 'S4: without it that of the status');
select is(pg_temp.answered(pg_temp.book_rows('p2', array[pg_temp.slot('a1', 16)])), 'общий', 'S4: told so');
select is(pg_temp.answered(pg_temp.book_rows('p3', array[pg_temp.slot('a1', 17)], true)) like 'HELD:%', true, 'S4: a hold keeps its own');
select is(admin.set_text('T1', 'INVITED', '') like 'Приглашаем Вас получить запрашиваемую услугу или функцию.%', true, 'S4: an invitation has the order''s, never that of a booking');
select is((select comment from admin.invite('p2')) like 'Приглашаем Вас получить%Корпус 2, этаж 3, Кабинет 1. Время: %', true, 'Appendix 1, 201: place and time');

-- 207: "в обязательном порядке указать причину" (Appendix 1), whatever the organization has written
update data.organization set confirm_booking = true where organization_id = 'T1';
create function pg_temp.rejected(book text, slot text, code text default '207') returns text language plpgsql as $$
declare
    told text;
begin
    perform pg_temp.book(book, array[slot]);
    select comment into told from admin.reject(book, 'не оплачена пошлина', code);
    return told || case when (select payload #>> '{status,statusMessage}' from data.outbox where book_key = book) = told then '' else ', pushed otherwise' end;
end $$;
select is(admin.set_text('T1', '207', 'Вернули. Проверьте данные.'), 'Заявление не зарегистрировано, проверьте введенные данные. Вернули. Проверьте данные. причина', 'Appendix 1, 207: a text that does not name the reason gets it');
select is(pg_temp.rejected('r1', pg_temp.slot('a1', 20)), 'Заявление не зарегистрировано, проверьте введенные данные. Вернули. Проверьте данные. не оплачена пошлина', 'Appendix 1, 207: told and pushed');
select is(admin.set_text('T1', '207', 'Заявление не зарегистрировано, проверьте введённые данные: {reason}!'), 'Заявление не зарегистрировано, проверьте введённые данные: причина!', 'S4: one that does is left as it is');
select is(pg_temp.rejected('r2', pg_temp.slot('a1', 21)), 'Заявление не зарегистрировано, проверьте введённые данные: не оплачена пошлина!', 'S4: told so');
select is(admin.set_text('T1', '207001', 'Нет подписи'), 'Заявление не зарегистрировано, проверьте введенные данные. Нет подписи', 'S1: a text of the agency''s own digits is a reason');
select is(pg_temp.rejected('r3', pg_temp.slot('a1', 22), '207001'), 'Заявление не зарегистрировано, проверьте введенные данные. Нет подписи', 'S1: told so');
update data.organization set confirm_booking = false where organization_id = 'T1';

-- What is no text of anything.
select throws_ok(format($$select admin.set_text('T1', %L, 'x')$$, bad), '22023', null, format('S4: no text of %s', coalesce(bad, 'null')))
from unnest(array['SERVED', 'DRAFT', '', ' ', null, '204', '20', '2010000000', 'EXPIRED1', '303 EXPIRED']) as bad;
select throws_ok($$select admin.set_text('T1', '201', '{place}')$$, '22023', 'Подстановки {place} нет', 'S4: a placeholder nobody knows');
select throws_ok($$insert into data.organization_status values ('T1', 'SERVED', 'x')$$, '23514', null, 'S4: nor in the table');
select is(data.area_path(-1), null, 'an area nobody knows is nowhere');
select is(data.service_names('{s2,s1,s9}'), 'Услуга 2, Услуга 1', 'services in the order they were asked for');
select pg_temp.healthy();
select * from finish();
rollback;
