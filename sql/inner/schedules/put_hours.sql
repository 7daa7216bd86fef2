-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Weekly hours of an area as a clerk says them, for good or for a time (T2, O3). Hours past midnight are rows of the next day
-- that belong to the evening: who says the evening anew says them anew.

-- What was in force at that time ends before it and begins again after it. Hours for good are the last word on their weekdays:
-- what was said for a time goes too, and is told; beside them it would be a second grid of slots.
create or replace function data.drop_hours(p_area_key integer, p_weekdays smallint[], p_from_evening boolean, p_service_id text,
    p_from date, p_to date)
returns void language plpgsql as $$
declare
    t data.timetable;
begin
    if p_from is null and p_to is null then
        delete from data.timetable as x
        where x.area_key = p_area_key and x.weekday = any (p_weekdays) and x.from_evening = p_from_evening
            and x.service_id is not distinct from p_service_id;
        return;
    end if;
    for t in
        delete from data.timetable as x
        where x.area_key = p_area_key and x.weekday = any (p_weekdays) and x.from_evening = p_from_evening
            and x.service_id is not distinct from p_service_id
            and daterange(x.valid_from, x.valid_to, '[]') && daterange(p_from, p_to, '[]')
        returning x.*
    loop
        insert into data.timetable (area_key, organization_id, weekday, starts, ends, slot_min, service_id, capacity, serial,
            from_evening, valid_from, valid_to)
        select t.area_key, t.organization_id, t.weekday, t.starts, t.ends, t.slot_min, t.service_id, t.capacity, t.serial,
            t.from_evening, v.valid_from, v.valid_to
        from (values (t.valid_from, p_from - 1, p_from > coalesce(t.valid_from, '-infinity')),
            (p_to + 1, t.valid_to, p_to < coalesce(t.valid_to, 'infinity'))) as v (valid_from, valid_to, is_left)
        where v.is_left;
    end loop;
end $$;
comment on function data.drop_hours(integer, smallint[], boolean, text, date, date) is
    'Takes weekly hours of an area away, for good or from a day to a day';

create or replace function data.say_terms(p_area_key integer, p_weekdays smallint[], p_service_id text, p_today date)
returns void language plpgsql as $$
declare
    terms text;
begin
    select string_agg(concat_ws(' ', 'с ' || data.day_text(t.valid_from), 'по ' || data.day_text(t.valid_to)), ', '
        order by t.valid_from nulls first, t.valid_to)
    into terms
    from (
        select distinct x.valid_from, x.valid_to
        from data.timetable as x
        where x.area_key = p_area_key and x.weekday = any (p_weekdays) and not x.from_evening
            and x.service_id is not distinct from p_service_id and coalesce(x.valid_to >= p_today, true)
            and num_nonnulls(x.valid_from, x.valid_to) > 0) as t;
    if terms is not null then
        raise notice 'На эти дни были часы на срок: %. Теперь действуют новые, без срока; если на срок нужны другие, задайте '
            'их снова: admin.set_hours_for', terms;
    end if;
end $$;
comment on function data.say_terms(integer, smallint[], text, date) is
    'Tells for which times an area has hours of their own on these weekdays, before hours for good take their place';

create or replace function data.put_hours(p_organization_id text, p_area_key integer, p_days text, p_hours text,
    p_slot_min integer, p_service_id text, p_capacity integer, p_from date, p_to date)
returns integer language plpgsql as $$
declare
    wanted constant smallint[] := data.weekdays(p_days);
    had constant smallint[] := data.hours_serials(p_area_key, p_service_id);
    made integer;
    lost integer;
begin
    if p_from is null and p_to is null then
        perform data.say_terms(p_area_key, wanted, p_service_id, (select (now() at time zone o.time_zone)::date
            from data.organization as o where o.organization_id = p_organization_id));
    end if;
    perform data.drop_hours(p_area_key, wanted, false, p_service_id, p_from, p_to);
    perform data.drop_hours(p_area_key, array(select (d % 7 + 1)::smallint from unnest(wanted) as d), true, p_service_id,
        p_from + 1, p_to + 1);
    if lower(btrim(coalesce(p_hours, ''))) in ('', 'нет') then
        return 0;
    end if;
    insert into data.timetable (area_key, organization_id, weekday, starts, ends, slot_min, service_id, capacity, serial,
        from_evening, valid_from, valid_to)
    -- what is beyond a column's numbers is beyond its bounds, too, and those have words
    select p_area_key, p_organization_id, v.weekday, p.starts, p.ends,
        case when p_slot_min not between 0 and 32767 then -1 else p_slot_min end, p_service_id,
        case when p_capacity not between 0 and 32767 then -1 else p_capacity end,
        data.hours_serial(p_area_key, v.weekday, p.starts, p.ends, v.valid_from, v.valid_to, had), p.from_evening, v.valid_from,
        v.valid_to
    from data.parse_hours(p_hours) as p
    cross join unnest(wanted) as d
    cross join lateral (
        select case when p.from_evening then d % 7 + 1 else d end::smallint as weekday,
            p_from + p.from_evening::integer as valid_from, p_to + p.from_evening::integer as valid_to) as v;
    get diagnostics made = row_count;
    -- Other serials are for other services; the night of one day is in the way of the next day's morning all the same.
    if exists (
        select from data.timetable as n
        join data.timetable as t on t.area_key = n.area_key and t.weekday = n.weekday and not t.from_evening
            and t.service_id is not distinct from n.service_id and t.starts < n.ends and t.ends > n.starts
            and daterange(t.valid_from, t.valid_to, '[]') && daterange(n.valid_from, n.valid_to, '[]')
        where n.area_key = p_area_key and n.from_evening and n.service_id is not distinct from p_service_id) then
        raise exception 'hours past midnight overlap those of the next day' using errcode = 'exclusion_violation',
            schema = 'data', table = 'timetable', constraint = 'timetable_row_once';
    end if;
    select extract(epoch from p.ends - p.starts)::integer / 60 % p_slot_min into lost
    from data.parse_hours(p_hours) as p
    where p.ends = '24:00' and exists (select from data.parse_hours(p_hours) as n where n.from_evening and n.starts = '00:00');
    perform data.say_lost(p_hours, p_slot_min);
    perform data.say_closed(p_area_key);
    if lost > 0 then
        raise notice 'Приём за полночь не длится: минут без приёма перед полуночью: %. Подберите начало или минуты на '
            'приём, чтобы до полуночи выходило ровно', lost;
    end if;
    return made;
end $$;
comment on function data.put_hours(text, integer, text, text, integer, text, integer, date, date) is
    'Weekly hours of an area instead of those it had on these weekdays, for good or from a day to a day (null: without end); how '
    'many rows they are';
