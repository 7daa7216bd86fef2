-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What SMEV gave when it was asked for the portal's answers (M8, Q5), whenever it comes: before we have told that the message
-- was queued, after the deadline, more than once, to nothing that we know. Written down in any case, with the call it came by,
-- before it is acknowledged.

drop function if exists api.outbox_answer(text, text, text, text, bytea);
drop function if exists api.outbox_answer(text, text, text, text, text, interval, text, text, text, text, bytea, bytea);
drop function if exists api.outbox_answer(text, text, text, text, text, interval, text, text, text, text, bytea, bytea, text,
    text); -- it knew not whose word it was
create or replace function api.outbox_answer(agency text, message_id text, outcome text, reason text, book_id text,
    again_in interval, source text, operation text, answer_id text, peer text, asked bytea, answer bytea,
    sender text default null, verdict text default null, is_smevs boolean default false) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
declare
    x data.outbox;
    told text := outcome;
    exchange bigint;
    is_listed boolean;
begin
    if outcome is null or outcome not in ('answered', 'stopped', 'afresh', 'in_work', 'unclear') then
        raise exception 'outbox_answer: no outcome %', coalesce(outcome, 'null') using errcode = 'invalid_parameter_value';
    end if;
    if message_id is not null then
        select * into x from data.outbox as t
        where t.agency_code = outbox_answer.agency and t.message_id = outbox_answer.message_id
        for no key update nowait;
    else
        x := data.outbox_meant(agency, book_id, answer_id);
    end if;
    if x.outbox_id is null then
        told := data.outbox_heard_of_ours(outbox_answer.agency, outbox_answer.message_id, outcome, outbox_answer.reason, is_smevs,
            operation, source, answer_id, peer, sender, verdict, asked, outbox_answer.answer);
        if told is not null then
            return told;
        end if;
        told := 'unknown';
        select * into x from data.outbox as t
        where t.former_ids is not null and t.former_ids @> array[outbox_answer.message_id]
            and t.agency_code = outbox_answer.agency
        limit 1 for no key update nowait;
        if found then
            told := 'late'; -- to a message that was made anew since
        elsif data.inbox_is_taken(outbox_answer.agency, outbox_answer.answer_id) then
            told := 'late';
        elsif operation = 'GetResponse' then
            -- It may be another program's: whole it is kept once, while its id is in the list.
            is_listed := data.inbox_unread_is_listed(outbox_answer.agency, outbox_answer.answer_id);
            perform api.inbox_unread(source, outbox_answer.agency, outbox_answer.answer_id, 'FOREIGN', operation,
                outbox_answer.message_id);
            if is_listed or not data.inbox_unread_is_listed(outbox_answer.agency, outbox_answer.answer_id) then
                return told;
            end if;
        end if;
    elsif message_id is null and x.answer_id = answer_id then
        told := 'late';
    elsif nullif(outbox_answer.book_id, '') is not null and lower(outbox_answer.book_id) <> lower(x.payload ->> 'bookId') then
        told := 'other';
    elsif data.outbox_is_over(x.state) or x.state = 'stopped' and outcome not in ('answered', 'unclear') then
        told := 'late';
    end if;
    exchange := data.outbox_heard(outbox_answer.agency, coalesce(outbox_answer.message_id, x.message_id), told,
        outbox_answer.source, outbox_answer.operation, outbox_answer.answer_id, outbox_answer.peer, outbox_answer.sender,
        outbox_answer.verdict, outbox_answer.asked, outbox_answer.answer);
    if x.outbox_id is not null and told <> 'unknown' and operation = 'GetResponse' then
        update data.outbox as t set answer_id = outbox_answer.answer_id where t.outbox_id = x.outbox_id;
    end if;
    perform from data.inbox_unread as u where told <> 'unknown' and u.agency_code = outbox_answer.agency
        and u.message_id = outbox_answer.answer_id for no key update nowait;
    delete from data.inbox_unread as u where told <> 'unknown' and u.agency_code = outbox_answer.agency
        and u.message_id = outbox_answer.answer_id;
    if told = outcome and outcome <> 'unclear' then
        perform data.outbox_settle(x, outcome, outbox_answer.reason, outbox_answer.answer, outbox_answer.again_in, exchange);
    elsif told = 'other' and not data.outbox_is_over(x.state) then
        perform data.outbox_came_other(x, outbox_answer.answer_id, exchange);
    end if;
    return told;
end $$;
grant execute on function api.outbox_answer(text, text, text, text, text, interval, text, text, text, text, bytea, bytea, text,
    text, boolean) to zapisd_daemon;
comment on function api.outbox_answer(text, text, text, text, text, interval, text, text, text, text, bytea, bytea, text,
    text, boolean) is
    'Writes down an answer to a message of an agency and journals the call it came by, with its sender and what was found of '
    'its signatures. outcome: answered, stopped with the '
    'reason, afresh (the portal failed: it is told again as a new message), in_work (its deadline goes on), unclear (journalled '
    'only). message_id null: the answer does not say what it is to; then book_id does. '
    'Returns the outcome, or why it had no effect: unknown (no such message), other (it tells another booking: its row says '
    'so), late (it is over, or stopped already, or this answer was had, or it was told anew since). '
    'is_smevs: it is SMEV''s own word, not the portal''s. About an answer of ours to a request: parked (SMEV refuses what it '
    'had taken), noted, late. What is unknown and came by GetResponse is another program''s, perhaps: it is not to be '
    'acknowledged; it is journalled once, and stands in admin.inbox_unread. '
    'It waits for nobody: a row that somebody holds makes it fail (lock_not_available), and it is to be told again';
