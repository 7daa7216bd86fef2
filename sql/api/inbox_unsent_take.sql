-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Who sends an answer next. Two who send one are harmless: it has one id (Q3).

drop function if exists api.inbox_unsent_take(text[], integer, text, interval); -- it knew no agency
drop function if exists api.inbox_unsent_take(text, text, text, integer, text, interval); -- it told an id's age
create or replace function api.inbox_unsent_take(p_source text, p_agency text, p_version text, p_wanted integer, p_owner text,
    p_lease interval)
returns table (inbox_id bigint, attempt integer, message_id text, answer_id text, answer bytea, sending integer, afresh boolean,
    is_spent boolean)
language sql security definer set search_path = pg_catalog, pg_temp as $$
    select t.inbox_id, t.attempts, t.message_id, t.answer_id, t.answer, t.sendings, t.afresh,
        data.inbox_is_spent(t.answer_id, t.refused_ids)
    from data.inbox_lease(p_source, p_agency, p_version, true, p_wanted, p_owner, p_lease) as t
    order by t.answered_at, t.inbox_id
$$;
grant execute on function api.inbox_unsent_take(text, text, text, integer, text, interval) to zapisd_daemon;
comment on function api.inbox_unsent_take(text, text, text, integer, text, interval) is
    'Answers of a source that are due, if they are of its agency and version; attempt is told back; sending: the how manieth of '
        'that kind; afresh: it is to be signed anew; is_spent: under '
        'another id, SMEV has refused this one';
