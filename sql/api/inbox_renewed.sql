-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- An answer that is signed anew, with the key of now, or under another id when SMEV takes the old one no more: the content stays
-- (Q3, C5). What was kept before may have left and taken effect: it is journalled.

create or replace function api.inbox_renewed(p_inbox_id bigint, p_attempt integer, p_answer_id text, p_answer bytea) returns
    boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    i data.inbox;
begin
    if not data.inbox_is_free(p_inbox_id) then
        return null;
    end if;
    select t.* into i from data.inbox as t where t.inbox_id = p_inbox_id and t.attempts = p_attempt and t.state = 'sending'
    for no key update;
    if not found then
        return false;
    end if;
    perform data.inbox_called(i, 'SendResponse', 'renewed', null, null, i.answer, null);
    update data.inbox as t set answer_id = p_answer_id, answer = p_answer, afresh = false,
        answered_at = case when t.answer_id = p_answer_id then t.answered_at else clock_timestamp() end
    where t.inbox_id = p_inbox_id;
    return true;
end $$;
grant execute on function api.inbox_renewed(bigint, integer, text, bytea) to zapisd_daemon;
comment on function api.inbox_renewed(bigint, integer, text, bytea) is
    'Keeps the answer as it was signed anew, under its id or another, before its first octet leaves, and journals the one '
        'before; false: it is no longer this attempt''s, and is not to be sent; null: somebody holds it';
