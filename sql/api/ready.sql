-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Whether the daemon may take requests: the database this very build was made for, a server that keeps what it has promised (B1),
-- one that may be written to, and one that knows Russian letters. The program brings the digests of its files: a newer one over
-- a database that was not migrated, or an older one over one that was, must not be told that all is well (L4).

-- Programs of before that parameter ask in other ways, over a schema that is newer than they are.
create or replace function api.ready() returns table (ok boolean, reason text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select false, 'the schema is newer than this program: start the new one (systemctl restart zapisd)'
$$;
grant execute on function api.ready() to zapisd_daemon;
comment on function api.ready() is 'What a program older than the schema is told, which does not say what it needs';

create or replace function api.ready(needed text) returns table (ok boolean, reason text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select r.* from api.ready() as r
$$;
grant execute on function api.ready(text) to zapisd_daemon;
comment on function api.ready(text) is 'What a program older than the schema is told, which names a migration only';

create or replace function api.ready(files jsonb) returns table (ok boolean, reason text)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    reasons text[] := '{}';
begin
    reasons := array_remove(array[data.files_reason(files), data.built_reason()], null);
    if current_setting('fsync') <> 'on' then
        reasons := reasons || 'fsync is off'::text;
    end if;
    if current_setting('full_page_writes') <> 'on' then
        reasons := reasons || 'full_page_writes is off'::text;
    end if;
    if current_setting('synchronous_commit') = 'off' then
        reasons := reasons || 'synchronous_commit is off'::text;
    end if;
    -- Foreign keys and the triggers that keep visits apart are triggers: a replica's session goes past them.
    if current_setting('session_replication_role') <> 'origin' then
        reasons := reasons || format('session_replication_role is %s: nothing is checked',
            current_setting('session_replication_role'));
    end if;
    -- What excludes each other in time looks at what others have committed meanwhile.
    if current_setting('default_transaction_isolation') <> 'read committed' then
        reasons := reasons || format('default_transaction_isolation is %s: nothing can be booked',
            current_setting('default_transaction_isolation'));
    end if;
    if current_setting('standard_conforming_strings') <> 'on' or current_setting('array_nulls') <> 'on' then
        reasons := reasons || 'standard_conforming_strings or array_nulls is off: statements do not mean what they say'::text;
    end if;
    if pg_is_in_recovery() or current_setting('transaction_read_only') = 'on' then
        reasons := reasons || 'the server is read-only'::text;
    end if;
    if current_setting('server_encoding') <> 'UTF8' or lower(E'\u0416') <> E'\u0436' then
        reasons := reasons || 'encoding or LC_CTYPE of the database knows no Russian letters: it must be made anew as UTF8 with '
            'a UTF-8 locale'::text;
    end if;
    -- Whoever made the role: a session of ours that hangs must give its locks back.
    if current_setting('idle_in_transaction_session_timeout') = '0'
        or current_setting('client_connection_check_interval') = '0' then
        reasons := reasons || 'the role has lost its safety settings: run zapisd migrate'::text;
    end if;
    return query select cardinality(reasons) = 0, array_to_string(reasons, '; ');
end $$;
grant execute on function api.ready(jsonb) to zapisd_daemon;
comment on function api.ready(jsonb) is
    'Whether requests may be taken by a program of these files (name: SHA-256; null: they are not compared), and if not, why';
