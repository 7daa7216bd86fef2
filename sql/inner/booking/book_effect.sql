-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- The state machine of book (M2, S2). One booking row is locked first, then its own places, then the clock is read: from
-- there on "now" is one instant, and a hold is alive or lapsed by it (B3). Slots come last.
--
--   nothing yet, or dead (EXPIRED, CANCELLED*, REFUSED, RETURNED)  -> a new one: HELD, BOOKED, ACCEPTED, or REFUSED
--   HELD, BOOKED, ACCEPTED, same slots                            -> confirmed, renewed or corrected in place
--   HELD, BOOKED, ACCEPTED, other slots                           -> moved; when that fails the old slots stay
--   anything else                                                 -> error 4 with the status as it is

create or replace function data.book_effect(m api.message, p_journal_id bigint, p_book_id text, p_slot_ids text[],
    p_organization_id text, p_user_type text, p_user_kind text, p_esia_id text, p_applicant jsonb, p_service_ids text[],
    p_area_ids text[], p_preliminary boolean, p_period_min integer, p_attributes jsonb, p_bad_fields text[])
returns api.answer[] language plpgsql as $$
declare
    key text := lower(p_book_id);
    slot_ids text[] := coalesce(p_slot_ids, '{}');
    service_ids text[] := array_remove(array_remove(coalesce(p_service_ids, '{}'), ''), null);
    area_ids text[] := array_remove(array_remove(coalesce(p_area_ids, '{}'), ''), null);
    one_service text := case when cardinality(service_ids) = 1 then service_ids[1] end;
    content bytea := sha256(convert_to(row(lower(p_book_id), p_slot_ids, p_organization_id, p_user_type, p_user_kind, p_esia_id,
        p_applicant, p_service_ids, p_area_ids, p_preliminary, p_period_min, p_attributes, p_bad_fields)::text, 'UTF8'));
    clock timestamptz;
    b data.booking;
    was data.booking;
    own uuid[];
    c record;
    is_there boolean;
    is_alive boolean;
    is_same boolean;
    is_done boolean := true;
    o data.organization;
    first_start timestamptz;
    refusal text;
    beyond api.answer[] := data.beyond_rows(
        '{bookId,esiaId,organizationId,userType,userKind,slotId,serviceId,areaId,applicant,attributes}', array[
        coalesce(length(p_book_id) <= 255, true), coalesce(length(p_esia_id) <= 255, true), coalesce(length(p_organization_id) <= 255, true),
        coalesce(length(p_user_type) <= 255, true), coalesce(length(p_user_kind) <= 255, true),
        data.list_fits(p_slot_ids, 50), data.list_fits(p_service_ids, 500), data.list_fits(p_area_ids, 500),
        coalesce(pg_column_size(p_applicant) <= 65536, true), coalesce(pg_column_size(p_attributes) <= 2097152, true)]);
begin
    if cardinality(beyond) > 0 then
        return data.answer_row('207', data.plain_status_text('207'), 2) || beyond;
    end if;
    if coalesce(p_book_id, '') = '' or coalesce(data.person_key(p_esia_id), '') = '' then
        return array[data.answer_row('207', data.plain_status_text('207'), 2),
            data.field_row(case when coalesce(p_book_id, '') = '' then 'bookId' else 'esiaId' end, 1)];
    end if;

    <<again>>
    loop
        select * into b from data.booking as t where t.book_key = key for update;
        is_there := found;
        if is_there then
            if data.person_key(b.esia_id) <> data.person_key(p_esia_id) or not data.is_addressed(m.recipient_code, b.organization_id) then
                return array[data.answer_row('207', data.plain_status_text('207'), 2), data.field_row('bookId', 2)];
            end if;
            own := data.lock_places(key);
        end if;
        clock := clock_timestamp();
        was := b;
        is_alive := is_there and (b.state in ('BOOKED', 'ACCEPTED') or b.state = 'HELD' and b.hold_until > clock);

        if is_alive and b.content_hash = content then
            return data.answer_row(b.status_code, b.status_message, 0) || data.slot_rows(key, b.hold_until, one_service);
        end if;
        if is_there and b.state in ('INVITED', 'CANCELLING', 'SERVED', 'NO_SHOW', 'NO_DATA', 'NOT_SERVED') then
            return array[data.answer_row(b.status_code, b.status_message, 4)];
        end if;
        if is_alive then
            if exists (select from data.place as p where p.book_key = key and p.starts_at <= clock) then
                return array[data.answer_row(b.status_code, b.status_message, 4, 'Время посещения уже наступило')];
            end if;
        end if;

        if area_ids && slot_ids then -- old pages of the portal repeat the slotId as areaId: that says nothing about areas
            area_ids := array(select t.id from unnest(area_ids) as t (id) where t.id <> all (slot_ids));
        end if;
        c := data.book_check(m, p_organization_id, slot_ids, service_ids, area_ids, clock);
        is_same := false;
        if is_alive and b.organization_id = p_organization_id then
            is_same := c.is_blind or cardinality(own) = cardinality(slot_ids) and own = array(select t.slot_id from unnest(c.slots) as t);
        end if;
        if (c.o).has_rules then
            c.fields := c.fields || data.admission_fields(c.o, case when cardinality(service_ids) > 0 then service_ids
                else array(select data.slot_service(t) from unnest(c.slots) as t) end, p_user_type, p_user_kind);
        end if;
        refusal := c.refusal;
        if is_alive and not is_same and b.state <> 'HELD' and exists (
            select from data.place as p
            where p.book_key = key
                and p.starts_at <= clock + make_interval(mins => data.deadline_min(b.organization_id, b.service_ids, 'move'))) then
            refusal := 'срок переноса записи истёк';
        end if;

        if cardinality(c.fields) > 0 or cardinality(p_bad_fields) > 0 then
            if is_same and b.state = 'HELD' and not p_preliminary then
                delete from data.place as p where p.book_key = key;
                b := data.set_state(b, 'RETURNED', clock, data.status_text('207', p_organization_id), null);
                perform data.add_history(b, was.state, was.status_code, 'A', 'ошибки в данных при окончательном бронировании', m,
                    p_journal_id);
            end if;
            return data.answer_row('207', data.plain_status_text('207'), 2) || c.fields;
        end if;

        -- A hold that ran out is said so in the history before anything else happens to it.
        if is_there and b.state = 'HELD' and not is_alive then
            b := data.let_lapse(b, clock, p_journal_id);
            was := b;
        end if;

        o := c.o;
        first_start := c.first_start;
        b.book_key := key;
        b.book_id := p_book_id;
        b.esia_id := p_esia_id;
        b.organization_id := p_organization_id;
        b.content_hash := content;
        b.user_type := p_user_type;
        b.user_kind := p_user_kind;
        b.service_ids := service_ids;
        b.case_number := coalesce(p_applicant ->> 'caseNumber', m.case_number);
        b.attributes := p_attributes;
        b.channel := m.channel;
        b.changed_at := clock;
        if is_alive and b.state <> 'HELD' then
            null; -- a final booking stays one, whatever the change says of a hold
        elsif p_preliminary then
            if not is_alive then
                b.hold_count := 0;
            end if;
            if not is_alive or b.hold_count < o.max_holds then
                b.hold_until := date_trunc('second', clock + make_interval(mins => least(o.hold_max_min, greatest(o.hold_min_min,
                    case when p_period_min > 0 then p_period_min else o.hold_default_min end))));
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
            b.hold_until := least(b.hold_until, first_start);
        end if;
        b.status_message := data.status_text(b.status_code, p_organization_id, first_start);

        if is_same then
            -- Whatever has become of its slots meanwhile, they were promised; another service was not.
            refusal := null;
            if service_ids <> was.service_ids and cardinality(service_ids) > 0 and exists (
                select from data.place as p join data.slot as s on s.slot_id = p.slot_id
                where p.book_key = key and not data.slot_serves(s.service_id, s.area_key, service_ids)) then
                refusal := 'В это время услуга не оказывается';
            elsif o.has_rules then
                refusal := data.correction_refusal(o, was, b, p_applicant, clock);
            end if;
            is_done := refusal is null;
            exit again when not is_done;
            update data.place as p set hold_until = b.hold_until where p.book_key = key and p.hold_until is distinct from b.hold_until;
        elsif is_alive then
            if refusal is null then
                refusal := data.change_visit(o, c.slots, c.is_blind, service_ids, c.area_keys, b, p_applicant, clock);
            end if;
            is_done := refusal is null;
        else
            if not is_there then
                b.created_at := clock;
                b.portal_created := m.portal_time;
                continue again when not data.insert_booking(b); -- the same bookId came by another message meanwhile
            end if;
            if refusal is null then
                refusal := data.first_visit(o, c.slots, c.is_blind, service_ids, c.area_keys, b, p_applicant, clock);
            end if;
            is_done := refusal is null;
        end if;
        exit again;
    end loop;

    if not is_done then
        -- A hold whose final booking is refused has come to its end (Appendix 3, alternative 3).
        if is_same and was.state = 'HELD' and not p_preliminary then
            delete from data.place as p where p.book_key = key;
            is_alive := false;
        end if;
        return data.book_refused(was, b, is_there, is_alive, refusal, m, p_journal_id);
    end if;

    if c.is_blind then
        -- Only now is it known when the visit starts; a hold does not outlive that.
        first_start := (select min(p.starts_at) from data.place as p where p.book_key = key);
        if b.hold_until is not null then
            b.hold_until := least(b.hold_until, first_start);
        end if;
        b.status_message := data.status_text(b.status_code, p_organization_id, first_start);
    end if;
    if is_there or c.is_blind then
        update data.booking as t set (book_id, organization_id, state, status_code, status_message, hold_until, hold_count,
                content_hash, user_type, user_kind, service_ids, case_number, attributes, channel, changed_at)
            = (b.book_id, b.organization_id, b.state, b.status_code, b.status_message, b.hold_until, b.hold_count,
                b.content_hash, b.user_type, b.user_kind, b.service_ids, b.case_number, b.attributes, b.channel, b.changed_at)
        where t.book_key = key;
    end if;
    perform data.put_applicant(key, p_applicant);
    perform data.add_history(b, was.state, was.status_code, 'A', null, m, p_journal_id);
    return data.answer_row(b.status_code, b.status_message, 0) || data.slot_rows(key, b.hold_until, one_service);
end $$;
comment on function data.book_effect(api.message, bigint, text, text[], text, text, text, text, jsonb, text[], text[], boolean,
    integer, jsonb, text[]) is 'What book does to a booking; the answer as rows (M2)';
