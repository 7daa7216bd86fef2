-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- SMEV may refuse an answer of ours after it has taken it, and says so in the queue of answers (Q3, Q5): the answer is known by its
-- MessageID, taken back from the journal, and sent anew under another id when a person says so. What that queue gives and is another
-- program's stands in the list of what a person may end.

alter table data.inbox add column refused_ids text[];
comment on column data.inbox.refused_ids is 'MessageIDs of answers of ours that SMEV took and refused later, the last one last; none: it did not';
create index inbox_answer on data.inbox (agency_code, answer_id) where answer_id is not null;
create index inbox_refused on data.inbox (agency_code) where refused_ids is not null;
comment on index data.inbox_answer is 'Which message an answer of ours was to';
comment on index data.inbox_refused is 'Answers that SMEV took and refused later: few';

alter table data.inbox drop constraint inbox_octets_kept;
alter table data.inbox add constraint inbox_octets_kept check (octets is not null or state in ('sent', 'closed', 'given_up')
    or refused_ids is not null and state in ('parked', 'answered', 'sending'));
comment on constraint inbox_octets_kept on data.inbox is 'What is still to be worked on is there; of an answer that SMEV refused late the answer alone';

alter table data.inbox_call drop constraint inbox_call_operation;
alter table data.inbox_call add constraint inbox_call_operation check (operation in ('GetRequest', 'Ack', 'SendResponse', 'GetFile', 'GetResponse'));
comment on constraint inbox_call_operation on data.inbox_call is 'One of the five';
comment on column data.inbox_call.operation is 'GetRequest, Ack, SendResponse, GetFile; GetResponse: what SMEV said of our answer after it had taken it';

alter table data.outbox add column former_ids text[];
grant select (former_ids) on data.outbox to zapisd_operator, zapisd_auditor;
comment on column data.outbox.former_ids is 'MessageIDs it had before its present one, the last 20: an answer to one of them is ours, and late; none: it had no other';
create index outbox_former on data.outbox (agency_code) where former_ids is not null;
comment on index data.outbox_former is 'Rows whose message was made anew since, by agency: few; which of them an answer is to';
