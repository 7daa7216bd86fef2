-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Shares of channels (B7), judged when the visit has its places. One lock for each day that is counted, held to the end of the
-- transaction, makes two bookings at once count each other.

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
comment on function data.full_days(text[], text, timestamptz) is
    'Days on which a channel has used up its share, per area; null when no share is set for it';

create or replace function data.share_refusal(o data.organization, b data.booking, p_now timestamptz) returns text
language plpgsql as $$
declare
    r record;
    u record;
begin
    for r in
        select c as share, d.span
        from data.channel_share as c
        cross join lateral (
            select distinct tstzrange(t.day at time zone o.time_zone, (t.day + interval '1 day') at time zone o.time_zone) as span
            from (select date_trunc('day', p.starts_at at time zone o.time_zone) as day from data.place as p
                  where p.book_key = b.book_key
                    and (c.area_key is null or p.area_key = any (data.area_inside(c.area_key)))) as t
        ) as d
        where c.organization_id = o.organization_id and c.channel = b.channel
        order by c.share_id, d.span
    loop
        perform pg_advisory_xact_lock(3290003, hashtext(concat_ws(' ', (r.share).share_id,
            extract(epoch from lower(r.span))))); -- the day as an instant: as text it would be another in another session's zone
        u := data.share_use(r.share, r.span, p_now, b.book_key);
        if u.taken > u.allowed then
            return 'места этого дня, отведённые для такого способа записи, закончились';
        end if;
    end loop;
    return null;
end $$;
comment on function data.share_refusal(data.organization, data.booking, timestamptz) is
    'Whether a booking that has its places takes more than its channel may, in words; no: null';
