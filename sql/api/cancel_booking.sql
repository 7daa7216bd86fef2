-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- cancelBooking (item 21; A26-A28). The places are freed in the same transaction; unknown and foreign look alike; a second
-- cancellation is a success; a visit that began, or whose deadline passed, stays as it is.

create or replace function api.cancel_booking(m api.message, book_id text, esia_id text, bad_fields text[])
returns setof api.answer
language plpgsql security definer set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan
    set enable_seqscan = off as $$
declare
    door api.answer := data.admit_message(m);
    rows api.answer[];
    head api.answer;
begin
    if door.kind <> 'answer' then
        return next door;
        return;
    end if;
    if m.test then
        begin
            rows := data.cancel_effect(m, door.journal_id, book_id, esia_id, bad_fields);
            raise exception 'a test message has no effect' using errcode = 'ZB000';
        exception when sqlstate 'ZB000' then
            null;
        end;
    else
        rows := data.cancel_effect(m, door.journal_id, book_id, esia_id, bad_fields);
    end if;
    head := rows[1];
    head.journal_id := door.journal_id;
    head.journal_at := door.journal_at;
    return next head;
    return query select * from unnest(rows[2:]);
end $$;
grant execute on function api.cancel_booking(api.message, text, text, text[]) to zapisd_daemon;
comment on function api.cancel_booking(api.message, text, text, text[]) is 'M4: cancels a booking at the applicant''s wish';
