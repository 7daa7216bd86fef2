-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What updateBookingDetails does (A2): the table of api/update_booking_details.sql, step by step.

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
        select * into b from data.booking as t where t.book_key = lower(p_book_id) for no key update;
        is_mine := found and data.person_key(b.esia_id) is not distinct from data.person_key(p_esia_id)
            and data.is_addressed(m.recipient_code, b.organization_id);
        if not is_mine then
            fields := fields || data.field_row('bookId', 2);
        end if;
    end if;
    if not is_wrong_status then
        done := data.update_status_fields(case when is_mine then
            (select o.agency_code from data.organization as o where o.organization_id = b.organization_id)
                else m.recipient_code end, p_code);
        is_wrong_status := cardinality(done) > 0;
        fields := fields || done;
    end if;
    if is_mine then
        own := data.lock_places(b.book_key);
        clock := clock_timestamp();
        is_alive := b.state in ('BOOKED', 'ACCEPTED', 'INVITED') or b.state = 'HELD' and b.hold_until > clock;
        if p_slot ? 'slotId' and not bad && array['slotId', 'organizationId', 'areaId', 'serviceId', 'visitTime', 'duration'] then
            is_other_slot := lower(p_slot ->> 'slotId') <> all (own::text[]);
            if is_alive and (head = '201' or is_wrong_status) then
                c := data.update_slot_check(m, b, own, p_slot, clock);
                fields := fields || c.fields;
            elsif head <> '201' and not is_wrong_status and is_other_slot and cardinality(own) > 0 then
                fields := fields || data.field_row('timeslot', 1, 'Другой интервал времени называют со статусом 201');
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
            return data.update_moved(m, p_journal_id, b, p_code, own, c.o, c.slots, c.area_keys,
                c.service_ids, c.refusal, clock);
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
comment on function data.update_effect(api.message, bigint, text, text, jsonb, text, text, text[]) is
    'What updateBookingDetails does to a booking; the answer as rows (A2)';
