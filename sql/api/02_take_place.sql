-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- One place of one slot (B2, B3). Whoever adds, changes or removes a row of data.place holds the advisory lock of that
-- place until the end of its transaction, and whoever adds one in an area for one the locks of its time; so a try-lock
-- tells, without waiting, whether somebody is at it. Constraints have the last word.

create or replace function data.place_lock_key(p_slot_id uuid, p_place_no integer) returns bigint
language sql immutable strict parallel safe
return uuid_hash_extended(p_slot_id, p_place_no);
alter function data.place_lock_key(uuid, integer) owner to zapisd_owner;
revoke all on function data.place_lock_key(uuid, integer) from public;
comment on function data.place_lock_key(uuid, integer) is 'Key of the advisory lock of a place';

-- A transaction of several bookings takes places for one after the other, and would wait for a place with others in its hands.
-- What it waits for lies above all it has taken, or it waits for nothing and gives back what it has (55P03): so no two wait for
-- each other's places, in one slot or in several. api.lock_bookings begins it; the highest place taken is kept in a setting of the
-- transaction, which goes back with a subtransaction as the lock does. Who has one booking in hand waits as he always did.
create or replace function data.place_rank(p_slot_id uuid, p_place_no integer) returns text
language sql immutable strict parallel safe
return p_slot_id::text || lpad(p_place_no::text, 10, '0');
alter function data.place_rank(uuid, integer) owner to zapisd_owner;
revoke all on function data.place_rank(uuid, integer) from public;
comment on function data.place_rank(uuid, integer) is 'Where a place stands among all, to be compared by collation C: slots by slot_id, places by number';

create or replace function data.note_place(p_slot_id uuid, p_place_no integer) returns void
language plpgsql as $$
declare
    highest constant text := current_setting('zapisd.highest_place', true);
begin
    if highest <> '' then
        perform set_config('zapisd.highest_place', greatest(highest collate "C", data.place_rank(p_slot_id, p_place_no)), true);
    end if;
end $$;
alter function data.note_place(uuid, integer) owner to zapisd_owner;
revoke all on function data.note_place(uuid, integer) from public;
comment on function data.note_place(uuid, integer) is 'Remembers for a transaction of several bookings that it has taken a place';

create or replace function data.stand_back(p_rank text) returns void
language plpgsql as $$
begin
    if current_setting('zapisd.highest_place', true) collate "C" > p_rank then
        raise exception 'others are at a place, and this transaction has places above it' using errcode = 'lock_not_available';
    end if;
end $$;
alter function data.stand_back(text) owner to zapisd_owner;
revoke all on function data.stand_back(text) from public;
comment on function data.stand_back(text) is
    'Before a wait for a place of this rank: an error (55P03) when a transaction of several bookings has taken a higher one; rank 0: any';

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
        where q.area_key = any (p_others) and q.busy_from < until and q.busy_to > since and q.busy_from > since - interval '48 hours'
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
alter function data.evict_lapsed(data.slot, integer, timestamptz, boolean, integer, integer, integer[]) owner to zapisd_owner;
revoke all on function data.evict_lapsed(data.slot, integer, timestamptz, boolean, integer, integer, integer[]) from public;
comment on function data.evict_lapsed(data.slot, integer, timestamptz, boolean, integer, integer, integer[]) is
    'Frees places of lapsed holds that stand in the way of a place; their bookings are left to their owners and to admin.sweep() (B3)';

-- Waits until whoever is at a place has ended, and keeps nothing: the locks go with the subtransaction. So all who wait
-- wake up one right after the other and see what became of the place, instead of queueing behind each other's commits.
create or replace function data.await_place(p_slot_id uuid, p_place_no integer) returns void
language plpgsql as $$
begin
    perform data.stand_back(data.place_rank(p_slot_id, p_place_no));
    perform pg_advisory_xact_lock_shared(data.place_lock_key(p_slot_id, p_place_no));
    raise exception 'let go' using errcode = 'ZB001';
exception when sqlstate 'ZB001' then
    null;
end $$;
alter function data.await_place(uuid, integer) owner to zapisd_owner;
revoke all on function data.await_place(uuid, integer) from public;
comment on function data.await_place(uuid, integer) is 'Waits for the transaction that is at a place, without taking its lock; 55P03 where that might be for ever';

create or replace function data.await_time(p_area_key integer, p_from timestamptz, p_to timestamptz) returns void
language plpgsql as $$
begin
    perform data.hold_time(false, p_area_key, p_from, p_to, true);
    raise exception 'let go' using errcode = 'ZB001';
exception when sqlstate 'ZB001' then
    null;
end $$;
alter function data.await_time(integer, timestamptz, timestamptz) owner to zapisd_owner;
revoke all on function data.await_time(integer, timestamptz, timestamptz) from public;
comment on function data.await_time(integer, timestamptz, timestamptz) is 'Waits for the transactions that are at a time of an area, without keeping its locks';

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
begin
    loop
        if pg_try_advisory_xact_lock(data.place_lock_key(s.slot_id, 1)) then
            insert into data.place (slot_id, place_no, book_key, hold_until, capacity, area_key, starts_at, ends_at,
                before_min, after_min)
            values (s.slot_id, 1, p_book_key, p_hold_until, s.capacity, s.area_key, s.starts_at, s.ends_at, p_before_min, p_after_min);
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
        perform data.await_time(s.area_key, since, until);
        foreach other in array others loop
            perform data.hold_time(true, other, since, until, true);
        end loop;
    end loop;
end $$;
alter function data.take_only_place(data.slot, text, timestamptz, timestamptz, boolean, integer, integer) owner to zapisd_owner;
revoke all on function data.take_only_place(data.slot, text, timestamptz, timestamptz, boolean, integer, integer) from public;
comment on function data.take_only_place(data.slot, text, timestamptz, timestamptz, boolean, integer, integer) is
    'Takes the place of a slot for one, and the time of its area; answers as data.take_place does';

create or replace function data.put_place(s data.slot, p_place_no integer, p_book_key text, p_hold_until timestamptz,
    p_before_min integer, p_after_min integer)
returns boolean language plpgsql set zapisd.asking = on as $$
begin
    insert into data.place (slot_id, place_no, book_key, hold_until, capacity, area_key, starts_at, ends_at, before_min, after_min)
    values (s.slot_id, p_place_no, p_book_key, p_hold_until, s.capacity, s.area_key, s.starts_at, s.ends_at, p_before_min, p_after_min)
    on conflict do nothing;
    return found;
end $$;
alter function data.put_place(data.slot, integer, text, timestamptz, integer, integer) owner to zapisd_owner;
revoke all on function data.put_place(data.slot, integer, text, timestamptz, integer, integer) from public;
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
            select i from generate_series(coalesce((select max(p.place_no) from data.place as p where p.slot_id = s.slot_id), 0) + 1,
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
alter function data.take_place(data.slot, text, timestamptz, timestamptz, boolean, integer, integer) owner to zapisd_owner;
revoke all on function data.take_place(data.slot, text, timestamptz, timestamptz, boolean, integer, integer) from public;
comment on function data.take_place(data.slot, text, timestamptz, timestamptz, boolean, integer, integer) is
    'Takes a place of a slot: its number, 0 when none is free, -1 when others are at the last ones and p_wait is false';

-- As data.take_place, for an organization with rules: the exclusive areas of the visit are taken with the place, by its
-- trigger. Their time is locked before, so that two who want it come one after the other.
create or replace function data.take_place_by_rules(s data.slot, p_book_key text, p_hold_until timestamptz, p_now timestamptz,
    p_wait boolean, p_service_ids text[], p_visit data.slot[])
returns integer language plpgsql as $$
declare
    needs record;
    since timestamptz;
    until timestamptz;
    other integer;
begin
    -- From here on the area uses what it uses now: who changes that waits for us, and whom he keeps waiting reads it after him.
    if not data.hold_time(false, s.area_key, s.starts_at, s.starts_at, p_wait) then
        return -1;
    end if;
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
    since := s.starts_at - make_interval(mins => needs.before_min);
    until := s.ends_at + make_interval(mins => needs.after_min);
    foreach other in array needs.others loop
        if not data.hold_time(true, other, since, until, p_wait) then
            return -1;
        end if;
    end loop;
    if needs.others <> '{}' then
        if data.others_taken(needs.others, since, until, p_now) then
            return 0;
        end if;
        perform data.evict_lapsed(s, 1, p_now, p_wait, needs.before_min, needs.after_min, needs.others);
        -- A lapsed hold that its owner is just about to confirm, or has confirmed meanwhile.
        if data.others_taken(needs.others, since, until, '-infinity') then
            return case when p_wait then 0 else -1 end;
        end if;
    end if;
    return data.take_place(s, p_book_key, p_hold_until, p_now, p_wait, needs.before_min, needs.after_min);
end $$;
alter function data.take_place_by_rules(data.slot, text, timestamptz, timestamptz, boolean, text[], data.slot[])
    owner to zapisd_owner;
revoke all on function data.take_place_by_rules(data.slot, text, timestamptz, timestamptz, boolean, text[], data.slot[])
    from public;
comment on function data.take_place_by_rules(data.slot, text, timestamptz, timestamptz, boolean, text[], data.slot[]) is
    'Takes a place of a slot and the exclusive areas a visit there uses; answers as data.take_place does';
