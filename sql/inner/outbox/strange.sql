-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Answers of the portal that are not as they should be (Q5, O3): that do not say what they are to, that tell another booking,
-- that nobody can read or believe. The row of the message says so as long as it is the same message.

-- Of a booking one row at most is out. An answer that was had is known by its own id, for its booking may have gone on since.
create or replace function data.outbox_meant(p_agency text, p_book_id text, p_answer_id text) returns data.outbox
language plpgsql set enable_seqscan = off as $$
declare
    x data.outbox;
begin
    select t.* into x from data.outbox as t where t.agency_code = p_agency and t.answer_id = p_answer_id
    order by t.outbox_id desc limit 1 for no key update nowait;
    if not found then
        select t.* into x from data.outbox as t
        where t.outbox_id = data.outbox_front(lower(p_book_id)) and t.agency_code = p_agency and t.road = 'smev3'
            and t.state = 'sent'
        for no key update nowait;
    end if;
    return x;
end $$;
comment on function data.outbox_meant(text, text, text) is
    'Locks, or fails when somebody holds it, the row that an answer is to which names a booking and no message of ours: '
        'that which had this very answer, or the one of the booking that is out over SMEV 3; null: there is none';

-- Once for a message of ours, however often it comes and by whatever ids: which there are is in data.inbox_unread, or the
-- journal.
create or replace function data.outbox_note_strange(x data.outbox, p_event text, p_reason text, p_journal_id bigint) returns void
language sql as $$
    select data.outbox_note(x, p_event, p_reason, null, p_journal_id)
    where not exists (select from data.outbox_event as e
        where e.outbox_id = x.outbox_id and e.event = p_event and e.message_id = x.message_id)
$$;
comment on function data.outbox_note_strange(data.outbox, text, text, bigint) is
    'Notes unread or other with a row, unless that was noted of the message it has';

create or replace function data.outbox_came_unread(p_agency text, p_message_id text, p_answer_id text, p_error text) returns void
language plpgsql set enable_seqscan = off as $$
begin
    perform from data.outbox as x where x.agency_code = p_agency and x.message_id = p_message_id for key share nowait;
    perform data.outbox_note_strange(x, 'unread', format('%s, MessageID %s, никем не подтверждён', left(p_error, 200),
        coalesce(p_answer_id, 'не найден')), null)
    from data.outbox as x
    where x.agency_code = p_agency and x.message_id = p_message_id and x.state not in ('stopped', 'answered', 'dropped');
end $$;
comment on function data.outbox_came_unread(text, text, text, text) is
    'Notes with the row of p_message_id that an answer to it came which cannot be read or believed';

-- Which other booking, the journal says: it may be another office's.
create or replace function data.outbox_came_other(x data.outbox, p_answer_id text, p_journal_id bigint) returns void
language sql
return data.outbox_note_strange(x, 'other', format('MessageID %s', coalesce(p_answer_id, 'не найден')), p_journal_id);
comment on function data.outbox_came_other(data.outbox, text, bigint) is
    'Notes with a row that an answer to its message came which tells another booking';

create or replace function data.outbox_strange(x data.outbox) returns text
language plpgsql stable as $$
begin
    return (select 'ответ портала пришёл, но '
            || case e.event when 'other' then 'о другой записи: ' else 'не читается или не проходит проверку: ' end
            || e.reason || coalesce('; обмен № ' || e.journal_id, '')
        from data.outbox_event as e
        where e.outbox_id = x.outbox_id and e.event in ('unread', 'other') and e.message_id = x.message_id
        order by e.event_id desc limit 1);
end $$;
comment on function data.outbox_strange(data.outbox) is
    'That an answer to the message of a row came which cannot be read or believed, or tells another booking, for people; null: '
        'none did';
