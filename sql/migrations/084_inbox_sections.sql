-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Which sections [smev3 NAME] there are, as each daemon says of its own configuration and says again while it lives (Q7, L4): daemons need not
-- have the same ones. What one of them has not is served by another; what nobody has said for a while nobody has.

create table data.inbox_section (
    owner text not null,
    source text not null,
    agency_code text not null,
    version text not null,
    said_at timestamptz not null default clock_timestamp(),
    until timestamptz not null,
    constraint inbox_section_pkey primary key (owner, source),
    constraint inbox_section_filled check (owner <> '' and source <> '' and agency_code <> '' and version <> '')
);
alter table data.inbox_section owner to zapisd_owner;
revoke all on data.inbox_section from public;
comment on table data.inbox_section is 'Sections [smev3 NAME] of the configurations in use, by who has them; a row that nobody renews is taken away by whoever comes next';
comment on column data.inbox_section.owner is 'Daemon: machine, process and a name of its own';
comment on column data.inbox_section.source is 'Section [smev3 NAME]';
comment on column data.inbox_section.agency_code is 'Agency whose queue it asks';
comment on column data.inbox_section.version is 'Version of the exchange it speaks';
comment on column data.inbox_section.said_at is 'When the daemon said so last';
comment on column data.inbox_section.until is 'When that is not believed any more, unless it is said again';
comment on constraint inbox_section_pkey on data.inbox_section is 'A configuration has a section once';
comment on constraint inbox_section_filled on data.inbox_section is 'It is said whose and which';

-- What was known until now, of whomever: a version that nobody has told may be any.
insert into data.inbox_section (owner, source, agency_code, version, until)
select 'before 084' || case when s.version is null then ' ' || v.version else '' end, s.source, s.agency_code, v.version, now()
from data.inbox_source as s join unnest('{1.1,1.2,1.3}'::text[]) as v (version) on v.version = coalesce(s.version, v.version)
where s.left_at is null;

drop function if exists data.inbox_is_served(text, text, text);
drop view if exists data.my_inbox_source;
alter table data.inbox_source drop column version, drop column left_at;
