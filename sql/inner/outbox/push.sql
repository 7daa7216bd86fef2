-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What the portal is to be told of a booking, in the transaction that changes it.

-- One timeslot, as updateBookingDetails has one: the first, with the length of the whole visit (A6), with all that the
-- answer to book says of it.
create or replace function data.visit_json(b data.booking) returns jsonb
language plpgsql stable as $$
begin
    return (
        select jsonb_strip_nulls(jsonb_build_object('slotId', s.slot_id,
            'serviceId', coalesce(s.service_id, case when cardinality(b.service_ids) = 1 then b.service_ids[1] end,
                data.only_service(s.area_key)),
            'organizationId', b.organization_id, 'areaId', a.area_id, 'visitTime', data.wire_time(s.starts_at, o.time_zone),
            'queueNumber', a.queue_prefix || p.place_no,
            'duration', extract(epoch from max(s.ends_at) over () - s.starts_at)::integer / 60, 'attributes', a.slot_attributes))
        from data.place as p
        join data.slot as s on s.slot_id = p.slot_id
        join data.area as a on a.area_key = s.area_key
        join data.organization as o on o.organization_id = s.organization_id
        where p.book_key = b.book_key
        order by s.starts_at, s.slot_id limit 1
    );
end $$;
comment on function data.visit_json(data.booking) is 'timeslot of updateBookingDetails; null for a booking without places';

create or replace function data.push(b data.booking) returns void
language plpgsql as $$
begin
    insert into data.outbox (book_key, created_at, next_attempt_at, payload)
    values (b.book_key, b.changed_at, b.changed_at, jsonb_strip_nulls(jsonb_build_object('bookId', b.book_id, 'esiaId', b.esia_id,
        'status', jsonb_build_object('statusCode', b.status_code, 'statusMessage', b.status_message),
        'timeslot', case when b.state in ('BOOKED', 'INVITED', 'ACCEPTED') then data.visit_json(b) end)));
end $$;
comment on function data.push(data.booking) is
    'Puts updateBookingDetails of a booking as it stands into the outbox; the row lock of the booking keeps their order (M8)';
