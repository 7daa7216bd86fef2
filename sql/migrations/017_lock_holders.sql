-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- api.lock_waits() names the application that holds a lock the daemon waits for. Whoever may not grant that is not kept
-- from migrating: the process number is known without it.

do $$
begin
    grant pg_read_all_stats to zapisd_owner;
exception when insufficient_privilege then
    raise notice 'zapisd_owner is not in pg_read_all_stats: the log will not name the application that holds a lock';
end $$;
