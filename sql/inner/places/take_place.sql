-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- One place of one slot (B2, B3), under the locks of locks.sql. Constraints have the last word.

-- Removes holds that have run out and stand in the way: on the place itself, for an area of one on any overlapping slot, and
-- where another visit uses an exclusive area. Minutes to keep free around the visit count.
drop function if exists data.evict_lapsed(data.slot, integer, timestamptz, boolean);
create or replace function data.evict_lapsed(s data.slot, p_place_no integer, p_now timestamptz, p_wait boolean,
    p_before_min integer, p_after_min integer, p_others integer[])
returns boolean language plpgsql as $$
declare
    other record;
    evicted boolean := false;
    since timestamptz := s.starts_at - make_interval(mins => p_before_min);
    until timestamptz := s.ends_at + make_interval(mins => p_after_min);
begin
    for other in
        select p.slot_id, p.place_no from data.place as p
        where p.hold_until <= p_now and p.slot_id = s.slot_id and p.place_no = p_place_no
        union
        select p.slot_id, p.place_no from data.place as p
        where p.hold_until <= p_now and s.capacity = 1 and p.capacity = 1 and p.area_key = s.area_key
            and p.busy_from < until and p.busy_to > since and p.busy_from > since - interval '48 hours'
        union
        select p.slot_id, p.place_no from data.occupancy as q
        join data.place as p on p.slot_id = q.slot_id and p.place_no = q.place_no
        where q.area_key = any (p_others) and q.busy_from < until and q.busy_to > since
            and q.busy_from > since - interval '48 hours'
            and p.hold_until <= p_now
        order by 1, 2
    loop
        if not pg_try_advisory_xact_lock(data.place_lock_key(other.slot_id, other.place_no)) then
            continue when not p_wait;
            perform data.stand_back(data.place_rank(other.slot_id, other.place_no));
            perform pg_advisory_xact_lock(data.place_lock_key(other.slot_id, other.place_no));
        end if;
        -- Its owner may have confirmed it meanwhile: then the row no longer matches.
        delete from data.place as p
        where p.slot_id = other.slot_id and p.place_no = other.place_no and p.hold_until <= p_now;
        evicted := evicted or found;
    end loop;
    return evicted;
end $$;
comment on function data.evict_lapsed(data.slot, integer, timestamptz, boolean, integer, integer, integer[]) is
    'Frees places of lapsed holds that stand in the way of a place; their bookings are left to their owners and to admin.sweep() '
        '(B3)';

-- The trigger of data.place locks the time and looks who is there; asked so, it makes no row instead of waiting or failing.
-- What is firmly taken is not worth waiting for, and not waiting for it keeps two people who swap their slots from waiting
-- for each other.
create or replace function data.take_only_place(s data.slot, p_book_key text, p_hold_until timestamptz, p_now timestamptz,
    p_wait boolean, p_before_min integer, p_after_min integer)
returns integer language plpgsql set zapisd.asking = on as $$
declare
    since timestamptz;
    until timestamptz;
    others integer[];
    other integer;
    is_firm boolean;
    rounds integer := 0;
begin
    loop
        if pg_try_advisory_xact_lock(data.place_lock_key(s.slot_id, 1)) then
            insert into data.place (slot_id, place_no, book_key, hold_until, capacity, area_key, starts_at, ends_at,
                before_min, after_min)
            values (s.slot_id, 1, p_book_key, p_hold_until, s.capacity, s.area_key, s.starts_at, s.ends_at,
                p_before_min, p_after_min);
            if found then
                perform data.note_place(s.slot_id, 1);
                return 1;
            end if;
        end if;
        since := s.starts_at - make_interval(mins => p_before_min);
        until := s.ends_at + make_interval(mins => p_after_min);
        is_firm := (
            select bool_or(p.hold_until is null or p.hold_until > p_now) from data.place as p
            where p.capacity = 1 and p.area_key = s.area_key and p.busy_from < until and p.busy_to > since
                and p.busy_from > since - interval '48 hours');
        -- What the area uses now: it may have changed since the caller looked (B9).
        others := (select a.uses from data.area as a where a.area_key = s.area_key);
        if is_firm or others <> '{}' and data.others_taken(others, since, until, p_now) then
            return 0;
        end if;
        continue when data.evict_lapsed(s, 1, p_now, p_wait, p_before_min, p_after_min, others);
        if not p_wait then
            return -1;
        end if;
        perform data.await_place(s.slot_id, 1);
        -- Who waits in a queue for a time that is ours makes each try at it fail, and waiting for him is over at once: after some
        -- rounds the time is kept, and a ring is for the server to break.
        rounds := rounds + 1;
        if rounds < 20 then
            perform data.await_time(s.area_key, since, until);
        else
            perform data.hold_time(false, s.area_key, since, until, true);
        end if;
        foreach other in array others loop
            perform data.hold_time(true, other, since, until, true);
        end loop;
    end loop;
end $$;
comment on function data.take_only_place(data.slot, text, timestamptz, timestamptz, boolean, integer, integer) is
    'Takes the place of a slot for one, and the time of its area; answers as data.take_place does';

create or replace function data.put_place(s data.slot, p_place_no integer, p_book_key text, p_hold_until timestamptz,
    p_before_min integer, p_after_min integer)
returns boolean language plpgsql set zapisd.asking = on as $$
begin
    insert into data.place (slot_id, place_no, book_key, hold_until, capacity, area_key, starts_at, ends_at,
        before_min, after_min)
    values (s.slot_id, p_place_no, p_book_key, p_hold_until, s.capacity, s.area_key, s.starts_at, s.ends_at,
        p_before_min, p_after_min)
    on conflict do nothing;
    return found;
end $$;
comment on function data.put_place(data.slot, integer, text, timestamptz, integer, integer) is
    'Puts a booking into a place of a slot for several, whose advisory lock the caller has; false when it is taken';

-- Returns the number of the place, 0 when all are taken, -1 when those left are locked by running transactions (p_wait false).
drop function if exists data.take_place(data.slot, text, timestamptz, timestamptz, boolean);
create or replace function data.take_place(s data.slot, p_book_key text, p_hold_until timestamptz, p_now timestamptz,
    p_wait boolean, p_before_min integer default 0, p_after_min integer default 0)
returns integer language plpgsql as $$
declare
    n integer;
    locked integer;
begin
    if s.capacity = 1 then
        return data.take_only_place(s, p_book_key, p_hold_until, p_now, p_wait, p_before_min, p_after_min);
    end if;
    -- A change of what the area uses is waited for here or not at all: the trigger of data.place finds the lock taken.
    if not data.hold_time(false, s.area_key, s.starts_at, s.starts_at, p_wait) then
        return -1;
    end if;
    loop
        locked := null;
        for n in
            -- Behind the last one taken first: a crowd at a large slot need not pass everybody who came before. Then the gaps.
            select i from generate_series(coalesce((select max(p.place_no) from data.place as p
                where p.slot_id = s.slot_id), 0) + 1,
                s.capacity) as i
            union all
            select i from generate_series(1, s.capacity) as i
            where not exists (select from data.place as p
                              where p.slot_id = s.slot_id and p.place_no = i and (p.hold_until is null or p.hold_until > p_now))
        loop
            if not pg_try_advisory_xact_lock(data.place_lock_key(s.slot_id, n)) then
                locked := greatest(locked, n);
                continue;
            end if;
            if data.put_place(s, n, p_book_key, p_hold_until, p_before_min, p_after_min)
                or data.evict_lapsed(s, n, p_now, p_wait, p_before_min, p_after_min, '{}')
                    and data.put_place(s, n, p_book_key, p_hold_until, p_before_min, p_after_min) then
                perform data.note_place(s.slot_id, n);
                return n;
            end if;
        end loop;
        if locked is null then
            return 0;
        end if;
        if not p_wait then
            return -1;
        end if;
        perform data.await_place(s.slot_id, locked);
    end loop;
end $$;
comment on function data.take_place(data.slot, text, timestamptz, timestamptz, boolean, integer, integer) is
    'Takes a place of a slot: its number, 0 when none is free, -1 when others are at the last ones and p_wait is false';
