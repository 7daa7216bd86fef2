-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- A message out of SMEV 3's queue, with the call it came by: one transaction, before it is acknowledged (Q1, Q3, J1). Who
-- stores it may take it in the same breath (decision 0336): a lease as api.inbox_take() gives it.

drop function if exists api.inbox_store(text, text, text, text, text, text, text, text, text, timestamptz, boolean, bytea, bytea,
    text, text, bytea, bytea, text, text);
drop function if exists api.inbox_store(text, text, text, text, text, text, text, text, text, timestamptz, boolean, bytea, bytea,
    text, text, bytea, bytea, text, text, text, jsonb);
drop function if exists api.inbox_store(text, text, text, text, text, text, text, text, text, timestamptz, boolean, bytea, bytea,
    text, text, bytea, bytea, text, text, text, jsonb, text, interval);
create or replace function api.inbox_store(p_source text, p_agency text, p_sender text, p_message_id text, p_kind text,
    p_version text, p_reply_to text, p_transaction_code text, p_node text, p_eol timestamptz, p_is_test boolean, p_octets bytea,
    p_digest bytea, p_peer text, p_verdict text, p_asked bytea, p_answered bytea, p_closed text default null,
    p_refusal text default null, p_parked text default null, p_files jsonb default '[]', p_owner text default null,
    p_lease interval default null, p_ack_id text default null, p_calls jsonb default '[]')
returns table (outcome text, inbox_id bigint)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    i data.inbox;
    clock constant timestamptz := clock_timestamp();
    is_taken constant boolean := p_closed is null and p_parked is null and p_owner is not null;
    is_changed boolean;
begin
    -- Asked first: an insert waits for whoever changes the row that it meets, at a console perhaps.
    select t.* into i from data.inbox as t
    where t.agency_code = p_agency and t.sender_code = p_sender and t.message_id = p_message_id;
    if i.inbox_id is null then
        if not data.inbox_unread_is_free(p_agency, p_message_id) then
            return next;
            return;
        end if;
        insert into data.inbox as t (source, agency_code, sender_code, message_id, kind, version, reply_to, transaction_code,
            node, eol, is_test, octets, digest, refusal, verdict, ack_at, state, status, ended_at, reason, owner, attempts,
            due_at, ack_id)
        values (p_source, p_agency, p_sender, p_message_id, p_kind, p_version, p_reply_to, p_transaction_code,
            nullif(p_node, ''), p_eol, p_is_test, case when p_closed is null then p_octets end, p_digest, p_refusal, p_verdict,
            clock + interval '30 seconds',
            case when p_closed is not null then 'closed' when p_parked is not null then 'parked' when is_taken then 'working'
                else 'stored' end, p_closed,
            case when p_closed is not null then clock end, left(p_parked, 500), case when is_taken then p_owner end,
            is_taken::integer, case when is_taken then clock + p_lease else clock end, nullif(p_ack_id, p_message_id))
        on conflict on constraint inbox_message_key do nothing
        returning t.* into i;
        if i.inbox_id is not null then
            outcome := 'new';
            perform data.inbox_files_came(i.inbox_id, p_files);
            delete from data.inbox_unread as u where u.agency_code = p_agency and u.message_id = p_message_id;
        else
            select t.* into strict i from data.inbox as t
            where t.agency_code = p_agency and t.sender_code = p_sender and t.message_id = p_message_id;
        end if;
    end if;
    if outcome is null then
        outcome := case when i.digest = p_digest then 'known' else 'other' end;
        is_changed := outcome = 'other' or i.acked_at is null and i.ack_id is distinct from nullif(p_ack_id, p_message_id);
        if is_changed and not data.inbox_is_free(i.inbox_id)
            or not is_changed and not data.inbox_may_be_called(i.inbox_id) then
            outcome := null;
            return next;
            return;
        end if;
    end if;
    if outcome = 'other' then
        update data.inbox as t set others = t.others + 1, other_at = clock_timestamp() where t.inbox_id = i.inbox_id;
    elsif is_changed then
        update data.inbox as t set ack_id = nullif(p_ack_id, p_message_id) where t.inbox_id = i.inbox_id;
    end if;
    perform data.inbox_called(i, 'GetRequest', outcome, p_peer, p_verdict, p_asked, p_answered);
    if p_calls <> '[]' then
        perform data.inbox_files_called(i, p_calls);
    end if;
    inbox_id := i.inbox_id;
    return next;
end $$;
grant execute on function api.inbox_store(text, text, text, text, text, text, text, text, text, timestamptz, boolean, bytea,
    bytea, text, text, bytea, bytea, text, text, text, jsonb, text, interval, text, jsonb) to zapisd_daemon;
comment on function api.inbox_store(text, text, text, text, text, text, text, text, text, timestamptz, boolean, bytea, bytea,
    text, text, bytea, bytea, text, text, text, jsonb, text, interval, text, jsonb) is
    'Stores a message and journals the call it came by. new: to be acknowledged and worked on; known: delivered again, or other: '
        'the same id with another content, to be acknowledged only; null: somebody holds it, and nothing was '
        'noted. p_closed: nothing is to be done with it, and why; '
        'p_refusal: it is to be answered with a refusal of this name; p_parked: it waits for a person, who is told so, without '
        'values; p_files: of a new one, its files (data.inbox_files_came); p_owner: of a new one that is to be worked on, he has '
        'taken it as attempt 1, until p_lease is over; p_ack_id: what its Ack names, if not p_message_id; p_calls: how its files '
        'were asked for (data.inbox_files_called)';
