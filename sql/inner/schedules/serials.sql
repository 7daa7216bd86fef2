-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Hours of several services in one area at the same time are told apart by a serial; slots are told by it too, so that hours
-- which are only said anew must keep the one they had.

create or replace function data.hours_serials(p_area_key integer, p_service_id text) returns smallint[]
language sql stable as $$
    select array_agg(distinct t.serial) from data.timetable as t
    where t.area_key = p_area_key and t.service_id is not distinct from p_service_id
$$;
comment on function data.hours_serials(integer, text) is 'Serials that hours of a service have in an area; null: there are none';

create or replace function data.hours_serial(p_area_key integer, p_weekday smallint, p_starts time, p_ends time, p_from date,
    p_to date, p_had smallint[])
returns smallint language sql stable as $$
    select n::smallint
    from generate_series(0, (select count(*) from data.timetable as t where t.area_key = p_area_key)::integer
        + (select max(h) from unnest(p_had || 0::smallint) as h)) as n
    where not exists (
        select from data.timetable as t
        where t.area_key = p_area_key and t.weekday = p_weekday and t.serial = n and t.starts < p_ends and t.ends > p_starts
            and daterange(t.valid_from, t.valid_to, '[]') && daterange(p_from, p_to, '[]'))
    order by n <> all (coalesce(p_had, '{}')), n
    limit 1
$$;
comment on function data.hours_serial(integer, smallint, time, time, date, date, smallint[]) is
    'Serial for hours of an area in force from a day to a day (null: without end): one of those its service had, else the lowest '
    'that no other hours of that time have';
