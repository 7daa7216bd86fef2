-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Closing a day, an area, an office, and a specialist's absence: one road for all of them. The slots are closed first, and
-- the bookings found only then, so that none comes in between; each booking is moved or cancelled, pushed, and written
-- down in data.closure_booking in one transaction. What an interrupted closure has not seen to, the next call goes on with.
-- A booking somebody is at is passed over and left for the next call: closing waits for nobody's booking.

create or replace function data.closure_slots(c data.closure, p_now timestamptz) returns setof data.slot
language sql stable as $$
    select s.*
    from data.organization as o
    join data.slot as s on s.organization_id = o.organization_id
    where o.organization_id = c.organization_id and s.starts_at > p_now
        and s.starts_at >= (c.from_at - interval '3 days') at time zone 'UTC'
        and (c.to_at is null or s.starts_at < (c.to_at + interval '3 days') at time zone 'UTC')
        and coalesce(s.wall_at, s.starts_at at time zone o.time_zone) + (s.ends_at - s.starts_at) > c.from_at
        and (c.to_at is null or coalesce(s.wall_at, s.starts_at at time zone o.time_zone) < c.to_at)
        and (c.area_key is null or s.area_key in (
            select u.area_key from data.area_up(c.organization_id) as u where u.up_key = c.area_key))
$$;
alter function data.closure_slots(data.closure, timestamptz) owner to zapisd_owner;
revoke all on function data.closure_slots(data.closure, timestamptz) from public;
comment on function data.closure_slots(data.closure, timestamptz) is 'Slots still to come that a closure covers, told by local wall time';

create or replace function data.closure_concerns(c data.closure, p_now timestamptz)
returns table (book_key text, slot_ids uuid[], starts_at timestamptz, area_key integer)
language sql stable as $$
    select b.book_key, array_agg(p.slot_id order by p.starts_at, p.slot_id), min(p.starts_at), (array_agg(p.area_key order by p.starts_at, p.slot_id))[1]
    from data.booking as b
    join data.place as p on p.book_key = b.book_key
    where b.book_key in (select q.book_key from data.place as q join data.closure_slots(c, p_now) as s on s.slot_id = q.slot_id)
        and (b.state in ('BOOKED', 'ACCEPTED', 'INVITED', 'CANCELLING') or b.state = 'HELD' and b.hold_until > p_now)
    group by b.book_key
$$;
alter function data.closure_concerns(data.closure, timestamptz) owner to zapisd_owner;
revoke all on function data.closure_concerns(data.closure, timestamptz) from public;
comment on function data.closure_concerns(data.closure, timestamptz) is 'Live bookings with a place in what a closure covers, with all their slots';

-- Equal: the same organization, as long, serving what the booking is for. Nearest to the old time; an earlier one only when
-- there is a day left to learn of it. A visit of several slots keeps their order, their distance and, if it had one, their
-- one area. p_not: slots given away already or found taken.
create or replace function data.equal_slots(b data.booking, p_slot_ids uuid[], c data.closure, p_now timestamptz, p_not uuid[])
returns uuid[] language plpgsql stable as $$
declare
    o data.organization;
    old data.slot[];
    services text[] := b.service_ids;
    is_named boolean := cardinality(b.service_ids) > 0;
    covered uuid[];
    f data.slot;
    g data.slot;
    found_ids uuid[];
    span interval;
    since timestamptz;
begin
    select * into o from data.organization as t where t.organization_id = c.organization_id;
    old := array(select s from data.slot as s where s.slot_id = any (p_slot_ids) order by s.starts_at, s.slot_id);
    if not is_named and old[1].service_id is not null then
        services := array[old[1].service_id];
        is_named := true;
    elsif not is_named then
        services := array(select t.service_id from data.area_service as t where t.area_key = old[1].area_key);
    end if;
    covered := array(select s.slot_id from data.closure_slots(c, p_now) as s);
    foreach span in array array['1 day', '4 days', '31 days', '400 days']::interval[] loop
        since := greatest(p_now + make_interval(mins => o.notice_min), old[1].starts_at - span);
        for f in
            select t.* from data.free_slots(o.organization_id, since, old[1].starts_at + span, services, null, p_now, o.has_rules) as t
            where t.ends_at - t.starts_at = old[1].ends_at - old[1].starts_at and t.slot_id <> all (covered)
                and (t.starts_at >= old[1].starts_at or t.starts_at > p_now + interval '1 day')
                and (select count(*) from unnest(p_not) as u (id) where u.id = t.slot_id)
                    < t.capacity - (select count(*) from data.place as p where p.slot_id = t.slot_id)
                and (is_named or t.service_id is null and not exists (
                    select from unnest(services) as w (id) where not exists (
                        select from data.area_service as v where v.area_key = t.area_key and v.service_id = w.id)))
            order by abs(extract(epoch from t.starts_at - old[1].starts_at)), t.starts_at desc, t.area_key <> old[1].area_key, t.slot_id
            limit 200
        loop
            found_ids := array[f.slot_id];
            for n in 2 .. cardinality(old) loop
                select t.* into g
                from data.free_slots(o.organization_id, f.starts_at + (old[n].starts_at - old[1].starts_at) - interval '1 microsecond',
                    f.starts_at + (old[n].starts_at - old[1].starts_at), services, null, p_now, o.has_rules) as t
                where t.ends_at - t.starts_at = old[n].ends_at - old[n].starts_at and t.slot_id <> all (covered) and t.slot_id <> all (p_not)
                    and (t.area_key = f.area_key) = (old[n].area_key = old[1].area_key)
                order by t.slot_id limit 1;
                exit when not found;
                found_ids := found_ids || g.slot_id;
            end loop;
            if cardinality(found_ids) = cardinality(old) then
                return found_ids;
            end if;
        end loop;
    end loop;
    return null;
end $$;
alter function data.equal_slots(data.booking, uuid[], data.closure, timestamptz, uuid[]) owner to zapisd_owner;
revoke all on function data.equal_slots(data.booking, uuid[], data.closure, timestamptz, uuid[]) from public;
comment on function data.equal_slots(data.booking, uuid[], data.closure, timestamptz, uuid[]) is
    'Free slots of the same organization, length and service, nearest to those of a booking and outside the closure; null when there are none';

create or replace function data.may_be_moved(p_state data.booking_state) returns boolean
language sql stable
return exists (select from data.booking_arrow as a where a.event = 'move' and a.old_state = p_state and strpos(a.actors, 'G') > 0);
alter function data.may_be_moved(data.booking_state) owner to zapisd_owner;
revoke all on function data.may_be_moved(data.booking_state) from public;
comment on function data.may_be_moved(data.booking_state) is 'Whether the agency may move a visit in this state (S2)';

-- One booking, locked by the caller. Everything it does is one subtransaction: a deadlock with a citizen leaves the booking
-- as it was, waiting for the next call.
create or replace function data.closure_step(c data.closure, b data.booking, out outcome text, out new_slots uuid[], out note text)
language plpgsql as $$
declare
    clock timestamptz := clock_timestamp();
    mine record;
    r admin.result;
    ids uuid[];
    tried uuid[] := '{}';
begin
    select * into mine from data.closure_concerns(c, clock) as t where t.book_key = b.book_key;
    if not found then
        outcome := 'gone';
        note := 'к своей очереди уже не здесь';
        return;
    end if;
    if c.is_moving and data.may_be_moved(b.state) then
        for attempt in 1 .. 10 loop
            ids := data.equal_slots(b, mine.slot_ids, c, clock, tried);
            exit when ids is null;
            begin
                r := data.agency_move(b.book_key, ids, c.reason);
                if r.result <> 'сделано' then
                    raise exception '%', r.comment using errcode = 'ZB208';
                end if;
                outcome := 'moved';
                new_slots := ids;
                return;
            exception when sqlstate 'ZB208' then
                tried := tried || ids; -- somebody was quicker; what the refusal wrote down is taken back
            end;
        end loop;
        note := 'равного свободного интервала нет';
    end if;
    if b.state = 'CANCELLING' then
        r := data.agency_step('confirm', b.book_key, p_note => format('закрытие № %s', c.closure_id));
        note := 'отмена, о которой просил заявитель';
    else
        r := data.agency_step('cancel', b.book_key, p_reason => c.reason, p_note => format('закрытие № %s', c.closure_id));
    end if;
    outcome := case when r.result = 'сделано' then 'cancelled' else 'left' end;
    if outcome = 'left' then
        note := r.comment;
    end if;
exception when deadlock_detected or lock_not_available then
    outcome := 'waiting';
    new_slots := null;
    note := null;
end $$;
alter function data.closure_step(data.closure, data.booking) owner to zapisd_owner;
revoke all on function data.closure_step(data.closure, data.booking) from public;
comment on function data.closure_step(data.closure, data.booking) is 'Moves or cancels one booking that a closure concerns; gone when it is no longer there';

create or replace function data.closure_work(p_closure_id integer, p_at_most integer) returns integer
language plpgsql as $$
declare
    c data.closure;
    b data.booking;
    w record;
    s record;
    ids uuid[];
    done integer := 0;
begin
    select * into c from data.closure as t where t.closure_id = p_closure_id for update;
    if not found or c.state = 'lifted' then
        return 0;
    end if;
    -- Whoever is booking one of these slots is waited for; from here on nobody books any of them.
    ids := array(select x.slot_id from (
        select t.slot_id from data.slot as t
        where t.slot_id in (select k.slot_id from data.closure_slots(c, clock_timestamp()) as k where not k.is_closed)
        order by t.slot_id for no key update) as x);
    update data.slot as t set is_closed = true, is_withdrawn = true where t.slot_id = any (ids) and not t.is_closed;
    insert into data.closure_booking as q (closure_id, book_key, old_slot_ids)
    select c.closure_id, k.book_key, k.slot_ids from data.closure_concerns(c, clock_timestamp()) as k
    on conflict (closure_id, book_key) do update set state = 'waiting', old_slot_ids = excluded.old_slot_ids, note = null, done_at = null
        where q.state in ('gone', 'left');

    for w in
        select t.book_key from data.closure_booking as t
        where t.closure_id = c.closure_id and t.state = 'waiting'
        order by (select min(l.starts_at) from data.slot as l where l.slot_id = any (t.old_slot_ids)), t.book_key
        limit p_at_most
    loop
        select * into b from data.booking as t where t.book_key = w.book_key for update skip locked;
        continue when not found;
        s := data.closure_step(c, b);
        if s.outcome <> 'waiting' then
            update data.closure_booking as t set state = s.outcome, new_slot_ids = s.new_slots, note = s.note, done_at = clock_timestamp()
            where t.closure_id = c.closure_id and t.book_key = w.book_key;
            done := done + 1;
        end if;
    end loop;
    if exists (select from data.closure_booking as t where t.closure_id = c.closure_id and t.state = 'waiting') then
        update data.closure as t set state = 'working' where t.closure_id = c.closure_id and t.state <> 'working';
    else
        update data.closure as t set state = 'done', done_at = coalesce(t.done_at, clock_timestamp())
        where t.closure_id = c.closure_id and t.state <> 'done';
    end if;
    return done;
end $$;
alter function data.closure_work(integer, integer) owner to zapisd_owner;
revoke all on function data.closure_work(integer, integer) from public;
comment on function data.closure_work(integer, integer) is 'Closes what is still open of a closure and sees to at most so many of its bookings; returns how many';

create or replace function data.closure_row(b data.booking, p_old uuid[], p_new uuid[], p_outcome text, p_note text)
returns admin.closing language sql stable as $$
    select row(b.book_id, (select to_char(min(s.starts_at) at time zone min(o.time_zone), 'DD.MM.YYYY HH24:MI')
            from data.slot as s join data.organization as o using (organization_id) where s.slot_id = any (p_old)),
        (select a.area_id from data.slot as s join data.area as a using (area_key) where s.slot_id = p_old[1]),
        b.state, p_outcome, (select to_char(min(s.starts_at) at time zone min(o.time_zone), 'DD.MM.YYYY HH24:MI')
            from data.slot as s join data.organization as o using (organization_id) where s.slot_id = any (p_new)),
        (select a.area_id from data.slot as s join data.area as a using (area_key) where s.slot_id = p_new[1]), p_note)::admin.closing
$$;
alter function data.closure_row(data.booking, uuid[], uuid[], text, text) owner to zapisd_owner;
revoke all on function data.closure_row(data.booking, uuid[], uuid[], text, text) from public;
comment on function data.closure_row(data.booking, uuid[], uuid[], text, text) is 'A booking of a closure as the operator sees it';

-- What would be done, in the order it would be done in; nothing is locked or changed.
create or replace function data.closure_plan(c data.closure) returns setof admin.closing
language plpgsql stable as $$
declare
    clock timestamptz := clock_timestamp();
    k record;
    b data.booking;
    ids uuid[];
    given uuid[] := '{}';
begin
    for k in select * from data.closure_concerns(c, clock) as t order by t.starts_at, t.book_key loop
        select * into b from data.booking as t where t.book_key = k.book_key;
        ids := case when c.is_moving and data.may_be_moved(b.state) then data.equal_slots(b, k.slot_ids, c, clock, given) end;
        given := given || coalesce(ids, '{}');
        return next data.closure_row(b, k.slot_ids, ids, case when ids is null then 'будет отменена' else 'будет перенесена' end,
            case when ids is null and c.is_moving and data.may_be_moved(b.state) then 'равного свободного интервала нет' end);
    end loop;
end $$;
alter function data.closure_plan(data.closure) owner to zapisd_owner;
revoke all on function data.closure_plan(data.closure) from public;
comment on function data.closure_plan(data.closure) is 'The bookings a closure concerns and what would become of them';

create or replace function data.closure_run(p_organization_id text, p_area_id text, p_kind text, p_from timestamp, p_to timestamp, p_reason text,
    p_apply boolean, p_move boolean, p_at_most integer)
returns setof admin.closing language plpgsql as $$
declare
    o data.organization;
    c data.closure;
begin
    o := data.known_organization(coalesce(p_organization_id, ''));
    if p_kind in ('area', 'absence') then
        c.area_key := data.known_area(p_organization_id, p_area_id);
    end if;
    if p_from is null or p_from >= p_to or not isfinite(p_from) or not isfinite(p_to) then
        raise exception 'Закрыть с % по %: нужно начало раньше конца', coalesce(p_from::text, '?'), coalesce(p_to::text, '?')
            using errcode = 'invalid_parameter_value', hint = 'День пишется так: ''2026-12-31'' или current_date + 7; время так: ''2026-12-31 13:00''';
    end if;
    if p_to <= now() at time zone o.time_zone then
        raise exception 'Это время уже прошло: %', to_char(p_to, 'DD.MM.YYYY HH24:MI') using errcode = 'invalid_parameter_value',
            hint = format('В организации сейчас %s', to_char(now() at time zone o.time_zone, 'DD.MM.YYYY HH24:MI'));
    end if;
    if coalesce(btrim(p_reason), '') = '' then
        raise exception 'Нужна причина: её увидят заявители' using errcode = 'invalid_parameter_value',
            hint = 'Например: ''санитарный день''';
    end if;
    if p_at_most is null or p_at_most < 0 or p_apply is null or p_move is null then
        raise exception 'apply, move и at_most не могут быть пустыми или отрицательными' using errcode = 'invalid_parameter_value';
    end if;
    c.closure_id := 0;
    c.organization_id := p_organization_id;
    c.kind := p_kind;
    c.from_at := p_from;
    c.to_at := p_to;
    c.reason := btrim(p_reason);
    c.is_moving := p_move;
    if not p_apply then
        return query select * from data.closure_plan(c);
        raise notice 'Ничего не изменено. Чтобы закрыть: то же с apply => true';
        return;
    end if;
    -- Status 302 tells the applicant where to turn (order 329).
    if btrim(o.phone) = '' and btrim(o.address) = '' then
        raise exception 'У организации % нет ни телефона, ни адреса: куда обращаться тем, чья запись будет отменена?', p_organization_id
            using errcode = 'invalid_parameter_value';
    end if;
    insert into data.closure (organization_id, area_key, kind, from_at, to_at, reason, is_moving, created_at, created_by)
    values (c.organization_id, c.area_key, c.kind, c.from_at, c.to_at, c.reason, c.is_moving, clock_timestamp(), session_user)
    on conflict (organization_id, area_key, kind, from_at, to_at) where state <> 'lifted' do nothing;
    select * into strict c from data.closure as t
    where t.organization_id = c.organization_id and t.area_key is not distinct from c.area_key and t.kind = c.kind
        and t.from_at = c.from_at and t.to_at is not distinct from c.to_at and t.state <> 'lifted';
    if c.to_at is null then
        perform data.ref_derive('organizations', array[c.organization_id]); -- its weekly hours are others (R4)
    end if;
    perform data.closure_work(c.closure_id, p_at_most);
    return query select * from data.closure_report(c.closure_id);
end $$;
alter function data.closure_run(text, text, text, timestamp, timestamp, text, boolean, boolean, integer) owner to zapisd_owner;
revoke all on function data.closure_run(text, text, text, timestamp, timestamp, text, boolean, boolean, integer) from public;
comment on function data.closure_run(text, text, text, timestamp, timestamp, text, boolean, boolean, integer) is
    'Lists what a closure would do, or begins it, or goes on with it';

create or replace function data.closure_report(p_closure_id integer) returns setof admin.closing
language plpgsql stable as $$
declare
    waiting bigint;
begin
    select count(*) into waiting from data.closure_booking as w where w.closure_id = p_closure_id and w.state = 'waiting';
    if waiting > 0 then
        raise notice 'Закрытие № %: ждут ещё %. Продолжит программа сама, или select * from admin.go_on(%)', p_closure_id, waiting, p_closure_id;
    else
        raise notice 'Закрытие № %: готово. Отменить его: select admin.reopen(%)', p_closure_id, p_closure_id;
    end if;
    return query
        select r.* from data.closure_booking as w
        join data.booking as b on b.book_key = w.book_key
        cross join lateral data.closure_row(b, w.old_slot_ids, w.new_slot_ids, case w.state when 'moved' then 'перенесена'
            when 'cancelled' then 'отменена' when 'waiting' then 'ждёт' when 'gone' then 'ушла' else 'осталась' end, w.note) as r
        where w.closure_id = p_closure_id
        order by (select min(s.starts_at) from data.slot as s where s.slot_id = any (w.old_slot_ids)), b.book_id;
end $$;
alter function data.closure_report(integer) owner to zapisd_owner;
revoke all on function data.closure_report(integer) from public;
comment on function data.closure_report(integer) is 'Each booking of a closure and what became of it';
