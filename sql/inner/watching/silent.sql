-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What is allowed and makes something never happen, nobody being told (L4): by `zapisd check` and admin.check(). Which agencies
-- the configuration has the database does not know: of those tells `zapisd check` alone (api.agency_concerns).

-- A visit is booked no earlier than the window before it: what ends as long before it ends before it begins.
create or replace function data.silent_deadlines()
    returns table (organization_id text, service_id text, setting text, deadline_min integer, window_days integer)
language sql stable as $$
    with d as (
        select o.organization_id, null::text as service_id, o.cancel_deadline_min as cancel, o.move_deadline_min as move,
            o.booking_window_days as days
        from data.my_organization as o where o.is_active
        union all
        select o.organization_id, s.service_id, coalesce(s.cancel_deadline_min, case when s.booking_window_days is not null then
            o.cancel_deadline_min end),
            coalesce(s.move_deadline_min, case when s.booking_window_days is not null then o.move_deadline_min end),
            coalesce(s.booking_window_days, o.booking_window_days)
        from data.organization_service as s join data.my_organization as o using (organization_id) where o.is_active
    )
    select d.organization_id, d.service_id, v.setting, v.deadline_min, d.days
    from d cross join lateral (values ('cancel_deadline_min', d.cancel),
        ('move_deadline_min', d.move)) as v (setting, deadline_min)
    where v.deadline_min >= d.days * 1440
$$;
comment on function data.silent_deadlines() is
    'Deadlines that are over before any visit can be booked; service_id empty: of the organization';

create or replace function data.silent_settings() returns table (problem text, title text, what text)
language sql stable as $$
    select format('organization %s: horizon_days is 0, no slots are made by themselves', o.organization_id),
        'интервалы сами не создаются', format('организация %s: horizon_days = 0; создаёт только select admin.generate(%L, дата), '
            'а чтобы создавались сами: update data.organization set horizon_days = null where organization_id = %L',
            o.organization_id, o.organization_id, o.organization_id)
    from data.my_organization as o
    where o.is_active and o.horizon_days = 0
        and exists (select from data.timetable as t join data.area as a using (area_key)
            where a.organization_id = o.organization_id)
    union all
    select format('organization %s%s: %s is %s, as long as a visit can be booked ahead (%s days): nobody can ever do it',
        d.organization_id, ', service ' || d.service_id, d.setting, d.deadline_min, d.window_days),
        case d.setting when 'move_deadline_min' then 'перенести запись нельзя никогда' else 'отменить запись нельзя никогда' end,
        format('организация %s%s: %s = %s мин., а окно записи — %s дн.; уменьшите %s', d.organization_id, ', услуга '
            || d.service_id, d.setting, d.deadline_min, d.window_days, d.setting)
    from data.silent_deadlines() as d
    union all
    select format('organization %s, area %s, weekday %s from %s: slots of %s minutes do not fit into the hours, none is made',
        a.organization_id, a.area_id, t.weekday, to_char(t.starts, 'HH24:MI'), t.slot_min),
        'часы приёма короче интервала',
        format('организация %s, помещение %s, день недели %s, с %s до %s: интервал %s мин. не помещается, ни один не создаётся; '
            'исправьте: admin.set_hours', a.organization_id, a.area_id, t.weekday, to_char(t.starts, 'HH24:MI'),
                to_char(t.ends, 'HH24:MI'), t.slot_min)
    from data.timetable as t join data.area as a using (area_key)
        join data.my_organization as o on o.organization_id = a.organization_id
    where o.is_active and t.ends - t.starts < make_interval(mins => t.slot_min)
        and coalesce(t.valid_to, 'infinity') >= current_date
    union all
    select format('organization %s, %s from %s: slots of %s minutes do not fit into the hours, none is made', d.organization_id,
        d.day, to_char(h.starts, 'HH24:MI'), h.slot_min),
        'часы особого дня короче интервала',
        format('организация %s, %s, с %s до %s: интервал %s мин. не помещается, ни один не создаётся; исправьте: '
            'admin.special_day', d.organization_id, to_char(d.day, 'DD.MM.YYYY'), to_char(h.starts, 'HH24:MI'),
                to_char(h.ends, 'HH24:MI'), h.slot_min)
    from data.special_hours as h join data.special_day as d using (special_day_id)
        join data.my_organization as o on o.organization_id = d.organization_id
    where o.is_active and h.ends - h.starts < make_interval(mins => h.slot_min) and d.day >= current_date
    union all
    select format('organization %s%s: the share of the portal is 0 percent, nothing is offered to it', c.organization_id,
        ', area ' || a.area_id), 'порталу не предлагается ничего',
        format('организация %s%s: доля канала portal — 0 процентов; чтобы предлагалось: update data.channel_share set percent = '
            '100 where share_id = %s', c.organization_id, ', помещение ' || a.area_id, c.share_id)
    from data.channel_share as c join data.my_organization as o using (organization_id)
        left join data.area as a on a.area_key = c.area_key
    where o.is_active and c.channel = 'portal' and c.percent = 0 -- of another channel it is a wish
$$;
comment on function data.silent_settings() is
    'Settings by which something never happens: problem is for check, title and what are for people';
