-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Before a closure is lifted.

create or replace function data.reopen_lock(c data.closure) returns uuid[]
language plpgsql set lock_timeout = '300ms' as $$
declare
    patience constant timestamptz := clock_timestamp() + data.agency_patience();
begin
    loop
        begin
            -- As generation has it.
            perform from data.schedule_state as s where s.organization_id = c.organization_id for no key update;
            perform pg_advisory_xact_lock(hashtextextended('slots of ' || c.organization_id, 0));
            return array(select x.slot_id from (
                select s.slot_id from data.slot as s
                where s.slot_id in (select t.slot_id from data.closure_slots(c, data.closure_areas(c), clock_timestamp()) as t)
                order by s.slot_id for no key update) as x);
        exception when lock_not_available or deadlock_detected then
            perform data.agency_wait(patience);
        end;
    end loop;
end $$;
comment on function data.reopen_lock(data.closure) is
    'Locks the slots of a closure as generation and book do it, asking again while others are at them';
