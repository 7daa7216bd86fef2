-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- getRefItemsList (item 24; A12-A20). data.ref_read() answers; here is what is written: items that are due to change by
-- themselves before, the version of a list that is read by page after (A16). Both are rare: a page beyond the first, or of a
-- list that is short or known, writes nothing. jit is off: guessed costs of trees would have it compile for longer than
-- the longest answer takes. The version is the request's; its name would clash with the column. in_any_case: a name of a book
-- may be spelled in capitals; parent_item of the answer itself is the book's own name then.

-- Before it had a filter, and before names in any case.
drop function if exists api.get_ref_items_list(text, text, text, text, text[], text[], integer, integer, text);
drop function if exists api.get_ref_items_list(text, text, text, text, text[], text[], integer, integer, text, jsonb);
drop function if exists api.get_ref_items_list(text, text, text, text, text[], text[], integer, integer, text, jsonb, boolean);
create or replace function api.get_ref_items_list(recipient_code text, ref_name text, parent_ref_item_value text,
    tree_filtering text, select_attributes text[], order_by text[], page_num integer, page_size integer, known_version text,
    filter jsonb default null, in_any_case boolean default false, items_max integer default 10000)
returns table (kind text, error_code integer, error_message text, field text, total_items bigint, version text, depth integer,
    parent_item text, names text[], "values" text[])
language plpgsql security definer set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan
    set enable_seqscan = off set jit = off as $$
#variable_conflict use_column
declare
    book_name text;
    beyond api.answer[] := data.beyond_rows('{refName,parentRefItemValue,treeFiltering,selectAttributes,orderBy,version,filter}',
        array[
        coalesce(length($2) <= 255, true), coalesce(length($3) <= 255, true), coalesce(length($4) <= 255, true),
        data.list_fits($5, 200), data.list_fits($6, 200), coalesce(length($9) <= 255, true), data.filter_fits($10)]);
begin
    if cardinality(beyond) > 0 then
        return query
            select t.kind, t.error_code, t.error_message, t.field, case when t.kind = 'answer' then 0::bigint end,
                null::text, null::integer, null::text, null::text[], null::text[]
            from unnest(data.answer_row(null, null, 2) || beyond) as t;
        return;
    end if;
    book_name := coalesce(data.ref_named(coalesce($1, ''), $2, $11), $2);
    perform data.ref_refresh();
    return query
        with answer as materialized (
            select r.* from data.ref_read(coalesce($1, ''), book_name, nullif($3, ''), $4,
                array_remove(array_remove(coalesce($5, '{}'), ''), null),
                array_remove(array_remove(coalesce($6, '{}'), ''), null), coalesce($7, 0), coalesce($8, 0), $9, $10,
                greatest(coalesce($12, 10000), 1)) with ordinality
                as r (kind, error_code, error_message, field, total_items, version, depth, parent_item, names, vals,
                    keep_key, keep_ids, n)
        ), kept as (
            insert into data.ref_paging as p (key, ref_name, version, at, total, ids)
            select a.keep_key, book_name, a.version::bigint, clock_timestamp(), a.total_items, a.keep_ids
            from answer as a where a.keep_key is not null
            on conflict on constraint ref_paging_pkey do update
            set version = excluded.version, at = excluded.at, total = excluded.total,
                ids = case when p.version = excluded.version then coalesce(excluded.ids, p.ids) else excluded.ids end
        )
        select a.kind, a.error_code, a.error_message, a.field, a.total_items, a.version, a.depth,
            case when a.kind = 'answer' then nullif(book_name, $2) else a.parent_item end, a.names, a.vals
        from answer as a order by a.n;
end $$;
grant execute on function api.get_ref_items_list(text, text, text, text, text[], text[], integer, integer, text, jsonb, boolean,
    integer) to zapisd_daemon;
comment on function api.get_ref_items_list(text, text, text, text, text[], text[], integer, integer, text, jsonb,
    boolean, integer) is
    'M7: items of a reference book, flat or nested, sorted, filtered and paged; or what changed since a version';
