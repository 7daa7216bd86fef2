-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What a text of a status has to say, whoever has written it: note 1 of Appendix 1 leaves to be defined what stands in «<>», and
-- nothing else (docs/decisions/0116). What is sent is filled up by it (data.text_template), a text is kept as it was filled up
-- (admin.set_text), and one that was not is told (data.texts_unsaid).

-- says: what is put there, before the text or behind it. pattern: what is looked for in what always stays of a text (ё as е, any
-- case): the order's words begin it; in a gap of theirs there is what the organization likes.
create or replace function data.text_duties() returns table (n integer, key text, is_before boolean, says text, pattern text)
language sql immutable parallel safe as $$
    values
    (1, '100', true, 'Ваше заявление успешно зарегистрировано и ожидает рассмотрения специалистом',
        '^Ваше заявление успешно зарегистрировано и ожидает рассмотрения специалистом'),
    (2, 'INVITED', true, 'Приглашаем Вас получить запрашиваемую услугу или функцию',
        '^Приглашаем Вас получить запрашиваемую услугу или функцию'),
    (3, 'INVITED', false, '[. Адрес: {address}]', '[{]address[}]'),
    (4, 'INVITED', false, '. Время: {date} в {time}', '^(?=.*[{]date[}]).*[{]time[}]'),
    (5, '202', true, 'Время посещения {organization} в соответствии с забронированным интервалом времени: {time}',
        '^Время посещения [^ ].*? в соответствии с забронированным интервалом времени: ?[^ ]*?[{]time[}]'),
    (6, '203', true, 'Зарегистрирован факт неявки в {organization} в забронированный интервал времени: {time}',
        '^Зарегистрирован факт неявки в [^ ].*? в забронированный интервал времени: ?[^ ]*?[{]time[}]'),
    (7, '206', false, '[. {reason}]', '[{]reason[}]'),
    (8, '207', true, 'Заявление не зарегистрировано, проверьте введенные данные',
        '^Заявление не зарегистрировано, проверьте введенные данные'),
    (9, '207', false, '[. {reason}]', '[{]reason[}]'),
    (10, '208', true, 'Запрашиваемое время не может быть забронировано', '^Запрашиваемое время не может быть забронировано'),
    (11, '208', false, '[. {reason}]', '[{]reason[}]'),
    (12, '300', true, 'Заявление находится в процессе отмены', '^Заявление находится в процессе отмены'),
    (13, '301', true, 'Вы удалили своё заявление', '^Вы удалили своё заявление'),
    (14, '302', true, 'Заявление было отменено по инициативе {organization}', '^Заявление было отменено по инициативе [^ ]'),
    (15, '302', false, '[. {reason}]', '[{]reason[}]'),
    (16, '302', false, '. За дополнительной информацией обращайтесь по {contacts}',
        'За дополнительной информацией обращайтесь по:? [^ ]'),
    (17, '303', true, 'Заявление отменено', '^Заявление отменено'),
    (18, '303', false, '[. {reason}]', '[{]reason[}]'),
    (19, 'EXPIRED', true, 'Заявление отменено', '^Заявление отменено')
$$;
comment on function data.text_duties() is
    'Appendix 1 by status, or by state where one has words of its own: what is to be said, and how it is known that it is (S4)';

-- A part in [ ] goes when something in it has no value: it counts when it names nothing but what always has one.
create or replace function data.text_least(t text, p_named text[]) returns text
language plpgsql immutable parallel safe as $$
declare
    part text;
begin
    loop
        part := substring(t from E'\\[[^][]*\\]');
        exit when part is null;
        t := overlay(t placing case when exists (select from regexp_matches(part, '[{]([^{}]*)[}]', 'g') as m (name)
                where m.name[1] <> all (p_named)) then '' else substr(part, 2, length(part) - 2) end
            from position(part in t) for length(part));
    end loop;
    return btrim(t);
end $$;
comment on function data.text_least(text, text[]) is 'What is sent of a text at the least, when these placeholders have values';

-- A text for digits of the agency's own is a reason by itself (note 2).
create or replace function data.text_unsaid(p_key text, p_text text) returns table (n integer, is_before boolean, says text)
language plpgsql immutable parallel safe as $$
begin
    if p_key like '201%' or p_key in ('BOOKED', 'HELD') then
        return; -- of 201 the order knows the invitation alone
    end if;
    return query
        select d.n, d.is_before, d.says from data.text_duties() as d
        where d.key = case when p_key ~ '^[0-9]' then left(p_key, 3) when p_key = 'CANCELLED' then '303' else p_key end
            and (d.pattern <> '[{]reason[}]' or length(p_key) = 3 or p_key !~ '^[0-9]')
            and replace(data.text_least(p_text, '{organization,contacts,date,time}'
                || array(select m.name[1] from regexp_matches(d.says, '[{]([^{}]*)[}]', 'g') as m (name))), 'ё', 'е')
                !~* replace(d.pattern, 'ё', 'е')
        order by d.n;
end $$;
comment on function data.text_unsaid(text, text) is
    'What a text for this status or state leaves out of what the order wants said (Appendix 1); none: nothing';

create or replace function data.text_said(p_key text, p_text text) returns text
language plpgsql immutable parallel safe as $$
declare
    first text;
    rest text;
begin
    select string_agg(u.says || '. ', '' order by u.n) filter (where u.is_before),
        string_agg(u.says, '' order by u.n) filter (where not u.is_before)
    into first, rest from data.text_unsaid(p_key, p_text) as u;
    return concat(first, case when rest is null then p_text else rtrim(p_text, E' .\n\t') end, rest);
end $$;
comment on function data.text_said(text, text) is 'A text with what the order wants said and it leaves out (Appendix 1)';
