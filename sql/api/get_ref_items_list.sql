-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- getRefItemsList (item 24; A12-A20). One statement reads the book, so nobody sees half a version (R6). Pages are cut
-- between the top items of the answer; totalItems counts every node of the whole selection (A19). An older or unknown
-- version gets the full list. The last parameter is the request's version; its name would clash with the column.

create or replace function api.get_ref_items_list(recipient_code text, ref_name text, parent_ref_item_value text,
    tree_filtering text, select_attributes text[], order_by text[], page_num integer, page_size integer, known_version text)
returns table (kind text, error_code integer, error_message text, field text, total_items bigint, version text, depth integer,
    parent_item text, names text[], "values" text[])
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
    p_ref_name text := $2;
    p_parent text := nullif($3, '');
    p_version text := $9;
    selected text[] := array_remove(array_remove(coalesce($5, '{}'), ''), null);
    ordered text[] := array_remove(array_remove(coalesce($6, '{}'), ''), null);
    page integer := coalesce($7, 0);
    size integer := coalesce($8, 0);
    book data.ref_book;
    wrong api.answer[] := '{}';
    w api.answer;
begin
    select * into book from data.ref_book as b where b.ref_name = p_ref_name;
    kind := 'answer';
    total_items := 0;
    if not found then
        error_code := 3;
        error_message := 'Справочник не найден';
        return next;
        return;
    end if;
    version := book.version::text;
    if $4 is null or $4 not in ('ONELEVEL', 'SUBTREE') then
        wrong := wrong || data.field_row('treeFiltering', 1);
    end if;
    if p_parent is not null and not exists (select from data.ref_items(p_ref_name, coalesce($1, '')) as i
                                            where i.code = p_parent and book.kind = 'H') then
        wrong := wrong || data.field_row('parentRefItemValue', 2);
    end if;
    if exists (select from unnest(selected) as s (name)
               where not exists (select from data.ref_attribute as a where a.ref_name = p_ref_name and a.name = s.name)) then
        wrong := wrong || data.field_row('selectAttributes', 2);
    end if;
    if exists (select from unnest(ordered) as s (name)
               where not exists (select from data.ref_attribute as a where a.ref_name = p_ref_name and a.name = s.name)) then
        wrong := wrong || data.field_row('orderBy', 2);
    end if;
    if page < 0 then
        wrong := wrong || data.field_row('pageNum', 1);
    end if;
    if size < 0 then
        wrong := wrong || data.field_row('pageSize', 1);
    end if;
    if cardinality(wrong) > 0 then
        error_code := 2;
        error_message := (data.answer_row(null, null, 2)).error_message;
        return next;
        kind := 'field';
        total_items := null;
        version := null;
        foreach w in array wrong loop
            error_code := w.error_code;
            error_message := w.error_message;
            field := w.field;
            return next;
        end loop;
        return;
    end if;
    if p_version = book.version::text then
        error_code := 5;
        error_message := 'Ваш справочник имеет актуальную версию';
        return next;
        return;
    end if;

    return query
        with recursive item as (
            -- numbers sort as numbers: shifted so that their text does
            select i.*, row_number() over (order by array(
                select case when a.type in ('DECIMAL', 'LONG')
                    then to_char((i.attributes ->> a.name)::numeric + 1e12, 'FM0000000000000.000000')
                    else i.attributes ->> a.name end
                from unnest(ordered) with ordinality as s (name, n)
                join data.ref_attribute as a on a.ref_name = p_ref_name and a.name = s.name
                order by s.n), i.code, i.key) as rank
            from data.ref_items(p_ref_name, coalesce($1, '')) as i
        ), node as (
            select t.key, t.parent_code, t.attributes, 0 as depth, array[t.rank] as path
            from item as t
            where case when p_parent is null then t.parent_key is null
                else t.parent_key in (select u.key from item as u where u.code = p_parent) end
            union all
            select t.key, t.parent_code, t.attributes, n.depth + 1, n.path || t.rank
            from node as n
            join item as t on t.parent_key = n.key
            where $4 = 'SUBTREE' and n.depth < 32
        ), paged as (
            select n.*, dense_rank() over (order by n.path[1]) as top_no from node as n
        ), line as (
            select 1 as part, 'answer'::text as kind, 0 as error_code, 'ОК'::text as error_message,
                (select count(*) from node) as total_items, book.version::text as version, null::integer as depth,
                null::text as parent_item, null::jsonb as attributes, null::bigint[] as path
            union all
            select 2, 'item', null, null, null, null, p.depth, p.parent_code, p.attributes, p.path
            from paged as p
            where page = 0 or size = 0 or p.top_no > (page - 1)::bigint * size and p.top_no <= page::bigint * size
        )
        select l.kind, l.error_code, l.error_message, null::text, l.total_items, l.version, l.depth, l.parent_item, v.names,
            v.vals
        from line as l
        left join lateral (
            select array_agg(a.name order by a.position) as names,
                array_agg(l.attributes ->> a.name order by a.position) as vals
            from data.ref_attribute as a
            where l.part = 2 and a.ref_name = p_ref_name and l.attributes ? a.name
                and (cardinality(selected) = 0 or a.name = any (selected))
        ) as v on true
        order by l.part, l.path;
end $$;
alter function api.get_ref_items_list(text, text, text, text, text[], text[], integer, integer, text) owner to zapisd_owner;
revoke all on function api.get_ref_items_list(text, text, text, text, text[], text[], integer, integer, text) from public;
grant execute on function api.get_ref_items_list(text, text, text, text, text[], text[], integer, integer, text) to zapisd_daemon;
comment on function api.get_ref_items_list(text, text, text, text, text[], text[], integer, integer, text) is
    'M7: items of a reference book, flat or nested, sorted and paged';
