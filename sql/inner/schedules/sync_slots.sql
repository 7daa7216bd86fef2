-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Slots made from what the schedule offers (T2): here local wall times become instants.

-- Slots no transaction is at, in slot_id order; the others are left for the next time.
create or replace function data.lock_slots(p_slot_ids uuid[]) returns uuid[]
language plpgsql as $$
begin
    return array(select x.slot_id from (
        select s.slot_id from data.slot as s where s.slot_id = any (p_slot_ids) order by s.slot_id for update skip locked) as x);
end $$;
comment on function data.lock_slots(uuid[]) is 'Those of the slots that nobody is booking just now, locked';

-- A slot is told by area, wall time and serial, not by its instant: when the rules of a zone change under us, the slots that
-- are there keep standing for their wall times, nothing is made beside them and nothing is taken away (admin.zone_check).
-- Booked slots are left as they are. One that is booked in part closes, so that nobody books the rest of it.
create or replace function data.sync_slots(o data.organization, p_from date, p_to date, out made bigint, out changed bigint,
    out opened bigint, out withdrawn bigint)
language plpgsql as $$
declare
    clock timestamptz := clock_timestamp();
    d record;
    ids uuid[];
    free uuid[];
begin
    -- Two of us at once would only be in each other's way.
    perform pg_advisory_xact_lock(hashtextextended('slots of ' || o.organization_id, 0));
    with offered as materialized (
        select * from data.offered_slots(o.organization_id, p_from, p_to)
    ), have as (
        select s.* from data.slot as s
        where s.organization_id = o.organization_id and s.starts_at > clock
            and s.starts_at >= (p_from - 2)::timestamp at time zone 'UTC'
                and s.starts_at < (p_to + 3)::timestamp at time zone 'UTC'
            and s.wall_at >= p_from and s.wall_at < p_to + 1
    )
    select array_agg(h.slot_id) filter (where f.area_key is null and not h.is_closed) as gone,
        array_agg(h.slot_id) filter (where f.area_key is not null
            and (h.ends_at - h.starts_at, h.capacity, coalesce(h.service_id, ''))
            is distinct from (f.wall_end - f.wall_at, f.capacity, coalesce(f.service_id, ''))) as other,
        array_agg(h.slot_id) filter (where f.area_key is not null and h.is_closed and h.is_withdrawn) as back
    into d
    from have as h
    left join offered as f on f.area_key = h.area_key and f.wall_at = h.wall_at and f.serial = h.serial;

    withdrawn := 0;
    if d.gone is not null then
        ids := data.lock_slots(d.gone);
        free := array(select t from unnest(ids) as t where not exists (select from data.place as p where p.slot_id = t));
        -- Deleted when nothing ever referred to it; otherwise closed: its history must go on making sense.
        delete from data.slot as s
        where s.slot_id = any (free) and not exists (select from data.slot_known as k where k.slot_id = s.slot_id);
        get diagnostics withdrawn = row_count;
        update data.slot as s set is_closed = true, is_withdrawn = true
        where s.slot_id = any (ids) and (s.slot_id = any (free)
            or s.capacity > (select count(*) from data.place as p where p.slot_id = s.slot_id
                and (p.hold_until is null or p.hold_until > clock)));
        get diagnostics changed = row_count;
        withdrawn := withdrawn + changed;
    end if;

    changed := 0;
    if d.other is not null then
        ids := data.lock_slots(d.other);
        update data.slot as s set (ends_at, capacity, service_id) = (s.starts_at + (f.wall_end - f.wall_at),
            f.capacity, f.service_id)
        from data.offered_slots(o.organization_id, p_from, p_to) as f
        where s.slot_id = any (ids) and f.area_key = s.area_key and f.wall_at = s.wall_at and f.serial = s.serial
            and not exists (select from data.place as p where p.slot_id = s.slot_id);
        get diagnostics changed = row_count;
    end if;

    opened := 0;
    if d.back is not null then
        ids := data.lock_slots(d.back);
        update data.slot as s set is_closed = false, is_withdrawn = false
        where s.slot_id = any (ids) and s.is_closed and s.is_withdrawn;
        get diagnostics opened = row_count;
    end if;

    -- A wall time that does not exist that day (clocks put forward), or an interval that the change would stretch or
    -- shrink, is left out; of a wall time that comes twice the second is meant, as the server does.
    with have as materialized (
        select s.area_key, s.serial, s.wall_at from data.slot as s
        where s.organization_id = o.organization_id and s.wall_at >= p_from and s.wall_at < p_to + 1
            and s.starts_at >= (p_from - 2)::timestamp at time zone 'UTC'
                and s.starts_at < (p_to + 3)::timestamp at time zone 'UTC'
    ), missing as materialized (
        select f.* from data.offered_slots(o.organization_id, p_from, p_to) as f
        where not exists (select from have as h where h.area_key = f.area_key and h.wall_at = f.wall_at and h.serial = f.serial)
    )
    insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at, service_id, capacity, serial, wall_at)
    select data.slot_uuid(i.at, o.number, a.number, f.serial), o.organization_id, f.area_key, i.at,
        i.at + (f.wall_end - f.wall_at), f.service_id, f.capacity, f.serial, f.wall_at
    from missing as f
    join data.area as a on a.area_key = f.area_key
    cross join lateral (select f.wall_at at time zone o.time_zone as at) as i
    where i.at at time zone o.time_zone = f.wall_at
        and (i.at + (f.wall_end - f.wall_at)) at time zone o.time_zone = f.wall_end
    order by i.at, a.number
    on conflict do nothing;
    get diagnostics made = row_count;
end $$;
comment on function data.sync_slots(data.organization, date, date) is
    'Makes the slots of these days what the schedule offers; booked ones, and those not made from it, are left alone (T2)';
