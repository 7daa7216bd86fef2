-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- The door of every writing method (B6, C7, J1): a message is remembered and journalled, or known already.
-- A signed message is known by the octets its sender signed, whatever was cut off, added or reordered around them; the id
-- that SMEV gave it is remembered beside, so that the same id with another content is refused by name. A duplicate in
-- flight waits on the unique index until the first one's transaction ends, then gets the first answer.
-- A message of a queue (by_id) has one name, the id SMEV gave it and has signed: two of equal content are two (Q1).

-- A second name of a message that is known leads to the same answer.
create or replace function data.admit_message(m api.message) returns api.answer
language plpgsql as $$
declare
    r api.answer;
    sender constant text := coalesce(m.sender_code, '');
    body_id constant text := case when m.sender_code <> '' and m.by_id is not true then 'body:' || encode(m.digest, 'hex') end;
    known_as text;
    seen data.message_seen;
begin
    r.journal_at := clock_timestamp();
    r.journal_id := nextval('data.journal_id');
    insert into data.message_seen (sender_code, message_id, digest, journal_id, journal_at)
    values (sender, m.message_id, m.digest, r.journal_id, r.journal_at)
    on conflict do nothing;
    if not found then
        known_as := m.message_id;
    elsif body_id <> m.message_id then
        insert into data.message_seen (sender_code, message_id, digest, journal_id, journal_at)
        values (sender, body_id, m.digest, r.journal_id, r.journal_at)
        on conflict do nothing;
        if not found then
            known_as := body_id;
        end if;
    end if;
    if known_as is not null then
        select * into strict seen from data.message_seen as s where s.sender_code = sender and s.message_id = known_as;
        if known_as <> m.message_id then
            update data.message_seen as s set journal_id = seen.journal_id, journal_at = seen.journal_at
            where s.sender_code = sender and s.message_id = m.message_id;
        end if;
        r.journal_id := null;
        r.journal_at := null;
        if seen.digest is distinct from m.digest then
            r.kind := 'reused';
            return r;
        end if;
        r.kind := 'stored';
        select j.body into r.stored from data.journal as j
        where j.journal_id = seen.journal_id and j.at = seen.journal_at and j.direction = 'out';
        return r;
    end if;
    insert into data.journal (journal_id, at, direction, listener, channel, peer, sender_code, recipient_code, message_id,
        method, verdict, portal_time, case_number, digest, received_at, is_test, body)
    values (r.journal_id, r.journal_at, 'in', m.listener, m.channel, m.peer, m.sender_code, m.recipient_code, m.message_id,
        m.method, m.verdict, m.portal_time, m.case_number, m.digest, m.received_at, m.test, m.body);
    r.kind := 'answer';
    return r;
end $$;
comment on function data.admit_message(api.message) is
    'Remembers and journals a message; kind answer (new), stored (seen, with the first answer) or reused (same id, other '
        'content)';

-- Before a message was looked up where it is admitted.
drop function if exists data.remember_message(text, text, api.message, api.answer);
