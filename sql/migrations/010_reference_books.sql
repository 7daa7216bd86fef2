-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Reference books kept as rows (R1-R6, A12-A19): the items there are, and for each the version it last changed in, so that
-- a delta costs what changed. Built-in books are derived from the tables they are about, by triggers of those tables;
-- books of the operator's own are written directly. Either way the version grows in the transaction of the change.

-- What 006 did: a version without a memory of what changed.
drop trigger ref_organization on data.organization;
drop trigger ref_timetable on data.timetable;
drop trigger ref_service on data.service;
drop trigger ref_organization_service on data.organization_service;
drop trigger ref_area on data.area;
drop function data.ref_book_changed();
drop function if exists data.ref_items(text, text);
drop function if exists data.working_hours(text);

-- Without an exception handler: this runs for every value of a file of 200,000 lines.
create function data.is_instant(value text) returns boolean
language sql immutable strict parallel safe
return case
    when value !~ '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?[+-](0[0-9]|1[0-5]):[0-5][0-9]$'
        or left(value, 4) = '0000' then false
    else substr(value, 9, 2)::integer <= extract(day from
        make_date(left(value, 4)::integer, substr(value, 6, 2)::integer, 1) + interval '1 month -1 day') end;
alter function data.is_instant(text) owner to zapisd_owner;
revoke all on function data.is_instant(text) from public;
comment on function data.is_instant(text) is 'Whether the text is an instant with a numeric offset (T1)';

create function data.ref_value_fits(type text, value text) returns boolean
language sql immutable parallel safe
return case type
    when 'STRING' then length(value) <= 4000
    when 'LONG' then case when value ~ '^-?[0-9]{1,19}$' then value::numeric between -9223372036854775808 and 9223372036854775807 else false end
    when 'DECIMAL' then value ~ '^-?[0-9]{1,30}(\.[0-9]{1,30})?$'
    when 'DATETIME' then data.is_instant(value)
    when 'BOOLEAN' then value in ('true', 'false')
    else false end;
alter function data.ref_value_fits(text, text) owner to zapisd_owner;
revoke all on function data.ref_value_fits(text, text) from public;
comment on function data.ref_value_fits(text, text) is 'Whether a value is of a type of item 23';

create function data.array_union(a anyarray, b anyarray) returns anyarray
language sql immutable parallel safe
as $$ select array(select distinct e from unnest(a || b) as e (e) order by e) $$;
alter function data.array_union(anyarray, anyarray) owner to zapisd_owner;
revoke all on function data.array_union(anyarray, anyarray) from public;
comment on function data.array_union(anyarray, anyarray) is 'Elements of either array, each once';

create type data.ref_key as (number numeric, words text collate "ru-x-icu");
alter type data.ref_key owner to zapisd_owner;
revoke all on type data.ref_key from public;
comment on type data.ref_key is 'What an attribute is ordered by: numbers, instants and truth values by number, texts as a dictionary has them';
comment on column data.ref_key.number is 'Of LONG, DECIMAL, DATETIME, BOOLEAN';
comment on column data.ref_key.words is 'Of STRING';

-- ---- books ----

alter table data.ref_book
    add column agency_code text,
    add column is_derived boolean not null default false,
    add column keep_versions integer not null default 1000,
    add column delta_from bigint not null default 1,
    add column max_depth smallint not null default 32,
    add column changed_by text not null default session_user,
    add constraint ref_book_agency_fkey foreign key (agency_code) references data.agency (agency_code),
    add constraint ref_book_keep_range check (keep_versions between 1 and 1000000),
    add constraint ref_book_delta_range check (delta_from between 1 and version),
    add constraint ref_book_depth_range check (max_depth between 1 and 32),
    add constraint ref_book_name_form check (ref_name ~ '^[A-Za-z][0-9A-Za-z_-]{0,99}$'),
    add constraint ref_book_title_filled check (btrim(title) <> '');
comment on column data.ref_book.agency_code is 'Offered by this agency only (C6); none: by every one';
comment on column data.ref_book.is_derived is 'Its items follow other tables and are not written by hand';
comment on column data.ref_book.keep_versions is 'Versions back to which changes are told; an older one gets the full list (A13)';
comment on column data.ref_book.delta_from is 'Oldest version whose changes since are known';
comment on column data.ref_book.max_depth is 'Levels of a SUBTREE answer (A20)';
comment on column data.ref_book.changed_by is 'Who changed it last';
comment on constraint ref_book_agency_fkey on data.ref_book is 'A known agency';
comment on constraint ref_book_keep_range on data.ref_book is 'At least the last change is told';
comment on constraint ref_book_delta_range on data.ref_book is 'A version there was';
comment on constraint ref_book_depth_range on data.ref_book is 'What the daemon nests at most';
comment on constraint ref_book_name_form on data.ref_book is 'A mnemonic, not a text';
comment on constraint ref_book_title_filled on data.ref_book is 'A title is shown to people';
update data.ref_book set is_derived = true;
-- Callers know versions from the time before changes were kept.
update data.ref_book set version = version + 1, delta_from = version + 1;

alter table data.ref_attribute
    add constraint ref_attribute_name_form check (name ~ '^[A-Za-z][0-9A-Za-z_.-]{0,99}$'),
    add constraint ref_attribute_title_filled check (btrim(title) <> ''),
    add constraint ref_attribute_own_type check (
        name not in ('code', 'title', 'isDeleted') or type = case name when 'isDeleted' then 'BOOLEAN' else 'STRING' end);
comment on constraint ref_attribute_name_form on data.ref_attribute is 'A mnemonic, not a text';
comment on constraint ref_attribute_title_filled on data.ref_attribute is 'A title is shown to people';
comment on constraint ref_attribute_own_type on data.ref_attribute is 'code, title and isDeleted are what A12 and A13 say';
insert into data.ref_attribute (ref_name, position, name, title, type)
select ref_name, 1000, 'isDeleted', 'Элемент удалён', 'BOOLEAN' from data.ref_book;
update data.ref_attribute set allow_filtering = true where name not in ('isDeleted', 'phone', 'TimetableComment');

-- ---- items ----

create table data.ref_item (
    item_id bigint not null generated by default as identity,
    ref_name text not null,
    code text collate "C" not null,
    source_key text collate "C" not null default '',
    parent_id bigint,
    title text not null,
    agencies text[],
    attributes jsonb not null default '{}',
    refresh_at timestamptz,
    constraint ref_item_pkey primary key (item_id),
    constraint ref_item_code_key unique (ref_name, code, source_key),
    constraint ref_item_book_key unique (item_id, ref_name),
    constraint ref_item_book_fkey foreign key (ref_name) references data.ref_book (ref_name),
    constraint ref_item_parent_fkey foreign key (parent_id, ref_name) references data.ref_item (item_id, ref_name),
    constraint ref_item_code_form check (length(code) between 1 and 250 and code !~ '[[:cntrl:]]'),
    constraint ref_item_title_length check (length(title) <= 4000),
    constraint ref_item_attributes_object check (jsonb_typeof(attributes) = 'object')
);
alter table data.ref_item owner to zapisd_owner;
create index ref_item_top on data.ref_item (ref_name, code) where parent_id is null;
create index ref_item_children on data.ref_item (parent_id, code) where parent_id is not null;
create index ref_item_refresh on data.ref_item (refresh_at) where refresh_at is not null;
comment on table data.ref_item is 'Items of the reference books as they are now (item 8)';
comment on column data.ref_item.item_id is 'Inner key';
comment on column data.ref_item.ref_name is 'Book';
comment on column data.ref_item.code is 'Attribute code (A12); sorts byte by byte';
comment on column data.ref_item.source_key is 'Tells equal codes of a derived book apart: the organization of an area; empty in books of one''s own';
comment on column data.ref_item.parent_id is 'Item it is under; none: at the top';
comment on column data.ref_item.title is 'Attribute title (A12)';
comment on column data.ref_item.agencies is 'Agencies that offer it (C6); none: all';
comment on column data.ref_item.attributes is 'Its other attributes, name to text, as data.ref_attribute describes them';
comment on column data.ref_item.refresh_at is 'When it changes by itself: the day a row of the timetable begins or ends';
comment on constraint ref_item_pkey on data.ref_item is 'Inner key';
comment on constraint ref_item_code_key on data.ref_item is 'A code once in a book';
comment on constraint ref_item_book_key on data.ref_item is 'Target of the parent''s foreign key';
comment on constraint ref_item_book_fkey on data.ref_item is 'Of a known book';
comment on constraint ref_item_parent_fkey on data.ref_item is 'The parent is in the same book; an item with children is not deleted without them';
comment on constraint ref_item_code_form on data.ref_item is 'Not empty, one line';
comment on constraint ref_item_title_length on data.ref_item is 'A name, not a document';
comment on constraint ref_item_attributes_object on data.ref_item is 'Names and values';
comment on index data.ref_item_top is 'Top items in order of code';
comment on index data.ref_item_children is 'Children in order of code';
comment on index data.ref_item_refresh is 'Items that are due to change by themselves';

create table data.ref_mark (
    ref_name text not null,
    code text collate "C" not null,
    source_key text collate "C" not null,
    item_id bigint not null,
    version bigint not null,
    is_deleted boolean not null,
    parents bigint[] not null default '{}',
    gone text[] not null default '{}',
    title text,
    attributes jsonb,
    constraint ref_mark_pkey primary key (ref_name, code, source_key),
    constraint ref_mark_book_fkey foreign key (ref_name) references data.ref_book (ref_name) on delete cascade
);
alter table data.ref_mark owner to zapisd_owner;
create index ref_mark_version on data.ref_mark (ref_name, version);
create index ref_mark_item on data.ref_mark (item_id);
comment on table data.ref_mark is 'In which version an item last changed; of a deleted one also what it was (A13: tombstones)';
comment on column data.ref_mark.ref_name is 'Book';
comment on column data.ref_mark.code is 'Code';
comment on column data.ref_mark.source_key is 'As in data.ref_item';
comment on column data.ref_mark.item_id is 'The item, or the last one that had the code';
comment on column data.ref_mark.version is 'Version its last change made';
comment on column data.ref_mark.is_deleted is 'It is no longer there';
comment on column data.ref_mark.parents is 'Parents it was under before; 0: the top';
comment on column data.ref_mark.gone is 'Agencies that offered it once and may not now; *: all';
comment on column data.ref_mark.title is 'Last title of a deleted one';
comment on column data.ref_mark.attributes is 'Last attributes of a deleted one';
comment on constraint ref_mark_pkey on data.ref_mark is 'One row a code';
comment on constraint ref_mark_book_fkey on data.ref_mark is 'Goes with its book';
comment on index data.ref_mark_version is 'What changed since a version';
comment on index data.ref_mark_item is 'Where an item was before';

create table data.ref_step (
    ref_name text not null,
    from_code text collate "C" not null,
    n integer not null,
    constraint ref_step_pkey primary key (ref_name, from_code),
    constraint ref_step_book_fkey foreign key (ref_name) references data.ref_book (ref_name) on delete cascade
);
alter table data.ref_step owner to zapisd_owner;
comment on table data.ref_step is 'How many top items of a book of one''s own stand from a code to the next step: page 1999 is found without counting through 1998';
comment on column data.ref_step.ref_name is 'Book';
comment on column data.ref_step.from_code is 'The step begins here; the first one with the empty code';
comment on column data.ref_step.n is 'Top items in it';
comment on constraint ref_step_pkey on data.ref_step is 'A step once';
comment on constraint ref_step_book_fkey on data.ref_step is 'Goes with its book';

create table data.ref_paging (
    key bytea not null,
    ref_name text not null,
    version bigint not null,
    at timestamptz not null,
    total bigint,
    ids bytea,
    constraint ref_paging_pkey primary key (key),
    constraint ref_paging_book_fkey foreign key (ref_name) references data.ref_book (ref_name) on delete cascade
);
alter table data.ref_paging owner to zapisd_owner;
alter table data.ref_paging alter column ids set storage external;
create index ref_paging_at on data.ref_paging (ref_name, at);
comment on table data.ref_paging is 'Lists that are being read by page, and the version they are of (A16); of long ones that were hard to put in order also the order';
comment on column data.ref_paging.key is 'SHA-256 of what was asked for, page number apart';
comment on column data.ref_paging.ref_name is 'Book';
comment on column data.ref_paging.version is 'Version of the first page';
comment on column data.ref_paging.at is 'When it was read';
comment on column data.ref_paging.total is 'totalItems, where ids are kept';
comment on column data.ref_paging.ids is 'Top items in order, eight octets each: a page is cut out without reading the rest';
comment on constraint ref_paging_pkey on data.ref_paging is 'One row a list';
comment on constraint ref_paging_book_fkey on data.ref_paging is 'Goes with its book';
comment on index data.ref_paging_at is 'What has been given up';

-- Typed values in one place: what filters and orders compare.
create view data.ref_value as
select i.ref_name, i.item_id, i.code, a.name, a.type, v.value,
    case when a.type in ('LONG', 'DECIMAL') then v.value::numeric end as number,
    case when a.type = 'DATETIME' then v.value::timestamptz end as instant,
    case when a.type = 'BOOLEAN' then v.value::boolean end as truth
from data.ref_item as i
join data.ref_attribute as a on a.ref_name = i.ref_name
cross join lateral (
    select case a.name when 'code' then i.code collate "default" when 'title' then i.title when 'isDeleted' then 'false'
        else i.attributes ->> a.name end as value
) as v
where v.value is not null;
alter view data.ref_value owner to zapisd_owner;
comment on view data.ref_value is 'Attributes of the items, one row a value, with the value in its type';
comment on column data.ref_value.ref_name is 'Book';
comment on column data.ref_value.item_id is 'Item';
comment on column data.ref_value.code is 'Its code';
comment on column data.ref_value.name is 'Attribute';
comment on column data.ref_value.type is 'Its type (item 23)';
comment on column data.ref_value.value is 'The value as it is sent';
comment on column data.ref_value.number is 'The value of a LONG or DECIMAL';
comment on column data.ref_value.instant is 'The value of a DATETIME';
comment on column data.ref_value.truth is 'The value of a BOOLEAN';

-- ---- what a change does ----

create function data.ref_book_bump(p_ref_names text[]) returns void
language plpgsql as $$
declare
    name text;
begin
    -- in one order, so that two who change several books do not wait for each other
    for name in select distinct n from unnest(p_ref_names) as n order by n loop
        update data.ref_book as b
        set version = b.version + 1, changed_at = clock_timestamp(), changed_by = session_user,
            delta_from = greatest(b.delta_from, b.version + 1 - b.keep_versions)
        where b.ref_name = name;
        -- a little each time: what is below delta_from is never read
        delete from data.ref_mark as m where m.ctid = any (array(
            select t.ctid from data.ref_mark as t
            where t.ref_name = name and t.version <= (select b.delta_from from data.ref_book as b where b.ref_name = name)
            limit 1000));
        delete from data.ref_paging as p where p.ref_name = name and p.at < now() - interval '30 min';
    end loop;
end $$;
alter function data.ref_book_bump(text[]) owner to zapisd_owner;
revoke all on function data.ref_book_bump(text[]) from public;
comment on function data.ref_book_bump(text[]) is 'A new version of each of these books; holds them to the end of the transaction (R6)';

create function data.ref_step_count(p_ref_name text, p_codes text[]) returns void
language plpgsql as $$
declare
    step text collate "C";
    after text collate "C";
begin
    insert into data.ref_step (ref_name, from_code, n) values (p_ref_name, '', 0) on conflict do nothing;
    for step in
        select distinct f.from_code
        from unnest(p_codes) as u (code)
        cross join lateral (
            select s.from_code from data.ref_step as s
            where s.ref_name = p_ref_name and s.from_code <= u.code collate "C"
            order by s.from_code desc limit 1
        ) as f
    loop
        select min(s.from_code) into after from data.ref_step as s where s.ref_name = p_ref_name and s.from_code > step;
        delete from data.ref_step as s where s.ref_name = p_ref_name and s.from_code = step;
        -- counted anew, not counted on: whatever several triggers of one statement see, the sum is right
        insert into data.ref_step (ref_name, from_code, n)
        select p_ref_name, case when g.part = 0 then step else min(g.code) end, count(g.code)
        from (
            select i.code, case when count(*) over () > 2000 then (row_number() over (order by i.code) - 1) / 1000 else 0 end as part
            from data.ref_item as i
            where i.ref_name = p_ref_name and i.parent_id is null and i.code >= step and (after is null or i.code < after)
        ) as g
        group by g.part
        union all
        select p_ref_name, '', 0
        where step = '' and not exists (
            select from data.ref_item as i
            where i.ref_name = p_ref_name and i.parent_id is null and (after is null or i.code < after));
    end loop;
end $$;
alter function data.ref_step_count(text, text[]) owner to zapisd_owner;
revoke all on function data.ref_step_count(text, text[]) from public;
comment on function data.ref_step_count(text, text[]) is 'Counts the steps anew that these codes stand in; a step of more than 2000 is divided';

create function data.ref_item_guard() returns trigger
language plpgsql as $$
declare
    book text;
begin
    -- runs as whoever writes: a derived book is written by the owner's own functions alone
    if current_user = 'zapisd_owner' then
        return null;
    end if;
    if tg_op = 'DELETE' then
        select o.ref_name into book from old_rows as o join data.ref_book as b using (ref_name) where b.is_derived limit 1;
    else
        select n.ref_name into book from new_rows as n join data.ref_book as b using (ref_name) where b.is_derived limit 1;
        if book is null then
            select n.ref_name into book from new_rows as n where n.source_key <> '' or n.agencies is not null limit 1;
            if book is not null then
                raise exception 'book %: source_key and agencies are of derived books', book using errcode = 'check_violation';
            end if;
        end if;
    end if;
    if book is not null then
        raise exception 'book % follows other tables: change those instead', book using errcode = 'insufficient_privilege';
    end if;
    return null;
end $$;
alter function data.ref_item_guard() owner to zapisd_owner;
revoke all on function data.ref_item_guard() from public;
comment on function data.ref_item_guard() is 'Trigger: items of derived books are not written by hand (R4)';

create function data.ref_item_changed() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    books text[];
    book text;
    bad record;
begin
    if tg_op = 'INSERT' then
        books := array(select distinct n.ref_name from new_rows as n);
    elsif tg_op = 'DELETE' then
        books := array(select distinct o.ref_name from old_rows as o);
    else
        select n.ref_name into bad from new_rows as n left join old_rows as o using (item_id)
        where o.ref_name is distinct from n.ref_name limit 1;
        if found then
            raise exception 'book %: an item keeps its book and its inner key', bad.ref_name using errcode = 'check_violation';
        end if;
        books := array(
            select distinct n.ref_name from new_rows as n join old_rows as o using (item_id)
            where (n.code, n.source_key, n.title, n.parent_id, n.agencies, n.attributes)
                is distinct from (o.code, o.source_key, o.title, o.parent_id, o.agencies, o.attributes));
    end if;
    if cardinality(books) = 0 then
        return null;
    end if;
    perform data.ref_book_bump(books); -- first: from here on nobody else changes these books

    if tg_op <> 'DELETE' then
        select n.ref_name, n.code, v.name, v.value #>> '{}' as value, a.type into bad
        from new_rows as n
        cross join lateral jsonb_each(n.attributes) as v (name, value)
        left join data.ref_attribute as a on a.ref_name = n.ref_name and a.name = v.name
        where a.name is null or a.name in ('code', 'title', 'isDeleted') or jsonb_typeof(v.value) <> 'string'
            or not data.ref_value_fits(a.type, v.value #>> '{}')
        limit 1;
        if found then
            raise exception 'book %, item %: % is no value of attribute % (%)', bad.ref_name, bad.code, coalesce(bad.value, 'null'),
                bad.name, coalesce(bad.type, 'not known') using errcode = 'check_violation', constraint = 'ref_item_value';
        end if;
        select n.ref_name, n.code, a.name, n.attributes ->> a.name as value into bad
        from new_rows as n
        join data.ref_book as b on b.ref_name = n.ref_name and not b.is_derived
        join data.ref_attribute as a on a.ref_name = n.ref_name and a.attr_ref_name is not null
        where n.attributes ? a.name
            and not exists (select from data.ref_item as t where t.ref_name = a.attr_ref_name and t.code = n.attributes ->> a.name)
        limit 1;
        if found then
            raise exception 'book %, item %: attribute % links to %, which is not there', bad.ref_name, bad.code, bad.name, bad.value
                using errcode = 'foreign_key_violation', constraint = 'ref_item_link';
        end if;
        select n.ref_name, n.code into bad
        from new_rows as n join data.ref_book as b using (ref_name)
        where b.kind = 'P' and n.parent_id is not null limit 1;
        if found then
            raise exception 'book % is flat: item % has no parent', bad.ref_name, bad.code
                using errcode = 'check_violation', constraint = 'ref_item_flat';
        end if;
        with recursive up as (
            select n.item_id as start, n.parent_id as at from new_rows as n where n.parent_id is not null
            union
            select up.start, p.parent_id from up join data.ref_item as p on p.item_id = up.at where p.parent_id is not null
        )
        select i.ref_name, i.code into bad from up join data.ref_item as i on i.item_id = up.start where up.at = up.start limit 1;
        if found then
            raise exception 'book %: item % would be inside itself', bad.ref_name, bad.code
                using errcode = 'check_violation', constraint = 'ref_item_tree';
        end if;
    end if;

    if tg_op = 'INSERT' then
        insert into data.ref_mark as m (ref_name, code, source_key, item_id, version, is_deleted)
        select n.ref_name, n.code, n.source_key, n.item_id, b.version, false
        from new_rows as n join data.ref_book as b using (ref_name)
        on conflict on constraint ref_mark_pkey do update
        set item_id = excluded.item_id, version = excluded.version, is_deleted = false, title = null, attributes = null;
    elsif tg_op = 'UPDATE' then
        insert into data.ref_mark as m (ref_name, code, source_key, item_id, version, is_deleted, parents, gone)
        select n.ref_name, n.code, n.source_key, n.item_id, b.version, false,
            case when n.parent_id is distinct from o.parent_id then array[coalesce(o.parent_id, 0)] else '{}' end,
            case when n.agencies is null then '{}' when o.agencies is null then array['*']
                else array(select e from unnest(o.agencies) as e where e <> all (n.agencies)) end
        from new_rows as n join old_rows as o using (item_id) join data.ref_book as b on b.ref_name = n.ref_name
        where (n.code, n.source_key, n.title, n.parent_id, n.agencies, n.attributes)
            is distinct from (o.code, o.source_key, o.title, o.parent_id, o.agencies, o.attributes)
        on conflict on constraint ref_mark_pkey do update
        set item_id = excluded.item_id, version = excluded.version, is_deleted = false, title = null, attributes = null,
            parents = data.array_union(m.parents, excluded.parents), gone = data.array_union(m.gone, excluded.gone);
    end if;
    if tg_op <> 'INSERT' then
        -- tombstones: of deleted ones, and of codes that were changed
        insert into data.ref_mark as m (ref_name, code, source_key, item_id, version, is_deleted, parents, gone, title, attributes)
        select o.ref_name, o.code, o.source_key, o.item_id, b.version, true, array[coalesce(o.parent_id, 0)],
            coalesce(o.agencies, array['*']), o.title, o.attributes
        from old_rows as o join data.ref_book as b using (ref_name)
        where not exists (
            select from data.ref_item as i where i.ref_name = o.ref_name and i.code = o.code and i.source_key = o.source_key)
        on conflict on constraint ref_mark_pkey do update
        set item_id = excluded.item_id, version = excluded.version, is_deleted = true, title = excluded.title,
            attributes = excluded.attributes, parents = data.array_union(m.parents, excluded.parents),
            gone = data.array_union(m.gone, excluded.gone);
    end if;

    foreach book in array books loop
        continue when (select b.is_derived from data.ref_book as b where b.ref_name = book);
        if tg_op = 'INSERT' then
            perform data.ref_step_count(book, array(select n.code from new_rows as n where n.ref_name = book and n.parent_id is null));
        elsif tg_op = 'DELETE' then
            perform data.ref_step_count(book, array(select o.code from old_rows as o where o.ref_name = book and o.parent_id is null));
        else
            perform data.ref_step_count(book, array(
                select unnest(array[n.code, o.code]) from new_rows as n join old_rows as o using (item_id)
                where n.ref_name = book and (n.code <> o.code or (n.parent_id is null) <> (o.parent_id is null))));
        end if;
    end loop;
    return null;
end $$;
alter function data.ref_item_changed() owner to zapisd_owner;
revoke all on function data.ref_item_changed() from public;
comment on function data.ref_item_changed() is 'Trigger: checks items, makes the version they changed in, marks them with it (R1, R3, R6)';

create trigger guard_insert after insert on data.ref_item referencing new table as new_rows
    for each statement execute function data.ref_item_guard();
create trigger guard_update after update on data.ref_item referencing new table as new_rows
    for each statement execute function data.ref_item_guard();
create trigger guard_delete after delete on data.ref_item referencing old table as old_rows
    for each statement execute function data.ref_item_guard();
create trigger version_insert after insert on data.ref_item referencing new table as new_rows
    for each statement execute function data.ref_item_changed();
create trigger version_update after update on data.ref_item referencing old table as old_rows new table as new_rows
    for each statement execute function data.ref_item_changed();
create trigger version_delete after delete on data.ref_item referencing old table as old_rows
    for each statement execute function data.ref_item_changed();
comment on trigger guard_insert on data.ref_item is 'Derived books are not written by hand';
comment on trigger guard_update on data.ref_item is 'Derived books are not written by hand';
comment on trigger guard_delete on data.ref_item is 'Derived books are not written by hand';
comment on trigger version_insert on data.ref_item is 'New version of the book (R3, R6)';
comment on trigger version_update on data.ref_item is 'New version of the book (R3, R6)';
comment on trigger version_delete on data.ref_item is 'New version of the book, with tombstones (A13)';

create function data.ref_attribute_changed() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    item text;
begin
    perform from data.ref_book as b where b.ref_name = old.ref_name for update;
    select i.code into item from data.ref_item as i
    where i.ref_name = old.ref_name and i.attributes ? old.name
        and (tg_op = 'DELETE' or new.name <> old.name or new.ref_name <> old.ref_name
            or not data.ref_value_fits(new.type, i.attributes ->> old.name)
            or new.attr_ref_name is not null and not exists (
                select from data.ref_item as t where t.ref_name = new.attr_ref_name and t.code = i.attributes ->> old.name))
    limit 1;
    if found then
        raise exception 'book %, attribute %: item % has a value that would not fit', old.ref_name, old.name, item
            using errcode = 'check_violation', constraint = 'ref_attribute_in_use';
    end if;
    return null;
end $$;
alter function data.ref_attribute_changed() owner to zapisd_owner;
revoke all on function data.ref_attribute_changed() from public;
comment on function data.ref_attribute_changed() is 'Trigger: an attribute in use is not removed, renamed or retyped against its values (R1)';
create trigger ref_attribute_in_use after update or delete on data.ref_attribute
    for each row execute function data.ref_attribute_changed();
comment on trigger ref_attribute_in_use on data.ref_attribute is 'Values stay described (R1)';

-- ---- derived books ----

create function data.ref_source_changed() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    organizations text[];
    services text[];
begin
    if tg_op = 'INSERT' then
        organizations := array(select distinct to_jsonb(n) ->> 'organization_id' from new_rows as n);
        services := array(select distinct to_jsonb(n) ->> 'service_id' from new_rows as n);
    elsif tg_op = 'DELETE' then
        organizations := array(select distinct to_jsonb(o) ->> 'organization_id' from old_rows as o);
        services := array(select distinct to_jsonb(o) ->> 'service_id' from old_rows as o);
    elsif tg_op = 'UPDATE' then
        organizations := array(select to_jsonb(n) ->> 'organization_id' from new_rows as n
            union select to_jsonb(o) ->> 'organization_id' from old_rows as o);
        services := array(select to_jsonb(n) ->> 'service_id' from new_rows as n
            union select to_jsonb(o) ->> 'service_id' from old_rows as o);
    end if; -- truncate: everything
    if cardinality(coalesce(organizations, services)) = 0 then
        return null;
    end if;
    case tg_argv[0]
        when 'organization' then
            perform data.ref_derive('organizations', organizations);
            perform data.ref_derive('areas', organizations);
            perform data.ref_derive('services', array(
                select s.service_id from data.organization_service as s where s.organization_id = any (organizations)));
        when 'timetable' then
            perform data.ref_derive('organizations', organizations);
        when 'service' then
            perform data.ref_derive('services', services);
        when 'area' then
            perform data.ref_derive('areas', organizations);
            perform data.ref_derive('organizations', organizations); -- where a closed area is decides whose hours are left
    end case;
    return null;
end $$;
alter function data.ref_source_changed() owner to zapisd_owner;
revoke all on function data.ref_source_changed() from public;
comment on function data.ref_source_changed() is 'Trigger: the derived books follow the tables they are about; the argument says what changed (R4, R5, R6)';

do $$
declare
    t record;
begin
    for t in select * from (values ('organization', 'organization'), ('timetable', 'timetable'), ('service', 'service'),
        ('organization_service', 'service'), ('area', 'area'), ('closure', 'timetable')) as v (name, what) loop
        execute format('create trigger ref_insert after insert on data.%I referencing new table as new_rows '
            'for each statement execute function data.ref_source_changed(%L)', t.name, t.what);
        execute format('create trigger ref_update after update on data.%I referencing old table as old_rows new table as new_rows '
            'for each statement execute function data.ref_source_changed(%L)', t.name, t.what);
        execute format('create trigger ref_delete after delete on data.%I referencing old table as old_rows '
            'for each statement execute function data.ref_source_changed(%L)', t.name, t.what);
        execute format('create trigger ref_truncate after truncate on data.%I '
            'for each statement execute function data.ref_source_changed(%L)', t.name, t.what);
        execute format('comment on trigger ref_insert on data.%I is ''The derived reference books follow (R4, R6)''', t.name);
        execute format('comment on trigger ref_update on data.%I is ''The derived reference books follow (R4, R6)''', t.name);
        execute format('comment on trigger ref_delete on data.%I is ''The derived reference books follow (R4, R6)''', t.name);
        execute format('comment on trigger ref_truncate on data.%I is ''The derived reference books follow (R4, R6)''', t.name);
    end loop;
end $$;

revoke all on data.ref_item, data.ref_mark, data.ref_step, data.ref_paging, data.ref_value from public;
grant select on data.ref_item, data.ref_mark, data.ref_value to zapisd_operator, zapisd_auditor;
grant insert (ref_name, code, parent_id, title, attributes), update (code, parent_id, title, attributes), delete
    on data.ref_item to zapisd_operator;
