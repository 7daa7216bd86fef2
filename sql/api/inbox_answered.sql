-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- The answer to a message, in the transaction of its effect: both, or neither (Q3, B6). Who has made it may send it at once
-- (decision 0336).

drop function if exists api.inbox_answered(bigint, integer, text, bytea, text);
drop function if exists api.inbox_answered(bigint, integer, text, bytea, text, text, interval); -- it waited for everybody
create or replace function api.inbox_answered(p_inbox_id bigint, p_attempt integer, p_answer_id text, p_answer bytea,
    p_status text, p_sender text default null, p_lease interval default null, p_waits boolean default true)
    returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    clock constant timestamptz := clock_timestamp();
begin
    if not p_waits and not data.inbox_is_free(p_inbox_id) then
        return null;
    end if;
    update data.inbox as t set state = case when p_sender is null then 'answered' else 'sending' end, owner = p_sender,
        answer_id = p_answer_id, answer = p_answer, answered_at = clock, status = p_status,
        due_at = case when p_sender is null then clock else clock + p_lease end, last_error = null,
        sendings = t.sendings + (p_sender is not null)::integer
    where t.inbox_id = p_inbox_id and t.attempts = p_attempt and t.state = 'working';
    return found;
end $$;
grant execute on function api.inbox_answered(bigint, integer, text, bytea, text, text, interval, boolean) to zapisd_daemon;
comment on function api.inbox_answered(bigint, integer, text, bytea, text, text, interval, boolean) is
    'Keeps the answer that is to be sent; false: the message is no longer this attempt''s, and neither is its effect. p_sender: '
        'he sends it at once, as the same attempt, until p_lease is over. p_waits '
        'false: null when somebody holds it';
