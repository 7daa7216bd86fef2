-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Answers are asked for by the NodeID that the change was sent by (Q5): a section may have another one by now.

create or replace function api.outbox_nodes() returns table (agency_code text, node_id text, changes bigint)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select x.agency_code, coalesce(x.node_id, ''), count(*)
    from data.outbox as x
    where x.state not in ('answered', 'dropped') and x.state in ('sent', 'held') and x.road = 'smev3' and x.message_id is not null
    group by x.agency_code, x.node_id
    order by x.agency_code, x.node_id
$$;
grant execute on function api.outbox_nodes() to zapisd_daemon;
comment on function api.outbox_nodes() is
    'Of each agency by which NodeID ('''': none) changes have left over SMEV 3 whose answer may still come, and how many';
