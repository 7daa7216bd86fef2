-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- One place, one person (B2, B9) without GiST. A scan of a GiST index that is begun again keeps the offsets of entries it
-- found dead, and may mark living ones as dead when the page was split meanwhile; an exclusion constraint over such an index
-- then lets overlaps in. So nothing rests on GiST any more: whoever takes a time of an area locks that time, looks for
-- others by B-tree, and is seen by the next (docs/decisions/0300).

-- ---- the time an area is taken for, as two columns: what is compared is what is indexed

alter table data.place drop constraint if exists place_area_once;
drop index if exists data.place_area;
-- Minutes added in UTC do not depend on any zone, and PostgreSQL sees that they do not.
alter table data.place
    add column busy_from timestamptz not null
        generated always as ((starts_at at time zone 'UTC' - before_min * interval '1 minute') at time zone 'UTC') stored,
    add column busy_to timestamptz not null
        generated always as ((ends_at at time zone 'UTC' + after_min * interval '1 minute') at time zone 'UTC') stored,
    add column uses integer[];
create index place_area on data.place (area_key, busy_from, busy_to) include (hold_until) where capacity = 1;
comment on column data.place.busy_from is 'From when the area is taken: the visit and the minutes kept free before it';
comment on column data.place.busy_to is 'Until when: the visit and the minutes kept free after it';
comment on column data.place.uses is 'Exclusive areas it took with it, as its trigger found them; what it uses now is in data.occupancy';
comment on index data.place_area is 'What an area for one is taken for, in time order';

drop trigger place_time on data.place;
drop function data.place_time_changed();
alter table data.occupancy
    drop constraint if exists occupancy_area_once,
    add column busy_from timestamptz,
    add column busy_to timestamptz;
update data.occupancy set busy_from = lower(span), busy_to = upper(span);
alter table data.occupancy
    drop column span,
    alter column busy_from set not null,
    alter column busy_to set not null,
    add constraint occupancy_order check (busy_from < busy_to and busy_to - busy_from <= interval '48 hours');
create index occupancy_area on data.occupancy (area_key, busy_from, busy_to);
comment on table data.occupancy is 'Exclusive areas that taken places use; a trigger of data.place writes it, and it goes with the place';
comment on column data.occupancy.busy_from is 'From when';
comment on column data.occupancy.busy_to is 'Until when';
comment on constraint occupancy_order on data.occupancy is 'A visit is a day at most, and half a day is kept free before and after it';
comment on index data.occupancy_area is 'What an exclusive area is used for, in time order';

-- ---- locks on time

-- Hours, quarters, five minutes and minutes of an area; the area; all there is. A bigger piece holds whole smaller ones.
create function data.time_key(p_is_use boolean, p_level integer, p_area_key integer, p_number bigint) returns bigint
language sql immutable parallel safe
return (p_is_use::integer::bigint << 61) | (p_level::bigint << 58) | (p_area_key::bigint << 27) | (p_number & 134217727);
alter function data.time_key(boolean, integer, integer, bigint) owner to zapisd_owner;
revoke all on function data.time_key(boolean, integer, integer, bigint) from public;
comment on function data.time_key(boolean, integer, integer, bigint) is
    'Key of the advisory lock on a piece of an area''s time: level 0 everything, 1 the area, 2 an hour, 3 a quarter, 4 five minutes, 5 a minute';

-- The pieces a time is made of are locked exclusively, the bigger ones that hold them shared: times that overlap have a
-- lock in common on which they exclude each other, times that touch have none, at whatever minute they begin.
create function data.hold_time(p_is_use boolean, p_area_key integer, p_from timestamptz, p_to timestamptz, p_wait boolean) returns boolean
language plpgsql as $$
declare
    sizes constant integer[] := array[60, 15, 5, 1];
    base constant bigint := data.time_key(p_is_use, 0, p_area_key, 0);
    until constant bigint := ceil(date_part('epoch', p_to) / 60);
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
alter function data.hold_time(boolean, integer, timestamptz, timestamptz, boolean) owner to zapisd_owner;
revoke all on function data.hold_time(boolean, integer, timestamptz, timestamptz, boolean) from public;
comment on function data.hold_time(boolean, integer, timestamptz, timestamptz, boolean) is
    'Locks a time of an area to the end of the transaction; false when somebody is at it and p_wait is false. An empty time: only the area, against a change of what it uses';

-- What a check reads after its lock must be newer than the lock: an old snapshot would not show who was there before.
create function data.refuse_old_snapshot() returns void
language plpgsql as $$
begin
    if current_setting('transaction_isolation') <> 'read committed' then
        raise exception 'what excludes each other in time is written under read committed only, not %', current_setting('transaction_isolation')
            using errcode = 'invalid_transaction_state', hint = 'begin isolation level read committed';
    end if;
end $$;
alter function data.refuse_old_snapshot() owner to zapisd_owner;
revoke all on function data.refuse_old_snapshot() from public;
comment on function data.refuse_old_snapshot() is 'Refuses a transaction whose snapshot is older than its locks';

-- A transaction that takes very many places locks whole areas, then everything: the server's table of locks is bounded. The
-- count may be forged; it chooses between locks that are all strong enough.
create function data.claim_time(p_is_use boolean, p_area_key integer, p_from timestamptz, p_to timestamptz) returns void
language plpgsql as $$
declare
    n integer := coalesce(nullif(current_setting('zapisd.times_claimed', true), '')::integer, 0) + 1;
begin
    perform data.refuse_old_snapshot();
    perform set_config('zapisd.times_claimed', n::text, true);
    if n > 1000 then
        perform pg_advisory_xact_lock(0);
    elsif n > 100 then
        perform pg_advisory_xact_lock_shared(0); -- held already, unless the count was forged
        perform pg_advisory_xact_lock(data.time_key(p_is_use, 1, p_area_key, 0));
    else
        perform data.hold_time(p_is_use, p_area_key, p_from, p_to, true);
    end if;
end $$;
alter function data.claim_time(boolean, integer, timestamptz, timestamptz) owner to zapisd_owner;
revoke all on function data.claim_time(boolean, integer, timestamptz, timestamptz) from public;
comment on function data.claim_time(boolean, integer, timestamptz, timestamptz) is
    'For the triggers that have the last word: waits for the lock on a time of an area and keeps it to the end of the transaction';

-- ---- an area for one is not used twice at once (B2)

-- Settings of its own: a plan made while the table is small must do when it is large, in one statement of thousands too.
create function data.time_taken(p_area_key integer, p_from timestamptz, p_to timestamptz, p_slot_id uuid) returns uuid
language plpgsql set enable_seqscan = off set plan_cache_mode = force_generic_plan as $$
begin
    return (select p.slot_id from data.place as p
            where p.capacity = 1 and p.area_key = p_area_key and p.busy_from < p_to and p.busy_to > p_from
                and p.busy_from > p_from - interval '48 hours' and p.slot_id <> p_slot_id
            limit 1);
end $$;
alter function data.time_taken(integer, timestamptz, timestamptz, uuid) owner to zapisd_owner;
revoke all on function data.time_taken(integer, timestamptz, timestamptz, uuid) from public;
comment on function data.time_taken(integer, timestamptz, timestamptz, uuid) is
    'Another slot for one that is taken in an area at a time; asked by who has the lock on it';

-- Before the row: the lock of its time is had before anything of it is there to wait for. Who only asks (take_only_place)
-- is not waited for nor told why: there is no row.
create function data.place_taken() returns trigger
language plpgsql as $$
declare
    is_asking constant boolean := coalesce(current_setting('zapisd.asking', true), '') = 'on';
    since timestamptz := new.starts_at;
    until timestamptz := new.ends_at;
    other uuid;
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
alter function data.place_taken() owner to zapisd_owner;
revoke all on function data.place_taken() from public;
comment on function data.place_taken() is 'Trigger: a new place in an area for one overlaps no other (B2); says which exclusive areas it uses';
create trigger place_area_once before insert on data.place
    for each row execute function data.place_taken();
comment on trigger place_area_once on data.place is 'An area or specialist for one is not used twice at once, buffers counted (B2)';

create function data.place_uses() returns trigger
language plpgsql as $$
begin
    insert into data.occupancy (slot_id, place_no, area_key, busy_from, busy_to)
    select new.slot_id, new.place_no, u, new.busy_from, new.busy_to from unnest(new.uses) as u order by u;
    return null;
end $$;
alter function data.place_uses() owner to zapisd_owner;
revoke all on function data.place_uses() from public;
comment on function data.place_uses() is 'Trigger: a place takes the exclusive areas it uses (B9)';
create trigger place_uses after insert on data.place
    for each row when (new.uses is not null) execute function data.place_uses();
comment on trigger place_uses on data.place is 'Whoever takes a place takes the exclusive areas with it (B9)';

-- Another time, area or capacity of a slot comes to its places by their foreign key; who changes a slot may touch no place
-- himself, so this runs as the owner.
create function data.place_moved() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    other uuid;
begin
    if new.area_key = old.area_key then
        update data.occupancy as q set busy_from = new.busy_from, busy_to = new.busy_to
        where q.slot_id = new.slot_id and q.place_no = new.place_no;
    else
        delete from data.occupancy as q where q.slot_id = new.slot_id and q.place_no = new.place_no;
    end if;
    if new.area_key = old.area_key and new.busy_from >= old.busy_from and new.busy_to <= old.busy_to and new.capacity >= old.capacity then
        return null; -- it takes nothing that it had not
    end if;
    perform data.claim_time(false, new.area_key, new.busy_from, case when new.capacity = 1 then new.busy_to else new.busy_from end);
    if new.capacity = 1 then
        other := data.time_taken(new.area_key, new.busy_from, new.busy_to, new.slot_id);
    end if;
    if other is not null then
        raise exception 'area % is taken at % already', new.area_key, new.starts_at using
            errcode = 'exclusion_violation', schema = 'data', table = 'place', constraint = 'place_area_once',
            detail = format('slot %s overlaps slot %s', new.slot_id, other);
    end if;
    if new.area_key <> old.area_key then
        insert into data.occupancy (slot_id, place_no, area_key, busy_from, busy_to)
        select new.slot_id, new.place_no, u, new.busy_from, new.busy_to
        from data.area as a, unnest(a.uses) as u where a.area_key = new.area_key order by u;
    end if;
    return null;
end $$;
alter function data.place_moved() owner to zapisd_owner;
revoke all on function data.place_moved() from public;
comment on function data.place_moved() is 'Trigger: a place that is given another time, area or capacity overlaps no other in an area for one (B2, B9)';
create trigger place_area_once_moved after update on data.place
    for each row when ((old.area_key, old.capacity, old.busy_from, old.busy_to) is distinct from (new.area_key, new.capacity, new.busy_from, new.busy_to))
    execute function data.place_moved();
comment on trigger place_area_once_moved on data.place is 'Nor by a place whose slot is given another time, area or capacity (B2)';

-- ---- an exclusive area is not used by two visits at once (B9)

create function data.occupancy_taken() returns trigger
language plpgsql as $$
declare
    other uuid;
begin
    perform data.claim_time(true, new.area_key, new.busy_from, new.busy_to);
    select q.slot_id into other from data.occupancy as q
    where q.area_key = new.area_key and q.busy_from < new.busy_to and q.busy_to > new.busy_from and q.busy_from > new.busy_from - interval '48 hours'
        and (q.slot_id <> new.slot_id or q.place_no <> new.place_no)
    limit 1;
    if found then
        raise exception 'exclusive area % is used from % to % already', new.area_key, new.busy_from, new.busy_to using
            errcode = 'exclusion_violation', schema = 'data', table = 'occupancy', constraint = 'occupancy_area_once',
            detail = format('a visit in slot %s overlaps one in slot %s', new.slot_id, other);
    end if;
    return null;
end $$;
alter function data.occupancy_taken() owner to zapisd_owner;
revoke all on function data.occupancy_taken() from public;
comment on function data.occupancy_taken() is 'Trigger: a use of an exclusive area overlaps no other (B9)';
create constraint trigger occupancy_area_once after insert on data.occupancy
    for each row execute function data.occupancy_taken();
create trigger occupancy_area_once_moved after update on data.occupancy
    for each row when (new.area_key <> old.area_key or new.busy_from < old.busy_from or new.busy_to > old.busy_to)
    execute function data.occupancy_taken();
comment on constraint occupancy_area_once on data.occupancy is 'An exclusive area is not used by two visits at once (B9)';
comment on trigger occupancy_area_once on data.occupancy is 'An exclusive area is not used by two visits at once (B9)';
comment on trigger occupancy_area_once_moved on data.occupancy is 'Nor by one whose time is changed (B9)';

-- Rows added here only forbid more; rows taken away would allow two visits at once.
create trigger occupancy_goes_with_place before delete or update on data.occupancy
    for each row when (pg_trigger_depth() = 0) execute function data.refuse_change();
comment on trigger occupancy_goes_with_place on data.occupancy is 'A use of an area ends with its place, not before (B9)';

create or replace function data.area_uses_changed() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    p record;
begin
    -- Whoever is booking here is waited for and then counted; whoever comes later sees what the area uses now.
    perform data.refuse_old_snapshot();
    perform pg_advisory_xact_lock(data.time_key(false, 1, new.area_key, 0));
    delete from data.occupancy as q using data.place as t
    where t.area_key = new.area_key and q.slot_id = t.slot_id and q.place_no = t.place_no and q.area_key <> all (new.uses);
    -- Two visits that were allowed before may share the area now: the first keeps it.
    for p in
        select t.slot_id, t.place_no, u.area_key, t.busy_from, t.busy_to
        from data.place as t, unnest(new.uses) as u (area_key)
        where t.area_key = new.area_key and t.ends_at > now()
        order by t.starts_at, t.slot_id, t.place_no, u.area_key
    loop
        perform data.claim_time(true, p.area_key, p.busy_from, p.busy_to);
        insert into data.occupancy (slot_id, place_no, area_key, busy_from, busy_to)
        select p.slot_id, p.place_no, p.area_key, p.busy_from, p.busy_to
        where not exists (
            select from data.occupancy as q
            where q.area_key = p.area_key and q.busy_from < p.busy_to and q.busy_to > p.busy_from and q.busy_from > p.busy_from - interval '48 hours');
    end loop;
    return null;
end $$;

-- Functions of sql/api that are not there any more, and what only they and the old constraints asked.
drop function if exists data.others_taken(integer[], tstzrange, timestamptz);
drop function if exists data.longest_buffer(text);
drop function if exists data.area_lock_class();
drop function data.busy_span(timestamptz, timestamptz, integer, integer);

-- ---- hours of a timetable and of a special day

alter table data.timetable drop constraint if exists timetable_row_once;
create index timetable_area on data.timetable (area_key, weekday);
comment on index data.timetable_area is 'Hours of an area';
create function data.timetable_row_taken() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform data.refuse_old_snapshot();
    perform pg_advisory_xact_lock(3290004, new.area_key);
    if exists (
        select from data.timetable as t
        where t.area_key = new.area_key and t.weekday = new.weekday and t.serial = new.serial and t.timetable_id <> new.timetable_id
            and t.starts < new.ends and t.ends > new.starts
            and coalesce(t.valid_from, '-infinity') <= coalesce(new.valid_to, 'infinity')
            and coalesce(t.valid_to, 'infinity') >= coalesce(new.valid_from, '-infinity')) then
        raise exception 'hours of area % overlap others that are in force with them', new.area_key using
            errcode = 'exclusion_violation', schema = 'data', table = 'timetable', constraint = 'timetable_row_once';
    end if;
    return null;
end $$;
alter function data.timetable_row_taken() owner to zapisd_owner;
revoke all on function data.timetable_row_taken() from public;
comment on function data.timetable_row_taken() is 'Trigger: hours of an area do not overlap while both are in force';
create constraint trigger timetable_row_once after insert or update on data.timetable
    for each row execute function data.timetable_row_taken();
comment on constraint timetable_row_once on data.timetable is
    'Hours of an area do not overlap while both are in force; those that are meant to have another serial';
comment on trigger timetable_row_once on data.timetable is 'Hours of an area do not overlap while both are in force';

alter table data.special_hours drop constraint if exists special_hours_once;
alter table data.special_hours
    add column special_hours_id integer not null generated always as identity,
    add constraint special_hours_pkey primary key (special_hours_id);
comment on column data.special_hours.special_hours_id is 'Inner key';
comment on constraint special_hours_pkey on data.special_hours is 'Inner key';
create index special_hours_day on data.special_hours (special_day_id);
comment on index data.special_hours_day is 'Hours of a special day';
create function data.special_hours_taken() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform data.refuse_old_snapshot();
    perform pg_advisory_xact_lock(3290005, new.special_day_id);
    if exists (
        select from data.special_hours as t
        where t.special_day_id = new.special_day_id and t.serial = new.serial and t.special_hours_id <> new.special_hours_id
            and t.starts < new.ends and t.ends > new.starts) then
        raise exception 'hours of special day % overlap', new.special_day_id using
            errcode = 'exclusion_violation', schema = 'data', table = 'special_hours', constraint = 'special_hours_once';
    end if;
    return null;
end $$;
alter function data.special_hours_taken() owner to zapisd_owner;
revoke all on function data.special_hours_taken() from public;
comment on function data.special_hours_taken() is 'Trigger: hours of a special day do not overlap';
create constraint trigger special_hours_once after insert or update on data.special_hours
    for each row execute function data.special_hours_taken();
comment on constraint special_hours_once on data.special_hours is 'Hours of a day do not overlap';
comment on trigger special_hours_once on data.special_hours is 'Hours of a day do not overlap';

-- ---- a key for every table: without one, logical replication refuses every change of a row

alter table data.booking_arrow
    add column arrow_id integer not null generated always as identity,
    add constraint booking_arrow_pkey primary key (arrow_id);
comment on column data.booking_arrow.arrow_id is 'Inner key';
comment on constraint booking_arrow_pkey on data.booking_arrow is 'Inner key';

-- ---- nobody else needs it

do $$
begin
    drop extension if exists btree_gist;
exception when dependent_objects_still_exist or insufficient_privilege then
    null; -- an administrator's own; nothing of ours uses it
end $$;

-- ---- what has come in already: named, not touched. Whoever has to be moved is for the office to say.

do $$
declare
    r record;
    found_here integer := 0;
begin
    for r in
        select o.organization_id, a.area_id, b.book_id, c.book_id as other_id,
            to_char(q.starts_at at time zone o.time_zone, 'DD.MM.YYYY HH24:MI') as visit,
            to_char(p.starts_at at time zone o.time_zone, 'DD.MM.YYYY HH24:MI') as other_visit
        from (
            select t.*, max(t.busy_to) over (partition by t.area_key order by t.busy_from, t.slot_id
                rows between unbounded preceding and 1 preceding) as reached
            from data.place as t where t.capacity = 1
        ) as q
        join data.place as p on p.area_key = q.area_key and p.capacity = 1 and p.busy_from < q.busy_to and p.busy_to > q.busy_from
            and (p.busy_from, p.slot_id) < (q.busy_from, q.slot_id)
        join data.area as a on a.area_key = q.area_key
        join data.organization as o on o.organization_id = a.organization_id
        join data.booking as b on b.book_key = q.book_key
        join data.booking as c on c.book_key = p.book_key
        where q.busy_from < q.reached and q.busy_to > now()
            and coalesce(q.hold_until > now(), true) and coalesce(p.hold_until > now(), true)
        order by q.starts_at, q.slot_id
    loop
        found_here := found_here + 1;
        if found_here <= 100 then
            raise warning 'организация %, помещение %: записи % (%) и % (%) занимают одно время; перенесите одну из них: admin.move',
                r.organization_id, r.area_id, r.other_id, r.other_visit, r.book_id, r.visit;
        end if;
    end loop;
    if found_here > 0 then
        raise warning 'Занято дважды: %. Новых таких не будет; список, пока они есть: select * from admin.check()', found_here;
    end if;
end $$;
