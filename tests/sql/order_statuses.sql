-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- S1: Appendix 1 of order 329, letter by letter: code, name, category, who changes to it, whether its name is shown, and its text up to what
-- is to be filled in. Typed from the order; what the portal shows to people comes from here. S4: what we send begins with these words.
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
-- 201 says that a time is booked as well as that a result is ready (A3): the words of Appendix 1 are for the second alone.
select is_empty($$select code, template from appendix join data.status using (code) where code <> '201' and not starts_with(template, words)$$,
    'S4: what is sent begins with the order''s words');
-- 202, 203, 302: the organization's own name and the time are filled in; 206 and 207: a reason; 302: with whom to turn to.
select is_empty($$select s.code, wanted from (values ('202', 'organization'), ('202', 'time'), ('202', 'specialists'), ('203', 'organization'), ('203', 'time'),
    ('206', 'reason'), ('207', 'reason'), ('302', 'organization'), ('302', 'contacts')) as v (code, wanted) join data.status as s using (code)
    where strpos(s.template, '{' || wanted || '}') = 0$$, 'S4: what Appendix 1 wants filled in has its place');
-- Our states tell no status of Appendix 1 that is the portal's alone, 205 apart, which an organization may wish to be told by our timer.
select is_empty($$select s, data.state_code(s) from unnest(enum_range(null::data.booking_state)) as s
    join appendix as a on a.code = data.state_code(s) where a.initiator = 'portal' and a.code <> '205'$$, 'S1: 001, 101 and 200 are never ours');
select * from finish();
rollback;
