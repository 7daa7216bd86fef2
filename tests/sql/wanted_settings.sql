-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- L1, O3, J3: what the database's own settings must be is set for each session of it, whoever asks: no query is compiled (find took seconds
-- of it), and no text of a query gets into the server's log. What an administrator has chosen himself stays.
\ir lib/helpers.psql
select no_plan();
create function pg_temp.kept() returns setof text language sql as $$
    select c from pg_db_role_setting as d, unnest(d.setconfig) as c
    where d.setrole = 0 and d.setdatabase = (select oid from pg_database where datname = current_database())
$$;
do $$ begin
    execute format('alter database %I reset all', current_database());
    execute format('alter database %I set log_statement = ''ddl''', current_database());
    perform data.rights_repair();
end $$;
select set_has('select pg_temp.kept()', $$values ('jit=off')$$, 'L1: nothing is compiled, in the console or elsewhere');
select set_has('select pg_temp.kept()', $$values ('log_min_error_statement=panic'), ('log_parameter_max_length=0'), ('log_parameter_max_length_on_error=0'), ('log_error_verbosity=terse')$$, 'J3: the server''s log');
select set_has('select pg_temp.kept()', $$values ('log_statement=ddl')$$, 'J3: what an administrator has chosen stays');
select is_empty('select * from data.database_settings_missing()', 'L4: and nothing is missing then');
set local jit = on;
select matches((select string_agg(c, E'\n') from api.concerns() as c), 'take seconds to compile: jit is on \(alter database \w+ set jit = ''off''\)', 'L4: told when it is otherwise');
set local jit = off;
select doesnt_match((select coalesce(string_agg(c, E'\n'), '') from api.concerns() as c), 'jit', 'L4: and not when it is not');
select is_empty($$select p.oid::regprocedure from pg_proc as p where p.pronamespace in ('data'::regnamespace, 'api'::regnamespace, 'admin'::regnamespace) and 'jit=on' = any (p.proconfig)$$, 'L1: no function turns it on');
select * from finish();
rollback;
