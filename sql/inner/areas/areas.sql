-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What an area is part of, and what is part of it (B9).

create or replace function data.area_inside(p_area_key integer) returns integer[]
language sql stable as $$
    with recursive tree as (
        select p_area_key as area_key
        union
        select c.area_key from data.area as c join tree as t on c.parent_key = t.area_key
    )
    select array_agg(area_key) from tree
$$;
comment on function data.area_inside(integer) is 'Keys of an area and of everything inside it (B9)';

create or replace function data.area_subtree(p_organization_id text, p_area_ids text[]) returns integer[]
language sql stable as $$
    with recursive tree as (
        select a.area_key from data.area as a where a.organization_id = p_organization_id and a.area_id = any (p_area_ids)
        union
        select c.area_key from data.area as c join tree as t on c.parent_key = t.area_key
    )
    select array_agg(area_key) from tree
$$;
comment on function data.area_subtree(text, text[]) is 'Keys of the areas and of everything inside them (B9)';

create or replace function data.areas_within(p_organization_ids text[], p_area_ids text[]) returns integer[]
language sql stable as $$
    with recursive tree as (
        select a.area_key from data.area as a
        where a.organization_id = any (p_organization_ids) and a.area_id in (select unnest(p_area_ids))
        union
        select c.area_key from data.area as c join tree as t on c.parent_key = t.area_key
    )
    select coalesce(array_agg(area_key), '{}') from tree
$$;
comment on function data.areas_within(text[], text[]) is
    'Keys of the areas of these names in any of the organizations, and of everything inside them (B9)';

create or replace function data.area_up(p_organization_id text)
returns table (area_key integer, up_key integer, depth integer)
language sql stable as $$
    with recursive up as (
        select a.area_key, a.area_key as up_key, 0 as depth from data.area as a where a.organization_id = p_organization_id
        union all
        select u.area_key, a.parent_key, u.depth + 1
        from up as u join data.area as a on a.area_key = u.up_key
        where a.parent_key is not null
    )
    select * from up
$$;
comment on function data.area_up(text) is 'Each area with itself and everything it is part of (B9)';

create or replace function data.area_path(p_area_key integer) returns text
language sql stable parallel safe as $$
    with recursive up as (
        select a.parent_key, btrim(a.name) as name, 1 as n from data.area as a where a.area_key = p_area_key
        union all
        select a.parent_key, btrim(a.name), u.n + 1
        from up as u join data.area as a on a.area_key = u.parent_key where u.n < 100
    )
    select string_agg(u.name, ', ' order by u.n desc) from up as u
$$;
comment on function data.area_path(integer) is
    'Where an area is, in the words a person can find it by: building, floor, room, window';

create or replace function data.only_service(p_area_key integer) returns text
language sql stable parallel safe as $$
    select case when count(*) = 1 then min(t.service_id) end from data.area_service as t where t.area_key = p_area_key
$$;
comment on function data.only_service(integer) is
    'The one service an area is for; null when there are several, or none: serviceId of its intervals that name none (item 18)';
