-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- A question to a queue of SMEV 3 that left us and whose answer was lost (J1): our half, and what became of the other. What SMEV
-- gave with the answer it gives again.

create or replace function api.journal_unheard(p_source text, p_agency text, p_operation text, p_outcome text, p_peer text,
    p_asked bytea) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    id constant bigint := nextval('data.journal_id');
    clock constant timestamptz := clock_timestamp();
begin
    insert into data.journal (journal_id, at, direction, listener, channel, peer, sender_code, recipient_code, method,
        received_at, status, body)
    values (id, clock, 'out', p_source, 'smev3', null, p_agency, null, p_operation, null, null, p_asked),
        (id, clock, 'in', p_source, 'smev3', p_peer, null, p_agency, p_operation, clock, p_outcome, null);
end $$;
grant execute on function api.journal_unheard(text, text, text, text, text, bytea) to zapisd_daemon;
comment on function api.journal_unheard(text, text, text, text, text, bytea) is
    'Journals a question to a queue of SMEV 3 whose answer was lost; p_outcome: by what';
