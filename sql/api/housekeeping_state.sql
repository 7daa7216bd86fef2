-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What housekeeping is behind with, for /readyz and metrics (L4).

create or replace function api.housekeeping_state() returns table (task text, behind bigint, reason text, last_success bigint)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    with told as (
        select g.task, g.problem, count(*) as n, row_number() over (partition by g.task order by g.problem) as place
        from data.lags() as g group by g.task, g.problem
    )
    select h.task, coalesce(sum(t.n), 0)::bigint, string_agg(t.problem, '; ' order by t.place) filter (where t.place <= 4)
        || case when count(*) > 4 then format('; %s more: admin.check()', count(*) - 4) else '' end,
        extract(epoch from h.last_success)::bigint
    from data.housekeeping as h
    left join told as t on t.task = h.task
    group by h.task
    order by h.number
$$;
grant execute on function api.housekeeping_state() to zapisd_daemon;
comment on function api.housekeeping_state() is
    'Each task, how many troubles it has, the first four kinds of them, and when it last ended well, in seconds since 1970 (L4)';
