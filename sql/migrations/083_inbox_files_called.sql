-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- A file that was asked for is an exchange of the journal (J1). An Ack that is said again names what the first one named (Q3). What was put
-- aside before its sender was told that his answer takes longer is found without reading what was told (Q4).

alter table data.inbox_call drop constraint inbox_call_operation;
alter table data.inbox_call add constraint inbox_call_operation check (operation in ('GetRequest', 'Ack', 'SendResponse', 'GetFile'));
comment on constraint inbox_call_operation on data.inbox_call is 'One of the four';
comment on column data.inbox_call.operation is 'GetRequest, Ack, SendResponse; GetFile: a file was asked of SMEV''s store';

alter table data.inbox add column ack_id text;
comment on column data.inbox.ack_id is 'What an Ack names, where that is not message_id: SMEV''s own name of the message, as MessageMetadata has it';

create index inbox_untold on data.inbox (source, received_at) where state = 'parked' and status_at is null;
comment on index data.inbox_untold is 'What was put aside and whose sender was not told so';
comment on column data.inbox.status_at is 'When its sender was to be told that the answer takes longer (RequestStatus); none: he was not';
