-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- There is a key again: what waited for it is due (C4, L5). What somebody holds has its own pause.

create or replace function api.inbox_signed(p_source text, p_agency text) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    n bigint;
begin
    with waits as (
        select i.inbox_id from data.inbox as i
        where i.source = p_source and i.agency_code = p_agency and i.state in ('stored', 'answered')
            and i.due_at > clock_timestamp() and data.lacks_key(i.last_error)
        for no key update skip locked
    )
    update data.inbox as t set due_at = clock_timestamp() from waits as w where t.inbox_id = w.inbox_id;
    get diagnostics n = row_count;
    return n;
end $$;
grant execute on function api.inbox_signed(text, text) to zapisd_daemon;
comment on function api.inbox_signed(text, text) is
    'All that signs for a source can: messages and answers of it that failed for lack of a key are due now; how many they were';
