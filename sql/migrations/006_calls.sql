-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- The two row types that api.* speaks in, and the versions of the reference books.

create type api.message as (
    listener text, channel text, peer text, sender_code text, recipient_code text, message_id text, method text, verdict text,
    portal_time text, case_number text, digest bytea, received_at timestamptz, test boolean, body bytea
);
alter type api.message owner to zapisd_owner;
revoke all on type api.message from public;
grant usage on type api.message to zapisd_daemon;
comment on type api.message is 'The message a call came with: what is journalled and what keys idempotency (B6)';
comment on column api.message.listener is 'Listener of the daemon';
comment on column api.message.channel is 'smev2, plain';
comment on column api.message.peer is 'Network address';
comment on column api.message.sender_code is 'Sender as verified; empty on a plain listener';
comment on column api.message.recipient_code is 'Agency addressed; empty: any';
comment on column api.message.message_id is 'Never empty';
comment on column api.message.method is 'Method of order 329';
comment on column api.message.verdict is 'What became of the signature';
comment on column api.message.portal_time is 'smev:Date as sent';
comment on column api.message.case_number is 'Case number of the frame';
comment on column api.message.digest is 'SHA-256 of what was verified';
comment on column api.message.received_at is 'When the daemon had read it';
comment on column api.message.test is 'smev:TestMsg: answer as usual, no lasting effect';
comment on column api.message.body is 'The request as it came';

create type api.answer as (
    kind text, status_code text, status_message text, error_code integer, error_message text, field text, slot_id text,
    service_id text, organization_id text, area_id text, visit_time text, book_end_time text, queue_number text,
    duration integer, attributes jsonb, journal_id bigint, journal_at timestamptz, stored bytea
);
alter type api.answer owner to zapisd_owner;
revoke all on type api.answer from public;
grant usage on type api.answer to zapisd_daemon;
comment on type api.answer is 'Rows of an answer: one "answer", then "field" rows, then "slot" rows in time order; or a lone "stored" or "reused"';
comment on column api.answer.kind is 'answer, field, slot, stored, reused';
comment on column api.answer.status_code is 'Status of the booking; of kind answer';
comment on column api.answer.status_message is 'Text of the status';
comment on column api.answer.error_code is 'Error of the answer (0-5) or of the field (1-2)';
comment on column api.answer.error_message is 'Its text';
comment on column api.answer.field is 'Wire name of the field';
comment on column api.answer.slot_id is 'slotId';
comment on column api.answer.service_id is 'serviceId';
comment on column api.answer.organization_id is 'organizationId';
comment on column api.answer.area_id is 'areaId';
comment on column api.answer.visit_time is 'visitTime with the offset of the organization''s zone (T1)';
comment on column api.answer.book_end_time is 'bookEndTime, of a hold';
comment on column api.answer.queue_number is 'queueNumber';
comment on column api.answer.duration is 'Minutes';
comment on column api.answer.attributes is 'Attributes of the slot';
comment on column api.answer.journal_id is 'Exchange the answer is to be journalled under';
comment on column api.answer.journal_at is 'Its time';
comment on column api.answer.stored is 'The first answer, byte for byte; of kind stored';

create table data.ref_book (
    ref_name text not null,
    title text not null,
    kind text not null,
    version bigint not null default 1,
    changed_at timestamptz not null default now(),
    constraint ref_book_pkey primary key (ref_name),
    constraint ref_book_kind check (kind in ('P', 'H')),
    constraint ref_book_version_range check (version >= 1)
);
alter table data.ref_book owner to zapisd_owner;
revoke all on data.ref_book from public;
grant select on data.ref_book to zapisd_operator, zapisd_auditor;
comment on table data.ref_book is 'Reference books offered to the portal and their versions (R1, R3)';
comment on column data.ref_book.ref_name is 'Name on the wire';
comment on column data.ref_book.title is 'Title';
comment on column data.ref_book.kind is 'P flat, H hierarchical';
comment on column data.ref_book.version is 'Grows with every change of what the book shows (A14)';
comment on column data.ref_book.changed_at is 'When it last grew';
comment on constraint ref_book_pkey on data.ref_book is 'One row a book';
comment on constraint ref_book_kind on data.ref_book is 'Flat or hierarchical';
comment on constraint ref_book_version_range on data.ref_book is 'Counts from 1';
insert into data.ref_book (ref_name, title, kind) values
('organizations', 'Организации', 'P'), ('services', 'Услуги', 'P'), ('areas', 'Помещения и специалисты', 'H');

create table data.ref_attribute (
    ref_name text not null,
    position smallint not null,
    name text not null,
    title text not null,
    type text not null,
    attr_ref_name text,
    allow_filtering boolean not null default false,
    constraint ref_attribute_pkey primary key (ref_name, name),
    constraint ref_attribute_position_key unique (ref_name, position),
    constraint ref_attribute_book_fkey foreign key (ref_name) references data.ref_book (ref_name),
    constraint ref_attribute_link_fkey foreign key (attr_ref_name) references data.ref_book (ref_name),
    constraint ref_attribute_type check (type in ('STRING', 'LONG', 'DECIMAL', 'DATETIME', 'BOOLEAN'))
);
alter table data.ref_attribute owner to zapisd_owner;
revoke all on data.ref_attribute from public;
grant select on data.ref_attribute to zapisd_operator, zapisd_auditor;
comment on table data.ref_attribute is 'Attributes of the reference books (item 23)';
comment on column data.ref_attribute.ref_name is 'Book';
comment on column data.ref_attribute.position is 'Order of output';
comment on column data.ref_attribute.name is 'Name on the wire';
comment on column data.ref_attribute.title is 'Title';
comment on column data.ref_attribute.type is 'STRING, LONG, DECIMAL, DATETIME, BOOLEAN';
comment on column data.ref_attribute.attr_ref_name is 'Book its values are codes of';
comment on column data.ref_attribute.allow_filtering is 'Whether a filter may name it';
comment on constraint ref_attribute_pkey on data.ref_attribute is 'A name once in a book';
comment on constraint ref_attribute_position_key on data.ref_attribute is 'One order';
comment on constraint ref_attribute_book_fkey on data.ref_attribute is 'Of a known book';
comment on constraint ref_attribute_link_fkey on data.ref_attribute is 'Links to a known book';
comment on constraint ref_attribute_type on data.ref_attribute is 'The types of item 23';
insert into data.ref_attribute (ref_name, position, name, title, type, attr_ref_name) values
('organizations', 1, 'code', 'Код', 'STRING', null),
('organizations', 2, 'title', 'Наименование', 'STRING', null),
('organizations', 3, 'address', 'Адрес', 'STRING', null),
('organizations', 4, 'phone', 'Телефон', 'STRING', null),
('organizations', 5, 'timeZone', 'Часовой пояс', 'STRING', null),
('organizations', 6, 'latitude', 'Широта', 'DECIMAL', null),
('organizations', 7, 'longitude', 'Долгота', 'DECIMAL', null),
('organizations', 8, 'TimetableComment', 'Комментарий к расписанию', 'STRING', null),
('services', 1, 'code', 'Код', 'STRING', null),
('services', 2, 'title', 'Наименование', 'STRING', null),
('services', 3, 'frguNumber', 'Номер в федеральном реестре', 'STRING', null),
('areas', 1, 'code', 'Код', 'STRING', null),
('areas', 2, 'title', 'Наименование', 'STRING', null),
('areas', 3, 'organizationId', 'Организация', 'STRING', 'organizations');
insert into data.ref_attribute (ref_name, position, name, title, type)
select 'organizations', 8 + (d.n - 1) * 6 + a.n, d.abbreviation || a.name, a.title || ', ' || d.title, a.type
from (values (1, 'mon', 'понедельник'), (2, 'tue', 'вторник'), (3, 'wed', 'среда'), (4, 'thu', 'четверг'), (5, 'fri', 'пятница'),
        (6, 'sat', 'суббота'), (7, 'sun', 'воскресенье')) as d (n, abbreviation, title),
    (values (1, 'IsWorking', 'Рабочий день', 'BOOLEAN'), (2, 'Start', 'Начало работы', 'STRING'),
        (3, 'End', 'Окончание работы', 'STRING'), (4, 'HasDinner', 'Есть обед', 'BOOLEAN'),
        (5, 'DinnerStart', 'Начало обеда', 'STRING'), (6, 'DinnerEnd', 'Окончание обеда', 'STRING')) as a (n, name, title, type);

create function data.ref_book_changed() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    update data.ref_book as b set version = b.version + 1, changed_at = now() where b.ref_name = any (tg_argv::text[]);
    return null;
end $$;
alter function data.ref_book_changed() owner to zapisd_owner;
revoke all on function data.ref_book_changed() from public;
comment on function data.ref_book_changed() is 'Trigger: the books named in its arguments have a new version (R3, R6)';
create trigger ref_organization after insert or update or delete or truncate on data.organization
    for each statement execute function data.ref_book_changed('organizations');
create trigger ref_timetable after insert or update or delete or truncate on data.timetable
    for each statement execute function data.ref_book_changed('organizations');
create trigger ref_service after insert or update or delete or truncate on data.service
    for each statement execute function data.ref_book_changed('services');
create trigger ref_organization_service after insert or update or delete or truncate on data.organization_service
    for each statement execute function data.ref_book_changed('services');
create trigger ref_area after insert or update or delete or truncate on data.area
    for each statement execute function data.ref_book_changed('areas');
comment on trigger ref_organization on data.organization is 'New version of organizations (R6)';
comment on trigger ref_timetable on data.timetable is 'New version of organizations: their hours (R4, R6)';
comment on trigger ref_service on data.service is 'New version of services (R6)';
comment on trigger ref_organization_service on data.organization_service is 'New version of services: an agency sees what it offers (R6)';
comment on trigger ref_area on data.area is 'New version of areas (R6)';
