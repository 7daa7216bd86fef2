-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- The statuses of order 329, Appendix 1, as data; the inner states and the arrows between them.
-- The wire knows one 201 for "held", "booked" and "invited": the inner state tells them apart.

create table data.status (
    code text not null,
    description text not null,
    name text not null,
    category text not null,
    comment text not null,
    initiator text not null,
    is_shown boolean not null,
    message text not null,
    constraint status_pkey primary key (code),
    constraint status_code_form check (code ~ '^[0-9]{3}$')
);
alter table data.status owner to zapisd_owner;
revoke all on data.status from public;
grant select on data.status to zapisd_operator, zapisd_auditor;
comment on table data.status is 'Order 329, Appendix 1: the fifteen statuses of a booking';
comment on column data.status.code is 'Three digits; an agency may append up to six of its own on the wire (note 2)';
comment on column data.status.description is 'What has happened, in the words of the order';
comment on column data.status.name is 'Name shown on the portal';
comment on column data.status.category is 'Category of the status';
comment on column data.status.comment is 'Comment for the portal as the order words it, its fields in angle brackets';
comment on column data.status.initiator is 'agency, portal, or both';
comment on column data.status.is_shown is 'Whether the applicant sees the name';
comment on column data.status.message is 'What we send when the organization has no text of its own: {organization}, {address}, {phone}, {time} are filled in';
comment on constraint status_pkey on data.status is 'One row a code';
comment on constraint status_code_form on data.status is 'Three digits (Appendix 1)';

insert into data.status (code, description, name, category, comment, initiator, is_shown, message) values
('001', 'Заявитель заполняет заявление', 'Черновик заявления', 'Формирование заявления',
    'В процессе заполнения', 'portal', true, 'В процессе заполнения'),
('100', 'Информационная система органа или организации приняла заявление', 'Принято',
    'Заявление принято органом или организацией',
    'Ваше заявление успешно зарегистрировано и ожидает рассмотрения специалистом', 'agency', true,
    'Ваше заявление успешно зарегистрировано и ожидает рассмотрения специалистом'),
('101', 'Произошла техническая ошибка при передаче в информационную систему органа или организации',
    'Ошибка отправки в орган или организацию',
    'Заявление не может быть отправлено из-за недоступности информационной системы органа или организации.',
    'Ошибка доставки интерактивной формы заявления. Попробуйте подать заявление повторно.', 'portal', true,
    'Ошибка доставки интерактивной формы заявления. Попробуйте подать заявление повторно.'),
('200', 'Произошла внутренняя ошибка', 'Возврат', 'Обработка заявления',
    '<Комментарий, отображаемый на ЕПГУ, в котором указывается орган или организация для каждой отдельно взятой ошибки>',
    'portal', true, 'Произошла внутренняя ошибка: {organization}'),
('201', 'Приглашение на получение результата предоставления услуги или исполнения функции', 'Исполнено',
    'Обработка заявления',
    'Приглашаем Вас получить запрашиваемую услугу или функцию. <Также необходимо указать адрес и время получения результата услуги или функции>',
    'agency', true, 'Забронировано'),
('202', 'Заявитель был принят', 'Исполнено', 'Обработка заявления',
    'Время посещения <Наименование органа или организации> в соответствии с забронированным интервалом времени: ЧЧ:ММ. Вас обслуживали специалисты: <Фамилия, Имя, Отчество (при наличии) специалистов, производивших обслуживание, перечисленных через запятую>',
    'agency', true, 'Время посещения {organization} в соответствии с забронированным интервалом времени: {time}.'),
('203', 'Заявитель не пришёл. Информация о факте неявки', 'Исполнено', 'Обработка заявления',
    'Зарегистрирован факт неявки в <Наименование органа или организации> в забронированный интервал времени: ЧЧ:ММ.',
    'agency', true, 'Зарегистрирован факт неявки в {organization} в забронированный интервал времени: {time}.'),
('205', 'Информация о факте предоставления услуги или исполнения функции отсутствует, при этом забронированный интервал времени прошёл',
    'Исполнено', 'Обработка заявления', '_____', 'portal', false, 'Забронированный интервал времени прошёл'),
('206', 'Заявитель пришёл, но не был принят по причине, указанной в комментарии к отказу', 'Возврат', 'Обработка заявления',
    '<Комментарии к отказу>', 'agency', true, 'Заявитель не был принят'),
('207', 'Информационная система органа или организации возвращает заявление при наличии ошибок в данных, введенных в интерактивную форму заявления',
    'Возврат', 'Обработка заявления',
    'Заявление не зарегистрировано, проверьте введенные данные <В обязательном порядке указать причину отказа в соответствии с административным регламентом предоставления услуги или исполнения функции или правилами оказания услуги организации или иными нормативными актами.>',
    'agency', true, 'Заявление не зарегистрировано, проверьте введенные данные'),
('208', 'Информационная система органа или организации возвращает ошибку при невозможности забронировать запрашиваемое время',
    'Возврат', 'Обработка заявления', 'Запрашиваемое время не может быть забронировано', 'agency', true,
    'Запрашиваемое время не может быть забронировано'),
('300', 'Заявление находится в процессе отмены', 'В процессе отмены', 'Отмена заявления',
    'Заявление находится в процессе отмены', 'agency', false, 'Заявление находится в процессе отмены'),
('301', 'Заявление отменено заявителем', 'Отменено', 'Отмена заявления', 'Вы удалили своё заявление', 'agency', false,
    'Вы удалили своё заявление'),
('302', 'Заявление отменено по инициативе органа или организации', 'Отменено', 'Отмена заявления',
    'Заявление было отменено по инициативе <Наименование органа или организации>. За дополнительной информацией обращайтесь по <Контакт: номер телефона, адрес.>',
    'agency', true,
    'Заявление было отменено по инициативе {organization}. За дополнительной информацией обращайтесь по {phone}, {address}.'),
('303', 'Заявление отменено', 'Отменено', 'Отмена заявления', 'Заявление отменено', 'both', true, 'Заявление отменено');

create type data.booking_state as enum (
    'ACCEPTED', 'HELD', 'BOOKED', 'INVITED', 'SERVED', 'NO_SHOW', 'NO_DATA', 'NOT_SERVED', 'RETURNED', 'REFUSED',
    'CANCELLING', 'CANCELLED_APPLICANT', 'CANCELLED_AGENCY', 'CANCELLED', 'EXPIRED'
);
alter type data.booking_state owner to zapisd_owner;
revoke all on type data.booking_state from public;
grant usage on type data.booking_state to zapisd_operator, zapisd_auditor;
comment on type data.booking_state is 'Inner states of a booking; data.booking_arrow says what may follow what';

-- Procedural on purpose: as a constraint of data.booking it is looked up, not planned anew by every insert.
create function data.state_code(state data.booking_state) returns text
language plpgsql immutable parallel safe as $$
begin
    return case state
        when 'HELD' then '201' when 'BOOKED' then '201' when 'INVITED' then '201' when 'ACCEPTED' then '100'
        when 'SERVED' then '202' when 'NO_SHOW' then '203' when 'NO_DATA' then '205' when 'NOT_SERVED' then '206'
        when 'RETURNED' then '207' when 'REFUSED' then '208' when 'CANCELLING' then '300'
        when 'CANCELLED_APPLICANT' then '301' when 'CANCELLED_AGENCY' then '302'
        when 'CANCELLED' then '303' when 'EXPIRED' then '303' end;
end $$;
alter function data.state_code(data.booking_state) owner to zapisd_owner;
revoke all on function data.state_code(data.booking_state) from public;
comment on function data.state_code(data.booking_state) is 'The wire status of an inner state: first three digits of status_code';

create table data.booking_arrow (
    old_state data.booking_state not null,
    new_state data.booking_state not null,
    constraint booking_arrow_pkey primary key (old_state, new_state)
);
alter table data.booking_arrow owner to zapisd_owner;
revoke all on data.booking_arrow from public;
grant select on data.booking_arrow to zapisd_operator, zapisd_auditor;
comment on table data.booking_arrow is 'Every change of state there is; a change that is not here is refused by a trigger of data.booking';
comment on column data.booking_arrow.old_state is 'From';
comment on column data.booking_arrow.new_state is 'To';
comment on constraint booking_arrow_pkey on data.booking_arrow is 'An arrow once';

insert into data.booking_arrow (old_state, new_state)
-- the hold: confirmed, found wrong, refused, run out
select 'HELD'::data.booking_state, unnest(array['BOOKED', 'ACCEPTED', 'RETURNED', 'REFUSED', 'EXPIRED']::data.booking_state[])
union all
-- the same bookId lives again
select o, n
from unnest(array['EXPIRED', 'CANCELLED_APPLICANT', 'CANCELLED_AGENCY', 'CANCELLED', 'REFUSED', 'RETURNED']::data.booking_state[]) as o,
    unnest(array['HELD', 'BOOKED', 'ACCEPTED', 'REFUSED', 'RETURNED']::data.booking_state[]) as n
where o <> n
union all
-- the clerk's word on an accepted one
select 'ACCEPTED', unnest(array['BOOKED', 'RETURNED', 'REFUSED']::data.booking_state[])
union all
-- cancellation by the applicant, the agency, or otherwise
select o, n
from unnest(array['HELD', 'BOOKED', 'ACCEPTED', 'INVITED']::data.booking_state[]) as o,
    unnest(array['CANCELLED_APPLICANT', 'CANCELLING', 'CANCELLED_AGENCY', 'CANCELLED']::data.booking_state[]) as n
union all
select 'CANCELLING', unnest(array['CANCELLED_APPLICANT', 'BOOKED']::data.booking_state[])
union all
-- the visit and its outcome
select 'BOOKED', 'INVITED'
union all
select o, n
from unnest(array['BOOKED', 'INVITED']::data.booking_state[]) as o,
    unnest(array['SERVED', 'NO_SHOW', 'NO_DATA', 'NOT_SERVED']::data.booking_state[]) as n
union all
-- a wrong outcome put right
select o, n
from unnest(array['SERVED', 'NO_SHOW', 'NO_DATA', 'NOT_SERVED']::data.booking_state[]) as o,
    unnest(array['SERVED', 'NO_SHOW', 'NO_DATA', 'NOT_SERVED']::data.booking_state[]) as n
where o <> n;
