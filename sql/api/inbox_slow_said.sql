-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- RequestStatus was sent, or an answer that SMEV takes no more under its id (Q3, Q4, J1).

drop function if exists api.inbox_slow_said(bigint, text, text, bytea, bytea); -- it knew no verdict
create or replace function api.inbox_slow_said(p_inbox_id bigint, p_outcome text, p_peer text, p_verdict text, p_asked bytea,
    p_answered bytea) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    i data.inbox;
begin
    select t.* into strict i from data.inbox as t where t.inbox_id = p_inbox_id
    for key share nowait;
    perform data.inbox_called(i, 'SendResponse', p_outcome, p_peer, p_verdict, p_asked, p_answered);
end $$;
grant execute on function api.inbox_slow_said(bigint, text, text, text, bytea, bytea) to zapisd_daemon;
comment on function api.inbox_slow_said(bigint, text, text, text, bytea, bytea) is
    'Journals that a sender was told that his answer takes longer, or an answer that needs another id, and what SMEV said to it';
