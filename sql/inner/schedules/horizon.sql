-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- How far ahead there are slots, and which schedules have changed since.

create or replace function data.horizon_day(o data.organization) returns date
language sql stable
return (now() at time zone o.time_zone)::date + coalesce(o.horizon_days, o.booking_window_days + 1);
comment on function data.horizon_day(data.organization) is 'Up to which day the daemon makes slots by itself';

-- While the night of the last evening goes on, and two hours after it for what is left to mark, it is that day; a visit of
-- the new day ends it.
create or replace function data.office_day(p_organization_id text, p_zone text) returns date
language sql stable as $$
    select l.at::date
        - coalesce(l.at < n.until + interval '2 hours' and (n.first_at is null or l.at < n.first_at), false)::integer
    from (select now() at time zone p_zone as at) as l
    cross join lateral (
        select max(s.ends_at at time zone p_zone) filter (where s.is_night) as until,
            min(s.starts_at at time zone p_zone) filter (where not s.is_night) as first_at
        from data.slot as s
        where s.organization_id = p_organization_id and s.starts_at >= l.at::date::timestamp at time zone p_zone
            and s.starts_at < (l.at::date + interval '14 hours') at time zone p_zone
            and (not s.is_closed or exists (select from data.place as p where p.slot_id = s.slot_id))) as n
$$;
comment on function data.office_day(text, text) is
    'The working day it is in an organization: after midnight the one before while its night goes on, and two hours more';

create or replace function data.today_of(p_organization_id text) returns date
language sql stable
return (select data.office_day(o.organization_id, o.time_zone) from data.organization as o
    where o.organization_id = p_organization_id);
comment on function data.today_of(text) is 'data.office_day of an organization by its code';

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
