-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- The reading half of getRefItemsList (item 24; A12-A20). It is stable, so everything in it sees the database as one
-- statement does: the version it tells is that of the items it lists (R6). What is to be remembered of a list that is read
-- by page comes with the first row; the caller writes it down.

create or replace function data.ref_wrong(p_book data.ref_book, p_recipient text, p_parent text, p_tree text, p_selected text[],
    p_order_by text[], p_filter jsonb, p_page integer, p_size integer)
returns api.answer[] language plpgsql stable parallel safe as $$
declare
    known text[];
    types text[];
    allowed boolean[];
    wrong api.answer[] := '{}';
begin
    select array_agg(a.name), array_agg(a.type), array_agg(a.allow_filtering) into known, types, allowed
    from data.ref_attribute as a where a.ref_name = p_book.ref_name;
    if p_tree is null or p_tree not in ('ONELEVEL', 'SUBTREE') then
        wrong := wrong || data.field_row('treeFiltering', 1, 'Значение — ONELEVEL или SUBTREE');
    end if;
    if p_parent is not null and not exists (
        select from data.ref_item as i
        where i.ref_name = p_book.ref_name and i.code = p_parent and p_book.kind = 'H'
            and (p_recipient = '' or i.agencies is null or p_recipient = any (i.agencies))) then
        wrong := wrong || data.field_row('parentRefItemValue', 2);
    end if;
    if not p_selected <@ known then
        wrong := wrong || data.field_row('selectAttributes', 2);
    end if;
    if not p_order_by <@ known then
        wrong := wrong || data.field_row('orderBy', 2);
    end if;
    if p_filter is not null then
        wrong := wrong || data.predicate_errors(p_filter, known, types, allowed);
    end if;
    if p_page < 0 then
        wrong := wrong || data.field_row('pageNum', 1, 'Номер страницы — от 0');
    end if;
    if p_size < 0 then
        wrong := wrong || data.field_row('pageSize', 1, 'Размер страницы — от 0');
    end if;
    return wrong;
end $$;
comment on function data.ref_wrong(data.ref_book, text, text, text, text[], text[], jsonb, integer, integer) is
    'Everything that is wrong with a request for items (M10)';

create or replace function data.ref_too_many(p_items_max integer) returns text
language sql immutable parallel safe
return format('Позиций больше, чем помещается в один ответ: запрашивайте по страницам, не более %s на странице', p_items_max);
comment on function data.ref_too_many(integer) is 'What is told to who asks for more items than one answer may hold';

create or replace function data.ref_beyond(p_field text, p_message text, p_version bigint)
returns table (kind text, error_code integer, error_message text, field text, total_items bigint, version text, depth integer,
    parent_item text, names text[], "values" text[], keep_key bytea, keep_ids bytea)
language sql immutable parallel safe as $$
    values ('answer', 2, (data.answer_row(null, null, 2)).error_message, null::text, 0::bigint, p_version::text, null::integer,
        null::text,
            null::text[], null::text[], null::bytea, null::bytea),
        ('field', 1, p_message, p_field, null, null, null, null, null, null, null, null)
$$;
comment on function data.ref_beyond(text, text, bigint) is
    'The answer to a request for items that asks more than one answer or one filter may hold (L2)';

-- When a page of a tree was so many top items with all that hung below.
drop function if exists data.ref_count(data.ref_book, text, bigint[], bigint);

create or replace function data.ref_changes(p_book data.ref_book, p_recipient text, p_parents bigint[], p_is_tree boolean,
    p_since bigint,
    p_order text[], p_types text[], p_skip bigint, p_n bigint, p_shown text[], p_list_key bytea, p_size integer,
        p_items_max integer)
returns table (kind text, error_code integer, error_message text, field text, total_items bigint, version text, depth integer,
    parent_item text, names text[], "values" text[], keep_key bytea, keep_ids bytea)
language plpgsql stable parallel safe as $$
#variable_conflict use_column
declare
    gone_shown constant text[] := array(
        select a.name from data.ref_attribute as a
        where a.ref_name = p_book.ref_name and (a.name in ('code', 'isDeleted') or a.name = any (p_shown)) order by a.position);
    line record;
begin
    kind := 'answer';
    for line in select * from data.ref_delta(p_book, p_recipient, p_parents, p_is_tree, p_since, p_order, p_types, p_skip, p_n,
            p_shown, gone_shown) loop
        if kind = 'answer' then
            total_items := coalesce(line.total, 0);
            if least(total_items - p_skip, p_n) > p_items_max then
                return query select * from data.ref_beyond('pageSize', data.ref_too_many(p_items_max), p_book.version);
                return;
            end if;
            error_code := 0;
            error_message := 'ОК';
            version := p_book.version::text;
            keep_key := case when total_items > p_size then p_list_key end;
            return next;
            kind := 'item';
            error_code := null;
            error_message := null;
            version := null;
            total_items := null;
            keep_key := null;
            depth := 0;
        end if;
        if cardinality(line.names) > 0 or line.parent_item is not null then
            parent_item := line.parent_item;
            names := line.names;
            "values" := line.values;
            return next;
        end if;
    end loop;
end $$;
comment on function data.ref_changes(data.ref_book, text, bigint[], boolean, bigint, text[], text[], bigint, bigint, text[],
    bytea, integer,
    integer) is 'The answer of getRefItemsList to who has an older version (A13)';

create or replace function data.ref_parents(p_recipient text, p_ref_name text, p_parent text) returns bigint[]
language plpgsql stable parallel safe as $$
begin
    return case when p_parent is not null then array(
        select i.item_id from data.ref_item as i where i.ref_name = p_ref_name and i.code = p_parent
            and (p_recipient = '' or i.agencies is null or p_recipient = any (i.agencies))) end;
end $$;
comment on function data.ref_parents(text, text, text) is
    'The items of this code that an agency may see; null: none was asked for';

create or replace function data.ref_shown(p_ref_name text, p_selected text[]) returns text[]
language plpgsql stable parallel safe as $$
begin
    return array(
        select a.name from data.ref_attribute as a
        where a.ref_name = p_ref_name
            and case when cardinality(p_selected) = 0 then a.name <> 'isDeleted' else a.name = any (p_selected) end
        order by a.position);
end $$;
comment on function data.ref_shown(text, text[]) is 'Names of the attributes to be shown: those selected, or all';

-- Before answers had a bound.
drop function if exists data.ref_read(text, text, text, text, text[], text[], integer, integer, text, jsonb);
create or replace function data.ref_read(p_recipient text, p_ref_name text, p_parent text, p_tree text, p_selected text[],
    p_order_by text[], p_page integer, p_size integer, p_version text, p_filter jsonb, p_items_max integer)
returns table (kind text, error_code integer, error_message text, field text, total_items bigint, version text, depth integer,
    parent_item text, names text[], "values" text[], keep_key bytea, keep_ids bytea)
language plpgsql stable parallel safe as $$
#variable_conflict use_column
declare
    book data.ref_book;
    wrong api.answer[];
    w api.answer;
    parents bigint[];
    is_tree boolean;
    ordered text[] := data.ref_order(p_order_by);
    types text[];
    shown text[];
    has_pages boolean := p_page > 0 and p_size > 0;
    skip bigint := case when has_pages then (p_page - 1)::bigint * p_size else 0 end;
    -- one more than may be answered is enough to see that there are too many
    take bigint := case when has_pages then least(p_size, p_items_max + 1) else p_items_max + 1 end;
    is_to_keep boolean := false; -- the list is not remembered yet, or not for long enough
    since bigint;
    list_key bytea;
    remembered record;
    list record;
    page_ids bigint[];
begin
    kind := 'answer';
    total_items := 0;
    select * into book from data.ref_book as b
    where b.ref_name = p_ref_name and (b.agency_code is null or p_recipient in ('', b.agency_code));
    if not found then
        error_code := 3;
        error_message := 'Справочник не найден';
        return next;
        return;
    end if;
    version := book.version::text;
    wrong := data.ref_wrong(book, p_recipient, p_parent, p_tree, p_selected, p_order_by, p_filter, p_page, p_size);
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
        error_message := (data.answer_row(null, null, 5)).error_message;
        return next;
        return;
    end if;

    select null::bigint as version, null::timestamptz as at, null::bigint as total, false as has_ids into remembered;
    if has_pages then
        list_key := sha256(convert_to(jsonb_build_array(p_recipient, p_ref_name, p_parent, p_tree, ordered, p_size, p_version,
            p_filter)::text, 'UTF8'));
        select g.version, g.at, g.total, g.ids is not null as has_ids into remembered
        from data.ref_paging as g where g.key = list_key and g.at > now() - interval '30 min';
        if found and remembered.version <> book.version and p_page > 1 then -- A16
            error_code := 1;
            error_message := 'Справочник изменился во время чтения по страницам, начните с первой страницы';
            return next;
            return;
        end if;
    end if;
    is_to_keep := has_pages and (remembered.version is distinct from book.version or remembered.at < now() - interval '10 min');
    is_tree := p_tree = 'SUBTREE' and book.kind = 'H';
    parents := data.ref_parents(p_recipient, p_ref_name, p_parent);
    types := array(select a.type from unnest(ordered) with ordinality as o (name, n)
        join data.ref_attribute as a on a.ref_name = p_ref_name and a.name = o.name order by o.n);
    shown := data.ref_shown(p_ref_name, p_selected);
    error_code := 0;
    error_message := 'ОК';
    -- A version of ours, older, and not older than the changes we know: a delta. A filtered list is a question, not a copy
    -- to be kept, and comes whole.
    since := case when p_version ~ '^[0-9]{1,18}$' and p_filter is null then p_version::bigint end;
    if since < book.version and since >= book.delta_from then
        return query select * from data.ref_changes(book, p_recipient, parents, is_tree or book.kind = 'P', since, ordered, types,
            skip, take, shown, case when is_to_keep then list_key end, p_size, p_items_max);
        return;
    end if;

    list := data.ref_page(book, p_recipient, parents, is_tree, ordered, types, p_filter, skip, take, has_pages,
        case when remembered.version = book.version and remembered.has_ids then list_key end);
    page_ids := list.ids;
    keep_ids := list.keep_ids;
    if list.total is null then
        return query select * from data.ref_beyond('filter', 'Слишком много условий для справочника такого размера',
            book.version);
        return;
    end if;
    -- Counted before any of them is written.
    if cardinality(page_ids) > p_items_max then
        return query select * from data.ref_beyond('pageSize', data.ref_too_many(p_items_max), book.version);
        return;
    end if;
    total_items := list.total;
    if has_pages and total_items > p_size and (is_to_keep or keep_ids is not null) then
        keep_key := list_key;
    else
        keep_ids := null;
    end if;
    return next;
    return query
        select 'item'::text, null::integer, null::text, null::text, null::bigint, null::text, l.depth, l.parent_item, l.names,
            l."values", null::bytea, null::bytea
        from data.ref_lines(page_ids, shown) as l;
end $$;
comment on function data.ref_read(text, text, text, text, text[], text[], integer, integer, text, jsonb, integer) is
    'The answer of getRefItemsList, with what to remember of a list read by page (A16)';
