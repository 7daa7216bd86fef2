-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What a citizen reads of his booking: the text of its status with the place, the service and the number in the queue.

-- The place is looked for only by those who name it.
-- Before when a visit really began was told beside the time that was booked.
drop function if exists data.visit_text(data.booking, text, timestamptz, text, text);
create or replace function data.visit_text(b data.booking, p_reason text default null, p_began timestamptz default null,
    p_specialists text default null, p_contacts text default null, p_minutes integer default null)
returns text language plpgsql stable as $$
declare
    t constant text := data.text_template(b.status_code, b.organization_id, b.state);
    v record;
begin
    if position('{' in t) = 0 and position('[' in t) = 0 then
        return left(t, 4000);
    end if;
    select s.starts_at, data.area_path(s.area_key) as area, a.queue_prefix || p.place_no as queue,
        data.service_names(case when cardinality(b.service_ids) > 0 then b.service_ids
            else array[data.slot_service(s)] end) as service
    into v
    from data.place as p
    join data.slot as s on s.slot_id = p.slot_id
    join data.area as a on a.area_key = s.area_key
    where p.book_key = b.book_key
    order by s.starts_at, s.slot_id limit 1;
    return data.text_filled(t, b.organization_id, v.starts_at, p_reason, p_specialists, p_contacts, v.area,
        coalesce(v.service, data.service_names(b.service_ids)), v.queue, p_began, p_minutes);
end $$;
comment on function data.visit_text(data.booking, text, timestamptz, text, text, integer) is
    'Text of a booking as it stands, its place, its services and its number in the queue filled in (S4); the places it has are '
        'looked at, so they go afterwards';

create or replace function data.text_as(b data.booking, p_state data.booking_state, p_tail text default '',
    p_reason text default null)
returns text language plpgsql stable as $$
begin
    b.state := p_state;
    b.status_code := data.state_code(p_state) || p_tail;
    return data.visit_text(b, p_reason);
end $$;
comment on function data.text_as(data.booking, data.booking_state, text, text) is
    'Text of a booking as if it were in another state already: its places are still there to be named';

create or replace function data.lapsed_text(b data.booking) returns text
language plpgsql stable as $$
begin
    return data.text_as(b, 'EXPIRED', p_reason => 'срок предварительного бронирования истёк');
end $$;
comment on function data.lapsed_text(data.booking) is
    'Text of status 303 for a hold that ran out (A24): the organization''s own for EXPIRED or 303, else the common one';
