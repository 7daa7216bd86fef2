-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- The list a request asks for, in the order its items are sent in: each before what is under it (A19, A20). A page is a piece of
-- it, so pages count what totalItems counts. An item whose parent is not on the page, or does not meet the filter, stands at
-- the top of the answer; its parentItem tells where it belongs.

create or replace function data.ref_walk(p_ids bigint[], p_order text[], p_types text[]) returns bigint[]
language plpgsql stable parallel safe as $$
begin
    return array(
        with recursive ranked as materialized (
            select i.item_id, i.parent_id, row_number() over (order by
                case when cardinality(p_order) > 0
                    then data.ref_keys(p_order, p_types, i.code collate "default", i.title, i.attributes) end,
                i.code, i.source_key) as rank
            from unnest(p_ids) as u (id) join data.ref_item as i on i.item_id = u.id
        ), node as (
            select r.item_id, array[r.rank] as path
            from ranked as r left join ranked as p on p.item_id = r.parent_id where p.item_id is null
            union all
            select r.item_id, n.path || r.rank from node as n join ranked as r on r.parent_id = n.item_id
        )
        select n.item_id from node as n order by n.path);
end $$;
comment on function data.ref_walk(bigint[], text[], text[]) is
    'The same items as they are sent: each before those under it, siblings in order; first those whose parent is none of them';

create or replace function data.ref_list(p_book data.ref_book, p_recipient text, p_parents bigint[], p_is_tree boolean,
    p_order text[], p_types text[], p_filter jsonb, out total bigint, out ids bigint[])
language plpgsql stable parallel safe as $$
declare
    nodes bigint[];
begin
    if p_filter is not null or p_is_tree then
        nodes := array(
            with recursive node as (
                select i.item_id, 1 as level from data.ref_item as i
                where p_parents is null and i.ref_name = p_book.ref_name and i.parent_id is null
                    and (p_recipient = '' or i.agencies is null or p_recipient = any (i.agencies))
                union all
                select i.item_id, 1 from unnest(p_parents) as p (id) join data.ref_item as i on i.parent_id = p.id
                where p_recipient = '' or i.agencies is null or p_recipient = any (i.agencies)
                union all
                select c.item_id, n.level + 1 from node as n join data.ref_item as c on c.parent_id = n.item_id
                where p_is_tree and n.level < p_book.max_depth
                    and (p_recipient = '' or c.agencies is null or p_recipient = any (c.agencies))
            )
            select n.item_id from node as n);
        if p_filter is not null then
            if not data.ref_filter_fits(p_filter, cardinality(nodes)) then
                return; -- total is null: more comparisons than one request may cost (L2)
            end if;
            nodes := data.ref_filter(p_book.ref_name, nodes, p_filter);
        end if;
        ids := data.ref_walk(nodes, p_order, p_types);
        total := cardinality(nodes);
        return;
    end if;
    if cardinality(p_order) = 0 then
        ids := array(
            select t.item_id from (
                select i.item_id, i.code, i.source_key from data.ref_item as i
                where p_parents is null and i.ref_name = p_book.ref_name and i.parent_id is null
                    and (p_recipient = '' or i.agencies is null or p_recipient = any (i.agencies))
                union all
                select i.item_id, i.code, i.source_key
                    from unnest(p_parents) as p (id) join data.ref_item as i on i.parent_id = p.id
                where p_recipient = '' or i.agencies is null or p_recipient = any (i.agencies)
            ) as t
            order by t.code, t.source_key);
    else
        ids := array(
            select t.item_id from (
                select i.* from data.ref_item as i
                where p_parents is null and i.ref_name = p_book.ref_name and i.parent_id is null
                    and (p_recipient = '' or i.agencies is null or p_recipient = any (i.agencies))
                union all
                select i.* from unnest(p_parents) as p (id) join data.ref_item as i on i.parent_id = p.id
                where p_recipient = '' or i.agencies is null or p_recipient = any (i.agencies)
            ) as t
            cross join lateral (select data.ref_text(p_order[1], t.code collate "default", t.title, t.attributes)) as k (value)
            order by data.ref_number(p_types[1], k.value) nulls last,
                data.ref_word(p_types[1], k.value) collate "ru-x-icu" nulls last,
                case when cardinality(p_order) > 1
                    then data.ref_keys(p_order[2:], p_types[2:], t.code collate "default", t.title, t.attributes) end,
                t.code, t.source_key);
    end if;
    total := cardinality(ids);
end $$;
comment on function data.ref_list(data.ref_book, text, bigint[], boolean, text[], text[], jsonb) is
    'All items of a list in the order they are sent in, and how many (A19); null when a filter would have to compare too often';

create or replace function data.ref_step_page(p_ref_name text, p_skip bigint, p_n bigint, out total bigint, out ids bigint[])
language plpgsql stable parallel safe as $$
declare
    step record;
begin
    select sum(s.n) into total from data.ref_step as s where s.ref_name = p_ref_name;
    total := coalesce(total, 0);
    select t.* into step
    from (select s.from_code, sum(s.n) over (order by s.from_code) - s.n as before from data.ref_step as s
        where s.ref_name = p_ref_name) as t
    where t.before <= p_skip
    order by t.from_code desc limit 1;
    ids := case when p_skip >= total then '{}' else array(
        select i.item_id from data.ref_item as i
        where i.ref_name = p_ref_name and i.parent_id is null and i.code >= step.from_code
        order by i.code
        offset p_skip - step.before limit p_n) end;
end $$;
comment on function data.ref_step_page(text, bigint, bigint) is
    'A page of the top of a book of one''s own in order of code, and how many there are, found by the steps';

create or replace function data.ref_first_page(p_ref_name text, p_order text[], p_types text[], p_n bigint, out total bigint,
    out ids bigint[])
language plpgsql stable parallel safe as $$
declare
    name constant text := p_order[1];
    type constant text := p_types[1];
    names constant text[] := nullif(p_order[2:], '{}');
    types constant text[] := p_types[2:];
begin
    total := (select coalesce(sum(s.n), 0) from data.ref_step as s where s.ref_name = p_ref_name);
    ids := array(
        select i.item_id
        from data.ref_item as i
        cross join lateral (select data.ref_text(name, i.code collate "default", i.title, i.attributes)) as k (value)
        where i.ref_name = p_ref_name and i.parent_id is null
        order by data.ref_number(type, k.value) nulls last, data.ref_word(type, k.value) collate "ru-x-icu" nulls last,
            case when names is not null
                then data.ref_keys(names, types, i.code collate "default", i.title, i.attributes) end,
            i.code, i.source_key
        limit p_n);
end $$;
comment on function data.ref_first_page(text, text[], text[], bigint) is
    'The first page of the top of a book of one''s own in another order, and how many there are: the rest is not put in order';

-- In the order of code by steps; the first page of another order; the others out of what is kept of the one that had to put all
-- in order, or the whole list, of which a long one is to be kept.
create or replace function data.ref_page(p_book data.ref_book, p_recipient text, p_parents bigint[], p_is_tree boolean,
    p_order text[],
    p_types text[], p_filter jsonb, p_skip bigint, p_n bigint, p_has_pages boolean, p_kept_key bytea,
    out total bigint, out ids bigint[], out keep_ids bytea)
language plpgsql stable parallel safe as $$
declare
    list record;
    is_plain constant boolean := p_has_pages and not p_is_tree and p_parents is null and p_filter is null
        and not p_book.is_derived;
begin
    if is_plain and cardinality(p_order) = 0 then
        select t.total, t.ids into total, ids from data.ref_step_page(p_book.ref_name, p_skip, p_n) as t;
    elsif p_kept_key is not null then
        select g.total, data.ids_unpack(g.ids, p_skip, p_n) into total, ids from data.ref_paging as g where g.key = p_kept_key;
    elsif is_plain and p_skip = 0 then
        select t.total, t.ids into total, ids from data.ref_first_page(p_book.ref_name, p_order, p_types, p_n) as t;
    else
        list := data.ref_list(p_book, p_recipient, p_parents, p_is_tree, p_order, p_types, p_filter);
        total := list.total;
        if cardinality(list.ids) > 500 then
            keep_ids := data.ids_pack(list.ids);
        end if;
        ids := case when p_skip >= cardinality(list.ids) then '{}' when p_has_pages then list.ids[p_skip + 1 : p_skip + p_n]
            else list.ids end;
    end if;
end $$;
comment on function data.ref_page(data.ref_book, text, bigint[], boolean, text[], text[], jsonb, bigint, bigint, boolean,
    bytea) is
    'Items of a page in order, and how many there are in all; null when a filter would have to compare too often';

drop function if exists data.ref_lines(data.ref_book, text, bigint[], boolean, text[], text[], jsonb, text[]);
create or replace function data.ref_lines(p_ids bigint[], p_names text[])
returns table (depth integer, parent_item text, names text[], "values" text[])
language sql stable parallel safe as $$
    with recursive line as materialized (
        select u.n, i.item_id, i.parent_id, i.code, i.title, i.attributes
        from unnest(p_ids) with ordinality as u (id, n) join data.ref_item as i on i.item_id = u.id
    ), node as (
        select l.item_id, 0 as depth from line as l left join line as p on p.item_id = l.parent_id where p.item_id is null
        union all
        select l.item_id, n.depth + 1 from node as n join line as l on l.parent_id = n.item_id
    )
    select n.depth, p.code::text, v.names, v.vals
    from line as l
    join node as n using (item_id)
    left join data.ref_item as p on p.item_id = l.parent_id
    cross join lateral (
        select coalesce(array_agg(u.name order by u.n), '{}') as names, coalesce(array_agg(t.value order by u.n), '{}') as vals
        from unnest(p_names) with ordinality as u (name, n)
        cross join lateral (select data.ref_text(u.name, l.code collate "default", l.title, l.attributes)) as t (value)
        where t.value is not null
    ) as v
    order by l.n
$$;
comment on function data.ref_lines(bigint[], text[]) is
    'Items of a page as they are sent, in this order: under its parent what has one on the page';
