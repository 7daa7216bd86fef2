-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- A change of what an area uses stops those who book there, not everybody, and for as long as its visits take to be gone
-- through once (L1, B9); whether history refers to a slot is known without reading history; visits that use an exclusive area
-- at once are named as those in an area for one were.

-- ---- locks of whole areas

-- As before, but an empty time is an empty time at whatever second it lies: two who book the same slot for several do not
-- exclude each other.
create or replace function data.hold_time(p_is_use boolean, p_area_key integer, p_from timestamptz, p_to timestamptz, p_wait boolean) returns boolean
language plpgsql as $$
declare
    sizes constant integer[] := array[60, 15, 5, 1];
    base constant bigint := data.time_key(p_is_use, 0, p_area_key, 0);
    until constant bigint := case when p_to > p_from then ceil(date_part('epoch', p_to) / 60) else 0 end;
    minute bigint := floor(date_part('epoch', p_from) / 60);
    quarter bigint;
    key bigint;
    n integer;
begin
    -- The usual case, one to three whole quarters of an hour and nobody at them, in one expression.
    if minute % 15 = 0 and until % 15 = 0 and minute < until and until - minute <= 45 and minute / 60 = (until - 1) / 60 then
        quarter := base | (3::bigint << 58) | (minute / 15 & 134217727);
        if pg_try_advisory_xact_lock_shared(0) and pg_try_advisory_xact_lock_shared(base | (1::bigint << 58))
            and pg_try_advisory_xact_lock_shared(base | (2::bigint << 58) | (minute / 60 & 134217727))
            and pg_try_advisory_xact_lock(quarter) and (until - minute < 30 or pg_try_advisory_xact_lock(quarter + 1))
            and (until - minute < 45 or pg_try_advisory_xact_lock(quarter + 2)) then
            return true;
        end if;
    end if;
    foreach key in array array[0, base | (1::bigint << 58)] loop
        if not pg_try_advisory_xact_lock_shared(key) then
            if not p_wait then
                return false;
            end if;
            perform pg_advisory_xact_lock_shared(key);
        end if;
    end loop;
    -- In the order of time, and the bigger piece first: so two who want overlapping times do not wait crosswise.
    while minute < until loop
        n := 1;
        loop
            key := base | ((n + 1)::bigint << 58) | (minute / sizes[n] & 134217727);
            exit when minute % sizes[n] = 0 and minute + sizes[n] <= until;
            if not pg_try_advisory_xact_lock_shared(key) then
                if not p_wait then
                    return false;
                end if;
                perform pg_advisory_xact_lock_shared(key);
            end if;
            n := n + 1;
        end loop;
        if not pg_try_advisory_xact_lock(key) then
            if not p_wait then
                return false;
            end if;
            perform pg_advisory_xact_lock(key);
        end if;
        minute := minute + sizes[n];
    end loop;
    return true;
end $$;

-- As before; and who only asks is not failed by an exclusive area either, which may have come into use since he looked.
create or replace function data.place_taken() returns trigger
language plpgsql as $$
declare
    is_asking constant boolean := coalesce(current_setting('zapisd.asking', true), '') = 'on';
    since timestamptz := new.starts_at;
    until timestamptz := new.ends_at;
    other uuid;
    used integer;
begin
    if new.before_min > 0 or new.after_min > 0 then
        since := since - make_interval(mins => new.before_min);
        until := until + make_interval(mins => new.after_min);
    end if;
    if current_setting('transaction_isolation') <> 'read committed' then
        perform data.refuse_old_snapshot();
    elsif not is_asking then
        perform data.claim_time(false, new.area_key, since, case when new.capacity = 1 then until else since end);
    elsif not data.hold_time(false, new.area_key, since, case when new.capacity = 1 then until else since end, false) then
        return null;
    end if;
    -- Only what is asked after the lock is had sees whoever had it before. The same slot again is for its key to refuse.
    if is_asking then
        select (select p.slot_id from data.place as p
                where new.capacity = 1 and p.capacity = 1 and p.area_key = new.area_key and p.busy_from < until and p.busy_to > since
                    and p.busy_from > since - interval '48 hours'
                limit 1),
            (select nullif(a.uses, '{}') from data.area as a where a.area_key = new.area_key)
        into other, new.uses;
        if other is null and new.uses is not null then
            foreach used in array new.uses loop
                if not data.hold_time(true, used, since, until, false) then
                    return null;
                end if;
                other := coalesce(other, (select q.slot_id from data.occupancy as q
                    where q.area_key = used and q.busy_from < until and q.busy_to > since and q.busy_from > since - interval '48 hours' limit 1));
            end loop;
        end if;
    else
        other := case when new.capacity = 1 then data.time_taken(new.area_key, since, until, new.slot_id) end;
        new.uses := (select nullif(a.uses, '{}') from data.area as a where a.area_key = new.area_key);
    end if;
    if other is null then
        return new;
    end if;
    if is_asking then
        return null;
    end if;
    raise exception 'area % is taken at % already', new.area_key, new.starts_at using
        errcode = 'exclusion_violation', schema = 'data', table = 'place', constraint = 'place_area_once',
        detail = format('slot %s overlaps slot %s', new.slot_id, other);
end $$;

-- The list may be forged; it chooses between locks that are all strong enough.
create function data.claim_area(p_is_use boolean, p_area_key integer) returns void
language plpgsql as $$
declare
    mark constant text := format(' %s%s ', case when p_is_use then 'u' else 'a' end, p_area_key);
    claimed text := coalesce(current_setting('zapisd.areas_claimed', true), '');
begin
    if position(mark in claimed) = 0 then
        claimed := claimed || mark;
        perform set_config('zapisd.areas_claimed', claimed, true);
    end if;
    if length(claimed) > 4000 then -- some 500 areas
        perform pg_advisory_xact_lock(0);
    else
        perform pg_advisory_xact_lock_shared(0);
        perform pg_advisory_xact_lock(data.time_key(p_is_use, 1, p_area_key, 0));
    end if;
end $$;
alter function data.claim_area(boolean, integer) owner to zapisd_owner;
revoke all on function data.claim_area(boolean, integer) from public;
comment on function data.claim_area(boolean, integer) is
    'Waits for the lock on all the time of an area and keeps it to the end of the transaction; of very many areas, on everything there is';

-- A transaction that takes many places locks the areas they are in, however many the places: the server's table of locks is
-- bounded, and who books elsewhere hears nothing of it.
create or replace function data.claim_time(p_is_use boolean, p_area_key integer, p_from timestamptz, p_to timestamptz) returns void
language plpgsql as $$
declare
    n integer := coalesce(nullif(current_setting('zapisd.times_claimed', true), '')::integer, 0) + 1;
begin
    perform data.refuse_old_snapshot();
    perform set_config('zapisd.times_claimed', n::text, true);
    if n > 100 then
        perform data.claim_area(p_is_use, p_area_key);
    else
        perform data.hold_time(p_is_use, p_area_key, p_from, p_to, true);
    end if;
end $$;

-- Who has the area's lock keeps those who book there waiting, and so does who waits for it: for a moment, then all is given
-- back and asked for anew (docs/architecture.md, the order of locks).
create function data.claim_areas(p_area_keys integer[], p_used_keys integer[]) returns void
language plpgsql set lock_timeout = '300ms' as $$
declare
    patience constant timestamptz := clock_timestamp() + interval '15 seconds';
    k integer;
begin
    perform data.refuse_old_snapshot();
    loop
        begin
            for k in select distinct u from unnest(p_area_keys) as u order by u loop
                perform data.claim_area(false, k);
            end loop;
            for k in select distinct u from unnest(p_used_keys) as u order by u loop
                perform data.claim_area(true, k);
            end loop;
            return;
        exception when lock_not_available or deadlock_detected then
            if clock_timestamp() > patience then
                raise exception 'В этих помещениях сейчас кто-то записывает или меняет записи' using errcode = 'lock_not_available',
                    hint = 'Ничего не изменено. Повторите через минуту; открытая транзакция в другом psql видна в pg_stat_activity';
            end if;
            perform pg_sleep(0.01 + random() * 0.05);
        end;
    end loop;
end $$;
alter function data.claim_areas(integer[], integer[]) owner to zapisd_owner;
revoke all on function data.claim_areas(integer[], integer[]) from public;
comment on function data.claim_areas(integer[], integer[]) is
    'Locks areas, and the use of exclusive ones, against bookings to the end of the transaction; asks anew while others are there, an error when that has gone on for too long';

-- ---- what an area uses has changed

-- What is over stays as it was, and is not read: from the slots to come to their places, whatever the statistics say. Of two visits that were allowed before and share the area now the first keeps it.
create or replace function data.area_uses_changed() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    used integer;
    taken tstzmultirange;
    reached timestamptz;
    p record;
    slots uuid[];
    places smallint[];
begin
    -- Whoever is booking here is waited for and then counted; whoever comes later sees what the area uses now.
    perform data.claim_areas(array[new.area_key], new.uses);
    delete from data.occupancy as q using (
        select t.slot_id, t.place_no
        from data.slot as s
        cross join lateral (select x.slot_id, x.place_no from data.place as x where x.slot_id = s.slot_id offset 0) as t
        where s.area_key = new.area_key and s.starts_at > now() - interval '2 days' offset 0) as k
    where q.slot_id = k.slot_id and q.place_no = k.place_no and q.area_key <> all (new.uses);
    foreach used in array new.uses loop
        -- In one walk, in memory: a look into the table for each visit would be a look through two days of the others.
        taken := coalesce((select range_agg(tstzrange(q.busy_from, q.busy_to)) from data.occupancy as q where q.area_key = used and q.busy_to > now()), '{}');
        reached := '-infinity';
        slots := '{}';
        places := '{}';
        for p in
            select t.slot_id, t.place_no, t.busy_from, t.busy_to
            from data.slot as s
            cross join lateral (select x.* from data.place as x where x.slot_id = s.slot_id offset 0) as t
            where s.area_key = new.area_key and s.starts_at > now() - interval '2 days' and t.ends_at > now()
            order by t.starts_at, t.slot_id, t.place_no
        loop
            continue when p.busy_from < reached or tstzrange(p.busy_from, p.busy_to) && taken;
            reached := p.busy_to;
            slots := slots || p.slot_id;
            places := places || p.place_no;
        end loop;
        insert into data.occupancy (slot_id, place_no, area_key, busy_from, busy_to)
        select t.slot_id, t.place_no, used, t.busy_from, t.busy_to
        from unnest(slots, places) as k (slot_id, place_no) join data.place as t on t.slot_id = k.slot_id and t.place_no = k.place_no;
    end loop;
    return null;
end $$;

create or replace function data.rules_changed() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    id text := coalesce(new.organization_id, old.organization_id);
    changed record;
begin
    if tg_table_name in ('area', 'area_use') and exists (
        select from data.area as a where a.organization_id = id and (a.is_exclusive or a.uses <> '{}')) then
        select array_agg(distinct a.area_key) as keys, array_agg(distinct u.key) filter (where u.key is not null) as used into changed
        from data.area as a
        cross join lateral (select data.used_areas(a.area_key) as uses) as w
        left join lateral unnest(w.uses) as u (key) on true
        where a.organization_id = id and a.uses is distinct from w.uses;
        if changed.keys is not null then
            perform data.claim_areas(changed.keys, coalesce(changed.used, '{}'));
            update data.area as a set uses = '{}' where a.area_key = any (changed.keys);
        end if;
    end if;
    update data.organization as o set has_rules = not o.has_rules
    where o.organization_id = id and o.has_rules <> data.organization_has_rules(id);
    -- The quick way of getSlots knows of no buffers: with the last rule those of visits still to come go too.
    if found and not (select o.has_rules from data.organization as o where o.organization_id = id) then
        update data.place as p set before_min = 0, after_min = 0
        from (
            select t.slot_id, t.place_no
            from data.slot as s
            cross join lateral (
                select x.slot_id, x.place_no from data.place as x where x.slot_id = s.slot_id and (x.before_min > 0 or x.after_min > 0) offset 0) as t
            where s.organization_id = id and s.starts_at > now() - interval '2 days' offset 0) as k
        where p.slot_id = k.slot_id and p.place_no = k.place_no;
    end if;
    return null;
end $$;

-- ---- slots that history refers to

-- No key to data.slot: that would lock a slot that others book. Whoever takes a place away has its lock, so nobody waits here.
create table data.slot_known (
    slot_id uuid not null,
    place_no smallint not null,
    constraint slot_known_pkey primary key (slot_id, place_no)
);
alter table data.slot_known owner to zapisd_owner;
revoke all on data.slot_known from public;
comment on table data.slot_known is 'Places that somebody had and gave back before the visit: history refers to their slots, which are closed and not deleted';
comment on column data.slot_known.slot_id is 'Slot';
comment on column data.slot_known.place_no is 'Which of its places';
comment on constraint slot_known_pkey on data.slot_known is 'Said once; found by the slot';

create function data.place_left() returns trigger
language plpgsql as $$
begin
    insert into data.slot_known (slot_id, place_no) values (old.slot_id, old.place_no) on conflict do nothing;
    return null;
end $$;
alter function data.place_left() owner to zapisd_owner;
revoke all on function data.place_left() from public;
comment on function data.place_left() is 'Trigger: a slot that somebody had a place in is known to history';
create trigger place_left after delete on data.place
    for each row when (old.ends_at > now()) execute function data.place_left();
comment on trigger place_left on data.place is 'Whether a slot may be deleted is known without reading history';

insert into data.slot_known (slot_id, place_no)
select distinct u.slot_id, 1
from data.booking_history as h cross join lateral unnest(h.slot_ids) as u (slot_id)
join data.slot as s on s.slot_id = u.slot_id
where s.ends_at > now();

-- ---- what has come in already: named, not touched, as 015 did for areas for one

do $$
declare
    r record;
    found_here integer := 0;
begin
    for r in
        with used as materialized (
            select q.area_key, q.busy_from, q.busy_to, p.slot_id, p.place_no, p.book_key, p.starts_at
            from data.occupancy as q join data.place as p on p.slot_id = q.slot_id and p.place_no = q.place_no
            where q.busy_to > now() - interval '2 days' and (p.hold_until is null or p.hold_until > now())
        )
        select o.organization_id, a.area_id, b.book_id, c.book_id as other_id,
            to_char(y.starts_at at time zone o.time_zone, 'DD.MM.YYYY HH24:MI') as visit,
            to_char(x.starts_at at time zone o.time_zone, 'DD.MM.YYYY HH24:MI') as other_visit
        from used as y
        join used as x on x.area_key = y.area_key and x.busy_from < y.busy_to and x.busy_to > y.busy_from
            and (x.busy_from, x.slot_id, x.place_no) < (y.busy_from, y.slot_id, y.place_no)
        join data.area as a on a.area_key = y.area_key
        join data.organization as o on o.organization_id = a.organization_id
        join data.booking as b on b.book_key = y.book_key
        join data.booking as c on c.book_key = x.book_key
        where y.busy_to > now()
        order by y.starts_at, y.slot_id
    loop
        found_here := found_here + 1;
        if found_here <= 100 then
            raise warning 'организация %, общее помещение %: записи % (%) и % (%) занимают его одновременно; перенесите одну из них: admin.move',
                r.organization_id, r.area_id, r.other_id, r.other_visit, r.book_id, r.visit;
        end if;
    end loop;
    if found_here > 0 then
        raise warning 'Общие помещения заняты дважды: %. Новых таких не будет; список, пока они есть: select * from admin.check()', found_here;
    end if;
end $$;
