-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- The answer of a write, journalled in the write's own transaction: who repeats the message gets these very octets (B6).

create or replace function api.journal_reply(journal_id bigint, journal_at timestamptz, status text, answer bytea) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into data.journal (journal_id, at, direction, status, body)
    values (journal_reply.journal_id, journal_reply.journal_at, 'out', journal_reply.status, journal_reply.answer);
end $$;
grant execute on function api.journal_reply(bigint, timestamptz, text, bytea) to zapisd_daemon;
comment on function api.journal_reply(bigint, timestamptz, text, bytea) is
    'Journals the answer of a write (J1); the row "answer" told journal_id and journal_at';
