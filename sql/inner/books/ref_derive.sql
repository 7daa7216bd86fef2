-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Items of the built-in reference books (R1, R4, R5), taken from the tables they are about; triggers of those tables call
-- data.ref_derive() in the transaction of the change. Working hours are those of the timetable the slots come from; a break
-- is a gap between its rows. Areas that are closed until further notice are in no book. A row of the timetable, or a closure,
-- may begin or end by itself: refresh_at says when.

create or replace function data.working_hours(p_organization_id text, p_day date) returns jsonb
language sql stable parallel safe as $$
    with hours as (
        select t.weekday, range_agg(int4range(extract(epoch from t.starts)::integer / 60, extract(epoch
            from t.ends)::integer / 60)) as mr
        from data.timetable_in_force(p_organization_id, p_day) as t
        group by t.weekday
    ), days as (
        select d.abbreviation, h.mr, lower(h.mr) as starts, upper(h.mr) as ends,
            -- the longest gap is the dinner
            (select g from unnest(int4multirange(range_merge(h.mr)) - h.mr) as g order by upper(g) - lower(g) desc, g
                limit 1) as gap
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
comment on function data.working_hours(text, date) is
    'monIsWorking ... sunDinnerEnd of an organization as of a day, as an object (R4)';

create or replace function data.ref_source(p_ref_name text, p_keys text[])
returns table (code text, source_key text, parent_code text, title text, agencies text[], attributes jsonb,
    refresh_at timestamptz)
language sql stable parallel safe as $$
    select o.organization_id, '', null::text, o.name, array[o.agency_code],
        jsonb_strip_nulls(jsonb_build_object('address', o.address, 'phone', o.phone, 'timeZone', o.time_zone,
            'latitude', o.latitude::text, 'longitude', o.longitude::text, 'TimetableComment', o.timetable_comment))
            || data.working_hours(o.organization_id, l.today),
        (select min(c.day)::timestamp at time zone o.time_zone
         from data.timetable_turns(o.organization_id) as c (day) where c.day > l.today)
    from data.organization as o
    cross join lateral (select (now() at time zone o.time_zone)::date as today) as l
    where p_ref_name = 'organizations' and o.is_active and (p_keys is null or o.organization_id = any (p_keys))
    union all
    select s.service_id, '', null, s.name, v.agencies, jsonb_build_object('frguNumber', s.frgu_number), null
    from data.service as s
    cross join lateral (
        select array_agg(distinct o.agency_code order by o.agency_code) as agencies
        from data.organization_service as t join data.organization as o using (organization_id)
        where t.service_id = s.service_id and o.is_active
    ) as v
    where p_ref_name = 'services' and v.agencies is not null and (p_keys is null or s.service_id = any (p_keys))
    union all
    select a.area_id, a.organization_id, p.area_id, a.name, array[o.agency_code],
        jsonb_strip_nulls(jsonb_build_object('organizationId', a.organization_id, 'kind', a.kind)), null
    from data.area as a
    join data.organization as o using (organization_id)
    left join data.area as p on p.area_key = a.parent_key
    where p_ref_name = 'areas' and o.is_active and (p_keys is null or a.organization_id = any (p_keys)) and a.removed_at is null
        and not exists (
            select from data.closure as c
            where c.organization_id = a.organization_id and c.state <> 'lifted' and c.to_at is null
                and c.from_at < (now() at time zone o.time_zone)::date + 1
                and (c.area_key is null or a.area_key = any (data.area_inside(c.area_key))))
    union all
    select v.service_id, v.organization_id, null, s.name, array[o.agency_code],
        jsonb_build_object('organizationId', v.organization_id, 'serviceId', v.service_id), null
    from data.organization_service as v
    join data.organization as o using (organization_id)
    join data.service as s using (service_id)
    where p_ref_name = 'offers' and o.is_active and (p_keys is null or v.organization_id = any (p_keys))
$$;
comment on function data.ref_source(text, text[]) is
    'Items of a built-in book as its tables have them, of these organizations or services; null: all';

-- What shows nothing new is not even locked: most changes of an office's tables are none of its item, and whoever waits for it
-- may have what the other one wants next.
create or replace function data.ref_derive(p_ref_name text, p_keys text[]) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if cardinality(p_keys) = 0 then
        return;
    end if;
    delete from data.ref_item as i
    where i.ref_name = p_ref_name
        and (p_keys is null or case when p_ref_name in ('areas', 'offers') then i.source_key else i.code end = any (p_keys))
        and not exists (
            select from data.ref_source(p_ref_name, p_keys) as s where s.code = i.code and s.source_key = i.source_key);
    with source as materialized (
        select s.*, coalesce(i.item_id, nextval('data.ref_item_item_id_seq')) as item_id, i.item_id is null as is_new,
            i.parent_id as old_parent_id, (i.title, i.agencies, i.attributes, i.refresh_at) is distinct
                from (s.title, s.agencies, s.attributes, s.refresh_at) as is_other
        from data.ref_source(p_ref_name, p_keys) as s
        left join data.ref_item as i on i.ref_name = p_ref_name and i.code = s.code and i.source_key = s.source_key
    )
    insert into data.ref_item as t (item_id, ref_name, code, source_key, parent_id, title, agencies, attributes, refresh_at)
    select s.item_id, p_ref_name, s.code, s.source_key, p.item_id, s.title, s.agencies, s.attributes, s.refresh_at
    from source as s
    left join source as p on p.code = s.parent_code and p.source_key = s.source_key
    where s.is_new or s.is_other or s.old_parent_id is distinct from p.item_id
    on conflict on constraint ref_item_code_key do update
    set parent_id = excluded.parent_id, title = excluded.title, agencies = excluded.agencies, attributes = excluded.attributes,
        refresh_at = excluded.refresh_at
    where (t.parent_id, t.title, t.agencies, t.attributes, t.refresh_at)
        is distinct from (excluded.parent_id, excluded.title, excluded.agencies, excluded.attributes, excluded.refresh_at);
end $$;
comment on function data.ref_derive(text, text[]) is
    'Brings a built-in book in step with its tables; makes a version only when something shows (R4, R6)';
