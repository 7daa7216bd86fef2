-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What cancelBooking does (A26-A28). The places are freed in the same transaction; a second cancellation is a success; a visit
-- that began, or whose deadline passed, stays as it is.

-- p_tail: digits behind 301 when it is the portal's word (updateBookingDetails).
drop function if exists data.cancel_effect(api.message, bigint, text, text, text[]);
create or replace function data.cancel_effect(m api.message, p_journal_id bigint, p_book_id text, p_esia_id text,
    p_bad_fields text[], p_tail text default '')
returns api.answer[] language plpgsql as $$
declare
    b data.booking;
    was data.booking;
    o data.organization;
    clock timestamptz;
    visit timestamptz;
begin
    if cardinality(p_bad_fields) > 0 then
        return array[data.answer_row(null, null, 2)];
    end if;
    if length(p_book_id) > 255 or length(p_esia_id) > 255 then
        return array[data.answer_row(null, null, 2),
            data.beyond_row(case when length(p_book_id) > 255 then 'bookId' else 'esiaId' end)];
    end if;
    select * into b from data.booking as t where t.book_key = lower(p_book_id) for no key update;
    if not found or data.person_key(b.esia_id) is distinct from data.person_key(p_esia_id)
        or not data.is_addressed(m.recipient_code, b.organization_id) then
        return array[data.answer_row(null, null, 2), data.field_row('bookId', 2)];
    end if;
    perform data.lock_places(b.book_key);
    clock := clock_timestamp();
    was := b;

    if b.state = 'HELD' and b.hold_until <= clock then
        b := data.let_lapse(b, clock, p_journal_id);
    end if;
    if b.state in ('CANCELLING', 'CANCELLED_APPLICANT', 'CANCELLED_AGENCY', 'CANCELLED', 'EXPIRED') then
        return array[data.answer_row(b.status_code, b.status_message, 0)];
    end if;
    if b.state not in ('HELD', 'BOOKED', 'ACCEPTED', 'INVITED') then
        return array[data.answer_row(b.status_code, b.status_message, 4, 'Запись не может быть отменена')];
    end if;
    select * into o from data.organization as t where t.organization_id = b.organization_id;
    visit := (select min(p.starts_at) from data.place as p where p.book_key = b.book_key);
    if o.has_rules then
        o := data.with_service_rules(o, data.visit_services(b.book_key, b.service_ids));
    end if;
    if visit <= clock + make_interval(mins => o.cancel_deadline_min) then
        return array[data.answer_row(b.status_code, b.status_message, 4,
            case when visit <= clock then 'Время посещения уже наступило' else 'Срок отмены записи истёк' end)];
    end if;

    -- A hold is nobody's to keep: it would lapse anyway (Appendix 3, type 1, other 1).
    if o.confirm_cancel and b.state <> 'HELD' then
        b := data.set_state(b, 'CANCELLING', clock, data.text_as(b, 'CANCELLING'), null);
    else
        b := data.set_state(b, 'CANCELLED_APPLICANT', clock, data.text_as(b, 'CANCELLED_APPLICANT', p_tail), null);
        delete from data.place as p where p.book_key = b.book_key;
        if p_tail <> '' then
            b.status_code := '301' || p_tail;
            update data.booking as t set status_code = b.status_code where t.book_key = b.book_key;
        end if;
    end if;
    perform data.add_history(b, was.state, was.status_code, 'A', null, m, p_journal_id);
    return array[data.answer_row(b.status_code, b.status_message, 0)];
end $$;
comment on function data.cancel_effect(api.message, bigint, text, text, text[], text) is
    'What cancelBooking does to a booking; the answer as rows';
