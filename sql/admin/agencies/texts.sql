-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What citizens read (S4), and the agency's own digits behind a status (S1).

create or replace function admin.set_text(organization_id text, status_code text, comment text) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    unknown text;
begin
    perform data.known_organization(coalesce(organization_id, ''));
    if coalesce(status_code, '') !~ '^[0-9]{3,9}$' or not exists (select from data.status as s where s.code =
        left(status_code, 3)) then
        raise exception 'Данный статус заявления не поддерживается в текущей версии: %', coalesce(status_code, 'null')
            using errcode = 'invalid_parameter_value', hint = 'Статусы: select code, comment from data.status';
    end if;
    select m[1] into unknown from regexp_matches(coalesce(comment, ''), '\{([^{}]*)\}', 'g') as m
    where m[1] not in ('organization', 'contacts', 'address', 'phone', 'date', 'time', 'specialists', 'reason') limit 1;
    if unknown is not null then
        raise exception 'Подстановки {%} нет', unknown using errcode = 'invalid_parameter_value',
            hint = 'Есть: {organization} {contacts} {address} {phone} {date} {time} {specialists} {reason}; часть в [ ] '
                'пропускается, когда подставить нечего';
    end if;
    if coalesce(btrim(comment), '') = '' then
        delete from data.organization_status as t
        where t.organization_id = set_text.organization_id and t.code = set_text.status_code;
        return (select s.template from data.status as s where s.code = left(status_code, 3));
    end if;
    insert into data.organization_status (organization_id, code, comment)
    values (set_text.organization_id, set_text.status_code, set_text.comment)
    on conflict on constraint organization_status_pkey do update set comment = excluded.comment;
    return data.status_text(status_code, organization_id, now(), 'причина', 'Фамилия Имя Отчество');
end $$;
grant execute on function admin.set_text(text, text, text) to zapisd_operator;
comment on function admin.set_text(text, text, text) is
    'set_text(организация, статус, текст): свой текст вместо текста приказа, показывает его заполненным; пустой — снова текст '
        'приказа. Пример: select admin.set_text(''R7700018'', ''201'', ''Ждём Вас {date} в {time}: {organization}, {address}'')';

create or replace function admin.add_status(agency_code text, status_code text, reason text) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    violated text;
    missing text;
begin
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
