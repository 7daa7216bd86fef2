-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What a closure covers and whom that concerns. Reads, changes nothing.

create or replace function data.closure_areas(c data.closure) returns integer[]
language sql stable as $$
    select case when c.area_key is not null then data.area_inside(c.area_key) end
$$;
comment on function data.closure_areas(data.closure) is 'Areas a closure is about; none: all of the organization';

-- A day is closed with the night that goes on from it, and without the night before; an absence goes by the clock. So it is in
-- data.offered_slots.
create or replace function data.closure_covers(c data.closure, p_areas integer[], p_zone text, s data.slot) returns boolean
language sql stable
return (p_areas is null or s.area_key = any (p_areas))
    and coalesce(s.wall_at, s.starts_at at time zone p_zone) + (s.ends_at - s.starts_at)
        > c.from_at + case when s.is_night and c.kind <> 'absence' then interval '1 day' else interval '0' end
    and (c.to_at is null or coalesce(s.wall_at, s.starts_at at time zone p_zone)
        < c.to_at + case when s.is_night and c.kind <> 'absence' then interval '1 day' else interval '0' end);
comment on function data.closure_covers(data.closure, integer[], text, data.slot) is
    'Whether a slot lies in what a closure covers, told by local wall time; p_areas is data.closure_areas';

drop function if exists data.closure_slots(data.closure, timestamptz);
create or replace function data.closure_slots(c data.closure, p_areas integer[], p_now timestamptz) returns setof data.slot
language sql stable as $$
    select s.*
    from data.organization as o
    join data.slot as s on s.organization_id = o.organization_id
    where o.organization_id = c.organization_id and s.starts_at > p_now
        and s.starts_at >= (c.from_at - interval '3 days') at time zone 'UTC'
        and (c.to_at is null or s.starts_at < (c.to_at + interval '3 days') at time zone 'UTC')
        and data.closure_covers(c, p_areas, o.time_zone, s)
$$;
comment on function data.closure_slots(data.closure, integer[], timestamptz) is 'Slots still to come that a closure covers';

create or replace function data.closure_counts(b data.booking, p_now timestamptz) returns boolean
language sql stable
return b.state in ('BOOKED', 'ACCEPTED', 'INVITED', 'CANCELLING') or b.state = 'HELD' and b.hold_until > p_now;
comment on function data.closure_counts(data.booking, timestamptz) is 'Whether a booking is a visit still to come';

drop function if exists data.closure_concerns(data.closure, timestamptz);
create or replace function data.closure_concerns(c data.closure, p_areas integer[], p_now timestamptz)
returns table (book_key text, slot_ids uuid[], starts_at timestamptz, area_key integer)
language sql stable as $$
    select b.book_key, array_agg(p.slot_id order by p.starts_at, p.slot_id), min(p.starts_at),
        (array_agg(p.area_key order by p.starts_at, p.slot_id))[1]
    from data.booking as b
    join data.place as p on p.book_key = b.book_key
    where b.book_key in (select q.book_key from data.closure_slots(c, p_areas, p_now) as s
        join data.place as q on s.slot_id = q.slot_id)
        and data.closure_counts(b, p_now)
    group by b.book_key
$$;
comment on function data.closure_concerns(data.closure, integer[], timestamptz) is
    'Live bookings with a place in what a closure covers, with all their slots';

create or replace function data.closure_visit(c data.closure, p_areas integer[], b data.booking, p_now timestamptz) returns uuid[]
language plpgsql stable as $$
begin
    return (
        select array_agg(p.slot_id order by p.starts_at, p.slot_id)
        from data.place as p
        join data.slot as s on s.slot_id = p.slot_id
        join data.organization as o on o.organization_id = s.organization_id
        where p.book_key = b.book_key and data.closure_counts(b, p_now)
        having bool_or(s.organization_id = c.organization_id and s.starts_at > p_now
            and data.closure_covers(c, p_areas, o.time_zone, s))
    );
end $$;
comment on function data.closure_visit(data.closure, integer[], data.booking, timestamptz) is
    'Slots of a live booking in time order; null when none of them is in what a closure covers';
