-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- An area that is no more (O3, R3). History refers to its slots, and its number is part of theirs: so the row stays, and
-- admin.add_area makes it an area again.

create or replace function admin.remove_area(organization_id text, area_id text) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    key constant integer := data.known_area(organization_id, area_id);
    o constant data.organization := data.known_organization(organization_id);
    ids uuid[];
    visits bigint;
    inner_ids text;
begin
    -- As admin.add_area: nobody puts another into it meanwhile.
    perform from data.my_organization as t where t.organization_id = o.organization_id for no key update;
    inner_ids := (select string_agg(a.area_id, ', ' order by a.area_id) from data.my_area as a
        where a.parent_key = key and a.removed_at is null);
    if inner_ids is not null then
        raise exception 'В помещении % есть другие: %', remove_area.area_id, inner_ids using errcode = 'object_in_use',
            hint = 'Сначала уберите их или перенесите: admin.add_area(организация, код, название, inside => …)';
    end if;
    delete from data.my_timetable as t where t.area_key = key;
    delete from data.my_special_day as d where d.area_key = key;
    delete from data.my_area_service as v where v.area_key = key;
    update data.my_area as a set removed_at = clock_timestamp() where a.area_key = key;
    -- Whoever makes slots of it just now is waited for, and so is whoever is booking one of them, who is counted.
    perform pg_advisory_xact_lock(hashtextextended('slots of ' || o.organization_id, 0));
    ids := array(select x.slot_id from (select s.slot_id from data.my_slot as s
        where s.organization_id = o.organization_id and s.area_key = key and s.ends_at > clock_timestamp()
        order by s.slot_id for no key update) as x);
    visits := (select count(distinct p.book_key) from data.my_place as p
        where p.slot_id = any (ids) and (p.hold_until is null or p.hold_until > clock_timestamp()));
    if visits > 0 then
        raise exception 'В помещении % ещё ждут посетителей, записей: %', remove_area.area_id, visits
            using errcode = 'object_in_use',
            hint = format('Перенести или отменить: select * from admin.close_area(%L, %L, current_date, null, ''причина'', '
                'apply => true)', o.organization_id, remove_area.area_id);
    end if;
    update data.my_slot as s set is_closed = true, is_withdrawn = true where s.slot_id = any (ids);
    return remove_area.area_id;
end $$;
grant execute on function admin.remove_area(text, text) to zapisd_operator;
comment on function admin.remove_area(text, text) is
    'remove_area(организация, помещение): убрать помещение насовсем: из расписания, записи и справочника; история остаётся. Пока '
        'в нём ждут посетителей, откажет и скажет, сколько их. Вернуть: add_area. '
        'Пример: select admin.remove_area(''R7700018'', ''room-12'')';
