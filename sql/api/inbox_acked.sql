-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- SMEV knows that we have a message, or would not hear it: any number of times (Q3).

create or replace function api.inbox_acked(p_inbox_id bigint, p_is_known boolean, p_outcome text, p_peer text, p_asked bytea,
    p_answered bytea) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    i data.inbox;
begin
    if not data.inbox_is_free(p_inbox_id) then
        return null;
    end if;
    select t.* into strict i from data.inbox as t where t.inbox_id = p_inbox_id;
    if p_is_known and i.acked_at is null then
        update data.inbox as t set acked_at = clock_timestamp() where t.inbox_id = p_inbox_id and t.acked_at is null;
    end if;
    perform data.inbox_called(i, 'Ack', p_outcome, p_peer, null, p_asked, p_answered);
    return true;
end $$;
grant execute on function api.inbox_acked(bigint, boolean, text, text, bytea, bytea) to zapisd_daemon;
comment on function api.inbox_acked(bigint, boolean, text, text, bytea, bytea) is
    'Journals an Ack and what SMEV said to it; p_is_known: it knows now, or knew already, that we have the message; '
        'null: somebody holds it, and nothing was noted';
