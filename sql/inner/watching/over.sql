-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What would lie over each other in one area (T2): hours, of which then not all are offered, and slots, of which there should be
-- none. By admin.check().

-- Rows of one day for one service set side by side by hand, with serials of their own, are meant.
create or replace function data.slots_over()
returns table (organization_id text, area_key integer, one_at timestamp, one_end timestamp, other_at timestamp)
language sql stable set enable_indexscan = off set enable_indexonlyscan = off set enable_bitmapscan = off as $$
    with open as materialized (
        select s.organization_id, s.area_key, s.service_id, s.serial, s.slot_id, s.wall_at,
            s.wall_at + (s.ends_at - s.starts_at) as wall_end
        from data.my_slot as s
        where s.starts_at > clock_timestamp() and not s.is_closed and s.wall_at is not null
    ), ordered as (
        select o.*, max(o.wall_end) over (partition by o.area_key, o.service_id order by o.wall_at, o.slot_id
            rows between unbounded preceding and 1 preceding) as reached
        from open as o
    )
    select distinct on (l.area_key, l.wall_at::date) l.organization_id, l.area_key, e.wall_at, e.wall_end, l.wall_at
    from ordered as l
    join open as e on e.area_key = l.area_key and e.service_id is not distinct from l.service_id
        and (e.wall_at, e.slot_id) < (l.wall_at, l.slot_id) and e.wall_end > l.wall_at
    where l.reached > l.wall_at and not exists (
        select from data.timetable as t
        join data.timetable as u on u.area_key = t.area_key and u.weekday = t.weekday and u.from_evening = t.from_evening
            and u.service_id is not distinct from t.service_id and u.serial = e.serial and u.serial <> t.serial
            and u.starts < t.ends and u.ends > t.starts
        where t.area_key = l.area_key and t.service_id is not distinct from l.service_id and t.serial = l.serial)
    order by l.area_key, l.wall_at::date, l.wall_at, e.wall_at
$$;
comment on function data.slots_over() is
    'The first of each area and day of slots on offer that lie over each other, of those that are made from hours';

create or replace function data.over_rows() returns table (problem text, what text)
language sql stable as $$
    select 'часы приёма накладываются, предлагаются не все',
        format('организация %s, %s; измените вечер или утро: admin.set_hours, admin.special_day', o.organization_id,
            data.clash_text(a.area_id, c.on_day, c.after_night, c.until, c.lost_from, c.lost_to, c.lost))
    from data.organization as o
    cross join lateral data.hours_clashes(o.organization_id, (now() at time zone o.time_zone)::date, data.horizon_day(o)) as c
    join data.area as a on a.area_key = c.area_key
    where o.is_active and data.may_see(o.organization_id) and data.may_clash(o.organization_id)
    union all
    select 'интервалы одного помещения накладываются',
        format('организация %s, помещение %s, %s: один с %s до %s, другой с %s; исправит select admin.generate(%L)',
            s.organization_id, a.area_id, data.day_words(s.one_at::date), to_char(s.one_at, 'HH24:MI'),
            to_char(s.one_end, 'HH24:MI'), to_char(s.other_at, 'HH24:MI'), s.organization_id)
    from data.slots_over() as s
    join data.area as a on a.area_key = s.area_key
    union all
    -- Opened by hand: whoever closed it wanted it so. A closure at work passes over what somebody is booking just now.
    select 'открыто для записи то, что закрыто', format('организация %s, помещение %s, интервалов: %s, первый %s; закроет select '
        'admin.generate(%L), снимет закрытие admin.reopen', a.organization_id, a.area_id, count(*),
        to_char(min(s.wall_at), 'DD.MM.YYYY HH24:MI'), a.organization_id)
    from data.my_slot as s
    join data.area as a on a.area_key = s.area_key
    where s.starts_at > clock_timestamp() and not s.is_closed and s.wall_at is not null
        and (a.removed_at is not null or exists (
            select from data.closure as c
            cross join lateral (select s.wall_at
                - make_interval(days => (s.is_night and c.kind <> 'absence')::integer) as at) as w
            where c.organization_id = a.organization_id and c.state = 'done'
                and (c.area_key is null or c.area_key = s.area_key)
                and w.at >= c.from_at and (c.to_at is null or w.at < c.to_at)))
    group by a.organization_id, a.area_id
$$;
comment on function data.over_rows() is
    'Hours and slots of one area that lie over each other, and slots on offer that are closed: for people';
