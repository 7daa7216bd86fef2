-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What the agency does to a booking (S2): one road for all of admin's commands. The booking is locked first, then its
-- places, then data.booking_arrow is asked; state, history and the message to the portal are written in one transaction
-- (item 8 of the outcomes: no change without its push). A refused command leaves a line in the history and nothing else.

create or replace function data.state_title(p_state data.booking_state) returns text
language sql immutable parallel safe
return case p_state
    when 'ACCEPTED' then 'ждёт подтверждения' when 'HELD' then 'удерживается' when 'BOOKED' then 'забронировано'
    when 'INVITED' then 'приглашён' when 'SERVED' then 'принят' when 'NO_SHOW' then 'не пришёл'
    when 'NO_DATA' then 'итог неизвестен' when 'NOT_SERVED' then 'пришёл, но не принят'
    when 'RETURNED' then 'возвращено' when 'REFUSED' then 'отказано во времени' when 'CANCELLING' then 'отменяется'
    when 'CANCELLED_APPLICANT' then 'отменено заявителем' when 'CANCELLED_AGENCY' then 'отменено ведомством'
    when 'CANCELLED' then 'отменено' when 'EXPIRED' then 'срок удержания истёк' end;
alter function data.state_title(data.booking_state) owner to zapisd_owner;
revoke all on function data.state_title(data.booking_state) from public;
comment on function data.state_title(data.booking_state) is 'An inner state in words for the operator';

create or replace function data.status_fault(p_agency_code text, p_code text) returns text
language sql stable as $$
    select 'Данный статус заявления не поддерживается в текущей версии'
    where coalesce(p_code, '') !~ '^[0-9]{3,9}$'
        or not exists (select from data.status as s where s.code = left(p_code, 3))
        or length(p_code) > 3
            and (select a.strict_sub_codes from data.agency as a where a.agency_code = p_agency_code)
            and not exists (select from data.status_detail as d where d.agency_code = p_agency_code and d.code = p_code)
$$;
alter function data.status_fault(text, text) owner to zapisd_owner;
revoke all on function data.status_fault(text, text) from public;
comment on function data.status_fault(text, text) is 'What is wrong with a status code of an agency, in the words of Appendix 1, note 3; null when nothing is (S1, A25)';

-- One timeslot, as updateBookingDetails has one: the first, with the length of the whole visit (A6).
create or replace function data.visit_json(b data.booking) returns jsonb
language plpgsql stable as $$
begin
    return (
        select jsonb_strip_nulls(jsonb_build_object('slotId', (array_agg(s.slot_id order by s.starts_at, s.slot_id))[1],
            'serviceId', coalesce((array_agg(s.service_id order by s.starts_at, s.slot_id))[1],
                case when cardinality(b.service_ids) = 1 then b.service_ids[1] end),
            'organizationId', b.organization_id, 'areaId', (array_agg(a.area_id order by s.starts_at, s.slot_id))[1],
            'visitTime', data.wire_time(min(s.starts_at), min(o.time_zone)),
            'duration', extract(epoch from max(s.ends_at) - min(s.starts_at))::integer / 60))
        from data.place as p
        join data.slot as s on s.slot_id = p.slot_id
        join data.area as a on a.area_key = s.area_key
        join data.organization as o on o.organization_id = s.organization_id
        where p.book_key = b.book_key
        having count(*) > 0
    );
end $$;
alter function data.visit_json(data.booking) owner to zapisd_owner;
revoke all on function data.visit_json(data.booking) from public;
comment on function data.visit_json(data.booking) is 'timeslot of updateBookingDetails; null for a booking without places';

create or replace function data.push(b data.booking) returns void
language plpgsql as $$
begin
    insert into data.outbox (book_key, created_at, next_attempt_at, payload)
    values (b.book_key, b.changed_at, b.changed_at, jsonb_strip_nulls(jsonb_build_object('bookId', b.book_id, 'esiaId', b.esia_id,
        'status', jsonb_build_object('statusCode', b.status_code, 'statusMessage', b.status_message),
        'timeslot', case when b.state in ('BOOKED', 'INVITED') then data.visit_json(b) end)));
end $$;
alter function data.push(data.booking) owner to zapisd_owner;
revoke all on function data.push(data.booking) from public;
comment on function data.push(data.booking) is 'Puts updateBookingDetails of a booking as it stands into the outbox; the row lock of the booking keeps their order (M8)';

create or replace function data.agency_lock_now(p_book_key text) returns data.booking
language plpgsql as $$
declare
    b data.booking;
begin
    select * into b from data.booking as t where t.book_key = p_book_key for update;
    if found then
        perform data.lock_places(b.book_key);
        if b.state = 'HELD' and b.hold_until <= clock_timestamp() then
            b := data.let_lapse(b, clock_timestamp(), null);
        end if;
    end if;
    return b;
end $$;
alter function data.agency_lock_now(text) owner to zapisd_owner;
revoke all on function data.agency_lock_now(text) from public;
comment on function data.agency_lock_now(text) is 'Locks a booking and its places for the agency; a hold that ran out is said so first; null when there is none';

-- Who cannot have the locks in a moment lets go of those it has and asks again: the subtransaction gives them back. So a
-- clerk never stands in a ring of waiters for as long as the server takes to find one (docs/architecture.md, the order of locks).
create or replace function data.agency_lock(p_book_id text) returns data.booking
language plpgsql set lock_timeout = '300ms' as $$
declare
    b data.booking;
    patience constant timestamptz := clock_timestamp() + data.agency_patience();
begin
    loop
        begin
            b := data.agency_lock_now(lower(btrim(p_book_id)));
            exit;
        exception when lock_not_available or deadlock_detected then
            perform data.agency_wait(patience);
        end;
    end loop;
    if b.book_key is null then
        raise exception 'Запись % не найдена', coalesce(p_book_id, 'null') using errcode = 'no_data_found',
            hint = 'Ищите так: select * from admin.find(''номер записи или дела'')';
    end if;
    return b;
end $$;
alter function data.agency_lock(text) owner to zapisd_owner;
revoke all on function data.agency_lock(text) from public;
comment on function data.agency_lock(text) is 'As data.agency_lock_now, asking again while others are at the booking; unknown bookings are refused';

create or replace function data.agency_patience() returns interval language sql immutable return interval '15 seconds';
alter function data.agency_patience() owner to zapisd_owner;
revoke all on function data.agency_patience() from public;
comment on function data.agency_patience() is 'How long a command of a clerk goes on asking for locks that others have';

create or replace function data.agency_wait(p_until timestamptz) returns void
language plpgsql as $$
begin
    if clock_timestamp() > p_until then
        raise exception 'Запись или интервал сейчас меняет кто-то другой' using errcode = 'lock_not_available',
            hint = 'Ничего не изменено. Повторите через минуту; открытая транзакция в другом psql видна в pg_stat_activity';
    end if;
    perform pg_sleep(0.01 + random() * 0.05);
end $$;
alter function data.agency_wait(timestamptz) owner to zapisd_owner;
revoke all on function data.agency_wait(timestamptz) from public;
comment on function data.agency_wait(timestamptz) is 'A pause before the locks are asked for again; an error when that has gone on for too long';

create or replace function data.visit_at(p_book_key text) returns timestamptz
language plpgsql stable as $$
begin
    return (select min(p.starts_at) from data.place as p where p.book_key = p_book_key);
end $$;
alter function data.visit_at(text) owner to zapisd_owner;
revoke all on function data.visit_at(text) from public;
comment on function data.visit_at(text) is 'Start of the visit of a booking that has places';

create or replace function data.agency_result(p_is_done boolean, b data.booking, p_visit timestamptz, p_comment text) returns admin.result
language plpgsql stable as $$
begin
    return row(case when p_is_done then 'сделано' else 'отказано' end, b.book_id,
    (select to_char(p_visit at time zone o.time_zone, 'DD.MM.YYYY HH24:MI') from data.organization as o where o.organization_id = b.organization_id),
    b.state, b.status_code, p_comment)::admin.result;
end $$;
alter function data.agency_result(boolean, data.booking, timestamptz, text) owner to zapisd_owner;
revoke all on function data.agency_result(boolean, data.booking, timestamptz, text) from public;
comment on function data.agency_result(boolean, data.booking, timestamptz, text) is 'The row a command of admin answers with';

create or replace function data.agency_refuse(b data.booking, p_event text, p_why text, p_actor "char" default 'G') returns admin.result
language plpgsql as $$
begin
    b.changed_at := clock_timestamp();
    perform data.add_history(b, b.state, b.status_code, p_actor, format('отклонено (%s): %s', p_event, p_why), null, null);
    return data.agency_result(false, b, data.visit_at(b.book_key), p_why);
end $$;
alter function data.agency_refuse(data.booking, text, text, "char") owner to zapisd_owner;
revoke all on function data.agency_refuse(data.booking, text, text, "char") from public;
comment on function data.agency_refuse(data.booking, text, text, "char") is 'A command that may not be: a line in the history, nothing else changes (edge case 27)';

-- Null when nothing stands in the way.
create or replace function data.agency_obstacle(b data.booking, p_event text, p_has_arrow boolean, p_visit timestamptz, p_now timestamptz) returns text
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
            ' с ' || to_char(last.at at time zone o.time_zone, 'DD.MM HH24:MI') || case last.actor when 'G' then ', отметил ' || last.db_user else '' end)
            || case when b.state in ('SERVED', 'NO_SHOW', 'NO_DATA', 'NOT_SERVED') and p_event <> 'correct'
                then '; ошибку исправляет admin.correct' else '' end;
    end if;
    if p_event in ('visited', 'turned_away')
        and (p_visit at time zone o.time_zone)::date > (p_now at time zone o.time_zone)::date then
        return 'день посещения ещё не наступил';
    end if;
    if p_event in ('no_show', 'no_data') and p_visit > p_now then
        return 'время посещения ещё не наступило';
    end if;
    if p_event = 'correct' then
        first_outcome := (select min(h.at) from data.booking_history as h
                          where h.book_key = b.book_key and h.new_state in ('SERVED', 'NO_SHOW', 'NO_DATA', 'NOT_SERVED')
                              and h.new_state is distinct from h.old_state);
        if p_now > first_outcome + make_interval(hours => o.correction_hours) then
            return format('срок исправления (%s ч) истёк', o.correction_hours);
        end if;
    end if;
    return null;
end $$;
alter function data.agency_obstacle(data.booking, text, boolean, timestamptz, timestamptz) owner to zapisd_owner;
revoke all on function data.agency_obstacle(data.booking, text, boolean, timestamptz, timestamptz) from public;
comment on function data.agency_obstacle(data.booking, text, boolean, timestamptz, timestamptz) is 'Why a command of the agency may not be, in words; null when it may';

-- p_new_state: null when the event leads to one state only. p_at: the {time} of the text, else the start of the visit.
create or replace function data.agency_apply(b data.booking, p_event text, p_new_state data.booking_state default null,
    p_tail text default '', p_reason text default null, p_at timestamptz default null, p_specialists text default null,
    p_contacts text default null, p_note text default null, p_actor "char" default 'G')
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
    refusal := data.agency_obstacle(b, p_event, found, visit, clock);
    if refusal is not null then
        return data.agency_refuse(b, p_event, refusal, p_actor);
    end if;

    b.state := a.new_state;
    b.status_code := data.state_code(a.new_state) || coalesce(p_tail, '');
    if data.status_fault(agency, b.status_code) is not null then
        raise exception '%: %', data.status_fault(agency, b.status_code), b.status_code using errcode = 'invalid_parameter_value',
            hint = 'После трёх цифр статуса допустимы до шести своих; при строгой проверке — только заведённые admin.add_status';
    end if;
    reason := coalesce(nullif(btrim(p_reason), ''),
        (select d.reason from data.status_detail as d where d.agency_code = agency and d.code = b.status_code));
    b.status_message := data.status_text(b.status_code, b.organization_id, coalesce(p_at, visit), reason, p_specialists, p_contacts);
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
alter function data.agency_apply(data.booking, text, data.booking_state, text, text, timestamptz, text, text, text, "char") owner to zapisd_owner;
revoke all on function data.agency_apply(data.booking, text, data.booking_state, text, text, timestamptz, text, text, text, "char") from public;
comment on function data.agency_apply(data.booking, text, data.booking_state, text, text, timestamptz, text, text, text, "char") is
    'Sends a booking its caller has locked along an arrow of the agency''s: state, history and push in one transaction (S2, S3)';

create or replace function data.agency_step(p_event text, p_book_id text, p_new_state data.booking_state default null,
    p_tail text default '', p_reason text default null, p_at timestamptz default null, p_specialists text default null,
    p_contacts text default null, p_note text default null, p_actor "char" default 'G')
returns admin.result language plpgsql as $$
begin
    return data.agency_apply(data.agency_lock(p_book_id), p_event, p_new_state, p_tail, p_reason, p_at, p_specialists, p_contacts, p_note,
        p_actor);
end $$;
alter function data.agency_step(text, text, data.booking_state, text, text, timestamptz, text, text, text, "char") owner to zapisd_owner;
revoke all on function data.agency_step(text, text, data.booking_state, text, text, timestamptz, text, text, text, "char") from public;
comment on function data.agency_step(text, text, data.booking_state, text, text, timestamptz, text, text, text, "char") is
    'Locks a booking and sends it along an arrow of the agency''s (S2)';

-- Its places are swapped as for the applicant: the new ones are had, or the old ones stay. Notice, window and the
-- deadlines bind the applicant, not the agency; what is closed, begun or of another service binds both.
create or replace function data.agency_transfer(b data.booking, p_slot_ids uuid[], p_reason text default null)
returns admin.result language plpgsql as $$
declare
    was data.booking := b;
    clock timestamptz := clock_timestamp();
    o data.organization;
    slots data.slot[];
    refusal text;
begin
    if coalesce(cardinality(p_slot_ids), 0) = 0 or array_position(p_slot_ids, null) is not null then
        raise exception 'Не указан новый интервал' using errcode = 'invalid_parameter_value',
            hint = 'Свободные: select * from admin.free(''организация'', ''день'')';
    end if;
    refusal := data.agency_obstacle(b, 'move', exists (select from data.booking_arrow as t
        where t.event = 'move' and t.old_state = b.state and strpos(t.actors, 'G') > 0), null, clock);
    if refusal is not null then
        return data.agency_refuse(b, 'move', refusal);
    end if;

    slots := array(select x.t from (select t from data.slot as t where t.slot_id = any (p_slot_ids) order by t.slot_id for share) as x);
    select * into o from data.organization as t where t.organization_id = slots[1].organization_id;
    refusal := case
        when cardinality(slots) < cardinality(p_slot_ids) then 'интервал не найден'
        when exists (select from unnest(slots) as s where s.organization_id <> o.organization_id) then 'интервалы разных организаций'
        when o.agency_code <> (select x.agency_code from data.organization as x where x.organization_id = b.organization_id)
            then 'интервал другого ведомства'
        when exists (select from unnest(slots) as s where s.is_closed) then 'интервал закрыт для записи'
        when exists (select from unnest(slots) as s where s.starts_at <= clock) then 'интервал уже начался'
        when cardinality(b.service_ids) > 0 and exists (
            select from unnest(slots) as s where not data.slot_serves(s.service_id, s.area_key, b.service_ids))
            then 'в этом интервале услуга не оказывается'
        when array(select s.slot_id from unnest(slots) as s) = array(select p.slot_id from data.place as p where p.book_key = b.book_key order by p.slot_id)
            then 'это тот же интервал' end;
    if refusal is not null then
        return data.agency_refuse(b, 'move', refusal);
    end if;
    if not data.move_places(o, slots, false, b.service_ids, null, b, clock) then
        return data.agency_refuse(b, 'move', 'интервал занят');
    end if;

    b.organization_id := o.organization_id;
    b.status_code := data.state_code(b.state);
    b.status_message := data.status_text(b.status_code, b.organization_id, data.visit_at(b.book_key), p_reason);
    b.changed_at := clock;
    update data.booking as t set organization_id = b.organization_id, status_code = b.status_code,
        status_message = b.status_message, changed_at = b.changed_at
    where t.book_key = b.book_key;
    perform data.add_history(b, was.state, was.status_code, 'G', concat_ws(': ', 'перенос', nullif(btrim(p_reason), '')), null, null);
    perform data.push(b);
    return data.agency_result(true, b, data.visit_at(b.book_key), b.status_message);
end $$;
alter function data.agency_transfer(data.booking, uuid[], text) owner to zapisd_owner;
revoke all on function data.agency_transfer(data.booking, uuid[], text) from public;
comment on function data.agency_transfer(data.booking, uuid[], text) is
    'Moves a visit its caller has locked to other slots of the same agency and tells the portal; when they cannot be had the old ones stay (S2)';

-- The new places come after the old ones: as in data.agency_lock, whoever cannot have them in a moment begins anew.
create or replace function data.agency_move(p_book_id text, p_slot_ids uuid[], p_reason text default null)
returns admin.result language plpgsql set lock_timeout = '300ms' as $$
declare
    patience constant timestamptz := clock_timestamp() + data.agency_patience();
begin
    loop
        begin
            return data.agency_transfer(data.agency_lock(p_book_id), p_slot_ids, p_reason);
        exception when lock_not_available or deadlock_detected then
            perform data.agency_wait(patience);
        end;
    end loop;
end $$;
alter function data.agency_move(text, uuid[], text) owner to zapisd_owner;
revoke all on function data.agency_move(text, uuid[], text) from public;
comment on function data.agency_move(text, uuid[], text) is 'Locks a booked visit and moves it (S2)';
