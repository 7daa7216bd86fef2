-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Who works on a message next (Q7).

drop function if exists api.inbox_take(text[], integer, text, interval); -- it knew no agency
create or replace function api.inbox_take(p_source text, p_agency text, p_version text, p_wanted integer, p_owner text,
    p_lease interval)
returns table (inbox_id bigint, attempt integer, message_id text, reply_to text, octets bytea, refusal text)
language sql security definer set search_path = pg_catalog, pg_temp as $$
    select t.inbox_id, t.attempts, t.message_id, t.reply_to, t.octets, t.refusal
    from data.inbox_lease(p_source, p_agency, p_version, false, p_wanted, p_owner, p_lease) as t
    order by t.received_at, t.inbox_id
$$;
grant execute on function api.inbox_take(text, text, text, integer, text, interval) to zapisd_daemon;
comment on function api.inbox_take(text, text, text, integer, text, interval) is
    'Messages of a source that are due, if they are of its agency and version; attempt is told back with what becomes of them';
