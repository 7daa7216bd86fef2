-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- By which NodeID a change was sent over SMEV 3: its answer comes out of that node's queue alone, whatever a section says by then (Q5).

alter table data.outbox add column node_id text;
grant select (node_id) on data.outbox to zapisd_operator, zapisd_auditor;
comment on column data.outbox.node_id is 'NodeID in the kept octets, which its answer is asked by; none: they have none, or are not of SMEV 3';

-- What was sent before says so in its own octets.
update data.outbox as x set node_id = replace(replace(replace(found.node, '&lt;', '<'), '&gt;', '>'), '&amp;', '&')
from (select o.outbox_id, substring(convert_from(o.octets, 'UTF8') from '<t:NodeID>([^<]+)</t:NodeID>') as node from data.outbox as o
    where o.road = 'smev3' and o.octets is not null and o.state not in ('answered', 'dropped')) as found
where x.outbox_id = found.outbox_id and found.node is not null;
