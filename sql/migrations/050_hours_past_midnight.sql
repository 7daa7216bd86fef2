-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Hours past midnight belong to the evening they go on from; a slot that is booked and no longer what the schedule offers is
-- offered to nobody else, and put right when it is given back (T2). What was made before is gone over once.

alter table data.timetable add column from_evening boolean not null default false;
alter table data.special_hours add column from_evening boolean not null default false;
comment on column data.timetable.from_evening is 'true: продолжение вечера накануне, после полуночи; день недели — тот, на который оно приходится';
comment on column data.special_hours.from_evening is 'true: продолжение вечера этого дня, после полуночи';

create or replace function data.special_hours_taken() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform data.refuse_old_snapshot();
    perform pg_advisory_xact_lock(3290005, new.special_day_id);
    if exists (
        select from data.special_hours as t
        where t.special_day_id = new.special_day_id and t.serial = new.serial and t.special_hours_id <> new.special_hours_id
            and t.from_evening = new.from_evening and t.starts < new.ends and t.ends > new.starts) then
        raise exception 'hours of special day % overlap', new.special_day_id using
            errcode = 'exclusion_violation', schema = 'data', table = 'special_hours', constraint = 'special_hours_once';
    end if;
    return null;
end $$;

alter table data.slot add column is_outdated boolean not null default false;
comment on column data.slot.is_outdated is 'true: занят и уже не такой, как в расписании (длина, услуга, мест); станет таким, когда освободится';

create or replace function data.place_left() returns trigger
language plpgsql as $$
begin
    insert into data.slot_known (slot_id, place_no) values (old.slot_id, old.place_no) on conflict do nothing;
    if exists (select from data.slot as s where s.slot_id = old.slot_id and s.is_outdated) then
        perform data.slot_freed(old.slot_id);
    end if;
    return null;
end $$;

update data.schedule_state set due_from = null, not_before = null, due_since = coalesce(due_since, now());
