-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- A call of SMEV about messages of the outbox, and what it said: a pair of the journal (J1).

drop function if exists data.outbox_heard(text, text, text, text, text, text, text, bytea, bytea); -- it knew no signatures

create or replace function data.outbox_heard(p_agency text, p_message_id text, p_outcome text, p_source text, p_operation text,
    p_answer_id text, p_peer text, p_sender text, p_verdict text, p_asked bytea, p_answer bytea) returns bigint
language plpgsql as $$
declare
    id constant bigint := nextval('data.journal_id');
    clock constant timestamptz := clock_timestamp();
begin
    insert into data.journal (journal_id, at, direction, listener, channel, peer, sender_code, recipient_code, message_id,
        method, verdict, received_at, status, body)
    values (id, clock, 'out', p_source, 'smev3', null, p_agency, null, p_message_id, p_operation, null, null, null, p_asked),
        (id, clock, 'in', p_source, 'smev3', p_peer, p_sender, p_agency, p_answer_id, p_operation, p_verdict, clock, p_outcome,
            p_answer);
    return id;
end $$;
comment on function data.outbox_heard(text, text, text, text, text, text, text, text, text, bytea, bytea) is
    'Journals a call and what came: p_message_id of ours, p_answer_id of the other side''s, who signed that and what was found '
        'of the signatures (null: nothing is signed there); number of the exchange';
