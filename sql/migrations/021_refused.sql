-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- A journal apart for what nobody vouches for: messages that were not understood or whose signature is no sender's. Whoever can
-- reach the port can fill it, so it has a budget (limits.refused_peer, limits.refused_total) and leaves after some months;
-- data.journal holds what a sender or a local client really said, and answers wait for that one alone (J1, J4).

create sequence data.refused_id as bigint cache 32;
alter sequence data.refused_id owner to zapisd_owner;
revoke all on sequence data.refused_id from public;
comment on sequence data.refused_id is 'Numbers of rows of data.journal_refused';

create table data.journal_refused (
    refused_id bigint not null,
    at timestamptz not null,
    listener text not null,
    peer text not null,
    request_id text not null,
    reason text not null,
    messages bigint not null,
    size bigint not null,
    digest bytea,
    head bytea compression lz4,
    answer bytea compression lz4,
    constraint journal_refused_pkey primary key (refused_id, at),
    constraint journal_refused_messages_range check (messages > 0 and size >= 0)
) partition by range (at);
alter table data.journal_refused owner to zapisd_owner;
create table data.journal_refused_default partition of data.journal_refused default;
alter table data.journal_refused_default owner to zapisd_owner;
revoke all on data.journal_refused, data.journal_refused_default from public;
comment on table data.journal_refused is 'Messages that were not understood or not verified, and faults that say "come again" because the journal could not be written; within a budget; the beginning may hold PERSONAL DATA';
comment on table data.journal_refused_default is 'Rows of months that have no partition yet';
comment on column data.journal_refused.refused_id is 'Number';
comment on column data.journal_refused.at is 'When it was written';
comment on column data.journal_refused.listener is 'Listener of the daemon; empty in a count';
comment on column data.journal_refused.peer is 'Network address; of a count: the machine';
comment on column data.journal_refused.request_id is 'req= of the log and reference number of the fault; empty in a count';
comment on column data.journal_refused.reason is 'Name of the error; "not kept": a count of messages beyond the budget';
comment on column data.journal_refused.messages is '1, or how many a count stands for';
comment on column data.journal_refused.size is 'Octets of the message, or of all that were counted';
comment on column data.journal_refused.digest is 'SHA-256 of the whole message; null in a count';
comment on column data.journal_refused.head is 'The message, of a long one its beginning';
comment on column data.journal_refused.answer is 'The fault it was answered with';
comment on constraint journal_refused_pkey on data.journal_refused is 'Number; with the time, which says the partition';
comment on constraint journal_refused_messages_range on data.journal_refused is 'Counts';
create trigger journal_append_only before update or delete or truncate on data.journal_refused
    for each statement execute function data.refuse_change();
create trigger journal_append_only before update or delete or truncate on data.journal_refused_default
    for each statement execute function data.refuse_change();
comment on trigger journal_append_only on data.journal_refused is 'Rows are only added; they leave as a whole month (J2)';
comment on trigger journal_append_only on data.journal_refused_default is 'Rows are only added; they leave as a whole month (J2)';
grant select (refused_id, at, listener, request_id, reason, messages, size, digest) on data.journal_refused to zapisd_auditor, zapisd_operator;
