-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- An answer of the portal that cannot be read or believed is known by the ids that it claims, like a request (Q5, O3): which of our messages it
-- answers, so that its row says so; and under which id an answer was taken, so that a broken copy of it is never refused.

alter table data.inbox_unread add column operation text not null default 'GetRequest', add column original_id text;
alter table data.inbox_unread add constraint inbox_unread_operation check (operation in ('GetRequest', 'GetResponse', 'GetStatus'));
create index inbox_unread_original on data.inbox_unread (agency_code, original_id) where original_id is not null;
comment on column data.inbox_unread.operation is 'What it was an answer to: GetRequest, a request; GetResponse, an answer of the portal; GetStatus, an error of SMEV''s';
comment on column data.inbox_unread.original_id is 'Message of ours that it answers, as it claims, unverified; none: none was found';
comment on constraint inbox_unread_operation on data.inbox_unread is 'One of the three questions for messages';
comment on index data.inbox_unread_original is 'What came to a message of ours and cannot be read';

alter table data.outbox add column answer_id text;
create index outbox_answered_by on data.outbox (agency_code, answer_id) where answer_id is not null;
grant select (answer_id) on data.outbox to zapisd_operator, zapisd_auditor;
comment on column data.outbox.answer_id is 'MessageID of the last answer that SMEV brought to it; none: none came, or none that could be read';
comment on index data.outbox_answered_by is 'Whether an answer was taken';

alter table data.outbox_event drop constraint outbox_event_kind;
alter table data.outbox_event add constraint outbox_event_kind check (event in ('again', 'taken_over', 'queued', 'in_work', 'unread', 'answered',
    'stopped', 'overdue', 'held', 'released', 'requeued', 'dropped', 'done', 'resent'));
comment on constraint outbox_event_kind on data.outbox_event is 'One of the fourteen';
comment on column data.outbox_event.event is 'again, taken_over, queued, in_work, unread, answered, stopped, overdue; by hand: held, released, requeued, dropped, done, resent';

-- That SMEV refuses our Ack of the portal's answers, or gives no errors of notifications, is told as its other refusals (L4).
alter table data.inbox_source drop constraint inbox_source_refused;
alter table data.inbox_source add constraint inbox_source_refused check ((refused is null) = (refused_operation is null)
    and (refused is null) = (refused_since is null) and (refused is null) = (refused_at is null)
    and (refused_operation is null or refused_operation in ('Ack', 'SendResponse', 'Ack of an answer', 'GetStatus')));
comment on constraint inbox_source_refused on data.inbox_source is 'What is refused, since when, and until when';
comment on column data.inbox_source.refused_operation is 'By which operation we told it: Ack (of a request), SendResponse, Ack of an answer; or GetStatus, by which we ask';
