-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What changed since a version (A13, A14), found by the marks: it costs what changed, not what exists. A flat list: items
-- as they are now, and tombstones with isDeleted. Of a part of a tree also what has left it, with the parent it has now.

create or replace function data.ref_delta(p_book data.ref_book, p_recipient text, p_parents bigint[], p_is_tree boolean,
    p_since bigint, p_order text[], p_types text[], p_skip bigint, p_n bigint, p_names text[], p_gone_names text[])
returns table (total bigint, parent_item text, names text[], "values" text[])
language plpgsql stable parallel safe as $$
begin
    return query
        with recursive changed as materialized (
            select m.code, m.source_key, i.item_id, i.parent_id, coalesce(i.title, m.title) as title,
                coalesce(i.attributes, m.attributes) as attributes,
                m.parents || case when i.item_id is not null then array[coalesce(i.parent_id, 0)] else '{}' end as parents,
                i.item_id is not null and (p_recipient = '' or i.agencies is null or p_recipient = any (i.agencies)) as is_seen,
                p_recipient = '' or '*' = any (m.gone) or p_recipient = any (m.gone) as was_seen
            from data.ref_mark as m
            -- offset 0: one look-up a mark, never the whole book beside a few marks
            left join lateral (
                select t.* from data.ref_item as t
                where t.ref_name = m.ref_name and t.code = m.code and t.source_key = m.source_key
                offset 0
            ) as i on true
            where m.ref_name = p_book.ref_name and m.version > p_since
        ), up as (
            select c.code, c.source_key, p.id from changed as c cross join lateral unnest(c.parents) as p (id)
            where p_is_tree and p_parents is not null
            union
            select u.code, u.source_key, p.id
            from up as u
            cross join lateral (
                select i.parent_id from data.ref_item as i where i.item_id = u.id
                union all
                select unnest(m.parents) from data.ref_mark as m where m.item_id = u.id
            ) as p (id)
            where p.id is not null
        ), chosen as (
            select c.*, count(*) over () as total,
                row_number() over (order by data.ref_keys(p_order, p_types, c.code collate "default", c.title, c.attributes),
                    c.code, c.source_key) as n
            from changed as c
            where (c.is_seen or c.was_seen)
                and case
                    when not p_is_tree then c.parents && coalesce(p_parents, '{0}')
                    when p_parents is null then true
                    else exists (select from up as u where u.code = c.code and u.source_key = c.source_key
                        and u.id = any (p_parents))
                end
        )
        select c.total, p.code::text, v.names, v.vals
        from (select max(t.total) as total from chosen as t) as c
        left join chosen as g on g.n > p_skip and g.n <= p_skip + p_n
        left join data.ref_item as p on p.item_id = g.parent_id
        cross join lateral (
            select coalesce(array_agg(u.name order by u.n), '{}') as names,
                coalesce(array_agg(t.value order by u.n), '{}') as vals
            from unnest(case when g.is_seen then p_names else p_gone_names end) with ordinality as u (name, n)
            cross join lateral (
                select case when u.name = 'isDeleted' then (not g.is_seen)::text
                    else data.ref_text(u.name, g.code collate "default", g.title, g.attributes) end
            ) as t (value)
            where t.value is not null
        ) as v
        order by g.n;
end $$;
comment on function data.ref_delta(data.ref_book, text, bigint[], boolean, bigint, text[], text[], bigint, bigint, text[], text[])
    is
    'Changes of a book, or of a part of it, since a version; a first row without names when the page is empty';
