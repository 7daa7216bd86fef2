-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Whether the daemon may take requests: the schema these functions were written for, a server that keeps what it has
-- promised (B1), and one that may be written to. The name below is that of the newest file in sql/migrations.

create or replace function api.ready() returns table (ok boolean, reason text)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    newest constant text := '024_rights.sql';
    reasons text[] := '{}';
begin
    if not exists (select from data.schema_version as v where v.name = newest) then
        reasons := reasons || format('migration %s is not applied', newest);
    end if;
    if current_setting('fsync') <> 'on' then
        reasons := reasons || 'fsync is off'::text;
    end if;
    if current_setting('full_page_writes') <> 'on' then
        reasons := reasons || 'full_page_writes is off'::text;
    end if;
    if current_setting('synchronous_commit') = 'off' then
        reasons := reasons || 'synchronous_commit is off'::text;
    end if;
    if pg_is_in_recovery() or current_setting('transaction_read_only') = 'on' then
        reasons := reasons || 'the server is read-only'::text;
    end if;
    return query select cardinality(reasons) = 0, array_to_string(reasons, '; ');
end $$;
alter function api.ready() owner to zapisd_owner;
revoke all on function api.ready() from public;
grant execute on function api.ready() to zapisd_daemon;
comment on function api.ready() is 'Whether requests may be taken, and if not, why';
