-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- updateBookingDetails (item 17) when the portal calls it here (A2); whether it may is the daemon's configuration. The same
-- door and the same locks as book and cancelBooking; unknown and foreign look alike (A26).
--
--   201 and another slot      moved as by book: HELD, BOOKED, ACCEPTED, INVITED; when the office is then asked, 100 is pushed
--   301                       cancelled as by cancelBooking
--   205, 303                  the portal's own word (Appendix 1)
--   the status as it is       success, nothing changes
--   any other of item 17      the agency's word: error 4 with the status as it is
--   anything else             error 2, status

-- Before a service could be named among the attributes of the timeslot.
drop function if exists api.update_booking_details(api.message, text, text, text, text, text, text, text, integer, text, text,
    text[]);
create or replace function api.update_booking_details(m api.message, book_id text, esia_id text, slot_id text,
    organization_id text, area_id text, service_id text, visit_time text, duration integer, status_code text, status_message text,
    bad_fields text[], named text[] default null)
returns setof api.answer
language plpgsql security definer set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan
    set enable_seqscan = off as $$
begin
    return query select * from unnest(data.carry_out(m, row(book_id, esia_id,
        jsonb_strip_nulls(jsonb_build_object('slotId', nullif(slot_id, ''), 'organizationId', nullif(organization_id, ''),
            'areaId', nullif(area_id, ''), 'serviceId', nullif(service_id, ''), 'visitTime', visit_time, 'duration', duration,
            'services', case when coalesce(service_id, '') = '' and cardinality(named) > 0
                then to_jsonb(nullif(data.services_named(array[organization_id], named), '{}')) end)),
        status_code, status_message, bad_fields)::data.update_wish));
end $$;
grant execute on function api.update_booking_details(api.message, text, text, text, text, text, text, text, integer,
    text, text, text[], text[])
    to zapisd_daemon;
comment on function api.update_booking_details(api.message, text, text, text, text, text, text, text, integer, text, text, text[],
    text[]) is
    'M8: the portal moves a booking or says what became of it; named: values of attributes serviceId of the timeslot, read where '
        'service_id is empty';
