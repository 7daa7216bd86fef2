-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Items that change by themselves: a row of the timetable begins or ends, a closure without end begins.

create or replace function data.ref_refresh() returns void
language plpgsql as $$
declare
    due constant text[] := array(select i.code from data.ref_item as i where i.refresh_at <= now());
begin
    perform data.ref_derive('organizations', due);
    perform data.ref_derive('areas', due);
end $$;
comment on function data.ref_refresh() is 'Brings items in step with the calendar (R4)';
