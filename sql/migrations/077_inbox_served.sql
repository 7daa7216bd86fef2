-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Whose a message is says its row, not the section it once came by: that may have another agency now, another version, or be gone (Q1, Q7).
-- What nobody serves waits, and is told. And what the queue gives and nobody can read or believe is known by the id it claims, for people
-- to decide about: nothing but their word has us refuse it (Q1, O3).

drop index data.inbox_due;
drop index data.inbox_unsent;
drop index data.inbox_unacked;
create index inbox_due on data.inbox (source, agency_code, version, (state in ('answered', 'sending')), due_at)
    where state in ('stored', 'working', 'answered', 'sending');
create index inbox_unacked on data.inbox (source, agency_code, ack_at) where acked_at is null;
comment on index data.inbox_due is 'What is to be worked on, or sent, by whom, and when';
comment on index data.inbox_unacked is 'What SMEV does not know yet that we have';
alter table data.inbox drop constraint inbox_message_key, add constraint inbox_message_key unique (agency_code, message_id, sender_code);
comment on constraint inbox_message_key on data.inbox is 'A message is stored once, however often it is delivered (Q3); found by its id alone, too';

alter table data.inbox_source add column version text, add column left_at timestamptz;
comment on column data.inbox_source.version is 'Version of the exchange it speaks; none: not told yet';
comment on column data.inbox_source.left_at is 'Since when no configuration has this section; none: one has';

create table data.inbox_unread (
    source text not null,
    agency_code text not null,
    message_id text not null,
    error text not null,
    first_at timestamptz not null default clock_timestamp(),
    last_at timestamptz not null default clock_timestamp(),
    times bigint not null default 1,
    given_up_at timestamptz,
    given_up_by text,
    reason text,
    say_at timestamptz,
    said_at timestamptz,
    constraint inbox_unread_pkey primary key (agency_code, message_id),
    constraint inbox_unread_filled check (source <> '' and agency_code <> '' and error <> ''),
    constraint inbox_unread_times_range check (times > 0),
    constraint inbox_unread_given_up check ((given_up_at is not null) = (given_up_by is not null and coalesce(reason, '') <> '')),
    constraint inbox_unread_hand check (given_up_at is not null and message_id <> '' or say_at is null and said_at is null)
);
alter table data.inbox_unread owner to zapisd_owner;
create index inbox_unread_say on data.inbox_unread (agency_code, say_at) where say_at is not null;
revoke all on data.inbox_unread from public;
comment on table data.inbox_unread is 'Messages that the queue gives and that cannot be read, or are not SMEV''s word; by the id they claim, which nobody vouches for';
comment on column data.inbox_unread.source is 'Section [smev3 NAME] that met it last';
comment on column data.inbox_unread.agency_code is 'Agency whose queue it stands in';
comment on column data.inbox_unread.message_id is 'MessageID found in the octets, unverified; empty: of those in which none was found, together';
comment on column data.inbox_unread.error is 'What is wrong: the name of an error of ours';
comment on column data.inbox_unread.first_at is 'When it came first';
comment on column data.inbox_unread.last_at is 'When it came last';
comment on column data.inbox_unread.times is 'How often it came';
comment on column data.inbox_unread.given_up_at is 'When somebody decided that it is not to come again';
comment on column data.inbox_unread.given_up_by is 'Who';
comment on column data.inbox_unread.reason is 'Why';
comment on column data.inbox_unread.say_at is 'When SMEV is to be told so (Ack accepted=false); none: it is not';
comment on column data.inbox_unread.said_at is 'When it was';
comment on constraint inbox_unread_pkey on data.inbox_unread is 'An id once';
comment on constraint inbox_unread_filled on data.inbox_unread is 'It is said whose and why';
comment on constraint inbox_unread_times_range on data.inbox_unread is 'A count';
comment on constraint inbox_unread_given_up on data.inbox_unread is 'A decision has its author and reason';
comment on constraint inbox_unread_hand on data.inbox_unread is 'Nothing is refused but by somebody''s decision, and by an id';
comment on index data.inbox_unread_say is 'What SMEV is to be told';
