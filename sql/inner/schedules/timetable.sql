-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- The weekly hours as they hold on a day, for those who show them (R4): rows in force, without areas and offices that are closed
-- until further notice. Holidays, special days and closures with an end are no part of a week.

create or replace function data.timetable_in_force(p_organization_id text, p_day date) returns setof data.timetable
language sql stable as $$
    select t.*
    from data.timetable as t
    where t.organization_id = p_organization_id
        and (t.valid_from is null or t.valid_from <= p_day) and (t.valid_to is null or t.valid_to >= p_day)
        and not exists (
            select from data.closure as c
            where c.organization_id = p_organization_id and c.state <> 'lifted' and c.to_at is null and c.from_at < p_day + 1
                and (c.area_key is null or c.area_key in (
                    with recursive up as (
                        select a.area_key, a.parent_key from data.area as a where a.area_key = t.area_key
                        union
                        select a.area_key, a.parent_key from data.area as a join up on a.area_key = up.parent_key
                    )
                    select up.area_key from up)))
$$;
comment on function data.timetable_in_force(text, date) is 'Weekly hours of an organization as they hold on a day (R4)';

create or replace function data.timetable_turns(p_organization_id text) returns setof date
language sql stable as $$
    select d.day
    from data.timetable as t
    cross join lateral (values (t.valid_from), (t.valid_to + 1)) as d (day)
    where t.organization_id = p_organization_id and d.day is not null
    union
    select c.from_at::date from data.closure as c
    where c.organization_id = p_organization_id and c.state <> 'lifted' and c.to_at is null
$$;
comment on function data.timetable_turns(text) is 'Days on which the weekly hours of an organization become others by themselves';
