-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Steps of data.book_effect, each small enough to be read at once.

create or replace function data.hold_end(p_now timestamptz, p_period_min integer, p_default_min integer, p_least_min integer,
    p_most_min integer)
returns timestamptz language sql stable parallel safe
return date_trunc('second', p_now + make_interval(mins => least(p_most_min, greatest(p_least_min,
    case when p_period_min > 0 then p_period_min else p_default_min end))));
comment on function data.hold_end(timestamptz, integer, integer, integer, integer) is
    'When a hold of so many minutes ends, within the organization''s bounds (B3, A23); none asked for: its default';

drop function if exists data.book_settled(data.booking, data.book_wish, boolean, timestamptz);

-- What is refused is the change: 208 and error 4 (A32), whatever the booking has come to; that is getBookingStatus's to tell.
create or replace function data.book_shut(b data.booking, p_why text, p_now timestamptz, m api.message, p_journal_id bigint)
returns api.answer[] language plpgsql as $$
begin
    b.changed_at := p_now;
    perform data.add_history(b, b.state, b.status_code, 'A', 'изменение отклонено: ' || p_why, m, p_journal_id);
    return array[data.answer_row('208', data.status_text('208', b.organization_id, p_reason => p_why), 4,
        'Отказ в бронировании: ' || p_why)];
end $$;
comment on function data.book_shut(data.booking, text, timestamptz, api.message, bigint) is
    'A booking that may not be changed any more and stays as it is: status 208 and error 4 that say why';

create or replace function data.book_settled(b data.booking, w data.book_wish, p_is_alive boolean, p_now timestamptz,
    m api.message, p_journal_id bigint)
returns api.answer[] language plpgsql as $$
begin
    if p_is_alive and b.content_hash = w.content then
        return data.answer_row(b.status_code, b.status_message, 0)
            || data.slot_rows(w.book_key, b.hold_until, case when cardinality(w.service_ids) = 1 then w.service_ids[1] end);
    end if;
    if b.state in ('CANCELLING', 'SERVED', 'NO_SHOW', 'NO_DATA', 'NOT_SERVED') then
        return data.book_shut(b, format('Запись уже нельзя изменить, её статус %s: %s', b.status_code, data.state_title(b.state)),
            p_now, m, p_journal_id);
    end if;
    if p_is_alive and exists (select from data.place as p where p.book_key = w.book_key and p.starts_at <= p_now) then
        return data.book_shut(b, 'Время посещения уже наступило, запись остаётся прежней', p_now, m, p_journal_id);
    end if;
    return null;
end $$;
comment on function data.book_settled(data.booking, data.book_wish, boolean, timestamptz, api.message, bigint) is
    'The answer where nothing is changed any more: the same again, or a booking that is over; null: it may be changed';

create or replace function data.book_check_all(m api.message, b data.booking, own uuid[], w data.book_wish, p_is_alive boolean,
    p_now timestamptz, out fields api.answer[], out o data.organization, out is_blind boolean, out slots data.slot[],
    out area_keys integer[], out refusal text, out first_start timestamptz, out is_same boolean)
language plpgsql as $$
declare
    c record := data.book_check(m, w.organization_id, w.slot_ids, w.service_ids, w.area_ids, p_now);
    is_hold boolean;
begin
    fields := c.fields;
    o := c.o;
    is_blind := c.is_blind;
    slots := c.slots;
    area_keys := c.area_keys;
    refusal := c.refusal;
    first_start := c.first_start;
    is_same := false;
    if p_is_alive and b.organization_id = w.organization_id then
        is_same := is_blind or cardinality(own) = cardinality(w.slot_ids) and own = array(select t.slot_id
            from unnest(slots) as t);
    end if;
    -- A hold asks for a time (Appendix 3, note); what a final booking is asked, it is asked when it is to be one.
    is_hold := w.preliminary and not (p_is_alive and b.state <> 'HELD');
    if not is_hold then
        fields := fields || array(select data.field_row(t.field, 1, t.words)
            from unnest(w.later_fields, w.later_words) as t (field, words));
    end if;
    if o.has_rules and not is_hold then
        fields := fields || data.admission_fields(o, case when cardinality(w.service_ids) > 0 then w.service_ids
            else array(select data.slot_service(t) from unnest(slots) as t) end, w.user_type, w.user_kind);
    end if;
    fields := data.agency_fields(fields, b, w.organization_id);
    if p_is_alive and is_blind and not is_same and cardinality(own) > 1 then -- by chance it would get one
        refusal := 'Посещение из нескольких интервалов переносится с указанием всех интервалов';
    end if;
    if p_is_alive and not is_same and b.state <> 'HELD' and exists (
        select from data.place as p
        where p.book_key = w.book_key
            and p.starts_at <= p_now + make_interval(mins => data.deadline_min(b, 'move'))) then
        refusal := 'срок переноса записи истёк';
    end if;
end $$;
comment on function data.book_check_all(api.message, data.booking, uuid[], data.book_wish, boolean, timestamptz) is
    'As data.book_check, with whom a service admits, until when a booking may be moved, and whether it is for the slots it has';

create or replace function data.book_values(b data.booking, w data.book_wish, o data.organization, p_first_start timestamptz,
    p_is_alive boolean, p_now timestamptz, m api.message)
returns data.booking language plpgsql stable as $$
begin
    b.book_key := w.book_key;
    b.book_id := w.book_id;
    b.esia_id := w.esia_id;
    b.organization_id := w.organization_id;
    b.content_hash := w.content;
    b.user_type := w.user_type;
    b.user_kind := w.user_kind;
    b.service_ids := w.service_ids;
    b.case_number := coalesce(w.applicant ->> 'caseNumber', m.case_number);
    b.attributes := w.attributes;
    b.channel := m.channel;
    b.changed_at := p_now;
    if p_is_alive and b.state <> 'HELD' then
        null; -- a final booking stays one, whatever the change says of a hold
    elsif w.preliminary then
        if not p_is_alive then
            b.hold_count := 0;
        end if;
        if not p_is_alive or b.hold_count < o.max_holds then
            b.hold_until := data.hold_end(p_now, w.period_min, o.hold_default_min, o.hold_min_min, o.hold_max_min);
            b.hold_count := b.hold_count + 1;
        end if;
        b.state := 'HELD';
    else
        b.state := case when o.confirm_booking then 'ACCEPTED' else 'BOOKED' end;
        b.hold_until := null;
        b.hold_count := 0;
    end if;
    b.status_code := data.state_code(b.state);
    if b.hold_until is not null then
        b.hold_until := least(b.hold_until, p_first_start);
    end if;
    b.status_message := data.status_text(b.status_code, w.organization_id, p_first_start, p_state => b.state);
    return b;
end $$;
comment on function data.book_values(data.booking, data.book_wish, data.organization, timestamptz, boolean, timestamptz,
    api.message) is
    'A booking as a request wants it';

-- Before it was told the areas.
drop function if exists data.book_kept(data.organization, data.booking, data.booking, data.book_wish, timestamptz);
-- Whatever has become of its slots meanwhile, they were promised; another service was not, nor another area.
create or replace function data.book_kept(o data.organization, was data.booking, b data.booking, w data.book_wish,
    p_area_keys integer[], p_now timestamptz)
returns text language plpgsql as $$
declare
    refusal text;
begin
    if w.service_ids <> was.service_ids and cardinality(w.service_ids) > 0 and exists (
        select from data.place as p join data.slot as s on s.slot_id = p.slot_id
        where p.book_key = b.book_key and not data.slot_serves(s.service_id, s.area_key, w.service_ids)) then
        refusal := 'В это время услуга не оказывается';
    elsif p_area_keys is not null and exists (
        select from data.place as p join data.slot as s on s.slot_id = p.slot_id
        where p.book_key = b.book_key and s.area_key <> all (p_area_keys)) then
        refusal := data.other_area_text();
    elsif o.has_rules then
        refusal := data.correction_refusal(o, was, b, w.applicant, p_now);
    end if;
    return refusal;
end $$;
comment on function data.book_kept(data.organization, data.booking, data.booking, data.book_wish, integer[], timestamptz) is
    'Why a booking cannot be confirmed, renewed or corrected where it is, or null; p_area_keys: the areas it is asked to be in, '
        'null: none named';

-- The end of a hold stands in the booking and in its places, so that whoever looks at places need not look at bookings. Here,
-- and in what makes places, they are made one.
create or replace function data.hold_places(p_book_key text, p_hold_until timestamptz) returns timestamptz
language plpgsql as $$
declare
    ends constant timestamptz := case when p_hold_until is not null then
        least(p_hold_until, (select min(p.starts_at) from data.place as p where p.book_key = p_book_key)) end;
begin
    update data.place as p set hold_until = ends where p.book_key = p_book_key and p.hold_until is distinct from ends;
    return ends;
end $$;
comment on function data.hold_places(text, timestamptz) is
    'Tells the places of a booking the end of its hold, null: it is none; returns that end, which is no later than the visit: '
        'the caller writes it into the booking';

create or replace function data.book_written(b data.booking, was data.booking, w data.book_wish, p_is_new boolean,
    p_is_blind boolean,
    m api.message, p_journal_id bigint)
returns api.answer[] language plpgsql as $$
declare
    message text;
    is_other boolean := p_is_blind or not p_is_new;
begin
    -- Only now is it known where the visit is, and of a blind one when; a hold does not outlive that.
    if is_other then
        b.hold_until := data.hold_places(b.book_key, b.hold_until);
    end if;
    message := data.visit_text(b);
    is_other := is_other or message is distinct from b.status_message;
    b.status_message := message;
    if is_other then
        update data.booking as t set (book_id, organization_id, state, status_code, status_message, hold_until, hold_count,
                content_hash, user_type, user_kind, service_ids, case_number, attributes, channel, changed_at)
            = (b.book_id, b.organization_id, b.state, b.status_code, b.status_message, b.hold_until, b.hold_count,
                b.content_hash, b.user_type, b.user_kind, b.service_ids, b.case_number, b.attributes, b.channel, b.changed_at)
        where t.book_key = b.book_key;
    end if;
    perform data.put_applicant(b.book_key, w.applicant);
    perform data.add_history(b, was.state, was.status_code, 'A', null, m, p_journal_id);
    return data.answer_row(b.status_code, b.status_message, 0)
        || data.slot_rows(b.book_key, b.hold_until, case when cardinality(w.service_ids) = 1 then w.service_ids[1] end);
end $$;
comment on function data.book_written(data.booking, data.booking, data.book_wish, boolean, boolean, api.message, bigint) is
    'Writes down a booking that has its places, and answers';
