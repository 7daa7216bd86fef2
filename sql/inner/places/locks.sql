-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Locks of places and of times (B2, B3). Whoever adds, changes or removes a row of data.place holds the advisory lock of that
-- place until the end of its transaction, and whoever adds one in an area for one the locks of its time; so a try-lock
-- tells, without waiting, whether somebody is at it.

-- What a check reads after its lock must be newer than the lock: an old snapshot would not show who was there before.
create or replace function data.refuse_old_snapshot() returns void
language plpgsql as $$
begin
    if current_setting('transaction_isolation') <> 'read committed' then
        raise exception 'Время и часы занимают только в транзакции read committed, а эта — %',
            current_setting('transaction_isolation') using errcode = 'invalid_transaction_state',
            hint = 'Наберите: set default_transaction_isolation = ''read committed''; если транзакция начата командой begin — '
                'сперва rollback, затем begin isolation level read committed';
    end if;
end $$;
comment on function data.refuse_old_snapshot() is 'Refuses a transaction whose snapshot is older than its locks';

create or replace function data.place_lock_key(p_slot_id uuid, p_place_no integer) returns bigint
language sql immutable strict parallel safe
return uuid_hash_extended(p_slot_id, p_place_no);
comment on function data.place_lock_key(uuid, integer) is 'Key of the advisory lock of a place';

-- A transaction of several bookings takes places for one after the other, and would wait for a place with others in its hands.
-- What it waits for lies above all it has taken, or it waits for nothing and gives back what it has (55P03): so no two wait for
-- each other's places, in one slot or in several. api.lock_bookings begins it; the highest place taken is kept in a setting of
-- the transaction, which goes back with a subtransaction as the lock does. Who has one booking in hand waits as he always did.
create or replace function data.place_rank(p_slot_id uuid, p_place_no integer) returns text
language sql immutable strict parallel safe
return p_slot_id::text || lpad(p_place_no::text, 10, '0');
comment on function data.place_rank(uuid, integer) is
    'Where a place stands among all, to be compared by collation C: slots by slot_id, places by number';

create or replace function data.note_place(p_slot_id uuid, p_place_no integer) returns void
language plpgsql as $$
declare
    highest constant text := current_setting('zapisd.highest_place', true);
begin
    if highest <> '' then
        perform set_config('zapisd.highest_place', greatest(highest collate "C", data.place_rank(p_slot_id, p_place_no)), true);
    end if;
end $$;
comment on function data.note_place(uuid, integer) is 'Remembers for a transaction of several bookings that it has taken a place';

create or replace function data.stand_back(p_rank text) returns void
language plpgsql as $$
begin
    if current_setting('zapisd.highest_place', true) collate "C" > p_rank then
        raise exception 'others are at a place, and this transaction has places above it' using errcode = 'lock_not_available';
    end if;
end $$;
comment on function data.stand_back(text) is
    'Before a wait for a place of this rank: an error (55P03) when a transaction of several bookings has taken a higher one; '
        'rank 0: any';

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
comment on function data.await_place(uuid, integer) is
    'Waits for the transaction that is at a place, without taking its lock; 55P03 where that might be for ever';

create or replace function data.await_time(p_area_key integer, p_from timestamptz, p_to timestamptz) returns void
language plpgsql as $$
begin
    perform data.hold_time(false, p_area_key, p_from, p_to, true);
    raise exception 'let go' using errcode = 'ZB001';
exception when sqlstate 'ZB001' then
    null;
end $$;
comment on function data.await_time(integer, timestamptz, timestamptz) is
    'Waits for the transactions that are at a time of an area, without keeping its locks';

-- From here to the end of the transaction nobody takes a lapsed place away or over.
create or replace function data.lock_places(p_book_key text) returns uuid[]
language plpgsql as $$
declare
    p record;
begin
    for p in select t.slot_id, t.place_no from data.place as t where t.book_key = p_book_key order by t.slot_id, t.place_no loop
        if not pg_try_advisory_xact_lock(data.place_lock_key(p.slot_id, p.place_no)) then
            perform data.stand_back('0');
            perform pg_advisory_xact_lock(data.place_lock_key(p.slot_id, p.place_no));
        end if;
    end loop;
    return array(select t.slot_id from data.place as t where t.book_key = p_book_key order by t.slot_id);
end $$;
comment on function data.lock_places(text) is 'Locks the places of a booking and names their slots, in slot_id order';
