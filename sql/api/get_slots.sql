-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- getSlots (item 18): free intervals of one or many organizations in time order (M1). Past, too near, too far, closed,
-- held and taken ones are absent. An organization, service or area nobody knows is named in a field error, and then
-- nothing is listed: a partial list would look like "no free time" for the rest. Its plans are kept: planning the listing of
-- fifty slots takes longer than listing them. A kept plan must not scan data.place whole just because the table was
-- empty when it was made. A filter (P1-P4) narrows what is read to the hours that can meet it.
--
-- Thousands of intervals share a few instants and areas, and what they share is told once (docs/decisions/0321). Rows "slots",
-- one an instant, in time order: visit_at in seconds since 1970; slot_ids in their order, beside each its area_keys, its
-- durations in minutes (one: of all) and own_services, what it names itself (null: none does; service_id is meant then);
-- visit_offsets, the minutes ahead of UTC in each of the zones. Rows "area", in any order and maybe more than once: area_keys[1]
-- is the key, zone the place among visit_offsets, from 1; service_id is the area's only one, meant where nothing else is said.

-- Before it had a filter, before it had a channel, and while it told a row an interval.
drop function if exists api.get_slots(text, text[], text[], text[], text, text, text, integer);
drop function if exists api.get_slots(text, text[], text[], text[], text, text, text, integer, jsonb);
drop function if exists api.get_slots(text, text[], text[], text[], text, text, text, integer, jsonb, text);
drop function if exists api.get_slots(text, text[], text[], text[], text, text, text, integer, jsonb, text, text[]);
create function api.get_slots(recipient_code text, organization_ids text[], service_ids text[], area_ids text[],
    user_type text, user_kind text, esia_id text, slots_max integer, filter jsonb default null, channel text default null,
    named_services text[] default '{}')
returns table (kind text, error_code integer, error_message text, field text, visit_at bigint, visit_offsets integer[],
    slot_ids uuid[], area_keys integer[], durations integer[], service_id text, own_services text[],
    organization_id text, area_id text, zone integer, attributes jsonb)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan
    set enable_seqscan = off set enable_bitmapscan = off set enable_hashagg = off set jit = off
    set max_parallel_workers_per_gather = 0 as $$
#variable_conflict use_column
declare
    organizations text[];
    services text[];
    areas text[];
    one_service text;
    within integer[];
    zones text[];
    fields api.answer[] := data.beyond_rows('{organizationId,serviceId,areaId,esiaId,filter}',
        array[data.list_fits(organization_ids, 500), data.list_fits(service_ids, 500) and data.list_fits(named_services, 500),
            data.list_fits(area_ids, 500), coalesce(length(esia_id) <= 255, true), data.filter_fits(filter)]);
    full_days data.full_day[];
    own uuid[] := '{}';
    clock timestamptz := clock_timestamp();
    part record;
    last_day integer;
    days integer := 0;
    step integer := 1;
    last_days integer;
    sent integer := 0;
    n integer;
begin
    if fields = '{}' then
        organizations := data.distinct_texts(organization_ids);
        services := data.distinct_texts(service_ids);
        if services = '{}' and named_services <> '{}' then
            services := data.services_named(organizations, named_services);
        end if;
        areas := data.distinct_texts(area_ids);
        fields := data.slots_wrong(recipient_code, organizations, services, areas, filter);
    end if;
    for kind, error_code, error_message, field in
        select r.kind, r.error_code, r.error_message, r.field
        from unnest(data.answer_row(null, null, case fields when '{}' then 0 else 2 end) || fields) as r
    loop
        return next;
    end loop;
    if fields <> '{}' then
        return;
    end if;
    error_code := null;
    error_message := null;

    if cardinality(services) = 1 then
        one_service := services[1];
    end if;
    if cardinality(areas) > 0 then
        within := data.areas_within(organizations, areas);
    end if;
    slots_max := data.slots_bearable(organizations, within, slots_max);
    zones := array(select distinct o.time_zone from data.organization as o where o.organization_id = any (organizations));
    full_days := data.full_days(organizations, channel, clock);
    if data.person_key(esia_id) <> '' and exists (
        select from data.organization as o where o.organization_id = any (organizations) and o.show_own_holds) then
        own := data.own_holds(organizations, get_slots.esia_id, clock);
    end if;
    part := data.slot_parts(filter, organizations, clock);
    if filter is not null then
        days := greatest(floor(extract(epoch from (select min(t)
            from unnest(part.not_before) as t) - clock at time zone 'UTC') / 86400)::integer - 2, 0);
    end if;
    -- Of many organizations the earliest slots are a small part of all: the days are looked through piece by piece until there
    -- are enough, in longer pieces when one has given little.
    last_days := case when cardinality(part.ids) > 20 then data.longest_window(part.ids) else 0 end;
    loop
        n := 0;
        last_day := days; -- of the first piece before the first hour the filter lets through
        days := case when last_days = 0 then 1000000 else days + step end;
        for kind, visit_at, visit_offsets, slot_ids, area_keys, durations, service_id, own_services,
            organization_id, area_id, zone, attributes in
            with instant as materialized (
                select s.starts_at, array_agg(s.slot_id) as slot_ids, array_agg(s.area_key) as area_keys,
                    min(s.ends_at) as first_end, max(s.ends_at) as last_end, array_agg(s.ends_at) as ends,
                    case when count(s.service_id) > 0 then array_agg(s.service_id) end as services
                from data.slots_in_order(part.ids, part.kinds, part.cells, part.not_before, part.not_after, part.width,
                    part.base_hour, services, within, clock, last_day, days, full_days, own, slots_max - sent) as s
                group by s.starts_at -- they come in this order, and lists are made in it
            )
            select 'slots', data.unix_seconds(i.starts_at),
                array(select data.utc_offset(i.starts_at, i.starts_at at time zone z) from unnest(zones) as z),
                i.slot_ids, i.area_keys,
                case when i.first_end = i.last_end then array[date_part('epoch', i.first_end - i.starts_at)::integer / 60]
                    else array(select date_part('epoch', e - i.starts_at)::integer / 60 from unnest(i.ends) as e) end,
                one_service, i.services, null::text, null::text, null::integer, null::jsonb
            from instant as i
            union all
            select 'area', null, null, null, array[a.area_key], null, case when one_service is null
                then data.only_service(a.area_key) end, null, a.organization_id, a.area_id,
                array_position(zones, o.time_zone), a.slot_attributes
            from data.area as a join data.organization as o on o.organization_id = a.organization_id
            where a.area_key = any (array(select distinct k from instant as i cross join unnest(i.area_keys) as k))
        loop
            n := n + coalesce(cardinality(slot_ids), 0);
            return next;
        end loop;
        sent := sent + n;
        step := case when n * 4 < slots_max - sent then step * 2 else step end;
        exit when sent >= slots_max or days > last_days;
    end loop;
end $$;
grant execute on function api.get_slots(text, text[], text[], text[], text, text, text, integer, jsonb, text, text[])
    to zapisd_daemon;
comment on function api.get_slots(text, text[], text[], text[], text, text, text, integer, jsonb, text, text[]) is
    'M1, P1: free intervals in time order that meet the filter, at most slots_max, fewer where their attributes are long';
