-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Whether a message is stored already: then its files need not be fetched again, and may be closed to us (Q3, Q6).

create or replace function api.inbox_known(p_agency text, p_sender text, p_message_id text) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select exists (select from data.inbox as i
        where i.agency_code = p_agency and i.sender_code = p_sender and i.message_id = p_message_id)
$$;
grant execute on function api.inbox_known(text, text, text) to zapisd_daemon;
comment on function api.inbox_known(text, text, text) is
    'Whether this id of this sender was stored for this agency, with whatever content';
