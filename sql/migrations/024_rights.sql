-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- The rights as `zapisd migrate` left them, kept beside the objects they are about: a restore into a cluster that lacks the
-- roles leaves owner and grants out and says so in hundreds of lines nobody reads. What is missing is put back from here.

create table data.rights (
    kind text not null,
    object text not null,
    part text not null default '',
    grantee text not null,
    privilege text not null,
    constraint rights_pkey primary key (kind, object, part, grantee, privilege),
    constraint rights_kind check (kind in ('schema', 'relation', 'column', 'routine', 'type'))
);
alter table data.rights owner to zapisd_owner;
revoke all on data.rights from public;
comment on table data.rights is 'Who may do what by the grants of the migrations: data.rights_repair() puts back what a restore left out';
comment on column data.rights.kind is 'schema, relation, column, routine, type';
comment on column data.rights.object is 'Name with its schema; a routine with the types of its arguments';
comment on column data.rights.part is 'Column, if only that';
comment on column data.rights.grantee is 'One of our roles';
comment on column data.rights.privilege is 'SELECT, EXECUTE, USAGE, ...';
comment on constraint rights_pkey on data.rights is 'A right is there once';
comment on constraint rights_kind on data.rights is 'One of the five';

-- Written and taken back by api.probe(): whether the disk still takes anything is asked before a citizen finds out.
create unlogged table data.probe (
    probe_id integer not null,
    octets text not null,
    constraint probe_pkey primary key (probe_id)
);
alter table data.probe owner to zapisd_owner;
alter table data.probe alter column octets set storage plain;
revoke all on data.probe from public;
comment on table data.probe is 'Always empty: see api.probe()';
comment on column data.probe.probe_id is 'Which';
comment on column data.probe.octets is 'A page of them';
comment on constraint probe_pkey on data.probe is 'Which';
