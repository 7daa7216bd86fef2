-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Who holds what the daemon waits for (L1): a line for the log, asked for every few seconds while somebody waits. The
-- application's name and state need the owner to be in pg_read_all_stats; without that they are null.

create or replace function api.lock_waits() returns table (what text, holder_pid integer, holder text, holder_state text,
    holder_open_ms bigint)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select coalesce(l.relation::regclass::text,
            (select t.relation::regclass::text from pg_locks as t where t.pid = l.pid and t.locktype = 'tuple' limit 1),
            l.locktype),
        b.pid, nullif(h.application_name, ''), h.state,
        (extract(epoch from clock_timestamp() - h.xact_start) * 1000)::bigint
    from pg_locks as l
    join pg_stat_activity as w on w.pid = l.pid and w.usename = session_user
    cross join lateral unnest(pg_blocking_pids(l.pid)) as b (pid)
    left join pg_stat_activity as h on h.pid = b.pid
    where not l.granted
    order by h.usename = session_user, h.xact_start
    limit 5
$$;
alter function api.lock_waits() owner to zapisd_owner;
revoke all on function api.lock_waits() from public;
grant execute on function api.lock_waits() to zapisd_daemon;
comment on function api.lock_waits() is 'Who holds the locks that sessions of the caller wait for: relation, process, application, state';
