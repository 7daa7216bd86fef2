-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Weekly hours (T2, O3). Each command may be repeated; the last word counts.

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
    had smallint[];
    made integer := 0;
begin
    key := data.known_area(organization_id, area_id);
    had := data.hours_serials(key, set_hours.service_id);
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
        insert into data.timetable (area_key, organization_id, weekday, starts, ends, slot_min, service_id, capacity, serial)
        select key, set_hours.organization_id, d, split_part(part, '-', 1)::time, part_ends, set_hours.slot_min,
            set_hours.service_id, set_hours.capacity, data.hours_serial(key, d, split_part(part, '-', 1)::time, part_ends,
                null, null, had)
        from unnest(wanted) as d;
        made := made + cardinality(wanted);
        last_end := part_ends;
    end loop;
    return made;
exception when integrity_constraint_violation then
    get stacked diagnostics violated = constraint_name, missing = column_name;
    perform data.say_violation(sqlstate, violated, missing, sqlerrm);
end $$;
grant execute on function admin.set_hours(text, text, text, text, integer, text, integer) to zapisd_operator;
comment on function admin.set_hours(text, text, text, text, integer, text, integer) is
    'set_hours(организация, помещение, дни, часы, минут на приём [, услуга [, мест]]): недельное расписание вместо прежнего на '
        'эти дни; интервалы делает generate. '
        'Пример: select admin.set_hours(''R7700099'', ''window-1'', ''пн-пт'', ''9:00-13:00, 14:00-18:00'', 15)';

create or replace function admin.set_hours_for(organization_id text, area_id text, from_day date, to_day date, days text,
    hours text, slot_min integer, service_id text default null, capacity integer default null)
returns integer language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    violated text;
    missing text;
    wanted constant smallint[] := data.weekdays(days);
    key integer;
    t data.timetable;
    had smallint[];
    made integer;
begin
    key := data.known_area(organization_id, area_id);
    had := data.hours_serials(key, set_hours_for.service_id);
    if from_day > to_day or from_day is null and to_day is null or not isfinite(from_day) or not isfinite(to_day) then
        raise exception 'С % по %: нужен срок', coalesce(from_day::text, '?'), coalesce(to_day::text, '?')
            using errcode = 'invalid_parameter_value', hint = 'Без срока: admin.set_hours; без конца: второй день null';
    end if;
    -- What was in force at that time ends before it and begins again after it.
    for t in
        select * from data.timetable as x
        where x.area_key = key and x.weekday = any (wanted) and x.service_id is not distinct from set_hours_for.service_id
            and daterange(x.valid_from, x.valid_to, '[]') && daterange(from_day, to_day, '[]')
    loop
        delete from data.timetable as x where x.timetable_id = t.timetable_id;
        insert into data.timetable (area_key, organization_id, weekday, starts, ends, slot_min, service_id, capacity, serial,
            valid_from, valid_to)
        select key, t.organization_id, t.weekday, t.starts, t.ends, t.slot_min, t.service_id, t.capacity, t.serial,
            v.valid_from, v.valid_to
        from (values (t.valid_from, from_day - 1, from_day > coalesce(t.valid_from, '-infinity')),
            (to_day + 1, t.valid_to, to_day < coalesce(t.valid_to, 'infinity'))) as v (valid_from, valid_to, is_left)
        where v.is_left;
    end loop;
    if lower(btrim(coalesce(hours, ''))) in ('', 'нет') then
        return 0;
    end if;
    insert into data.timetable (area_key, organization_id, weekday, starts, ends, slot_min, service_id, capacity,
        serial, valid_from, valid_to)
    select key, set_hours_for.organization_id, d, p.starts, p.ends, set_hours_for.slot_min, set_hours_for.service_id,
        set_hours_for.capacity, data.hours_serial(key, d, p.starts, p.ends, from_day, to_day, had), from_day, to_day
    from unnest(wanted) as d, data.parse_hours(hours) as p;
    get diagnostics made = row_count;
    return made;
exception when integrity_constraint_violation then
    get stacked diagnostics violated = constraint_name, missing = column_name;
    perform data.say_violation(sqlstate, violated, missing, sqlerrm);
end $$;
grant execute on function admin.set_hours_for(text, text, date, date, text, text, integer, text, integer) to zapisd_operator;
comment on function admin.set_hours_for(text, text, date, date, text, text, integer, text, integer) is
    'set_hours_for(организация, помещение, с дня, по день или null, дни, часы, минут на приём [, услуга [, мест]]): недельное '
        'расписание на срок; прежнее действует до и после него. '
        'Пример: select admin.set_hours_for(''R7700018'', ''room-11'', ''2027-06-01'', ''2027-08-31'', ''пн-пт'', '
        '''9:00-15:00'', 15)';
