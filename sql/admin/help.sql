-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Where an operator starts. Reads the comments of the functions themselves, so that it cannot fall behind.

create or replace function admin.help() returns table (name text, what text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select 'admin.' || p.proname || '(' || pg_get_function_arguments(p.oid) || ')', obj_description(p.oid, 'pg_proc')
    from pg_proc as p
    where p.pronamespace = 'admin'::regnamespace
        and has_function_privilege(session_user, p.oid, 'execute')
    union all
    select 'admin.' || c.relname, obj_description(c.oid, 'pg_class')
    from pg_class as c
    where c.relnamespace = 'admin'::regnamespace and c.relkind = 'v'
    order by 1
$$;
alter function admin.help() owner to zapisd_owner;
revoke all on function admin.help() from public;
grant execute on function admin.help() to zapisd_operator, zapisd_auditor;
comment on function admin.help() is 'help(): this list';
