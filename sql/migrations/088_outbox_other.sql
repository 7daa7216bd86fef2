-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- An answer of the portal that tells another booking is noted with the row of the message it is to, and what is noted of an answer
-- belongs to a message of ours, however often that was sent (Q5, O3). What was noted before without one comes again.

alter table data.outbox_event add column message_id text;
comment on column data.outbox_event.message_id is 'Of unread, other: message of ours that was answered so';

alter table data.outbox_event drop constraint outbox_event_kind;
alter table data.outbox_event add constraint outbox_event_kind check (event in ('again', 'taken_over', 'queued', 'in_work', 'unread', 'other',
    'answered', 'stopped', 'overdue', 'held', 'released', 'requeued', 'dropped', 'done', 'resent'));
comment on constraint outbox_event_kind on data.outbox_event is 'One of the fifteen';
comment on column data.outbox_event.event is 'again, taken_over, queued, in_work, unread, other, answered, stopped, overdue; by hand: held, released, requeued, dropped, done, resent';

create index outbox_event_other on data.outbox_event (outbox_id) where event = 'other';
comment on index data.outbox_event_other is 'Which of those that are out were answered about another booking';
