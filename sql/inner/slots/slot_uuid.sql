-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- slotId (B8, A8): the layout of an RFC 4122 version-1 UUID used as a container. Timestamp: visit start in ticks of
-- 100 ns since 15.10.1582, a serial in its lowest ticks; clock sequence: number of the area; node: number of the
-- organization with the multicast bit, which no network card has. Bytes are put in place as numbers, no random part.
-- data.slot_said() is the inverse.

create or replace function data.slot_uuid(visit_start timestamptz, organization_number integer, area_number integer,
    serial integer default 0)
returns uuid language plpgsql immutable strict parallel safe as $$
declare
    ticks bigint := (extract(epoch from visit_start) * 10000000)::bigint + 122192928000000000 + serial;
    hex text;
begin
    if ticks < 0 or ticks >= 1::bigint << 60 or area_number not between 0 and 16383 or organization_number < 1 or serial < 0 then
        raise exception 'slot_uuid: out of range' using errcode = 'numeric_value_out_of_range';
    end if;
    hex := lpad(to_hex(ticks), 15, '0');
    return (substr(hex, 8, 8) || substr(hex, 4, 4) || '1' || substr(hex, 1, 3)
        || to_hex(32768 | area_number) || lpad(to_hex(1::bigint << 40 | organization_number), 12, '0'))::uuid;
end $$;
comment on function data.slot_uuid(timestamptz, integer, integer, integer) is
    'slotId of a visit start, a number of an organization and a number of an area (B8)';

create or replace function data.slot_said(p_slot_id uuid, out starts_at timestamptz, out organization_number bigint,
    out area_number integer, out serial integer)
language plpgsql immutable parallel safe as $$
declare
    hex constant text := replace(p_slot_id::text, '-', '');
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
    starts_at := to_timestamp(micros / 1000000);
    organization_number := node & 1099511627775;
    area_number := ('x' || substr(hex, 17, 4))::bit(16)::integer & 16383;
    serial := (ticks - micros * 10)::integer;
end $$;
comment on function data.slot_said(uuid) is
    'What a slotId says of itself: the inverse of data.slot_uuid; nulls of one that is not of our making (B8)';
