-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Whether the disk still takes writes (L4). To be rolled back by the caller: a file of its own is made, four pages long, and
-- is gone with the transaction; as much goes into the log. Somebody who has the table (a dump, another instance at the same) says
-- nothing about the disk. The table is no unlogged one (sql/migrations/080_probe_logged.sql).

create or replace function api.probe() returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    begin
        lock table data.probe in access exclusive mode nowait;
    exception when lock_not_available then
        return;
    end;
    truncate data.probe;
    insert into data.probe (probe_id, octets) select n, repeat('x', 7000) from generate_series(1, 4) as n;
end $$;
grant execute on function api.probe() to zapisd_daemon;
comment on function api.probe() is 'Fails when the disk takes no more; waits for nobody; the caller rolls back';
