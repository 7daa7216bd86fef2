-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What the portal is to be told of a booking, in the transaction that changes it.

-- One timeslot, as updateBookingDetails has one: the first, with the length of the whole visit (A6).
create or replace function data.visit_json(b data.booking) returns jsonb
language plpgsql stable as $$
begin
    return (
        select jsonb_strip_nulls(jsonb_build_object('slotId', (array_agg(s.slot_id order by s.starts_at, s.slot_id))[1],
            'serviceId', coalesce((array_agg(s.service_id order by s.starts_at, s.slot_id))[1],
                case when cardinality(b.service_ids) = 1 then b.service_ids[1] end),
            'organizationId', b.organization_id, 'areaId', (array_agg(a.area_id order by s.starts_at, s.slot_id))[1],
            'visitTime', data.wire_time(min(s.starts_at), min(o.time_zone)),
            'duration', extract(epoch from max(s.ends_at) - min(s.starts_at))::integer / 60))
        from data.place as p
        join data.slot as s on s.slot_id = p.slot_id
        join data.area as a on a.area_key = s.area_key
        join data.organization as o on o.organization_id = s.organization_id
        where p.book_key = b.book_key
        having count(*) > 0
    );
end $$;
comment on function data.visit_json(data.booking) is 'timeslot of updateBookingDetails; null for a booking without places';

create or replace function data.push(b data.booking) returns void
language plpgsql as $$
begin
    insert into data.outbox (book_key, created_at, next_attempt_at, payload)
    values (b.book_key, b.changed_at, b.changed_at, jsonb_strip_nulls(jsonb_build_object('bookId', b.book_id, 'esiaId', b.esia_id,
        'status', jsonb_build_object('statusCode', b.status_code, 'statusMessage', b.status_message),
        'timeslot', case when b.state in ('BOOKED', 'INVITED') then data.visit_json(b) end)));
end $$;
comment on function data.push(data.booking) is
    'Puts updateBookingDetails of a booking as it stands into the outbox; the row lock of the booking keeps their order (M8)';
