-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- updateBookingDetails (item 17) when the portal calls it here (A2); whether it may is the daemon's configuration. The same
-- door and the same locks as book and cancelBooking; unknown and foreign look alike (A26).
--
--   201 and another slot      moved as by book: HELD, BOOKED, ACCEPTED
--   301                       cancelled as by cancelBooking
--   205, 303                  the portal's own word (Appendix 1)
--   the status as it is       success, nothing changes
--   any other of item 17      the agency's word: error 4 with the status as it is
--   anything else             error 2, status

create or replace function api.update_booking_details(m api.message, book_id text, esia_id text, slot_id text, organization_id text,
    area_id text, service_id text, visit_time text, duration integer, status_code text, status_message text, bad_fields text[])
returns setof api.answer
language plpgsql security definer set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan
    set enable_seqscan = off as $$
declare
    door api.answer := data.admit_message(m);
    slot jsonb := jsonb_strip_nulls(jsonb_build_object('slotId', nullif(slot_id, ''), 'organizationId', nullif(organization_id, ''),
        'areaId', nullif(area_id, ''), 'serviceId', nullif(service_id, ''), 'visitTime', visit_time, 'duration', duration));
    rows api.answer[];
    head api.answer;
begin
    if door.kind <> 'answer' then
        return next door;
        return;
    end if;
    if m.test then
        begin
            rows := data.update_effect(m, door.journal_id, book_id, esia_id, slot, status_code, status_message, bad_fields);
            raise exception 'a test message has no effect' using errcode = 'ZB000';
        exception when sqlstate 'ZB000' then
            null;
        end;
    else
        rows := data.update_effect(m, door.journal_id, book_id, esia_id, slot, status_code, status_message, bad_fields);
    end if;
    head := rows[1];
    head.journal_id := door.journal_id;
    head.journal_at := door.journal_at;
    return next head;
    return query select * from unnest(rows[2:]);
end $$;
alter function api.update_booking_details(api.message, text, text, text, text, text, text, text, integer, text, text, text[])
    owner to zapisd_owner;
revoke all on function api.update_booking_details(api.message, text, text, text, text, text, text, text, integer, text, text, text[])
    from public;
grant execute on function api.update_booking_details(api.message, text, text, text, text, text, text, text, integer, text, text, text[])
    to zapisd_daemon;
comment on function api.update_booking_details(api.message, text, text, text, text, text, text, text, integer, text, text, text[]) is
    'M8: the portal moves a booking or says what became of it';

create or replace function data.update_effect(m api.message, p_journal_id bigint, p_book_id text, p_esia_id text, p_slot jsonb,
    p_code text, p_message text, p_bad_fields text[])
returns api.answer[] language plpgsql as $$
declare
    bad text[] := coalesce(p_bad_fields, '{}');
    head text := left(p_code, 3);
    b data.booking;
    own uuid[];
    c record;
    clock timestamptz;
    is_mine boolean := false;
    is_alive boolean;
    is_wrong_status boolean := bad && array['status', 'statusCode'];
    is_other_slot boolean := false;
    fields api.answer[] := '{}';
    done api.answer[];
    beyond api.answer[] := data.beyond_rows('{bookId,esiaId,timeslot,status}', array[coalesce(length(p_book_id) <= 255, true),
        coalesce(length(p_esia_id) <= 255, true), coalesce(pg_column_size(p_slot) <= 8192, true),
        coalesce(length(p_code) <= 255, true) and coalesce(length(p_message) <= 4000, true)]);
begin
    if cardinality(beyond) > 0 then
        return data.answer_row(null, null, 2) || beyond;
    end if;
    if not bad && array['bookId', 'esiaId'] then
        select * into b from data.booking as t where t.book_key = lower(p_book_id) for update;
        is_mine := found and data.person_key(b.esia_id) is not distinct from data.person_key(p_esia_id) and data.is_addressed(m.recipient_code, b.organization_id);
        if not is_mine then
            fields := fields || data.field_row('bookId', 2);
        end if;
    end if;
    if not is_wrong_status then
        done := data.update_status_fields(case when is_mine then
            (select o.agency_code from data.organization as o where o.organization_id = b.organization_id) else m.recipient_code end, p_code);
        is_wrong_status := cardinality(done) > 0;
        fields := fields || done;
    end if;
    if is_mine then
        own := data.lock_places(b.book_key);
        clock := clock_timestamp();
        is_alive := b.state in ('BOOKED', 'ACCEPTED') or b.state = 'HELD' and b.hold_until > clock;
        if p_slot ? 'slotId' and not bad && array['slotId', 'organizationId', 'areaId', 'serviceId', 'visitTime', 'duration'] then
            is_other_slot := lower(p_slot ->> 'slotId') <> all (own::text[]);
            if is_alive and (head = '201' or is_wrong_status) then
                c := data.update_slot_check(m, b, own, p_slot, clock);
                fields := fields || c.fields;
            elsif head <> '201' and not is_wrong_status and is_other_slot and cardinality(own) > 0 then
                fields := fields || data.field_row('timeslot', 1);
            end if;
        end if;
    end if;
    if cardinality(fields) > 0 or cardinality(bad) > 0 then
        return data.answer_row(null, null, 2) || fields;
    end if;

    if b.state = 'HELD' and not is_alive then
        b := data.let_lapse(b, clock, p_journal_id);
    end if;
    if head = '201' and is_other_slot then
        if is_alive then
            return data.update_moved(m, p_journal_id, b, p_code, own, c.o, c.slots, c.area_keys, c.refusal, clock);
        end if;
        return data.update_refused(m, p_journal_id, b, p_code, 'Запись не может быть перенесена', clock);
    end if;
    if p_code in (b.status_code, left(b.status_code, 3)) then
        return data.update_accepted(b.status_code, b.status_message, p_code);
    end if;
    if head = '301' then
        done := data.cancel_effect(m, p_journal_id, p_book_id, p_esia_id, '{}', substr(p_code, 4));
        if done[1].error_code = 0 then
            return data.update_accepted(done[1].status_code, done[1].status_message, p_code);
        end if;
        return data.update_refused(m, p_journal_id, b, p_code, done[1].error_message, clock);
    end if;
    return data.update_said(m, p_journal_id, b, p_code, p_message, clock);
end $$;
alter function data.update_effect(api.message, bigint, text, text, jsonb, text, text, text[]) owner to zapisd_owner;
revoke all on function data.update_effect(api.message, bigint, text, text, jsonb, text, text, text[]) from public;
comment on function data.update_effect(api.message, bigint, text, text, jsonb, text, text, text[]) is
    'What updateBookingDetails does to a booking; the answer as rows (A2)';
