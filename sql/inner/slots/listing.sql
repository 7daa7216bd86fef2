-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What many organizations have free, in time order: of each what its window and the filter let through.

create or replace function data.slot_window(o data.organization, p_services text[], p_not_before timestamp, p_not_after timestamp,
    p_now timestamptz, p_from_day integer, p_to_day integer, out since timestamptz, out until timestamptz)
language plpgsql stable as $$
begin
    if o.has_rules then
        o := case when cardinality(p_services) > 0 then data.with_service_rules(o, p_services) else data.with_widest_rules(o) end;
    end if;
    -- a day more on either side of the filter's: what local time says may happen twice, or never
    since := greatest(p_now + make_interval(mins => o.notice_min), (p_not_before - interval '1 day') at time zone o.time_zone,
        p_now + make_interval(days => p_from_day));
    until := least(p_now + make_interval(days => o.booking_window_days),
        (p_not_after + interval '1 day') at time zone o.time_zone, p_now + make_interval(days => p_to_day));
end $$;
comment on function data.slot_window(data.organization, text[], timestamp, timestamp, timestamptz, integer, integer) is
    'Between which instants an organization offers what is asked, of the days from one to another and of a filter''s hours';

-- Each interval bears what its area says of it (item 18), so that one long text would make an answer of hundreds of megabytes:
-- what they take of an answer as XML is 8 MiB at most, about what 20,000 intervals take without them.
create or replace function data.slots_bearable(p_organization_ids text[], p_area_keys integer[], p_most integer) returns integer
language sql stable as $$
    select least(p_most, 8388608 / max(80 * jsonb_array_length(a.slot_attributes)
        + octet_length(replace(replace(replace(a.slot_attributes::text, '&', '&amp;'), '<', '&lt;'), '>', '&gt;'))))
    from data.area as a
    where a.organization_id = any (p_organization_ids) and a.slot_attributes is not null
        and (p_area_keys is null or a.area_key = any (p_area_keys))
$$;
comment on function data.slots_bearable(text[], integer[], integer) is
    'How many intervals of organizations, or of some of their areas, an answer may have of so many asked for, by the longest '
        'attributes there (L2)';

-- One plain SELECT, folded into the query that asks. What is asked once an organization, not once a slot, stands apart
-- ("offset 0"): with a query among its arguments free_slots would not be folded in, and all of an organization's slots be read
-- before the limit. The first seven arguments are of data.slot_parts.
create or replace function data.slots_in_order(p_ids text[], p_kinds jsonb[], p_cells bit varying[], p_not_before timestamp[],
    p_not_after timestamp[], p_width integer, p_base_hour integer, p_services text[], p_area_keys integer[], p_now timestamptz,
    p_from_day integer, p_to_day integer, p_full data.full_day[], p_own uuid[], p_most integer)
returns table (slot_id uuid, area_key integer, starts_at timestamptz, ends_at timestamptz, service_id text)
language sql stable as $$
    select s.*
    from unnest(p_ids, p_kinds, p_cells, p_not_before, p_not_after) as p (organization_id, kinds, cells, not_before, not_after)
    join data.organization as o on o.organization_id = p.organization_id
    cross join lateral (
        select w.since, w.until, data.services_of(o.organization_id, p_services) as wanted,
            data.areas_of(o.organization_id, p_area_keys) as within,
            o.has_rules and cardinality(p_services) = 0 and exists (
                select from data.organization_service as v where v.organization_id = o.organization_id
                    and (v.notice_min is not null or v.booking_window_days is not null)) as differ
        from data.slot_window(o, p_services, p.not_before, p.not_after, p_now, p_from_day, p_to_day) as w
        offset 0
    ) as w
    cross join lateral (
        select t.keys, t.taken from data.taken_times(o.organization_id, w.since, w.until, p_now, p_most) as t offset 0
    ) as k
    cross join lateral (
        select t.slot_id, t.area_key, t.starts_at, t.ends_at, t.service_id
        from data.free_slots(o.organization_id, w.since, w.until, w.wanted, w.within, p_now, o.has_rules, p_full, p_own,
            k.keys, k.taken) as t
        where (p.cells is null or substring(p.cells
            from case when p.kinds is null then 0
                    else (p.kinds ->> (t.area_key::text || coalesce(' ' || t.service_id, '')))::integer end * p_width
                + floor(date_part('epoch', t.starts_at at time zone o.time_zone) / 3600)::integer - p_base_hour + 1
            for 1) = B'1')
            and (not w.differ or t.slot_id = any (p_own) or data.slot_within(o, t, p_now))
        order by t.starts_at, t.slot_id
        limit p_most
    ) as s
    order by s.starts_at, s.slot_id
    limit p_most
$$;
comment on function data.slots_in_order(text[], jsonb[], bit varying[], timestamp[], timestamp[], integer, integer, text[],
    integer[], timestamptz, integer, integer, data.full_day[], uuid[], integer) is
    'The earliest free slots of organizations, at most p_most, of the days from one to another; in time order, then by slotId';
