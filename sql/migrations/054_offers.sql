-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What the portal asks for before a visit is chosen (Appendix 3, base б of both types): the offices where a service can be had,
-- rooms and specialists told apart. Items are made by sql/afterwards.

insert into data.ref_book (ref_name, title, kind, is_derived) values ('offers', 'Где оказываются услуги', 'P', true);
insert into data.ref_attribute (ref_name, position, name, title, type, attr_ref_name, allow_filtering) values
('offers', 1, 'code', 'Код', 'STRING', null, true),
('offers', 2, 'title', 'Наименование', 'STRING', null, true),
('offers', 3, 'organizationId', 'Организация', 'STRING', 'organizations', true),
('offers', 4, 'serviceId', 'Услуга', 'STRING', 'services', true),
('offers', 1000, 'isDeleted', 'Элемент удалён', 'BOOLEAN', null, false),
('areas', 4, 'kind', 'Вид: building, floor, hall, room, window, specialist', 'STRING', null, true);
comment on column data.ref_item.source_key is
    'Tells equal codes of a derived book apart: the organization of an area or an offer; empty in books of one''s own';

create or replace function data.ref_source_changed() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    organizations text[];
    services text[];
begin
    if tg_op = 'INSERT' then
        organizations := array(select distinct to_jsonb(n) ->> 'organization_id' from new_rows as n);
        services := array(select distinct to_jsonb(n) ->> 'service_id' from new_rows as n);
    elsif tg_op = 'DELETE' then
        organizations := array(select distinct to_jsonb(o) ->> 'organization_id' from old_rows as o);
        services := array(select distinct to_jsonb(o) ->> 'service_id' from old_rows as o);
    elsif tg_op = 'UPDATE' then
        organizations := array(select to_jsonb(n) ->> 'organization_id' from new_rows as n
            union select to_jsonb(o) ->> 'organization_id' from old_rows as o);
        services := array(select to_jsonb(n) ->> 'service_id' from new_rows as n
            union select to_jsonb(o) ->> 'service_id' from old_rows as o);
    end if; -- truncate: everything
    if cardinality(coalesce(organizations, services)) = 0 then
        return null;
    end if;
    case tg_argv[0]
        when 'organization' then
            perform data.ref_derive('organizations', organizations);
            perform data.ref_derive('areas', organizations);
            perform data.ref_derive('services', array(
                select s.service_id from data.organization_service as s where s.organization_id = any (organizations)));
            perform data.ref_derive('offers', organizations);
        when 'timetable' then
            perform data.ref_derive('organizations', organizations);
        when 'service' then
            perform data.ref_derive('services', services);
            if tg_table_name = 'service' then -- where it is offered, under its new name
                organizations := array(select distinct s.organization_id from data.organization_service as s
                    where services is null or s.service_id = any (services));
            end if;
            perform data.ref_derive('offers', organizations);
        when 'area' then
            perform data.ref_derive('areas', organizations);
            perform data.ref_derive('organizations', organizations); -- where a closed area is decides whose hours are left
    end case;
    return null;
end $$;
