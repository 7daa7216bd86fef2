-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Where an operator starts. Reads the comments of the functions themselves, so that it cannot fall behind: a comment is
-- "name(arguments): what it does. Пример: a command that can be typed".

create or replace function admin.help(about text default '') returns table (what text, example text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select split_part(x.comment, ' Пример: ', 1), nullif(split_part(x.comment, ' Пример: ', 2), '') || ';'
    from (
        select p.proname::text as name, obj_description(p.oid, 'pg_proc') as comment
        from pg_proc as p
        where p.pronamespace = 'admin'::regnamespace
            and has_function_privilege(data.caller(), p.oid, 'execute')
        union all
        select c.relname, c.relname || ': ' || obj_description(c.oid, 'pg_class')
        from pg_class as c
        where c.relnamespace = 'admin'::regnamespace and c.relkind = 'v' and has_table_privilege(data.caller(), c.oid, 'select')
    ) as x
    where strpos(lower(x.comment), lower(coalesce(about, ''))) > 0
    order by x.name
$$;
alter function admin.help(text) owner to zapisd_owner;
revoke all on function admin.help(text) from public;
grant execute on function admin.help(text) to zapisd_operator, zapisd_registrar, zapisd_auditor;
comment on function admin.help(text) is 'help([слово]): что умеет admin, с примерами; только то, что Вам разрешено. Пример: select * from admin.help(''перенести'')';
