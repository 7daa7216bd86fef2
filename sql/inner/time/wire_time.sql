-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Instants on the wire (T1). Out: always with the numeric offset of the organization's zone, never Z: the portal takes
-- the last six characters for the offset. In: what has no offset is not an instant.

-- One expression, so that the planner folds it into the query.
create or replace function data.wire_time(at timestamptz, zone text) returns text
language sql stable parallel safe
return to_char(at at time zone zone, 'YYYY-MM-DD"T"HH24:MI:SS')
    || case when (at at time zone zone) < (at at time zone 'UTC')
        then '-' || to_char((at at time zone 'UTC') - (at at time zone zone), 'HH24:MI')
        else '+' || to_char((at at time zone zone) - (at at time zone 'UTC'), 'HH24:MI') end;
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
