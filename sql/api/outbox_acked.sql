-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- SMEV knows that we have an answer of the portal's, or would not hear it (Q5, J1).

create or replace function api.outbox_acked(p_agency text, p_source text, p_message_id text, p_is_known boolean, p_outcome text,
    p_refusal text, p_peer text, p_asked bytea, p_answered bytea) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform data.outbox_heard(p_agency, p_message_id, p_outcome, p_source, 'Ack', p_message_id, p_peer, null, null, p_asked,
        p_answered);
    if p_is_known or p_refusal is not null then
        perform api.inbox_refused(p_source, p_agency, 'Ack of an answer', p_refusal);
    end if;
end $$;
grant execute on function api.outbox_acked(text, text, text, boolean, text, text, text, bytea, bytea) to zapisd_daemon;
comment on function api.outbox_acked(text, text, text, boolean, text, text, text, bytea, bytea) is
    'Journals an Ack of an answer and what SMEV said to it. p_is_known: it knows now, or knew already; p_refusal: the name of a '
        'fault that is about who we are (api.inbox_refused); null: of none';
