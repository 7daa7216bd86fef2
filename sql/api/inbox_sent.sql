-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What SMEV said to an answer (Q3, J1).

create or replace function api.inbox_sent(p_inbox_id bigint, p_attempt integer, p_outcome text, p_reason text, p_again_in
    interval,
    p_peer text, p_verdict text, p_asked bytea, p_answered bytea) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    i data.inbox;
    is_ours boolean;
begin
    if not data.inbox_is_free(p_inbox_id) then
        return null;
    end if;
    select t.* into strict i from data.inbox as t where t.inbox_id = p_inbox_id;
    perform data.inbox_called(i, 'SendResponse', coalesce(nullif(p_reason, ''), p_outcome), p_peer, p_verdict, p_asked,
        p_answered);
    case p_outcome
        when 'sent' then
            update data.inbox as t set state = 'sent', owner = null, ended_at = clock_timestamp(), octets = null, answer = null,
                last_error = null
            where t.inbox_id = p_inbox_id and (t.state = 'sending' or t.state = 'answered')
                and (t.refused_ids is null or t.attempts = p_attempt); -- who sent the one that SMEV refused is late
            is_ours := found;
        when 'again' then
            is_ours := api.inbox_again(p_inbox_id, p_attempt, p_reason, p_again_in);
        when 'park' then
            is_ours := api.inbox_park(p_inbox_id, p_attempt, p_reason);
        else
            raise exception 'no outcome %', p_outcome using errcode = 'invalid_parameter_value';
    end case;
    return is_ours;
end $$;
grant execute on function api.inbox_sent(bigint, integer, text, text, interval, text, text, bytea, bytea) to zapisd_daemon;
comment on function api.inbox_sent(bigint, integer, text, text, interval, text, text, bytea, bytea) is
    'Journals a SendResponse and what SMEV said to it. sent: it has the answer, whoever sent it; again: after that while; park: '
        'somebody must look. false: the message was no longer this attempt''s; null: somebody holds it, '
        'and nothing was noted';
