-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- The outbox delivered (M8, decision 0326): from whom and by which road, who is at it until when, what was sent and what the portal
-- said, what people did to it. A row is one statement about a booking; it ends answered or dropped, and the next of its booking
-- goes only then.

alter table data.outbox
    add column agency_code text,
    add column road text,
    add column is_behind boolean not null default false,
    add column lease_owner text,
    add column lease_until timestamptz,
    add column sent_at timestamptz,
    add column message_id text,
    add column octets bytea compression lz4,
    add column case_number text,
    add column answer bytea compression lz4,
    add column deadline timestamptz,
    add column reason text,
    add column changed_at timestamptz,
    add column changed_by name,
    add column journal_id bigint;
alter table data.outbox drop constraint outbox_state;
update data.outbox as x set agency_code = o.agency_code, state = case x.state when 'sent' then 'answered' else x.state end,
    done_at = case x.state when 'sent' then coalesce(x.done_at, x.next_attempt_at) end,
    changed_at = case x.state when 'stopped' then now() end, -- since when is not known
    done_by = case x.state when 'sent' then x.done_by end
from data.booking as b join data.organization as o on o.organization_id = b.organization_id
where b.book_key = x.book_key;
alter table data.outbox
    alter column agency_code set not null,
    add constraint outbox_agency_fkey foreign key (agency_code) references data.agency (agency_code),
    add constraint outbox_state check (state in ('waiting', 'sending', 'sent', 'answered', 'stopped', 'held', 'dropped')),
    add constraint outbox_road check (road in ('smev2', 'smev3')),
    add constraint outbox_lease check ((state = 'sending') = (lease_until is not null) and (lease_until is null) = (lease_owner is null)),
    add constraint outbox_deadline check (state <> 'sent' or deadline is not null),
    add constraint outbox_ended check ((state in ('answered', 'dropped')) = (done_at is not null)),
    add constraint outbox_reason check (state not in ('held', 'dropped') or reason is not null),
    add constraint outbox_message_whole check ((message_id is null) = (octets is null)),
    add constraint outbox_message_filled check (message_id <> '' and octets <> '');

-- What takes a row reads only what is due and first of its booking; what is over is in none of these.
drop index data.outbox_waiting;
create index outbox_due on data.outbox (agency_code, next_attempt_at, outbox_id) where state = 'waiting' and not is_behind;
create index outbox_leased on data.outbox (agency_code, lease_until) where state = 'sending';
create index outbox_awaited on data.outbox (deadline) where state = 'sent';
create index outbox_open on data.outbox (book_key, outbox_id) where state not in ('answered', 'dropped');
create index outbox_behind on data.outbox (book_key, outbox_id) where is_behind;
create unique index outbox_message_once on data.outbox (agency_code, message_id) where message_id is not null;

grant select (agency_code, road, is_behind, lease_owner, lease_until, sent_at, message_id, deadline, reason, changed_at, changed_by,
    journal_id) on data.outbox to zapisd_operator, zapisd_auditor;
comment on column data.outbox.attempts is 'How often it was taken; also the fence: who took it before has no more to say of it';
comment on column data.outbox.state is 'waiting; sending: taken by a daemon until lease_until; sent: SMEV has it, the portal''s answer is awaited until deadline; answered, dropped: the ends; stopped: refused by the portal; held: by hand, or not answered in time';
comment on column data.outbox.done_at is 'When it ended: answered, told to the portal by other means, or dropped';
comment on column data.outbox.done_by is 'Who ended it by hand; none: the portal''s answer did';
comment on column data.outbox.agency_code is 'Agency that tells it: that of the booking when it was decided';
comment on column data.outbox.road is 'By which road it was last taken: smev2, smev3; none: never';
comment on column data.outbox.is_behind is 'An earlier one of the booking has not ended: who takes rows has set it aside';
comment on column data.outbox.lease_owner is 'Daemon that is at it';
comment on column data.outbox.lease_until is 'Until when nobody else touches it';
comment on column data.outbox.sent_at is 'When octets were last kept, just before they left';
comment on column data.outbox.message_id is 'Message id of the last attempt: tried again under the same one';
comment on column data.outbox.octets is 'The message of the last attempt, byte for byte: tried again as it was. PERSONAL DATA';
comment on column data.outbox.case_number is 'Case number in its frame';
comment on column data.outbox.answer is 'What the portal last answered, byte for byte. PERSONAL DATA';
comment on column data.outbox.deadline is 'Until when the portal''s answer is awaited; then it is held';
comment on column data.outbox.reason is 'Why it is held, was dropped, or is told once more';
comment on column data.outbox.changed_at is 'When it was last stopped, held, released, ended';
comment on column data.outbox.changed_by is 'Who did so; none: the portal, or the time';
comment on column data.outbox.journal_id is 'Exchange in which these octets were last journalled';
comment on constraint outbox_state on data.outbox is 'One of the seven';
comment on constraint outbox_agency_fkey on data.outbox is 'Of a known agency';
comment on constraint outbox_road on data.outbox is 'One of the two forms of order 329';
comment on constraint outbox_lease on data.outbox is 'Who sends has a lease with an end, and nobody else has';
comment on constraint outbox_deadline on data.outbox is 'No answer is awaited for ever';
comment on constraint outbox_ended on data.outbox is 'What ended has a time of it';
comment on constraint outbox_reason on data.outbox is 'What is held or dropped says why';
comment on constraint outbox_message_whole on data.outbox is 'A message has its id and its octets';
comment on constraint outbox_message_filled on data.outbox is 'And neither is empty';
comment on index data.outbox_due is 'What may be sent now or later, first of its booking as far as is known: in this order';
comment on index data.outbox_leased is 'What daemons are at; a lease that ran out is taken over';
comment on index data.outbox_awaited is 'Answers awaited, by deadline';
comment on index data.outbox_open is 'What has not ended, in order per booking';
comment on index data.outbox_behind is 'What is set aside until an earlier one ends';
comment on index data.outbox_message_once is 'An answer of the portal finds its message';

-- What became of each, in order: attempts with their exchanges, answers, what people did.
create table data.outbox_event (
    event_id bigint not null generated always as identity,
    outbox_id bigint not null,
    book_key text not null,
    at timestamptz not null,
    event text not null,
    attempt integer not null,
    db_user name,
    reason text,
    journal_id bigint,
    constraint outbox_event_pkey primary key (event_id),
    constraint outbox_event_outbox_fkey foreign key (outbox_id) references data.outbox (outbox_id),
    constraint outbox_event_kind check (event in ('again', 'taken_over', 'queued', 'answered', 'stopped', 'overdue', 'held', 'released',
        'requeued', 'dropped', 'done', 'resent'))
);
alter table data.outbox_event owner to zapisd_owner;
create index outbox_event_of on data.outbox_event (book_key, event_id);
create index outbox_event_row on data.outbox_event (outbox_id);
revoke all on data.outbox_event from public;
grant select on data.outbox_event to zapisd_operator, zapisd_auditor;
comment on table data.outbox_event is 'What became of each row of the outbox; rows are only added';
comment on column data.outbox_event.event_id is 'Order';
comment on column data.outbox_event.outbox_id is 'Row';
comment on column data.outbox_event.book_key is 'Booking';
comment on column data.outbox_event.at is 'When';
comment on column data.outbox_event.event is 'again, taken_over, queued, answered, stopped, overdue; by hand: held, released, requeued, dropped, done, resent';
comment on column data.outbox_event.attempt is 'Of which attempt';
comment on column data.outbox_event.db_user is 'Who did it by hand; none: the daemon';
comment on column data.outbox_event.reason is 'Why';
comment on column data.outbox_event.journal_id is 'Exchange in data.journal: our message out, the portal''s answer in';
comment on constraint outbox_event_pkey on data.outbox_event is 'Order';
comment on constraint outbox_event_outbox_fkey on data.outbox_event is 'Of a row of the outbox';
comment on constraint outbox_event_kind on data.outbox_event is 'One of the twelve';
comment on index data.outbox_event_of is 'The story of a booking';
comment on index data.outbox_event_row is 'A row of the outbox is not looked for in all there is';
create trigger outbox_event_append_only before update or delete or truncate on data.outbox_event
    for each statement execute function data.refuse_change();
comment on trigger outbox_event_append_only on data.outbox_event is 'What became of a message is not rewritten by accident';

-- Which agencies somebody sends for: said by every daemon that asks for rows.
create table data.outbox_road (
    agency_code text not null,
    road text not null,
    asked_at timestamptz not null,
    asked_by text not null,
    constraint outbox_road_pkey primary key (agency_code),
    constraint outbox_road_agency_fkey foreign key (agency_code) references data.agency (agency_code),
    constraint outbox_road_kind check (road in ('smev2', 'smev3'))
);
alter table data.outbox_road owner to zapisd_owner;
revoke all on data.outbox_road from public;
grant select on data.outbox_road to zapisd_operator, zapisd_auditor;
comment on table data.outbox_road is 'Agencies for which a daemon asks for what is to be sent; without a row nobody sends';
comment on column data.outbox_road.agency_code is 'Agency';
comment on column data.outbox_road.road is 'smev2, smev3';
comment on column data.outbox_road.asked_at is 'When a daemon last asked, to half a minute';
comment on column data.outbox_road.asked_by is 'Which one';
comment on constraint outbox_road_pkey on data.outbox_road is 'An agency has one road';
comment on constraint outbox_road_agency_fkey on data.outbox_road is 'Of a known agency';
comment on constraint outbox_road_kind on data.outbox_road is 'One of the two forms of order 329';

insert into data.housekeeping (task, number, title, every_s) values ('outbox', 6, 'исходящие порталу: ответы в срок', 60);
