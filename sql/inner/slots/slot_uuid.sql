-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- slotId (B8, A8): the layout of an RFC 4122 version-1 UUID used as a container. Timestamp: visit start in ticks of
-- 100 ns since 15.10.1582, a serial in its lowest ticks; clock sequence: number of the area; node: number of the
-- organization with the multicast bit, which no network card has. Bytes are put in place as numbers, no random part.
-- admin.slot_decode() is the inverse.

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
