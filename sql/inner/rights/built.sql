-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Functions, views, triggers and row security as our files have made them (L4, C6). Each transaction of `zapisd migrate` that
-- applies a file calls data.built_aside() before and data.built_note() behind it: what the file has made is noted, what somebody
-- has changed by hand and the file has left alone is not, and stays told until it is put right.

-- Of some definitions there is only what the server makes of them when asked (is_worded), whatever its defaults are. A dump that
-- was restored has other brackets in some of them.
create or replace function data.built_now() returns table (kind text, object text, digest text, is_worded boolean)
language sql stable set search_path = pg_catalog, pg_temp set DateStyle = 'ISO, YMD' set IntervalStyle = 'postgres'
    set bytea_output = 'hex' set standard_conforming_strings = on
set extra_float_digits = 1 set TimeZone = 'UTC' set quote_all_identifiers = off as $$
    with d as (
        select 'routine' as kind, p.oid::regprocedure::text as object, p.prosqlbody is not null as is_worded,
            row(p.prosrc, translate(pg_get_function_sqlbody(p.oid), E'() \n'::text, ''), l.lanname, p.prorettype::regtype,
                p.proretset, p.proargnames, p.pronargdefaults, p.provolatile, p.proparallel, p.proisstrict, p.prosecdef,
                p.proconfig)::text as definition
        from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace join pg_language as l on l.oid = p.prolang
        where n.nspname in ('data', 'api', 'admin')
        union all
        select 'view', format('%I.%I', n.nspname, c.relname), true, row(translate(pg_get_viewdef(c.oid), E'() \n'::text, ''),
            c.reloptions)::text
        from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
        where n.nspname in ('data', 'api', 'admin') and c.relkind in ('v', 'm')
        union all
        select 'trigger', format('%I on %I.%I', t.tgname, n.nspname, c.relname), true,
            row(translate(pg_get_triggerdef(t.oid), E'() \n'::text, ''), t.tgenabled)::text
        from pg_trigger as t join pg_class as c on c.oid = t.tgrelid join pg_namespace as n on n.oid = c.relnamespace
        where n.nspname in ('data', 'api', 'admin') and not t.tgisinternal and not c.relispartition
        union all
        select 'policy', format('%I on %I.%I', p.polname, n.nspname, c.relname), true,
            row(translate(pg_get_expr(p.polqual, p.polrelid), E'() \n'::text, ''),
                translate(pg_get_expr(p.polwithcheck, p.polrelid), E'() \n'::text, ''), p.polcmd, p.polpermissive,
                p.polroles)::text
        from pg_policy as p join pg_class as c on c.oid = p.polrelid join pg_namespace as n on n.oid = c.relnamespace
        where n.nspname in ('data', 'api', 'admin')
        union all
        select 'row security', format('%I.%I', n.nspname, c.relname), false, row(c.relrowsecurity, c.relforcerowsecurity)::text
        from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
        where n.nspname in ('data', 'api', 'admin') and (c.relrowsecurity or c.relforcerowsecurity)
    )
    select d.kind, d.object, encode(sha256(convert_to(d.definition, 'UTF8')), 'hex'), d.is_worded from d
$$;
comment on function data.built_now() is 'Our functions, views, triggers, policies and row security as they are, by digest';

create or replace function data.server_major() returns integer
language sql stable set search_path = pg_catalog, pg_temp
return current_setting('server_version_num')::integer / 10000;
comment on function data.server_major() is 'Which PostgreSQL this is: 15';

create or replace function data.built_wrong() returns table (kind text, object text, trouble text)
language sql stable set search_path = pg_catalog, pg_temp as $$
    select 'routine', '', 'nothing is noted of what was applied' where not exists (select from data.built)
    union all
    select b.kind, b.object, case when n.object is null then 'missing' else 'not as it was applied' end
    from data.built as b
    left join data.built_now() as n on n.kind = b.kind and n.object = b.object
    where b.digest is not null
        and (n.object is null or n.digest <> b.digest and (not n.is_worded or b.server_major = data.server_major()))
$$;
comment on function data.built_wrong() is 'What of ours is gone, or not as our files have made it (L4)';

-- A function beside ours in api may be taken for ours; a trigger on a table of ours changes what is booked, a policy opens rows.
create or replace function data.built_foreign() returns table (kind text, object text)
language sql stable set search_path = pg_catalog, pg_temp as $$
    select n.kind, n.object
    from data.built_now() as n
    where (n.kind in ('trigger', 'policy') or n.kind = 'routine' and n.object like 'api.%') and exists (select from data.built)
        and not exists (select from data.built as b where b.kind = n.kind and b.object = n.object and b.digest is not null)
$$;
comment on function data.built_foreign() is 'Functions in api, triggers and policies that no file of ours has made';

-- A routine that somebody has changed bears a mark until then: a file that makes it anew takes the mark off, were its text the
-- very one that somebody has put there before.
create or replace function data.built_aside() returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    changed text;
begin
    if not exists (select from data.built) then
        return;
    end if;
    update data.built as b set seen = null where b.seen is not null;
    update data.built as b set seen = '' from data.built_wrong() as w where w.kind = b.kind and w.object = b.object;
    for changed in select b.object from data.built as b
        where b.seen = '' and case b.kind when 'routine' then to_regprocedure(b.object) end is not null
    loop
        execute format('alter routine %s set zapisd.aside = on', changed);
    end loop;
    insert into data.built as b (kind, object, seen, server_major)
    select n.kind, n.object, n.digest, data.server_major() from data.built_now() as n
    on conflict (kind, object) do update set seen = excluded.seen where b.seen = '' or b.digest is null;
end $$;
comment on function data.built_aside() is
    'Remembers what is not as our files have made it, until data.built_note() in the same transaction';

create or replace function data.built_note() returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    marked text;
begin
    -- Gone by a file of ours, or foreign and gone; what is gone by hand stays noted.
    delete from data.built as b
    where (b.seen is distinct from '' or b.digest is null)
        and not exists (select from data.built_now() as n where n.kind = b.kind and n.object = b.object);
    update data.built as b set seen = null
    from pg_rewrite as r
    where r.ev_class = case b.kind when 'view' then to_regclass(b.object) end and r.xmin = pg_current_xact_id()::xid;
    insert into data.built as b (kind, object, digest, server_major)
    select n.kind, n.object, n.digest, data.server_major() from data.built_now() as n
    on conflict (kind, object) do update set digest = excluded.digest, server_major = excluded.server_major
    where b.seen is distinct from excluded.digest;
    update data.built as b set seen = null where b.seen is not null;
    for marked in select p.oid::regprocedure::text from pg_proc as p where 'zapisd.aside=on' = any (p.proconfig) loop
        execute format('alter routine %s reset zapisd.aside', marked);
    end loop;
end $$;
comment on function data.built_note() is 'Notes functions, views and triggers as our files have left them';

-- For the files that are replaced before anything else, this one among them: no one sets aside what they judge by.
create or replace function data.built_note_own() returns void
language sql set search_path = pg_catalog, pg_temp as $$
    insert into data.built as b (kind, object, digest, server_major)
    select n.kind, n.object, n.digest, data.server_major()
    from data.built_now() as n
    join pg_proc as p on p.oid::regprocedure::text = n.object
    where n.kind = 'routine' and p.xmin = pg_current_xact_id()::xid and exists (select from data.built)
    on conflict (kind, object) do update set digest = excluded.digest, server_major = excluded.server_major
    where b.digest is distinct from excluded.digest
$$;
comment on function data.built_note_own() is 'Notes the functions that this transaction has replaced';

create or replace function data.built_report() returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    w record;
begin
    for w in select b.* from data.built_wrong() as b order by 1, 2 limit 20 loop
        raise warning '% % is %, and no file of sql/inner, sql/api or sql/admin makes it: restore it from sql/migrations; if '
            'nothing is to make it any more: delete from data.built where object = %', w.kind, w.object, w.trouble,
                quote_literal(w.object);
    end loop;
end $$;
comment on function data.built_report() is 'Warns of what migrating does not put right';

-- The files of a program beside those that were applied; migrations tell which of the two is of before.
create or replace function data.files_reason(files jsonb) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
    with d as (
        select coalesce(f.key, v.name) as name, f.key is null as is_only_here, v.name is null as is_missing,
            coalesce(f.key, v.name) ~ '^[0-9]{3}_' as is_migration
        from jsonb_each_text(files) as f
        full join (select * from data.schema_version as t where t.name !~ '^demo/') as v on v.name = f.key
        where f.value is distinct from v.sha256 and files is not null
    ), told as (
        select coalesce(bool_or(is_migration and is_missing), false) as is_older, coalesce(bool_or(is_migration and is_only_here),
            false) as is_newer,
            string_agg(name, ', ' order by is_migration desc, is_missing desc, name collate "C") filter (where n <= 5)
                || case when max(n) > 5 then format(' and %s more', max(n) - 5) else '' end as names
        from (select d.*, row_number() over (order by is_migration desc, is_missing desc, name collate "C") as n from d) as d
    )
    select case
        when t.is_older and t.is_newer then format('the schema is of another line than this program (%s)', t.names)
        when t.is_older then format('what this program needs is not applied (%s): run zapisd migrate', t.names)
        when t.is_newer then format('the schema is newer than this program (%s): start the new one (systemctl restart zapisd)',
            t.names)
        else format('the database is of another build than this program (%s): run zapisd migrate, or start the program it was '
            'migrated by', t.names) end
    from told as t where t.names is not null
$$;
comment on function data.files_reason(jsonb) is
    'Why these files (name: SHA-256) are not the ones that were applied, naming them; null: they are';

-- A view, a policy or a command of the console is nothing that requests go through: api.concerns() tells of those. The server
-- words a definition with a lock on the tables in it: whoever has one of them is not waited for, and it is looked at the next
-- time.
create or replace function data.built_reason() returns text
language plpgsql stable set search_path = pg_catalog, pg_temp set lock_timeout = '50ms' as $$
begin
    return (
        select 'changed by hand: '
            || string_agg(concat_ws(' ', w.kind, w.object, 'is', w.trouble), ', '
                order by w.kind, w.object) filter (where w.n <= 5)
            || case when max(w.n) > 5 then format(' and %s more', max(w.n) - 5) else '' end || ': run zapisd migrate'
        from (select b.*, row_number() over (order by b.kind, b.object) as n from data.built_wrong() as b
              where b.kind not in ('view', 'policy', 'row security') and b.object !~ '^admin[.]') as w
        having count(*) > 0);
exception when lock_not_available then
    return null;
end $$;
comment on function data.built_reason() is
    'What requests go through and is not as our files have made it, in words; null: all is, or somebody has locked a table that '
    'has to be asked for';
