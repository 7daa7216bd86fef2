-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Who holds what the daemon waits for (L1): asked for every few seconds while somebody waits, and as long as a transaction that
-- was found so goes on: its locks are held until it ends, though those who waited have given up. A session may hold an advisory
-- lock without a transaction; what it holds is known by its backend then ('7/0'), as pg_locks has it. The application's name and
-- state need the owner to be in pg_read_all_stats; without that they are null, and the role is known all the same.

drop function if exists api.lock_waits();
create or replace function api.lock_holders(known text[])
    returns table (what text, holder_pid integer, holder_role text, holder text,
    holder_state text, holder_open_ms bigint, holder_transaction text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    with waits as (
        select distinct on (b.pid) b.pid, coalesce(l.relation::regclass::text,
            (select t.relation::regclass::text from pg_locks as t where t.pid = l.pid and t.locktype = 'tuple' limit 1),
            l.locktype) as what
        from pg_locks as l
        join pg_stat_activity as w on w.pid = l.pid and w.usename = session_user
        cross join lateral unnest(pg_blocking_pids(l.pid)) as b (pid)
        where not l.granted
        order by b.pid
    ), held as (
        select distinct t.pid from pg_locks as t where t.virtualtransaction = any (known) and t.granted
    )
    select s.what, p.pid, h.usename::text, nullif(h.application_name, ''), h.state,
        (extract(epoch from clock_timestamp() - coalesce(h.xact_start, h.state_change)) * 1000)::bigint,
        -- our own sessions end by themselves
        case when h.usename is distinct from session_user
            then (select t.virtualtransaction from pg_locks as t where t.pid = p.pid and t.locktype in ('virtualxid', 'advisory')
                and t.granted order by t.locktype = 'advisory' limit 1) end
    from (select pid from waits union select pid from held) as p
    left join waits as s on s.pid = p.pid
    left join pg_stat_activity as h on h.pid = p.pid
    order by s.what is null, h.usename = session_user, h.xact_start
    limit 8
$$;
grant execute on function api.lock_holders(text[]) to zapisd_daemon;
comment on function api.lock_holders(text[]) is
    'Who holds the locks that sessions of the caller wait for, and which of the known transactions go on: relation, process, '
    'role, application, state';
