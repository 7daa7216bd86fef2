-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Zone rules change under slots that are made already: by a new tzdata, or because an organization was given another zone.
-- A slot remembers the wall time it was made for; where its instant no longer reads so, it is listed here, and until
-- admin.zone_move() nothing is moved. People come by the wall clock: moving keeps the wall time and changes the instant.

create or replace function data.off_slots(p_organization_id text) returns setof data.slot
language sql stable as $$
    select s.*
    from data.organization as o
    join data.slot as s on s.organization_id = o.organization_id
    where (p_organization_id is null or o.organization_id = p_organization_id) and s.starts_at > now()
        and s.wall_at is not null and s.starts_at at time zone o.time_zone <> s.wall_at
$$;
alter function data.off_slots(text) owner to zapisd_owner;
revoke all on function data.off_slots(text) from public;
comment on function data.off_slots(text) is 'Slots still to come whose instant no longer reads as the wall time they were made for';

create or replace function admin.zone_check(organization_id text default null)
returns table (organization text, area_id text, slot_id uuid, made_for text, reads_now text, is_closed boolean, book_ids text[])
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select o.organization_id, a.area_id, s.slot_id, to_char(s.wall_at, 'DD.MM.YYYY HH24:MI'), data.wire_time(s.starts_at, o.time_zone), s.is_closed,
        array(select b.book_id from data.place as p join data.booking as b on b.book_key = p.book_key where p.slot_id = s.slot_id order by p.place_no)
    from data.off_slots(zone_check.organization_id) as s
    join data.organization as o on o.organization_id = s.organization_id
    join data.area as a on a.area_key = s.area_key
    order by o.organization_id, s.starts_at, a.area_id
$$;
alter function admin.zone_check(text) owner to zapisd_owner;
revoke all on function admin.zone_check(text) from public;
grant execute on function admin.zone_check(text) to zapisd_operator, zapisd_auditor;
comment on function admin.zone_check(text) is
    'zone_check([организация]): интервалы и записи, чьё местное время больше не то, что в расписании: сменились правила часового пояса. Ничего не меняет; переносит zone_move. Пример: select * from admin.zone_check()';

-- The slot that stands for a wall time at its true instant. One that is in the way and stands for nobody is made it.
create or replace function data.zone_target(s data.slot, p_at timestamptz, p_book_key text) returns uuid
language plpgsql as $$
declare
    t data.slot;
    id uuid;
begin
    select * into t from data.slot as x where x.area_key = s.area_key and x.starts_at = p_at and x.serial = s.serial for update;
    if not found then
        insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at, service_id, capacity, serial, wall_at)
        select data.slot_uuid(p_at, o.number, a.number, s.serial), s.organization_id, s.area_key, p_at, p_at + (s.ends_at - s.starts_at),
            s.service_id, s.capacity, s.serial, s.wall_at
        from data.organization as o, data.area as a
        where o.organization_id = s.organization_id and a.area_key = s.area_key
        on conflict do nothing
        returning slot_id into id;
        return id;
    end if;
    if t.wall_at = s.wall_at then
        update data.slot as x set is_closed = false, is_withdrawn = false where x.slot_id = t.slot_id and x.is_closed and x.is_withdrawn;
        return t.slot_id;
    end if;
    if exists (select from data.place as p where p.slot_id = t.slot_id and p.book_key <> p_book_key) then
        return null;
    end if;
    update data.slot as x set wall_at = s.wall_at, service_id = s.service_id, is_closed = false, is_withdrawn = false
    where x.slot_id = t.slot_id;
    if not exists (select from data.place as p where p.slot_id = t.slot_id) then
        update data.slot as x set ends_at = x.starts_at + (s.ends_at - s.starts_at), capacity = s.capacity where x.slot_id = t.slot_id;
    end if;
    return t.slot_id;
end $$;
alter function data.zone_target(data.slot, timestamptz, text) owner to zapisd_owner;
revoke all on function data.zone_target(data.slot, timestamptz, text) from public;
comment on function data.zone_target(data.slot, timestamptz, text) is 'The slot at the true instant of another slot''s wall time, made when need be; null when somebody has that place';

-- Free slots that are off go; those that history refers to stay, closed, for what their instant
-- reads now, unless another slot stands for that.
create or replace function data.zone_clear(p_organization_id text) returns void
language plpgsql as $$
declare
    ids uuid[] := array(select s.slot_id from data.off_slots(p_organization_id) as s where not exists (select from data.place as p where p.slot_id = s.slot_id));
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
alter function data.zone_clear(text) owner to zapisd_owner;
revoke all on function data.zone_clear(text) from public;
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
            perform pg_advisory_xact_lock(hashtextextended('slots of ' || p_organization_id, 0));
            for key in
                select t.book_key from data.booking as t
                where t.book_key in (select p.book_key from data.place as p join data.off_slots(p_organization_id) as f on f.slot_id = p.slot_id)
                order by t.book_key for update
            loop
                perform data.lock_places(key);
            end loop;
            perform from data.slot as t where t.slot_id in (select f.slot_id from data.off_slots(p_organization_id) as f) order by t.slot_id for no key update;
            return;
        exception when lock_not_available or deadlock_detected then
            perform data.agency_wait(patience);
        end;
    end loop;
end $$;
alter function data.zone_lock(text) owner to zapisd_owner;
revoke all on function data.zone_lock(text) from public;
comment on function data.zone_lock(text) is 'Locks the bookings, places and slots that are off, asking again while others are at them';

create or replace function data.zone_transfer(p_book_key text, p_slot_ids uuid[]) returns admin.result
language plpgsql set lock_timeout = '300ms' as $$
begin
    return data.agency_transfer(data.agency_lock_now(p_book_key), p_slot_ids, 'изменились правила часового пояса');
end $$;
alter function data.zone_transfer(text, uuid[]) owner to zapisd_owner;
revoke all on function data.zone_transfer(text, uuid[]) from public;
comment on function data.zone_transfer(text, uuid[]) is 'Moves a booking that data.zone_lock has locked';

create or replace function admin.zone_move(organization_id text, apply boolean default false)
returns setof admin.closing language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    o data.organization;
    b data.booking;
    s data.slot;
    k record;
    r admin.result;
    ids uuid[];
    at timestamptz;
    id uuid;
    why text;
    by_hand data.slot[];
begin
    o := data.known_organization(coalesce(organization_id, ''));
    if apply is null then
        raise exception 'apply не может быть пустым' using errcode = 'invalid_parameter_value';
    end if;
    if apply then
        perform data.zone_lock(o.organization_id);
        by_hand := array(select f from data.off_slots(o.organization_id) as f where f.is_closed and not f.is_withdrawn);
        perform data.zone_clear(o.organization_id);
    end if;
    -- Those first that nobody has to make way for: the latest when clocks make visits later, else the earliest.
    for k in
        select p.book_key, array_agg(f.slot_id order by f.starts_at, f.slot_id) as slot_ids
        from data.off_slots(o.organization_id) as f join data.place as p on p.slot_id = f.slot_id
        group by p.book_key
        order by min(extract(epoch from f.starts_at) * case when f.wall_at at time zone o.time_zone > f.starts_at then -1 else 1 end), p.book_key
    loop
        select * into b from data.booking as t where t.book_key = k.book_key;
        continue when b.state = 'HELD' and b.hold_until <= clock_timestamp();
        if not apply then
            return next row(b.book_id, to_char((select min(f.wall_at) from data.off_slots(o.organization_id) as f where f.slot_id = any (k.slot_ids)), 'DD.MM.YYYY HH24:MI'),
                (select a.area_id from data.slot as x join data.area as a using (area_key) where x.slot_id = k.slot_ids[1]), b.state,
                'сейчас показана как ' || (select data.wire_time(x.starts_at, o.time_zone) from data.slot as x where x.slot_id = k.slot_ids[1]),
                null, null, null)::admin.closing;
            continue;
        end if;
        ids := array(select p.slot_id from data.place as p where p.book_key = k.book_key and p.slot_id <> all (k.slot_ids));
        why := null;
        begin
            for s in select * from data.slot as t where t.slot_id = any (k.slot_ids) order by t.starts_at loop
                at := s.wall_at at time zone o.time_zone;
                if at at time zone o.time_zone <> s.wall_at then
                    raise exception 'такого местного времени в этот день нет' using errcode = 'ZB208';
                end if;
                id := data.zone_target(s, at, k.book_key);
                if id is null then
                    raise exception 'новое время занято' using errcode = 'ZB208';
                end if;
                ids := ids || id;
            end loop;
            if not data.may_be_moved(b.state) then
                raise exception 'запись в этом состоянии не переносят' using errcode = 'ZB208';
            end if;
            r := data.zone_transfer(b.book_key, ids);
            if r.result <> 'сделано' then
                raise exception '%', r.comment using errcode = 'ZB208';
            end if;
        exception
            when sqlstate 'ZB208' then
                why := sqlerrm;
                ids := null;
            when lock_not_available or deadlock_detected then
                why := 'новое время сейчас меняет кто-то другой';
                ids := null;
        end;
        select * into b from data.booking as t where t.book_key = k.book_key;
        return next data.closure_row(b, k.slot_ids, ids, case when ids is null then 'осталась' else 'перенесена' end, why);
    end loop;
    if apply then
        perform data.zone_clear(o.organization_id);
        perform data.sync_slots(o, (now() at time zone o.time_zone)::date, data.horizon_day(o));
        -- What an operator closed was a time of the day, too.
        update data.slot as t set is_closed = true, is_withdrawn = false
        from unnest(by_hand) as h
        where t.area_key = h.area_key and t.serial = h.serial and t.wall_at = h.wall_at;
        perform data.schedule_touch(o.organization_id);
    else
        raise notice 'Ничего не изменено. Чтобы перенести: то же с apply => true';
    end if;
end $$;
alter function admin.zone_move(text, boolean) owner to zapisd_owner;
revoke all on function admin.zone_move(text, boolean) from public;
grant execute on function admin.zone_move(text, boolean) to zapisd_operator;
comment on function admin.zone_move(text, boolean) is
    'zone_move(организация [, apply => true]): после смены правил часового пояса вернуть интервалам и записям их местное время; порталу уходит новое. Без apply только показывает. Пример: select * from admin.zone_move(''R7700018'')';
