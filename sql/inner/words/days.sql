-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Days of the week and hours of a day as a clerk writes them (T2, O3).

create or replace function data.weekdays(p_days text) returns smallint[]
language plpgsql immutable as $$
declare
    names constant text[] := array['пн', 'вт', 'ср', 'чт', 'пт', 'сб', 'вс', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun', '1',
        '2', '3', '4', '5', '6', '7'];
    part text;
    first_day integer;
    last_day integer;
    days smallint[] := '{}';
begin
    foreach part in array regexp_split_to_array(lower(btrim(coalesce(p_days, ''))), E'\\s*,\\s*') loop
        first_day := (array_position(names, btrim(split_part(translate(part, '–—', '--'), '-', 1))) - 1) % 7 + 1;
        last_day := (array_position(names,
            btrim(coalesce(nullif(split_part(translate(part, '–—', '--'), '-', 2), ''), split_part(part, '-', 1)))) - 1) % 7 + 1;
        if first_day is null or last_day is null or last_day < first_day or translate(part, '–—', '--') like '%-%-%' then
            raise exception 'Дни недели: %', coalesce(p_days, 'null') using errcode = 'invalid_parameter_value',
                hint = 'Так: пн-пт или пн, ср, пт или сб; можно mon-fri или 1-5';
        end if;
        days := days || array(select d::smallint from generate_series(first_day, last_day) as d);
    end loop;
    return array(select distinct d from unnest(days) as d order by d);
end $$;
comment on function data.weekdays(text) is 'Numbers of the days of the week in a text such as "пн-пт, вс", "mon-fri" or "1-5, 7"';

create or replace function data.weekday_number(p_day text) returns smallint
language plpgsql immutable as $$
declare
    n smallint := array_position(array['пн', 'вт', 'ср', 'чт', 'пт', 'сб', 'вс'], lower(btrim(p_day)));
begin
    if n is null then
        raise exception 'День недели: %', coalesce(p_day, 'null') using errcode = 'invalid_parameter_value',
            hint = 'пн, вт, ср, чт, пт, сб или вс';
    end if;
    return n;
end $$;
comment on function data.weekday_number(text) is 'Number of a day of the week: пн is 1';

-- "22:00-2:00" ends on the next day, and so does what comes behind it. Longer than half a day past midnight is a slip.
drop function if exists data.parse_hours(text);
create or replace function data.parse_hours(p_hours text) returns table (starts time, ends time, from_evening boolean)
language plpgsql immutable as $$
declare
    part text;
    begins time;
    until time;
    last_end time := '00:00';
begin
    from_evening := false;
    foreach part in array regexp_split_to_array(translate(btrim(coalesce(p_hours, '')), '–—', '--'), E'\\s*,\\s*') loop
        if part !~ E'^[0-9]{1,2}:[0-9]{2}\\s*-\\s*[0-9]{1,2}:[0-9]{2}$' then
            raise exception 'Часы приёма: %', coalesce(p_hours, 'null') using errcode = 'invalid_parameter_value',
                hint = 'Так: 9:00-13:00, 14:00-18:00; перерыв — это промежуток; за полночь: 22:00-2:00; нет — убрать';
        end if;
        if part !~ E'^([01]?[0-9]|2[0-3]):[0-5][0-9]\\s*-\\s*(([01]?[0-9]|2[0-3]):[0-5][0-9]|24:00)$' then
            raise exception 'Такого времени нет: %', part using errcode = 'datetime_field_overflow', hint = 'От 0:00 до 24:00';
        end if;
        begins := btrim(split_part(part, '-', 1))::time;
        until := btrim(split_part(part, '-', 2))::time;
        if begins < last_end or until <= begins and (from_evening or until - begins > interval '-12 hours') then
            raise exception 'Часы приёма идут не по порядку или пересекаются: %', p_hours
                using errcode = 'invalid_parameter_value',
                    hint = 'Одни после других: 9:00-13:00, 14:00-18:00; за полночь не дольше 12 часов подряд: 22:00-2:00';
        end if;
        starts := begins;
        ends := case when until <= begins then '24:00' else until end;
        return next;
        if until <= begins then
            from_evening := true;
            starts := '00:00';
            ends := until;
            if until > '00:00' then
                return next;
            end if;
        end if;
        last_end := until;
    end loop;
end $$;
comment on function data.parse_hours(text) is
    'Intervals of a text such as "9:00-13:00, 14:00-18:00" or "22:00-2:00", in order; from_evening: those on the next day';

create or replace function data.day_text(p_day date) returns text
language sql stable
return case when isfinite(p_day) then to_char(p_day, 'YYYY-MM-DD') else p_day::text end;
comment on function data.day_text(date) is 'A day as it may be typed again, whatever the session''s DateStyle; null for null';

create or replace function data.moment_text(p_moment timestamp) returns text
language sql stable
return case when isfinite(p_moment) then to_char(p_moment, 'YYYY-MM-DD HH24:MI:SS') else p_moment::text end;
comment on function data.moment_text(timestamp) is
    'A local time as it may be typed again, whatever the session''s DateStyle; null for null';

create or replace function data.day_words(p_day date) returns text
language sql stable
return case when isfinite(p_day) then (array['пн', 'вт', 'ср', 'чт', 'пт', 'сб', 'вс'])[extract(isodow from p_day)::integer]
    || to_char(p_day, ' DD.MM.YYYY') else p_day::text end;
comment on function data.day_words(date) is 'A day with its weekday, for people; null for null';

create or replace function data.moment_words(p_moment timestamp, p_is_end boolean) returns text
language sql stable
return case when p_is_end and p_moment::time = '00:00' then data.day_words(p_moment::date - 1) || ' 24:00'
    else data.day_words(p_moment::date) || to_char(p_moment, ' HH24:MI') end;
comment on function data.moment_words(timestamp, boolean) is
    'A local time with its weekday, for people; an end at midnight is told of the day it ends; null for null';

-- What was typed may have been taken for another day: the day is said back with its weekday.
create or replace function data.say_days(p_what text, p_from date, p_to date, p_today date) returns void
language plpgsql as $$
begin
    raise notice '%: %', p_what, case when p_from = p_to then data.day_words(p_from)
        else concat_ws(' ', 'с ' || data.day_words(p_from), coalesce('по ' || data.day_words(p_to), 'без конца')) end
        || case when p_to < p_today then '. Это уже прошло' else '' end;
end $$;
comment on function data.say_days(text, date, date, date) is
    'Tells the operator which days a command was understood to be about (no last one: without end), and that they are over';
