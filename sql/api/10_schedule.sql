-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What the schedule of an organization offers (T2), put together from weekly hours, special days, the calendar,
-- closures and days off. All in local wall time: instants come last, in data.sync_slots(). Reads, changes nothing.
-- Precedence: closure or day off; special day of the area, of what it is part of, of the organization; calendar of
-- the region, of the country; weekly hours.

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
alter function data.calendar_days(text, date, date) owner to zapisd_owner;
revoke all on function data.calendar_days(text, date, date) from public;
comment on function data.calendar_days(text, date, date) is 'The days of the calendar an organization keeps; the nearest calendar wins';

create or replace function data.area_up(p_organization_id text)
returns table (area_key integer, up_key integer, depth integer)
language sql stable as $$
    with recursive up as (
        select a.area_key, a.area_key as up_key, 0 as depth from data.area as a where a.organization_id = p_organization_id
        union all
        select u.area_key, a.parent_key, u.depth + 1
        from up as u join data.area as a on a.area_key = u.up_key
        where a.parent_key is not null
    )
    select * from up
$$;
alter function data.area_up(text) owner to zapisd_owner;
revoke all on function data.area_up(text) from public;
comment on function data.area_up(text) is 'Each area with itself and everything it is part of (B9)';

create or replace function data.day_rules(p_organization_id text, p_from date, p_to date)
returns table (area_key integer, day date, weekday smallint, cut_min smallint, special_day_id integer, special_kind text,
    special_area integer, why text)
language sql stable as $$
    with special as (
        select distinct on (u.area_key, s.day) u.area_key, s.day, s.special_day_id, s.kind, s.as_weekday, s.area_key as special_area, s.comment
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
    where a.organization_id = p_organization_id
$$;
alter function data.day_rules(text, date, date) owner to zapisd_owner;
revoke all on function data.day_rules(text, date, date) from public;
comment on function data.day_rules(text, date, date) is 'For each area and day: the weekday whose hours hold (none: no reception), how much is cut off the end, the special day, and why';

-- Its plan is its own: folded into a caller's, the planner would take it for a handful of rows.
create or replace function data.offered_slots(p_organization_id text, p_from date, p_to date)
returns table (area_key integer, wall_at timestamp, wall_end timestamp, service_id text, capacity smallint, serial smallint)
language sql stable rows 20000 set jit = off as $$
    with rule as materialized (
        select * from data.day_rules(p_organization_id, p_from, p_to)
    ), blocked as materialized (
        select u.area_key, c.from_at, c.to_at
        from data.closure as c
        join data.area_up(p_organization_id) as u on u.up_key = c.area_key or c.area_key is null and u.depth = 0
        where c.organization_id = p_organization_id and c.state <> 'lifted' and c.from_at < p_to + 2 and (c.to_at is null or c.to_at > p_from)
    ), hours as (
        select r.area_key, r.day, r.day + t.starts as starts, r.day + t.ends as ends, make_interval(mins => t.slot_min) as length,
            t.service_id, t.capacity, t.serial, false as is_own, r.special_day_id, r.special_kind, r.special_area,
            r.day + max(t.ends) over (partition by r.area_key, r.day) - make_interval(mins => coalesce(r.cut_min, 0)::integer) as day_end
        from rule as r
        join data.timetable as t on t.area_key = r.area_key and t.weekday = r.weekday
            and (t.valid_from is null or t.valid_from <= r.day) and (t.valid_to is null or t.valid_to >= r.day)
        where not exists (select from data.day_off as f where f.organization_id = p_organization_id and f.day = r.day)
        union all
        select r.area_key, r.day, r.day + h.starts, r.day + h.ends, make_interval(mins => h.slot_min), h.service_id, h.capacity, h.serial, true,
            r.special_day_id, r.special_kind, r.special_area, r.day + h.ends
        from rule as r
        join data.special_hours as h on h.special_day_id = r.special_day_id and h.slot_min is not null
        where r.special_kind = 'hours' and r.special_area = r.area_key
            and not exists (select from data.day_off as f where f.organization_id = p_organization_id and f.day = r.day)
    ), grid as (
        select distinct on (h.area_key, w.wall, h.serial) h.*, w.wall
        from hours as h
        cross join lateral generate_series(h.starts, h.ends - h.length, h.length) as w (wall)
        where w.wall + h.length <= h.day_end
            and (h.is_own or h.special_kind is distinct from 'hours' or exists (
                select from data.special_hours as c
                where c.special_day_id = h.special_day_id and (c.slot_min is null or h.special_area is distinct from h.area_key)
                    and h.day + c.starts <= w.wall and w.wall + h.length <= h.day + c.ends))
        order by h.area_key, w.wall, h.serial, h.is_own desc
    )
    select g.area_key, g.wall, g.wall + g.length, g.service_id, coalesce(g.capacity, a.capacity), g.serial
    from grid as g
    join data.area as a on a.area_key = g.area_key
    where not exists (
        select from blocked as k
        where k.area_key = g.area_key and g.wall + g.length > k.from_at and (k.to_at is null or g.wall < k.to_at))
$$;
alter function data.offered_slots(text, date, date) owner to zapisd_owner;
revoke all on function data.offered_slots(text, date, date) from public;
comment on function data.offered_slots(text, date, date) is 'The slots an organization''s schedule offers on these days, in local wall time';

-- Slots no transaction is at, in slot_id order; the others are left for the next time.
create or replace function data.lock_slots(p_slot_ids uuid[]) returns uuid[]
language plpgsql as $$
begin
    return array(select x.slot_id from (
        select s.slot_id from data.slot as s where s.slot_id = any (p_slot_ids) order by s.slot_id for update skip locked) as x);
end $$;
alter function data.lock_slots(uuid[]) owner to zapisd_owner;
revoke all on function data.lock_slots(uuid[]) from public;
comment on function data.lock_slots(uuid[]) is 'Those of the slots that nobody is booking just now, locked';

-- A slot is told by area, wall time and serial, not by its instant: when the rules of a zone change under us, the slots that
-- are there keep standing for their wall times, nothing is made beside them and nothing is taken away (admin.zone_check).
-- Booked slots are left as they are. One that is booked in part closes, so that nobody books the rest of it.
create or replace function data.sync_slots(o data.organization, p_from date, p_to date, out made bigint, out changed bigint, out opened bigint,
    out withdrawn bigint)
language plpgsql as $$
declare
    clock timestamptz := clock_timestamp();
    d record;
    ids uuid[];
    free uuid[];
begin
    -- Two of us at once would only be in each other's way.
    perform pg_advisory_xact_lock(hashtextextended('slots of ' || o.organization_id, 0));
    with offered as materialized (
        select * from data.offered_slots(o.organization_id, p_from, p_to)
    ), have as (
        select s.* from data.slot as s
        where s.organization_id = o.organization_id and s.starts_at > clock
            and s.starts_at >= (p_from - 2)::timestamp at time zone 'UTC' and s.starts_at < (p_to + 3)::timestamp at time zone 'UTC'
            and s.wall_at >= p_from and s.wall_at < p_to + 1
    )
    select array_agg(h.slot_id) filter (where f.area_key is null and not h.is_closed) as gone,
        array_agg(h.slot_id) filter (where f.area_key is not null and (h.ends_at - h.starts_at, h.capacity, coalesce(h.service_id, ''))
            is distinct from (f.wall_end - f.wall_at, f.capacity, coalesce(f.service_id, ''))) as other,
        array_agg(h.slot_id) filter (where f.area_key is not null and h.is_closed and h.is_withdrawn) as back
    into d
    from have as h
    left join offered as f on f.area_key = h.area_key and f.wall_at = h.wall_at and f.serial = h.serial;

    withdrawn := 0;
    if d.gone is not null then
        ids := data.lock_slots(d.gone);
        free := array(select t from unnest(ids) as t where not exists (select from data.place as p where p.slot_id = t));
        -- Deleted when nothing ever referred to it; otherwise closed: its history must go on making sense.
        delete from data.slot as s
        where s.slot_id = any (free) and not exists (select from data.slot_known as k where k.slot_id = s.slot_id);
        get diagnostics withdrawn = row_count;
        update data.slot as s set is_closed = true, is_withdrawn = true
        where s.slot_id = any (ids) and (s.slot_id = any (free)
            or s.capacity > (select count(*) from data.place as p where p.slot_id = s.slot_id and (p.hold_until is null or p.hold_until > clock)));
        get diagnostics changed = row_count;
        withdrawn := withdrawn + changed;
    end if;

    changed := 0;
    if d.other is not null then
        ids := data.lock_slots(d.other);
        update data.slot as s set (ends_at, capacity, service_id) = (s.starts_at + (f.wall_end - f.wall_at), f.capacity, f.service_id)
        from data.offered_slots(o.organization_id, p_from, p_to) as f
        where s.slot_id = any (ids) and f.area_key = s.area_key and f.wall_at = s.wall_at and f.serial = s.serial
            and not exists (select from data.place as p where p.slot_id = s.slot_id);
        get diagnostics changed = row_count;
    end if;

    opened := 0;
    if d.back is not null then
        ids := data.lock_slots(d.back);
        update data.slot as s set is_closed = false, is_withdrawn = false
        where s.slot_id = any (ids) and s.is_closed and s.is_withdrawn;
        get diagnostics opened = row_count;
    end if;

    -- A wall time that does not exist that day (clocks put forward), or an interval that the change would stretch or
    -- shrink, is left out; of a wall time that comes twice the second is meant, as the server does.
    with have as materialized (
        select s.area_key, s.serial, s.wall_at from data.slot as s
        where s.organization_id = o.organization_id and s.wall_at >= p_from and s.wall_at < p_to + 1
            and s.starts_at >= (p_from - 2)::timestamp at time zone 'UTC' and s.starts_at < (p_to + 3)::timestamp at time zone 'UTC'
    ), missing as materialized (
        select f.* from data.offered_slots(o.organization_id, p_from, p_to) as f
        where not exists (select from have as h where h.area_key = f.area_key and h.wall_at = f.wall_at and h.serial = f.serial)
    )
    insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at, service_id, capacity, serial, wall_at)
    select data.slot_uuid(i.at, o.number, a.number, f.serial), o.organization_id, f.area_key, i.at, i.at + (f.wall_end - f.wall_at),
        f.service_id, f.capacity, f.serial, f.wall_at
    from missing as f
    join data.area as a on a.area_key = f.area_key
    cross join lateral (select f.wall_at at time zone o.time_zone as at) as i
    where i.at at time zone o.time_zone = f.wall_at
        and (i.at + (f.wall_end - f.wall_at)) at time zone o.time_zone = f.wall_end
    order by i.at, a.number
    on conflict do nothing;
    get diagnostics made = row_count;
end $$;
alter function data.sync_slots(data.organization, date, date) owner to zapisd_owner;
revoke all on function data.sync_slots(data.organization, date, date) from public;
comment on function data.sync_slots(data.organization, date, date) is
    'Makes the slots of these days what the schedule offers; booked ones, and those not made from it, are left alone (T2)';

create or replace function data.horizon_day(o data.organization) returns date
language sql stable
return (now() at time zone o.time_zone)::date + coalesce(o.horizon_days, o.booking_window_days + 1);
alter function data.horizon_day(data.organization) owner to zapisd_owner;
revoke all on function data.horizon_day(data.organization) from public;
comment on function data.horizon_day(data.organization) is 'Up to which day the daemon makes slots by itself';

create or replace function data.schedule_touch(p_organization_id text) returns void
language sql as $$
    insert into data.schedule_state as s (organization_id) values (p_organization_id)
    on conflict (organization_id) do update set due_from = null, not_before = null, due_since = coalesce(s.due_since, clock_timestamp())
$$;
alter function data.schedule_touch(text) owner to zapisd_owner;
revoke all on function data.schedule_touch(text) from public;
comment on function data.schedule_touch(text) is 'The slots of an organization are to be gone over again';

-- Days from the first that is due on: what lies farther ahead leaves those before it due.
create or replace function data.schedule_done(o data.organization, p_first date, p_last date) returns void
language sql as $$
    update data.schedule_state as s set due_from = p_last + 1, generated_at = clock_timestamp(), not_before = null, last_error = null,
        days = least(7, s.days + 1), due_since = case when p_last < data.horizon_day(o) then s.due_since end
    where s.organization_id = o.organization_id and p_first <= greatest(s.due_from, (now() at time zone o.time_zone)::date)
        and p_last >= coalesce(s.due_from, p_first)
$$;
alter function data.schedule_done(data.organization, date, date) owner to zapisd_owner;
revoke all on function data.schedule_done(data.organization, date, date) from public;
comment on function data.schedule_done(data.organization, date, date) is 'The slots of an organization have been gone over from a day to a day, both included';
