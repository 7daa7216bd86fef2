-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What is about to be sent, kept first: whoever tries again after us sends these very octets under this message id (M8), unless
-- the key is another by then (C5): what was kept before may have left, and is journalled.

drop function if exists api.outbox_keep(bigint, integer, text, bytea, text);
create or replace function api.outbox_keep(outbox_id bigint, attempt integer, message_id text, octets bytea, case_number text,
    node_id text default null) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
begin
    if not data.outbox_is_free(outbox_keep.outbox_id) then
        return null;
    end if;
    perform data.outbox_journal(x, 'renewed', null, null, null, null) from data.outbox as x
    where x.outbox_id = outbox_keep.outbox_id and x.attempts = outbox_keep.attempt and x.state = 'sending'
        and x.message_id = outbox_keep.message_id and x.octets <> outbox_keep.octets;
    update data.outbox as x set message_id = outbox_keep.message_id, octets = outbox_keep.octets,
        case_number = outbox_keep.case_number, sent_at = clock_timestamp(),
        node_id = case when x.message_id = outbox_keep.message_id and x.octets is not null then x.node_id -- signed anew, no more
            else nullif(outbox_keep.node_id, '') end,
        journal_id = case when x.octets = outbox_keep.octets then x.journal_id end
    where x.outbox_id = outbox_keep.outbox_id and x.attempts = outbox_keep.attempt and x.state = 'sending'
        and x.lease_until > clock_timestamp();
    return found;
end $$;
grant execute on function api.outbox_keep(bigint, integer, text, bytea, text, text) to zapisd_daemon;
comment on function api.outbox_keep(bigint, integer, text, bytea, text, text) is
    'Keeps a message before its first octet leaves; false: the lease is over or the row is another''s, and it is not to be sent; '
    'null: somebody holds it. '
    'Message ids are used once by an agency (outbox_message_once). node_id: what a new message has; one that is kept already '
    'keeps its own';
