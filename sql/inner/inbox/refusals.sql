-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What SMEV says of an answer of ours after it has taken it (Q3, Q5): a refusal makes it somebody's matter again, once however
-- often it is told.

create or replace function data.inbox_answered_by(p_agency text, p_answer_id text) returns bigint
language plpgsql stable set enable_seqscan = off as $$
begin
    return coalesce(
        (select min(i.inbox_id) from data.inbox as i where i.agency_code = p_agency and i.answer_id = p_answer_id),
        (select min(i.inbox_id) from data.inbox as i
            where i.refused_ids is not null and i.refused_ids @> array[p_answer_id] and i.agency_code = p_agency));
end $$;
comment on function data.inbox_answered_by(text, text) is
    'The message that an answer of ours with this MessageID was to, be it refused since; null: there is none';

-- The last that went: what was renewed before it had left or not is another message, RequestStatus none that answers.
create or replace function data.inbox_answer_sent(i data.inbox) returns bytea
language sql stable
return (select j.body from data.inbox_call as c
    join data.journal as j on j.journal_id = c.journal_id and j.at = c.at and j.direction = 'out'
    where c.inbox_id = i.inbox_id and c.operation = 'SendResponse' and c.outcome <> 'renewed'
        and position(convert_to(i.answer_id, 'UTF8') in j.body) > 0
    order by c.at desc, c.journal_id desc limit 1);
comment on function data.inbox_answer_sent(data.inbox) is
    'Our answer as it was last sent under its present id, out of the journal; null: it is there no more';

create or replace function data.inbox_is_spent(p_answer_id text, p_refused_ids text[]) returns boolean
language sql immutable parallel safe
return coalesce(p_answer_id = any (p_refused_ids), false);
comment on function data.inbox_is_spent(text, text[]) is
    'Whether SMEV has refused the answer that is kept: under its id it would say that it has had it';

create or replace function data.inbox_refuse_answer(i data.inbox, p_reason text) returns void
language plpgsql as $$
begin
    update data.inbox as t set state = 'parked', reason = left(coalesce(p_reason, 'СМЭВ отказала'), 500),
        answer = coalesce(t.answer, data.inbox_answer_sent(i)), owner = null, ended_at = null, attempts = t.attempts + 1,
        refused_ids = coalesce(t.refused_ids, '{}') || t.answer_id
    where t.inbox_id = i.inbox_id;
end $$;
comment on function data.inbox_refuse_answer(data.inbox, text) is
    'Parks a message whose answer SMEV has refused after it had taken it, with SMEV''s words; who was at it is so no more';

create or replace function data.inbox_unread_is_listed(p_agency text, p_message_id text) returns boolean
language plpgsql stable as $$
begin
    return exists (select from data.inbox_unread as u where u.agency_code = p_agency and u.message_id = p_message_id
        and u.operation = 'GetResponse');
end $$;
comment on function data.inbox_unread_is_listed(text, text) is
    'Whether an answer is by its id in the list of what stands in the queue and is not taken';

create or replace function data.inbox_answer_is_gone(i data.inbox) returns void
language plpgsql as $$
begin
    raise exception 'Ответа, который СМЭВ отвергла, в журнале обменов больше нет: передать нечего'
        using errcode = 'object_not_in_prerequisite_state',
            hint = format('Закончить с ним: select admin.inbox_give_up(%s, ''почему'')', i.inbox_id);
end $$;
comment on function data.inbox_answer_is_gone(data.inbox) is 'Says that an answer cannot be sent again, its octets being lost';
