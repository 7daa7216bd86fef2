-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Who is booked at a time the schedule no longer offers (T2): a holiday, a special day, other hours. Bookings are not touched
-- by any of these, so somebody has to be told of them.

create or replace function data.off_schedule(o data.organization, p_from date, p_to date)
returns table (book_key text, area_key integer, wall_at timestamp)
language sql stable as $$
    with taken as materialized (
        select distinct p.book_key, s.area_key, s.serial, s.wall_at
        from data.slot as s
        join data.place as p on p.slot_id = s.slot_id
        where s.organization_id = o.organization_id and s.starts_at > clock_timestamp()
            and s.starts_at >= (p_from - 2)::timestamp at time zone 'UTC'
                and s.starts_at < (p_to + 3)::timestamp at time zone 'UTC'
            and s.wall_at::date - s.is_night::integer between p_from and p_to -- of a schedule: others are made by hand
            and (p.hold_until is null or p.hold_until > clock_timestamp())
    )
    select t.book_key, t.area_key, t.wall_at
    from taken as t
    where not exists (
        select from data.offered_slots(o.organization_id, p_from, p_to + 1) as f
        where f.area_key = t.area_key and f.wall_at = t.wall_at and f.serial = t.serial)
$$;
comment on function data.off_schedule(data.organization, date, date) is
    'Bookings to come on these days, their nights with them, at times that the schedule does not offer';

create or replace function data.day_keepers(p_calendar_id text, p_day date) returns setof data.organization
language sql stable as $$
    select o.* from data.organization as o
    where exists (select from data.calendar_days(o.organization_id, p_day, p_day) as c where c.calendar_id = p_calendar_id)
        and (data.may_clash(o.organization_id) or exists (select from data.slot as s
            where s.organization_id = o.organization_id and s.starts_at >= (p_day - 2)::timestamp at time zone 'UTC'
                and s.starts_at < (p_day + 3)::timestamp at time zone 'UTC'))
    order by o.organization_id
$$;
comment on function data.day_keepers(text, date) is
    'Organizations that keep this day of a calendar, or of one theirs is based on, and have slots about it, or nights';

create or replace function data.say_off_schedule(o data.organization, p_from date, p_to date) returns void
language plpgsql as $$
declare
    n constant bigint := (select count(distinct f.book_key) from data.off_schedule(o, p_from, p_to) as f);
begin
    if n > 0 then
        raise notice 'Организация %: записей на время, когда приёма больше нет: %. Они остаются. Кто это: select * from '
            'admin.off_schedule(%, %, %); по одному: admin.move, admin.cancel; весь день '
            'организации: admin.close_day',
            o.organization_id, n, quote_literal(o.organization_id), quote_literal(data.day_text(p_from)),
            quote_literal(data.day_text(p_to));
    end if;
end $$;
comment on function data.say_off_schedule(data.organization, date, date) is
    'Tells the operator of bookings that stay where the schedule offers nothing';

-- Slots are closed before anybody is counted, so that none comes in between. Days without slots cost nothing.
create or replace function data.schedule_said(o data.organization, p_from date, p_to date) returns void
language plpgsql as $$
declare
    last_day constant date := p_to;
    d record;
begin
    -- The night of the last evening is on the day after it.
    if exists (select from data.timetable as t where t.organization_id = o.organization_id and t.from_evening)
        or exists (select from data.special_hours as h where h.organization_id = o.organization_id and h.from_evening) then
        p_to := p_to + 1;
    end if;
    perform data.say_clashes(o, p_from, p_to);
    if not exists (select from data.slot as s
        where s.organization_id = o.organization_id and s.starts_at >= (p_from - 2)::timestamp at time zone 'UTC'
            and s.starts_at < (p_to + 3)::timestamp at time zone 'UTC' and s.wall_at >= p_from and s.wall_at < p_to + 1) then
        return;
    end if;
    perform pg_advisory_xact_lock(hashtextextended('slots of ' || o.organization_id, 0));
    d := data.slots_astray(o, p_from, p_to);
    perform data.withdraw_slots(d.gone);
    perform data.fit_slots(d.other, d.lengths, d.capacities, d.services, d.nights);
    perform data.say_off_schedule(o, p_from, last_day);
end $$;
comment on function data.schedule_said(data.organization, date, date) is
    'After a word of the operator on the schedule of these days: what it does not offer any more is closed at once, and who '
    'stays booked there is told; new slots are for data.sync_slots()';
