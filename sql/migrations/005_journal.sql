-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- The journal of messages, byte for byte (J1), the memory of message ids (B6), and the outbox.
-- An exchange has one journal_id; its request is the row 'in', its answer the row 'out'. Partitioned by month so that
-- what has served its time leaves as a whole table.

create sequence data.journal_id as bigint cache 32;
alter sequence data.journal_id owner to zapisd_owner;
revoke all on sequence data.journal_id from public;
comment on sequence data.journal_id is 'Numbers of exchanges';

create table data.journal (
    journal_id bigint not null,
    at timestamptz not null,
    direction text not null,
    written_at timestamptz not null default clock_timestamp(),
    listener text,
    channel text,
    peer text,
    sender_code text,
    recipient_code text,
    message_id text,
    method text,
    verdict text,
    portal_time text,
    case_number text,
    digest bytea,
    received_at timestamptz,
    is_test boolean,
    status text,
    body bytea compression lz4,
    constraint journal_pkey primary key (journal_id, at, direction),
    constraint journal_direction check (direction in ('in', 'out'))
) partition by range (at);
alter table data.journal owner to zapisd_owner;
create table data.journal_default partition of data.journal default;
alter table data.journal_default owner to zapisd_owner;
revoke all on data.journal, data.journal_default from public;
comment on table data.journal is 'Every message in and out, as it was on the wire; rows are only added (J1, J2). The body holds PERSONAL DATA';
comment on table data.journal_default is 'Rows of months that have no partition yet; admin.journal_partitions() keeps it empty';
comment on column data.journal.journal_id is 'Number of the exchange';
comment on column data.journal.at is 'When the exchange was journalled; request and answer share it, so they share a partition';
comment on column data.journal.direction is 'in: the request; out: the answer';
comment on column data.journal.written_at is 'When this row was written';
comment on column data.journal.listener is 'Listener of the daemon';
comment on column data.journal.channel is 'smev2, plain';
comment on column data.journal.peer is 'Network address';
comment on column data.journal.sender_code is 'Sender, as verified';
comment on column data.journal.recipient_code is 'Agency addressed';
comment on column data.journal.message_id is 'Message id of the sender, or ours';
comment on column data.journal.method is 'Method of order 329';
comment on column data.journal.verdict is 'What became of the signature';
comment on column data.journal.portal_time is 'smev:Date as sent';
comment on column data.journal.case_number is 'Case number of the frame';
comment on column data.journal.digest is 'SHA-256 of what was verified';
comment on column data.journal.received_at is 'When the daemon had read it';
comment on column data.journal.is_test is 'smev:TestMsg';
comment on column data.journal.status is 'Of an answer: how it ended';
comment on column data.journal.body is 'The octets';
comment on constraint journal_pkey on data.journal is 'An exchange has one request and one answer';
comment on constraint journal_direction on data.journal is 'In or out';
create trigger journal_append_only before update or delete or truncate on data.journal
    for each statement execute function data.refuse_change();
create trigger journal_append_only before update or delete or truncate on data.journal_default
    for each statement execute function data.refuse_change();
comment on trigger journal_append_only on data.journal is 'Not even the owner rewrites the journal by accident (J2)';
comment on trigger journal_append_only on data.journal_default is 'Not even the owner rewrites the journal by accident (J2)';
grant select (journal_id, at, direction, written_at, listener, channel, sender_code, recipient_code, message_id, method, verdict,
    portal_time, digest, received_at, is_test, status) on data.journal to zapisd_auditor, zapisd_operator;

create table data.message_seen (
    sender_code text not null,
    message_id text not null,
    digest bytea not null,
    journal_id bigint not null,
    journal_at timestamptz not null,
    constraint message_seen_pkey primary key (sender_code, message_id),
    constraint message_seen_id_filled check (message_id <> '')
);
alter table data.message_seen owner to zapisd_owner;
revoke all on data.message_seen from public;
comment on table data.message_seen is 'Messages that had an effect: the same id has no second one (B6)';
comment on column data.message_seen.sender_code is 'Sender';
comment on column data.message_seen.message_id is 'Its message id';
comment on column data.message_seen.digest is 'SHA-256 of what was verified: the same id with another is refused by name';
comment on column data.message_seen.journal_id is 'Exchange, to send the first answer again';
comment on column data.message_seen.journal_at is 'Its time: the partition';
comment on constraint message_seen_pkey on data.message_seen is 'A message has one effect; a duplicate in flight waits here for the first';
comment on constraint message_seen_id_filled on data.message_seen is 'A message has an id';

create table data.outbox (
    outbox_id bigint not null generated always as identity,
    book_key text not null,
    created_at timestamptz not null default now(),
    next_attempt_at timestamptz not null default now(),
    attempts integer not null default 0,
    state text not null default 'waiting',
    payload jsonb not null,
    last_error text,
    constraint outbox_pkey primary key (outbox_id),
    constraint outbox_booking_fkey foreign key (book_key) references data.booking (book_key),
    constraint outbox_state check (state in ('waiting', 'sent', 'stopped')),
    constraint outbox_attempts_range check (attempts >= 0)
);
alter table data.outbox owner to zapisd_owner;
create index outbox_waiting on data.outbox (book_key, outbox_id) where state = 'waiting';
revoke all on data.outbox from public;
grant select (outbox_id, book_key, created_at, next_attempt_at, attempts, state, last_error) on data.outbox
    to zapisd_operator, zapisd_auditor;
comment on table data.outbox is 'updateBookingDetails to be sent to the portal, in order per booking, at least once (M8)';
comment on column data.outbox.outbox_id is 'Order';
comment on column data.outbox.book_key is 'Booking';
comment on column data.outbox.created_at is 'When it was decided';
comment on column data.outbox.next_attempt_at is 'Not to be tried before';
comment on column data.outbox.attempts is 'How often it was tried';
comment on column data.outbox.state is 'waiting, sent, or stopped by an error of the portal';
comment on column data.outbox.payload is 'Status and time slot to tell';
comment on column data.outbox.last_error is 'Why the last attempt failed';
comment on constraint outbox_pkey on data.outbox is 'Order';
comment on constraint outbox_booking_fkey on data.outbox is 'Of a known booking';
comment on constraint outbox_state on data.outbox is 'One of the three';
comment on constraint outbox_attempts_range on data.outbox is 'A count';
comment on index data.outbox_waiting is 'What is to be sent, in order per booking';
