-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Schedules in full (T2, O3): weekly hours with periods of validity, days that are different, calendars of holidays and
-- moved working days, closures and absences with their progress, and how far slots have been generated.
-- Everything here is in local wall time; data.offered_slots() puts it together.

-- The same hours may stand twice when they are in force at different times: winter and summer.
alter table data.timetable drop constraint timetable_row_key;
alter table data.timetable add constraint timetable_row_once exclude using gist (
    area_key with =, weekday with =, serial with =,
    int4range(extract(epoch from starts)::integer, extract(epoch from ends)::integer) with &&,
    daterange(valid_from, valid_to, '[]') with &&);
comment on constraint timetable_row_once on data.timetable is
    'Hours of an area do not overlap while both are in force; those that are meant to have another serial';

-- What a slot was made for. The instant is that wall time by the rules of the zone as they were then.
alter table data.slot
    add column wall_at timestamp,
    add column is_withdrawn boolean not null default false;
comment on column data.slot.wall_at is 'Start in local wall time as the timetable had it; none: not made from the timetable, so never changed by it';
comment on column data.slot.is_withdrawn is 'Closed because the schedule no longer offers it: opened again when it does; a slot closed by hand stays closed';
update data.slot as s set wall_at = s.starts_at at time zone o.time_zone
from data.organization as o
where o.organization_id = s.organization_id and exists (select from data.timetable as t where t.area_key = s.area_key);

-- Calendars
create table data.calendar (
    calendar_id text not null,
    parent_id text,
    name text not null,
    constraint calendar_pkey primary key (calendar_id),
    constraint calendar_parent_fkey foreign key (parent_id) references data.calendar (calendar_id),
    constraint calendar_id_form check (calendar_id ~ '^[0-9A-Za-z_.-]{1,50}$'),
    constraint calendar_parent_other check (parent_id <> calendar_id),
    constraint calendar_name_filled check (btrim(name) <> '')
);
alter table data.calendar owner to zapisd_owner;
comment on table data.calendar is 'A production calendar; a region''s rests on the country''s';
comment on column data.calendar.calendar_id is 'Its short name: ru, ru-77';
comment on column data.calendar.parent_id is 'Calendar whose days hold where this one says nothing';
comment on column data.calendar.name is 'Its name';
comment on constraint calendar_pkey on data.calendar is 'One row a name';
comment on constraint calendar_parent_fkey on data.calendar is 'Rests on a known calendar';
comment on constraint calendar_id_form on data.calendar is 'A mnemonic, not a text';
comment on constraint calendar_parent_other on data.calendar is 'Not on itself';
comment on constraint calendar_name_filled on data.calendar is 'A name is shown to people';

create table data.calendar_day (
    calendar_id text not null,
    day date not null,
    kind text not null,
    as_weekday smallint,
    cut_min smallint,
    name text not null default '',
    constraint calendar_day_pkey primary key (calendar_id, day),
    constraint calendar_day_calendar_fkey foreign key (calendar_id) references data.calendar (calendar_id) on delete cascade,
    constraint calendar_day_kind check (kind in ('holiday', 'workday', 'short', 'usual')),
    constraint calendar_day_weekday check ((kind = 'workday') = (as_weekday is not null) and as_weekday between 1 and 7),
    constraint calendar_day_cut check ((kind = 'short') = (cut_min is not null) and cut_min between 1 and 720)
);
alter table data.calendar_day owner to zapisd_owner;
comment on table data.calendar_day is 'Days of a calendar that are not what their weekday says';
comment on column data.calendar_day.calendar_id is 'Calendar';
comment on column data.calendar_day.day is 'Day';
comment on column data.calendar_day.kind is 'holiday: no reception; workday: worked like as_weekday; short: ends cut_min earlier; usual: takes a day of the parent calendar back';
comment on column data.calendar_day.as_weekday is 'Of a moved working day: 1 Monday to 7 Sunday; a Saturday worked as a Friday has 5';
comment on column data.calendar_day.cut_min is 'Of a short day: by how many minutes reception ends earlier';
comment on column data.calendar_day.name is 'Why';
comment on constraint calendar_day_pkey on data.calendar_day is 'A day once';
comment on constraint calendar_day_calendar_fkey on data.calendar_day is 'Of a known calendar';
comment on constraint calendar_day_kind on data.calendar_day is 'One of the four';
comment on constraint calendar_day_weekday on data.calendar_day is 'A moved working day says which day it is worked as, and only it does';
comment on constraint calendar_day_cut on data.calendar_day is 'A short day says by how much, and only it does';

alter table data.agency
    add column calendar_id text,
    add constraint agency_calendar_fkey foreign key (calendar_id) references data.calendar (calendar_id);
comment on column data.agency.calendar_id is 'Calendar its organizations keep; none: weekly hours all the year round';
comment on constraint agency_calendar_fkey on data.agency is 'A known calendar';
alter table data.organization
    add column calendar_id text,
    add column observes_calendar boolean not null default true,
    add column horizon_days integer,
    add constraint organization_calendar_fkey foreign key (calendar_id) references data.calendar (calendar_id),
    add constraint organization_horizon_range check (horizon_days between 0 and 400);
comment on column data.organization.calendar_id is 'Calendar of its own region; none: that of its agency';
comment on column data.organization.observes_calendar is 'False: works by its weekly hours on holidays too';
comment on column data.organization.horizon_days is 'How far ahead slots are made by themselves; none: a day further than they are offered; 0: only by admin.generate()';
comment on constraint organization_calendar_fkey on data.organization is 'A known calendar';
comment on constraint organization_horizon_range on data.organization is 'At most what admin.generate() takes at once';

-- Days that are different in one organization or area
create table data.special_day (
    special_day_id integer not null generated always as identity,
    organization_id text not null,
    area_key integer,
    day date not null,
    kind text not null,
    as_weekday smallint,
    comment text not null default '',
    constraint special_day_pkey primary key (special_day_id),
    constraint special_day_key unique nulls not distinct (organization_id, area_key, day),
    constraint special_day_organization_key unique (special_day_id, organization_id),
    constraint special_day_organization_fkey foreign key (organization_id) references data.organization (organization_id),
    constraint special_day_area_fkey foreign key (area_key, organization_id) references data.area (area_key, organization_id),
    constraint special_day_kind check (kind in ('closed', 'usual', 'hours')),
    constraint special_day_weekday check (as_weekday is null or as_weekday between 1 and 7 and kind <> 'closed')
);
alter table data.special_day owner to zapisd_owner;
comment on table data.special_day is 'A day of an organization or an area that is different; goes before the calendar, an area''s before its hall''s, that before the organization''s';
comment on column data.special_day.special_day_id is 'Inner key';
comment on column data.special_day.organization_id is 'Organization';
comment on column data.special_day.area_key is 'Area and everything inside it; none: the whole organization';
comment on column data.special_day.day is 'Day of its local calendar';
comment on column data.special_day.kind is 'closed; usual: the weekly hours whatever the calendar says; hours: those of data.special_hours';
comment on column data.special_day.as_weekday is 'Weekday whose weekly hours hold; none: its own';
comment on column data.special_day.comment is 'Why';
comment on constraint special_day_pkey on data.special_day is 'Inner key';
comment on constraint special_day_key on data.special_day is 'A day once';
comment on constraint special_day_organization_key on data.special_day is 'Target of data.special_hours';
comment on constraint special_day_organization_fkey on data.special_day is 'Of a known organization';
comment on constraint special_day_area_fkey on data.special_day is 'An area of that organization';
comment on constraint special_day_kind on data.special_day is 'One of the three';
comment on constraint special_day_weekday on data.special_day is 'Monday to Sunday, on days that are worked';

create table data.special_hours (
    special_day_id integer not null,
    organization_id text not null,
    starts time(0) not null,
    ends time(0) not null,
    slot_min smallint,
    service_id text,
    capacity smallint,
    serial smallint not null default 0,
    constraint special_hours_once exclude using gist (
        special_day_id with =, serial with =,
        int4range(extract(epoch from starts)::integer, extract(epoch from ends)::integer) with &&),
    constraint special_hours_day_fkey foreign key (special_day_id, organization_id)
        references data.special_day (special_day_id, organization_id) on delete cascade,
    constraint special_hours_service_fkey foreign key (organization_id, service_id)
        references data.organization_service (organization_id, service_id),
    constraint special_hours_order check (starts < ends),
    constraint special_hours_slot_range check (slot_min between 1 and 1440),
    constraint special_hours_capacity_range check (capacity between 1 and 1000),
    constraint special_hours_serial_range check (serial between 0 and 9999),
    constraint special_hours_own check (slot_min is not null or service_id is null and capacity is null)
);
alter table data.special_hours owner to zapisd_owner;
comment on table data.special_hours is 'Hours of a special day. Without slot_min they cut the weekly hours; with it they are the area''s own, for this day alone';
comment on column data.special_hours.special_day_id is 'Day';
comment on column data.special_hours.organization_id is 'Its organization';
comment on column data.special_hours.starts is 'From, local time';
comment on column data.special_hours.ends is 'To, local time';
comment on column data.special_hours.slot_min is 'Length of a slot in minutes, of a day of one area; none, or of more than that area: of the weekly hours what lies within';
comment on column data.special_hours.service_id is 'Slots for this service only';
comment on column data.special_hours.capacity is 'Places of a slot; none: those of the area';
comment on column data.special_hours.serial is 'Tells apart slots that start together';
comment on constraint special_hours_once on data.special_hours is 'Hours of a day do not overlap';
comment on constraint special_hours_day_fkey on data.special_hours is 'Of a known day';
comment on constraint special_hours_service_fkey on data.special_hours is 'A service its organization offers';
comment on constraint special_hours_order on data.special_hours is 'Hours do not cross midnight';
comment on constraint special_hours_slot_range on data.special_hours is 'A minute to a day';
comment on constraint special_hours_capacity_range on data.special_hours is 'At least one place';
comment on constraint special_hours_serial_range on data.special_hours is 'Stays within the millisecond';
comment on constraint special_hours_own on data.special_hours is 'Only hours of their own have a service or places of their own';

-- Closures and absences, and how far each has come
create table data.closure (
    closure_id integer not null generated always as identity,
    organization_id text not null,
    area_key integer,
    kind text not null,
    from_at timestamp not null,
    to_at timestamp,
    reason text not null,
    is_moving boolean not null,
    state text not null default 'working',
    created_at timestamptz not null,
    created_by name not null,
    done_at timestamptz,
    lifted_at timestamptz,
    lifted_by name,
    constraint closure_pkey primary key (closure_id),
    constraint closure_organization_fkey foreign key (organization_id) references data.organization (organization_id),
    constraint closure_area_fkey foreign key (area_key, organization_id) references data.area (area_key, organization_id),
    constraint closure_kind check (kind in ('day', 'area', 'office', 'absence')),
    constraint closure_area_of_kind check ((kind in ('area', 'absence')) = (area_key is not null)),
    constraint closure_order check (from_at < to_at),
    constraint closure_reason_filled check (btrim(reason) <> ''),
    constraint closure_state check (state in ('working', 'done', 'lifted')),
    constraint closure_times check ((state = 'lifted') = (lifted_at is not null) and (state <> 'done' or done_at is not null))
);
alter table data.closure owner to zapisd_owner;
create unique index closure_once on data.closure (organization_id, area_key, kind, from_at, to_at) nulls not distinct where state <> 'lifted';
revoke all on data.closure from public;
comment on table data.closure is 'Times without reception whatever the schedule says: a closed day, area or office, a specialist who is away';
comment on column data.closure.closure_id is 'Number, for admin.reopen()';
comment on column data.closure.organization_id is 'Organization';
comment on column data.closure.area_key is 'Area and everything inside it; none: the whole organization';
comment on column data.closure.kind is 'day, area, office, absence';
comment on column data.closure.from_at is 'From, local wall time';
comment on column data.closure.to_at is 'To, local wall time; none: until further notice';
comment on column data.closure.reason is 'Why, in words the applicants may read';
comment on column data.closure.is_moving is 'Whether bookings are moved where there is an equal free slot; false: all are cancelled';
comment on column data.closure.state is 'working: bookings are left to be moved or cancelled; done; lifted: open again';
comment on column data.closure.created_at is 'When it was ordered';
comment on column data.closure.created_by is 'Role of the database session that ordered it';
comment on column data.closure.done_at is 'When the last booking was seen to';
comment on column data.closure.lifted_at is 'When it was taken back';
comment on column data.closure.lifted_by is 'Role of the database session that took it back';
comment on constraint closure_pkey on data.closure is 'Number';
comment on constraint closure_organization_fkey on data.closure is 'Of a known organization';
comment on constraint closure_area_fkey on data.closure is 'An area of that organization';
comment on constraint closure_kind on data.closure is 'One of the four';
comment on constraint closure_area_of_kind on data.closure is 'An area is closed or away; a day or an office as a whole';
comment on constraint closure_order on data.closure is 'Begins before it ends';
comment on constraint closure_reason_filled on data.closure is 'People are told why';
comment on constraint closure_state on data.closure is 'One of the three';
comment on constraint closure_times on data.closure is 'Each state has its time';
comment on index data.closure_once is 'The same order again goes on with the closure there is';

create table data.closure_booking (
    closure_id integer not null,
    book_key text not null,
    state text not null default 'waiting',
    old_slot_ids uuid[] not null,
    new_slot_ids uuid[],
    note text,
    done_at timestamptz,
    constraint closure_booking_pkey primary key (closure_id, book_key),
    constraint closure_booking_closure_fkey foreign key (closure_id) references data.closure (closure_id),
    constraint closure_booking_booking_fkey foreign key (book_key) references data.booking (book_key),
    constraint closure_booking_state check (state in ('waiting', 'moved', 'cancelled', 'gone', 'left')),
    constraint closure_booking_moved check ((state = 'moved') = (new_slot_ids is not null)),
    constraint closure_booking_done check ((state = 'waiting') = (done_at is null))
);
alter table data.closure_booking owner to zapisd_owner;
create index closure_booking_waiting on data.closure_booking (closure_id) where state = 'waiting';
revoke all on data.closure_booking from public;
comment on table data.closure_booking is 'Bookings a closure concerns and what became of each; written in the transaction that does it, so that an interrupted closure goes on where it stopped';
comment on column data.closure_booking.closure_id is 'Closure';
comment on column data.closure_booking.book_key is 'Booking';
comment on column data.closure_booking.state is 'waiting; moved; cancelled; gone: was no longer there when its turn came; left: needs a person';
comment on column data.closure_booking.old_slot_ids is 'Slots it had';
comment on column data.closure_booking.new_slot_ids is 'Slots it has got';
comment on column data.closure_booking.note is 'Why it was not moved, or is left';
comment on column data.closure_booking.done_at is 'When';
comment on constraint closure_booking_pkey on data.closure_booking is 'A booking is seen to once';
comment on constraint closure_booking_closure_fkey on data.closure_booking is 'Of a known closure';
comment on constraint closure_booking_booking_fkey on data.closure_booking is 'A known booking';
comment on constraint closure_booking_state on data.closure_booking is 'One of the five';
comment on constraint closure_booking_moved on data.closure_booking is 'What was moved has got slots';
comment on constraint closure_booking_done on data.closure_booking is 'What is done has a time';
comment on index data.closure_booking_waiting is 'What is left to do';

-- How far slots have been made
create table data.schedule_state (
    organization_id text not null,
    due_from date,
    generated_at timestamptz,
    not_before timestamptz,
    last_error text,
    constraint schedule_state_pkey primary key (organization_id),
    constraint schedule_state_organization_fkey foreign key (organization_id) references data.organization (organization_id) on delete cascade
);
alter table data.schedule_state owner to zapisd_owner;
revoke all on data.schedule_state from public;
comment on table data.schedule_state is 'How far the daemon has generated slots by itself';
comment on column data.schedule_state.organization_id is 'Organization';
comment on column data.schedule_state.due_from is 'First day still to be made; none: the schedule has changed, all days are gone over again';
comment on column data.schedule_state.generated_at is 'When that was last done';
comment on column data.schedule_state.not_before is 'After a failure: not to be tried before';
comment on column data.schedule_state.last_error is 'The failure';
comment on constraint schedule_state_pkey on data.schedule_state is 'One row an organization';
comment on constraint schedule_state_organization_fkey on data.schedule_state is 'Of a known organization';

create function data.schedule_changed() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    ids text[];
begin
    if tg_op <> 'DELETE' then
        ids := array[new.organization_id];
    end if;
    if tg_op <> 'INSERT' then
        ids := ids || old.organization_id;
    end if;
    insert into data.schedule_state as s (organization_id)
    select distinct o.organization_id from data.organization as o where o.organization_id = any (ids)
    on conflict (organization_id) do update set due_from = null, not_before = null where s.due_from is not null or s.not_before is not null;
    return null;
end $$;
alter function data.schedule_changed() owner to zapisd_owner;
revoke all on function data.schedule_changed() from public;
comment on function data.schedule_changed() is 'Trigger: the slots of an organization are to be gone over again';

create function data.calendar_changed() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    update data.schedule_state as s set due_from = null, not_before = null
    from data.organization as o
    where o.organization_id = s.organization_id and o.observes_calendar and s.due_from is not null;
    return null;
end $$;
alter function data.calendar_changed() owner to zapisd_owner;
revoke all on function data.calendar_changed() from public;
comment on function data.calendar_changed() is 'Trigger: the slots of everybody who keeps a calendar are to be gone over again';

create trigger schedule_timetable after insert or update or delete on data.timetable for each row execute function data.schedule_changed();
create trigger schedule_special_day after insert or update or delete on data.special_day for each row execute function data.schedule_changed();
create trigger schedule_special_hours after insert or update or delete on data.special_hours for each row execute function data.schedule_changed();
create trigger schedule_day_off after insert or update or delete on data.day_off for each row execute function data.schedule_changed();
create trigger schedule_area after insert or delete or update of capacity, parent_key on data.area for each row execute function data.schedule_changed();
create trigger schedule_organization after insert or update of time_zone, calendar_id, observes_calendar, horizon_days, booking_window_days, is_active
    on data.organization for each row execute function data.schedule_changed();
create trigger schedule_calendar after update or delete on data.calendar for each statement execute function data.calendar_changed();
create trigger schedule_calendar_day after insert or update or delete or truncate on data.calendar_day for each statement execute function data.calendar_changed();
create trigger schedule_agency after update of calendar_id on data.agency for each statement execute function data.calendar_changed();
comment on trigger schedule_timetable on data.timetable is 'Slots follow (T2)';
comment on trigger schedule_special_day on data.special_day is 'Slots follow (T2)';
comment on trigger schedule_special_hours on data.special_hours is 'Slots follow (T2)';
comment on trigger schedule_day_off on data.day_off is 'Slots follow (T2)';
comment on trigger schedule_area on data.area is 'Slots follow (T2)';
comment on trigger schedule_organization on data.organization is 'Slots follow (T2)';
comment on trigger schedule_calendar on data.calendar is 'Slots follow (T2)';
comment on trigger schedule_calendar_day on data.calendar_day is 'Slots follow (T2)';
comment on trigger schedule_agency on data.agency is 'Slots follow (T2)';
insert into data.schedule_state (organization_id) select organization_id from data.organization;

revoke all on data.calendar, data.calendar_day, data.special_day, data.special_hours from public;
grant select on data.calendar, data.calendar_day, data.special_day, data.special_hours, data.closure, data.closure_booking,
    data.schedule_state to zapisd_operator, zapisd_auditor;
-- Configuration only; closures are made by admin.close_*().
grant insert, update, delete on data.calendar, data.calendar_day, data.special_day, data.special_hours to zapisd_operator;

insert into data.calendar (calendar_id, name) values ('ru', 'Производственный календарь Российской Федерации');

create type admin.closing as (
    book_id text, visit text, area_id text, state data.booking_state, outcome text, new_visit text, new_area_id text, note text
);
alter type admin.closing owner to zapisd_owner;
revoke all on type admin.closing from public;
grant usage on type admin.closing to zapisd_operator, zapisd_auditor;
comment on type admin.closing is 'What a closure does to a booking';
comment on column admin.closing.book_id is 'bookId';
comment on column admin.closing.visit is 'Visit as it was, in the organization''s time';
comment on column admin.closing.area_id is 'Where it was';
comment on column admin.closing.state is 'Inner state of the booking now';
comment on column admin.closing.outcome is 'будет перенесена, будет отменена; перенесена, отменена, ждёт, ушла, осталась';
comment on column admin.closing.new_visit is 'Visit as it is to be';
comment on column admin.closing.new_area_id is 'Where it is to be';
comment on column admin.closing.note is 'Why not moved, or what is left to a person';
