-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- How far ahead there are slots, and which schedules have changed since.

create or replace function data.horizon_day(o data.organization) returns date
language sql stable
return (now() at time zone o.time_zone)::date + coalesce(o.horizon_days, o.booking_window_days + 1);
comment on function data.horizon_day(data.organization) is 'Up to which day the daemon makes slots by itself';

create or replace function data.today_of(p_organization_id text) returns date
language sql stable
return (select (now() at time zone o.time_zone)::date from data.organization as o where o.organization_id = p_organization_id);
comment on function data.today_of(text) is 'The day it is in an organization';

create or replace function data.schedule_touch(p_organization_id text) returns void
language sql as $$
    insert into data.schedule_state as s (organization_id) values (p_organization_id)
    on conflict (organization_id) do update set due_from = null, not_before = null,
        due_since = coalesce(s.due_since, clock_timestamp())
$$;
comment on function data.schedule_touch(text) is 'The slots of an organization are to be gone over again';

-- Days from the first that is due on: what lies farther ahead leaves those before it due.
create or replace function data.schedule_done(o data.organization, p_first date, p_last date) returns void
language sql as $$
    update data.schedule_state as s set due_from = p_last + 1, generated_at = clock_timestamp(), not_before = null,
        last_error = null, days = least(7, s.days + 1), due_since = case when p_last < data.horizon_day(o) then s.due_since end
    where s.organization_id = o.organization_id and p_first <= greatest(s.due_from, (now() at time zone o.time_zone)::date)
        and p_last >= coalesce(s.due_from, p_first)
$$;
comment on function data.schedule_done(data.organization, date, date) is
    'The slots of an organization have been gone over from a day to a day, both included';

create or replace function data.is_schedule_due(s data.schedule_state, o data.organization) returns boolean
language sql stable
return o.is_active and coalesce(o.horizon_days, 1) > 0 and (s.due_from is null or s.due_from <= data.horizon_day(o));
comment on function data.is_schedule_due(data.schedule_state, data.organization) is
    'Whether slots of an organization are still to be made';
