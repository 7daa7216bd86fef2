-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- The last look before a RequestStatus leaves (Q4): behind the answer it would say that there is none.

create or replace function api.inbox_slow_still(p_inbox_id bigint) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    was text;
begin
    select t.state into was from data.inbox as t where t.inbox_id = p_inbox_id for no key update skip locked;
    if not found then
        return false; -- somebody is at it just now: its answer is on the way
    end if;
    if was in ('stored', 'working', 'parked') then
        return true;
    end if;
    update data.inbox as t set status_at = null where t.inbox_id = p_inbox_id;
    return false;
end $$;
grant execute on function api.inbox_slow_still(bigint) to zapisd_daemon;
comment on function api.inbox_slow_still(bigint) is
    'Whether a request that api.inbox_slow_take() gave has no answer yet; false: nothing is said of it';
