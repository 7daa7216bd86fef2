-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What the schedule of an organization offers (T2), put together from weekly hours, special days, the calendar,
-- closures and days off. All in local wall time: instants come last, in data.sync_slots(). Reads, changes nothing.
-- Precedence: closure or day off; special day of the area, of what it is part of, of the organization; calendar of
-- the region, of the country; weekly hours. For hours past midnight the rule of the evening they go
-- on from holds.

create or replace function data.calendar_days(p_organization_id text, p_from date, p_to date)
returns table (day date, kind text, as_weekday smallint, cut_min smallint, name text, calendar_id text)
language sql stable as $$
    with recursive chain as (
        select coalesce(o.calendar_id, g.calendar_id) as calendar_id, 0 as depth
        from data.organization as o
        join data.agency as g using (agency_code)
        where o.organization_id = p_organization_id and o.observes_calendar
        union all
        select c.parent_id, chain.depth + 1
        from chain join data.calendar as c on c.calendar_id = chain.calendar_id
        where c.parent_id is not null and chain.depth < 10
    )
    select distinct on (d.day) d.day, d.kind, d.as_weekday, d.cut_min, d.name, d.calendar_id
    from chain join data.calendar_day as d on d.calendar_id = chain.calendar_id
    where d.day between p_from and p_to
    order by d.day, chain.depth
$$;
comment on function data.calendar_days(text, date, date) is
    'The days of the calendar an organization keeps; the nearest calendar wins';

create or replace function data.day_rules(p_organization_id text, p_from date, p_to date)
returns table (area_key integer, day date, weekday smallint, cut_min smallint, special_day_id integer, special_kind text,
    special_area integer, why text)
language sql stable as $$
    with special as (
        select distinct on (u.area_key, s.day) u.area_key, s.day, s.special_day_id, s.kind, s.as_weekday,
            s.area_key as special_area, s.comment
        from data.special_day as s
        join data.area_up(p_organization_id) as u on u.up_key = s.area_key or s.area_key is null and u.depth = 0
        where s.organization_id = p_organization_id and s.day between p_from and p_to
        order by u.area_key, s.day, s.area_key is null, u.depth
    )
    select a.area_key, d.day,
        (case
            when s.kind = 'closed' or s.kind is null and c.kind = 'holiday' then null
            when s.kind is not null then coalesce(s.as_weekday, extract(isodow from d.day))
            else coalesce(c.as_weekday, extract(isodow from d.day)) end)::smallint,
        case when s.kind is null then c.cut_min end,
        s.special_day_id, s.kind, s.special_area,
        case when s.kind is not null then coalesce(nullif(s.comment, ''), 'особый день') else nullif(c.name, '') end
    from data.area as a
    cross join (select g::date as day from generate_series(p_from::timestamp, p_to::timestamp, interval '1 day') as g) as d
    left join special as s on s.area_key = a.area_key and s.day = d.day
    left join data.calendar_days(p_organization_id, p_from, p_to) as c on c.day = d.day
    where a.organization_id = p_organization_id and a.removed_at is null
$$;
comment on function data.day_rules(text, date, date) is
    'For each area and day: the weekday whose hours hold (none: no reception), how much is cut off the end, the special day, and '
    'why';

-- Its plan is its own: folded into a caller's, the planner would take it for a handful of rows.
-- One kind of hours (an area's for one service, or for all) is one grid: a night that goes on is served to its end before the
-- morning begins, hours of a special day's own go before those it cuts. Rows of one day for one service that are set side by
-- side on purpose (data.timetable.serial) are left so.
create or replace function data.hours_grid(p_organization_id text, p_from date, p_to date)
returns table (area_key integer, day date, is_night boolean, wall_at timestamp, wall_end timestamp, service_id text,
    capacity smallint, serial smallint, special_day_id integer, gives_way boolean)
language sql stable rows 20000 set jit = off as $$
    with rule as materialized (
        select r.*, n.shift, r.weekday::integer % 7 + 1 as next_weekday
        from data.day_rules(p_organization_id, p_from - 1, p_to) as r
        cross join (values (0), (1)) as n (shift)
        where not exists (select from data.day_off as f where f.organization_id = p_organization_id and f.day = r.day)
    ), hours as (
        select r.area_key, r.day, r.shift, r.day + r.shift + t.starts as starts, r.day + r.shift + t.ends as ends,
            make_interval(mins => t.slot_min) as length, t.service_id, t.capacity, t.serial, false as is_own, r.special_day_id,
            r.special_kind, r.special_area, max(r.day + r.shift + t.ends) over (partition by r.area_key, r.day)
                - make_interval(mins => coalesce(r.cut_min, 0)::integer) as day_end
        from rule as r
        join data.timetable as t on t.area_key = r.area_key
            and t.weekday = case r.shift when 0 then r.weekday else r.next_weekday end and t.from_evening = (r.shift = 1)
            and (t.valid_from is null or t.valid_from <= r.day + r.shift)
            and (t.valid_to is null or t.valid_to >= r.day + r.shift)
        union all
        select r.area_key, r.day, r.shift, r.day + r.shift + h.starts, r.day + r.shift + h.ends,
            make_interval(mins => h.slot_min), h.service_id, h.capacity, h.serial, true, r.special_day_id, r.special_kind,
            r.special_area, r.day + r.shift + h.ends
        from rule as r
        join data.special_hours as h on h.special_day_id = r.special_day_id and h.slot_min is not null
            and h.from_evening = (r.shift = 1)
        where r.special_kind = 'hours' and r.special_area = r.area_key
    ), grid as materialized (
        select distinct on (h.area_key, w.wall, h.serial, h.shift) h.*, w.wall, h.starts::date as on_day,
            coalesce(h.service_id, '') as for_service
        from hours as h
        cross join lateral generate_series(h.starts, h.ends - h.length, h.length) as w (wall)
        where h.starts >= p_from and h.starts < p_to + 1 and w.wall + h.length <= h.day_end
            and (h.is_own or h.special_kind is distinct from 'hours' or exists (
                select from data.special_hours as c
                where c.special_day_id = h.special_day_id and (c.slot_min is null or h.special_area is distinct from h.area_key)
                    and h.day + c.from_evening::integer + c.starts <= w.wall
                    and w.wall + h.length <= h.day + c.from_evening::integer + c.ends))
        order by h.area_key, w.wall, h.serial, h.shift, h.is_own desc
    ), first as materialized (
        select g.area_key, g.for_service, g.on_day,
            range_agg(tsrange(g.wall, g.wall + g.length)) filter (where g.shift = 1) as night,
            range_agg(tsrange(g.wall, g.wall + g.length)) filter (where g.shift = 1 and g.is_own) as own_night,
            range_agg(tsrange(g.wall, g.wall + g.length)) filter (where g.shift = 0 and g.is_own) as own_day
        from grid as g where g.shift = 1 or g.is_own
        group by g.area_key, g.for_service, g.on_day
    )
    select g.area_key, g.day, g.shift = 1, g.wall, g.wall + g.length, g.service_id, g.capacity,
        case when n.wall is null then g.serial else (g.serial + 5000) % 10000 end::smallint, g.special_day_id,
        coalesce(case when g.shift = 0 then f.night end && tsrange(g.wall, g.wall + g.length), false)
            or coalesce(case when not g.is_own then case g.shift when 0 then f.own_day else f.own_night end end
                && tsrange(g.wall, g.wall + g.length), false)
    from grid as g
    left join first as f on f.area_key = g.area_key and f.for_service = g.for_service and f.on_day = g.on_day
    -- Two kinds that begin together, of a night and of a morning that were not said together, are told apart as well.
    left join grid as n on n.area_key = g.area_key and n.wall = g.wall and n.serial = g.serial and n.shift = 1 and g.shift = 0
$$;
comment on function data.hours_grid(text, date, date) is
    'What the hours of these days come to in local wall time, closures apart. day: to which it belongs, for is_night the one '
    'before. gives_way: would lie over another of the same area and service, so it is not offered';

-- A day that is closed is closed with its night, and without the night before; who is absent is so by the clock.
drop function if exists data.offered_slots(text, date, date);
create or replace function data.offered_slots(p_organization_id text, p_from date, p_to date)
returns table (area_key integer, wall_at timestamp, wall_end timestamp, service_id text, capacity smallint, serial smallint,
    is_night boolean)
language sql stable rows 20000 set jit = off as $$
    with blocked as materialized (
        select u.area_key, n.is_night, c.from_at + n.later as from_at, c.to_at + n.later as to_at
        from data.closure as c
        join data.area_up(p_organization_id) as u on u.up_key = c.area_key or c.area_key is null and u.depth = 0
        cross join lateral (values (false, interval '0'), (true,
            case when c.kind = 'absence' then interval '0' else interval '1 day' end)) as n (is_night, later)
        where c.organization_id = p_organization_id and c.state <> 'lifted' and c.from_at < p_to + 2
            and (c.to_at is null or c.to_at > p_from - 1)
    )
    select g.area_key, g.wall_at, g.wall_end, g.service_id, coalesce(g.capacity, a.capacity), g.serial, g.is_night
    from data.hours_grid(p_organization_id, p_from, p_to) as g
    join data.area as a on a.area_key = g.area_key
    where not g.gives_way and not exists (
        select from blocked as k
        where k.area_key = g.area_key and k.is_night = g.is_night and g.wall_end > k.from_at
            and (k.to_at is null or g.wall_at < k.to_at))
$$;
comment on function data.offered_slots(text, date, date) is
    'The slots an organization''s schedule offers on these days, in local wall time';
