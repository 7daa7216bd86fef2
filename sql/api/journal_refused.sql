-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- A message nobody vouches for, or a count of those that found no room (J4).

create or replace function api.journal_refused(listener text, peer text, request_id text, reason text, messages bigint,
    size bigint, digest bytea, head bytea, answer bytea) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into data.journal_refused (refused_id, at, listener, peer, request_id, reason, messages, size, digest, head, answer)
    values (nextval('data.refused_id'), clock_timestamp(), journal_refused.listener, journal_refused.peer,
        journal_refused.request_id, journal_refused.reason, journal_refused.messages, journal_refused.size,
        nullif(journal_refused.digest, ''), journal_refused.head, journal_refused.answer);
end $$;
grant execute on function api.journal_refused(text, text, text, text, bigint, bigint, bytea, bytea, bytea) to zapisd_daemon;
comment on function api.journal_refused(text, text, text, text, bigint, bigint, bytea, bytea, bytea) is
    'Journals a message that was not understood or not verified, apart from the journal of messages (J4)';
