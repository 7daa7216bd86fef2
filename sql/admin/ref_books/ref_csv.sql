-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Any reference book as CSV (R5). The book passes through a temporary table with the book's own columns, so that psql
-- itself reads and writes the file:
--     select admin.ref_csv('doctors');            \copy ref_csv to 'doctors.csv' (format csv, header)
--     select admin.ref_csv('doctors', true);      \copy ref_csv from 'doctors.csv' (format csv, header match)
--     select * from admin.ref_import('doctors');
-- All wrong rows are told with their lines, and then nothing is imported.

create or replace function admin.ref_csv(ref_name text, is_empty boolean default false) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    book data.ref_book;
    attributes text[];
    n bigint := 0;
begin
    select * into book from data.my_ref_book as b where b.ref_name = $1;
    if not found then
        raise exception 'Справочник % не найден', coalesce($1, 'null') using errcode = 'no_data_found',
            hint = 'Есть: select ref_name, title from data.ref_book; завести: admin.ref_new';
    end if;
    attributes := array(
        select a.name from data.my_ref_attribute as a
        where a.ref_name = $1 and a.name not in ('code', 'title', 'isDeleted') order by a.position);
    if to_regclass('pg_temp.ref_csv') is not null then
        drop table pg_temp.ref_csv;
    end if;
    execute format('create temporary table ref_csv (code text, %s title text%s)',
        case when book.kind = 'H' then 'parent text,' end, (select string_agg(format(', %I text', u.a), '' order by u.k)
            from unnest(attributes) with ordinality as u (a, k)));
    execute format('comment on table pg_temp.ref_csv is %L', $1);
    grant select, insert, update, delete on pg_temp.ref_csv to zapisd_operator;
    if not is_empty then
        execute format('insert into pg_temp.ref_csv select i.code, %s i.title%s from data.my_ref_item as i '
                'where i.ref_name = $1 order by i.code, i.source_key',
            case when book.kind = 'H' then '(select p.code from data.my_ref_item as p where p.item_id = i.parent_id),' end,
            (select string_agg(format(', i.attributes ->> %L', u.a), '' order by u.k)
                from unnest(attributes) with ordinality as u (a, k)))
            using $1;
        get diagnostics n = row_count;
    end if;
    return n;
end $$;
grant execute on function admin.ref_csv(text, boolean) to zapisd_operator;
comment on function admin.ref_csv(text, boolean) is
    'ref_csv(книга [, true]): временная таблица ref_csv со столбцами справочника и его элементами (true — без них); дальше \copy '
        'ref_csv to ''f.csv'' csv header или \copy ref_csv from ''f.csv'' csv header match. '
        'Пример: select admin.ref_csv(''reasons'')';

create or replace function admin.ref_import(ref_name text, is_partial boolean default false)
returns table (line bigint, field text, problem text)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    book data.ref_book;
    n_changed bigint;
    n_deleted bigint := 0;
begin
    select * into book from data.my_ref_book as b where b.ref_name = $1 for no key update; -- as data.ref_own()
    if not found then
        raise exception 'Справочник % не найден', coalesce($1, 'null') using errcode = 'no_data_found',
            hint = 'Есть: select ref_name, title from data.ref_book; завести: admin.ref_new';
    end if;
    perform data.need_book(book);
    -- the areas of several organizations may have equal codes
    return query
        select p.line, p.field, p.problem
        from (
            select * from data.ref_csv_problems(book, is_partial or book.is_derived) as x
            where not (book.is_derived and book.kind = 'H' and x.field in ('code', 'parent'))
            union all
            select * from data.ref_csv_derived_problems(book) where book.is_derived
        ) as p
        order by p.line, p.field;
    if found then
        return;
    end if;
    if book.is_derived then
        n_changed := data.ref_csv_apply_derived($1);
    else
        n_changed := data.ref_csv_apply($1);
        if not is_partial then
            -- Hashed, whatever the planner thinks of a new book: as "not exists" each item went through the whole file.
            delete from data.my_ref_item as i
            where i.ref_name = $1 and i.code not in (select r.code from data.ref_csv_rows($1) as r where r.code is not null);
            get diagnostics n_deleted = row_count;
        end if;
    end if;
    drop table pg_temp.ref_csv;
    return query
        select null::bigint, null::text, format('принято: изменено %s, удалено %s, версия %s', n_changed, n_deleted, b.version)
        from data.my_ref_book as b where b.ref_name = $1;
end $$;
grant execute on function admin.ref_import(text, boolean) to zapisd_operator;
comment on function admin.ref_import(text, boolean) is
    'ref_import(книга [, true]): принять то, что \copy положил в ref_csv; файл — весь справочник, с true — только добавленное и '
        'изменённое; отвечает негодными строками, и тогда ничего не меняет, или тем, что сделано. '
        'Пример: select * from admin.ref_import(''reasons'')';
