-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Roles, owners, grants and settings as they must be (O4, C6). `zapisd migrate` asks for repair before it applies anything, and
-- each transaction that applies a file of ours notes the rights as that file leaves them: what is undone has left no note.
-- What somebody has granted by hand is none of it: it is set aside while a file runs, told, and left to him. They run with
-- the rights of whoever migrates, who replaces them before anything else.

-- Every object of ours with its owner and its list of rights.
create or replace function data.rights_objects()
    returns table (kind text, object text, part text, owner name, acl aclitem[], keyword text)
language sql stable set search_path = pg_catalog, pg_temp as $$
    select 'schema', format('%I', n.nspname), '', pg_get_userbyid(n.nspowner), coalesce(n.nspacl, acldefault('n', n.nspowner)),
        'schema'
    from pg_namespace as n where n.nspname in ('data', 'api', 'admin')
    union all
    select 'relation', format('%I.%I', n.nspname, c.relname), '', pg_get_userbyid(c.relowner),
        coalesce(c.relacl, acldefault((case c.relkind when 'S' then 's' else 'r' end)::"char", c.relowner)),
        case c.relkind when 'S' then 'sequence' when 'v' then 'view' when 'm' then 'materialized view' else 'table' end
    from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
    where n.nspname in ('data', 'api', 'admin') and c.relkind in ('r', 'p', 'v', 'm', 'S')
    union all
    select 'column', format('%I.%I', n.nspname, c.relname), format('%I', a.attname), pg_get_userbyid(c.relowner),
        a.attacl, 'table'
    from pg_attribute as a join pg_class as c on c.oid = a.attrelid join pg_namespace as n on n.oid = c.relnamespace
    where n.nspname in ('data', 'api', 'admin') and c.relkind in ('r', 'p', 'v', 'm') and a.attnum > 0 and not a.attisdropped
        and a.attacl is not null
    union all
    select 'routine', p.oid::regprocedure::text, '', pg_get_userbyid(p.proowner), coalesce(p.proacl, acldefault('f', p.proowner)),
        'routine'
    from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace where n.nspname in ('data', 'api', 'admin')
    union all
    select 'type', format('%I.%I', n.nspname, t.typname), '', pg_get_userbyid(t.typowner),
        coalesce(t.typacl, acldefault('T', t.typowner)), 'type'
    from pg_type as t join pg_namespace as n on n.oid = t.typnamespace left join pg_class as c on c.oid = t.typrelid
    where n.nspname in ('data', 'api', 'admin') and t.typcategory <> 'A' and (t.typrelid = 0 or c.relkind = 'c')
$$;
comment on function data.rights_objects() is 'Our objects, their owners and lists of rights, as the catalog has them';

-- The owner has what an owner has.
create or replace function data.rights_now() returns setof data.rights
language sql stable set search_path = pg_catalog, pg_temp as $$
    select distinct o.kind, o.object, o.part, case when a.grantee = 0 then 'public' else pg_get_userbyid(a.grantee)::text end,
        a.privilege_type
    from data.rights_objects() as o cross join lateral aclexplode(o.acl) as a
    where a.grantee = 0 or pg_get_userbyid(a.grantee) in ('zapisd_daemon', 'zapisd_operator', 'zapisd_auditor',
        'zapisd_registrar')
$$;
comment on function data.rights_now() is 'The rights of our roles and of everybody as they are';

-- No file of ours says whose a function or a view is, nor that it is nobody else's: as the server makes it, a function is
-- everybody's.
create or replace function data.rights_own() returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    x record;
begin
    for x in
        select 'routine' as kind, p.oid::regprocedure::text as object, p.proowner as owner
        from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace
        where n.nspname in ('data', 'api', 'admin') and p.xmin = pg_current_xact_id()::xid
        union all
        select 'table', format('%I.%I', n.nspname, c.relname), c.relowner
        from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
        where n.nspname in ('data', 'api', 'admin') and c.relkind = 'v' and c.xmin = pg_current_xact_id()::xid
    loop
        if x.owner <> 'zapisd_owner'::regrole then
            execute format('alter %s %s owner to zapisd_owner', x.kind, x.object);
        end if;
        execute format('revoke all on %s %s from public', x.kind, x.object);
    end loop;
end $$;
comment on function data.rights_own() is
    'Gives the functions and views that this transaction has made to zapisd_owner, and takes them from everybody';

create or replace function data.rights_keyword(kind text, object text) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
    select case when kind not in ('relation', 'column') then kind
        when exists (select from pg_class as c where c.oid = object::regclass and c.relkind = 'S') then 'sequence'
            else 'table' end
$$;
comment on function data.rights_keyword(text, text) is 'What GRANT calls an object of that kind';

create or replace function data.rights_phrase(r data.rights) returns text
language sql stable set search_path = pg_catalog, pg_temp
return lower(r.privilege) || case when r.part <> '' then ' (' || r.part || ')' else '' end || ' on '
    || data.rights_keyword(r.kind, r.object) || ' ' || r.object;
comment on function data.rights_phrase(data.rights) is
    'A right as GRANT and REVOKE have it: select (state) on table data.booking';

create or replace function data.rights_stands(r data.rights) returns boolean
language sql stable set search_path = pg_catalog, pg_temp
return case r.kind when 'routine' then to_regprocedure(r.object) is not null when 'type' then to_regtype(r.object) is not null
    when 'schema' then to_regnamespace(r.object) is not null when 'relation' then to_regclass(r.object) is not null
    else exists (select from pg_attribute as a where a.attrelid = to_regclass(r.object) and quote_ident(a.attname) = r.part
        and not a.attisdropped) end;
comment on function data.rights_stands(data.rights) is 'Whether what a right is about is still there';

create or replace function data.rights_foreign() returns setof data.rights
language sql stable set search_path = pg_catalog, pg_temp as $$
    select n.* from data.rights_now() as n where exists (select from data.rights)
    except
    select w.* from data.rights as w
$$;
comment on function data.rights_foreign() is 'Rights of our roles and of everybody that no file of ours has given';

-- Taken back for the length of a transaction: what the file grants then is told from what stood already. A right that does not
-- go (it was granted by somebody to whom it had been granted) is remembered as such.
create or replace function data.rights_aside() returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    r data.rights;
    aside constant data.rights[] := array(select f from data.rights_foreign() as f);
begin
    foreach r in array aside loop
        execute format('revoke %s from %s', data.rights_phrase(r), r.grantee);
    end loop;
    perform set_config('zapisd.rights_aside', to_jsonb(aside)::text, true),
        set_config('zapisd.rights_stuck', to_jsonb(array(select f from data.rights_foreign() as f))::text, true);
end $$;
comment on function data.rights_aside() is
    'Sets aside what was granted by hand, until data.rights_note() in the same transaction';

create or replace function data.rights_note() returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    r data.rights;
    aside constant jsonb := coalesce(nullif(current_setting('zapisd.rights_aside', true), ''), '[]');
    stuck constant jsonb := coalesce(nullif(current_setting('zapisd.rights_stuck', true), ''), '[]');
begin
    delete from data.rights;
    insert into data.rights
    select n.* from data.rights_now() as n
    except
    select s.* from jsonb_populate_recordset(null::data.rights, stuck) as s;
    for r in
        select a.* from jsonb_populate_recordset(null::data.rights, aside) as a
        except
        select n.* from data.rights_now() as n
    loop
        if data.rights_stands(r) then
            execute format('grant %s to %s', data.rights_phrase(r), r.grantee);
        end if;
    end loop;
end $$;
comment on function data.rights_note() is
    'Notes the rights as our files have left them: what data.rights_repair() restores; and gives back what was set aside';

create or replace function data.rights_report() returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    r record;
    n integer := 0;
begin
    for r in select data.rights_phrase(f) as phrase, f.grantee from data.rights_foreign() as f order by 2, 1 loop
        n := n + 1;
        if n <= 20 then
            raise warning 'no file of ours grants % to %; it stays as it is and is not restored; to take it back: revoke % from '
                '%', r.phrase, r.grantee, r.phrase, r.grantee;
        end if;
    end loop;
    if n > 20 then
        raise warning 'and % more rights that no file of ours grants: select * from admin.check()', n - 20;
    end if;
end $$;
comment on function data.rights_report() is 'Warns of what was granted by hand';

create or replace function data.rights_repair(only_tell boolean default false) returns text
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    x record;
    r data.rights;
    roles integer := 0;
    owners integer := 0;
    grants integer := 0;
    revokes integer := 0;
    settings integer := 0;
    is_open boolean := false;
begin
    for x in
        select v.name, v.can_log_in from (values ('zapisd_owner', false), ('zapisd_daemon', true), ('zapisd_operator', false),
            ('zapisd_auditor', false), ('zapisd_registrar', false)) as v (name, can_log_in)
        where not exists (select from pg_roles where rolname = v.name)
    loop
        roles := roles + 1;
        if not only_tell then
            execute format('create role %I %s', x.name, case when x.can_log_in then 'login' else 'nologin' end);
        end if;
    end loop;
    for x in select m.* from data.role_settings_missing() as m loop
        settings := settings + 1;
        if not only_tell then
            execute format('alter role %I set %I = %L', x.role, x.setting, x.value);
        end if;
    end loop;
    for x in select m.* from data.database_settings_missing() as m loop
        begin
            if not only_tell then
                execute format('alter database %I set %I = %L', current_database(), x.setting, x.value);
            end if;
            settings := settings + 1;
        exception when insufficient_privilege then
            raise warning '%; as a superuser: alter database % set % = %', x.trouble, quote_ident(current_database()), x.setting,
                quote_literal(x.value);
        end;
    end loop;
    -- Who waits for whom is read, and who has forgotten his session is ended, by the owner's functions.
    for x in
        select t.* from (values ('pg_read_all_stats', 'api.lock_holders names no application'),
            ('pg_signal_backend', 'admin.lock_end ends nobody')) as t (role, lack)
        where exists (select from pg_roles where rolname = 'zapisd_owner') and not pg_has_role('zapisd_owner', t.role, 'member')
    loop
        begin
            if not only_tell then
                execute format('grant %I to zapisd_owner', x.role);
            end if;
            settings := settings + 1;
        exception when insufficient_privilege then
            raise warning '%; as a superuser: grant % to zapisd_owner', x.lack, x.role;
        end;
    end loop;
    for x in select m.* from data.advisory_missing() as m loop
        if x.may_change then
            settings := settings + 1;
            if not only_tell then
                execute x.words;
            end if;
        else
            is_open := true;
        end if;
    end loop;
    if is_open then
        raise warning 'any login may stop bookings by advisory locks: run zapisd migrate once as a superuser';
    end if;
    -- The owner first: a grant is made in its name. A sequence of a column follows its table.
    for x in
        select distinct on (o.keyword, o.object) o.* from data.rights_objects() as o
        where o.owner <> 'zapisd_owner' and o.kind <> 'column' and not (o.keyword = 'sequence'
            and exists (select from pg_depend as d where d.classid = 'pg_class'::regclass and d.objid = o.object::regclass
                and d.deptype in ('a', 'i')))
    loop
        owners := owners + 1;
        if not only_tell then
            execute format('alter %s %s owner to zapisd_owner', x.keyword, x.object);
        end if;
    end loop;
    if exists (select from data.rights) then
        for r in select f.* from data.rights_foreign() as f where f.grantee = 'public' loop
            revokes := revokes + 1;
            if not only_tell then
                execute format('revoke %s from public', data.rights_phrase(r));
            end if;
        end loop;
        for r in
            select w.* from data.rights as w where data.rights_stands(w)
            except
            select n.* from data.rights_now() as n
        loop
            grants := grants + 1;
            if not only_tell then
                execute format('grant %s to %s', data.rights_phrase(r), r.grantee);
            end if;
        end loop;
    end if;
    -- The roles that were not there have no settings yet.
    if roles > 0 and not only_tell then
        for x in select m.* from data.role_settings_missing() as m loop
            settings := settings + 1;
            execute format('alter role %I set %I = %L', x.role, x.setting, x.value);
        end loop;
    end if;
    return case when roles + owners + grants + revokes + settings = 0 then ''
        else format('%s roles, %s owners, %s rights, %s rights of everybody, %s settings', roles, owners, grants,
            revokes, settings) end;
end $$;
comment on function data.rights_repair(boolean) is
    'Makes missing roles, gives our objects back to zapisd_owner and the roles the rights of data.rights; tells what was '
        'missing, or nothing';
