-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Zone rules change under slots that are made already: the steps of admin.zone_check() and admin.zone_move().

create or replace function data.off_slots(p_organization_id text) returns setof data.slot
language sql stable as $$
    select s.*
    from data.organization as o
    join data.slot as s on s.organization_id = o.organization_id
    where (p_organization_id is null or o.organization_id = p_organization_id) and s.starts_at > now()
        and s.wall_at is not null and s.starts_at at time zone o.time_zone <> s.wall_at
$$;
comment on function data.off_slots(text) is
    'Slots still to come whose instant no longer reads as the wall time they were made for';

-- The slot that stands for a wall time at its true instant. One that is in the way and stands for nobody is made it.
create or replace function data.zone_target(s data.slot, p_at timestamptz, p_book_key text) returns uuid
language plpgsql as $$
declare
    t data.slot;
    id uuid;
begin
    select * into t from data.slot as x where x.area_key = s.area_key and x.starts_at = p_at and x.serial = s.serial
    for update; -- its length and capacity are key of data.place
    if not found then
        insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at, service_id, capacity, serial, wall_at,
            is_night)
        select data.slot_uuid(p_at, o.number, a.number, s.serial), s.organization_id, s.area_key, p_at,
            p_at + (s.ends_at - s.starts_at), s.service_id, s.capacity, s.serial, s.wall_at, s.is_night
        from data.organization as o, data.area as a
        where o.organization_id = s.organization_id and a.area_key = s.area_key
        on conflict do nothing
        returning slot_id into id;
        return id;
    end if;
    if t.wall_at = s.wall_at then
        update data.slot as x set is_closed = false, is_withdrawn = false where x.slot_id = t.slot_id and x.is_closed
            and x.is_withdrawn;
        return t.slot_id;
    end if;
    if exists (select from data.place as p where p.slot_id = t.slot_id and p.book_key <> p_book_key) then
        return null;
    end if;
    update data.slot as x set wall_at = s.wall_at, is_night = s.is_night, service_id = s.service_id, is_closed = false,
        is_withdrawn = false
    where x.slot_id = t.slot_id;
    if not exists (select from data.place as p where p.slot_id = t.slot_id) then
        update data.slot as x set ends_at = x.starts_at + (s.ends_at - s.starts_at), capacity = s.capacity
            where x.slot_id = t.slot_id;
    end if;
    return t.slot_id;
end $$;
comment on function data.zone_target(data.slot, timestamptz, text) is
    'The slot at the true instant of another slot''s wall time, made when need be; null when somebody has that place';

-- Free slots that are off go; those that history refers to stay, closed, for what their instant
-- reads now, unless another slot stands for that.
create or replace function data.zone_clear(p_organization_id text) returns void
language plpgsql as $$
declare
    ids uuid[] := array(select s.slot_id from data.off_slots(p_organization_id) as s where not exists (select from data.place as p
        where p.slot_id = s.slot_id));
begin
    delete from data.slot as s
    where s.slot_id = any (ids) and not exists (select from data.slot_known as k where k.slot_id = s.slot_id);
    update data.slot as s set is_closed = true, is_withdrawn = true, wall_at = (
        select v.wall_at from (select s.starts_at at time zone o.time_zone as wall_at) as v
        where not exists (select from data.slot as t
            where t.area_key = s.area_key and t.serial = s.serial and t.wall_at = v.wall_at and t.slot_id <> all (ids)
                and t.starts_at between s.starts_at - interval '2 days' and s.starts_at + interval '2 days'))
    from data.organization as o
    where s.slot_id = any (ids) and o.organization_id = s.organization_id;
end $$;
comment on function data.zone_clear(text) is 'Takes away free slots whose instant no longer reads as their wall time';

-- In the order of docs/architecture.md, all or none: whoever cannot have one of them in a moment begins anew.
create or replace function data.zone_lock(p_organization_id text) returns void
language plpgsql set lock_timeout = '300ms' as $$
declare
    patience constant timestamptz := clock_timestamp() + data.agency_patience();
    key text;
begin
    loop
        begin
            -- As generation has it.
            perform from data.schedule_state as s where s.organization_id = p_organization_id for no key update;
            perform pg_advisory_xact_lock(hashtextextended('slots of ' || p_organization_id, 0));
            for key in
                select t.book_key from data.booking as t
                where t.book_key in (select p.book_key from data.place as p
                    join data.off_slots(p_organization_id) as f on f.slot_id = p.slot_id)
                order by t.book_key for no key update
            loop
                perform data.lock_places(key);
            end loop;
            perform from data.slot as t where t.slot_id in (select f.slot_id from data.off_slots(p_organization_id) as f)
                order by t.slot_id for no key update;
            return;
        exception when lock_not_available or deadlock_detected then
            perform data.agency_wait(patience);
        end;
    end loop;
end $$;
comment on function data.zone_lock(text) is
    'Locks the bookings, places and slots that are off, asking again while others are at them';

create or replace function data.zone_transfer(p_book_key text, p_slot_ids uuid[]) returns admin.result
language plpgsql set lock_timeout = '300ms' as $$
begin
    return data.agency_transfer(data.agency_lock_now(p_book_key), p_slot_ids, 'изменились правила часового пояса');
end $$;
comment on function data.zone_transfer(text, uuid[]) is 'Moves a booking that data.zone_lock has locked';
