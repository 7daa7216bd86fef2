-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What an organization says of the intervals of an area beside their time (item 18).

create or replace function admin.slot_attribute(organization_id text, area_id text, name text, value text default null)
returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    key constant integer := data.known_area(organization_id, area_id);
    violated text;
    missing text;
begin
    -- In the order of the first naming, so that a new value does not move it.
    update data.my_area as a
    set slot_attributes = (
        select jsonb_agg(jsonb_build_object('name', t.name, 'value', t.value) order by t.n)
        from (
            select i.n, i.item ->> 'name' as name,
                case when i.item ->> 'name' = slot_attribute.name then slot_attribute.value
                    else i.item ->> 'value' end as value
            from jsonb_array_elements(a.slot_attributes) with ordinality as i (item, n)
            union all
            select 1000, slot_attribute.name, slot_attribute.value
            where not coalesce(a.slot_attributes @> jsonb_build_array(jsonb_build_object('name', slot_attribute.name)), false)
        ) as t
        where t.value <> '')
    where a.area_key = key;
    return slot_attribute.area_id;
exception when integrity_constraint_violation then
    get stacked diagnostics violated = constraint_name, missing = column_name;
    perform data.say_violation(sqlstate, violated, missing, sqlerrm);
end $$;
grant execute on function admin.slot_attribute(text, text, text, text) to zapisd_operator;
comment on function admin.slot_attribute(text, text, text, text) is
    'slot_attribute(организация, помещение, имя [, значение]): атрибут интервалов помещения в ответах порталу; '
    'без значения атрибут убирается. Пример: select admin.slot_attribute(''R7700099'', ''window-1'', ''entrance'', ''со двора'')';

create or replace function admin.queue_numbers(organization_id text, area_id text, prefix text default null) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    key constant integer := data.known_area(organization_id, area_id);
    violated text;
    missing text;
begin
    update data.my_area as a set queue_prefix = queue_numbers.prefix where a.area_key = key;
    return queue_numbers.area_id;
exception when integrity_constraint_violation then
    get stacked diagnostics violated = constraint_name, missing = column_name;
    perform data.say_violation(sqlstate, violated, missing, sqlerrm);
end $$;
grant execute on function admin.queue_numbers(text, text, text) to zapisd_operator;
comment on function admin.queue_numbers(text, text, text) is
    'queue_numbers(организация, помещение [, перед номером]): где на одно время записаны несколько человек, '
    'ответ о записи называет номер в очереди; без последнего — номеров нет. '
    'Пример: select admin.queue_numbers(''R7700099'', ''hall'', ''А-'')';
