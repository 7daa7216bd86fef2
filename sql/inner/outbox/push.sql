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

create or replace function data.push_row(b data.booking, p_at timestamptz, p_reason text, p_user name) returns bigint
language plpgsql as $$
declare
    id bigint;
begin
    insert into data.outbox (book_key, agency_code, created_at, next_attempt_at, reason, changed_by, changed_at, payload)
    values (b.book_key, (select o.agency_code from data.organization as o where o.organization_id = b.organization_id), p_at,
        p_at, p_reason, p_user, case when p_user is not null then p_at end,
        jsonb_strip_nulls(jsonb_build_object('bookId', b.book_id, 'esiaId', b.esia_id,
            'status', jsonb_build_object('statusCode', b.status_code, 'statusMessage', b.status_message),
            'timeslot', case when b.state in ('BOOKED', 'INVITED', 'ACCEPTED') then data.visit_json(b) end)))
    returning outbox_id into id;
    return id;
end $$;
comment on function data.push_row(data.booking, timestamptz, text, name) is
    'Puts updateBookingDetails of a booking as it stands, which its caller has locked, into the outbox; its number there';

-- bookId is the number of an application that was made on the portal (order 329, Appendix 2, item 17): of what was booked
-- at a kiosk, by telephone or at a window it knows nothing. What came by any other channel, or once came from it, it does.
create or replace function data.portal_knows(b data.booking) returns boolean
language sql stable
return b.channel is null or b.channel not in ('kiosk', 'call-centre', 'walk-in') or exists (
    select from data.booking_history as h
    join data.journal as j on j.journal_id = h.journal_id and j.direction = 'in'
    where h.book_key = b.book_key and (j.channel is null or j.channel not in ('kiosk', 'call-centre', 'walk-in')));
comment on function data.portal_knows(data.booking) is
    'Whether the portal has an application of this number: somebody has spoken of it by its channel';

create or replace function data.push(b data.booking) returns void
language plpgsql as $$
begin
    if data.portal_knows(b) then
        perform data.push_row(b, b.changed_at, null, null);
    end if;
end $$;
comment on function data.push(data.booking) is
    'Puts updateBookingDetails of a booking as it stands into the outbox, if the portal knows of it; the row lock of the '
        'booking keeps their order (M8)';
