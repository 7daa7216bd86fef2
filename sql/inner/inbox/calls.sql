-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- A call of ours that a message was in: a pair of the journal (J1), tied to the message.

create or replace function data.inbox_called(p_inbox data.inbox, p_operation text, p_outcome text, p_peer text, p_verdict text,
    p_asked bytea, p_answered bytea) returns void
language plpgsql as $$
declare
    id constant bigint := nextval('data.journal_id');
    clock constant timestamptz := clock_timestamp();
begin
    insert into data.journal (journal_id, at, direction, listener, channel, peer, sender_code, recipient_code, message_id, method,
        verdict, digest, received_at, is_test, status, body)
    values (id, clock, 'out', p_inbox.source, 'smev3', null, null, p_inbox.agency_code, p_inbox.message_id, p_operation, null,
        null,
            null, null, null, p_asked),
        (id, clock, 'in', p_inbox.source, 'smev3', p_peer, p_inbox.sender_code, p_inbox.agency_code, p_inbox.message_id,
            p_operation,
            p_verdict, p_inbox.digest, clock, p_inbox.is_test, p_outcome, p_answered);
    insert into data.inbox_call (inbox_id, journal_id, at, operation, outcome)
    values (p_inbox.inbox_id, id, clock, p_operation, p_outcome);
end $$;
comment on function data.inbox_called(data.inbox, text, text, text, text, bytea, bytea) is
    'Journals a call of SMEV and what it said, and notes that this message was in it';
