-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Hours of one area that would lie over each other (data.hours_grid): nobody is offered both, so the operator is told which.

create or replace function data.hours_clashes(p_organization_id text, p_from date, p_to date)
returns table (area_key integer, on_day date, after_night boolean, until timestamp, lost_from timestamp, lost_to timestamp,
    lost bigint, special_days integer[])
language sql stable set jit = off as $$
    with grid as materialized (
        select * from data.hours_grid(p_organization_id, p_from, p_to)
    )
    select g.area_key, g.wall_at::date, bool_or(k.is_night and not g.is_night), max(k.wall_end), min(g.wall_at), max(g.wall_end),
        count(distinct (g.wall_at, g.serial)), array_agg(distinct k.special_day_id) || array_agg(distinct g.special_day_id)
    from grid as g
    join grid as k on k.area_key = g.area_key and k.service_id is not distinct from g.service_id and not k.gives_way
        and k.wall_at < g.wall_end and k.wall_end > g.wall_at
    where g.gives_way
    group by g.area_key, g.wall_at::date
$$;
comment on function data.hours_clashes(text, date, date) is
    'Areas and days on which hours give way to others of the area that go on till then: from when to when, how many slots are '
    'not offered, and which special days have a part in it';

create or replace function data.clash_text(p_area_id text, p_on_day date, p_after_night boolean, p_until timestamp,
    p_from timestamp, p_to timestamp, p_lost bigint)
returns text language sql stable as $$
    select format('помещение %s, %s: %s до %s, поэтому из часов %s-%s не предлагается интервалов: %s', p_area_id,
        data.day_words(p_on_day), case when p_after_night then 'ночной приём, начатый накануне, идёт'
            else 'свои часы особого дня идут' end, to_char(p_until, 'HH24:MI'), to_char(p_from, 'HH24:MI'),
        case when p_to::time = '00:00' then '24:00' else to_char(p_to, 'HH24:MI') end, p_lost)
$$;
comment on function data.clash_text(text, date, boolean, timestamp, timestamp, timestamp, bigint) is
    'A row of data.hours_clashes for people';

-- Organizations that have no night are most, and cost nothing.
create or replace function data.may_clash(p_organization_id text) returns boolean
language sql stable as $$
    select exists (select from data.timetable as t where t.organization_id = p_organization_id and t.from_evening)
        or exists (select from data.special_hours as h where h.organization_id = p_organization_id
            and (h.from_evening or h.slot_min is not null))
$$;
comment on function data.may_clash(text) is 'Whether an organization has hours that could lie over others of it';

create or replace function data.say_clashes(o data.organization, p_from date, p_to date) returns void
language plpgsql as $$
declare
    most constant integer := 3;
    said text[];
begin
    if not data.may_clash(o.organization_id) then
        return;
    end if;
    said := array(
        select data.clash_text(a.area_id, c.on_day, c.after_night, c.until, c.lost_from, c.lost_to, c.lost)
        from data.hours_clashes(o.organization_id, p_from, p_to) as c
        join data.area as a on a.area_key = c.area_key
        order by c.on_day, a.area_id);
    if cardinality(said) > 0 then
        raise notice 'Организация %: часы накладываются: %', o.organization_id, array_to_string(said[:most], '; ')
            || case when cardinality(said) > most then format('; и ещё дней: %s', cardinality(said) - most) else '' end;
    end if;
end $$;
comment on function data.say_clashes(data.organization, date, date) is
    'Tells the operator which hours of these days are not offered as they would lie over others';

-- A special day is said for one organization by whoever can say it otherwise; a calendar's day is said for many.
create or replace function data.refuse_clash(o data.organization, p_day date, p_special_day_id integer) returns void
language plpgsql as $$
declare
    c record;
begin
    select a.area_id, t.* into c
    from data.hours_clashes(o.organization_id, p_day, p_day + 1) as t
    join data.area as a on a.area_key = t.area_key
    where p_special_day_id = any (t.special_days)
    order by t.on_day, a.area_id limit 1;
    if found then
        raise exception 'Часы накладываются: %',
            data.clash_text(c.area_id, c.on_day, c.after_night, c.until, c.lost_from, c.lost_to, c.lost)
            using errcode = 'invalid_parameter_value', hint = case when c.after_night then format(
                'Закончите вечер раньше: admin.special_day(%L, %L, …), или начните утро позже: admin.special_day(%L, %L, …)',
                o.organization_id, data.day_text(c.on_day - 1), o.organization_id, data.day_text(c.on_day))
                else 'Часы с минутами на приём и без них не должны пересекаться' end;
    end if;
end $$;
comment on function data.refuse_clash(data.organization, date, integer) is
    'Refuses a special day whose hours would lie over those of the night before or of the next morning';
