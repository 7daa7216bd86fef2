-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What becomes of a row of the outbox, and of the next of its booking (M8). Who calls these has the row locked. Nobody here waits
-- for a lock that somebody at a console may have for long: what is locked is passed over, and looked at again.

create or replace function data.outbox_is_over(p_state text) returns boolean
language sql immutable parallel safe return p_state in ('answered', 'dropped');
comment on function data.outbox_is_over(text) is 'Whether the next of the booking may go';

create or replace function data.outbox_flies(x data.outbox) returns boolean
language sql stable
return coalesce(x.state = 'sending' and x.lease_until > clock_timestamp()
    or x.state = 'sent' and x.deadline > clock_timestamp(), false);
comment on function data.outbox_flies(data.outbox) is
    'Whether a daemon is at it, or SMEV has it and the portal''s answer may still come: until lease_until or deadline';

create or replace function data.outbox_note(x data.outbox, p_event text, p_reason text default null, p_user name default null,
    p_journal_id bigint default null) returns void
language plpgsql as $$
begin
    insert into data.outbox_event (outbox_id, book_key, at, event, attempt, db_user, reason, journal_id, message_id)
    values (x.outbox_id, x.book_key, clock_timestamp(), p_event, x.attempts, p_user, p_reason, p_journal_id,
        case when p_event in ('unread', 'other') then x.message_id end);
end $$;
comment on function data.outbox_note(data.outbox, text, text, name, bigint) is 'Writes down what became of a row';

-- The rows of a booking are few and have an index; asked for the first of them by number, the planner may go through all
-- there are. A plan of it is kept by the session (a function of SQL would be planned at each call).
create or replace function data.outbox_front(p_book_key text, p_before bigint default 9223372036854775807) returns bigint
language plpgsql stable as $$
declare
    id bigint;
begin
    select min(o.outbox_id) into id from (
        select x.outbox_id from data.outbox as x
        where x.book_key = p_book_key and x.outbox_id < p_before and x.state not in ('answered', 'dropped') offset 0) as o;
    return id;
end $$;
comment on function data.outbox_front(text, bigint) is
    'The first row of a booking, of those before a number, that has not ended; null: there is none';

-- Rows are looked for by their number alone and judged then: asked for those that wait, the planner may go through all that do.
create or replace function data.outbox_lock_free(p_outbox_id bigint) returns data.outbox
language plpgsql as $$
declare
    x data.outbox;
begin
    select t.* into x from data.outbox as t where t.outbox_id = p_outbox_id for no key update skip locked;
    return x;
end $$;
comment on function data.outbox_lock_free(bigint) is 'Locks a row; null when somebody has it';

create or replace function data.outbox_is_free(p_outbox_id bigint) returns boolean
language plpgsql as $$
begin
    perform from data.outbox as t where t.outbox_id = p_outbox_id for no key update skip locked;
    return found or not exists (select from data.outbox as t where t.outbox_id = p_outbox_id);
end $$;
comment on function data.outbox_is_free(bigint) is
    'Locks a row of the outbox, to be changed; false: somebody holds it. One that is not there is nobody''s';

-- A row that is locked stays aside: data.outbox_stray() finds it later.
create or replace function data.outbox_next(p_book_key text) returns void
language plpgsql as $$
declare
    x constant data.outbox := data.outbox_lock_free(data.outbox_front(p_book_key));
begin
    if x.is_behind then
        update data.outbox as t set is_behind = false where t.outbox_id = x.outbox_id;
    end if;
end $$;
comment on function data.outbox_next(text) is 'Lets the first row of a booking that has not ended be taken';

-- p_state answered, dropped; p_user none: the portal's answer.
create or replace function data.outbox_end(x data.outbox, p_state text, p_reason text, p_user name) returns void
language plpgsql as $$
begin
    update data.outbox as t set state = p_state, done_at = clock_timestamp(), done_by = p_user, lease_owner = null,
        lease_until = null, deadline = null, is_behind = false, last_error = case p_state when 'answered' then null
            else t.last_error end,
        reason = coalesce(p_reason, t.reason), changed_at = clock_timestamp(), changed_by = p_user
    where t.outbox_id = x.outbox_id;
    perform data.outbox_next(x.book_key);
end $$;
comment on function data.outbox_end(data.outbox, text, text, name) is 'Ends a row, and lets the next of its booking go';

-- p_state waiting: again from p_at on; stopped, held: until somebody decides. The first of its booking, or soon found not to be.
create or replace function data.outbox_put(x data.outbox, p_state text, p_at timestamptz, p_error text, p_reason text,
    p_user name) returns void
language sql as $$
    -- Of what a person takes from a daemon that told no outcome nobody knows whether it has left.
    update data.outbox as t set state = p_state,
        is_unsure = t.is_unsure or p_user is not null and x.state = 'sending' and t.message_id is not null,
        next_attempt_at = coalesce(p_at, t.next_attempt_at), last_error = p_error,
        lease_owner = null, lease_until = null, deadline = null, is_behind = false, reason = p_reason,
        changed_at = case when p_state <> 'waiting' or p_user is not null then clock_timestamp() else t.changed_at end,
        changed_by = case when p_state <> 'waiting' or p_user is not null then p_user else t.changed_by end
    where t.outbox_id = x.outbox_id
$$;
comment on function data.outbox_put(data.outbox, text, timestamptz, text, text, name) is
    'A row that nobody is at any more and that has not ended';

-- The portal's words are read by people: one line, not endless.
create or replace function data.outbox_words(p_text text) returns text
language sql immutable parallel safe
return nullif(left(btrim(regexp_replace(p_text, E'[\\x01-\\x20\\x7f]+', ' ', 'g')), 1000), '');
comment on function data.outbox_words(text) is 'A reason as one line of at most 1,000 characters; null: none';

create or replace function data.outbox_pause(p_attempts integer) returns interval
language sql immutable parallel safe
return least(interval '5 minutes', interval '5 seconds' * power(2, least(greatest(p_attempts, 1), 20) - 1));
comment on function data.outbox_pause(integer) is
    'How long to wait after so many attempts when the daemon does not say: 5 seconds, doubling, 5 minutes at most';

-- An answer makes an exchange of its own with the octets it answers. Octets without an answer are journalled once: an uncertain
-- attempt sends the very same ones again.
drop function if exists data.outbox_journal(data.outbox, text, bytea); -- it knew no signatures
create or replace function data.outbox_journal(x data.outbox, p_outcome text, p_answer bytea, p_verdict text, p_peer text,
    p_source text) returns bigint
language plpgsql as $$
declare
    id bigint;
    method constant text := 'updateBookingDetails';
    clock constant timestamptz := clock_timestamp();
begin
    if x.octets is null or p_answer is null and x.journal_id is not null then
        return null;
    end if;
    id := nextval('data.journal_id');
    insert into data.journal (journal_id, at, direction, listener, channel, peer, sender_code, message_id, method, case_number,
        digest, status, body)
    values (id, clock, 'out', p_source, x.road, case when p_answer is null then p_peer end, x.agency_code, x.message_id, method,
        x.case_number, sha256(x.octets), case when p_answer is null then p_outcome end, x.octets);
    if p_answer is not null then
        insert into data.journal (journal_id, at, direction, listener, channel, peer, recipient_code, message_id, method, verdict,
            status, received_at, body)
        values (id, clock, 'in', p_source, x.road, p_peer, x.agency_code, x.message_id, method, p_verdict, p_outcome, clock,
            p_answer);
    end if;
    update data.outbox as t set journal_id = id, answer = coalesce(p_answer, t.answer) where t.outbox_id = x.outbox_id;
    return id;
end $$;
comment on function data.outbox_journal(data.outbox, text, bytea, text, text, text) is
    'Journals what was sent and what came back (J1), which the row keeps, from whom (p_peer), by which section of the '
        'configuration, and what was found of the signature on it; number of the exchange, null when nothing of it is new';

create or replace function data.outbox_forget(x data.outbox) returns void
language sql as $$
    update data.outbox as t set former_ids = case when t.message_id is null then t.former_ids
            else (coalesce(t.former_ids, '{}') || t.message_id)[greatest(cardinality(t.former_ids) - 18, 1):] end,
        message_id = null, octets = null, case_number = null, journal_id = null, is_unsure = false
    where t.outbox_id = x.outbox_id
$$;
comment on function data.outbox_forget(data.outbox) is 'The next attempt is a new message with the same content';

-- What an answer of the portal, or the want of one, makes of a row. again: the same message; unsent: the same, and it has not
-- left now; afresh: a new one, the old is over for the other side.
drop function if exists data.outbox_settle(data.outbox, text, text, bytea, interval);
create or replace function data.outbox_settle(x data.outbox, p_outcome text, p_reason text, p_answer bytea, p_in interval,
    p_exchange bigint) returns void
language plpgsql as $$
declare
    words constant text := data.outbox_words(p_reason);
    given_up data.inbox_unread;
begin
    if p_answer is not null then
        update data.outbox as t set answer = p_answer where t.outbox_id = x.outbox_id;
    end if;
    case p_outcome
        when 'answered' then
            perform data.outbox_end(x, 'answered', null, null);
        when 'queued' then
            update data.outbox as t set state = 'sent', deadline = clock_timestamp() + coalesce(p_in, interval '1 day'),
                lease_owner = null, lease_until = null, last_error = null, is_unsure = t.message_id is not null
            where t.outbox_id = x.outbox_id;
        when 'again', 'unsent', 'afresh' then
            if x.state = 'held' then
                update data.outbox as t set last_error = words where t.outbox_id = x.outbox_id;
            else
                perform data.outbox_put(x, 'waiting', clock_timestamp() + coalesce(p_in, data.outbox_pause(x.attempts)), words,
                    x.reason, null);
            end if;
            if p_outcome = 'afresh' then
                perform data.outbox_forget(x);
            elsif p_outcome = 'again' then
                update data.outbox as t set is_unsure = t.message_id is not null where t.outbox_id = x.outbox_id;
            end if;
        when 'stopped' then
            perform data.outbox_put(x, 'stopped', null, coalesce(words, 'портал отказал, не сказав почему'), x.reason, null);
        when 'in_work' then
            null; -- and the deadline goes on
    end case;
    -- The same trouble once more is no news.
    if p_outcome not in ('again', 'unsent') or p_exchange is not null or words is distinct from x.last_error then
        perform data.outbox_note(x, case when p_outcome in ('unsent', 'afresh') then 'again' else p_outcome end, words, null,
            p_exchange);
    end if;
    if p_outcome in ('queued', 'again', 'unsent') then
        given_up := data.outbox_given_up(x);
        if given_up.message_id is not null then
            select t.* into x from data.outbox as t where t.outbox_id = x.outbox_id;
            perform data.outbox_hold_given_up(x, given_up) where x.state <> 'held';
        end if;
    end if;
end $$;
comment on function data.outbox_settle(data.outbox, text, text, bytea, interval, bigint) is
    'Writes down the outcome of an attempt, or the portal''s answer: answered, queued, again, unsent, afresh, stopped, in_work; '
    'exchange: number in the journal, null: none. Held instead of sent, or of waiting with the same message, when the '
    'answer to it was given up';
