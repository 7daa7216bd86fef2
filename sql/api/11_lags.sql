-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What housekeeping is behind with (L4): asked by the daemon for /readyz and metrics, by admin.check() and
-- admin.housekeeping. An hour is allowed for anything: after an installation, a change, a night without the daemon.

create or replace function data.journal_partition(p_months_ahead integer) returns text
language sql stable
return 'journal_' || to_char((now() at time zone 'UTC') + make_interval(months => p_months_ahead), 'YYYY_MM');
alter function data.journal_partition(integer) owner to zapisd_owner;
revoke all on function data.journal_partition(integer) from public;
comment on function data.journal_partition(integer) is 'Name of the partition of the journal for a month to come';

create or replace function data.is_schedule_due(s data.schedule_state, o data.organization) returns boolean
language sql stable
return o.is_active and coalesce(o.horizon_days, 1) > 0 and (s.due_from is null or s.due_from <= data.horizon_day(o));
alter function data.is_schedule_due(data.schedule_state, data.organization) owner to zapisd_owner;
revoke all on function data.is_schedule_due(data.schedule_state, data.organization) from public;
comment on function data.is_schedule_due(data.schedule_state, data.organization) is 'Whether slots of an organization are still to be made';

create or replace function data.lags() returns table (task text, problem text, what text)
language sql stable as $$
    select 'journal', 'journal has no partition for next month',
        data.journal_partition(1) || case when exists (
            select from data.journal_default as j
            where j.at >= (date_trunc('month', now() at time zone 'UTC') + interval '1 month') at time zone 'UTC')
            then ': journal_default holds rows of that month' else '' end
    where to_regclass('data.' || data.journal_partition(1)) is null
        and exists (select from data.schema_version as v where v.name = '018_housekeeping.sql' and v.applied_at < now() - interval '1 hour')
    union all
    select 'generate', 'slots are not made up to the horizon',
        format('%s: to be made from %s%s', s.organization_id, coalesce(s.due_from::text, 'today'), ': ' || s.last_error)
    from data.schedule_state as s
    join data.organization as o using (organization_id)
    where data.is_schedule_due(s, o)
        and (s.due_since < now() - interval '1 hour' or s.due_since is null and s.due_from < data.horizon_day(o))
    union all
    select 'closure', 'closure does not go on', format('no. %s: %s', c.closure_id, p.last_error)
    from data.closure as c
    join data.closure_progress as p using (closure_id)
    where c.state = 'working' and p.failed_in_row >= 5
    union all
    select h.task, 'housekeeping fails', format('%s: %s', h.task, h.last_error)
    from data.housekeeping as h
    where h.failed_in_row >= 3
$$;
alter function data.lags() owner to zapisd_owner;
revoke all on function data.lags() from public;
comment on function data.lags() is 'What housekeeping is behind with, one row a trouble; none when all is well';

create or replace function api.housekeeping_state() returns table (task text, behind bigint, reason text, last_success bigint)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select h.task, count(g.task), min(g.problem), extract(epoch from h.last_success)::bigint
    from data.housekeeping as h
    left join data.lags() as g on g.task = h.task
    group by h.task
    order by h.number
$$;
alter function api.housekeeping_state() owner to zapisd_owner;
revoke all on function api.housekeeping_state() from public;
grant execute on function api.housekeeping_state() to zapisd_daemon;
comment on function api.housekeeping_state() is 'Each task, how many troubles it has, the first of them, and when it last ended well, in seconds since 1970 (L4)';
