-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What became of an attempt (M8). A row that somebody has held since by hand, its lease being over, still hears of it. Rows are
-- found by their index whatever the statistics say: plans are kept, and a table that was empty is full after a closure.

drop function if exists api.outbox_result(bigint, integer, text, text, bytea, interval); -- it knew no signatures
create or replace function api.outbox_result(outbox_id bigint, attempt integer, outcome text, reason text, answer bytea,
    again_in interval, verdict text default null, peer text default null, source text default null) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
declare
    x data.outbox;
    exchange bigint;
begin
    if outcome is null or outcome not in ('answered', 'queued', 'again', 'unsent', 'afresh', 'stopped') then
        raise exception 'outbox_result: no outcome %', coalesce(outcome, 'null') using errcode = 'invalid_parameter_value';
    end if;
    if not data.outbox_is_free(outbox_result.outbox_id) then
        return null; -- said again while the lease lasts; then the same octets are sent again
    end if;
    select * into x from data.outbox as t
    where t.outbox_id = outbox_result.outbox_id and t.attempts = outbox_result.attempt and t.state in ('sending', 'held')
    for no key update;
    if not found then
        return false;
    end if;
    exchange := data.outbox_journal(x, outcome, answer, verdict, peer, source);
    perform data.outbox_settle(x, outcome, reason, case when exchange is null then answer end, again_in, exchange);
    return true;
end $$;
grant execute on function api.outbox_result(bigint, integer, text, text, bytea, interval, text, text, text) to zapisd_daemon;
comment on function api.outbox_result(bigint, integer, text, text, bytea, interval, text, text, text) is
    'Ends an attempt: answered; queued (SMEV took it; again_in: how long the portal''s answer is awaited, one day by default); '
    'again (after again_in, by default a pause that grows); unsent (the same, and no octet of it has left); afresh (again, as a '
    'new message: SMEV takes the old id no more); '
    'stopped (the portal refuses it, reason says why). answer: the octets that '
    'came back, journalled with ours; null: none came; verdict: what was found of the signature on them, peer: where they came '
    'from, source: section [smev3 …] by which. False: the row is no longer this attempt''s; null: somebody holds it';
