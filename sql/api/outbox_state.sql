-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- How the outbox stands, for metrics and notes (O5).

create or replace function api.outbox_state() returns table (agency_code text, waiting bigint, sending bigint, sent bigint,
    stopped bigint, held bigint, oldest_s bigint, road text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select a.agency_code, count(*) filter (where x.state = 'waiting'), count(*) filter (where x.state = 'sending'),
        count(*) filter (where x.state = 'sent'), count(*) filter (where x.state = 'stopped'),
        count(*) filter (where x.state = 'held'),
        coalesce(extract(epoch from clock_timestamp() - min(x.created_at))::bigint, 0), r.road
    from data.agency as a
    left join data.outbox as x on x.agency_code = a.agency_code and x.state not in ('answered', 'dropped')
    left join data.outbox_road as r on r.agency_code = a.agency_code
    group by a.agency_code, r.road
    order by a.agency_code
$$;
grant execute on function api.outbox_state() to zapisd_daemon;
comment on function api.outbox_state() is
    'Of each agency how many rows are waiting, sending, sent, stopped, held; seconds since the oldest of them was decided '
    '(0: none); road by which a daemon last asked for them, null: none ever did';
