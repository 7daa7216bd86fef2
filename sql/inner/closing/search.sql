-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Where the bookings of a closure may go. The nearest free slots are looked for outward from the old time, and what was
-- gone through once is not gone through again for the next booking: data.slot_search remembers, for each kind of visit,
-- between which times nothing is left. So a whole day costs one walk through the calendar, not one a booking.

drop function if exists data.equal_slots(data.booking, uuid[], data.closure, timestamptz, uuid[]);

-- p_taken are slots given away already or found taken, once for each place.
create or replace function data.is_left(s data.slot, p_taken uuid[], p_now timestamptz) returns boolean
language plpgsql stable cost 100000 as $$
declare
    n constant integer := cardinality(array_positions(p_taken, s.slot_id));
begin
    return n = 0 or s.capacity > 1 and n < s.capacity - (select count(*) from data.place as p
        where p.slot_id = s.slot_id and (p.hold_until is null or p.hold_until > p_now));
end $$;
comment on function data.is_left(data.slot, uuid[], timestamptz) is
    'Whether a free slot has a place that was not given away meanwhile';

-- For a plan that takes no places: a place of one kept as long as it would be used keeps out what is there for one, and in a room
-- shared by turns everything.
create or replace function data.closure_beside(p_ids uuid[]) returns uuid[]
language sql stable set enable_seqscan = off as $$
    with mine as (
        select s.slot_id, s.organization_id, s.area_key, s.capacity, s.starts_at,
            s.ends_at + make_interval(mins => a.buffer_after_min) as busy_to
        from data.slot as s join data.area as a using (area_key)
        where s.slot_id = any (p_ids)
    ), shut as (
        select m.starts_at, m.busy_to, m.area_key from mine as m where m.capacity = 1
        union
        select m.starts_at, m.busy_to, i.area_key
        from mine as m
        join data.area_up(m.organization_id) as u on u.area_key = m.area_key
        join data.area as e on e.area_key = u.up_key and e.is_exclusive
        cross join lateral unnest(data.area_inside(e.area_key)) as i (area_key)
    )
    select coalesce(array_agg(distinct t.slot_id), '{}')
    from shut as h
    join data.slot as t on t.area_key = h.area_key and t.slot_id <> all (p_ids)
        and t.starts_at < h.busy_to and t.starts_at > h.starts_at - interval '2 days'
    join data.area as a on a.area_key = t.area_key
    where t.ends_at + make_interval(mins => a.buffer_after_min) > h.starts_at
$$;
comment on function data.closure_beside(uuid[]) is
    'Slots beside those of a visit that nobody else could have then: breaks after a visit, rooms shared by turns';

create or replace function data.equal_rest(c data.closure, o data.organization, p_areas integer[], p_old data.slot[], p_n integer,
    p_first data.slot, p_services text[], p_taken uuid[], p_now timestamptz)
returns setof uuid language sql stable as $$
    select t.slot_id
    from data.free_slots(o.organization_id,
        p_first.starts_at + (p_old[p_n].starts_at - p_old[1].starts_at) - interval '1 microsecond',
        p_first.starts_at + (p_old[p_n].starts_at - p_old[1].starts_at), p_services, null, p_now, o.has_rules) as t
    where t.ends_at - t.starts_at = p_old[p_n].ends_at - p_old[p_n].starts_at
        and not data.closure_covers(c, p_areas, o.time_zone, t)
        and data.is_left(t, p_taken, p_now) and (t.area_key = p_first.area_key) = (p_old[p_n].area_key = p_old[1].area_key)
    order by t.slot_id
$$;
comment on function data.equal_rest(data.closure, data.organization, integer[], data.slot[], integer, data.slot, text[], uuid[],
    timestamptz) is 'Free slots that could be the n-th of a visit that begins with p_first';

-- Free slots with which a visit could begin: outside the closure, as long, serving the same, and with the rest of the visit
-- free at the same distances. One plain SELECT: the planner folds it into the query that stops at its LIMIT.
create or replace function data.equal_starts(c data.closure, o data.organization, p_areas integer[], p_old data.slot[],
    p_services text[], p_is_named boolean, p_taken uuid[], p_now timestamptz, p_after timestamptz, p_until timestamptz)
returns setof data.slot language sql stable as $$
    select t.*
    from data.free_slots(o.organization_id, p_after, p_until, p_services, null, p_now, o.has_rules) as t
    where t.ends_at - t.starts_at = p_old[1].ends_at - p_old[1].starts_at and not data.closure_covers(c, p_areas, o.time_zone, t)
        -- Most of a full calendar is told by this, at a fraction of what looking for overlaps costs; as "exists" the planner
        -- would hash all places there are.
        and (t.capacity > 1 or (
            select true from data.place as p where p.slot_id = t.slot_id and (p.hold_until is null or p.hold_until > p_now)
                limit 1) is null)
        and data.is_left(t, p_taken, p_now)
        and (p_is_named or t.service_id is null)
        and (cardinality(p_old) = 1 or not exists (
            select from generate_series(2, cardinality(p_old)) as n (i)
            where not exists (select from data.equal_rest(c, o, p_areas, p_old, n.i, t, p_services, p_taken, p_now))))
$$;
comment on function data.equal_starts(data.closure, data.organization, integer[], data.slot[], text[], boolean,
    uuid[], timestamptz, timestamptz, timestamptz) is 'Free slots in a time with which a visit equal to p_old could begin';

-- Who comes next from the same time finds what whoever came before has left: until nothing is, nobody looks again. What others
-- have taken meanwhile is told when the visit is moved there, and then forgotten (data.closure_step).
create or replace function data.slot_next(p_old_at timestamptz, p_area_key integer, p_soon timestamptz, p_now timestamptz,
    p_taken uuid[], inout f data.slot_found, out slot_id uuid)
language plpgsql stable as $$
declare
    s data.slot;
    n integer;
begin
    if f.old_at is distinct from p_old_at or f.starts_at < p_soon
        or f.starts_at < f.old_at and f.starts_at <= p_now + interval '1 day' then
        f := null;
        return;
    end if;
    while cardinality(f.slot_ids) > 0 loop
        n := coalesce(array_position(f.area_keys, p_area_key), 1);
        select * into s from data.slot as t where t.slot_id = f.slot_ids[n] and not t.is_closed;
        if found and (select count(*) from data.place as p where p.slot_id = s.slot_id
                and (p.hold_until is null or p.hold_until > p_now)) < s.capacity and data.is_left(s, p_taken, p_now) then
            slot_id := s.slot_id;
            return;
        end if;
        f.slot_ids := f.slot_ids[:n - 1] || f.slot_ids[n + 1:];
        f.area_keys := f.area_keys[:n - 1] || f.area_keys[n + 1:];
    end loop;
    f := null;
end $$;
comment on function data.slot_next(timestamptz, integer, timestamptz, timestamptz, uuid[], data.slot_found) is
    'Of the slots found before the one for a visit of one slot, in its area if there is one; null when they are of another time, '
    'or none is left';

-- Equal: the same organization, as long, serving what the booking is for. Nearest to the old time; an earlier one only when
-- there is a day left to learn of it. A visit of several slots keeps their order, their distance and, if it had one, their
-- one area.
create or replace function data.equal_slots(b data.booking, p_slot_ids uuid[], c data.closure, p_areas integer[],
    p_now timestamptz, inout s data.slot_search, out slot_ids uuid[])
language plpgsql stable set jit = off set enable_seqscan = off as $$
declare
    tick constant interval := '1 microsecond';
    o data.organization;
    old data.slot[];
    old_at timestamptz;
    services text[] := b.service_ids;
    is_named boolean := cardinality(b.service_ids) > 0;
    key text;
    k integer;
    low timestamptz;
    high timestamptz;
    soon timestamptz;
    near timestamptz;
    far timestamptz;
    later timestamptz;
    earlier timestamptz;
    f data.slot;
    was data.slot_found;
    next record;
    span interval;
begin
    -- Of one slot, which is most of them: a query for an array is planned each time.
    if cardinality(p_slot_ids) = 1 then
        select * into f from data.slot as x where x.slot_id = p_slot_ids[1];
        old := array[f];
    else
        old := array(select x from data.slot as x where x.slot_id = any (p_slot_ids) order by x.starts_at, x.slot_id);
    end if;
    old_at := old[1].starts_at;
    low := old_at;
    high := old_at;
    if cardinality(services) > 1 then
        services := array(select distinct t.id from unnest(services) as t (id));
    end if;
    select * into o from data.organization as t where t.organization_id = c.organization_id;
    if not o.is_active then
        return; -- nobody is sent to an office that is switched off
    end if;
    if not is_named and old[1].service_id is not null then
        services := array[old[1].service_id];
        is_named := true;
    elsif not is_named then
        services := array(select t.service_id from data.area_service as t where t.area_key = old[1].area_key order by 1);
    end if;
    s.taken := coalesce(s.taken, '{}');
    key := row(is_named, services, array(select row(x.starts_at - old_at, x.ends_at - x.starts_at, x.area_key = old[1].area_key)
        from unnest(old) as x))::text;
    k := array_position(s.keys, key);
    soon := p_now + make_interval(mins => o.notice_min);
    if k is null then
        s.keys := s.keys || key;
        k := cardinality(s.keys);
    else
        next := data.slot_next(old_at, old[1].area_key, soon, p_now, s.taken, s.found[k]);
        s.found[k] := next.f;
        if next.slot_id is not null then
            slot_ids := array[next.slot_id];
            return;
        end if;
    end if;
    if s.lows[k] <= old_at and old_at <= s.highs[k] then
        low := s.lows[k];
        high := s.highs[k];
    end if;
    -- Nothing is left from low to before high. Each round looks further: on to high first, then back as far as would be nearer.
    foreach span in array array['1 day', '4 days', '31 days', '400 days']::interval[] loop
        far := old_at + span;
        if high <= far then
            select t.starts_at into later
            from data.equal_starts(c, o, p_areas, old, services, is_named, s.taken, p_now, greatest(high - tick, soon), far) as t
            order by t.starts_at limit 1;
            high := coalesce(later, far + tick);
        end if;
        near := greatest(case when later is not null then old_at - (later - old_at) else old_at - span end, soon,
            p_now + interval '1 day');
        if near < low - tick then
            select t.starts_at into earlier
            from data.equal_starts(c, o, p_areas, old, services, is_named, s.taken, p_now, near, low - tick) as t
            order by t.starts_at desc limit 1;
            low := coalesce(earlier, near) + tick;
        end if;
        exit when later is not null or earlier is not null;
    end loop;
    s.lows[k] := low;
    s.highs[k] := high;
    later := coalesce(earlier, later);
    if later is null then
        return;
    end if;
    if cardinality(old) = 1 then
        select old_at, later, array_agg(t.slot_id order by t.slot_id), array_agg(t.area_key order by t.slot_id) into was
        from data.equal_starts(c, o, p_areas, old, services, is_named, s.taken, p_now, later - tick, later) as t;
        s.found[k] := was;
        slot_ids := array[was.slot_ids[coalesce(array_position(was.area_keys, old[1].area_key), 1)]];
        return;
    end if;
    select t.* into f
    from data.equal_starts(c, o, p_areas, old, services, is_named, s.taken, p_now, later - tick, later) as t
    order by t.area_key <> old[1].area_key, t.slot_id limit 1;
    slot_ids := array[f.slot_id];
    for n in 2 .. cardinality(old) loop
        slot_ids := slot_ids || (select t from data.equal_rest(c, o, p_areas, old, n, f, services, s.taken, p_now) as t limit 1);
    end loop;
end $$;
comment on function data.equal_slots(data.booking, uuid[], data.closure, integer[], timestamptz, data.slot_search) is
    'Free slots of the same organization, length and service, nearest to those of a booking and outside the closure; null when '
        'there are none';
