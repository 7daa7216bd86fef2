-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What a slot needs beside its own place (B9), and the settings a service has of its own (B5). Called only for
-- organizations whose has_rules is true.

create or replace function data.with_service_rules(o data.organization, p_service_ids text[]) returns data.organization
language plpgsql stable as $$
declare
    r record;
begin
    select max(coalesce(s.notice_min, o.notice_min)) as notice_min,
        min(coalesce(s.booking_window_days, o.booking_window_days)) as booking_window_days,
        max(coalesce(s.cancel_deadline_min, o.cancel_deadline_min)) as cancel_deadline_min,
        max(coalesce(s.move_deadline_min, o.move_deadline_min)) as move_deadline_min
    into r
    from data.organization_service as s
    where s.organization_id = o.organization_id and s.service_id = any (p_service_ids);
    if r.notice_min is not null then
        o.notice_min := r.notice_min;
        o.booking_window_days := r.booking_window_days;
        o.cancel_deadline_min := r.cancel_deadline_min;
        o.move_deadline_min := r.move_deadline_min;
    end if;
    return o;
end $$;
comment on function data.with_service_rules(data.organization, text[]) is
    'An organization with the windows and deadlines of services in place of its own; of several the strictest';

-- Who names no service is shown the windows of all of them; what each slot is for decides then (data.slot_within).
create or replace function data.with_widest_rules(o data.organization) returns data.organization
language plpgsql stable as $$
declare
    r record;
begin
    select min(s.notice_min) as notice_min, max(s.booking_window_days) as booking_window_days into r
    from data.organization_service as s
    where s.organization_id = o.organization_id;
    o.notice_min := least(o.notice_min, r.notice_min);
    o.booking_window_days := greatest(o.booking_window_days, r.booking_window_days);
    return o;
end $$;
comment on function data.with_widest_rules(data.organization) is
    'An organization with the least notice and the longest window of itself and its services';

-- The order's book has no serviceId: in an area with one service alone it goes without saying.
create or replace function data.slot_service(s data.slot) returns text
language sql stable as $$
    select coalesce(s.service_id, data.only_service(s.area_key))
$$;
comment on function data.slot_service(data.slot) is
    'The service a slot is for: its own, else the only one of its area; null when there are several';

create or replace function data.slot_needs(s data.slot, p_service_ids text[], out before_min integer, out after_min integer,
    out others integer[])
language plpgsql stable as $$
declare
    services text[] := p_service_ids;
begin
    if cardinality(services) = 0 then
        services := array[data.slot_service(s)];
    end if;
    select greatest(a.buffer_before_min, v.before_min), greatest(a.buffer_after_min, v.after_min), a.uses
    into before_min, after_min, others
    from data.area as a
    cross join (
        select max(t.buffer_before_min) as before_min, max(t.buffer_after_min) as after_min
        from data.organization_service as t
        where t.organization_id = s.organization_id and t.service_id = any (services)
    ) as v
    where a.area_key = s.area_key;
end $$;
comment on function data.slot_needs(data.slot, text[]) is
    'Minutes to keep free around a visit in a slot, and the exclusive areas it uses';

create or replace function data.others_taken(p_others integer[], p_from timestamptz, p_to timestamptz, p_now timestamptz)
    returns boolean
language plpgsql stable as $$
begin
    return exists (
        select from data.occupancy as q
        join data.place as p on p.slot_id = q.slot_id and p.place_no = q.place_no
        where q.area_key = any (p_others) and q.busy_from < p_to and q.busy_to > p_from
            and q.busy_from > p_from - interval '48 hours'
            and (p.hold_until is null or p.hold_until > p_now)
    );
end $$;
comment on function data.others_taken(integer[], timestamptz, timestamptz, timestamptz) is
    'Whether a visit that counts uses one of the exclusive areas at the time';
