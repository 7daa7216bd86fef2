-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- An office from nothing, a command a thing; its hours are in schedule/. Each may be repeated: what is there gets the new values,
-- and keeps what is not said again; a new area without a list of services gets all there are.
-- The constraints of data.* judge the values; what is rare stays an UPDATE of the table (\d+ data.organization tells what there
-- is).

create or replace function admin.add_agency(agency_code text, name text) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    violated text;
    missing text;
begin
    perform data.need_over_all();
    insert into data.agency as a (agency_code, name) values (add_agency.agency_code, add_agency.name)
    on conflict on constraint agency_pkey do update set name = excluded.name;
    return add_agency.agency_code;
exception when integrity_constraint_violation then
    get stacked diagnostics violated = constraint_name, missing = column_name;
    perform data.say_violation(sqlstate, violated, missing, sqlerrm);
end $$;
grant execute on function admin.add_agency(text, text) to zapisd_operator;
comment on function admin.add_agency(text, text) is
    'add_agency(мнемоника СМЭВ, название): ведомство — адресат сообщений. '
        'Пример: select admin.add_agency(''AAAA00001'', ''Примерное ведомство'')';

-- Before it could be told where it is.
drop function if exists admin.add_organization(text, text, text, text, text, text);
create or replace function admin.add_organization(organization_id text, agency_code text, name text, time_zone text,
    address text default null, phone text default null, latitude numeric default null, longitude numeric default null)
    returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    violated text;
    missing text;
begin
    perform data.known_agency(agency_code);
    -- One name space for all agencies: a code is taken by whoever has it.
    if not data.may_see(organization_id) and exists (
        select from data.organization as x -- seen
        where x.organization_id = add_organization.organization_id) then
        raise exception 'Код организации % занят', organization_id using errcode = 'unique_violation',
            hint = 'Ваши: select * from admin.my_offices()';
    end if;
    -- Nor is one taken from its agency by who works for this organization of it alone.
    perform data.known_agency(x.agency_code) from data.my_organization as x
    where x.organization_id = add_organization.organization_id and x.agency_code <> add_organization.agency_code;
    if (latitude is null) <> (longitude is null) then
        perform data.say_violation('23514', 'organization_coordinates_whole', null, null);
    elsif latitude not between -90 and 90 then -- a column of six decimals would say less
        perform data.say_violation('23514', 'organization_latitude_range', null, null);
    elsif longitude not between -180 and 180 then
        perform data.say_violation('23514', 'organization_longitude_range', null, null);
    end if;
    if not data.is_in_russia(latitude, longitude) and data.is_in_russia(longitude, latitude) then
        raise notice 'Широта % и долгота % — не в России, а наоборот — в России: не переставлены ли? Сперва широта', latitude,
            longitude;
    end if;
    insert into data.organization as o (organization_id, agency_code, name, time_zone, address, phone, latitude, longitude)
    values (add_organization.organization_id, add_organization.agency_code, add_organization.name, add_organization.time_zone,
        coalesce(add_organization.address, ''), coalesce(add_organization.phone, ''), add_organization.latitude,
        add_organization.longitude)
    on conflict on constraint organization_pkey do update set agency_code = excluded.agency_code, name = excluded.name,
        time_zone = excluded.time_zone, address = coalesce(add_organization.address, o.address),
        phone = coalesce(add_organization.phone, o.phone), latitude = coalesce(add_organization.latitude, o.latitude),
        longitude = coalesce(add_organization.longitude, o.longitude);
    return add_organization.organization_id;
exception when integrity_constraint_violation then
    get stacked diagnostics violated = constraint_name, missing = column_name;
    if violated = '' and missing = '' then
        raise; -- said above
    end if;
    perform data.say_violation(sqlstate, violated, missing, sqlerrm);
end $$;
grant execute on function admin.add_organization(text, text, text, text, text, text, numeric, numeric) to zapisd_operator;
comment on function admin.add_organization(text, text, text, text, text, text, numeric, numeric) is
    'add_organization(код, ведомство, название, часовой пояс [, адрес [, телефон [, широта, долгота]]]): место приёма. Широта и '
        'долгота — десятичные градусы WGS-84, портал показывает по ним место на карте. '
        'Пример: select admin.add_organization(''R7700099'', ''AAAA00001'', ''Отдел № 99'', ''Europe/Moscow'', ''Примерная '
        'улица, 9'', ''+7 000 000-00-99'', 55.751244, 37.618423)';

create or replace function admin.add_service(organization_id text, service_id text, name text, frgu_number text default null)
    returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    violated text;
    missing text;
begin
    perform data.known_office(organization_id);
    insert into data.service as s (service_id, name, frgu_number)
    values (add_service.service_id, add_service.name, coalesce(add_service.frgu_number, ''))
    on conflict on constraint service_pkey do update set name = excluded.name,
        frgu_number = coalesce(add_service.frgu_number, s.frgu_number)
    where data.is_my_service(s.service_id);
    if not found and exists (select from data.my_service as s where s.service_id = add_service.service_id
        and (s.name <> add_service.name or s.frgu_number <> add_service.frgu_number)) then
        raise notice 'Эту услугу оказывают и другие: название и номер ФРГУ остались прежними';
    end if;
    insert into data.organization_service (organization_id, service_id)
    values (add_service.organization_id, add_service.service_id)
    on conflict do nothing;
    return add_service.service_id;
exception when integrity_constraint_violation then
    get stacked diagnostics violated = constraint_name, missing = column_name;
    perform data.say_violation(sqlstate, violated, missing, sqlerrm);
end $$;
grant execute on function admin.add_service(text, text, text, text) to zapisd_operator;
comment on function admin.add_service(text, text, text, text) is
    'add_service(организация, код услуги, название [, номер ФРГУ]): услуга, которую оказывает организация. '
        'Пример: select admin.add_service(''R7700099'', ''10000593393'', ''Подача заявления'')';

-- Before it could be told what it is.
drop function if exists admin.add_area(text, text, text, integer, text[], text);
create or replace function admin.add_area(organization_id text, area_id text, name text, capacity integer default null,
    services text[] default null, inside text default null, kind text default null) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    violated text;
    missing text;
    parent integer;
    key integer;
    is_new boolean;
    word constant text := data.area_kind(kind);
begin
    perform data.known_office(organization_id);
    -- The next number is taken under the organization's row lock; it is part of slotId and never changes. It does not
    -- keep out whoever refers to the organization, each booking.
    perform from data.my_organization as o where o.organization_id = add_area.organization_id for no key update;
    if inside is not null then
        parent := data.known_area(organization_id, inside);
    end if;
    is_new := not exists (select from data.my_area as a where a.organization_id = add_area.organization_id
        and a.area_id = add_area.area_id and a.removed_at is null);
    insert into data.area as a (organization_id, area_id, number, parent_key, name, capacity, kind)
    values (add_area.organization_id, add_area.area_id,
        (select coalesce(max(x.number), 0) + 1 from data.my_area as x where x.organization_id = add_area.organization_id),
        parent, add_area.name, coalesce(add_area.capacity, 1), word)
    on conflict on constraint area_id_key do update set parent_key = coalesce(excluded.parent_key,
            (select p.area_key from data.my_area as p where p.area_key = a.parent_key and p.removed_at is null)),
        name = excluded.name, capacity = coalesce(add_area.capacity, a.capacity), removed_at = null,
        kind = case when add_area.kind is null then a.kind else word end
    returning a.area_key into key;
    delete from data.my_area_service as v where v.area_key = key and v.service_id <> all (services);
    insert into data.area_service (area_key, organization_id, service_id)
    select key, s.organization_id, x.id
    from unnest(coalesce(services, array(select v.service_id from data.my_organization_service as v
        where is_new and v.organization_id = add_area.organization_id))) as x (id)
    cross join (select add_area.organization_id) as s (organization_id)
    on conflict do nothing;
    perform data.say_closed(key);
    return add_area.area_id;
exception when integrity_constraint_violation then
    get stacked diagnostics violated = constraint_name, missing = column_name;
    perform data.say_violation(sqlstate, violated, missing, sqlerrm);
end $$;
grant execute on function admin.add_area(text, text, text, integer, text[], text, text) to zapisd_operator;
comment on function admin.add_area(text, text, text, integer, text[], text, text) is
    'add_area(организация, код, название [, мест [, услуги [, внутри чего [, вид]]]]): окно, кабинет, зал, специалист; список '
        'услуг заменяет прежний, без него у нового — все услуги организации, у прежнего — какие были. Вид портал показывает в '
        'справочнике помещений: здание, этаж, зал, кабинет, окно, специалист; «нет» — убрать, не указан — какой был. '
        'Пример: select admin.add_area(''R7700099'', ''window-1'', ''Окно 1'', kind => ''окно'')';
