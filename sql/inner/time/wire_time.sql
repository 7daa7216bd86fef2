-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Instants on the wire (T1). Out: always with the numeric offset of the organization's zone, never Z: the portal takes
-- the last six characters for the offset. In: what has no offset is not an instant.

-- By way of JSON and of a time of day: to_char() reads its pattern anew each time, and what these write depends on no setting.
create or replace function data.wire_time(at timestamptz, zone text) returns text
language sql stable parallel safe as $$
    select substr(to_json(w.wall)::text, 2, 19) || case when w.wall < w.utc then '-' else '+' end
        || left((time '00:00' + greatest(w.wall - w.utc, w.utc - w.wall))::text, 5)
    from (select at at time zone zone as wall, at at time zone interval '0' as utc) as w
$$;
comment on function data.wire_time(timestamptz, text) is 'yyyy-MM-ddThh:mm:ss+hh:mm in the wall time of a zone (T1)';
drop function if exists data.wire_text(timestamptz, timestamp);

-- Answers leave the text to whoever writes them: they tell the instant, and how far ahead of UTC its zone is then. By way of a
-- wall time in UTC: date_part of an instant is called stable, and a function that says more of itself than its body is not
-- inlined but run, at ten times the cost.
create or replace function data.unix_seconds(at timestamptz) returns bigint
language sql immutable parallel safe
return floor(date_part('epoch', at at time zone interval '0'))::bigint;
comment on function data.unix_seconds(timestamptz) is 'Whole seconds since 1970-01-01 00:00 UTC, rounded down';

create or replace function data.utc_offset(at timestamptz, wall timestamp) returns integer
language sql immutable parallel safe
return date_part('epoch', wall - (at at time zone interval '0'))::integer / 60;
comment on function data.utc_offset(timestamptz, timestamp) is
    'Minutes by which a wall time is ahead of UTC at an instant (T1)';

-- A portal's clock must not be able to fail a booking: what is no instant is null, and its text is kept anyway.
create or replace function data.parse_time(t text) returns timestamptz
language plpgsql immutable strict parallel safe as $$
begin
    if t !~ E'^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:[0-9]{2})$' then
        return null;
    end if;
    begin
        return t::timestamptz;
    exception when datetime_field_overflow or invalid_datetime_format or invalid_time_zone_displacement_value then
        return null;
    end;
end $$;
comment on function data.parse_time(text) is 'The instant of an xs:dateTime with a zone; null when it is not one (item 15)';
