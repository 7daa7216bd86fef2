-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Contents of the built-in reference books (R1, R4, R5), read from the tables they are about: they cannot fall out of
-- step. Working hours are those of the timetable the slots come from; a break is a gap between its rows.

create or replace function data.working_hours(p_organization_id text) returns jsonb
language sql stable parallel safe as $$
    with hours as (
        select t.weekday, range_agg(int4range(extract(epoch from t.starts)::integer / 60, extract(epoch from t.ends)::integer / 60)) as mr
        from data.timetable as t
        where t.organization_id = p_organization_id
            and (t.valid_from is null or t.valid_from <= current_date) and (t.valid_to is null or t.valid_to >= current_date)
        group by t.weekday
    ), days as (
        select d.abbreviation, h.mr, lower(h.mr) as starts, upper(h.mr) as ends,
            -- the longest gap is the dinner
            (select g from unnest(int4multirange(range_merge(h.mr)) - h.mr) as g order by upper(g) - lower(g) desc, g limit 1) as gap
        from unnest(array['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']) with ordinality as d (abbreviation, weekday)
        left join hours as h on h.weekday = d.weekday
    )
    select jsonb_object_agg(d.abbreviation || v.name, v.value)
    from days as d
    cross join lateral (values
        ('IsWorking', (d.mr is not null)::text), ('Start', data.clock_text(d.starts)), ('End', data.clock_text(d.ends)),
        ('HasDinner', (d.gap is not null)::text), ('DinnerStart', data.clock_text(lower(d.gap))),
        ('DinnerEnd', data.clock_text(upper(d.gap)))) as v (name, value)
    where v.value is not null
$$;
alter function data.working_hours(text) owner to zapisd_owner;
revoke all on function data.working_hours(text) from public;
comment on function data.working_hours(text) is 'monIsWorking ... sunDinnerEnd of an organization, as an object (R4)';

create or replace function data.ref_items(p_ref_name text, p_recipient_code text)
returns table (key bigint, parent_key bigint, code text, parent_code text, attributes jsonb)
language sql stable parallel safe as $$
    select o.number::bigint, null::bigint, o.organization_id, null::text,
        jsonb_strip_nulls(jsonb_build_object('code', o.organization_id, 'title', o.name, 'address', o.address, 'phone', o.phone,
            'timeZone', o.time_zone, 'latitude', o.latitude::text, 'longitude', o.longitude::text,
            'TimetableComment', o.timetable_comment)) || data.working_hours(o.organization_id)
    from data.organization as o
    where p_ref_name = 'organizations' and o.is_active and (p_recipient_code = '' or o.agency_code = p_recipient_code)
    union all
    select hashtextextended(s.service_id, 0), null, s.service_id, null,
        jsonb_build_object('code', s.service_id, 'title', s.name, 'frguNumber', s.frgu_number)
    from data.service as s
    where p_ref_name = 'services' and exists (
        select from data.organization_service as t
        join data.organization as o using (organization_id)
        where t.service_id = s.service_id and o.is_active and (p_recipient_code = '' or o.agency_code = p_recipient_code))
    union all
    select a.area_key, a.parent_key, a.area_id, (select p.area_id from data.area as p where p.area_key = a.parent_key),
        jsonb_build_object('code', a.area_id, 'title', a.name, 'organizationId', a.organization_id)
    from data.area as a
    join data.organization as o using (organization_id)
    where p_ref_name = 'areas' and o.is_active and (p_recipient_code = '' or o.agency_code = p_recipient_code)
$$;
alter function data.ref_items(text, text) owner to zapisd_owner;
revoke all on function data.ref_items(text, text) from public;
comment on function data.ref_items(text, text) is 'Items of a reference book as an agency offers it; the empty code means all agencies (C6)';
