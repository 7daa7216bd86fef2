-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Settings of roles and database that the system relies on, and which of them are not there: set by data.rights_repair(),
-- told by api.concerns().

-- What the daemon's role is told at login: by whoever made the role, and told again where it was forgotten. A role's setting
-- counts more than the database's. default_transaction_read_only is not among them: that is how a service is stopped for a while.
create or replace function data.role_settings() returns table (role name, setting text, value text)
language sql immutable set search_path = pg_catalog, pg_temp as $$
    values ('zapisd_daemon'::name, 'statement_timeout', '9s'), ('zapisd_daemon', 'lock_timeout', '5s'),
        ('zapisd_daemon', 'idle_in_transaction_session_timeout', '30s'),
        ('zapisd_daemon', 'client_connection_check_interval', '2s'), ('zapisd_daemon', 'default_transaction_isolation',
            'read committed'), ('zapisd_daemon', 'standard_conforming_strings', 'on'),
        ('zapisd_daemon', 'array_nulls', 'on')
$$;
comment on function data.role_settings() is
    'Settings the daemon relies on, whatever the database''s are: a session of its that hangs gives its locks back, a statement '
    'means what it was written to mean';

-- What of the above the role lacks in this cluster and in this database; a value an administrator has chosen counts.
create or replace function data.role_settings_missing() returns table (role name, setting text, value text)
language sql stable set search_path = pg_catalog, pg_temp as $$
    select s.* from data.role_settings() as s join pg_roles as r on r.rolname = s.role
    where not exists (select from pg_db_role_setting as d cross join lateral unnest(d.setconfig) as c
        where d.setrole = r.oid and d.setdatabase in (0, (select oid from pg_database where datname = current_database()))
        and split_part(c, '=', 1) = s.setting and split_part(c, '=', 2) <> '0')
$$;
comment on function data.role_settings_missing() is 'Settings of data.role_settings() that are not there, or are 0';

-- The server's log is read by people who may not read the applicants: no values of statements, no "Failing row contains",
-- no text of what somebody typed in psql (J3). Of this database alone; an administrator who wants a statement's text for a
-- while sets it for a role, which counts more. And no query here is worth compiling: what the console asks is short, and the
-- planner, which cannot know how little of a branch is gone through, would compile it for seconds (L1).
do $$ begin -- of before, when nothing was said of the trouble
    if exists (select from pg_proc where oid = to_regprocedure('data.database_settings()')
        and cardinality(proallargtypes) = 2) then
        drop function if exists data.database_settings_missing();
        drop function if exists data.database_settings();
    end if;
end $$;
create or replace function data.database_settings() returns table (setting text, value text, trouble text)
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select t.setting, t.value, 'personal data may reach the log of PostgreSQL'
    from (values ('log_error_verbosity', 'terse'), ('log_min_error_statement', 'panic'), ('log_parameter_max_length', '0'),
        ('log_parameter_max_length_on_error', '0'), ('log_statement', 'none'), ('log_min_duration_statement', '-1'),
        ('log_min_duration_sample', '-1')) as t (setting, value)
    union all
    values ('jit', 'off', 'commands of the console take seconds to compile')
$$;
comment on function data.database_settings() is
    'Settings of the database that keep personal data out of the server''s log (J3) and the console quick (L1), and what is the '
    'matter without them';

-- A day typed as Russians write it (08.03.2027) is that day; the way to write one, year first, means the same everywhere.
create or replace function data.typing_settings() returns table (setting text, value text)
language sql immutable set search_path = pg_catalog, pg_temp as $$
    values ('DateStyle', 'ISO, DMY')
$$;
comment on function data.typing_settings() is 'Settings of the database by which what a clerk types means what he meant';

create or replace function data.database_settings_missing() returns table (setting text, value text, trouble text)
language sql stable set search_path = pg_catalog, pg_temp as $$
    select s.* from (select * from data.database_settings()
        union all select t.*, 'days written as 31.12.2026 may be taken for others' from data.typing_settings() as t) as s
    where not exists (select from pg_db_role_setting as d cross join lateral unnest(d.setconfig) as c
        where d.setrole = 0 and d.setdatabase = (select oid from pg_database where datname = current_database())
        and split_part(c, '=', 1) = s.setting)
$$;
comment on function data.database_settings_missing() is
    'Those of data.database_settings() and data.typing_settings() that this database does not have; a value an administrator '
    'has chosen counts';

-- Advisory locks are a name space of the whole database, and the server lets every login take any of them: those of our places
-- and times, too, and those of a session without a transaction that could be seen (L1). Nobody but the owner's functions needs
-- them; they take them for a transaction.
create or replace function data.advisory_functions()
    returns table (name text, is_session boolean, is_public boolean, is_owners boolean, may_change boolean)
language sql stable set search_path = pg_catalog, pg_temp as $$
    select p.oid::regprocedure::text, p.proname !~ '_xact_', exists (
            select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as a where a.grantee = 0),
        exists (select from aclexplode(p.proacl) as a where a.grantee = to_regrole('zapisd_owner')),
        pg_has_role(p.proowner, 'usage')
    from pg_proc as p
    where p.pronamespace = 'pg_catalog'::regnamespace and p.proname ~ '^pg_(try_)?advisory_(xact_)?lock(_shared)?$'
$$;
comment on function data.advisory_functions() is
    'The server''s functions that take an advisory lock: for a session or a transaction, whether everybody may, whether our '
        'owner was given it, and whether the caller may change that';

create or replace function data.advisory_missing() returns table (words text, may_change boolean)
language sql stable set search_path = pg_catalog, pg_temp as $$
    select format('grant execute on function %s to zapisd_owner', f.name), f.may_change
    from data.advisory_functions() as f where not f.is_session and not f.is_owners and to_regrole('zapisd_owner') is not null
    union all
    select format('revoke execute on function %s from public', f.name), f.may_change
    from data.advisory_functions() as f where f.is_public
$$;
comment on function data.advisory_missing() is
    'What is to be said so that nobody but our functions takes advisory locks in this database, and whether the caller may; '
        'what gives goes before what takes';
