-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Steps of admin.ref_import(): rows of a CSV file are looked through first, all wrong ones are told with their lines, and only
-- then the book is changed (R5).

-- The rows of the temporary table with the line each begins on; the header is line 1.
create or replace function data.ref_csv_rows(p_ref_name text)
returns table (line bigint, code text, parent text, title text, attributes jsonb)
language plpgsql as $$
begin
    -- Only the table that admin.ref_csv() made: somebody else's could be a view that does things.
    if not exists (select from pg_class as c where c.oid = to_regclass('pg_temp.ref_csv') and c.relkind = 'r'
            and c.relowner = 'zapisd_owner'::regrole and obj_description(c.oid, 'pg_class') = p_ref_name) then
        raise exception 'Таблица ref_csv справочника % не загружена', p_ref_name
            using errcode = 'undefined_table',
                hint = format(E'select admin.ref_csv(%L, true), then \\copy ref_csv from ... (format csv, header match)',
                p_ref_name);
    end if;
    return query execute $sql$
        select 2 + coalesce(sum(1 + r.breaks) over (order by r.at rows between unbounded preceding and 1 preceding), 0)::bigint,
            r.body ->> 'code', nullif(r.body ->> 'parent', ''), r.body ->> 'title',
            jsonb_strip_nulls(r.body - '{code,parent,title}'::text[])
        from (
            select t.ctid as at, to_jsonb(t) as body, (
                select coalesce(sum(length(v.value) - length(replace(v.value, chr(10), ''))), 0)
                from jsonb_each_text(to_jsonb(t)) as v
            ) as breaks
            from pg_temp.ref_csv as t
        ) as r
        order by r.at $sql$;
end $$;
comment on function data.ref_csv_rows(text) is 'What \copy brought, each row with its line in the file';

create or replace function data.ref_csv_problems(p_book data.ref_book, p_is_partial boolean)
returns table (line bigint, field text, problem text)
language plpgsql as $$
begin
    return query
        with recursive r as materialized (
            select * from data.ref_csv_rows(p_book.ref_name)
        ), edge as materialized (
            select x.code, x.parent from r as x where p_book.kind = 'H' and x.parent is not null
            union all
            select i.code, p.code from data.ref_item as i join data.ref_item as p on p.item_id = i.parent_id
            where p_book.kind = 'H' and p_is_partial and i.ref_name = p_book.ref_name
                and not exists (select from r as x where x.code = i.code)
        ), up as (
            select e.code as start, e.parent as at from edge as e
            union
            select u.start, e.parent from up as u join edge as e on e.code = u.at
        )
        select x.line, 'code', 'код не указан' from r as x where coalesce(x.code, '') = ''
        union all
        select x.line, 'code', 'код длиннее 250 знаков или с управляющими знаками' from r as x where length(x.code) > 250
            or x.code ~ E'[\\u0001-\\u001f\\u007f-\\u009f\\ufffe\\uffff]'
        union all
        select x.line, 'code', format('код «%s» уже был в строке %s', x.code, x.first)
        from (select t.line, t.code, min(t.line) over (partition by t.code) as first from r as t where t.code <> '') as x
            where x.line > x.first
        union all
        select x.line, 'title', case when x.title is null then 'наименование не указано'
            else 'наименование длиннее 4000 знаков' end
        from r as x where coalesce(btrim(x.title), '') = '' or length(x.title) > 4000
        union all
        select x.line, t.field, 'в тексте управляющий знак'
        from r as x cross join lateral (select 'title' as field, x.title as value
            union all select v.name, v.value from jsonb_each_text(x.attributes) as v (name, value)) as t
        where t.value ~ E'[\\u0001-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\ufffe\\uffff]'
        union all
        select x.line, 'parent', format('родительский элемент «%s» не найден', x.parent)
        from r as x
        where x.parent is not null and not exists (select from r as p where p.code = x.parent)
            and not (p_is_partial and exists (select from data.ref_item as i where i.ref_name = p_book.ref_name
                and i.code = x.parent))
        union all
        select x.line, 'parent', 'элемент подчинён сам себе'
        from r as x where exists (select from up as u where u.start = x.code and u.at = x.code)
        union all
        select x.line, v.name, format('значение «%s» не подходит к типу %s', left(v.value, 60), a.type)
        from r as x cross join lateral jsonb_each_text(x.attributes) as v (name, value)
        join data.ref_attribute as a on a.ref_name = p_book.ref_name and a.name = v.name
        where not data.ref_value_fits(a.type, v.value)
        union all
        select x.line, a.name, format('кода «%s» нет в справочнике %s', left(x.attributes ->> a.name, 60), a.attr_ref_name)
        from r as x join data.ref_attribute as a on a.ref_name = p_book.ref_name and a.attr_ref_name is not null
            and x.attributes ? a.name
        where not exists (select from data.ref_item as i where i.ref_name = a.attr_ref_name and i.code = x.attributes ->> a.name
                and (a.attr_ref_name <> p_book.ref_name or p_is_partial))
            and not (a.attr_ref_name = p_book.ref_name and exists (select from r as y where y.code = x.attributes ->> a.name));
end $$;
comment on function data.ref_csv_problems(data.ref_book, boolean) is
    'Every wrong row of the file, with its line, its column and why';

-- Built-in books are imported into the tables they follow: services as a whole, of organizations and areas what they are called.
create or replace function data.ref_csv_derived_problems(p_book data.ref_book)
returns table (line bigint, field text, problem text)
language plpgsql as $$
begin
    return query
        with r as materialized (
            select * from data.ref_csv_rows(p_book.ref_name)
        )
        select x.line, 'code', 'такой организации нет: она заводится в data.organization'
        from r as x where p_book.ref_name = 'organizations' and not exists (select from data.organization as o
            where o.organization_id = x.code)
        union all
        select x.line, 'code', 'такого помещения нет: его заводит admin.add_area'
        from r as x where p_book.ref_name = 'areas'
            and not exists (select from data.area as a where a.organization_id = x.attributes ->> 'organizationId'
                and a.area_id = x.code)
        union all
        select x.line, 'code', 'где какая услуга оказывается, решает admin.add_service'
        from r as x where p_book.ref_name = 'offers'
        union all
        select x.line, 'kind', 'вид помещения — building, floor, hall, room, window, specialist или пусто'
        from r as x where p_book.ref_name = 'areas'
            and coalesce(x.attributes ->> 'kind', '') not in ('', 'building', 'floor', 'hall', 'room', 'window', 'specialist')
        union all
        select x.line, 'timeZone', format('часовой пояс «%s» не известен', x.attributes ->> 'timeZone')
        from r as x where p_book.ref_name = 'organizations'
            and not coalesce(data.is_time_zone(x.attributes ->> 'timeZone'), false)
        union all
        select x.line, c.name, 'координата вне допустимых значений'
        from r as x cross join (values ('latitude', 90), ('longitude', 180)) as c (name, bound)
        where p_book.ref_name = 'organizations' and x.attributes ->> c.name ~ E'^-?[0-9]{1,30}(\\.[0-9]{1,30})?$'
            and abs((x.attributes ->> c.name)::numeric) > c.bound
    union all
    select x.line, case when coalesce(x.attributes ->> 'latitude', '') = '' then 'latitude' else 'longitude' end,
        'широта и долгота указываются вместе'
    from r as x where p_book.ref_name = 'organizations'
        and (coalesce(x.attributes ->> 'latitude', '') = '') <> (coalesce(x.attributes ->> 'longitude', '') = '')
        union all
        select x.line, v.name, 'часы работы следуют из расписания (data.timetable) и здесь не меняются'
        from r as x
        cross join lateral jsonb_each_text(x.attributes) as v (name, value)
        where p_book.ref_name = 'organizations' and v.name ~ '^(mon|tue|wed|thu|fri|sat|sun)[A-Z]'
            and exists (select from data.ref_item as i where i.ref_name = 'organizations' and i.code = x.code
                and i.attributes ->> v.name is distinct from v.value);
end $$;
comment on function data.ref_csv_derived_problems(data.ref_book) is
    'What cannot be imported into the tables a built-in book follows';

create or replace function data.ref_csv_apply_derived(p_ref_name text) returns bigint
language plpgsql as $$
declare
    n bigint;
begin
    if p_ref_name = 'services' then
        insert into data.service as s (service_id, name, frgu_number)
        select r.code, r.title, coalesce(r.attributes ->> 'frguNumber', '') from data.ref_csv_rows(p_ref_name) as r
        on conflict (service_id) do update set name = excluded.name, frgu_number = excluded.frgu_number
        where (s.name, s.frgu_number) is distinct from (excluded.name, excluded.frgu_number);
    elsif p_ref_name = 'organizations' then
        update data.organization as o
        set name = r.title, address = coalesce(r.attributes ->> 'address', ''), phone = coalesce(r.attributes ->> 'phone', ''),
            time_zone = r.attributes ->> 'timeZone', latitude = (r.attributes ->> 'latitude')::numeric,
            longitude = (r.attributes ->> 'longitude')::numeric,
            timetable_comment = coalesce(r.attributes ->> 'TimetableComment', '')
        from data.ref_csv_rows(p_ref_name) as r
        where o.organization_id = r.code
            and (o.name, o.address, o.phone, o.time_zone, o.latitude, o.longitude, o.timetable_comment) is distinct from
                (r.title, coalesce(r.attributes ->> 'address', ''), coalesce(r.attributes ->> 'phone', ''),
                    r.attributes ->> 'timeZone',
                (r.attributes ->> 'latitude')::numeric(9, 6), (r.attributes ->> 'longitude')::numeric(9, 6),
                coalesce(r.attributes ->> 'TimetableComment', ''));
    else
        update data.area as a set name = r.title, kind = nullif(r.attributes ->> 'kind', '')
        from data.ref_csv_rows(p_ref_name) as r
        where a.organization_id = r.attributes ->> 'organizationId' and a.area_id = r.code
            and (a.name, a.kind) is distinct from (r.title, nullif(r.attributes ->> 'kind', ''));
    end if;
    get diagnostics n = row_count;
    return n;
end $$;
comment on function data.ref_csv_apply_derived(text) is
    'Brings the file into the tables a built-in book follows; what is not in the file stays';

create or replace function data.ref_csv_apply(p_ref_name text) returns bigint
language plpgsql as $$
declare
    n bigint;
begin
    with r as materialized (
        select t.*, coalesce(i.item_id, nextval('data.ref_item_item_id_seq')) as item_id
        from data.ref_csv_rows(p_ref_name) as t
        left join data.ref_item as i on i.ref_name = p_ref_name and i.code = t.code
    ), known as materialized (
        select t.code, t.item_id from r as t
        union
        select i.code, i.item_id from data.ref_item as i where i.ref_name = p_ref_name
    )
    insert into data.ref_item as t (item_id, ref_name, code, parent_id, title, attributes)
    select x.item_id, p_ref_name, x.code, p.item_id, x.title, x.attributes
    from r as x left join known as p on p.code = x.parent
    on conflict on constraint ref_item_code_key do update
    set parent_id = excluded.parent_id, title = excluded.title, attributes = excluded.attributes
    where (t.parent_id, t.title, t.attributes) is distinct from (excluded.parent_id, excluded.title, excluded.attributes);
    get diagnostics n = row_count;
    return n;
end $$;
comment on function data.ref_csv_apply(text) is 'Brings the file into a book of one''s own; what is not in the file stays';
