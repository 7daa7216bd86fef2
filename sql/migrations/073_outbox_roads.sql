-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Two roads to the portal (Q5, M8, decision 0330): a message that may have left by one of them is not told by the other on its own, and
-- the portal may say more than once that it is at work.

alter table data.outbox add column is_unsure boolean not null default false;
update data.outbox set is_unsure = true where message_id is not null and state not in ('answered', 'dropped');
alter table data.outbox add constraint outbox_unsure check (not is_unsure or message_id is not null);
grant select (is_unsure) on data.outbox to zapisd_operator, zapisd_auditor;
comment on column data.outbox.is_unsure is 'Its message has left, or may have: it is told by no other road unless somebody wants it so';
comment on constraint outbox_unsure on data.outbox is 'What may have left has a message id';

alter table data.outbox_event drop constraint outbox_event_kind;
alter table data.outbox_event add constraint outbox_event_kind check (event in ('again', 'taken_over', 'queued', 'in_work', 'answered',
    'stopped', 'overdue', 'held', 'released', 'requeued', 'dropped', 'done', 'resent'));
comment on constraint outbox_event_kind on data.outbox_event is 'One of the thirteen';
comment on column data.outbox_event.event is 'again, taken_over, queued, in_work, answered, stopped, overdue; by hand: held, released, requeued, dropped, done, resent';
