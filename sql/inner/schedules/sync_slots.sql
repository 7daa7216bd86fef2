-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Slots made from what the schedule offers (T2): here local wall times become instants.

-- Slots no transaction is at, in slot_id order; the others are left for the next time.
create or replace function data.lock_slots(p_slot_ids uuid[]) returns uuid[]
language plpgsql as $$
begin
    return array(select x.slot_id from (
        select s.slot_id from data.slot as s where s.slot_id = any (p_slot_ids)
        order by s.slot_id for update skip locked) as x); -- its length and capacity are key of data.place
end $$;
comment on function data.lock_slots(uuid[]) is 'Those of the slots that nobody is booking just now, locked';

-- A slot is told by area, wall time and serial, not by its instant: when the rules of a zone change under us, the slots that
-- are there keep standing for their wall times, nothing is made beside them and nothing is taken away (admin.zone_check).
-- other comes with what the schedule says of each: length, places, service.
drop function if exists data.slots_astray(data.organization, date, date);
create or replace function data.slots_astray(o data.organization, p_from date, p_to date, out gone uuid[], out other uuid[],
    out lengths interval[], out capacities smallint[], out services text[], out nights boolean[])
language sql stable as $$
    with offered as materialized (
        select * from data.offered_slots(o.organization_id, p_from, p_to)
    ), have as (
        select s.* from data.slot as s
        where s.organization_id = o.organization_id and s.starts_at > clock_timestamp()
            and s.starts_at >= (p_from - 2)::timestamp at time zone 'UTC'
                and s.starts_at < (p_to + 3)::timestamp at time zone 'UTC'
            and s.wall_at >= p_from and s.wall_at < p_to + 1
    ), astray as (
        select h.slot_id, f.area_key is null as is_gone, f.wall_end - f.wall_at as length, f.capacity, f.service_id, f.is_night
        from have as h
        left join offered as f on f.area_key = h.area_key and f.wall_at = h.wall_at and f.serial = h.serial
        where case when f.area_key is null then not h.is_closed or h.is_outdated
            else h.is_closed and h.is_withdrawn or h.is_outdated
                or (h.ends_at - h.starts_at, h.capacity, coalesce(h.service_id, ''), h.is_night)
                    is distinct from (f.wall_end - f.wall_at, f.capacity, coalesce(f.service_id, ''), f.is_night) end
    )
    select array_agg(a.slot_id) filter (where a.is_gone), array_agg(a.slot_id) filter (where not a.is_gone),
        array_agg(a.length) filter (where not a.is_gone), array_agg(a.capacity) filter (where not a.is_gone),
        array_agg(a.service_id) filter (where not a.is_gone), array_agg(a.is_night) filter (where not a.is_gone)
    from astray as a
$$;
comment on function data.slots_astray(data.organization, date, date) is
    'Slots of these days that the schedule does not offer, and those that are not what it says: both still to come';

-- Booked ones are closed, too: their bookings stay, and when one is given back nobody else gets the time.
create or replace function data.withdraw_slots(p_gone uuid[], out withdrawn bigint, out passed_over bigint)
language plpgsql as $$
declare
    ids constant uuid[] := data.lock_slots(p_gone);
    n bigint;
begin
    -- Deleted when nothing ever referred to it; otherwise closed: its history must go on making sense.
    delete from data.slot as s
    where s.slot_id = any (ids) and not exists (select from data.place as p where p.slot_id = s.slot_id)
        and not exists (select from data.slot_known as k where k.slot_id = s.slot_id);
    get diagnostics n = row_count;
    update data.slot as s set is_closed = true, is_withdrawn = s.is_withdrawn or not s.is_closed, is_outdated = false
    where s.slot_id = any (ids) and (not s.is_closed or s.is_outdated);
    get diagnostics withdrawn = row_count;
    withdrawn := withdrawn + n;
    passed_over := coalesce(cardinality(p_gone), 0) - cardinality(ids);
end $$;
comment on function data.withdraw_slots(uuid[]) is
    'Takes slots out of the offer that the schedule does not have; passed_over are those somebody is booking just now';

-- A booked slot keeps its length, service and places; what would be sold of it against the schedule is closed until it is free.
create or replace function data.slot_fitted(s data.slot, p_length interval, p_capacity smallint, p_service_id text)
returns data.slot language plpgsql stable as $$
declare
    is_same constant boolean := s.ends_at - s.starts_at = p_length and s.service_id is not distinct from p_service_id;
    top integer := (select max(p.place_no) from data.place as p where p.slot_id = s.slot_id);
begin
    if top is null then
        s.ends_at := s.starts_at + p_length;
        s.service_id := p_service_id;
        s.capacity := p_capacity;
    elsif is_same and p_capacity > 1 and s.capacity > p_capacity and top <= p_capacity then
        s.capacity := p_capacity;
    end if;
    s.is_outdated := top is not null and not (is_same and s.capacity = p_capacity);
    if s.is_outdated and not (is_same and s.capacity < p_capacity) then
        s.is_withdrawn := s.is_withdrawn or not s.is_closed;
        s.is_closed := true;
    elsif s.is_withdrawn then
        s.is_closed := false;
        s.is_withdrawn := false;
    end if;
    return s;
end $$;
comment on function data.slot_fitted(data.slot, interval, smallint, text) is
    'A slot as it may be offered while the schedule has it this long, with so many places and for this service';

drop function if exists data.fit_slots(uuid[], interval[], smallint[], text[]); -- without nights
create or replace function data.fit_slots(p_ids uuid[], p_lengths interval[], p_capacities smallint[], p_services text[],
    p_nights boolean[], out changed bigint, out opened bigint, out passed_over bigint)
language plpgsql as $$
declare
    ids constant uuid[] := data.lock_slots(p_ids);
begin
    with fit as materialized (
        select s as was, data.slot_fitted(s, f.length, f.capacity, f.service_id) as now, f.is_night
        from unnest(p_ids, p_lengths, p_capacities, p_services, p_nights) as f (slot_id, length, capacity, service_id, is_night)
        join data.slot as s on s.slot_id = f.slot_id
        where f.slot_id = any (ids)
    ), done as (
        update data.slot as s set (is_night, ends_at, capacity, service_id, is_closed, is_withdrawn, is_outdated)
            = (f.is_night, (f.now).ends_at,
            (f.now).capacity, (f.now).service_id, (f.now).is_closed, (f.now).is_withdrawn, (f.now).is_outdated)
        from fit as f
        where s.slot_id = (f.was).slot_id and (f.was is distinct from f.now or (f.was).is_night <> f.is_night)
        returning (f.was).is_closed and not s.is_closed as is_opened, ((f.was).ends_at, (f.was).capacity, (f.was).service_id)
            is distinct from (s.ends_at, s.capacity, s.service_id) as is_other
    )
    select count(*) filter (where d.is_other), count(*) filter (where d.is_opened) into changed, opened from done as d;
    passed_over := coalesce(cardinality(p_ids), 0) - cardinality(ids);
end $$;
comment on function data.fit_slots(uuid[], interval[], smallint[], text[], boolean[]) is
    'Makes slots what the schedule says of them, as far as those who are booked leave it; passed_over are those somebody is at '
        'just now';

-- Called when a place is given back. Whoever is at the slot just now keeps it as it is, closed: nothing is sold by that, and
-- data.fit_freed() comes back to it.
create or replace function data.slot_freed(p_slot_id uuid) returns void
language plpgsql as $$
declare
    s data.slot;
begin
    select * into s from data.slot as t where t.slot_id = p_slot_id and t.starts_at > clock_timestamp()
    for update skip locked; -- its length and capacity are key of data.place
    if found then
        perform data.fit_slots(array[s.slot_id], array[f.wall_end - f.wall_at], array[f.capacity], array[f.service_id],
            array[f.is_night])
        from data.offered_slots(s.organization_id, s.wall_at::date, s.wall_at::date) as f
        where f.area_key = s.area_key and f.wall_at = s.wall_at and f.serial = s.serial;
    end if;
end $$;
comment on function data.slot_freed(uuid) is
    'A slot that was booked and not what the schedule says is put right as soon as a place of it is free';

-- Two who give the last places of a slot back at once see each other's still, and each passes over what the other has locked.
create or replace function data.fit_freed(p_most integer) returns bigint
language plpgsql as $$
declare
    id uuid;
    n bigint := 0;
begin
    for id in
        select s.slot_id from data.slot as s
        where s.is_outdated and s.starts_at > clock_timestamp()
            and not exists (select from data.place as p where p.slot_id = s.slot_id)
        order by s.starts_at, s.slot_id limit p_most
    loop
        perform data.slot_freed(id);
        n := n + (select count(*) from data.slot as s where s.slot_id = id and not s.is_outdated);
    end loop;
    return n;
end $$;
comment on function data.fit_freed(integer) is
    'Puts right slots that are free and not yet what the schedule says, at most so many; how many they were';

-- A wall time that does not exist that day (clocks put forward), or an interval that the change would stretch or shrink, is
-- left out; one that ends where the clocks are put forward is whole. Of a wall time that comes twice the second is meant, as
-- the server does.
create or replace function data.make_slots(o data.organization, p_from date, p_to date) returns bigint
language plpgsql as $$
declare
    tick constant interval := '1 microsecond';
    made bigint;
begin
    with have as materialized (
        select s.area_key, s.serial, s.wall_at from data.slot as s
        where s.organization_id = o.organization_id and s.wall_at >= p_from and s.wall_at < p_to + 1
            and s.starts_at >= (p_from - 2)::timestamp at time zone 'UTC'
                and s.starts_at < (p_to + 3)::timestamp at time zone 'UTC'
    ), missing as materialized (
        select f.* from data.offered_slots(o.organization_id, p_from, p_to) as f
        where not exists (select from have as h where h.area_key = f.area_key and h.wall_at = f.wall_at and h.serial = f.serial)
    )
    insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at, service_id, capacity, serial, wall_at,
        is_night)
    select data.slot_uuid(i.at, o.number, a.number, f.serial), o.organization_id, f.area_key, i.at, i.until, f.service_id,
        f.capacity, f.serial, f.wall_at, f.is_night
    from missing as f
    join data.area as a on a.area_key = f.area_key
    cross join lateral (
        select f.wall_at at time zone o.time_zone as at,
            f.wall_at at time zone o.time_zone + (f.wall_end - f.wall_at) as until) as i
    where i.at at time zone o.time_zone = f.wall_at
        and (i.until at time zone o.time_zone = f.wall_end or i.until at time zone o.time_zone > f.wall_end
            and (i.until - tick) at time zone o.time_zone = f.wall_end - tick)
    order by i.at, a.number
    on conflict do nothing;
    get diagnostics made = row_count;
    return made;
end $$;
comment on function data.make_slots(data.organization, date, date) is 'Makes slots of these days that the schedule offers anew';

drop function if exists data.sync_slots(data.organization, date, date);
create or replace function data.sync_slots(o data.organization, p_from date, p_to date, out made bigint, out changed bigint,
    out opened bigint, out withdrawn bigint, out passed_over bigint)
language plpgsql as $$
declare
    d record;
    also bigint;
begin
    -- Two of us at once would only be in each other's way.
    perform pg_advisory_xact_lock(hashtextextended('slots of ' || o.organization_id, 0));
    d := data.slots_astray(o, p_from, p_to);
    select w.withdrawn, w.passed_over into withdrawn, passed_over from data.withdraw_slots(d.gone) as w;
    select f.changed, f.opened, f.passed_over into changed, opened, also
    from data.fit_slots(d.other, d.lengths, d.capacities, d.services, d.nights) as f;
    passed_over := passed_over + also;
    made := data.make_slots(o, p_from, p_to);
end $$;
comment on function data.sync_slots(data.organization, date, date) is
    'Makes the slots of these days what the schedule offers; bookings, and slots not made from it, are left alone (T2). '
        'passed_over: so many that are not what it says are being booked just now, and want another look';
