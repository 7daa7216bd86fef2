-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Steps of data.update_effect: what the portal may say of a booking (A2). A new time is judged as book judges a move, 301
-- as cancelBooking; beyond that the portal has the arrows of data.booking_arrow that are its own. The portal is not told what it
-- said; what came out otherwise than it said, is pushed: 100 for its 201.

create or replace function data.update_status_fields(p_agency_code text, p_code text) returns api.answer[]
language plpgsql stable as $$
declare
    r api.answer := data.field_row('status', 1);
begin
    if coalesce(left(p_code, 3), '') = any (array['201', '202', '203', '205', '206', '207', '208', '301', '302', '303'])
        and data.status_fault(p_agency_code, p_code) is null then
        return '{}';
    end if;
    r.error_message := 'Данный статус заявления не поддерживается в текущей версии';
    return array[r];
end $$;
comment on function data.update_status_fields(text, text) is
    'The field error of a status that item 17 does not name, or 303, whose initiator the portal may be; none: empty (A25)';

-- Before it said which services the visit would be for.
drop function if exists data.update_slot_check(api.message, data.booking, uuid[], jsonb, timestamptz);
create function data.update_slot_check(m api.message, b data.booking, p_own uuid[], p_slot jsonb, p_now timestamptz,
    out fields api.answer[], out o data.organization, out slots data.slot[], out area_keys integer[], out refusal text,
    out service_ids text[])
language plpgsql as $$
declare
    c record;
    s data.slot;
    -- as in data.book_wish_of: what repeats the slotId says nothing about areas
    area_id constant text := nullif(lower(p_slot ->> 'areaId'), lower(p_slot ->> 'slotId'));
    named constant text[] := case when p_slot ? 'serviceId' then array[p_slot ->> 'serviceId']
        else array(select jsonb_array_elements_text(coalesce(p_slot -> 'services', '[]'))) end;
begin
    service_ids := case when cardinality(b.service_ids) = 0 then named else b.service_ids end;
    c := data.book_check(m, p_slot ->> 'organizationId', array[p_slot ->> 'slotId'], service_ids,
        case when area_id is null then '{}' else array[p_slot ->> 'areaId'] end, p_now);
    fields := c.fields;
    o := c.o;
    slots := c.slots;
    area_keys := c.area_keys;
    refusal := c.refusal;
    s := slots[1];
    if c.is_blind then
        fields := fields || data.field_row('slotId', 1, 'Переносится на названный интервал времени, не на blind_request');
    end if;
    fields := data.agency_fields(fields, b, p_slot ->> 'organizationId');
    if o.has_rules and b.state <> 'HELD' then
        fields := fields || data.admission_fields(o, case when cardinality(service_ids) > 0 then service_ids
            else array(select data.slot_service(t) from unnest(slots) as t) end, b.user_type, b.user_kind);
    end if;
    if cardinality(b.service_ids) > 0 and not named <@ b.service_ids then
        fields := fields || data.field_row('serviceId', 1, 'Заявление подано на другую услугу');
    end if;
    if s.slot_id is not null then
        if data.parse_time(p_slot ->> 'visitTime') is distinct from date_trunc('second', s.starts_at) then
            fields := fields || data.field_row('visitTime', 1, 'Интервал времени начинается в другое время');
        end if;
        -- Of a visit in several slots the whole is told as one (A6).
        if make_interval(mins => (p_slot ->> 'duration')::integer) not in (s.ends_at - s.starts_at,
            (select max(t.ends_at) - min(t.starts_at) from data.slot as t where t.slot_id = s.slot_id
                or s.slot_id = any (p_own) and t.slot_id = any (p_own))) then
            fields := fields || data.field_row('duration', 1, 'Интервал времени длится иначе');
        end if;
    end if;
end $$;
comment on function data.update_slot_check(api.message, data.booking, uuid[], jsonb, timestamptz) is
    'Field errors of the timeslot a booking is to be moved to, the slot it means, why it cannot be booked, if so, and for which '
        'services it would be: the booking''s, else the one the timeslot names';

create or replace function data.update_refused(m api.message, p_journal_id bigint, b data.booking, p_code text, p_why text,
    p_now timestamptz)
returns api.answer[] language plpgsql as $$
begin
    b.changed_at := p_now;
    perform data.add_history(b, b.state, b.status_code, 'P', format('отклонено (портал, %s): %s', p_code, p_why),
        m, p_journal_id);
    return array[data.answer_row(b.status_code, b.status_message, 4, format('%s. Статус заявления: %s', p_why, b.status_code))];
end $$;
comment on function data.update_refused(api.message, bigint, data.booking, text, text, timestamptz) is
    'What the portal may not say of a booking: error 4 with the status it has (A27), a line in the history, nothing else';

-- A status other than the one asked for is told in the words of the answer: it has no status of its own.
create or replace function data.update_accepted(p_status_code text, p_status_message text, p_asked text) returns api.answer[]
language plpgsql stable parallel safe as $$
begin
    return array[data.answer_row(p_status_code, p_status_message, 0,
        case when left(p_status_code, 3) <>
            left(p_asked, 3) then format('%s. Статус заявления: %s', p_status_message, p_status_code) end)];
end $$;
comment on function data.update_accepted(text, text, text) is 'The answer to what was done as the portal said';

-- Before it was told the services.
drop function if exists data.update_moved(api.message, bigint, data.booking, text, uuid[], data.organization, data.slot[],
    integer[], text, timestamptz);
create or replace function data.update_moved(m api.message, p_journal_id bigint, was data.booking, p_code text, p_own uuid[],
    o data.organization, p_slots data.slot[], p_area_keys integer[], p_service_ids text[], p_refusal text, p_now timestamptz)
returns api.answer[] language plpgsql as $$
declare
    b data.booking := was;
    visit timestamptz := (select min(p.starts_at) from data.place as p where p.book_key = was.book_key);
    person jsonb := (select jsonb_build_object('userSnils', a.user_snils, 'userINN', a.user_inn, 'businessINN', a.business_inn)
                     from data.applicant as a where a.book_key = was.book_key);
    had constant text[] := data.visit_services(was.book_key, was.service_ids);
    refusal text := case
        when visit <= p_now then 'время посещения уже наступило'
        when cardinality(p_own) > 1 then 'посещение из нескольких интервалов переносится методом book'
        when was.state <> 'HELD'
            and visit <= p_now + make_interval(mins => data.deadline_min(was, 'move'))
            then 'срок переноса записи истёк'
        else p_refusal end;
begin
    b.changed_at := p_now;
    if refusal is null then
        b.organization_id := o.organization_id;
        b.channel := m.channel;
        b.service_ids := p_service_ids;
        b.content_hash := sha256(m.digest); -- the request that booked it is not the last word any more (B6)
        if b.hold_until is not null then
            b.hold_until := least(b.hold_until, p_slots[1].starts_at);
        end if;
        refusal := data.change_visit(o, p_slots, false, b.service_ids, p_area_keys, b, person, p_now);
    end if;
    if refusal is not null then
        was.changed_at := p_now;
        perform data.add_history(was, was.state, was.status_code, 'A', 'изменение отклонено: ' || refusal, m, p_journal_id);
        return array[data.answer_row(was.status_code, was.status_message, 4,
            format('Отказ в бронировании: %s. Статус заявления: %s', refusal, was.status_code))];
    end if;
    b.status_code := data.state_code(b.state);
    b := data.book_promised(b, was, had, null, o.confirm_booking);
    if b.status_code = left(p_code, 3) then
        b.status_code := p_code;
    end if;
    b.status_message := data.visit_text(b);
    update data.booking as t set (organization_id, state, status_code, status_message, hold_until, content_hash, service_ids,
            channel, changed_at)
        = (b.organization_id, b.state, b.status_code, b.status_message, b.hold_until, b.content_hash, b.service_ids, b.channel,
            b.changed_at)
    where t.book_key = b.book_key;
    perform data.add_history(b, was.state, was.status_code, 'A', 'перенос через портал', m, p_journal_id);
    -- The portal has said 201, and the answer has no field for another status.
    if b.state = 'ACCEPTED' and was.state <> 'ACCEPTED' then
        perform data.push(b);
    end if;
    return data.update_accepted(b.status_code, b.status_message, p_code);
end $$;
comment on function data.update_moved(api.message, bigint, data.booking, text, uuid[], data.organization, data.slot[], integer[],
    text[], text, timestamptz) is 'Moves a booking as book would; when the new slot cannot be had the old one stays (M2)';

-- The order's own words are said already.
create or replace function data.withdrawal_reason(p_message text) returns text
language plpgsql immutable parallel safe as $$
begin
    return data.visible(regexp_replace(data.visible(p_message),
        '^Заявление отменено(?![[:alnum:]])[[:space:].,:;—–-]*', '', 'i'));
end $$;
comment on function data.withdrawal_reason(text) is 'What the portal adds to the words of 303 (Appendix 1); nothing: null';

-- 205 when the time is over, 303 as long as the applicant could cancel; both silent.
create or replace function data.update_said(m api.message, p_journal_id bigint, was data.booking, p_code text, p_message text,
    p_now timestamptz)
returns api.answer[] language plpgsql as $$
declare
    b data.booking := was;
    a data.booking_arrow;
    starts timestamptz;
    ends timestamptz;
    deadline interval;
begin
    select * into a from data.booking_arrow as t
    where t.old_state = b.state and data.state_code(t.new_state) = left(p_code, 3) and strpos(t.actors, 'P') > 0;
    if not found then
        return data.update_refused(m, p_journal_id, b, p_code, format('Статус %s не может быть установлен порталом', p_code),
            p_now);
    end if;
    select min(p.starts_at), max(p.ends_at) into starts, ends from data.place as p where p.book_key = b.book_key;
    if a.place = 'used' and ends > p_now then
        return data.update_refused(m, p_journal_id, b, p_code, 'Время посещения ещё не прошло', p_now);
    end if;
    deadline := make_interval(mins => data.deadline_min(b, 'cancel'));
    if a.place = 'freed' and starts <= p_now + deadline then
        return data.update_refused(m, p_journal_id, b, p_code,
            case when starts <= p_now then 'Время посещения уже наступило' else 'Срок отмены записи истёк' end, p_now);
    end if;

    b.state := a.new_state;
    b.status_code := p_code;
    -- Of 303 the words are the order's, and the portal may give the reason; 205 has none of its own (Appendix 1).
    b.status_message := case when left(p_code, 3) = '303' then data.visit_text(b,
            coalesce(data.withdrawal_reason(p_message), (select d.reason from data.status_detail as d
                join data.organization as o on o.agency_code = d.agency_code
                where o.organization_id = b.organization_id and d.code = p_code)))
        else coalesce(data.visible(p_message), data.visit_text(b)) end;
    b.hold_until := null;
    b.changed_at := p_now;
    if a.place = 'freed' then
        delete from data.place as p where p.book_key = b.book_key;
    end if;
    update data.booking as t set (state, status_code, status_message, hold_until, changed_at)
        = (b.state, b.status_code, b.status_message, b.hold_until, b.changed_at)
    where t.book_key = b.book_key;
    perform data.add_history(b, was.state, was.status_code, 'P', null, m, p_journal_id);
    return data.update_accepted(b.status_code, b.status_message, p_code);
end $$;
comment on function data.update_said(api.message, bigint, data.booking, text, text, timestamptz) is
    'Sends a booking along an arrow of the portal''s: 205 and 303 (S2, A29)';
