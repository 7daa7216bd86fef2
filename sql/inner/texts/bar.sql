-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Occupancy drawn: twenty cells are the whole day, full ones taken, hatched ones held, dotted ones free.

-- Who has come is always seen, and a day looks full only when it is.
create or replace function data.cells(part bigint, whole bigint, width integer) returns integer
language sql immutable parallel safe
return case when part <= 0 then 0 when part >= whole then width
    else greatest(1, least(width - 1, round(width * part::numeric / whole)::integer)) end;
comment on function data.cells(bigint, bigint, integer) is 'How many cells of a bar a part takes (O3)';

create or replace function data.bar(taken bigint, held bigint, places bigint, width integer default 20) returns text
language sql immutable parallel safe
return case when coalesce(places, 0) > 0 then repeat('█', data.cells(taken, places, width))
    || repeat('▒', data.cells(taken + held, places, width) - data.cells(taken, places, width))
    || repeat('·', width - data.cells(taken + held, places, width)) else '' end;
comment on function data.bar(bigint, bigint, bigint, integer) is 'Occupancy as a bar of so many cells (O3)';
