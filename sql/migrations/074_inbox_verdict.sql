-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What was found of the signatures of a message of SMEV 3 stands beside it, for people (C4): the journal has it by the call. And whoever waits
-- long for an answer is told once that it is being worked on (Q4).

alter table data.inbox add column verdict text, add column status_at timestamptz;
comment on column data.inbox.verdict is 'SMEV''s signature, and those of the sender and of a person, as the journal says; none: stored before this was noted';
comment on column data.inbox.status_at is 'When its sender was told that the answer takes longer (RequestStatus)';
