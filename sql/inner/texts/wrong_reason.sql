-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What is to be put right in a request, in the words of those who filled in the form (Appendix 1, status 207).

create or replace function data.field_title(p_field text) returns text
language sql immutable parallel safe
return coalesce((array['Номер заявления об электронной записи', 'Учётная запись заявителя', 'Интервал времени', 'Организация',
        'Услуга', 'Помещение', 'Тип учётной записи', 'Категория заявителя', 'Фамилия', 'Имя', 'Отчество',
        'Адрес электронной почты', 'Номер телефона', 'СНИЛС', 'Имя пользователя', 'Документ', 'Документ', 'Тип документа',
        'Серия документа', 'Номер документа', 'Дата выдачи документа', 'Срок действия документа', 'Кем выдан документ',
        'Код подразделения', 'ИНН', 'ИНН организации', 'ОГРН', 'Наименование организации', 'Номер заявления на услугу',
        'Признак предварительной записи', 'Срок предварительной записи', 'Дополнительные сведения', 'Заявление'])[
    array_position(array['bookId', 'esiaId', 'slotId', 'organizationId', 'serviceId', 'areaId', 'userType', 'userKind',
        'lastName', 'firstName', 'middleName', 'email', 'mobilePhone', 'userSnils', 'userLogin', 'userDoc', 'Document', 'docType',
        'docSeries', 'docNumber', 'issueDate', 'validDate', 'issuedBy', 'issueDept', 'userINN', 'businessINN', 'businessOGRN',
        'businessName', 'caseNumber', 'preliminaryReservation', 'preliminaryReservationPeriod', 'attributes', 'bookRequest'],
        p_field)],
    case when p_field ~ '^[A-Za-z_]{1,40}$' then format('Поле %s', p_field) else 'Неизвестное поле' end);
comment on function data.field_title(text) is
    'A field of book (item 19) as a form calls it; of another its name, if it looks like one: people read it';

-- Twenty lines are read by nobody to their end; a form has fewer fields. Words that begin with the field need no heading.
create or replace function data.wrong_reason(p_fields text[], p_words text[]) returns text
language sql immutable parallel safe as $$
    select left(string_agg(case when starts_with(v.words, v.title) then v.words else v.title || ': ' || v.words end, '; '
            order by t.n) filter (where t.n <= 20) || case when count(*) > 20 then '; и другие поля' else '' end, 3000)
    from unnest(p_fields[1:21], p_words[1:21]) with ordinality as t (field, words, n)
    cross join lateral (
        select data.field_title(t.field) as title,
            rtrim(coalesce(nullif(t.words, ''), 'Недопустимое значение поля'), '.') as words
    ) as v
    where t.field is not null
$$;
comment on function data.wrong_reason(text[], text[]) is
    'Fields and what is wrong with each as one text without any value of them; null: none';

-- An organization may have written a text of its own that has no place for it.
create or replace function data.text_with_reason(p_text text, p_reason text) returns text
language sql immutable parallel safe
return case when coalesce(p_reason, '') = '' or strpos(p_text, p_reason) > 0 then p_text
    else left(rtrim(p_text, ' .'), 3998 - length(p_reason)) || '. ' || p_reason end;
comment on function data.text_with_reason(text, text) is 'A text that is to tell a reason, and does';
