-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- S1: Appendix 1 of order 329, letter by letter: code, name, category, who changes to it, whether its name is shown, and its text up to what
-- is to be filled in. Typed from the order; what the portal shows to people comes from here. S4: what is really sent of each status, by
-- whichever way and in whosever words (the answer, getBookingStatus, the push), begins with the order's words and has what they want named:
-- note 1 leaves to be defined what stands in «<>», and nothing else.
\ir lib/helpers.psql
select no_plan();

create temporary table appendix (code text, name text, category text, initiator text, is_shown boolean, words text);
insert into appendix values
    ('001', 'Черновик заявления', 'Формирование заявления', 'portal', true, 'В процессе заполнения'),
    ('100', 'Принято', 'Заявление принято органом или организацией', 'agency', true,
        'Ваше заявление успешно зарегистрировано и ожидает рассмотрения специалистом'),
    ('101', 'Ошибка отправки в орган или организацию',
        'Заявление не может быть отправлено из-за недоступности информационной системы органа или организации.', 'portal', true,
        'Ошибка доставки интерактивной формы заявления. Попробуйте подать заявление повторно.'),
    ('200', 'Возврат', 'Обработка заявления', 'portal', true, ''),
    ('201', 'Исполнено', 'Обработка заявления', 'agency', true, 'Приглашаем Вас получить запрашиваемую услугу или функцию.'),
    ('202', 'Исполнено', 'Обработка заявления', 'agency', true, 'Время посещения'),
    ('203', 'Исполнено', 'Обработка заявления', 'agency', true, 'Зарегистрирован факт неявки в'),
    ('205', 'Исполнено', 'Обработка заявления', 'portal', false, ''),
    ('206', 'Возврат', 'Обработка заявления', 'agency', true, ''),
    ('207', 'Возврат', 'Обработка заявления', 'agency', true, 'Заявление не зарегистрировано, проверьте введенные данные'),
    ('208', 'Возврат', 'Обработка заявления', 'agency', true, 'Запрашиваемое время не может быть забронировано'),
    ('300', 'В процессе отмены', 'Отмена заявления', 'agency', false, 'Заявление находится в процессе отмены'),
    ('301', 'Отменено', 'Отмена заявления', 'agency', false, 'Вы удалили своё заявление'),
    ('302', 'Отменено', 'Отмена заявления', 'agency', true, 'Заявление было отменено по инициативе'),
    ('303', 'Отменено', 'Отмена заявления', 'both', true, 'Заявление отменено');

select set_eq('select code, name, category, initiator, is_shown from data.status',
    'select code, name, category, initiator, is_shown from appendix', 'S1: the table of Appendix 1, all of it and nothing else');
select is_empty($$select code, comment from appendix join data.status using (code)
    where not starts_with(comment, words) or words <> '' and words <> comment and substr(comment, length(words) + 1, 2) <> ' <'$$,
    'S1: the text of each, up to what is to be filled in');
-- Our states tell no status of Appendix 1 that is the portal's alone, 205 apart, which an organization may wish to be told by our timer.
select is_empty($$select s, data.state_code(s) from unnest(enum_range(null::data.booking_state)) as s
    join appendix as a on a.code = data.state_code(s) where a.initiator = 'portal' and a.code <> '205'$$, 'S1: 001, 101 and 200 are never ours');

-- ---- what is sent ------------------------------------------------------------------------------------------------------------------
-- Each text as the order has it, its gaps filled: a pattern; «.*» is where an organization may say more. {H}: the time booked, {D}: its day.
create temporary table wanted (way text primary key, code text, pattern text);
insert into wanted values
    ('accepted', '100', '^Ваше заявление успешно зарегистрировано и ожидает рассмотрения специалистом.*$'),
    ('invited', '201', '^Приглашаем Вас получить запрашиваемую услугу или функцию\. (?=.*Примерная улица, 1)(?=.*{D})(?=.*{H}).*$'),
    ('moved while invited', '201', '^Приглашаем Вас получить запрашиваемую услугу или функцию\. (?=.*Примерная улица, 1)(?=.*{D})(?=.*12:45).*$'),
    ('visited', '202', '^Время посещения Отдел Т1 в соответствии с забронированным интервалом времени: {H}\..*$'),
    ('visited later', '202', '^Время посещения Отдел Т1 в соответствии с забронированным интервалом времени: {H}\..*00:00.*17.*Примерова А\. А\..*$'),
    ('absent', '203', '^Зарегистрирован факт неявки в Отдел Т1 в забронированный интервал времени: {H}\..*$'),
    ('absent by the clock', '203', '^Зарегистрирован факт неявки в Отдел Т1 в забронированный интервал времени: {H}\..*$'),
    ('corrected to absent', '203', '^Зарегистрирован факт неявки в Отдел Т1 в забронированный интервал времени: {H}\..*$'),
    ('turned away', '206', '.*без документов.*'), ('corrected to turned away', '206', '.*без документов.*'),
    ('returned', '207', '^Заявление не зарегистрировано, проверьте введенные данные\..*адрес неверен.*$'),
    ('rejected with 207', '207', '^Заявление не зарегистрировано, проверьте введенные данные\..*не оплачена пошлина.*$'),
    ('refused', '208', '^Запрашиваемое время не может быть забронировано\..*Интервал времени занят.*$'),
    ('beyond a limit', '208', '^Запрашиваемое время не может быть забронировано\..*Превышено допустимое число записей одного заявителя: не более 1 .*$'),
    ('rejected with 208', '208', '^Запрашиваемое время не может быть забронировано\..*не оплачена пошлина.*$'),
    ('being cancelled', '300', '^Заявление находится в процессе отмены.*$'),
    ('cancelled', '301', '^Вы удалили своё заявление.*$'), ('cancelled by the portal', '301', '^Вы удалили своё заявление.*$'), ('cancelling confirmed', '301', '^Вы удалили своё заявление.*$'),
    ('cancelled by the agency', '302', '^Заявление было отменено по инициативе Отдел Т1\..*авария.*За дополнительной информацией обращайтесь по телефону 123.*$'),
    ('cancelled by a closed day', '302', '^Заявление было отменено по инициативе Отдел Т1\..*учение.*За дополнительной информацией обращайтесь по 000, Примерная улица, 1.*$'),
    ('withdrawn by the agency', '303', '^Заявление отменено.*авария.*$'),
    ('withdrawn by the portal', '303', '^Заявление отменено.*Причина портала.*$'), ('withdrawn without a word', '303', '^Заявление отменено.*$'),
    ('lapsed', '303', '^Заявление отменено.*$'), ('lapsed and read', '303', '^Заявление отменено.*$'), ('lapsed and cancelled', '303', '^Заявление отменено.*$');

insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at)
select '00000000-0000-4000-8000-000000000001', 'T1', area_key, date_trunc('minute', now() - interval '1 hour'), date_trunc('minute', now() - interval '45 minutes')
from data.area where organization_id = 'T1' and area_id = 'a2';
create function pg_temp.past(book text) returns void language sql as $$
    select pg_temp.book(book, array[pg_temp.slot('a2', 20)]);
    update data.place set slot_id = s.slot_id, starts_at = s.starts_at, ends_at = s.ends_at from data.slot as s
    where s.slot_id = '00000000-0000-4000-8000-000000000001' and book_key = book;
$$;
create function pg_temp.answered(rows api.answer[]) returns text language sql as $$ select status_code || ' ' || status_message from unnest(rows) where kind = 'answer' $$;
create function pg_temp.asked(book text) returns text language sql as $$ select status_code || ' ' || status_message from api.get_booking_status('', book, '1000000000') where kind = 'answer' $$;
create function pg_temp.says(book text, code text, words text) returns text language sql as $$
    select pg_temp.answered(array(select r from api.update_booking_details(pg_temp.msg(), book, '1000000000', null, null, null, null, null, null, code, words, '{}') as r))
$$;
-- Goes the way, and tells whatever was sent on it: by the answer, when asked, by the push. All of it is taken back.
create function pg_temp.sent(way text) returns text[] language plpgsql as $$
declare
    told text[];
    slot constant text[] := array[pg_temp.slot('a1', 2)];
begin
    if way in ('accepted', 'rejected with 207', 'rejected with 208') then
        update data.organization set confirm_booking = true where organization_id = 'T1';
        told := array[pg_temp.answered(pg_temp.book_rows('b', slot))];
        case way when 'accepted' then null;
            when 'rejected with 207' then perform admin.reject('b', 'не оплачена пошлина'); told := '{}';
            else perform admin.reject('b', 'не оплачена пошлина', '208'); told := '{}'; end case;
    elsif way in ('visited', 'visited later', 'absent', 'absent by the clock', 'corrected to absent', 'turned away', 'corrected to turned away') then
        perform pg_temp.past('b');
        case way when 'visited' then perform admin.visited('b');
            when 'visited later' then perform admin.visited('b', '00:00', 'Примерова А. А.', minutes => 17);
            when 'absent' then perform admin.no_show('b');
            when 'absent by the clock' then
                update data.organization set no_show_after_min = 1 where organization_id = 'T1';
                perform admin.sweep();
            when 'corrected to absent' then perform admin.visited('b'), admin.correct('b', '203', 'ошибка');
            when 'turned away' then perform admin.turned_away('b', '', 'без документов');
            else perform admin.no_show('b'), admin.correct('b', '206', 'без документов'); end case;
    elsif way = 'returned' then
        told := array[pg_temp.answered(array(select r from api.book(pg_temp.msg(), 'b', slot, 'T1', 'SIMPLE', 'PHYSIC', '1000000000', '{}', '{}', '{}', false, null, '[]', '{email}', '{"адрес неверен"}') as r))];
    elsif way = 'refused' then
        perform pg_temp.book('other', slot);
        told := array[pg_temp.answered(pg_temp.book_rows('b', slot))];
    elsif way = 'beyond a limit' then
        insert into data.booking_limit (organization_id, person, period, max_bookings) values ('T1', 'esiaId', 'live', 1);
        perform pg_temp.book('other', slot);
        told := array[pg_temp.answered(pg_temp.book_rows('b', array[pg_temp.slot('a1', 3)]))];
    elsif way like 'lapsed%' then
        perform pg_temp.book('b', slot, true), pg_temp.lapse('b');
        case way when 'lapsed' then
                update data.organization set push_lapsed = true where organization_id = 'T1';
                perform admin.sweep();
            when 'lapsed and read' then null;
            else told := array[pg_temp.answered(array(select r from api.cancel_booking(pg_temp.msg(), 'b', '1000000000', '{}') as r))]; end case;
    else
        perform pg_temp.book('b', slot);
        case way when 'invited' then perform admin.invite('b');
            when 'moved while invited' then perform admin.invite('b'), admin.move('b', pg_temp.slot('a1', 4));
                delete from data.outbox where outbox_id = (select min(outbox_id) from data.outbox where book_key = 'b');
            when 'being cancelled', 'cancelling confirmed' then
                update data.organization set confirm_cancel = true where organization_id = 'T1';
                told := array[pg_temp.answered(array(select r from api.cancel_booking(pg_temp.msg(), 'b', '1000000000', '{}') as r))];
                if way = 'cancelling confirmed' then
                    perform admin.confirm('b');
                    told := '{}';
                end if;
            when 'cancelled' then told := array[pg_temp.answered(array(select r from api.cancel_booking(pg_temp.msg(), 'b', '1000000000', '{}') as r))];
            when 'cancelled by the portal' then told := array[pg_temp.says('b', '301', 'сам')];
            when 'cancelled by the agency' then perform admin.cancel('b', 'авария', 'телефону 123');
            when 'cancelled by a closed day' then perform admin.close_day('T1', (pg_temp.noon() at time zone 'Europe/Moscow')::date, 'учение', apply => true, move => false);
            when 'withdrawn by the agency' then perform admin.cancel('b', 'авария', status_code => '303');
            when 'withdrawn by the portal' then told := array[pg_temp.says('b', '303', 'Причина портала')];
            when 'withdrawn without a word' then told := array[pg_temp.says('b', '303', U&'\200B')]; end case;
    end if;
    told := told || pg_temp.asked('b') || array(select (payload #>> '{status,statusCode}') || ' ' || (payload #>> '{status,statusMessage}') from data.outbox where book_key = 'b'
        and payload #>> '{status,statusCode}' = (select status_code from data.booking where book_key = 'b') order by outbox_id);
    raise exception using errcode = 'ZZ001', message = array_to_string(told, '¦');
exception when sqlstate 'ZZ001' then
    return string_to_array(sqlerrm, '¦');
end $$;
create function pg_temp.right(way text, told text[]) returns text language sql as $$
    select coalesce(string_agg(distinct t, ' ¦ '), case when told = '{}' then 'nothing was sent' end) from wanted as w
    left join unnest(told) as t on t !~ replace(replace(replace(w.pattern, '^', '^' || w.code || ' '), '{H}',
            case when w.code in ('202', '203') then to_char((now() - interval '1 hour') at time zone 'Europe/Moscow', 'HH24:MI') else '12:15' end),
        '{D}', to_char(pg_temp.noon() at time zone 'Europe/Moscow', 'DD.MM.YYYY'))
    where w.way = "right".way
$$;
select is(pg_temp.right(way, pg_temp.sent(way)), null, format('S4: %s: %s in the order''s words', way, code)) from wanted order by code, way;
select is((select count(*) from wanted as w where cardinality(pg_temp.sent(w.way)) < 1), 0::bigint, 'S4: something is sent by every way');
select set_eq($$select distinct code from wanted$$, $$select code from appendix where initiator <> 'portal'$$, 'S1: every status that may be the agency''s is tried');

-- ---- in words of one's own ---------------------------------------------------------------------------------------------------------
-- What an operator may write for each status, and each state that shares one: nothing in it that the order wants, all of it in parts that may go,
-- half of it, digits of his own behind the status. The order's words and names come all the same.
create temporary table own (nr integer, words text);
insert into own values (1, 'Не пришёл'), (2, '[Отдел {organization}, {specialists}][ {time} {queue}][ {reason} {specialists}][ {contacts} {queue}][ {address} {queue}][ {date} {queue}]'),
    (3, '{organization}, {time}.'), (4, E'Заявление\nотменено'), (5, '{reason}'), (6, 'обращайтесь по {phone}');
create function pg_temp.sent_so(p_key text, p_words text, p_way text, is_typed boolean) returns text[] language plpgsql as $$
declare
    told text[];
begin
    if is_typed then
        set local client_min_messages = warning;
        perform admin.set_text('T1', p_key, p_words);
    else
        insert into data.organization_status (organization_id, code, comment) values ('T1', p_key, p_words);
    end if;
    told := pg_temp.sent(p_way);
    raise exception using errcode = 'ZZ001', message = array_to_string(told, '¦');
exception when sqlstate 'ZZ001' then
    return string_to_array(sqlerrm, '¦');
end $$;
create temporary table tried as
select w.way, k.key, o.nr, is_typed, pg_temp.right(w.way, pg_temp.sent_so(k.key, o.words, w.way, is_typed)) as wrong
from wanted as w
cross join lateral (select w.code as key where w.code <> '201' union all select 'INVITED' where w.code = '201'
    union all select 'EXPIRED' where w.way like 'lapsed%' union all select 'CANCELLED' where w.way like 'withdrawn%') as k
cross join own as o cross join unnest(array[true, false]) as is_typed
where w.way <> 'visited later'; -- who served and how long is as the agency likes
select cmp_ok((select count(*) from tried), '>', 280::bigint, 'S4: every way, every text');
select is_empty('select way, key, nr, is_typed, wrong from tried where wrong is not null', 'S4: whatever a text of one''s own leaves out is said (Appendix 1, note 1)');

-- Who writes it is told what was added; what has it all is left alone; what is there already and has not is told by check().
create function pg_temp.stored(key text, words text) returns text language plpgsql as $$
begin
    set local client_min_messages = warning;
    perform admin.set_text('T1', key, words);
    return (select comment from data.organization_status where organization_id = 'T1' and code = key);
end $$;
select is(pg_temp.stored(v.key, v.words), v.words, format('S4: %s: %s', v.key, v.words)) from (values
    ('100', 'Ваше заявление успешно зарегистрировано и ожидает рассмотрения специалистом. Решение — за три дня.'),
    ('INVITED', 'Приглашаем Вас получить запрашиваемую услугу или функцию: {date}, {time}, {address}[, {area}]'),
    ('202', 'Время посещения Отдела № 1 в соответствии с забронированным интервалом времени: {time}.[ Приём длился {duration} мин.]'),
    ('203', 'Зарегистрирован факт неявки в Отдел № 1 в забронированный интервал времени: {time}. Запишитесь снова.'),
    ('206', 'Не приняты[: {reason}]'), ('207', 'Заявление не зарегистрировано, проверьте введённые данные: {reason}'), ('208', 'Запрашиваемое время не может быть забронировано[ ({reason})]. Выберите другое.'),
    ('300', 'Заявление находится в процессе отмены!'), ('301', 'Вы удалили свое заявление, {service}'),
    ('302', 'Заявление было отменено по инициативе Отдела № 1[, {reason}]. За дополнительной информацией обращайтесь по телефону 123.'), ('303', 'Заявление отменено[: {reason}]'),
    ('EXPIRED', 'Заявление отменено: время не дождалось подтверждения'), ('CANCELLED', 'Заявление отменено ({reason})'), ('BOOKED', 'Ждём'), ('HELD', 'Держим'), ('201', 'Ждём'), ('207001', 'Заявление не зарегистрировано, проверьте введенные данные: нет подписи')) as v (key, words);
select is_empty($$select * from admin.check() where problem ~ 'требует приказ$' and what ~ 'статус'$$, 'S4: such texts are right');
delete from data.organization_status where organization_id = 'T1';
select is(pg_temp.stored(v.key, v.words), v.kept, format('S4: %s: %s is kept with what it lacks', v.key, v.words)) from (values
    ('302', 'Отменено', 'Заявление было отменено по инициативе {organization}. Отменено[. {reason}]. За дополнительной информацией обращайтесь по {contacts}'),
    ('203', 'Не пришёл', 'Зарегистрирован факт неявки в {organization} в забронированный интервал времени: {time}. Не пришёл'),
    ('202', 'ок', 'Время посещения {organization} в соответствии с забронированным интервалом времени: {time}. ок'),
    ('EXPIRED', 'Поздно.', 'Заявление отменено. Поздно.'), ('206', 'Приходите снова.', 'Приходите снова[. {reason}]'), ('206001', 'Возьмите паспорт', 'Возьмите паспорт')) as v (key, words, kept);
update data.organization_status set comment = 'Отменено' where organization_id = 'T1' and code = '302';
select is((select array_agg(what) from admin.check() where problem = 'в своём тексте нет того, чего требует приказ'),
    array['организация T1, статус 302: при отправке добавляется «Заявление было отменено по инициативе {organization}», «{reason}», «За дополнительной информацией обращайтесь по {contacts}»; задайте текст заново: admin.set_text'],
    'S4: what was written past the command is told by check()');
delete from data.organization_status where organization_id = 'T1';
select is(admin.set_text('T1', '203', words), (select template from data.status where code = '203'), format('S4: a text of which nobody sees anything is none: %s', words::bytea))
from unnest(array[U&'\00A0', U&'\200B', E'\n\t ']) as words;

-- Appendix 1, 201: an invitation without an address is none, and says what to do.
create function pg_temp.refusal(query text) returns text language plpgsql as $$
declare
    line text;
    hint text;
begin
    execute query into line;
    return line;
exception when others then
    get stacked diagnostics hint = pg_exception_hint;
    return sqlstate || ' ' || sqlerrm || ' / ' || hint;
end $$;
select pg_temp.book('i1', array[pg_temp.slot('a1', 9)]);
update data.organization set address = U&' \00A0\200B' where organization_id = 'T1';
select is(pg_temp.refusal($$select result from admin.invite('i1')$$), '22023 Куда приглашать: у организации T1 нет адреса / '
    'Задайте адрес: admin.add_organization(код, ведомство, название, часовой пояс, адрес), и пригласите снова', 'S4: an invitation says where to');
select is(pg_temp.state('i1') || (select count(*) from data.outbox where book_key = 'i1'), 'BOOKED0', 'S4: nobody was invited');
select is((select count(*) from admin.check() where what ~ 'нет адреса \(T1\)'), 1::bigint, 'item 9.5: check() misses the address before');
update data.organization set address = 'Примерная улица, 1' where organization_id = 'T1';
insert into data.organization_status (organization_id, code, comment) values ('T1', '201', 'Ждём'), ('T1', '201005', 'Ждём с паспортом');
select matches(data.status_text('201005', 'T1', p_state => 'INVITED'), '^Приглашаем Вас получить', 'S4: no text of those who have booked is an invitation''s, with whatever digits');
delete from data.organization_status where organization_id = 'T1';
select is(pg_temp.refusal($$select result from admin.invite('i1')$$), 'сделано', 'S4: with an address it goes');
insert into data.organization (organization_id, agency_code, number, name, time_zone, phone) values ('T3', 'TEST00001', 900003, 'Отдел Т3', 'Europe/Moscow', '000');
insert into data.area (organization_id, area_id, number, name) values ('T3', 'c1', 1, 'Окно');
insert into data.organization_service values ('T3', 's1');
insert into data.area_service select area_key, 'T3', 's1' from data.area where organization_id = 'T3';
insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at) select '00000000-0000-4000-8000-000000000003', 'T3', area_key, pg_temp.noon(), pg_temp.noon() + interval '15 minutes' from data.area where organization_id = 'T3';
select is((select comment from admin.move('i1', '00000000-0000-4000-8000-000000000003')), 'у организации T3 нет адреса, а приглашённому он называется', 'S4: nor is who is invited moved to where there is none');
update data.organization set address = 'Примерная улица, 3' where organization_id = 'T3';
select matches((select comment from admin.move('i1', '00000000-0000-4000-8000-000000000003')), '^Приглашаем Вас .*Отдел Т3, Примерная улица, 3', 'S4: with one he is, and told of it');

-- Clerk's words that nobody sees are no words.
select pg_temp.past('v1');
update data.organization set confirm_booking = true where organization_id = 'T1';
select pg_temp.book('v2', array[pg_temp.slot('a1', 12)]);
select is(pg_temp.refusal(replace(command, '%', quote_literal(blank))), answer, format('S4: %s, U+%s', command, to_hex(ascii(blank)))) from (values
    ('select result from admin.cancel(''v2'', %)', '22023 Нужна причина отмены / Её увидит заявитель: ''авария в здании'''), ('select result from admin.reject(''v2'', %)', '22023 Нужна причина отказа / Её увидит заявитель: ''не оплачена пошлина'''),
    ('select result from admin.turned_away(''v1'', '''', %)', '22023 Нужна причина: её увидит заявитель / Без причины можно с кодом, заведённым admin.add_status: 206001 — Нет документа'),
    ('select result from admin.correct(''v1'', ''202'', %)', '22023 Нужна причина исправления / Например: ''отмечен не тот посетитель'''),
    ('select admin.add_status(''TEST00001'', ''206009'', %)', '23514 Нужна причина: её читают люди / Какие бывают значения: select * from admin.help(), \d+ таблицы'),
    ('select book_id from admin.close_day(''T1'', current_date + 1, %)', '22023 Нужна причина: её увидят заявители / Например: ''санитарный день''')) as v (command, answer),
    unnest(array[' ', U&'\00A0', U&'\200B', U&'\2003', E'\n']) as blank;

-- Appendix 1, 202: when it began and how long it took, if the agency likes; the time that was booked stays what it is.
create function pg_temp.served(command text) returns text language plpgsql as $$
declare
    line text;
begin
    execute 'select comment from admin.visited(''v1''' || command into line;
    raise exception using errcode = 'ZZ001', message = line;
exception when sqlstate 'ZZ001' then return replace(sqlerrm, to_char((now() - interval '1 hour') at time zone 'Europe/Moscow', 'HH24:MI'), 'ЧЧ:ММ');
    when others then return sqlstate || ' ' || sqlerrm;
end $$;
select is(pg_temp.served(command || ')'), case when answer ~ '^2' then answer else 'Время посещения Отдел Т1 в соответствии с забронированным интервалом времени: ЧЧ:ММ.' || answer end, 'S4: visited' || command) from (values
    ('', ''), (', ''00:00''', ' Начало посещения: 00:00.'), (', minutes => 15', ' Длительность посещения: 15 мин.'), (', ''00:00'', minutes => 1440', ' Начало посещения: 00:00. Длительность посещения: 1440 мин.'),
    (', null, ''Примерова А. А.'', '''', 1', ' Длительность посещения: 1 мин. Вас обслуживали специалисты: Примерова А. А.'), (', specialists => U&''\200B''', ''),
    (', minutes => 0', '22023 Длительность приёма — от 1 до 1440 минут, а не 0'), (', minutes => -5', '22023 Длительность приёма — от 1 до 1440 минут, а не -5'), (', minutes => 1441', '22023 Длительность приёма — от 1 до 1440 минут, а не 1441')) as v (command, answer);
select is((select result from admin.visited('v1', '00:00', minutes => 15)), 'сделано', 'S3: a visit');
select is((select reason from data.booking_history where book_key = 'v1' order by history_id desc limit 1), 'принят в 00:00, 15 мин', 'S3: its times are in the history');
select * from finish();
rollback;
