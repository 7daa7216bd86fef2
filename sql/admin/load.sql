-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Occupancy, a line a day, drawn so that a week is understood without reading it. A place counts when its slot is open;
-- a hold counts while it lives. Twenty cells are the whole day: full ones taken, hatched ones held, dotted ones free.

-- Who has come is always seen, and a day looks full only when it is.
create or replace function data.cells(part bigint, whole bigint, width integer) returns integer
language sql immutable parallel safe
return case when part <= 0 then 0 when part >= whole then width
    else greatest(1, least(width - 1, round(width * part::numeric / whole)::integer)) end;
alter function data.cells(bigint, bigint, integer) owner to zapisd_owner;
revoke all on function data.cells(bigint, bigint, integer) from public;
comment on function data.cells(bigint, bigint, integer) is 'How many cells of a bar a part takes (O3)';

create or replace function data.bar(taken bigint, held bigint, places bigint, width integer default 20) returns text
language sql immutable parallel safe
return case when coalesce(places, 0) > 0 then repeat('█', data.cells(taken, places, width))
    || repeat('▒', data.cells(taken + held, places, width) - data.cells(taken, places, width))
    || repeat('·', width - data.cells(taken + held, places, width)) else '' end;
alter function data.bar(bigint, bigint, bigint, integer) owner to zapisd_owner;
revoke all on function data.bar(bigint, bigint, bigint, integer) from public;
comment on function data.bar(bigint, bigint, bigint, integer) is 'Occupancy as a bar of so many cells (O3)';

create or replace function admin.load(organization_id text, from_day date default null, to_day date default null)
returns table (day date, weekday text, places bigint, taken bigint, held bigint, free bigint, percent integer, bar text)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    zone text := (select o.time_zone from data.organization as o where o.organization_id = load.organization_id);
    first_day date := coalesce(from_day, (now() at time zone zone)::date);
    last_day date := coalesce(to_day, coalesce(from_day, (now() at time zone zone)::date) + 13);
begin
    if zone is null then
        raise exception 'Организации % нет', organization_id using errcode = 'no_data_found';
    end if;
    if last_day < first_day or last_day - first_day > 400 then
        raise exception 'Дни с % по %: нужно по порядку и не больше 400', first_day, last_day using errcode = 'invalid_parameter_value';
    end if;
    return query
        with per_slot as (
            select (s.starts_at at time zone zone)::date as d, case when s.is_closed then 0 else s.capacity end as n,
                (select count(*) filter (where p.hold_until is null) from data.place as p where p.slot_id = s.slot_id) as t,
                (select count(*) filter (where p.hold_until > clock_timestamp()) from data.place as p where p.slot_id = s.slot_id) as h
            from data.slot as s
            where s.organization_id = load.organization_id and s.starts_at >= first_day::timestamp at time zone zone
                and s.starts_at < (last_day + 1)::timestamp at time zone zone
        ), per_day as (
            select x.d, sum(greatest(x.n, x.t + x.h))::bigint as n, sum(x.t)::bigint as t, sum(x.h)::bigint as h from per_slot as x group by x.d
        )
        select g::date, (array['пн', 'вт', 'ср', 'чт', 'пт', 'сб', 'вс'])[extract(isodow from g)::integer],
            coalesce(p.n, 0), coalesce(p.t, 0), coalesce(p.h, 0), coalesce(p.n - p.t - p.h, 0),
            case when p.n > 0 then round(100.0 * (p.t + p.h) / p.n)::integer end, coalesce(nullif(data.bar(p.t, p.h, p.n), ''), case when p.d is null then 'приёма нет' else 'закрыто' end)
        from generate_series(first_day::timestamp, last_day::timestamp, interval '1 day') as g
        left join per_day as p on p.d = g::date
        order by g;
end $$;
alter function admin.load(text, date, date) owner to zapisd_owner;
revoke all on function admin.load(text, date, date) from public;
grant execute on function admin.load(text, date, date) to zapisd_operator, zapisd_registrar, zapisd_auditor;
comment on function admin.load(text, date, date) is
    'load(организация [, с [, по]]): занятость по дням, две недели вперёд; █ занято, ▒ удерживается, · свободно. Пример: select * from admin.load(''R7700018'')';
