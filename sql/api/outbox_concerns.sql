-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Changes on their way whose NodeID a configuration no longer has (L4): asked by `zapisd check`, before it is in use.

create or replace function api.outbox_concerns(p_agencies text[], p_nodes text[]) returns setof text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select case when n.agency_code = any (p_agencies)
        then format('agency %s: %s changes were sent %s: they are asked for so, too, until all are over', n.agency_code,
            n.changes, case n.node_id when '' then 'without a NodeID, as no [smev3] of its asks now'
                else format('with NodeID %s, which no [smev3] of its has now', n.node_id) end)
        else format('agency %s: %s changes were sent over SMEV 3, and no [smev3] of its is there to take the answers',
            n.agency_code, n.changes) end
    from api.outbox_nodes() as n
    where not exists (select from unnest(p_agencies, p_nodes) as c (agency, node)
        where c.agency = n.agency_code and c.node = n.node_id)
    order by n.agency_code, n.node_id
$$;
grant execute on function api.outbox_concerns(text[], text[]) to zapisd_daemon;
comment on function api.outbox_concerns(text[], text[]) is
    'Changes that have left over SMEV 3 by a NodeID that none of these sections, by agency and NodeID ('''': none), has: a line '
    'each';
