-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- A message that could not be worked on, or an answer that could not be sent, is tried again for ever (L1).

create or replace function api.inbox_again(p_inbox_id bigint, p_attempt integer, p_reason text, p_again_in interval) returns
    boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if not data.inbox_is_free(p_inbox_id) then
        return null;
    end if;
    update data.inbox as t set state = case t.state when 'working' then 'stored' else 'answered' end, owner = null,
        last_error = left(p_reason, 200), due_at = clock_timestamp() + p_again_in
    where t.inbox_id = p_inbox_id and t.attempts = p_attempt and t.state in ('working', 'sending');
    return found;
end $$;
grant execute on function api.inbox_again(bigint, integer, text, interval) to zapisd_daemon;
comment on function api.inbox_again(bigint, integer, text, interval) is
    'Gives a message back, to be taken after that while; p_reason is a kind of failure, without values; false: it is no '
        'longer this '
        'attempt''s; null: somebody holds it';
