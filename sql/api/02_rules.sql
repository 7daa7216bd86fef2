-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What a slot needs beside its own place (B9), and the settings a service has of its own (B5). Called only for
-- organizations whose has_rules is true. Limits per person are in 05_limits.sql.

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
alter function data.with_service_rules(data.organization, text[]) owner to zapisd_owner;
revoke all on function data.with_service_rules(data.organization, text[]) from public;
comment on function data.with_service_rules(data.organization, text[]) is
    'An organization with the windows and deadlines of services in place of its own; of several the strictest';

-- The order's book has no serviceId: in an area with one service alone it goes without saying.
create or replace function data.slot_service(s data.slot) returns text
language sql stable as $$
    select coalesce(s.service_id,
        (select case when count(*) = 1 then min(t.service_id) end from data.area_service as t where t.area_key = s.area_key))
$$;
alter function data.slot_service(data.slot) owner to zapisd_owner;
revoke all on function data.slot_service(data.slot) from public;
comment on function data.slot_service(data.slot) is 'The service a slot is for: its own, else the only one of its area; null when there are several';

create or replace function data.slot_needs(s data.slot, p_service_ids text[], out before_min integer, out after_min integer,
    out others integer[])
language plpgsql stable as $$
begin
    select greatest(a.buffer_before_min, v.before_min), greatest(a.buffer_after_min, v.after_min), a.uses
    into before_min, after_min, others
    from data.area as a
    cross join (
        select max(t.buffer_before_min) as before_min, max(t.buffer_after_min) as after_min
        from data.organization_service as t
        where t.organization_id = s.organization_id
            and t.service_id = any (case when cardinality(p_service_ids) > 0 then p_service_ids else array[s.service_id] end)
    ) as v
    where a.area_key = s.area_key;
end $$;
alter function data.slot_needs(data.slot, text[]) owner to zapisd_owner;
revoke all on function data.slot_needs(data.slot, text[]) from public;
comment on function data.slot_needs(data.slot, text[]) is 'Minutes to keep free around a visit in a slot, and the exclusive areas it uses';

create or replace function data.others_taken(p_others integer[], p_from timestamptz, p_to timestamptz, p_now timestamptz) returns boolean
language plpgsql stable as $$
begin
    return exists (
        select from data.occupancy as q
        join data.place as p on p.slot_id = q.slot_id and p.place_no = q.place_no
        where q.area_key = any (p_others) and q.busy_from < p_to and q.busy_to > p_from and q.busy_from > p_from - interval '48 hours'
            and (p.hold_until is null or p.hold_until > p_now)
    );
end $$;
alter function data.others_taken(integer[], timestamptz, timestamptz, timestamptz) owner to zapisd_owner;
revoke all on function data.others_taken(integer[], timestamptz, timestamptz, timestamptz) from public;
comment on function data.others_taken(integer[], timestamptz, timestamptz, timestamptz) is
    'Whether a visit that counts uses one of the exclusive areas at the time';

create or replace function data.slot_passes(s data.slot, p_service_ids text[], p_now timestamptz) returns boolean
language plpgsql stable as $$
declare
    needs record;
    since timestamptz;
    until timestamptz;
    o data.organization;
begin
    if s.service_id is not null and cardinality(p_service_ids) = 0 then
        select t.* into o from data.organization as t where t.organization_id = s.organization_id;
        o := data.with_service_rules(o, array[s.service_id]);
        if s.starts_at <= p_now + make_interval(mins => o.notice_min)
            or s.starts_at > p_now + make_interval(days => o.booking_window_days) then
            return false;
        end if;
    end if;
    needs := data.slot_needs(s, p_service_ids);
    since := s.starts_at - make_interval(mins => needs.before_min);
    until := s.ends_at + make_interval(mins => needs.after_min);
    return not (s.capacity = 1 and exists (
            select from data.place as p
            where p.capacity = 1 and p.area_key = s.area_key and p.busy_from < until
                and p.busy_to > since and p.busy_from > since - interval '48 hours'
                and (p.hold_until is null or p.hold_until > p_now)))
        and not data.others_taken(needs.others, since, until, p_now);
end $$;
alter function data.slot_passes(data.slot, text[], timestamptz) owner to zapisd_owner;
revoke all on function data.slot_passes(data.slot, text[], timestamptz) from public;
comment on function data.slot_passes(data.slot, text[], timestamptz) is
    'Whether a slot with a place left may be offered by the rules: windows of its service, buffers, exclusive areas';

create or replace function data.area_inside(p_area_key integer) returns integer[]
language sql stable as $$
    with recursive tree as (
        select p_area_key as area_key
        union
        select c.area_key from data.area as c join tree as t on c.parent_key = t.area_key
    )
    select array_agg(area_key) from tree
$$;
alter function data.area_inside(integer) owner to zapisd_owner;
revoke all on function data.area_inside(integer) from public;
comment on function data.area_inside(integer) is 'Keys of an area and of everything inside it (B9)';

-- A share is counted by the organization's own day: places of open slots, and those the channel has.
create or replace function data.share_use(c data.channel_share, p_span tstzrange, p_now timestamptz, p_book_key text default null,
    out allowed bigint, out taken bigint)
language plpgsql stable as $$
declare
    areas integer[] := case when c.area_key is not null then data.area_inside(c.area_key) end;
begin
    select coalesce(sum(s.capacity), 0) * c.percent / 100 into allowed
    from data.slot as s
    where s.organization_id = c.organization_id and s.starts_at >= lower(p_span) and s.starts_at < upper(p_span)
        and not s.is_closed and (areas is null or s.area_key = any (areas));
    select count(*) into taken
    from data.slot as s
    join data.place as p on p.slot_id = s.slot_id
    join data.booking as b on b.book_key = p.book_key
    where s.organization_id = c.organization_id and s.starts_at >= lower(p_span) and s.starts_at < upper(p_span)
        and (areas is null or s.area_key = any (areas)) and (p.hold_until is null or p.hold_until > p_now)
        and (b.channel = c.channel or b.book_key = p_book_key);
end $$;
alter function data.share_use(data.channel_share, tstzrange, timestamptz, text) owner to zapisd_owner;
revoke all on function data.share_use(data.channel_share, tstzrange, timestamptz, text) from public;
comment on function data.share_use(data.channel_share, tstzrange, timestamptz, text) is
    'Places of a day a channel may have and has; a booking that is just being made counts as its';

create or replace function data.full_days(p_organization_ids text[], p_channel text, p_now timestamptz) returns data.full_day[]
language plpgsql stable as $$
begin
    if p_channel is null or not exists (select from data.channel_share as c
                                        where c.organization_id = any (p_organization_ids) and c.channel = p_channel) then
        return null;
    end if;
    return (
        select array_agg(row(a.area_key, d.span)::data.full_day)
        from data.channel_share as c
        join data.organization as o on o.organization_id = c.organization_id
        cross join lateral (
            select tstzrange(t.day at time zone o.time_zone, (t.day + interval '1 day') at time zone o.time_zone) as span
            from (select date_trunc('day', p_now at time zone o.time_zone) + make_interval(days => n) as day
                  from generate_series(0, greatest(o.booking_window_days, (
                      select max(s.booking_window_days) from data.organization_service as s
                      where s.organization_id = o.organization_id))) as n) as t
        ) as d
        cross join lateral data.share_use(c, d.span, p_now) as u
        cross join lateral unnest(case when c.area_key is not null then data.area_inside(c.area_key)
            else array(select t.area_key from data.area as t where t.organization_id = o.organization_id) end) as a (area_key)
        where c.organization_id = any (p_organization_ids) and c.channel = p_channel and u.taken >= u.allowed
    );
end $$;
alter function data.full_days(text[], text, timestamptz) owner to zapisd_owner;
revoke all on function data.full_days(text[], text, timestamptz) from public;
comment on function data.full_days(text[], text, timestamptz) is
    'Days on which a channel has used up its share, per area; null when no share is set for it';
