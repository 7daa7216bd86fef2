-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Slots from the weekly timetable, in the organization's wall time (T2). Repeatable: a slot that is there is left as it
-- is, whatever the timetable says now. A wall time that does not exist that day (clocks put forward), or an interval that
-- the change would stretch or shrink, is left out; of a wall time that comes twice the second is meant, as the server does.

create or replace function admin.generate(organization_id text, from_day date, to_day date) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    o data.organization;
    made bigint;
begin
    select * into o from data.organization as t where t.organization_id = generate.organization_id;
    if not found then
        raise exception 'organization % is not known', generate.organization_id using errcode = 'no_data_found';
    end if;
    if from_day is null or to_day is null or to_day < from_day or to_day - from_day > 400 then
        raise exception 'days % to %: want at most 400 days in order', from_day, to_day
            using errcode = 'invalid_parameter_value';
    end if;
    insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at, service_id, capacity, serial)
    select data.slot_uuid(i.at, o.number, a.number, t.serial), o.organization_id, t.area_key, i.at, i.at + i.length,
        t.service_id, coalesce(t.capacity, a.capacity), t.serial
    from generate_series(from_day::timestamp, to_day::timestamp, interval '1 day') as d (day)
    join data.timetable as t on t.organization_id = o.organization_id and t.weekday = extract(isodow from d.day)
        and (t.valid_from is null or t.valid_from <= d.day::date) and (t.valid_to is null or t.valid_to >= d.day::date)
    join data.area as a on a.area_key = t.area_key
    cross join lateral generate_series(d.day + t.starts, d.day + t.ends - make_interval(mins => t.slot_min),
        make_interval(mins => t.slot_min)) as w (wall)
    cross join lateral (
        select w.wall at time zone o.time_zone as at, make_interval(mins => t.slot_min) as length
    ) as i
    where i.at at time zone o.time_zone = w.wall
        and (i.at + i.length) at time zone o.time_zone = w.wall + i.length
        and not exists (select from data.day_off as f where f.organization_id = o.organization_id and f.day = d.day::date)
    order by i.at, a.number
    on conflict do nothing;
    get diagnostics made = row_count;
    return made;
end $$;
alter function admin.generate(text, date, date) owner to zapisd_owner;
revoke all on function admin.generate(text, date, date) from public;
grant execute on function admin.generate(text, date, date) to zapisd_operator;
comment on function admin.generate(text, date, date) is
    'generate(organization_id, from_day, to_day): makes the slots of these days from the timetable; returns how many were new';
