-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What passed in silence: functions, views and triggers that are not as our files make them.

create table data.built (
    kind text not null,
    object text not null,
    digest text,
    seen text,
    server_major integer not null,
    constraint built_pkey primary key (kind, object),
    constraint built_kind check (kind in ('routine', 'view', 'trigger'))
);
alter table data.built owner to zapisd_owner;
revoke all on data.built from public;
comment on table data.built is 'What the files of zapisd migrate have made, by digest: what is changed by hand is told (L4)';
comment on column data.built.kind is 'routine, view, trigger';
comment on column data.built.object is 'Name with its schema; a routine with the types of its arguments, a trigger with its table';
comment on column data.built.digest is 'SHA-256 of the definition as our files have left it; empty: no file of ours has made it';
comment on column data.built.seen is 'While a file is applied: the definition before it, where that was another; empty: it was not there';
comment on column data.built.server_major is 'PostgreSQL that told the definition: another one may word it in another way';
comment on constraint built_pkey on data.built is 'An object is there once';
comment on constraint built_kind on data.built is 'One of the three';
