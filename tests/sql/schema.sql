-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- What every object must have (O3: comments), who owns it, and that nobody else got rights by default.
\ir lib/helpers.psql
select no_plan();

create temp view ours as
select oid, nspname from pg_namespace where nspname in ('data', 'api', 'admin');

select is_empty($$
    select 'schema ' || nspname from ours where obj_description(oid, 'pg_namespace') is null
    union all
    select 'role ' || rolname from pg_roles where rolname like 'zapisd\_%' and shobj_description(oid, 'pg_authid') is null
    union all
    select c.relkind::text || ' ' || c.oid::regclass from pg_class c join ours n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'c') and obj_description(case c.relkind when 'c' then c.reltype else c.oid end,
        case c.relkind when 'c' then 'pg_type' else 'pg_class' end) is null
    union all
    select 'column ' || c.oid::regclass || '.' || a.attname from pg_attribute a join pg_class c on c.oid = a.attrelid
    join ours n on n.oid = c.relnamespace
    where a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'p', 'v', 'c') and not c.relispartition
        and col_description(c.oid, a.attnum) is null
    union all
    select 'constraint ' || c.conname || ' on ' || c.conrelid::regclass from pg_constraint c join ours n on n.oid = c.connamespace
    join pg_class r on r.oid = c.conrelid
    where not r.relispartition and obj_description(c.oid, 'pg_constraint') is null
    union all
    select 'type ' || t.oid::regtype from pg_type t join ours n on n.oid = t.typnamespace
    where t.typtype in ('e', 'd') and obj_description(t.oid, 'pg_type') is null
    union all
    select 'function ' || p.oid::regprocedure from pg_proc p join ours n on n.oid = p.pronamespace
    where obj_description(p.oid, 'pg_proc') is null
    union all
    select 'trigger ' || t.tgname || ' on ' || t.tgrelid::regclass from pg_trigger t join pg_class c on c.oid = t.tgrelid
    join ours n on n.oid = c.relnamespace
    where not t.tgisinternal and obj_description(t.oid, 'pg_trigger') is null
    union all
    select 'index ' || c.oid::regclass from pg_class c join ours n on n.oid = c.relnamespace
    where c.relkind in ('i', 'I') and not c.relispartition and not exists (select from pg_constraint k where k.conindid = c.oid)
        and obj_description(c.oid, 'pg_class') is null
    union all
    select 'sequence ' || c.oid::regclass from pg_class c join ours n on n.oid = c.relnamespace
    where c.relkind = 'S' and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'i')
        and obj_description(c.oid, 'pg_class') is null
$$, 'O3: every object has a comment');
-- what an operator may write, \d+ explains to him
select is_empty($$
    select c.oid::regclass || '.' || a.attname, col_description(c.oid, a.attnum)
    from pg_class as c join ours as n on n.oid = c.relnamespace join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relkind in ('r', 'p') and coalesce(col_description(c.oid, a.attnum), '') !~ '[а-яё]'
        and (has_column_privilege('zapisd_operator', c.oid, a.attnum, 'insert') or has_column_privilege('zapisd_operator', c.oid, a.attnum, 'update'))
    union all
    select c.oid::regclass::text, obj_description(c.oid, 'pg_class')
    from pg_class as c join ours as n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and coalesce(obj_description(c.oid, 'pg_class'), '') !~ '[а-яё]'
        and (has_any_column_privilege('zapisd_operator', c.oid, 'insert') or has_any_column_privilege('zapisd_operator', c.oid, 'update'))
$$, 'O3: in Russian, where an operator may write');

select is_empty($$
    select c.oid::regclass::text, c.relowner::regrole::text from pg_class c join ours n on n.oid = c.relnamespace
    where c.relowner <> 'zapisd_owner'::regrole
    union all
    select p.oid::regprocedure::text, p.proowner::regrole::text from pg_proc p join ours n on n.oid = p.pronamespace
    where p.proowner <> 'zapisd_owner'::regrole
    union all
    select t.oid::regtype::text, t.typowner::regrole::text from pg_type t join ours n on n.oid = t.typnamespace
    where t.typowner <> 'zapisd_owner'::regrole
    union all
    select nspname, nspowner::regrole::text from pg_namespace where nspname in ('data', 'api', 'admin') and nspowner <> 'zapisd_owner'::regrole
$$, 'everything belongs to zapisd_owner');

select is_empty($$
    select c.oid::regclass::text from pg_class c join ours n on n.oid = c.relnamespace, aclexplode(c.relacl) a where a.grantee = 0
    union all
    select p.oid::regprocedure::text from pg_proc p join ours n on n.oid = p.pronamespace,
        aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a where a.grantee = 0
    union all
    select n.nspname from pg_namespace n, aclexplode(n.nspacl) a where n.nspname in ('data', 'api', 'admin') and a.grantee = 0
$$, 'PUBLIC has nothing');

select is_empty($$
    select p.oid::regprocedure::text from pg_proc p where p.pronamespace in ('api'::regnamespace, 'admin'::regnamespace)
        and not (p.prosecdef and p.proconfig::text like '%search\_path=pg\_catalog, pg\_temp%')
    union all
    select p.oid::regprocedure::text from pg_proc p where p.pronamespace = 'api'::regnamespace
        and not has_function_privilege('zapisd_daemon', p.oid, 'execute')
$$, 'api and admin run as the owner with a pinned search_path, and the daemon may call all of api');

select is_empty($$
    select p.oid::regprocedure::text from pg_proc p
    where p.pronamespace in ('data'::regnamespace, 'admin'::regnamespace) and has_function_privilege('zapisd_daemon', p.oid, 'execute')
    union all
    select p.oid::regprocedure::text from pg_proc p, unnest(array['zapisd_operator', 'zapisd_auditor']) r
    where p.pronamespace in ('data'::regnamespace, 'api'::regnamespace) and has_function_privilege(r, p.oid, 'execute')
        and p.proname not in ('is_time_zone', 'slot_attributes_fit', 'attributes_plain', 'values_plain', 'is_name', 'is_turned') -- constraints the operator's own writes run into
        and p.proname not in ('sees_all', 'my_offices', 'my_agencies', 'whole_agencies', 'is_my_service', 'is_my_calendar', 'journal_agency') -- what policies ask (C6)
    union all
    select c.oid::regclass::text from pg_class c join ours n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v') and has_any_column_privilege('zapisd_daemon', c.oid, 'select, insert, update, references')
$$, 'the daemon calls api and nothing else; operator and auditor never call api or data');

select is_empty($$
    select r || ' ' || t from unnest(array['zapisd_operator', 'zapisd_auditor']) r,
        unnest(array['data.applicant', 'data.message_seen', 'data.inbox', 'data.inbox_call', 'data.inbox_file', 'data.inbox_source', 'data.inbox_section', 'data.inbox_refusal', 'data.inbox_unread']) t
    where has_any_column_privilege(r, t, 'select')
    union all
    select r || ' ' || c from unnest(array['zapisd_operator', 'zapisd_auditor']) r,
        (values ('data.booking', 'esia_id'), ('data.booking', 'attributes'), ('data.booking', 'content_hash'), ('data.journal', 'body'),
            ('data.journal', 'peer'), ('data.journal_refused', 'head'), ('data.journal_refused', 'answer'), ('data.journal_refused', 'peer'), ('data.outbox', 'payload'), ('data.outbox', 'octets'), ('data.outbox', 'answer')) v (t, c)
    where has_column_privilege(r, t, c, 'select')
$$, 'J3: operator and auditor read no personal data');

select is_empty($$
    select r || ' ' || t || ' ' || p
    from unnest(array['zapisd_operator', 'zapisd_auditor', 'zapisd_daemon']) r,
        unnest(array['data.booking', 'data.place', 'data.booking_history', 'data.journal', 'data.journal_refused', 'data.message_seen', 'data.applicant',
            'data.outbox', 'data.outbox_event', 'data.outbox_road', 'data.inbox', 'data.inbox_call', 'data.inbox_file', 'data.inbox_source', 'data.inbox_section', 'data.inbox_refusal', 'data.inbox_unread', 'data.status', 'data.booking_arrow', 'data.ref_book', 'data.schema_version']) t,
        unnest(array['insert', 'update', 'delete', 'truncate']) p
    where has_table_privilege(r, t, p)
$$, 'S3, B2: no role but the owner writes bookings, places, history, journal');

-- S1: Appendix 1
select set_eq('select code from data.status',
    array['001', '100', '101', '200', '201', '202', '203', '205', '206', '207', '208', '300', '301', '302', '303'], 'S1: the fifteen statuses');
select is((select comment from data.status where code = '208'), 'Запрашиваемое время не может быть забронировано', 'S1: the comment of 208 is the order''s');
select is((select comment from data.status where code = '301'), 'Вы удалили своё заявление', 'S1: the comment of 301 is the order''s');
select set_eq('select code from data.status where not is_shown', array['205', '300', '301'], 'S1: three names are not shown to the applicant');
select set_eq('select code from data.status where initiator <> ''agency''', array['001', '101', '200', '205', '303'], 'S1: initiators');
select is_empty('select s from unnest(enum_range(null::data.booking_state)) s where data.state_code(s) not in (select code from data.status)',
    'S1: every inner state has a status of Appendix 1');
select is((select count(*) from admin.help() where what is null), 0::bigint, 'admin.help() explains every function');
-- A body that is read anew in each session is read as that session has standard_conforming_strings: a backslash in a plain literal is then
-- another text, and in U&'' an error; in E'' it is what it is.
select is_empty($q$select p.oid::regprocedure from pg_proc as p
    where p.pronamespace in ('data'::regnamespace, 'api'::regnamespace, 'admin'::regnamespace) and p.prosqlbody is null
        and replace(regexp_replace(p.prosrc, '--[^\n]*', '', 'g'), '''''', '') ~ $re$(^|[^Ee])'[^']*\\[^']*'$re$$q$,
    'O3: no function means something else where the session has standard_conforming_strings off');
select * from finish();
rollback;
