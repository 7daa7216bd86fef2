-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- The inverse of data.slot_uuid: from the id alone, plus the list of organizations, whose it is and when (B8).
-- An id that is not of our making gives no row.

create or replace function admin.slot_decode(slot_id uuid)
returns table (visit_time text, visit_at timestamptz, organization_id text, area_id text, serial integer)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select data.wire_time(v.starts_at, o.time_zone), v.starts_at, o.organization_id, a.area_id, v.serial
    from data.slot_said(slot_decode.slot_id) as v
    join data.my_organization as o on o.number = v.organization_number
    left join data.my_area as a on a.organization_id = o.organization_id and a.number = v.area_number
$$;
grant execute on function admin.slot_decode(uuid) to zapisd_operator, zapisd_auditor;
comment on function admin.slot_decode(uuid) is
    'slot_decode(номер интервала): время, организация и помещение, которые он говорит о себе сам. '
        'Пример: select * from admin.slot_decode(''…'')';
