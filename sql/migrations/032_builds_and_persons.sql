-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What passed in silence: functions, views and triggers that are not as our files make them; one person who is written in two
-- ways and so had twice what limits allow.

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

-- Part of an index: another text of this function wants the index built anew.
create function data.person_key(value text) returns text
language sql immutable parallel safe
return lower(regexp_replace(normalize(value, NFKC),
    U&'[\0001-\0020\007F-\00A0\00AD\034F\061C\115F\1160\1680\17B4\17B5\180B-\180F\2000-\200F\2028-\202F\205F-\206F\3000\3164\FE00-\FE0F\FEFF\FFA0\+0E0000-\+0E0FFF]+',
    '', 'g'));
alter function data.person_key(text) owner to zapisd_owner;
revoke all on function data.person_key(text) from public;
comment on function data.person_key(text) is
    'What tells a person, or an application, however it is written: without blanks and what nobody sees, wide and other forms as the plain ones, in small letters (B5)';

drop index data.booking_person;
create index booking_person on data.booking (data.person_key(esia_id));
comment on index data.booking_person is 'Bookings of an account, however it is written: limits (B5)';
drop index data.booking_case;
create index booking_case on data.booking (data.person_key(case_number)) where case_number is not null;
comment on index data.booking_case is 'Bookings of an application, however it is written: limits (B7)';
drop index data.applicant_snils; -- applicant_snils_digits is asked
