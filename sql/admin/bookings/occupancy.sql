-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Occupancy, a line a day, drawn so that a week is understood without reading it. A place counts when its slot is open;
-- a hold counts while it lives.

create or replace function admin.load(organization_id text default null, from_day date default null, to_day date default null)
returns table (day date, weekday text, places bigint, taken bigint, held bigint, free bigint, percent integer, bar text)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    o constant data.organization := data.known_organization(organization_id);
    zone constant text := o.time_zone;
    first_day constant date := coalesce(from_day, data.office_day(o.organization_id, o.time_zone));
    last_day constant date := coalesce(to_day, first_day + 13);
begin
    perform data.days_in_order(first_day, last_day);
    return query
        with per_slot as (
            select (s.starts_at at time zone zone)::date - s.is_night::integer as d,
                case when s.is_closed then 0 else s.capacity end as n, p.t, p.h
            from data.slot as s -- seen
            cross join lateral (select count(*) filter (where x.hold_until is null) as t,
                count(*) filter (where x.hold_until > clock_timestamp()) as h from data.place as x -- seen
                    where x.slot_id = s.slot_id) as p
            where s.organization_id = o.organization_id and s.starts_at >= first_day::timestamp at time zone zone
                and s.starts_at < (last_day + 1 + interval '12 hours') at time zone zone
        ), per_day as (
            select x.d, sum(greatest(x.n, x.t + x.h))::bigint as n, sum(x.t)::bigint as t, sum(x.h)::bigint as h
                from per_slot as x where x.d between first_day and last_day group by x.d
        )
        select g::date, (array['пн', 'вт', 'ср', 'чт', 'пт', 'сб', 'вс'])[extract(isodow from g)::integer],
            coalesce(p.n, 0), coalesce(p.t, 0), coalesce(p.h, 0), coalesce(p.n - p.t - p.h, 0),
            case when p.n > 0 then round(100.0 * (p.t + p.h) / p.n)::integer end, coalesce(nullif(data.bar(p.t, p.h, p.n), ''),
                case when p.d is null then 'приёма нет' else 'закрыто' end)
        from generate_series(first_day::timestamp, last_day::timestamp, interval '1 day') as g
        left join per_day as p on p.d = g::date
        order by g;
end $$;
grant execute on function admin.load(text, date, date) to zapisd_operator, zapisd_registrar, zapisd_auditor;
comment on function admin.load(text, date, date) is
    'load([организация [, с [, по]]]): занятость по дням, две недели вперёд; █ занято, ▒ удерживается, · свободно. '
        'Пример: select * from admin.load(''R7700018'')';

create or replace function admin.offices()
returns table (organization_id text, name text, local_time text, visits bigint, free bigint, today text, slots_until date,
    waiting bigint)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select o.organization_id, o.name || case when o.is_active then '' else ' (выключена)' end,
        (array['пн', 'вт', 'ср', 'чт', 'пт', 'сб', 'вс'])[extract(isodow from z.at)::integer] || to_char(z.at, ' DD.MM HH24:MI'),
        d.t, greatest(d.n - d.t - d.h, 0), coalesce(nullif(data.bar(d.t, d.h, d.n), ''), 'приёма нет'),
        (select max(s.starts_at) from data.slot as s where s.organization_id = o.organization_id and not s.is_closed -- seen
            and s.starts_at > now()
            - interval '1 day')::timestamptz at time zone o.time_zone,
        (select count(*) from data.booking as b where b.organization_id = o.organization_id -- seen
            and b.state in ('ACCEPTED', 'CANCELLING'))
    from data.my_organization as o
    cross join lateral (select now() at time zone o.time_zone as at, data.office_day(o.organization_id, o.time_zone) as day) as z
    cross join lateral (
        select coalesce(sum(greatest(case when s.is_closed then 0 else s.capacity end, p.t + p.h)), 0)::bigint as n,
            coalesce(sum(p.t), 0)::bigint as t, coalesce(sum(p.h), 0)::bigint as h
        from data.slot as s -- seen
        cross join lateral (select count(*) filter (where x.hold_until is null) as t,
            count(*) filter (where x.hold_until > clock_timestamp()) as h
            from data.place as x where x.slot_id = s.slot_id) as p -- seen
        where s.organization_id = o.organization_id and s.starts_at >= z.day::timestamp at time zone o.time_zone
            and s.starts_at < (z.day + 1 + interval '12 hours') at time zone o.time_zone
            and (s.starts_at at time zone o.time_zone)::date - s.is_night::integer = z.day) as d
    where o.is_active or d.t + d.h > 0
        or exists (select from data.my_place as p join data.my_slot as s using (slot_id)
            where s.organization_id = o.organization_id and s.starts_at > now()
                and (p.hold_until is null or p.hold_until > clock_timestamp()))
    order by o.organization_id
$$;
grant execute on function admin.offices() to zapisd_operator, zapisd_registrar, zapisd_auditor;
comment on function admin.offices() is
    'offices(): организации (выключенные — только если в них кого-то ждут) — который там час, сколько '
        'сегодня визитов и свободных мест, до какого дня есть интервалы, сколько ждёт решения. '
        'Пример: select * from admin.offices()';
