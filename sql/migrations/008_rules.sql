-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Rules of an office (B5, B7, B9): limits per person and application, deadlines, who is admitted to a service, time kept
-- free around visits, areas that only one visit at a time may use, and shares of channels. None is set by default, and
-- data.organization.has_rules says so in the row that every booking reads anyway.

-- Deadlines, windows, admission: an organization's settings, and what a service has of its own.
alter table data.organization
    add column move_deadline_min integer not null default 0,
    add column has_rules boolean not null default false,
    add constraint organization_move_deadline_range check (move_deadline_min between 0 and 43200);
comment on column data.organization.move_deadline_min is 'Moving a final booking ends this long before the visit (B5)';
comment on column data.organization.has_rules is 'Whether any limit, share, buffer, shared area or setting of a service is on here; kept by triggers';
comment on constraint organization_move_deadline_range on data.organization is 'At most a month';

alter table data.organization_service
    add column notice_min integer,
    add column booking_window_days integer,
    add column cancel_deadline_min integer,
    add column move_deadline_min integer,
    add column user_types text[],
    add column user_kinds text[],
    add column buffer_before_min smallint not null default 0,
    add column buffer_after_min smallint not null default 0,
    add constraint organization_service_notice_range check (notice_min between 0 and 20160),
    add constraint organization_service_window_range check (booking_window_days between 14 and 366),
    add constraint organization_service_cancel_deadline_range check (cancel_deadline_min between 0 and 43200),
    add constraint organization_service_move_deadline_range check (move_deadline_min between 0 and 43200),
    add constraint organization_service_user_types check (
        cardinality(user_types) > 0 and user_types <@ array['SIMPLE', 'QUALIFIED'] and array_position(user_types, null) is null),
    add constraint organization_service_user_kinds check (
        cardinality(user_kinds) > 0 and user_kinds <@ array['PHYSIC', 'BUSINESS', 'PERSBUSINESS']
        and array_position(user_kinds, null) is null),
    add constraint organization_service_buffer_range check (buffer_before_min between 0 and 720 and buffer_after_min between 0 and 720);
comment on column data.organization_service.notice_min is 'Instead of the organization''s; none: that one (B5)';
comment on column data.organization_service.booking_window_days is 'Instead of the organization''s; none: that one (B5)';
comment on column data.organization_service.cancel_deadline_min is 'Instead of the organization''s; none: that one (B5)';
comment on column data.organization_service.move_deadline_min is 'Instead of the organization''s; none: that one (B5)';
comment on column data.organization_service.user_types is 'Kinds of account (userType) that may book it; none: all';
comment on column data.organization_service.user_kinds is 'Kinds of applicant (userKind) that may book it; none: all';
comment on column data.organization_service.buffer_before_min is 'Minutes the area is kept free before a visit for it';
comment on column data.organization_service.buffer_after_min is 'Minutes the area is kept free after a visit for it';
comment on constraint organization_service_notice_range on data.organization_service is 'Stays below the smallest booking window';
comment on constraint organization_service_window_range on data.organization_service is 'Order 329, item 9.7: at least 14 days';
comment on constraint organization_service_cancel_deadline_range on data.organization_service is 'At most a month';
comment on constraint organization_service_move_deadline_range on data.organization_service is 'At most a month';
comment on constraint organization_service_user_types on data.organization_service is 'Values of userType; an empty list would admit nobody';
comment on constraint organization_service_user_kinds on data.organization_service is 'Values of userKind; an empty list would admit nobody';
comment on constraint organization_service_buffer_range on data.organization_service is 'At most half a day';

create table data.booking_limit (
    limit_id integer not null generated always as identity,
    organization_id text not null,
    service_id text,
    person text not null,
    period text not null,
    max_bookings smallint not null,
    constraint booking_limit_pkey primary key (limit_id),
    constraint booking_limit_key unique nulls not distinct (organization_id, service_id, person, period),
    constraint booking_limit_organization_fkey foreign key (organization_id) references data.organization (organization_id),
    constraint booking_limit_service_fkey foreign key (organization_id, service_id)
        references data.organization_service (organization_id, service_id),
    constraint booking_limit_person check (person in ('esiaId', 'userSnils', 'userINN', 'businessINN', 'caseNumber')),
    constraint booking_limit_period check (period in ('live', 'day', 'week', 'month', 'year')),
    constraint booking_limit_max_range check (max_bookings between 1 and 1000)
);
alter table data.booking_limit owner to zapisd_owner;
comment on table data.booking_limit is 'How many bookings one person (B5) or one application (B7) may have here; no row, no limit';
comment on column data.booking_limit.limit_id is 'Inner key';
comment on column data.booking_limit.organization_id is 'Organization';
comment on column data.booking_limit.service_id is 'Counts bookings for this service; none: for any';
comment on column data.booking_limit.person is 'What tells the person: esiaId, userSnils, userINN, businessINN; or caseNumber: the application (item 6.3)';
comment on column data.booking_limit.period is 'live: visits still to come; day, week, month, year: visits in one of the organization''s calendar, cancelled ones not counted';
comment on column data.booking_limit.max_bookings is 'So many, and no more';
comment on constraint booking_limit_pkey on data.booking_limit is 'Inner key';
comment on constraint booking_limit_key on data.booking_limit is 'One number for one question';
comment on constraint booking_limit_organization_fkey on data.booking_limit is 'Of a known organization';
comment on constraint booking_limit_service_fkey on data.booking_limit is 'A service it offers';
comment on constraint booking_limit_person on data.booking_limit is 'Wire names of the fields that may tell a person';
comment on constraint booking_limit_period on data.booking_limit is 'One of the five';
comment on constraint booking_limit_max_range on data.booking_limit is 'At least one: who wants none closes the slots';

create index booking_person on data.booking (esia_id);
create index applicant_snils on data.applicant (user_snils) where user_snils is not null;
create index applicant_inn on data.applicant (user_inn) where user_inn is not null;
create index applicant_business_inn on data.applicant (business_inn) where business_inn is not null;
comment on index data.booking_person is 'Bookings of an account: limits (B5)';
comment on index data.applicant_snils is 'Bookings of a person by SNILS: limits (B5)';
comment on index data.applicant_inn is 'Bookings of a person by INN: limits (B5)';
comment on index data.applicant_business_inn is 'Bookings of a firm by INN: limits (B5)';

create table data.channel_share (
    share_id integer not null generated always as identity,
    organization_id text not null,
    area_key integer,
    channel text not null,
    percent smallint not null,
    constraint channel_share_pkey primary key (share_id),
    constraint channel_share_key unique nulls not distinct (organization_id, area_key, channel),
    constraint channel_share_organization_fkey foreign key (organization_id) references data.organization (organization_id),
    constraint channel_share_area_fkey foreign key (area_key, organization_id) references data.area (area_key, organization_id),
    constraint channel_share_channel check (channel in ('portal', 'kiosk', 'call-centre', 'walk-in')),
    constraint channel_share_percent_range check (percent between 0 and 100)
);
alter table data.channel_share owner to zapisd_owner;
comment on table data.channel_share is 'How much of a day''s places a channel may take at most; a channel without a row may take all';
comment on column data.channel_share.share_id is 'Inner key';
comment on column data.channel_share.organization_id is 'Organization';
comment on column data.channel_share.area_key is 'Of the places of this area and everything inside it; none: of the whole organization';
comment on column data.channel_share.channel is 'portal, kiosk, call-centre, walk-in';
comment on column data.channel_share.percent is 'Of the places of a day, rounded down';
comment on constraint channel_share_pkey on data.channel_share is 'Inner key';
comment on constraint channel_share_key on data.channel_share is 'One share a channel and area';
comment on constraint channel_share_organization_fkey on data.channel_share is 'Of a known organization';
comment on constraint channel_share_area_fkey on data.channel_share is 'One of its areas';
comment on constraint channel_share_channel on data.channel_share is 'One of the four';
comment on constraint channel_share_percent_range on data.channel_share is 'Nothing to all';

create type data.full_day as (area_key integer, span tstzrange);
alter type data.full_day owner to zapisd_owner;
revoke all on type data.full_day from public;
comment on type data.full_day is 'A day on which a channel has used up its share in an area';
comment on column data.full_day.area_key is 'Area';
comment on column data.full_day.span is 'The day, midnight to midnight of the organization';

comment on column api.message.channel is 'Channel of the listener: portal, kiosk, call-centre, walk-in';
comment on column data.journal.channel is 'Channel of the listener: portal, kiosk, call-centre, walk-in';
comment on column data.booking.channel is 'Channel it was made by: portal, kiosk, call-centre, walk-in';

-- B9: buffers, and areas that one visit at a time may use, whichever area inside them it is in.
alter table data.area
    add column kind text,
    add column buffer_before_min smallint not null default 0,
    add column buffer_after_min smallint not null default 0,
    add column is_exclusive boolean not null default false,
    add column uses integer[] not null default '{}',
    add constraint area_kind check (kind in ('building', 'floor', 'hall', 'room', 'window', 'specialist')),
    add constraint area_buffer_range check (buffer_before_min between 0 and 720 and buffer_after_min between 0 and 720),
    add constraint area_exclusive check (not is_exclusive or capacity = 1);
comment on column data.area.kind is 'building, floor, hall, room, window, specialist';
comment on column data.area.buffer_before_min is 'Minutes kept free before a visit here';
comment on column data.area.buffer_after_min is 'Minutes kept free after a visit here';
comment on column data.area.is_exclusive is 'Used by one visit at a time, those in areas inside it counted';
comment on column data.area.uses is 'Exclusive areas that a visit here uses: itself, those it is in, those data.area_use names; kept by triggers';
comment on constraint area_kind on data.area is 'One of the six';
comment on constraint area_buffer_range on data.area is 'At most half a day';
comment on constraint area_exclusive on data.area is 'One visit at a time is one place';

create table data.area_use (
    area_key integer not null,
    used_key integer not null,
    organization_id text not null,
    constraint area_use_pkey primary key (area_key, used_key),
    constraint area_use_area_fkey foreign key (area_key, organization_id) references data.area (area_key, organization_id),
    constraint area_use_used_fkey foreign key (used_key, organization_id) references data.area (area_key, organization_id),
    constraint area_use_other check (area_key <> used_key)
);
alter table data.area_use owner to zapisd_owner;
create index area_use_used on data.area_use (used_key);
comment on table data.area_use is 'A visit in one area needs another too: a room its specialist, who may be needed elsewhere';
comment on column data.area_use.area_key is 'Where the visit is';
comment on column data.area_use.used_key is 'What it needs beside; counts when that is exclusive';
comment on column data.area_use.organization_id is 'Organization of both';
comment on constraint area_use_pkey on data.area_use is 'Said once';
comment on constraint area_use_area_fkey on data.area_use is 'A known area';
comment on constraint area_use_used_fkey on data.area_use is 'Another of the same organization';
comment on constraint area_use_other on data.area_use is 'An area does not need itself';
comment on index data.area_use_used is 'Who needs an area';

-- The time an area is taken for. Minutes added to an instant do not depend on any zone: immutable in truth.
create function data.busy_span(starts_at timestamptz, ends_at timestamptz, before_min integer, after_min integer) returns tstzrange
language plpgsql immutable parallel safe as $$
begin
    return tstzrange(starts_at - make_interval(mins => before_min), ends_at + make_interval(mins => after_min));
end $$;
alter function data.busy_span(timestamptz, timestamptz, integer, integer) owner to zapisd_owner;
revoke all on function data.busy_span(timestamptz, timestamptz, integer, integer) from public;
comment on function data.busy_span(timestamptz, timestamptz, integer, integer) is 'A visit with the minutes kept free around it';

alter table data.place
    add column before_min smallint not null default 0,
    add column after_min smallint not null default 0,
    drop constraint place_area_once,
    add constraint place_buffer_range check (before_min between 0 and 720 and after_min between 0 and 720);
alter table data.place
    add constraint place_area_once exclude using gist (
        area_key with =,
        (case when before_min = 0 and after_min = 0 then tstzrange(starts_at, ends_at)
            else data.busy_span(starts_at, ends_at, before_min, after_min) end) with &&
    ) where (capacity = 1);
comment on column data.place.before_min is 'Minutes kept free before it';
comment on column data.place.after_min is 'Minutes kept free after it';
comment on constraint place_buffer_range on data.place is 'At most half a day';
comment on constraint place_area_once on data.place is 'An area or specialist for one is not used twice at once, buffers counted (B2)';

create table data.occupancy (
    slot_id uuid not null,
    place_no smallint not null,
    area_key integer not null,
    span tstzrange not null,
    constraint occupancy_pkey primary key (slot_id, place_no, area_key),
    constraint occupancy_place_fkey foreign key (slot_id, place_no) references data.place (slot_id, place_no) on delete cascade,
    constraint occupancy_area_fkey foreign key (area_key) references data.area (area_key),
    constraint occupancy_area_once exclude using gist (area_key with =, span with &&)
);
alter table data.occupancy owner to zapisd_owner;
comment on table data.occupancy is 'Exclusive areas that taken places use; written with the place, gone with it';
comment on column data.occupancy.slot_id is 'Slot';
comment on column data.occupancy.place_no is 'Its place';
comment on column data.occupancy.area_key is 'Exclusive area';
comment on column data.occupancy.span is 'When';
comment on constraint occupancy_pkey on data.occupancy is 'A place uses an area once';
comment on constraint occupancy_place_fkey on data.occupancy is 'A free place uses nothing';
comment on constraint occupancy_area_fkey on data.occupancy is 'A known area';
comment on constraint occupancy_area_once on data.occupancy is 'An exclusive area is not used by two visits at once (B9)';

create function data.place_time_changed() returns trigger
language plpgsql as $$
begin
    update data.occupancy as q set span = data.busy_span(new.starts_at, new.ends_at, new.before_min, new.after_min)
    where q.slot_id = new.slot_id and q.place_no = new.place_no;
    return null;
end $$;
alter function data.place_time_changed() owner to zapisd_owner;
revoke all on function data.place_time_changed() from public;
comment on function data.place_time_changed() is 'Trigger: what a place uses moves with it';
create trigger place_time after update of starts_at, ends_at, before_min, after_min on data.place
    for each row execute function data.place_time_changed();
comment on trigger place_time on data.place is 'A slot whose time is changed keeps its exclusive areas';

-- What is derived: data.area.uses, data.organization.has_rules.
create function data.used_areas(p_area_key integer) returns integer[]
language sql stable as $$
    with recursive up as (
        select p_area_key as area_key
        union
        select n.area_key
        from up
        cross join lateral (
            select a.parent_key from data.area as a where a.area_key = up.area_key
            union all
            select u.used_key from data.area_use as u where u.area_key = up.area_key
        ) as n (area_key)
    )
    select coalesce(array_agg(a.area_key order by a.area_key), '{}')
    from up join data.area as a using (area_key) where a.is_exclusive
$$;
alter function data.used_areas(integer) owner to zapisd_owner;
revoke all on function data.used_areas(integer) from public;
comment on function data.used_areas(integer) is 'Exclusive areas that a visit in an area uses';

create function data.organization_has_rules(p_organization_id text) returns boolean
language sql stable as $$
    select exists (select from data.booking_limit as l where l.organization_id = p_organization_id)
        or exists (select from data.channel_share as c where c.organization_id = p_organization_id)
        or exists (select from data.organization_service as s where s.organization_id = p_organization_id
            and (s.notice_min is not null or s.booking_window_days is not null or s.cancel_deadline_min is not null
                or s.move_deadline_min is not null or s.user_types is not null or s.user_kinds is not null
                or s.buffer_before_min > 0 or s.buffer_after_min > 0))
        or exists (select from data.area as a where a.organization_id = p_organization_id
            and (a.buffer_before_min > 0 or a.buffer_after_min > 0 or a.uses <> '{}'))
$$;
alter function data.organization_has_rules(text) owner to zapisd_owner;
revoke all on function data.organization_has_rules(text) from public;
comment on function data.organization_has_rules(text) is 'Whether any rule is on in an organization';

create function data.derive_has_rules() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    new.has_rules := data.organization_has_rules(new.organization_id);
    return new;
end $$;
alter function data.derive_has_rules() owner to zapisd_owner;
revoke all on function data.derive_has_rules() from public;
comment on function data.derive_has_rules() is 'Trigger: has_rules is what the tables say, whoever writes it';
create trigger organization_rules before insert or update of has_rules on data.organization
    for each row execute function data.derive_has_rules();
comment on trigger organization_rules on data.organization is 'has_rules cannot be set by hand';

create function data.derive_uses() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    new.uses := data.used_areas(new.area_key);
    return new;
end $$;
alter function data.derive_uses() owner to zapisd_owner;
revoke all on function data.derive_uses() from public;
comment on function data.derive_uses() is 'Trigger: uses is what the tables say, whoever writes it';
create trigger area_uses before insert or update of uses on data.area for each row execute function data.derive_uses();
comment on trigger area_uses on data.area is 'uses cannot be set by hand';

create function data.area_uses_changed() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    delete from data.occupancy as q using data.place as p
    where p.area_key = new.area_key and q.slot_id = p.slot_id and q.place_no = p.place_no and q.area_key <> all (new.uses);
    -- Two visits that were allowed before may share the area now: the first keeps it.
    insert into data.occupancy (slot_id, place_no, area_key, span)
    select p.slot_id, p.place_no, u.area_key, data.busy_span(p.starts_at, p.ends_at, p.before_min, p.after_min)
    from data.place as p, unnest(new.uses) as u (area_key)
    where p.area_key = new.area_key and p.ends_at > now()
    order by p.starts_at, p.slot_id, p.place_no
    on conflict do nothing;
    return null;
end $$;
alter function data.area_uses_changed() owner to zapisd_owner;
revoke all on function data.area_uses_changed() from public;
comment on function data.area_uses_changed() is 'Trigger: visits already booked use what their area uses from now on';
create trigger area_uses_changed after update of uses on data.area
    for each row when (old.uses is distinct from new.uses) execute function data.area_uses_changed();
comment on trigger area_uses_changed on data.area is 'Visits already booked count';

create function data.rules_changed() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    id text := coalesce(new.organization_id, old.organization_id);
begin
    if tg_table_name in ('area', 'area_use') and exists (
        select from data.area as a where a.organization_id = id and (a.is_exclusive or a.uses <> '{}')) then
        update data.area as a set uses = '{}' where a.organization_id = id and a.uses is distinct from data.used_areas(a.area_key);
    end if;
    update data.organization as o set has_rules = not o.has_rules
    where o.organization_id = id and o.has_rules <> data.organization_has_rules(id);
    -- The quick way of getSlots knows of no buffers: with the last rule those of visits already booked go too.
    if found and not (select o.has_rules from data.organization as o where o.organization_id = id) then
        update data.place as p set before_min = 0, after_min = 0
        from data.area as a
        where a.organization_id = id and p.area_key = a.area_key and (p.before_min > 0 or p.after_min > 0);
    end if;
    return null;
end $$;
alter function data.rules_changed() owner to zapisd_owner;
revoke all on function data.rules_changed() from public;
comment on function data.rules_changed() is 'Trigger: keeps data.area.uses and data.organization.has_rules';
create trigger rules_limit after insert or update or delete on data.booking_limit
    for each row execute function data.rules_changed();
create trigger rules_share after insert or update or delete on data.channel_share
    for each row execute function data.rules_changed();
create trigger rules_service after insert or update or delete on data.organization_service
    for each row execute function data.rules_changed();
create trigger rules_area after insert or delete or update of parent_key, is_exclusive, buffer_before_min, buffer_after_min
    on data.area for each row execute function data.rules_changed();
create trigger rules_area_use after insert or update or delete on data.area_use
    for each row execute function data.rules_changed();
comment on trigger rules_limit on data.booking_limit is 'Keeps data.organization.has_rules';
comment on trigger rules_share on data.channel_share is 'Keeps data.organization.has_rules';
comment on trigger rules_service on data.organization_service is 'Keeps data.organization.has_rules';
comment on trigger rules_area on data.area is 'Keeps data.area.uses and data.organization.has_rules';
comment on trigger rules_area_use on data.area_use is 'Keeps data.area.uses and data.organization.has_rules';

revoke all on data.booking_limit, data.channel_share, data.area_use, data.occupancy from public;
grant select on data.booking_limit, data.channel_share, data.area_use, data.occupancy to zapisd_operator, zapisd_auditor;
grant insert, update, delete on data.booking_limit, data.channel_share, data.area_use to zapisd_operator;
