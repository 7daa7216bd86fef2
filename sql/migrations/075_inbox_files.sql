-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Files that a message out of SMEV 3's queue came with, or named in SMEV's store (Q6): their headers, and where the file is kept when it was
-- fetched. User and password of the store are in the octets only, which leave with the answer: they hold until the message is acknowledged.

create table data.inbox_file (
    inbox_id bigint not null,
    number integer not null,
    place text not null,
    file_id text not null,
    file_name text,
    mime_type text,
    hash text,
    is_signed boolean not null,
    content text,
    size bigint,
    constraint inbox_file_pkey primary key (inbox_id, number),
    constraint inbox_file_inbox_fkey foreign key (inbox_id) references data.inbox (inbox_id),
    constraint inbox_file_place check (place in ('message', 'store')),
    constraint inbox_file_lengths check (greatest(length(file_id), length(file_name), length(mime_type), length(hash)) <= 500),
    constraint inbox_file_content check (content ~ '^[0-9a-f]{64}$'),
    constraint inbox_file_kept check ((content is null) = (size is null) and size >= 0)
);
alter table data.inbox_file owner to zapisd_owner;
create index inbox_file_by_content on data.inbox_file (content) where content is not null;
revoke all on data.inbox_file from public;
comment on table data.inbox_file is 'Files of messages taken out of SMEV 3''s queue (Q6); file_name may be PERSONAL DATA; rows are only added';
comment on column data.inbox_file.inbox_id is 'Message';
comment on column data.inbox_file.number is 'Which of its files, from 1: those in the message first, each kind as its headers stand';
comment on column data.inbox_file.place is 'message: it came within; store: it lay in SMEV''s file store';
comment on column data.inbox_file.file_id is 'contentId or uuid of its header';
comment on column data.inbox_file.file_name is 'FileName, if any';
comment on column data.inbox_file.mime_type is 'MimeType, if any';
comment on column data.inbox_file.hash is 'Hash of its header, if any: a GOST digest in base64, as the sender wrote it';
comment on column data.inbox_file.is_signed is 'Its header has SignaturePKCS7, which stands in the journal and is not verified';
comment on column data.inbox_file.content is 'Name in our store: SHA-256 of its content; none: it was not fetched';
comment on column data.inbox_file.size is 'Bytes, of what was fetched';
comment on constraint inbox_file_pkey on data.inbox_file is 'A file once';
comment on constraint inbox_file_inbox_fkey on data.inbox_file is 'Of a known message';
comment on constraint inbox_file_place on data.inbox_file is 'One of the two';
comment on constraint inbox_file_lengths on data.inbox_file is 'Words of a header, no more';
comment on constraint inbox_file_content on data.inbox_file is 'A digest in hex';
comment on constraint inbox_file_kept on data.inbox_file is 'What is kept has a size, and nothing else has';
comment on index data.inbox_file_by_content is 'Whether anybody needs a file of the store';

-- They leave with their message, when it is long over; nobody takes one away by accident.
create function data.keep_inbox_file() returns trigger
language plpgsql as $$
begin
    if not exists (select from data.inbox as i where i.inbox_id = old.inbox_id and i.ended_at < now() - interval '60 days') then
        raise exception 'DELETE of data.inbox_file is refused: its message is not over, or not for 60 days'
            using errcode = 'insufficient_privilege';
    end if;
    return old;
end $$;
alter function data.keep_inbox_file() owner to zapisd_owner;
revoke all on function data.keep_inbox_file() from public;
comment on function data.keep_inbox_file() is 'Trigger of data.inbox_file, whose rows leave with their message, 60 days after its end at the earliest';
create trigger inbox_file_append_only before update or truncate on data.inbox_file
    for each statement execute function data.refuse_change();
comment on trigger inbox_file_append_only on data.inbox_file is 'What came with a message stays as it was told (J2)';
create trigger inbox_file_recent before delete on data.inbox_file for each row execute function data.keep_inbox_file();
comment on trigger inbox_file_recent on data.inbox_file is 'SMEV delivers again for 45 days: until then its files are known';
