-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Instants on the wire (T1). Out: always with the numeric offset of the organization's zone, never Z: the portal takes
-- the last six characters for the offset. In: what has no offset is not an instant.

-- Expressions, so that the planner folds them into the query. Looking up the zone is the dear part: who writes many times has
-- the wall time in hand. By way of JSON and of a time of day: to_char() reads its pattern anew each time, and what these write
-- depends on no setting.
create or replace function data.wire_text(at timestamptz, wall timestamp) returns text
language sql stable parallel safe
return substr(to_json(wall)::text, 2, 19)
    || case when wall < (at at time zone interval '0')
        then '-' || left((time '00:00' + ((at at time zone interval '0') - wall))::text, 5)
        else '+' || left((time '00:00' + (wall - (at at time zone interval '0')))::text, 5) end;
comment on function data.wire_text(timestamptz, timestamp) is
    'yyyy-MM-ddThh:mm:ss+hh:mm of an instant and the wall time it is somewhere (T1)';

create or replace function data.wire_time(at timestamptz, zone text) returns text
language sql stable parallel safe as $$
    select data.wire_text(at, at at time zone zone)
$$;
comment on function data.wire_time(timestamptz, text) is 'yyyy-MM-ddThh:mm:ss+hh:mm in the wall time of a zone (T1)';

-- A portal's clock must not be able to fail a booking: what is no instant is null, and its text is kept anyway.
create or replace function data.parse_time(t text) returns timestamptz
language plpgsql immutable strict parallel safe as $$
begin
    if t !~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:[0-9]{2})$' then
        return null;
    end if;
    begin
        return t::timestamptz;
    exception when datetime_field_overflow or invalid_datetime_format or invalid_time_zone_displacement_value then
        return null;
    end;
end $$;
comment on function data.parse_time(text) is 'The instant of an xs:dateTime with a zone; null when it is not one (item 15)';
