-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Wall clock as item 24 writes it: 9:00, 13:30.

create or replace function data.clock_text(minutes integer) returns text
language sql immutable strict parallel safe
return (minutes / 60)::text || ':' || lpad((minutes % 60)::text, 2, '0');
comment on function data.clock_text(integer) is 'Minutes of the day as h:mm (item 24)';
