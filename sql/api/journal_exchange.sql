-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- A whole exchange that changed nothing: reads, faults, refusals before the database was asked. Called before the answer leaves,
-- several in one transaction when several wait.

create or replace function api.journal_exchange(m api.message, status text, answer bytea) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    id bigint := nextval('data.journal_id');
    clock timestamptz := clock_timestamp();
begin
    insert into data.journal (journal_id, at, direction, listener, channel, peer, sender_code, recipient_code, message_id,
        method, verdict, portal_time, case_number, digest, received_at, is_test, status, body)
    values (id, clock, 'in', m.listener, m.channel, m.peer, m.sender_code, m.recipient_code, m.message_id,
            m.method, m.verdict, m.portal_time, m.case_number, m.digest, m.received_at, m.test, null, m.body),
        (id, clock, 'out', null, null, null, null, null, null, null, null, null, null, null, null, null,
            journal_exchange.status, journal_exchange.answer);
end $$;
grant execute on function api.journal_exchange(api.message, text, bytea) to zapisd_daemon;
comment on function api.journal_exchange(api.message, text, bytea) is
    'Journals a request and its answer that changed nothing (J1)';
