-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- One place of one slot (B2, B3). Whoever adds, changes or removes a row of data.place holds the advisory lock of that
-- place until the end of its transaction; so a try-lock tells, without waiting, whether somebody is at it.
-- Constraints have the last word: a conflict that no lock foresaw ends in "on conflict do nothing".

create or replace function data.place_lock_key(p_slot_id uuid, p_place_no integer) returns bigint
language sql immutable strict parallel safe
return uuid_hash_extended(p_slot_id, p_place_no);
alter function data.place_lock_key(uuid, integer) owner to zapisd_owner;
revoke all on function data.place_lock_key(uuid, integer) from public;
comment on function data.place_lock_key(uuid, integer) is 'Key of the advisory lock of a place';

-- Removes holds that have run out and stand in the way: on the place itself, for an area of one on any overlapping slot, and
-- where another visit uses an exclusive area. Minutes to keep free around the visit count.
drop function if exists data.evict_lapsed(data.slot, integer, timestamptz, boolean);
create or replace function data.evict_lapsed(s data.slot, p_place_no integer, p_now timestamptz, p_wait boolean,
    p_before_min integer, p_after_min integer, p_others integer[])
returns boolean language plpgsql as $$
declare
    other record;
    evicted boolean := false;
    busy tstzrange := data.busy_span(s.starts_at, s.ends_at, p_before_min, p_after_min);
begin
    for other in
        select p.slot_id, p.place_no from data.place as p
        where p.hold_until <= p_now and p.slot_id = s.slot_id and p.place_no = p_place_no
        union
        select p.slot_id, p.place_no from data.place as p
        where p.hold_until <= p_now and s.capacity = 1 and p.capacity = 1 and p.area_key = s.area_key
            and (case when p.before_min = 0 and p.after_min = 0 then tstzrange(p.starts_at, p.ends_at)
                else data.busy_span(p.starts_at, p.ends_at, p.before_min, p.after_min) end) && busy
        union
        select p.slot_id, p.place_no from data.occupancy as q
        join data.place as p on p.slot_id = q.slot_id and p.place_no = q.place_no
        where q.area_key = any (p_others) and q.span && busy and p.hold_until <= p_now
        order by 1, 2
    loop
        if not pg_try_advisory_xact_lock(data.place_lock_key(other.slot_id, other.place_no)) then
            continue when not p_wait;
            perform pg_advisory_xact_lock(data.place_lock_key(other.slot_id, other.place_no));
        end if;
        -- Its owner may have confirmed it meanwhile: then the row no longer matches.
        delete from data.place as p
        where p.slot_id = other.slot_id and p.place_no = other.place_no and p.hold_until <= p_now;
        evicted := evicted or found;
    end loop;
    return evicted;
end $$;
alter function data.evict_lapsed(data.slot, integer, timestamptz, boolean, integer, integer, integer[]) owner to zapisd_owner;
revoke all on function data.evict_lapsed(data.slot, integer, timestamptz, boolean, integer, integer, integer[]) from public;
comment on function data.evict_lapsed(data.slot, integer, timestamptz, boolean, integer, integer, integer[]) is
    'Frees places of lapsed holds that stand in the way of a place; their bookings are left to their owners and to admin.sweep() (B3)';

-- Waits until whoever is at a place has ended, and keeps nothing: the shared lock goes with the subtransaction. So all who
-- wait wake up together and see what became of the place, instead of queueing behind each other's commits.
create or replace function data.await_place(p_slot_id uuid, p_place_no integer) returns void
language plpgsql as $$
begin
    perform pg_advisory_xact_lock_shared(data.place_lock_key(p_slot_id, p_place_no));
    raise exception 'let go' using errcode = 'ZB001';
exception when sqlstate 'ZB001' then
    null;
end $$;
alter function data.await_place(uuid, integer) owner to zapisd_owner;
revoke all on function data.await_place(uuid, integer) from public;
comment on function data.await_place(uuid, integer) is 'Waits for the transaction that is at a place, without taking its lock';

-- Returns the number of the place, 0 when all are taken, -1 when those left are locked by running transactions (p_wait false).
drop function if exists data.take_place(data.slot, text, timestamptz, timestamptz, boolean);
create or replace function data.take_place(s data.slot, p_book_key text, p_hold_until timestamptz, p_now timestamptz,
    p_wait boolean, p_before_min integer default 0, p_after_min integer default 0)
returns integer language plpgsql as $$
declare
    n integer;
    locked integer;
begin
    -- The usual case: one place, nobody at it.
    if s.capacity = 1 and pg_try_advisory_xact_lock(data.place_lock_key(s.slot_id, 1)) then
        insert into data.place (slot_id, place_no, book_key, hold_until, capacity, area_key, starts_at, ends_at,
            before_min, after_min)
        values (s.slot_id, 1, p_book_key, p_hold_until, s.capacity, s.area_key, s.starts_at, s.ends_at, p_before_min, p_after_min)
        on conflict do nothing;
        if found then
            return 1;
        end if;
    end if;
    loop
        locked := null;
        for n in
            -- Behind the last one taken first: a crowd at a large slot need not pass everybody who came before. Then the gaps.
            select i from generate_series(coalesce((select max(p.place_no) from data.place as p where p.slot_id = s.slot_id), 0) + 1,
                s.capacity) as i
            where s.capacity > 1
            union all
            select i from generate_series(1, s.capacity) as i
            where s.capacity = 1
                or not exists (select from data.place as p
                               where p.slot_id = s.slot_id and p.place_no = i and (p.hold_until is null or p.hold_until > p_now))
        loop
            if not pg_try_advisory_xact_lock(data.place_lock_key(s.slot_id, n)) then
                locked := coalesce(locked, n);
                continue;
            end if;
            insert into data.place (slot_id, place_no, book_key, hold_until, capacity, area_key, starts_at, ends_at,
                before_min, after_min)
            values (s.slot_id, n, p_book_key, p_hold_until, s.capacity, s.area_key, s.starts_at, s.ends_at, p_before_min, p_after_min)
            on conflict do nothing;
            if found then
                return n;
            end if;
            if data.evict_lapsed(s, n, p_now, p_wait, p_before_min, p_after_min, '{}') then
                insert into data.place (slot_id, place_no, book_key, hold_until, capacity, area_key, starts_at, ends_at,
                    before_min, after_min)
                values (s.slot_id, n, p_book_key, p_hold_until, s.capacity, s.area_key, s.starts_at, s.ends_at, p_before_min, p_after_min)
                on conflict do nothing;
                if found then
                    return n;
                end if;
            end if;
        end loop;
        if locked is null then
            return 0;
        end if;
        -- Somebody is at a place that looks free or lapsed. A firmly taken one is not worth waiting for, and not waiting
        -- for it keeps two people who swap their slots from waiting for each other.
        if s.capacity = 1 and exists (select from data.place as p
                                      where p.slot_id = s.slot_id and (p.hold_until is null or p.hold_until > p_now)) then
            return 0;
        end if;
        if not p_wait then
            return -1;
        end if;
        perform data.await_place(s.slot_id, locked);
    end loop;
end $$;
alter function data.take_place(data.slot, text, timestamptz, timestamptz, boolean, integer, integer) owner to zapisd_owner;
revoke all on function data.take_place(data.slot, text, timestamptz, timestamptz, boolean, integer, integer) from public;
comment on function data.take_place(data.slot, text, timestamptz, timestamptz, boolean, integer, integer) is
    'Takes a place of a slot: its number, 0 when none is free, -1 when others are at the last ones and p_wait is false';

-- As data.take_place, for an organization with rules: the exclusive areas of the visit are taken with the place. Their locks
-- are taken before, so that two who want one area come one after the other; what is firmly taken is not waited for.
create or replace function data.take_place_by_rules(s data.slot, p_book_key text, p_hold_until timestamptz, p_now timestamptz,
    p_wait boolean, p_service_ids text[], p_visit data.slot[])
returns integer language plpgsql as $$
declare
    needs record;
    busy tstzrange;
    other integer;
    n integer;
    used integer;
begin
    needs := data.slot_needs(s, p_service_ids);
    -- Between two slots of one visit nothing is kept free.
    if cardinality(p_visit) > 1 then
        if exists (select from unnest(p_visit) as t where t.area_key = s.area_key and t.ends_at = s.starts_at) then
            needs.before_min := 0;
        end if;
        if exists (select from unnest(p_visit) as t where t.area_key = s.area_key and t.starts_at = s.ends_at) then
            needs.after_min := 0;
        end if;
    end if;
    busy := data.busy_span(s.starts_at, s.ends_at, needs.before_min, needs.after_min);
    if needs.others <> '{}' then
        foreach other in array needs.others loop
            if p_wait then
                perform pg_advisory_xact_lock(data.area_lock_class(), other);
            elsif not pg_try_advisory_xact_lock(data.area_lock_class(), other) then
                return -1;
            end if;
        end loop;
        if data.others_taken(needs.others, busy, p_now) then
            return 0;
        end if;
        perform data.evict_lapsed(s, 1, p_now, p_wait, needs.before_min, needs.after_min, needs.others);
    end if;
    n := data.take_place(s, p_book_key, p_hold_until, p_now, p_wait, needs.before_min, needs.after_min);
    if n > 0 and needs.others <> '{}' then
        insert into data.occupancy (slot_id, place_no, area_key, span)
        select s.slot_id, n, u, busy from unnest(needs.others) as u
        on conflict do nothing;
        get diagnostics used = row_count;
        if used < cardinality(needs.others) then
            -- A lapsed hold that its owner is just about to confirm.
            delete from data.place as p where p.slot_id = s.slot_id and p.place_no = n;
            return case when p_wait then 0 else -1 end;
        end if;
    end if;
    return n;
end $$;
alter function data.take_place_by_rules(data.slot, text, timestamptz, timestamptz, boolean, text[], data.slot[])
    owner to zapisd_owner;
revoke all on function data.take_place_by_rules(data.slot, text, timestamptz, timestamptz, boolean, text[], data.slot[])
    from public;
comment on function data.take_place_by_rules(data.slot, text, timestamptz, timestamptz, boolean, text[], data.slot[]) is
    'Takes a place of a slot and the exclusive areas a visit there uses; answers as data.take_place does';

create or replace function data.area_lock_class() returns integer language sql immutable parallel safe return 3290001;
alter function data.area_lock_class() owner to zapisd_owner;
revoke all on function data.area_lock_class() from public;
comment on function data.area_lock_class() is 'Class of advisory locks on exclusive areas';
