-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- The inverse of data.slot_uuid: from the id alone, plus the list of organizations, whose it is and when (B8).
-- An id that is not of our making gives no row.

create or replace function admin.slot_decode(slot_id uuid)
returns table (visit_time text, visit_at timestamptz, organization_id text, area_id text, serial integer)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    hex text := replace(slot_decode.slot_id::text, '-', '');
    ticks bigint;
    node bigint;
    micros bigint;
begin
    if hex !~ '^.{12}1.{3}[89ab]' then
        return;
    end if;
    ticks := ('x' || lpad(substr(hex, 14, 3) || substr(hex, 9, 4) || substr(hex, 1, 8), 16, '0'))::bit(64)::bigint
        - 122192928000000000;
    node := ('x' || lpad(substr(hex, 21), 16, '0'))::bit(64)::bigint;
    if node >> 40 <> 1 then
        return;
    end if;
    -- Visits start on whole seconds; what is left over in the ticks is the serial.
    micros := floor(ticks / 10000000.0)::bigint * 1000000;
    return query
        select data.wire_time(v.at, o.time_zone), v.at, o.organization_id, a.area_id, (ticks - micros * 10)::integer
        from data.my_organization as o
        cross join (select to_timestamp(micros / 1000000) as at) as v
        left join data.my_area as a on a.organization_id = o.organization_id
            and a.number = (('x' || substr(hex, 17, 4))::bit(16)::integer & 16383)
        where o.number = node & 1099511627775;
end $$;
grant execute on function admin.slot_decode(uuid) to zapisd_operator, zapisd_auditor;
comment on function admin.slot_decode(uuid) is
    'slot_decode(номер интервала): время, организация и помещение, которые он говорит о себе сам. '
        'Пример: select * from admin.slot_decode(''…'')';
