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
    organizations text[] := array_remove(array_remove(coalesce(organization_ids, '{}'), ''), null);
    services text[] := array_remove(array_remove(coalesce(service_ids, '{}'), ''), null);
    areas text[] := array_remove(array_remove(coalesce(area_ids, '{}'), ''), null);
    one_service text := case when cardinality(services) = 1 then services[1] end;
    area_keys integer[];
    fields api.answer[] := '{}';
    full_days data.full_day[];
    clock timestamptz := clock_timestamp();
begin
    if cardinality(organizations) = 0 then
        fields := fields || data.field_row('organizationId', 1);
    elsif exists (select from unnest(organizations) as r (id)
                  where not exists (select from data.organization as o
                                    where o.organization_id = r.id and o.is_active
                                        and (coalesce(recipient_code, '') = '' or o.agency_code = recipient_code))) then
        fields := fields || data.field_row('organizationId', 2);
    else
        if exists (select from unnest(services) as r (id)
                   where not exists (select from data.organization_service as s
                                     where s.organization_id = any (organizations) and s.service_id = r.id)) then
            fields := fields || data.field_row('serviceId', 2);
        end if;
        if exists (select from unnest(areas) as r (id)
                   where not exists (select from data.area as a
                                     where a.organization_id = any (organizations) and a.area_id = r.id)) then
            fields := fields || data.field_row('areaId', 2);
        end if;
    end if;
    if filter is not null then
        fields := fields || data.slot_filter_errors(filter);
    end if;
    if cardinality(fields) > 0 then
        return next data.answer_row(null, null, 2);
        return query select * from unnest(fields);
        return;
    end if;
    if cardinality(areas) > 0 then
        area_keys := array(select unnest(data.area_subtree(id, areas)) from unnest(organizations) as id);
    end if;

    full_days := data.full_days(organizations, channel, clock);
    return next data.answer_row(null, null, 0);
    return query
        select 'slot', null::text, null::text, null::integer, null::text, null::text, f.slot_id::text,
            coalesce(f.service_id, one_service), f.organization_id, a.area_id, data.wire_time(f.starts_at, f.time_zone),
            null::text, null::text, extract(epoch from f.ends_at - f.starts_at)::integer / 60, null::jsonb, null::bigint,
            null::timestamptz, null::bytea
        from (
            select s.*, o.time_zone
            from (
                select k.organization_id, null::jsonb as kinds, null::integer as width, null::integer as base_hour,
                    null::bit varying as cells, null::timestamp as not_before, null::timestamp as not_after
                from data.organization as k
                where k.organization_id = any (organizations) and filter is null
                union all
                select k.* from data.slot_filter(filter, organizations, clock) as k where filter is not null
            ) as p
            join data.organization as o on o.organization_id = p.organization_id
            cross join lateral (
                select t.slot_id, t.organization_id, t.area_key, t.starts_at, t.ends_at, t.service_id
                from data.free_slots(o.organization_id,
                    -- a day more on either side: what local time says may happen twice, or never
                    greatest(clock + make_interval(mins => case when o.has_rules
                            then (data.with_service_rules(o, services)).notice_min else o.notice_min end),
                        (p.not_before - interval '1 day') at time zone o.time_zone),
                    least(clock + make_interval(days => case when o.has_rules
                            then (data.with_service_rules(o, services)).booking_window_days else o.booking_window_days end),
                        (p.not_after + interval '1 day') at time zone o.time_zone),
                    services, area_keys, clock, o.has_rules, full_days) as t
                where p.cells is null or substring(p.cells
                    from case when p.kinds is null then 0
                            else (p.kinds ->> (t.area_key::text || coalesce(' ' || t.service_id, '')))::integer end * p.width
                        + floor(date_part('epoch', t.starts_at at time zone o.time_zone) / 3600)::integer - p.base_hour + 1
                    for 1) = B'1'
                order by t.starts_at, t.slot_id
                limit slots_max
            ) as s
            order by s.starts_at, s.slot_id
            limit slots_max
        ) as f
        join data.area as a using (area_key)
        order by f.starts_at, f.slot_id;
end $$;
alter function api.get_slots(text, text[], text[], text[], text, text, text, integer, jsonb, text) owner to zapisd_owner;
revoke all on function api.get_slots(text, text[], text[], text[], text, text, text, integer, jsonb, text) from public;
grant execute on function api.get_slots(text, text[], text[], text[], text, text, text, integer, jsonb, text) to zapisd_daemon;
comment on function api.get_slots(text, text[], text[], text[], text, text, text, integer, jsonb, text) is 'M1, P1: free intervals in time order that meet the filter, at most slots_max';
