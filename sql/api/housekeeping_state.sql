-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What housekeeping is behind with, for /readyz and metrics (L4).

create or replace function api.housekeeping_state() returns table (task text, behind bigint, reason text, last_success bigint)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select h.task, count(g.task), min(g.problem), extract(epoch from h.last_success)::bigint
    from data.housekeeping as h
    left join data.lags() as g on g.task = h.task
    group by h.task
    order by h.number
$$;
grant execute on function api.housekeeping_state() to zapisd_daemon;
comment on function api.housekeeping_state() is
    'Each task, how many troubles it has, the first of them, and when it last ended well, in seconds since 1970 (L4)';
