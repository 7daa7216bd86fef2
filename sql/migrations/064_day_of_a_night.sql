-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- A slot after midnight that goes on from an evening belongs to the day of that evening, in every command that takes a day (O3).

alter table data.slot add column is_night boolean not null default false;
comment on column data.slot.is_night is 'true: продолжение вечера накануне; относится к тому дню, хотя начинается после полуночи';

update data.slot as s set is_night = true
where s.wall_at is not null and s.starts_at > now() - interval '2 days' and (exists (
        select from data.timetable as t
        where t.area_key = s.area_key and t.from_evening and t.serial = s.serial
            and t.weekday = extract(isodow from s.wall_at) and s.wall_at::time >= t.starts and s.wall_at::time < t.ends
            and (t.valid_from is null or t.valid_from <= s.wall_at::date) and (t.valid_to is null or t.valid_to >= s.wall_at::date))
    or exists (
        select from data.special_day as d join data.special_hours as h using (special_day_id)
        where d.area_key = s.area_key and d.day = s.wall_at::date - 1 and h.from_evening and h.slot_min is not null
            and s.wall_at::time >= h.starts and s.wall_at::time < h.ends));
update data.schedule_state set due_from = null, not_before = null, due_since = coalesce(due_since, now());
