-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Coordinates that were typed the wrong way round. Only a warning comes of it: an embassy is an office, too.

create or replace function data.is_in_russia(p_latitude numeric, p_longitude numeric) returns boolean
language sql immutable parallel safe as $$
    select p_latitude between 41 and 82 and (p_longitude between 19 and 180 or p_longitude between -180 and -168)
$$;
comment on function data.is_in_russia(numeric, numeric) is
    'Whether a place, in decimal degrees of WGS-84, is between the parallels and meridians of Russia; null of nulls';
