-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- An office from nothing, a command a thing. Each may be repeated: what is there gets the new values. The constraints of
-- data.* judge the values; what is rare stays an UPDATE of the table (\d+ data.organization tells what there is).

create or replace function admin.add_agency(agency_code text, name text) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    violated text;
    missing text;
begin
    insert into data.agency as a (agency_code, name) values (add_agency.agency_code, add_agency.name)
    on conflict on constraint agency_pkey do update set name = excluded.name;
    return add_agency.agency_code;
exception when integrity_constraint_violation then
    get stacked diagnostics violated = constraint_name, missing = column_name;
    perform data.say_violation(sqlstate, violated, missing, sqlerrm);
end $$;
alter function admin.add_agency(text, text) owner to zapisd_owner;
revoke all on function admin.add_agency(text, text) from public;
grant execute on function admin.add_agency(text, text) to zapisd_operator;
comment on function admin.add_agency(text, text) is
    'add_agency(мнемоника СМЭВ, название): ведомство — адресат сообщений. Пример: select admin.add_agency(''AAAA00001'', ''Примерное ведомство'')';

create or replace function admin.add_organization(organization_id text, agency_code text, name text, time_zone text,
    address text default '', phone text default '') returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    violated text;
    missing text;
begin
    insert into data.organization as o (organization_id, agency_code, name, time_zone, address, phone)
    values (add_organization.organization_id, add_organization.agency_code, add_organization.name, add_organization.time_zone,
        add_organization.address, add_organization.phone)
    on conflict on constraint organization_pkey do update set agency_code = excluded.agency_code, name = excluded.name,
        time_zone = excluded.time_zone, address = excluded.address, phone = excluded.phone;
    return add_organization.organization_id;
exception when integrity_constraint_violation then
    get stacked diagnostics violated = constraint_name, missing = column_name;
    perform data.say_violation(sqlstate, violated, missing, sqlerrm);
end $$;
alter function admin.add_organization(text, text, text, text, text, text) owner to zapisd_owner;
revoke all on function admin.add_organization(text, text, text, text, text, text) from public;
grant execute on function admin.add_organization(text, text, text, text, text, text) to zapisd_operator;
comment on function admin.add_organization(text, text, text, text, text, text) is
    'add_organization(код, ведомство, название, часовой пояс [, адрес [, телефон]]): место приёма. Пример: select admin.add_organization(''R7700099'', ''AAAA00001'', ''Отдел № 99'', ''Europe/Moscow'', ''Примерная улица, 9'', ''+7 000 000-00-99'')';

create or replace function admin.add_service(organization_id text, service_id text, name text, frgu_number text default null) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    violated text;
    missing text;
begin
    insert into data.service as s (service_id, name, frgu_number)
    values (add_service.service_id, add_service.name, coalesce(add_service.frgu_number, ''))
    on conflict on constraint service_pkey do update set name = excluded.name,
        frgu_number = coalesce(add_service.frgu_number, s.frgu_number);
    insert into data.organization_service (organization_id, service_id)
    values (add_service.organization_id, add_service.service_id)
    on conflict do nothing;
    return add_service.service_id;
exception when integrity_constraint_violation then
    get stacked diagnostics violated = constraint_name, missing = column_name;
    perform data.say_violation(sqlstate, violated, missing, sqlerrm);
end $$;
alter function admin.add_service(text, text, text, text) owner to zapisd_owner;
revoke all on function admin.add_service(text, text, text, text) from public;
grant execute on function admin.add_service(text, text, text, text) to zapisd_operator;
comment on function admin.add_service(text, text, text, text) is
    'add_service(организация, код услуги, название [, номер ФРГУ]): услуга, которую оказывает организация. Пример: select admin.add_service(''R7700099'', ''10000593393'', ''Подача заявления'')';

create or replace function admin.add_area(organization_id text, area_id text, name text, capacity integer default 1,
    services text[] default null, inside text default null) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    violated text;
    missing text;
    parent integer;
    key integer;
begin
    if inside is not null then
        parent := data.known_area(organization_id, inside);
    end if;
    -- The next number is taken under the organization's row lock; it is part of slotId and never changes.
    perform from data.organization as o where o.organization_id = add_area.organization_id for update;
    insert into data.area as a (organization_id, area_id, number, parent_key, name, capacity)
    values (add_area.organization_id, add_area.area_id,
        (select coalesce(max(x.number), 0) + 1 from data.area as x where x.organization_id = add_area.organization_id),
        parent, add_area.name, add_area.capacity)
    on conflict on constraint area_id_key do update set parent_key = coalesce(excluded.parent_key, a.parent_key), name = excluded.name,
        capacity = excluded.capacity
    returning a.area_key into key;
    insert into data.area_service (area_key, organization_id, service_id)
    select key, s.organization_id, x.id
    from unnest(coalesce(services, array(select v.service_id from data.organization_service as v
        where v.organization_id = add_area.organization_id))) as x (id)
    cross join (select add_area.organization_id) as s (organization_id)
    on conflict do nothing;
    return add_area.area_id;
exception when integrity_constraint_violation then
    get stacked diagnostics violated = constraint_name, missing = column_name;
    perform data.say_violation(sqlstate, violated, missing, sqlerrm);
end $$;
alter function admin.add_area(text, text, text, integer, text[], text) owner to zapisd_owner;
revoke all on function admin.add_area(text, text, text, integer, text[], text) from public;
grant execute on function admin.add_area(text, text, text, integer, text[], text) to zapisd_operator;
comment on function admin.add_area(text, text, text, integer, text[], text) is
    'add_area(организация, код, название [, мест [, услуги [, внутри чего]]]): окно, кабинет, зал, специалист; без списка услуг — все услуги организации. Пример: select admin.add_area(''R7700099'', ''window-1'', ''Окно 1'')';

create or replace function data.weekdays(p_days text) returns smallint[]
language plpgsql immutable as $$
declare
    names constant text[] := array['пн', 'вт', 'ср', 'чт', 'пт', 'сб', 'вс', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun', '1', '2', '3', '4', '5', '6', '7'];
    part text;
    first_day integer;
    last_day integer;
    days smallint[] := '{}';
begin
    foreach part in array regexp_split_to_array(lower(btrim(coalesce(p_days, ''))), '\s*,\s*') loop
        first_day := (array_position(names, btrim(split_part(translate(part, '–—', '--'), '-', 1))) - 1) % 7 + 1;
        last_day := (array_position(names, btrim(coalesce(nullif(split_part(translate(part, '–—', '--'), '-', 2), ''), split_part(part, '-', 1)))) - 1) % 7 + 1;
        if first_day is null or last_day is null or last_day < first_day or translate(part, '–—', '--') like '%-%-%' then
            raise exception 'Дни недели: %', coalesce(p_days, 'null') using errcode = 'invalid_parameter_value',
                hint = 'Так: пн-пт или пн, ср, пт или сб; можно mon-fri или 1-5';
        end if;
        days := days || array(select d::smallint from generate_series(first_day, last_day) as d);
    end loop;
    return array(select distinct d from unnest(days) as d order by d);
end $$;
alter function data.weekdays(text) owner to zapisd_owner;
revoke all on function data.weekdays(text) from public;
comment on function data.weekdays(text) is 'Numbers of the days of the week in a text such as "пн-пт, вс", "mon-fri" or "1-5, 7"';

create or replace function admin.set_hours(organization_id text, area_id text, days text, hours text, slot_min integer,
    service_id text default null, capacity integer default null)
returns integer language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    violated text;
    missing text;
    wanted constant smallint[] := data.weekdays(days);
    key integer;
    part text;
    part_ends time;
    last_end time := null;
    made integer := 0;
begin
    key := data.known_area(organization_id, area_id);
    delete from data.timetable as t
    where t.area_key = key and t.weekday = any (wanted) and t.service_id is not distinct from set_hours.service_id
        and t.valid_from is null and t.valid_to is null;
    if lower(btrim(coalesce(hours, ''))) in ('', 'нет') then
        return 0;
    end if;
    foreach part in array regexp_split_to_array(translate(btrim(hours), '–—', '--'), '\s*,\s*') loop
        if part !~ '^[0-9]{1,2}:[0-9]{2}\s*-\s*[0-9]{1,2}:[0-9]{2}$' then
            raise exception 'Часы приёма: %', hours using errcode = 'invalid_parameter_value',
                hint = 'Так: 9:00-13:00, 14:00-18:00; перерыв — это промежуток; нет — убрать';
        end if;
        if part !~ '^([01]?[0-9]|2[0-3]):[0-5][0-9]\s*-\s*(([01]?[0-9]|2[0-3]):[0-5][0-9]|24:00)$' then
            raise exception 'Такого времени нет: %', part using errcode = 'datetime_field_overflow', hint = 'От 0:00 до 24:00';
        end if;
        part_ends := split_part(part, '-', 2)::time;
        if split_part(part, '-', 1)::time < last_end then
            raise exception 'Часы приёма пересекаются: %', hours using errcode = 'invalid_parameter_value',
                hint = 'По порядку, одни после других: 9:00-13:00, 14:00-18:00';
        end if;
        -- Beside hours of other services or other dates that start together, this one has a serial of its own.
        insert into data.timetable (area_key, organization_id, weekday, starts, ends, slot_min, service_id, capacity, serial)
        select key, set_hours.organization_id, d, split_part(part, '-', 1)::time, part_ends, set_hours.slot_min, set_hours.service_id,
            set_hours.capacity, coalesce((select max(t.serial) + 1 from data.timetable as t
                where t.area_key = key and t.weekday = d and t.starts = split_part(part, '-', 1)::time), 0)
        from unnest(wanted) as d;
        made := made + cardinality(wanted);
        last_end := part_ends;
    end loop;
    return made;
exception when integrity_constraint_violation then
    get stacked diagnostics violated = constraint_name, missing = column_name;
    perform data.say_violation(sqlstate, violated, missing, sqlerrm);
end $$;
alter function admin.set_hours(text, text, text, text, integer, text, integer) owner to zapisd_owner;
revoke all on function admin.set_hours(text, text, text, text, integer, text, integer) from public;
grant execute on function admin.set_hours(text, text, text, text, integer, text, integer) to zapisd_operator;
comment on function admin.set_hours(text, text, text, text, integer, text, integer) is
    'set_hours(организация, помещение, дни, часы, минут на приём [, услуга [, мест]]): недельное расписание вместо прежнего на эти дни; интервалы делает generate. Пример: select admin.set_hours(''R7700099'', ''window-1'', ''пн-пт'', ''9:00-13:00, 14:00-18:00'', 15)';
