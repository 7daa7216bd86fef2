-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Daemons may have sections of one name for different agencies (Q7, L4): how asking goes is said by section and agency. What SMEV
-- refuses of ours is a row an operation: one of them says nothing of another.

alter table data.inbox_source drop constraint inbox_source_pkey;
alter table data.inbox_source add constraint inbox_source_pkey primary key (source, agency_code);
comment on table data.inbox_source is 'How asking SMEV goes, by source and agency, for all instances; told once a minute or when it changes';
comment on constraint inbox_source_pkey on data.inbox_source is 'A source of an agency once';

create table data.inbox_refusal (
    source text not null,
    agency_code text not null,
    operation text not null,
    fault text not null,
    since_at timestamptz not null default clock_timestamp(),
    last_at timestamptz not null default clock_timestamp(),
    constraint inbox_refusal_pkey primary key (source, agency_code, operation),
    constraint inbox_refusal_operation check (operation in ('Ack', 'SendResponse', 'Ack of an answer', 'GetStatus')),
    constraint inbox_refusal_filled check (source <> '' and agency_code <> '' and fault <> '')
);
alter table data.inbox_refusal owner to zapisd_owner;
revoke all on data.inbox_refusal from public;
comment on table data.inbox_refusal is 'What SMEV refuses of what we tell it, whatever it gives us; a row is gone when it takes that';
comment on column data.inbox_refusal.source is 'Section [smev3 NAME]';
comment on column data.inbox_refusal.agency_code is 'Agency in whose name it is told';
comment on column data.inbox_refusal.operation is 'What it refuses: Ack, SendResponse; Ack of an answer of the portal''s; GetStatus';
comment on column data.inbox_refusal.fault is 'By which fault';
comment on column data.inbox_refusal.since_at is 'Since when';
comment on column data.inbox_refusal.last_at is 'When it last did';
comment on constraint inbox_refusal_pkey on data.inbox_refusal is 'One operation hides no other, one agency no other';
comment on constraint inbox_refusal_operation on data.inbox_refusal is 'One of the four';
comment on constraint inbox_refusal_filled on data.inbox_refusal is 'It is said whose, and why';

insert into data.inbox_refusal (source, agency_code, operation, fault, since_at, last_at)
select s.source, s.agency_code, s.refused_operation, s.refused, s.refused_since, s.refused_at
from data.inbox_source as s where s.refused is not null and s.refused <> '' and s.source <> '' and s.agency_code <> '';

drop view if exists data.my_inbox_source;
alter table data.inbox_source drop constraint inbox_source_refused;
alter table data.inbox_source drop column refused, drop column refused_operation, drop column refused_since, drop column refused_at;
drop function if exists data.inbox_has_section(text);
