-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Reference books of the operator's own (R1): the book, its attributes, single items. Items may as well be written with plain
-- insert, update and delete on data.ref_item, or come from a CSV file (admin.ref_csv).

create or replace function admin.ref_new(ref_name text, title text, kind text default 'P', agency_code text default null)
    returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    violated text;
    missing text;
begin
    if agency_code is null then
        perform data.need_all();
    else
        perform data.known_agency(agency_code);
    end if;
    insert into data.ref_book (ref_name, title, kind, agency_code) values ($1, $2, $3, $4);
    insert into data.ref_attribute (ref_name, position, name, title, type, allow_filtering) values
        ($1, 1, 'code', 'Код', 'STRING', true), ($1, 2, 'title', 'Наименование', 'STRING', true),
        ($1, 1000, 'isDeleted', 'Элемент удалён', 'BOOLEAN', false);
    return $1;
exception when integrity_constraint_violation then
    get stacked diagnostics violated = constraint_name, missing = column_name;
    perform data.say_violation(sqlstate, violated, missing, sqlerrm);
end $$;
grant execute on function admin.ref_new(text, text, text, text) to zapisd_operator;
comment on function admin.ref_new(text, text, text, text) is
    'ref_new(книга, название [, ''P'' плоская или ''H'' дерево [, ведомство]]): пустой справочник, всех ведомств или одного. '
        'Пример: select admin.ref_new(''reasons'', ''Причины обращения'')';

create or replace function admin.ref_attribute(ref_name text, name text, title text, type text default 'STRING',
    attr_ref_name text default null, allow_filtering boolean default true) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    violated text;
    missing text;
begin
    perform data.ref_own($1);
    insert into data.ref_attribute as a (ref_name, position, name, title, type, attr_ref_name, allow_filtering)
    values ($1, (select coalesce(max(t.position), 0) + 1 from data.my_ref_attribute as t where t.ref_name = $1
        and t.position < 1000),
        $2, $3, $4, $5, $6)
    on conflict on constraint ref_attribute_pkey do update
    set title = excluded.title, type = excluded.type, attr_ref_name = excluded.attr_ref_name,
        allow_filtering = excluded.allow_filtering;
    return $2;
exception when integrity_constraint_violation then
    get stacked diagnostics violated = constraint_name, missing = column_name;
    perform data.say_violation(sqlstate, violated, missing, sqlerrm);
end $$;
grant execute on function admin.ref_attribute(text, text, text, text, text, boolean) to zapisd_operator;
comment on function admin.ref_attribute(text, text, text, text, text, boolean) is
    'ref_attribute(книга, имя, название [, тип [, книга, чьи коды в нём [, можно ли отбирать]]]): атрибут справочника; типы '
        'STRING, LONG, DECIMAL, DATETIME, BOOLEAN. '
        'Пример: select admin.ref_attribute(''reasons'', ''minutes'', ''Минут на приём'', ''LONG'', null, true)';

create or replace function admin.ref_put(ref_name text, code text, title text, attributes jsonb default '{}',
    parent text default null)
returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    parent_item bigint;
    violated text;
    missing text;
begin
    perform data.ref_own($1);
    if code ~ E'[\\u0001-\\u001f\\u007f-\\u009f\\ufffe\\uffff]' then -- before its form is judged
        perform data.say_violation('23514', 'ref_item_code_plain', null, null);
    end if;
    if nullif($5, '') is not null then
        select i.item_id into parent_item from data.my_ref_item as i where i.ref_name = $1 and i.code = $5;
        if not found then
            raise exception 'Справочник %: родительский элемент % не найден', $1, $5 using errcode = 'no_data_found';
        end if;
    end if;
    insert into data.ref_item as t (ref_name, code, title, attributes, parent_id)
        values ($1, $2, $3, coalesce($4, '{}'), parent_item)
    on conflict on constraint ref_item_code_key do update
    set title = excluded.title, attributes = excluded.attributes, parent_id = excluded.parent_id
    where (t.title, t.attributes, t.parent_id) is distinct from (excluded.title, excluded.attributes, excluded.parent_id);
    return (select b.version from data.my_ref_book as b where b.ref_name = $1);
exception when check_violation then
    get stacked diagnostics violated = constraint_name, missing = column_name;
    if right(violated, 6) <> '_plain' then
        raise; -- says what and where by itself
    end if;
    perform data.say_violation(sqlstate, violated, missing, sqlerrm);
end $$;
grant execute on function admin.ref_put(text, text, text, jsonb, text) to zapisd_operator;
comment on function admin.ref_put(text, text, text, jsonb, text) is
    'ref_put(книга, код, название [, атрибуты [, код старшего]]): добавить элемент или изменить тот, что с этим кодом; '
        'возвращает версию. Пример: select admin.ref_put(''reasons'', ''r1'', ''Консультация'', ''{"minutes": "15"}'')';

create or replace function admin.ref_delete(ref_name text, code text) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform data.ref_own($1);
    if exists (select from data.my_ref_item as i join data.my_ref_item as c on c.parent_id = i.item_id
        where i.ref_name = $1 and i.code = $2) then
        raise exception 'Справочник %: под элементом % есть другие', $1, $2 using errcode = 'foreign_key_violation',
            hint = 'Сначала удалите их или перенесите под другой: admin.ref_put';
    end if;
    delete from data.my_ref_item as i where i.ref_name = $1 and i.code = $2;
    if not found then
        raise exception 'Справочник %: элемент % не найден', $1, $2 using errcode = 'no_data_found';
    end if;
    return (select b.version from data.my_ref_book as b where b.ref_name = $1);
end $$;
grant execute on function admin.ref_delete(text, text) to zapisd_operator;
comment on function admin.ref_delete(text, text) is
    'ref_delete(книга, код): удалить элемент, под которым нет других; вызывающие узнают об этом из изменений; возвращает версию. '
        'Пример: select admin.ref_delete(''reasons'', ''r1'')';

create or replace function admin.ref_drop(ref_name text) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    n bigint;
begin
    perform data.ref_own($1);
    delete from data.my_ref_item as i where i.ref_name = $1;
    get diagnostics n = row_count;
    delete from data.my_ref_attribute as a where a.ref_name = $1;
    delete from data.my_ref_book as b where b.ref_name = $1;
    return n;
end $$;
grant execute on function admin.ref_drop(text) to zapisd_operator;
comment on function admin.ref_drop(text) is
    'ref_drop(книга): убрать справочник со всеми версиями, если на него не ссылаются; возвращает, сколько было элементов. '
        'Пример: select admin.ref_drop(''reasons'')';
