-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Slots, the places taken in them, bookings, applicants and history (B1-B4, S2, S3).
-- A free place has no row. A taken place is a row of data.place; that it fits the capacity and that no area is used
-- twice at once is said by constraints, not by code.

create table data.slot (
    slot_id uuid not null,
    organization_id text not null,
    area_key integer not null,
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    service_id text,
    capacity smallint not null default 1,
    is_closed boolean not null default false,
    serial smallint not null default 0,
    constraint slot_pkey primary key (slot_id),
    constraint slot_start_key unique (area_key, starts_at, serial),
    constraint slot_place_key unique (slot_id, area_key, capacity, starts_at, ends_at),
    constraint slot_area_fkey foreign key (area_key, organization_id) references data.area (area_key, organization_id),
    constraint slot_service_fkey foreign key (organization_id, service_id)
        references data.organization_service (organization_id, service_id),
    constraint slot_order check (starts_at < ends_at and ends_at - starts_at <= interval '1 day'),
    constraint slot_capacity_range check (capacity between 1 and 1000)
) with (fillfactor = 90);
alter table data.slot owner to zapisd_owner;
create index slot_find on data.slot (organization_id, starts_at, slot_id);
comment on table data.slot is 'An interval of reception in an area';
comment on column data.slot.slot_id is 'slotId (B8): ours are made by data.slot_uuid, others are opaque';
comment on column data.slot.organization_id is 'Organization';
comment on column data.slot.area_key is 'Area';
comment on column data.slot.starts_at is 'Visit time';
comment on column data.slot.ends_at is 'End of the interval';
comment on column data.slot.service_id is 'For this service only; none: for every service of the area';
comment on column data.slot.capacity is 'How many may book it';
comment on column data.slot.is_closed is 'Not offered any more; bookings made live on';
comment on column data.slot.serial is 'Tells apart slots of one area that start together';
comment on constraint slot_pkey on data.slot is 'One slot an id';
comment on constraint slot_start_key on data.slot is 'Generation is repeatable: a slot is made once';
comment on constraint slot_place_key on data.slot is 'Target of data.place: its copies of these columns cannot differ';
comment on constraint slot_area_fkey on data.slot is 'A known area of the organization';
comment on constraint slot_service_fkey on data.slot is 'A service its organization offers';
comment on constraint slot_order on data.slot is 'Starts before it ends, within a day';
comment on constraint slot_capacity_range on data.slot is 'At least one place';
comment on index data.slot_find is 'Slots of an organization in time order (getSlots, blind_request)';

create table data.booking (
    book_key text not null,
    book_id text not null,
    esia_id text not null,
    organization_id text not null,
    state data.booking_state not null,
    status_code text not null,
    status_message text,
    hold_until timestamptz,
    hold_count integer not null default 0,
    content_hash bytea,
    user_type text,
    user_kind text,
    service_ids text[] not null default '{}',
    case_number text,
    attributes jsonb,
    channel text,
    portal_created text,
    created_at timestamptz not null,
    changed_at timestamptz not null,
    constraint booking_pkey primary key (book_key),
    constraint booking_organization_fkey foreign key (organization_id) references data.organization (organization_id),
    constraint booking_key_lower check (book_key = lower(book_id)),
    constraint booking_id_form check (length(book_id) between 1 and 100),
    constraint booking_esia_id_filled check (esia_id <> ''),
    constraint booking_status_form check (status_code ~ '^[0-9]{3}[0-9]{0,6}$'),
    constraint booking_status_of_state check (left(status_code, 3) = data.state_code(state)),
    constraint booking_hold check ((state = 'HELD') = (hold_until is not null))
) with (fillfactor = 90);
alter table data.booking owner to zapisd_owner;
create index booking_holds on data.booking (hold_until) where state = 'HELD';
create index booking_case on data.booking (case_number) where case_number is not null;
comment on table data.booking is 'A booking as it stands; how it came to that is data.booking_history';
comment on column data.booking.book_key is 'bookId in lower case: UUIDs are compared case-blind (A1)';
comment on column data.booking.book_id is 'bookId as sent';
comment on column data.booking.esia_id is 'The applicant''s account: the owner of the booking';
comment on column data.booking.organization_id is 'Organization of the visit';
comment on column data.booking.state is 'Inner state. HELD whose hold_until has passed is EXPIRED to every reader';
comment on column data.booking.status_code is 'Code on the wire, with the agency''s sub-code';
comment on column data.booking.status_message is 'Text sent with it';
comment on column data.booking.hold_until is 'End of the preliminary reservation';
comment on column data.booking.hold_count is 'How often the clock of the hold was set';
comment on column data.booking.content_hash is 'SHA-256 of the request that made it so: the same again has no second effect (B6)';
comment on column data.booking.user_type is 'userType';
comment on column data.booking.user_kind is 'userKind';
comment on column data.booking.service_ids is 'serviceId, as asked';
comment on column data.booking.case_number is 'caseNumber of the application the visit belongs to';
comment on column data.booking.attributes is 'attributes of the request';
comment on column data.booking.channel is 'How the request came';
comment on column data.booking.portal_created is 'The portal''s time of creation with its zone, as sent (A34)';
comment on column data.booking.created_at is 'Our time of creation';
comment on column data.booking.changed_at is 'Our time of the last change';
comment on constraint booking_pkey on data.booking is 'A bookId names one booking';
comment on constraint booking_organization_fkey on data.booking is 'Of a known organization';
comment on constraint booking_key_lower on data.booking is 'The key is the id in lower case';
comment on constraint booking_id_form on data.booking is 'Not empty, not a text';
comment on constraint booking_esia_id_filled on data.booking is 'A booking has an owner';
comment on constraint booking_status_form on data.booking is 'Three digits and up to six of the agency (Appendix 1, note 2)';
comment on constraint booking_status_of_state on data.booking is 'State and status say the same (S1)';
comment on constraint booking_hold on data.booking is 'A hold has an end, and only a hold has';
comment on index data.booking_holds is 'Holds by their end, for admin.sweep()';
comment on index data.booking_case is 'Bookings of one application (B7)';

create function data.booking_arrow_check() returns trigger
language plpgsql as $$
begin
    if not exists (select from data.booking_arrow as a where a.old_state = old.state and a.new_state = new.state) then
        raise exception 'booking %: no way from % to %', old.book_key, old.state, new.state
            using errcode = 'check_violation', constraint = 'booking_arrow';
    end if;
    return new;
end $$;
alter function data.booking_arrow_check() owner to zapisd_owner;
revoke all on function data.booking_arrow_check() from public;
comment on function data.booking_arrow_check() is 'Refuses a change of state that data.booking_arrow does not know (S2)';
create trigger booking_arrow before update of state on data.booking
    for each row when (old.state is distinct from new.state) execute function data.booking_arrow_check();
comment on trigger booking_arrow on data.booking is 'Every missing arrow is refused, whoever asks (S2)';

create table data.place (
    slot_id uuid not null,
    place_no smallint not null,
    book_key text not null,
    hold_until timestamptz,
    capacity smallint not null,
    area_key integer not null,
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    constraint place_pkey primary key (slot_id, place_no),
    constraint place_within_capacity check (place_no between 1 and capacity),
    constraint place_slot_fkey foreign key (slot_id, area_key, capacity, starts_at, ends_at)
        references data.slot (slot_id, area_key, capacity, starts_at, ends_at) on update cascade,
    constraint place_booking_fkey foreign key (book_key) references data.booking (book_key),
    constraint place_area_once exclude using gist (area_key with =, tstzrange(starts_at, ends_at) with &&) where (capacity = 1)
);
alter table data.place owner to zapisd_owner;
create index place_booking on data.place (book_key);
create index place_area on data.place (area_key, starts_at) include (ends_at, hold_until) where capacity = 1;
comment on table data.place is 'A taken place of a slot; a free one has no row. Whoever inserts, changes or deletes a row holds its advisory lock';
comment on column data.place.slot_id is 'Slot';
comment on column data.place.place_no is 'Which of its places, from 1';
comment on column data.place.book_key is 'Who has it';
comment on column data.place.hold_until is 'Until when, if only held: later the row stands in nobody''s way';
comment on column data.place.capacity is 'Copy of the slot''s';
comment on column data.place.area_key is 'Copy of the slot''s';
comment on column data.place.starts_at is 'Copy of the slot''s';
comment on column data.place.ends_at is 'Copy of the slot''s';
comment on constraint place_pkey on data.place is 'A place is taken once (B2)';
comment on constraint place_within_capacity on data.place is 'Never more than the capacity (B2)';
comment on constraint place_slot_fkey on data.place is 'The copies are the slot''s own values; a capacity cannot fall below what is taken';
comment on constraint place_booking_fkey on data.place is 'Taken by a known booking';
comment on constraint place_area_once on data.place is 'An area or specialist for one is not used twice at once (B2)';
comment on index data.place_area is 'What an area for one is taken for, in time order';
comment on index data.place_booking is 'Places of a booking';

create table data.applicant (
    book_key text not null,
    last_name text,
    first_name text,
    middle_name text,
    email text,
    mobile_phone text,
    user_snils text,
    user_login text,
    user_doc jsonb,
    user_inn text,
    business_inn text,
    business_ogrn text,
    business_name text,
    constraint applicant_pkey primary key (book_key),
    constraint applicant_booking_fkey foreign key (book_key) references data.booking (book_key)
);
alter table data.applicant owner to zapisd_owner;
comment on table data.applicant is 'PERSONAL DATA: the applicant of a booking (Appendix 2, items 18 and 19). No role but the owner reads it';
comment on column data.applicant.book_key is 'Booking';
comment on column data.applicant.last_name is 'lastName';
comment on column data.applicant.first_name is 'firstName';
comment on column data.applicant.middle_name is 'middleName';
comment on column data.applicant.email is 'email';
comment on column data.applicant.mobile_phone is 'mobilePhone';
comment on column data.applicant.user_snils is 'userSnils';
comment on column data.applicant.user_login is 'userLogin';
comment on column data.applicant.user_doc is 'userDoc';
comment on column data.applicant.user_inn is 'userINN';
comment on column data.applicant.business_inn is 'businessINN';
comment on column data.applicant.business_ogrn is 'businessOGRN';
comment on column data.applicant.business_name is 'businessName';
comment on constraint applicant_pkey on data.applicant is 'One applicant a booking';
comment on constraint applicant_booking_fkey on data.applicant is 'Of a known booking';

create table data.booking_history (
    history_id bigint not null generated always as identity,
    book_key text not null,
    at timestamptz not null,
    actor "char" not null,
    db_user name not null,
    old_state data.booking_state,
    new_state data.booking_state not null,
    old_status text,
    new_status text not null,
    reason text,
    portal_time text,
    portal_at timestamptz,
    organization_id text not null,
    slot_ids uuid[] not null default '{}',
    journal_id bigint,
    constraint booking_history_pkey primary key (history_id),
    constraint booking_history_booking_fkey foreign key (book_key) references data.booking (book_key),
    constraint booking_history_actor check (actor in ('A', 'P', 'G', 'T'))
);
alter table data.booking_history owner to zapisd_owner;
create index booking_history_booking on data.booking_history (book_key);
comment on table data.booking_history is 'Everything that happened to a booking; rows are only added (S3)';
comment on column data.booking_history.history_id is 'Order of events';
comment on column data.booking_history.book_key is 'Booking';
comment on column data.booking_history.at is 'Our time';
comment on column data.booking_history.actor is 'A applicant through the portal, P portal, G agency, T timer';
comment on column data.booking_history.db_user is 'Role of the database session';
comment on column data.booking_history.old_state is 'State before; none for the first row';
comment on column data.booking_history.new_state is 'State after; the same as before when only data or time changed';
comment on column data.booking_history.old_status is 'Status code before';
comment on column data.booking_history.new_status is 'Status code after';
comment on column data.booking_history.reason is 'Why, without personal data';
comment on column data.booking_history.portal_time is 'The portal''s time as sent (item 15)';
comment on column data.booking_history.portal_at is 'The same as an instant, when it had a zone';
comment on column data.booking_history.organization_id is 'Organization at that moment';
comment on column data.booking_history.slot_ids is 'Slots after the event';
comment on column data.booking_history.journal_id is 'Exchange in the journal that caused it';
comment on constraint booking_history_pkey on data.booking_history is 'Order of events';
comment on constraint booking_history_booking_fkey on data.booking_history is 'Of a known booking';
comment on constraint booking_history_actor on data.booking_history is 'One of the four';
comment on index data.booking_history_booking is 'History of a booking';

create function data.refuse_change() returns trigger
language plpgsql as $$
begin
    raise exception '% of data.% is refused: rows are only added', tg_op, tg_table_name using errcode = 'insufficient_privilege';
end $$;
alter function data.refuse_change() owner to zapisd_owner;
revoke all on function data.refuse_change() from public;
comment on function data.refuse_change() is 'Trigger of tables whose rows are only added (S3, J2)';
create trigger booking_history_append_only before update or delete or truncate on data.booking_history
    for each statement execute function data.refuse_change();
comment on trigger booking_history_append_only on data.booking_history is 'Not even the owner rewrites history by accident (S3)';

revoke all on data.slot, data.booking, data.place, data.applicant, data.booking_history from public;
grant select on data.slot, data.place, data.booking_history to zapisd_operator, zapisd_auditor;
grant update (is_closed, capacity) on data.slot to zapisd_operator;
-- Everything but esia_id, content_hash and the applicant's own attributes.
grant select (book_key, book_id, organization_id, state, status_code, status_message, hold_until, hold_count, user_type, user_kind,
    service_ids, case_number, channel, portal_created, created_at, changed_at) on data.booking to zapisd_operator, zapisd_auditor;
