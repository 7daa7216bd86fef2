-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- getBookingStatus (item 20; A24, A26). Changes nothing: a hold that ran out is told as 303 before the sweeper has said so.

create or replace function api.get_booking_status(recipient_code text, book_id text, esia_id text) returns setof api.answer
language plpgsql stable security definer set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan
    set enable_seqscan = off as $$
declare
    b data.booking;
begin
    if length(book_id) > 255 or length(esia_id) > 255 then
        return next data.answer_row(null, null, 2);
        return next data.beyond_row(case when length(book_id) > 255 then 'bookId' else 'esiaId' end);
        return;
    end if;
    select * into b from data.booking as t where t.book_key = lower(get_booking_status.book_id);
    if not found or data.person_key(b.esia_id) is distinct from data.person_key(get_booking_status.esia_id)
        or not data.is_addressed(get_booking_status.recipient_code, b.organization_id) then
        return next data.answer_row(null, null, 2);
        return next data.field_row('bookId', 2);
    elsif b.state = 'HELD' and b.hold_until <= clock_timestamp() then
        return next data.answer_row('303', data.lapsed_text(b), 0);
    else
        return next data.answer_row(b.status_code, b.status_message, 0);
        return query select * from unnest(data.slot_rows(b.book_key, b.hold_until,
            case when cardinality(b.service_ids) = 1 then b.service_ids[1] end));
    end if;
end $$;
grant execute on function api.get_booking_status(text, text, text) to zapisd_daemon;
comment on function api.get_booking_status(text, text, text) is 'M3: status of a booking and its slots, to its owner';
