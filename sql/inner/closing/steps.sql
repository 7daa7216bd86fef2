-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Closing a day, an area, an office, and a specialist's absence: one road for all of them. The slots are closed first, and
-- the bookings found only then, so that none comes in between; each booking is moved or cancelled, pushed, and written
-- down in data.closure_booking in one transaction. What an interrupted closure has not seen to, the next call goes on with.
-- Closing waits for nobody: a slot or a booking somebody is at is passed over and left for the next call, so that a
-- closure holds up no citizen and can be in no deadlock (docs/architecture.md, the order of locks).

create or replace function data.may_be_moved(p_state data.booking_state) returns boolean
language sql stable
return exists (select from data.booking_arrow as a where a.event = 'move' and a.old_state = p_state
    and strpos(a.actors, 'G') > 0);
comment on function data.may_be_moved(data.booking_state) is 'Whether the agency may move a visit in this state (S2)';

create or replace function data.closure_note(p_state data.booking_state) returns text
language sql stable
return case p_state when 'ACCEPTED' then 'ждёт подтверждения, переносятся только подтверждённые: admin.confirm до закрытия'
    when 'HELD' then 'предварительная, заявитель выберет время заново' when 'INVITED' then 'приглашение не переносится'
    when 'CANCELLING' then 'отмена, о которой просил заявитель' end;
comment on function data.closure_note(data.booking_state) is 'Why a closure moves no visit in this state; null: it does';

-- One booking, locked by the caller. Everything it does is one subtransaction, and nothing is waited for longer than a
-- citizen's transaction takes, which is far less than the server takes to look for a deadlock: the booking then stays as it
-- was, waiting for the next call.
drop function if exists data.closure_step(data.closure, data.booking);
create or replace function data.closure_step(c data.closure, p_areas integer[], b data.booking, inout s data.slot_search,
    out outcome text, out new_slots uuid[], out note text)
language plpgsql set lock_timeout = '50ms' as $$
declare
    clock timestamptz := clock_timestamp();
    mine uuid[] := data.closure_visit(c, p_areas, b, clock);
    is_busy boolean := false;
    r admin.result;
    target record;
begin
    if mine is null then
        outcome := 'gone';
        note := 'к своей очереди уже не здесь';
        return;
    end if;
    if c.is_moving and data.may_be_moved(b.state) then
        for attempt in 1 .. 10 loop
            target := data.equal_slots(b, mine, c, p_areas, clock, s);
            s := target.s;
            if target.slot_ids is null and s.since is not null then
                s := null; -- what was looked through by a call before this one may be free again
                continue;
            end if;
            exit when target.slot_ids is null;
            begin
                r := data.agency_transfer(data.agency_lock_now(b.book_key), target.slot_ids, c.reason);
                if r.result <> 'сделано' then
                    raise exception '%', r.comment using errcode = 'ZB208';
                end if;
                outcome := 'moved';
                new_slots := target.slot_ids;
                return;
            exception
                when sqlstate 'ZB208' then
                    s.taken := s.taken || target.slot_ids; -- somebody was quicker; what the refusal wrote down is taken back
                    s.found := null;
                when lock_not_available or deadlock_detected then
                    s.taken := s.taken || target.slot_ids;
                    s.found := null;
                    is_busy := true; -- somebody is at it: it may be free again
            end;
        end loop;
        if target.slot_ids is not null or is_busy then
            outcome := 'waiting';
            return;
        end if;
        note := 'равного свободного интервала нет';
    end if;
    if c.is_moving then
        note := coalesce(note, data.closure_note(b.state));
    end if;
    begin
        if b.state = 'CANCELLING' then
            r := data.agency_apply(data.agency_lock_now(b.book_key), 'confirm', p_note => format('закрытие № %s', c.closure_id));
            note := 'отмена, о которой просил заявитель';
        else
            r := data.agency_apply(data.agency_lock_now(b.book_key), 'cancel', p_reason => c.reason,
                p_note => format('закрытие № %s', c.closure_id));
        end if;
    exception when lock_not_available or deadlock_detected then
        outcome := 'waiting';
        note := null;
        return;
    end;
    outcome := case when r.result = 'сделано' then 'cancelled' else 'left' end;
    if outcome = 'left' then
        note := r.comment;
    end if;
end $$;
comment on function data.closure_step(data.closure, integer[], data.booking, data.slot_search) is
    'Moves or cancels one booking that a closure concerns; gone when it is no longer there, waiting when somebody is at it';

-- Closes what nobody is at, then writes down whom that concerns: from there on nobody books any of those slots. True when
-- that is all there is; what was passed over is for the next call. At most so many at once, so that an office that closes for
-- good does not hold its slots for seconds.
create or replace function data.closure_list(c data.closure, p_areas integer[], p_is_again boolean) returns boolean
language plpgsql as $$
declare
    most constant integer := 5000;
    clock timestamptz := clock_timestamp();
    open uuid[];
    ids uuid[];
    keys text[];
    listed integer;
    wanted integer;
begin
    open := array(select k.slot_id from data.closure_slots(c, p_areas, clock) as k where not k.is_closed order by k.slot_id
        limit most + 1);
    ids := array(select x.slot_id from (
        select t.slot_id from data.slot as t where t.slot_id = any (open[:most])
            order by t.slot_id for no key update skip locked) as x);
    update data.slot as t set is_closed = true, is_withdrawn = true where t.slot_id = any (ids) and not t.is_closed;
    clock := clock_timestamp();
    keys := array(
        select k.book_key from data.closure_concerns(c, p_areas, clock) as k
        where not exists (select from data.closure_booking as q
            where q.closure_id = c.closure_id and q.book_key = k.book_key and q.state <> 'gone'
                and (q.state <> 'left' or not p_is_again))
        order by k.starts_at, k.book_key limit most + 1);
    wanted := cardinality(keys);
    -- Locked as the foreign key would, but without waiting for whoever is changing one of them.
    keys := array(select t.book_key from data.booking as t where t.book_key = any (keys[:most]) for key share skip locked);
    insert into data.closure_booking as q (closure_id, book_key, old_slot_ids, visit_at)
    select c.closure_id, p.book_key, array_agg(p.slot_id order by p.starts_at, p.slot_id), min(p.starts_at)
    from data.place as p where p.book_key = any (keys)
    group by p.book_key
    on conflict (closure_id, book_key) do update set state = 'waiting', old_slot_ids = excluded.old_slot_ids,
        visit_at = excluded.visit_at, note = null, done_at = null;
    get diagnostics listed = row_count;
    return cardinality(ids) = cardinality(open) and listed = wanted;
end $$;
comment on function data.closure_list(data.closure, integer[], boolean) is
    'Closes slots of a closure and writes down its bookings, those left to a person once more if p_is_again; whether that was '
        'all';

drop function if exists data.closure_work(integer, integer);
create or replace function data.closure_work(p_closure_id integer, p_at_most integer, p_is_again boolean default true,
    p_until timestamptz default null)
returns integer language plpgsql as $$
declare
    c data.closure;
    b data.booking;
    areas integer[];
    is_listed boolean;
    search data.slot_search;
    progress data.closure_progress;
    w record;
    r record;
    done integer := 0;
begin
    select * into c from data.closure as t where t.closure_id = p_closure_id for no key update;
    if not found or c.state = 'lifted' then
        return 0;
    end if;
    areas := data.closure_areas(c);
    select * into progress from data.closure_progress as t where t.closure_id = c.closure_id;
    is_listed := progress.is_listed;
    if (progress.search).since > clock_timestamp() - interval '1 minute' then
        search := progress.search;
        search.taken := null;
    end if;
    if is_listed is not true or p_is_again and c.state = 'done' then
        is_listed := data.closure_list(c, areas, p_is_again);
    end if;
    for w in
        select t.book_key from data.closure_booking as t
        where t.closure_id = c.closure_id and t.state = 'waiting'
        order by t.visit_at, t.book_key
    loop
        exit when done >= p_at_most or clock_timestamp() > p_until;
        select * into b from data.booking as t where t.book_key = w.book_key for no key update skip locked;
        continue when not found;
        r := data.closure_step(c, areas, b, search);
        search := r.s;
        continue when r.outcome = 'waiting';
        update data.closure_booking as t set state = r.outcome, new_slot_ids = r.new_slots, note = r.note,
            done_at = clock_timestamp()
        where t.closure_id = c.closure_id and t.book_key = w.book_key;
        done := done + 1;
    end loop;
    search.since := coalesce(search.since, clock_timestamp());
    search.found := null;
    insert into data.closure_progress (closure_id, is_listed, tried_at, search)
        values (c.closure_id, is_listed, clock_timestamp(), search)
    on conflict on constraint closure_progress_pkey do update set is_listed = excluded.is_listed, tried_at = excluded.tried_at,
        search = excluded.search;
    c.state := case when is_listed and not exists (
        select from data.closure_booking as t where t.closure_id = c.closure_id and t.state = 'waiting') then 'done'
            else 'working' end;
    update data.closure as t set state = c.state, done_at = case c.state when 'done' then coalesce(t.done_at, clock_timestamp())
        else t.done_at end
    where t.closure_id = c.closure_id and t.state <> c.state;
    return done;
end $$;
comment on function data.closure_work(integer, integer, boolean, timestamptz) is
    'Closes what is still open of a closure and sees to at most so many of its bookings, beginning none after p_until; returns '
        'how many';

create or replace function data.closure_row(b data.booking, p_old uuid[], p_new uuid[], p_outcome text, p_note text)
returns admin.closing language plpgsql stable as $$
declare
    r admin.closing := row(b.book_id, null, null, b.state, p_outcome, null, null, p_note);
begin
    select to_char(s.starts_at at time zone o.time_zone, 'DD.MM.YYYY HH24:MI'), a.area_id into r.visit, r.area_id
    from data.slot as s join data.area as a using (area_key) join data.organization as o on o.organization_id = s.organization_id
    where s.slot_id = p_old[1];
    if p_new is not null then
        select to_char(s.starts_at at time zone o.time_zone, 'DD.MM.YYYY HH24:MI'), a.area_id into r.new_visit, r.new_area_id
        from data.slot as s join data.area as a using (area_key)
        join data.organization as o on o.organization_id = s.organization_id
        where s.slot_id = p_new[1];
    end if;
    return r;
end $$;
comment on function data.closure_row(data.booking, uuid[], uuid[], text, text) is
    'A booking of a closure as the operator sees it; p_old and p_new are in the order of time';

-- What would be done, in the order it would be done in; nothing is locked or changed.
create or replace function data.closure_plan(c data.closure) returns setof admin.closing
language plpgsql stable as $$
declare
    clock timestamptz := clock_timestamp();
    areas integer[] := data.closure_areas(c);
    search data.slot_search;
    is_movable boolean;
    k record;
    b data.booking;
    target record;
    ids uuid[];
begin
    for k in select * from data.closure_concerns(c, areas, clock) as t order by t.starts_at, t.book_key loop
        select * into b from data.booking as t where t.book_key = k.book_key;
        is_movable := c.is_moving and data.may_be_moved(b.state);
        ids := null;
        if is_movable then
            target := data.equal_slots(b, k.slot_ids, c, areas, clock, search);
            search := target.s;
            ids := target.slot_ids;
            search.taken := search.taken || ids || data.closure_beside(ids);
        end if;
        return next data.closure_row(b, k.slot_ids, ids, case when ids is null then 'будет отменена' else 'будет перенесена' end,
            case when ids is null then case when is_movable then 'равного свободного интервала нет'
                when c.is_moving then data.closure_note(b.state) end end);
    end loop;
end $$;
comment on function data.closure_plan(data.closure) is 'The bookings a closure concerns and what would become of them';

create or replace function data.closure_run(p_organization_id text, p_area_id text, p_kind text, p_from timestamp,
    p_to timestamp, p_reason text, p_apply boolean, p_move boolean, p_at_most integer)
returns setof admin.closing language plpgsql as $$
declare
    o data.organization;
    c data.closure;
begin
    o := data.known_organization(coalesce(p_organization_id, ''));
    perform data.plain_words(p_reason);
    if p_kind in ('area', 'absence') then
        c.area_key := data.known_area(p_organization_id, p_area_id);
    end if;
    if p_from is null or p_from >= p_to or not isfinite(p_from) or not isfinite(p_to) then
        raise exception 'Закрыть с % по %: нужно начало раньше конца', coalesce(data.moment_text(p_from), '?'),
            coalesce(data.moment_text(p_to), '?')
            using errcode = 'invalid_parameter_value',
                hint = 'День пишется так: ''2026-12-31'' или current_date + 7; время так: ''2026-12-31 13:00''';
    end if;
    if p_to <= now() at time zone o.time_zone
        and (p_kind = 'absence' or data.office_day(o.organization_id, o.time_zone) >= p_to::date) then
        raise exception 'Это время уже прошло: %', to_char(p_to, 'DD.MM.YYYY HH24:MI') using errcode = 'invalid_parameter_value',
            hint = format('В организации сейчас %s', to_char(now() at time zone o.time_zone, 'DD.MM.YYYY HH24:MI'));
    end if;
    if data.visible(p_reason) is null then
        raise exception 'Нужна причина: её увидят заявители' using errcode = 'invalid_parameter_value',
            hint = 'Например: ''санитарный день''';
    end if;
    if p_at_most is null or p_at_most < 0 or p_apply is null or p_move is null then
        raise exception 'apply, move и at_most не могут быть пустыми или отрицательными'
            using errcode = 'invalid_parameter_value';
    end if;
    c.closure_id := 0;
    c.organization_id := p_organization_id;
    c.kind := p_kind;
    c.from_at := p_from;
    c.to_at := p_to;
    c.reason := data.visible(p_reason);
    c.is_moving := p_move;
    raise notice 'Закрывается: с % %', data.moment_words(p_from, false),
        concat(coalesce('до ' || data.moment_words(p_to, true), 'насовсем'), case
            when exists (select from data.slot as s where s.organization_id = o.organization_id and s.is_night
                and s.starts_at > now()) then case p_kind when 'absence' then ', по часам: и из ночи ровно это время'
                else ' и ночь после, до её конца; ночь, начатая накануне, остаётся' end end);
    if not p_apply then
        return query select * from data.closure_plan(c);
        raise notice 'Ничего не изменено. Чтобы закрыть: то же с apply => true';
        return;
    end if;
    -- Status 302 tells the applicant where to turn (order 329).
    if data.visible(o.phone) is null and data.visible(o.address) is null then
        raise exception 'У организации % нет ни телефона, ни адреса: куда обращаться тем, чья запись будет отменена?',
            p_organization_id
            using errcode = 'invalid_parameter_value';
    end if;
    insert into data.closure (organization_id, area_key, kind, from_at, to_at, reason, is_moving, created_at, created_by)
    values (c.organization_id, c.area_key, c.kind, c.from_at, c.to_at, c.reason, c.is_moving, clock_timestamp(), session_user)
    on conflict (organization_id, area_key, kind, from_at, to_at) where state <> 'lifted' do nothing;
    select * into strict c from data.closure as t
    where t.organization_id = c.organization_id and t.area_key is not distinct from c.area_key and t.kind = c.kind
        and t.from_at = c.from_at and t.to_at is not distinct from c.to_at and t.state <> 'lifted';
    if (c.reason, c.is_moving) is distinct from (data.visible(p_reason), p_move) then
        raise notice 'Это уже закрыто: закрытие № %, причина «%», записи %. Так и остаётся; иначе: select admin.reopen(%), и '
            'закрыть заново', c.closure_id, c.reason, case when c.is_moving then 'переносятся' else 'отменяются' end,
            c.closure_id;
    end if;
    if c.to_at is null then
        perform data.ref_derive('organizations', array[c.organization_id]); -- its weekly hours are others (R4)
    end if;
    perform data.closure_work(c.closure_id, p_at_most);
    return query select * from data.closure_report(c.closure_id);
end $$;
comment on function data.closure_run(text, text, text, timestamp, timestamp, text, boolean, boolean, integer) is
    'Lists what a closure would do, or begins it, or goes on with it';

create or replace function data.closure_report(p_closure_id integer) returns setof admin.closing
language plpgsql stable as $$
declare
    is_done boolean := (select c.state <> 'working' from data.closure as c where c.closure_id = p_closure_id);
    waiting bigint := (select count(*) from data.closure_booking as w where w.closure_id = p_closure_id and w.state = 'waiting');
begin
    if is_done then
        raise notice 'Закрытие № %: готово. Отменить его: select admin.reopen(%)', p_closure_id, p_closure_id;
    elsif waiting > 0 then
        raise notice 'Закрытие № %: ждут ещё %. Продолжит программа сама, или select * from admin.go_on(%)', p_closure_id,
            waiting, p_closure_id;
    else
        raise notice 'Закрытие № %: кто-то как раз меняет запись или интервал этого времени. Продолжит программа сама, или '
            'select * from admin.go_on(%)', p_closure_id, p_closure_id;
    end if;
    return query
        select r.* from data.closure_booking as w
        join data.booking as b on b.book_key = w.book_key
        cross join lateral data.closure_row(b, w.old_slot_ids, w.new_slot_ids, case w.state when 'moved' then 'перенесена'
            when 'cancelled' then 'отменена' when 'waiting' then 'ждёт' when 'gone' then 'ушла' else 'осталась' end, w.note) as r
        where w.closure_id = p_closure_id
        order by (select min(s.starts_at) from data.slot as s where s.slot_id = any (w.old_slot_ids)), b.book_id;
end $$;
comment on function data.closure_report(integer) is 'Each booking of a closure and what became of it';
