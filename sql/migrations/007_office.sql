-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- The office's side of the state machine (S1-S4, B10): every arrow with its event, who may send it along and what becomes
-- of the place; sub-codes of an agency; texts with placeholders; outcomes; the outbox emptied by hand; and the role that
-- may see whom a booking belongs to, with the journal of who looked (J3).

do $$
begin
    if not exists (select from pg_roles where rolname = 'zapisd_registrar') then
        create role zapisd_registrar nologin;
    end if;
end $$;
comment on role zapisd_registrar is 'The clerk at the window: the day''s work with bookings, personal data included; each reading of it is journalled; configures nothing';
grant usage on schema admin to zapisd_registrar;

-- The arrows, now with their events. One table, read by the trigger of data.booking, by admin.* and by the tests.
alter table data.booking_arrow drop constraint booking_arrow_pkey;
alter table data.booking_arrow alter column old_state drop not null;
alter table data.booking_arrow
    add column event text,
    add column actors text,
    add column place text,
    add column is_pushed boolean not null default false;
delete from data.booking_arrow;

insert into data.booking_arrow (event, old_state, new_state, actors, place, is_pushed)
-- the first request, and the same bookId living again after its end
select v.event, o, v.new_state::data.booking_state, 'A', v.place, false
from (values ('hold', 'HELD', 'taken'), ('hold', 'REFUSED', 'none'), ('book', 'BOOKED', 'taken'), ('book', 'ACCEPTED', 'taken'),
        ('book', 'RETURNED', 'none'), ('book', 'REFUSED', 'none')) as v (event, new_state, place),
    unnest(array[null, 'EXPIRED', 'CANCELLED_APPLICANT', 'CANCELLED_AGENCY', 'CANCELLED', 'REFUSED', 'RETURNED']::data.booking_state[]) as o
union all
-- the hold: renewed, confirmed, found wrong, refused, run out
select v.event, 'HELD', v.new_state::data.booking_state, v.actors, v.place, false
from (values ('hold', 'HELD', 'A', 'kept'), ('book', 'BOOKED', 'A', 'kept'), ('book', 'ACCEPTED', 'A', 'kept'), ('book', 'RETURNED', 'A', 'freed'),
    ('book', 'REFUSED', 'A', 'freed'), ('lapse', 'EXPIRED', 'T', 'freed')) as v (event, new_state, actors, place)
union all
-- another slot or office, same kind of booking
select 'rebook', s, s, 'A', 'swapped', false from unnest(array['HELD', 'BOOKED', 'ACCEPTED']::data.booking_state[]) as s
union all
-- the applicant cancels
select 'cancel_booking', o, v.new_state::data.booking_state, 'A', v.place, false
from unnest(array['HELD', 'BOOKED', 'ACCEPTED', 'INVITED']::data.booking_state[]) as o,
    (values ('CANCELLED_APPLICANT', 'freed'), ('CANCELLING', 'kept')) as v (new_state, place)
union all
-- the agency's word: on an accepted one, on a cancellation, and of its own will
select v.event, v.old_state::data.booking_state, v.new_state::data.booking_state, 'G', v.place, true
from (values ('confirm', 'ACCEPTED', 'BOOKED', 'kept'), ('reject', 'ACCEPTED', 'RETURNED', 'freed'), ('reject', 'ACCEPTED', 'REFUSED', 'freed'),
    ('confirm', 'CANCELLING', 'CANCELLED_APPLICANT', 'freed'), ('reject', 'CANCELLING', 'BOOKED', 'kept'),
    ('move', 'BOOKED', 'BOOKED', 'swapped'), ('invite', 'BOOKED', 'INVITED', 'kept')) as v (event, old_state, new_state, place)
union all
select 'cancel', o, 'CANCELLED_AGENCY', 'G', 'freed', true
from unnest(array['HELD', 'BOOKED', 'ACCEPTED', 'INVITED']::data.booking_state[]) as o
union all
select 'withdraw', o, 'CANCELLED', 'GP', 'freed', true
from unnest(array['HELD', 'BOOKED', 'ACCEPTED', 'INVITED']::data.booking_state[]) as o
union all
-- the visit and its outcome
select v.event, o, v.new_state::data.booking_state, v.actors, 'used', true
from unnest(array['BOOKED', 'INVITED']::data.booking_state[]) as o,
    (values ('visited', 'SERVED', 'G'), ('no_show', 'NO_SHOW', 'GT'), ('turned_away', 'NOT_SERVED', 'G'), ('no_data', 'NO_DATA', 'PT'))
        as v (event, new_state, actors)
union all
-- a wrong outcome put right
select 'correct', o, n, 'G', 'used', true
from unnest(array['SERVED', 'NO_SHOW', 'NO_DATA', 'NOT_SERVED']::data.booking_state[]) as o,
    unnest(array['SERVED', 'NO_SHOW', 'NO_DATA', 'NOT_SERVED']::data.booking_state[]) as n
where o <> n;

alter table data.booking_arrow
    alter column event set not null,
    alter column actors set not null,
    alter column place set not null,
    add constraint booking_arrow_key unique nulls not distinct (old_state, new_state, event),
    add constraint booking_arrow_actors check (actors ~ '^[APGT]{1,4}$'),
    add constraint booking_arrow_place check (place in ('none', 'taken', 'kept', 'freed', 'swapped', 'used'));
comment on table data.booking_arrow is 'The state machine: every change of a booking there is. The trigger of data.booking and the functions of admin read it; what is not here is refused (S2)';
comment on column data.booking_arrow.old_state is 'From; none: from nothing';
comment on column data.booking_arrow.event is 'What happens; of the agency''s events admin has a function of that name';
comment on column data.booking_arrow.actors is 'Whose word it may be: A applicant, P portal, G agency, T timer';
comment on column data.booking_arrow.place is 'What becomes of the place: none, taken, kept, freed, swapped, used';
comment on column data.booking_arrow.is_pushed is 'Whether the portal is told, unless it was the portal''s own word';
comment on constraint booking_arrow_key on data.booking_arrow is 'An arrow of an event once';
comment on constraint booking_arrow_actors on data.booking_arrow is 'Letters of data.booking_history.actor';
comment on constraint booking_arrow_place on data.booking_arrow is 'One of the six';

create function data.booking_first_check() returns trigger
language plpgsql as $$
begin
    if not exists (select from data.booking_arrow as a where a.old_state is null and a.new_state = new.state) then
        raise exception 'booking %: does not begin as %', new.book_key, new.state
            using errcode = 'check_violation', constraint = 'booking_arrow';
    end if;
    return new;
end $$;
alter function data.booking_first_check() owner to zapisd_owner;
revoke all on function data.booking_first_check() from public;
comment on function data.booking_first_check() is 'Refuses a first state that data.booking_arrow does not know (S2)';
-- What book does all day is let by without a call.
create trigger booking_first before insert on data.booking
    for each row when (new.state not in ('HELD', 'BOOKED', 'ACCEPTED', 'REFUSED')) execute function data.booking_first_check();
comment on trigger booking_first on data.booking is 'No booking begins with its outcome (S2)';

-- S1: sub-codes
alter table data.agency add column strict_sub_codes boolean not null default false;
comment on column data.agency.strict_sub_codes is 'Only sub-codes of data.status_detail may follow a status; otherwise any up to six digits (S1)';
create table data.status_detail (
    agency_code text not null,
    code text not null,
    reason text not null,
    constraint status_detail_pkey primary key (agency_code, code),
    constraint status_detail_agency_fkey foreign key (agency_code) references data.agency (agency_code),
    constraint status_detail_status_fkey foreign key (status) references data.status (code),
    constraint status_detail_form check (code ~ '^[0-9]{4,9}$'),
    constraint status_detail_reason_filled check (btrim(reason) <> ''),
    status text not null generated always as (left(code, 3)) stored
);
alter table data.status_detail owner to zapisd_owner;
revoke all on data.status_detail from public;
grant select on data.status_detail to zapisd_operator, zapisd_auditor;
grant insert, update, delete on data.status_detail to zapisd_operator;
comment on table data.status_detail is 'Statuses an agency has made more precise (Appendix 1, note 2): 206001 is 206 with the agency''s own 001';
comment on column data.status_detail.agency_code is 'Whose';
comment on column data.status_detail.code is 'Status of Appendix 1 and one to six digits of the agency';
comment on column data.status_detail.reason is 'What it stands for; the {reason} of a text when the clerk gives none';
comment on column data.status_detail.status is 'The status of Appendix 1';
comment on constraint status_detail_pkey on data.status_detail is 'A code once';
comment on constraint status_detail_agency_fkey on data.status_detail is 'Of a known agency';
comment on constraint status_detail_status_fkey on data.status_detail is 'Of a status of Appendix 1';
comment on constraint status_detail_form on data.status_detail is 'Three digits and one to six of the agency';
comment on constraint status_detail_reason_filled on data.status_detail is 'People read it';

-- S4: texts
alter table data.status add column template text;
update data.status set template = case code
    when '200' then 'Произошла внутренняя ошибка: {organization}'
    when '202' then message || '[ Вас обслуживали специалисты: {specialists}]'
    when '206' then 'Заявитель не был принят[: {reason}]'
    when '207' then 'Заявление не зарегистрировано, проверьте введенные данные[. {reason}]'
    when '208' then message || '[. {reason}]'
    when '302' then 'Заявление было отменено по инициативе {organization}.[ {reason}.] За дополнительной информацией обращайтесь по {contacts}.'
    else message end;
alter table data.status alter column template set not null;
comment on column data.status.message is 'The text when no organization is known';
comment on column data.status.template is 'The text when the organization has none of its own: {organization}, {contacts}, {address}, {phone}, {date}, {time}, {specialists}, {reason} are filled in; a part in [ ] is left out when a placeholder in it is empty';
comment on column data.organization_status.comment is 'The text; placeholders as in data.status.template';
drop function if exists data.status_text(text, text, timestamptz);

-- outcomes
alter table data.organization
    add column correction_hours integer not null default 24,
    add column no_show_after_min integer,
    add column no_data_after_hours integer,
    add constraint organization_correction_range check (correction_hours between 0 and 8760),
    add constraint organization_no_show_range check (no_show_after_min between 1 and 1440),
    add constraint organization_no_data_range check (no_data_after_hours between 0 and 8760);
comment on column data.organization.correction_hours is 'How long after the first outcome a clerk may put another in its place (S2)';
comment on column data.organization.no_show_after_min is 'Who has no outcome this long after the start is set to 203 by admin.sweep(); none: clerks alone decide';
comment on column data.organization.no_data_after_hours is 'A visit without outcome this long after its end is set to 205 by admin.sweep(); none: the portal does that (A29)';
comment on constraint organization_correction_range on data.organization is 'At most a year';
comment on constraint organization_no_show_range on data.organization is 'A minute to a day';
comment on constraint organization_no_data_range on data.organization is 'At most a year';

-- the outbox, emptied by hand until it is delivered
alter table data.outbox add column done_at timestamptz, add column done_by name;
grant select (done_at, done_by) on data.outbox to zapisd_operator, zapisd_auditor;
comment on column data.outbox.done_at is 'When it was sent, or told to the portal by other means';
comment on column data.outbox.done_by is 'Role of the database session that said so';

-- J3: who looked at whom
create table data.personal_reading (
    reading_id bigint not null generated always as identity,
    at timestamptz not null default clock_timestamp(),
    db_user name not null,
    db_role name not null,
    book_key text not null,
    what text not null,
    constraint personal_reading_pkey primary key (reading_id),
    constraint personal_reading_booking_fkey foreign key (book_key) references data.booking (book_key)
);
alter table data.personal_reading owner to zapisd_owner;
create index personal_reading_booking on data.personal_reading (book_key);
revoke all on data.personal_reading from public;
grant select on data.personal_reading to zapisd_operator, zapisd_auditor;
comment on table data.personal_reading is 'Each time somebody was shown whose a booking is; rows are only added (J3)';
comment on column data.personal_reading.reading_id is 'Order';
comment on column data.personal_reading.at is 'When';
comment on column data.personal_reading.db_user is 'Role of the database session';
comment on column data.personal_reading.db_role is 'Role it acted as';
comment on column data.personal_reading.book_key is 'Booking';
comment on column data.personal_reading.what is 'Function that showed it';
comment on constraint personal_reading_pkey on data.personal_reading is 'Order';
comment on constraint personal_reading_booking_fkey on data.personal_reading is 'Of a known booking';
comment on index data.personal_reading_booking is 'Who looked at a booking';
create trigger personal_reading_append_only before update or delete or truncate on data.personal_reading
    for each statement execute function data.refuse_change();
comment on trigger personal_reading_append_only on data.personal_reading is 'Not even the owner forgets by accident (J3)';

create type admin.result as (
    result text, book_id text, visit text, state text, status text, comment text
);
alter type admin.result owner to zapisd_owner;
revoke all on type admin.result from public;
grant usage on type admin.result to zapisd_operator, zapisd_auditor, zapisd_registrar;
comment on type admin.result is 'What became of a command: one row a booking';
comment on column admin.result.result is 'сделано, or отказано: then nothing changed but a line in the history';
comment on column admin.result.book_id is 'bookId';
comment on column admin.result.visit is 'Visit in the organization''s time';
comment on column admin.result.state is 'Inner state after it';
comment on column admin.result.status is 'Code on the wire after it';
comment on column admin.result.comment is 'The text the applicant sees, or why it was refused';

-- Functions whose rows or parameters are others now; they are made anew from sql/admin.
drop function if exists admin.today(text, date);
drop function if exists admin.help();
