-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- A message that nobody but a person can help.

create or replace function api.inbox_park(p_inbox_id bigint, p_attempt integer, p_reason text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if not data.inbox_is_free(p_inbox_id) then
        return null;
    end if;
    update data.inbox as t set state = 'parked', owner = null, reason = left(coalesce(nullif(p_reason, ''), '?'), 500)
    where t.inbox_id = p_inbox_id and t.attempts = p_attempt and t.state in ('working', 'sending');
    return found;
end $$;
grant execute on function api.inbox_park(bigint, integer, text) to zapisd_daemon;
comment on function api.inbox_park(bigint, integer, text) is
    'Puts a message aside until admin.inbox_retry or admin.inbox_give_up; p_reason is for people, without values; false: it '
        'is no '
        'longer this attempt''s; null: somebody holds it';
