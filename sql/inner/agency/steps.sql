-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What the agency does to a booking (S2): one road for all of admin's commands. The booking is locked first, then its
-- places, then data.booking_arrow is asked; state, history and the message to the portal are written in one transaction
-- (item 8 of the outcomes: no change without its push). A refused command leaves a line in the history and nothing else.

create or replace function data.visit_at(p_book_key text) returns timestamptz
language plpgsql stable as $$
begin
    return (select min(p.starts_at) from data.place as p where p.book_key = p_book_key);
end $$;
comment on function data.visit_at(text) is 'Start of the visit of a booking that has places';

create or replace function data.agency_result(p_is_done boolean, b data.booking, p_visit timestamptz, p_comment text)
    returns admin.result
language plpgsql stable as $$
begin
    return row(case when p_is_done then 'сделано' else 'отказано' end, b.book_id,
    (select to_char(p_visit at time zone o.time_zone, 'DD.MM.YYYY HH24:MI') from data.organization as o
        where o.organization_id = b.organization_id),
    b.state, b.status_code, p_comment)::admin.result;
end $$;
comment on function data.agency_result(boolean, data.booking, timestamptz, text) is 'The row a command of admin answers with';

create or replace function data.agency_refuse(b data.booking, p_event text, p_why text, p_actor "char" default 'G')
    returns admin.result
language plpgsql as $$
begin
    b.changed_at := clock_timestamp();
    perform data.add_history(b, b.state, b.status_code, p_actor, format('отклонено (%s): %s', p_event, p_why), null, null);
    return data.agency_result(false, b, data.visit_at(b.book_key), p_why);
end $$;
comment on function data.agency_refuse(data.booking, text, text, "char") is
    'A command that may not be: a line in the history, nothing else changes (edge case 27)';

-- The line of its history by which it came to be cancelled says what it was, digits of its status included (S3).
create or replace function data.before_cancelling(p_book_key text, out state data.booking_state, out tail text)
language sql stable as $$
    select h.old_state, case when data.status_fault(o.agency_code, h.old_status) is null then substr(h.old_status, 4) else '' end
    from data.booking_history as h
    join data.organization as o on o.organization_id = h.organization_id
    where h.book_key = p_book_key and h.new_state = 'CANCELLING' and h.old_state <> 'CANCELLING'
    order by h.history_id desc limit 1
$$;
comment on function data.before_cancelling(text) is
    'State, and digits behind the status (those its agency still knows), of a booking before its cancellation was asked for; '
        'nulls where the history has none';

-- What time a visit is for nobody promises when it is over.
create or replace function data.visit_over_words(b data.booking, p_now timestamptz) returns text
language plpgsql stable as $$
begin
    if p_now < (select max(p.ends_at) from data.place as p where p.book_key = b.book_key) is not false then
        return null;
    end if;
    return 'время посещения прошло; отметьте его итог: admin.visited, admin.no_show или admin.turned_away'
        || case b.state when 'ACCEPTED' then '; или откажите: admin.reject'
            when 'CANCELLING' then '; или подтвердите отмену: admin.confirm' else '' end;
end $$;
comment on function data.visit_over_words(data.booking, timestamptz) is
    'That the time of a visit is over and what a clerk can do then, in words; null when it is not over, or there is none';

drop function if exists data.agency_obstacle(data.booking, text, boolean, timestamptz, timestamptz);
-- Null when nothing stands in the way. p_to: the state it would come to, null for the same with another time.
create or replace function data.agency_obstacle(b data.booking, p_event text, p_has_arrow boolean, p_visit timestamptz,
    p_now timestamptz, p_to data.booking_state default null) returns text
language plpgsql stable as $$
declare
    o data.organization;
    first_outcome timestamptz;
    last data.booking_history;
begin
    select * into o from data.organization as t where t.organization_id = b.organization_id;
    if not p_has_arrow then
        select * into last from data.booking_history as h
        where h.book_key = b.book_key and h.new_state = b.state and h.old_state is distinct from h.new_state
        order by h.history_id desc limit 1;
        return format('запись в состоянии «%s» (%s)%s', data.state_title(b.state), b.status_code,
            ' с ' || to_char(last.at at time zone o.time_zone, 'DD.MM HH24:MI') || case last.actor when 'G' then ', отметил '
                || last.db_user else '' end)
            || case when b.state in ('SERVED', 'NO_SHOW', 'NO_DATA', 'NOT_SERVED') and p_event <> 'correct'
                then '; ошибку исправляет admin.correct' else '' end;
    end if;
    -- Whichever command says so, a correction too: what was not yet has no outcome.
    if p_to in ('SERVED', 'NOT_SERVED')
        and (p_visit at time zone o.time_zone)::date > (p_now at time zone o.time_zone)::date then
        return 'день посещения ещё не наступил';
    end if;
    if p_to in ('NO_SHOW', 'NO_DATA') and p_visit > p_now then
        return 'время посещения ещё не наступило';
    end if;
    if p_event = 'correct' then
        first_outcome := (select min(h.at) from data.booking_history as h
                          where h.book_key = b.book_key and h.new_state in ('SERVED', 'NO_SHOW', 'NOT_SERVED')
                              and h.new_state is distinct from h.old_state); -- 205 says nothing of the visit
        if p_now > first_outcome + make_interval(hours => o.correction_hours) then
            return format('срок исправления (%s ч) истёк', o.correction_hours);
        end if;
    end if;
    if p_to in ('BOOKED', 'ACCEPTED', 'INVITED') then
        return data.visit_over_words(b, p_now);
    end if;
    return null;
end $$;
comment on function data.agency_obstacle(data.booking, text, boolean, timestamptz, timestamptz, data.booking_state) is
    'Why a command of the agency may not be, in words; null when it may';

-- Before a visit had a length of its own.
drop function if exists
    data.agency_apply(data.booking, text, data.booking_state, text, text, timestamptz, text, text, text, "char");
drop function if exists data.agency_step(text, text, data.booking_state, text, text, timestamptz, text, text, text, "char");

-- p_new_state: null when the event leads to one state only. p_began, p_minutes: when the visit really began and how long it took.
create or replace function data.agency_apply(b data.booking, p_event text, p_new_state data.booking_state default null,
    p_tail text default '', p_reason text default null, p_began timestamptz default null, p_specialists text default null,
    p_contacts text default null, p_note text default null, p_actor "char" default 'G', p_minutes integer default null)
returns admin.result language plpgsql as $$
declare
    was data.booking := b;
    clock timestamptz := clock_timestamp();
    visit timestamptz := data.visit_at(b.book_key);
    agency text := (select o.agency_code from data.organization as o where o.organization_id = b.organization_id);
    a data.booking_arrow;
    refusal text;
    reason text;
begin
    select * into a from data.booking_arrow as t
    where t.event = p_event and t.old_state = b.state and t.new_state = coalesce(p_new_state, t.new_state)
        and strpos(t.actors, p_actor::text) > 0;
    refusal := coalesce(data.agency_obstacle(b, p_event, found, visit, clock, a.new_state),
        case when p_began > clock then 'названное время начала приёма ещё не наступило' end);
    if refusal is not null then
        return data.agency_refuse(b, p_event, refusal, p_actor);
    end if;

    b.state := a.new_state;
    b.status_code := data.state_code(a.new_state) || coalesce(p_tail, '');
    if data.status_fault(agency, b.status_code) is not null then
        raise exception '%: %', data.status_fault(agency, b.status_code), b.status_code using errcode = 'invalid_parameter_value',
            hint = 'После трёх цифр статуса допустимы до шести своих; при строгой проверке — только заведённые admin.add_status';
    end if;
    reason := coalesce(data.visible(p_reason),
        (select d.reason from data.status_detail as d where d.agency_code = agency and d.code = b.status_code));
    b.status_message := data.visit_text(b, reason, p_began, p_specialists, p_contacts, p_minutes);
    b.hold_until := null;
    b.changed_at := clock;
    if a.place = 'freed' then
        delete from data.place as p where p.book_key = b.book_key;
    end if;
    update data.booking as t set state = b.state, status_code = b.status_code, status_message = b.status_message,
        hold_until = b.hold_until, changed_at = b.changed_at
    where t.book_key = b.book_key;
    perform data.add_history(b, was.state, was.status_code, p_actor, nullif(concat_ws('; ', p_note, reason), ''), null, null);
    if a.is_pushed and p_actor <> 'P' then
        perform data.push(b);
    end if;
    return data.agency_result(true, b, visit, b.status_message);
end $$;
comment on function data.agency_apply(data.booking, text, data.booking_state, text, text, timestamptz, text, text, text, "char",
    integer) is
    'Sends a booking its caller has locked along an arrow of the agency''s: state, history and push in one transaction (S2, S3)';

create or replace function data.agency_step(p_event text, p_book_id text, p_new_state data.booking_state default null,
    p_tail text default '', p_reason text default null, p_began timestamptz default null, p_specialists text default null,
    p_contacts text default null, p_note text default null, p_actor "char" default 'G', p_minutes integer default null)
returns admin.result language plpgsql as $$
begin
    return data.agency_apply(data.agency_lock(p_book_id), p_event, p_new_state, p_tail, p_reason, p_began, p_specialists,
        p_contacts, p_note, p_actor, p_minutes);
end $$;
comment on function data.agency_step(text, text, data.booking_state, text, text, timestamptz, text, text, text, "char", integer)
    is
    'Locks a booking and sends it along an arrow of the agency''s (S2)';
