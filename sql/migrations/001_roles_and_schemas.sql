-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Who may do what, and the three rooms of the database.
-- data: tables, touched by their owner alone. api: what the daemon calls. admin: what people call.
-- Roles belong to the whole cluster, so they are made only when absent, and never dropped here.

do $$
begin
    if not exists (select from pg_roles where rolname = 'zapisd_owner') then
        create role zapisd_owner nologin;
    end if;
    if not exists (select from pg_roles where rolname = 'zapisd_daemon') then
        create role zapisd_daemon login;
        -- The server gives up a little before the daemon does, and notices when the daemon has gone: nothing of the
        -- daemon's keeps its locks after its client was told to come again.
        alter role zapisd_daemon set statement_timeout = '9s';
        alter role zapisd_daemon set lock_timeout = '5s';
        alter role zapisd_daemon set idle_in_transaction_session_timeout = '30s';
        alter role zapisd_daemon set client_connection_check_interval = '2s';
    end if;
    if not exists (select from pg_roles where rolname = 'zapisd_operator') then
        create role zapisd_operator nologin;
    end if;
    if not exists (select from pg_roles where rolname = 'zapisd_auditor') then
        create role zapisd_auditor nologin;
    end if;
end $$;

comment on role zapisd_owner is 'Owns every object of zapisd; nobody logs in as it';
comment on role zapisd_daemon is 'The daemon: may execute api.* and nothing else';
comment on role zapisd_operator is 'The operator of the agency: configuration, admin.*, masked views; no personal data, no change of history';
comment on role zapisd_auditor is 'Reads the facts of journal and history without personal data';

create extension if not exists btree_gist;

create schema if not exists data;
create schema api;
create schema admin;
alter schema data owner to zapisd_owner;
alter schema api owner to zapisd_owner;
alter schema admin owner to zapisd_owner;
revoke all on schema data, api, admin from public;
grant usage on schema api to zapisd_daemon;
grant usage on schema admin to zapisd_operator, zapisd_auditor;
grant usage on schema data to zapisd_operator, zapisd_auditor;
comment on schema data is 'Tables and their inner functions; only the owner writes bookings';
comment on schema api is 'Functions the daemon calls, one per method of order 329';
comment on schema admin is 'Functions and views for the operator and the auditor; start with select * from admin.help()';

-- Made by whoever applies migrations, or here when applied by hand.
create table if not exists data.schema_version (
    name text primary key,
    sha256 text,
    applied_at timestamptz
);
alter table data.schema_version owner to zapisd_owner;
revoke all on data.schema_version from public;
grant select on data.schema_version to zapisd_operator, zapisd_auditor;
comment on table data.schema_version is 'Migrations applied to this database, with the checksum of each file';
comment on column data.schema_version.name is 'File name without the folder';
comment on column data.schema_version.sha256 is 'SHA-256 of the file as it was applied, in hexadecimal';
comment on column data.schema_version.applied_at is 'When';
do $$
declare
    c name;
begin
    for c in select conname from pg_constraint where conrelid = 'data.schema_version'::regclass loop
        execute format('comment on constraint %I on data.schema_version is %L', c, 'A migration is applied once');
    end loop;
end $$;
