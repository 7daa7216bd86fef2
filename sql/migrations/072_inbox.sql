-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Requests that were taken out of SMEV 3's queue (Q1, Q3): stored before they are acknowledged, answered by the same steps as those of a
-- listener, the answer kept until SMEV says that it has it.
-- due_at is the one clock of a row: when it is taken next; while somebody is at it, when his lease ends. So whoever looks for work looks
-- into one index, and a lease that outlived its owner is simply due.

create table data.inbox (
    inbox_id bigint not null generated always as identity,
    source text not null,
    agency_code text not null,
    sender_code text not null,
    message_id text not null,
    kind text not null default 'request',
    version text not null,
    reply_to text,
    transaction_code text,
    node text,
    eol timestamptz,
    is_test boolean not null default false,
    octets bytea compression lz4,
    digest bytea not null,
    refusal text,
    received_at timestamptz not null default clock_timestamp(),
    ack_at timestamptz not null default clock_timestamp(),
    acked_at timestamptz,
    state text not null default 'stored',
    due_at timestamptz not null default clock_timestamp(),
    attempts integer not null default 0,
    owner text,
    last_error text,
    answer_id text,
    answer bytea compression lz4,
    answered_at timestamptz,
    status text,
    ended_at timestamptz,
    ended_by text,
    reason text,
    others integer not null default 0,
    other_at timestamptz,
    constraint inbox_pkey primary key (inbox_id),
    constraint inbox_message_key unique (agency_code, sender_code, message_id),
    constraint inbox_message_filled check (source <> '' and agency_code <> '' and sender_code <> '' and message_id <> ''),
    constraint inbox_kind check (kind in ('request', 'broadcast', 'cancel')),
    constraint inbox_version check (version in ('1.1', '1.2', '1.3')),
    constraint inbox_state check (state in ('stored', 'working', 'answered', 'sending', 'sent', 'closed', 'parked', 'given_up')),
    constraint inbox_counts_range check (attempts >= 0 and others >= 0),
    constraint inbox_octets_kept check (octets is not null or state in ('sent', 'closed', 'given_up')),
    constraint inbox_answer_kept check ((answer_id is not null and answer is not null and answered_at is not null)
        or state not in ('answered', 'sending')),
    constraint inbox_answer_owed check (kind = 'request' or state not in ('answered', 'sending', 'sent')),
    constraint inbox_owner check ((owner is not null) = (state in ('working', 'sending'))),
    constraint inbox_end check ((ended_at is not null) = (state in ('sent', 'closed', 'given_up'))),
    constraint inbox_reason check (state not in ('parked', 'given_up') or coalesce(reason, '') <> '')
);
alter table data.inbox owner to zapisd_owner;
create index inbox_unacked on data.inbox (source, ack_at) where acked_at is null;
create index inbox_due on data.inbox (source, due_at) where state in ('stored', 'working');
create index inbox_unsent on data.inbox (source, due_at) where state in ('answered', 'sending');
create index inbox_parked on data.inbox (inbox_id) where state = 'parked';
create index inbox_others on data.inbox (other_at) where others > 0;
revoke all on data.inbox from public;
comment on table data.inbox is 'Messages taken out of SMEV 3''s queue and what became of them (Q1, Q3); octets and answer are PERSONAL DATA and leave when SMEV has the answer';
comment on column data.inbox.inbox_id is 'Number';
comment on column data.inbox.source is 'Section [smev3 NAME] it came by';
comment on column data.inbox.agency_code is 'Agency whose queue it stood in';
comment on column data.inbox.sender_code is 'Mnemonic of the sender, as SMEV has signed it';
comment on column data.inbox.message_id is 'MessageID of the sender';
comment on column data.inbox.kind is 'request; broadcast: not to be answered; cancel: of version 1.1, without effect';
comment on column data.inbox.version is 'Version of the exchange it was delivered in, and is answered in';
comment on column data.inbox.reply_to is 'ReplyTo, which the answer returns unread';
comment on column data.inbox.transaction_code is 'TransactionCode, if any';
comment on column data.inbox.node is 'NodeID we asked with, if any';
comment on column data.inbox.eol is 'Instant after which the sender wants no answer';
comment on column data.inbox.is_test is 'TestMessage: nothing is to be changed';
comment on column data.inbox.octets is 'What SMEV has signed, transformed: the element Request; none when all is over';
comment on column data.inbox.digest is 'SHA-256 of the business element: the same id with another is another message';
comment on column data.inbox.refusal is 'Why it is refused without being looked at: a name of the program''s; none: it is worked on';
comment on column data.inbox.received_at is 'When it was stored first';
comment on column data.inbox.ack_at is 'While it is not acknowledged: when that is tried next';
comment on column data.inbox.acked_at is 'When SMEV knew that we have it';
comment on column data.inbox.state is 'stored, working, answered, sending, and the ends: sent; closed: no answer is owed; parked: somebody must look; given_up: by hand';
comment on column data.inbox.due_at is 'When it is taken next; while somebody is at it, when his lease ends';
comment on column data.inbox.attempts is 'How often it was taken: the number of a taking, by which a late word of an earlier one is known';
comment on column data.inbox.owner is 'Which process is at it';
comment on column data.inbox.last_error is 'Why it was tried again: a kind of failure, no values and no personal data';
comment on column data.inbox.answer_id is 'MessageID of our answer';
comment on column data.inbox.answer is 'Our answer, signed, as it is sent until SMEV has it; none when all is over';
comment on column data.inbox.answered_at is 'When the answer was made, and its id with it';
comment on column data.inbox.status is 'How the request ended, as the journal says of an answer';
comment on column data.inbox.ended_at is 'When all was over';
comment on column data.inbox.ended_by is 'Who gave it up by hand';
comment on column data.inbox.reason is 'Why it was parked, or given up';
comment on column data.inbox.others is 'How often a message with this id and another content came';
comment on column data.inbox.other_at is 'When the last of those came';
comment on constraint inbox_pkey on data.inbox is 'Number';
comment on constraint inbox_message_key on data.inbox is 'A message is stored once, however often it is delivered (Q3)';
comment on constraint inbox_message_filled on data.inbox is 'It has all by which it is known';
comment on constraint inbox_kind on data.inbox is 'One of the three';
comment on constraint inbox_version on data.inbox is 'One of those there are';
comment on constraint inbox_state on data.inbox is 'One of these';
comment on constraint inbox_counts_range on data.inbox is 'Counts';
comment on constraint inbox_octets_kept on data.inbox is 'What is still to be worked on is there';
comment on constraint inbox_answer_kept on data.inbox is 'What is to be sent is there';
comment on constraint inbox_answer_owed on data.inbox is 'Nobody but who has asked is answered';
comment on constraint inbox_owner on data.inbox is 'Somebody is at it, or nobody';
comment on constraint inbox_end on data.inbox is 'An end has its time';
comment on constraint inbox_reason on data.inbox is 'It is said why';
comment on index data.inbox_unacked is 'What SMEV does not know yet that we have';
comment on index data.inbox_due is 'What is to be worked on, and when';
comment on index data.inbox_unsent is 'What is to be sent, and when';
comment on index data.inbox_parked is 'What somebody must look at';
comment on index data.inbox_others is 'Ids that came with another content';

create table data.inbox_call (
    inbox_id bigint not null,
    journal_id bigint not null,
    at timestamptz not null,
    operation text not null,
    outcome text not null,
    constraint inbox_call_pkey primary key (inbox_id, journal_id),
    constraint inbox_call_inbox_fkey foreign key (inbox_id) references data.inbox (inbox_id),
    constraint inbox_call_operation check (operation in ('GetRequest', 'Ack', 'SendResponse'))
);
alter table data.inbox_call owner to zapisd_owner;
revoke all on data.inbox_call from public;
comment on table data.inbox_call is 'Our calls of SMEV that a message was in, each a pair of the journal (J1); rows are only added';
comment on column data.inbox_call.inbox_id is 'Message';
comment on column data.inbox_call.journal_id is 'Pair of the journal: our call is out, what SMEV said is in';
comment on column data.inbox_call.at is 'Its time: the partition';
comment on column data.inbox_call.operation is 'GetRequest, Ack, SendResponse';
comment on column data.inbox_call.outcome is 'What came of it: a word, or the name of a fault';
comment on constraint inbox_call_pkey on data.inbox_call is 'A call once';
comment on constraint inbox_call_inbox_fkey on data.inbox_call is 'Of a known message';
comment on constraint inbox_call_operation on data.inbox_call is 'One of the three';
create trigger inbox_call_append_only before update or delete or truncate on data.inbox_call
    for each statement execute function data.refuse_change();
comment on trigger inbox_call_append_only on data.inbox_call is 'Not even the owner rewrites it by accident (J2)';

create table data.inbox_source (
    source text not null,
    agency_code text not null,
    tried_at timestamptz not null default clock_timestamp(),
    good_at timestamptz,
    fault text,
    fault_at timestamptz,
    constraint inbox_source_pkey primary key (source)
);
alter table data.inbox_source owner to zapisd_owner;
revoke all on data.inbox_source from public;
comment on table data.inbox_source is 'How asking SMEV goes, by source, for all instances; told once a minute or when it changes';
comment on column data.inbox_source.source is 'Section [smev3 NAME]';
comment on column data.inbox_source.agency_code is 'Agency whose queue it asks';
comment on column data.inbox_source.tried_at is 'When somebody last told of it';
comment on column data.inbox_source.good_at is 'When SMEV last gave a message or said that there is none';
comment on column data.inbox_source.fault is 'What it said else, since then: the name of a fault or kind of failure; none: all is well';
comment on column data.inbox_source.fault_at is 'Since when';
comment on constraint inbox_source_pkey on data.inbox_source is 'A source once';
