-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- When an area is closed: a day with the night that goes on from it, and without the night before; an absence by the clock.

create or replace function data.night_later(c data.closure) returns interval
language sql immutable
return case when c.kind = 'absence' then interval '0' else interval '1 day' end;
comment on function data.night_later(data.closure) is
    'How much later than its times a closure is for slots of a night, which belong to the day before';
