-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- cancelBooking (item 21; A26-A28). The places are freed in the same transaction; unknown and foreign look alike; a second
-- cancellation is a success; a visit that began, or whose deadline passed, stays as it is.

create or replace function api.cancel_booking(m api.message, book_id text, esia_id text, bad_fields text[])
returns setof api.answer
language plpgsql security definer set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan
    set enable_seqscan = off as $$
begin
    return query select * from unnest(data.carry_out(m, row(book_id, esia_id, bad_fields)::data.cancel_wish));
end $$;
grant execute on function api.cancel_booking(api.message, text, text, text[]) to zapisd_daemon;
comment on function api.cancel_booking(api.message, text, text, text[]) is 'M4: cancels a booking at the applicant''s wish';
