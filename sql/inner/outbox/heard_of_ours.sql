-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What the queue of answers gives about an answer of ours to a request (Q3, Q5): SMEV's later word about what it has taken.

-- p_outcome as of api.outbox_answer; p_is_smevs: SMEV's own word, not an answer to anything.
create or replace function data.outbox_heard_of_ours(p_agency text, p_original_id text, p_outcome text, p_reason text,
    p_is_smevs boolean, p_operation text, p_source text, p_answer_id text, p_peer text, p_sender text, p_verdict text,
    p_asked bytea, p_answer bytea) returns text
language plpgsql as $$
declare
    i data.inbox;
    told text := 'late';
    exchange bigint;
begin
    select t.* into i from data.inbox as t where t.inbox_id = data.inbox_answered_by(p_agency, p_original_id)
    for no key update nowait;
    if not found then
        return null;
    end if;
    if p_is_smevs and p_outcome = 'in_work' then
        told := 'noted';
    elsif p_is_smevs and p_outcome = 'stopped' and i.answer_id = p_original_id
        and not data.inbox_is_spent(i.answer_id, i.refused_ids) and i.state in ('sent', 'answered', 'sending', 'parked') then
        told := 'parked';
        perform data.inbox_refuse_answer(i, data.outbox_words(p_reason));
    end if;
    exchange := data.outbox_heard(p_agency, p_original_id, told, p_source, p_operation, p_answer_id, p_peer, p_sender, p_verdict,
        p_asked, p_answer);
    insert into data.inbox_call (inbox_id, journal_id, at, operation, outcome)
    select i.inbox_id, exchange, j.at, 'GetResponse',
        case when told = 'late' then told else left(coalesce(data.outbox_words(p_reason), told), 500) end
    from data.journal as j where j.journal_id = exchange and j.direction = 'in';
    return told;
end $$;
comment on function data.outbox_heard_of_ours(text, text, text, text, boolean, text, text, text, text, text, text, bytea,
    bytea) is
    'Writes down what came to an answer of ours. parked: SMEV refuses it, a person is to look; noted: SMEV says how it is; late: '
        'it has no effect, being told already or over; null: no such answer';
