-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- When a visit was, of a booking that has no places any more: from the slots of its history, by what their ids say of themselves
-- (B8), so that it is told even of slots that are gone.

create or replace function data.visit_was(p_slot_ids uuid[], out at timestamptz, out place text)
language sql stable as $$
    select v.at, concat_ws(' ', to_char(v.at at time zone v.time_zone, 'DD.MM HH24:MI'), v.name)
    from unnest(p_slot_ids) as u (slot_id)
    cross join data.slot_said(u.slot_id) as d
    cross join lateral (
        select coalesce(s.starts_at, d.starts_at) as at, o.time_zone, a.name
        from data.organization as o
        left join data.area as a on a.organization_id = o.organization_id and a.number = d.area_number
        left join data.slot as s on s.slot_id = u.slot_id
        where o.number = d.organization_number
    ) as v
    order by v.at limit 1
$$;
comment on function data.visit_was(uuid[]) is
    'When and where the first of some slots is or was, in words («30.11 09:00 Окно 1»); null of none';

create or replace function data.visit_change(p_before uuid[], p_now uuid[]) returns text
language sql stable as $$
    select case
        when coalesce(p_before, '{}') = coalesce(p_now, '{}') then null
        when coalesce(p_before, '{}') = '{}' then (data.visit_was(p_now)).place
        when coalesce(p_now, '{}') = '{}' then 'было ' || (data.visit_was(p_before)).place
        else (data.visit_was(p_before)).place || ' -> ' || (data.visit_was(p_now)).place end
$$;
comment on function data.visit_change(uuid[], uuid[]) is
    'What an event has done to the time of a visit, in words: «30.11 09:00 Окно 1 -> 01.12 09:00 Окно 2», '
        '«было 30.11 09:00 Окно 1», the time alone where there was none before; null: nothing';
