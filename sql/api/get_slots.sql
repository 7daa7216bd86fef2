-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- getSlots (item 18): free intervals of one or many organizations in time order (M1). Past, too near, too far, closed,
-- held and taken ones are absent. An organization, service or area nobody knows is named in a field error, and then
-- nothing is listed: a partial list would look like "no free time" for the rest. Its plans are kept: planning the listing of
-- fifty slots takes longer than listing them. A kept plan must not scan data.place whole just because the table was
-- empty when it was made. A filter (P1-P4) narrows what is read to the hours that can meet it.

-- Before it had a filter, and before it had a channel.
drop function if exists api.get_slots(text, text[], text[], text[], text, text, text, integer);
drop function if exists api.get_slots(text, text[], text[], text[], text, text, text, integer, jsonb);

create or replace function api.get_slots(recipient_code text, organization_ids text[], service_ids text[], area_ids text[],
    user_type text, user_kind text, esia_id text, slots_max integer, filter jsonb default null,
    channel text default null)
returns setof api.answer
language plpgsql stable security definer set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan
    set enable_seqscan = off set enable_bitmapscan = off set jit = off set max_parallel_workers_per_gather = 0 as $$
declare
    organizations text[];
    services text[];
    areas text[];
    one_service text;
    area_keys integer[];
    fields api.answer[] := data.beyond_rows('{organizationId,serviceId,areaId,esiaId,filter}',
        array[data.list_fits(organization_ids, 500), data.list_fits(service_ids, 500), data.list_fits(area_ids, 500),
            coalesce(length(esia_id) <= 255, true), data.filter_fits(filter)]);
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
    if cardinality(fields) > 0 then
        return next data.answer_row(null, null, 2);
        return query select * from unnest(fields);
        return;
    end if;
    organizations := data.distinct_texts(organization_ids);
    services := data.distinct_texts(service_ids);
    areas := data.distinct_texts(area_ids);
    if cardinality(services) = 1 then
        one_service := services[1];
    end if;
    fields := data.slots_wrong(recipient_code, organizations, services, areas, filter);
    if cardinality(fields) > 0 then
        return next data.answer_row(null, null, 2);
        return query select * from unnest(fields);
        return;
    end if;
    if cardinality(areas) > 0 then
        area_keys := data.areas_within(organizations, areas);
    end if;

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
    return next data.answer_row(null, null, 0);
    -- Of many organizations the earliest slots are a small part of all: the days are looked through piece by piece until there
    -- are enough, in longer pieces when one has given little.
    last_days := case when cardinality(part.ids) > 20 then data.longest_window(part.ids) else 0 end;
    loop
        last_day := days; -- of the first piece before the first hour the filter lets through
        days := case when last_days = 0 then 1000000 else days + step end;
        return query
            select 'slot', null::text, null::text, null::integer, null::text, null::text, f.slot_id::text,
                coalesce(f.service_id, one_service), f.organization_id, f.area_id, data.unix_seconds(f.starts_at),
                null::bigint, null::text, date_part('epoch', f.ends_at - f.starts_at)::integer / 60, f.slot_attributes,
                null::bigint, null::timestamptz, null::bytea, data.utc_offset(f.starts_at, f.wall), null::integer
            from (
                select s.*, s.starts_at at time zone o.time_zone as wall, a.area_id, a.slot_attributes
                from unnest(part.ids, part.kinds, part.cells, part.not_before, part.not_after)
                    as p (organization_id, kinds, cells, not_before, not_after)
                join data.organization as o on o.organization_id = p.organization_id
                -- What is asked once an organization, not once a slot. Apart ("offset 0"): with a query among its arguments
                -- free_slots would not be folded in, and all of an organization's slots be read before the limit.
                cross join lateral (
                    select
                        data.services_of(o.organization_id, services) as wanted,
                        data.areas_of(o.organization_id, area_keys) as within,
                        -- a day more on either side: what local time says may happen twice, or never
                        greatest(clock + make_interval(mins => case when o.has_rules
                                then (data.with_service_rules(o, services)).notice_min else o.notice_min end),
                            (p.not_before - interval '1 day') at time zone o.time_zone,
                                clock + make_interval(days => last_day)) as since,
                        least(clock + make_interval(days => case when o.has_rules
                                then (data.with_service_rules(o, services)).booking_window_days else o.booking_window_days end),
                            (p.not_after + interval '1 day') at time zone o.time_zone,
                                clock + make_interval(days => days)) as until
                    offset 0
                ) as w
                cross join lateral (
                    select t.keys, t.taken from data.taken_times(o.organization_id, w.since, w.until, clock,
                        slots_max - sent) as t offset 0) as k
                cross join lateral (
                    select t.slot_id, t.organization_id, t.area_key, t.starts_at, t.ends_at, t.service_id
                    from data.free_slots(o.organization_id, w.since, w.until, w.wanted, w.within,
                        clock, o.has_rules, full_days, own, k.keys, k.taken) as t
                    where p.cells is null or substring(p.cells
                        from case when p.kinds is null then 0
                                else (p.kinds ->> (t.area_key::text || coalesce(' ' || t.service_id,
                                    '')))::integer end * part.width
                            + floor(date_part('epoch', t.starts_at at time zone o.time_zone) / 3600)::integer - part.base_hour + 1
                        for 1) = B'1'
                    order by t.starts_at, t.slot_id
                    limit slots_max - sent
                ) as s
                join data.area as a on a.area_key = s.area_key
                order by s.starts_at, s.slot_id
                limit slots_max - sent
            ) as f;
        get diagnostics n = row_count;
        sent := sent + n;
        step := case when n * 4 < slots_max - sent then step * 2 else step end;
        exit when sent >= slots_max or days > last_days;
    end loop;
end $$;
grant execute on function api.get_slots(text, text[], text[], text[], text, text, text, integer, jsonb, text) to zapisd_daemon;
comment on function api.get_slots(text, text[], text[], text[], text, text, text, integer, jsonb, text) is
    'M1, P1: free intervals in time order that meet the filter, at most slots_max';
