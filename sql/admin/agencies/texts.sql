-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What citizens read (S4), and the agency's own digits behind a status (S1).

create or replace function admin.set_text(organization_id text, status_code text, comment text) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    violated text;
    missing text;
    unknown text;
    state data.booking_state;
    code text := status_code;
    key constant text := data.text_key(status_code);
    words text := data.visible(comment);
    added text;
    shown text;
begin
    perform data.plain_words(comment);
    perform data.known_organization(coalesce(organization_id, ''));
    if key !~ '^[0-9]' then
        state := key;
        code := data.state_code(state);
    elsif key is null or not exists (select from data.status as s where s.code = left(key, 3)) then
        raise exception 'Данный статус заявления не поддерживается в текущей версии: %', coalesce(status_code, 'null')
            using errcode = 'invalid_parameter_value', hint = 'Статусы: select code, comment from data.status; '
                'состояния со своим текстом: HELD, BOOKED, INVITED (201), CANCELLED, EXPIRED (303)';
    end if;
    select m[1] into unknown from regexp_matches(coalesce(comment, ''), E'\\{([^{}]*)\\}', 'g') as m
    where m[1] <> all (data.text_placeholders()) limit 1;
    if unknown is not null then
        raise exception 'Подстановки {%} нет', unknown using errcode = 'invalid_parameter_value',
            hint = 'Есть: {' || array_to_string(data.text_placeholders(), '} {') || '}; часть в [ ] '
                'пропускается, когда подставить нечего';
    end if;
    if words is null then
        delete from data.my_organization_status as t
        where t.organization_id = set_text.organization_id and t.code = key;
        return data.text_template(code, set_text.organization_id, state);
    end if;
    added := (select string_agg(format('«%s»', btrim(u.says, '[]. ')), ', ' order by u.n) from data.text_unsaid(key, words) as u);
    words := data.text_said(key, words);
    shown := data.text_filled(words, set_text.organization_id, now(), 'причина', 'Фамилия Имя Отчество', null,
        'Корпус 1, этаж 2, кабинет 12, окно 3', 'Название услуги', 'А-1', now(), 15);
    if length(words) > 3000 or length(shown) > 3000 then -- a reason has its place behind it (docs/limits.md)
        raise exception 'Текст слишком длинный: с тем, что требует приказ, % знаков, а можно 3000', greatest(length(words),
            length(shown)) using errcode = 'invalid_parameter_value', hint = 'Остальное скажите короче';
    end if;
    insert into data.organization_status (organization_id, code, comment)
    values (set_text.organization_id, key, words)
    on conflict on constraint organization_status_pkey do update set comment = excluded.comment;
    if added is not null then
        raise notice 'Приказ № 329 (приложение 1) требует сказать и это, добавлено: %', added;
    end if;
    return shown;
exception when integrity_constraint_violation then
    get stacked diagnostics violated = constraint_name, missing = column_name;
    perform data.say_violation(sqlstate, violated, missing, sqlerrm);
end $$;
grant execute on function admin.set_text(text, text, text) to zapisd_operator;
comment on function admin.set_text(text, text, text) is
    'set_text(организация, статус или состояние, текст): свой текст вместо текста приказа, показывает его заполненным; '
        'пустой — снова текст приказа. Чего требует приказ, а в тексте нет, добавляется. HELD, BOOKED и INVITED '
        '(приглашение) делят статус 201, CANCELLED и EXPIRED — 303. '
        'Пример: select admin.set_text(''R7700018'', ''201'', ''Ждём Вас {date} в {time}: {organization}, {address}'')';

create or replace function admin.add_status(agency_code text, status_code text, reason text) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    violated text;
    missing text;
begin
    perform data.known_agency(agency_code);
    if data.visible(reason) is null then
        perform data.say_violation('23514', 'status_detail_reason_filled', null, null);
    end if;
    insert into data.status_detail (agency_code, code, reason)
    values (add_status.agency_code, add_status.status_code, add_status.reason)
    on conflict on constraint status_detail_pkey do update set reason = excluded.reason;
    return add_status.status_code;
exception when integrity_constraint_violation then
    get stacked diagnostics violated = constraint_name, missing = column_name;
    perform data.say_violation(sqlstate, violated, missing, sqlerrm);
end $$;
grant execute on function admin.add_status(text, text, text) to zapisd_operator;
comment on function admin.add_status(text, text, text) is
    'add_status(ведомство, статус со своими цифрами, причина): уточнение статуса; строгая проверка — update data.agency set '
        'strict_sub_codes = true. '
        'Пример: select admin.add_status(''AAAA00001'', ''206001'', ''Нет документа, удостоверяющего личность'')';
