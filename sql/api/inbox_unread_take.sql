-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What somebody has decided about messages that cannot be read is said to SMEV, until it has heard it (O3). Asked anew whether
-- no good message of that id is here: of one that is, nothing but accepted=true may ever be said (Q1).

create or replace function api.inbox_unread_take(p_agency text, p_wanted integer, p_again_in interval)
returns table (message_id text)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
    clock constant timestamptz := clock_timestamp();
begin
    return query
    with due as (
        select u.agency_code, u.message_id, u.operation from data.inbox_unread as u
        where u.agency_code = p_agency and u.say_at <= clock and u.given_up_at is not null
            and not data.inbox_is_taken(u.agency_code, u.message_id)
        order by u.say_at limit p_wanted for no key update skip locked
    )
    update data.inbox_unread as t set say_at = clock + p_again_in
    from due as d where t.agency_code = d.agency_code and t.message_id = d.message_id
        and t.operation = d.operation
    returning t.message_id;
end $$;
grant execute on function api.inbox_unread_take(text, integer, interval) to zapisd_daemon;
comment on function api.inbox_unread_take(text, integer, interval) is
    'Ids of messages that were given up by hand and that SMEV is to be told about; each is due again after that while, unless '
        'it has heard';
