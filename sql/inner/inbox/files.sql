-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Files of a message, as its headers name them, and what was asked for of them (Q6, J1).

create or replace function data.inbox_files_came(p_inbox_id bigint, p_files jsonb) returns void
language sql as $$
    insert into data.inbox_file (inbox_id, number, place, file_id, file_name, mime_type, hash, is_signed, content, size)
    select p_inbox_id, f.number, f.one ->> 'place', left(f.one ->> 'id', 500), left(f.one ->> 'name', 500),
        left(f.one ->> 'type', 500), left(f.one ->> 'hash', 500), (f.one ->> 'signed')::boolean, f.one ->> 'content',
        (f.one ->> 'size')::bigint
    from jsonb_array_elements(p_files) with ordinality as f (one, number)
$$;
comment on function data.inbox_files_came(bigint, jsonb) is
    'Notes the files of a new message: [{"place": "message" or "store", "id", "name", "type", "hash", "signed", "content", '
        '"size"}]; name, type, hash may be missing, content and size too';

create or replace function data.inbox_files_called(p_inbox data.inbox, p_calls jsonb) returns void
language sql as $$
    with called as (
        select nextval('data.journal_id') as id, clock_timestamp() as clock, c.number, c.one ->> 'url' as url,
            c.one ->> 'outcome' as outcome, c.one ->> 'verdict' as verdict, decode(c.one ->> 'content', 'hex') as digest,
            c.one ->> 'size' as size
        from jsonb_array_elements(p_calls) with ordinality as c (one, number)
    ), pairs as (
        insert into data.journal (journal_id, at, direction, listener, channel, peer, sender_code, recipient_code, message_id,
            method, verdict, digest, received_at, is_test, status, body)
        select c.id, c.clock, 'out', p_inbox.source, 'smev3', null, null, p_inbox.agency_code, p_inbox.message_id, 'GetFile',
            null, null, null, null::boolean, null, convert_to(c.url, 'UTF8')
        from called as c
        union all
        select c.id, c.clock, 'in', p_inbox.source, 'smev3', substring(c.url from '^[a-z]+://[^/]*'), p_inbox.sender_code,
            p_inbox.agency_code, p_inbox.message_id, 'GetFile', c.verdict, c.digest, c.clock, p_inbox.is_test, c.outcome,
            convert_to(format('%s octets, SHA-256 %s', c.size, encode(c.digest, 'hex')), 'UTF8')
        from called as c where c.size is not null
        union all
        select c.id, c.clock, 'in', p_inbox.source, 'smev3', substring(c.url from '^[a-z]+://[^/]*'), p_inbox.sender_code,
            p_inbox.agency_code, p_inbox.message_id, 'GetFile', c.verdict, null, c.clock, p_inbox.is_test, c.outcome, null
        from called as c where c.size is null
    )
    insert into data.inbox_call (inbox_id, journal_id, at, operation, outcome)
    select p_inbox.inbox_id, c.id, c.clock, 'GetFile', c.outcome from called as c order by c.number
$$;
comment on function data.inbox_files_called(data.inbox, jsonb) is
    'Journals how files of a message were asked for, a pair each: [{"url": without user and password, "outcome": a word, '
        '"verdict": of its Hash, "content": SHA-256 in hex, "size": octets}]; the last three may be missing, size and content '
        'together. The octets are where files are kept';
