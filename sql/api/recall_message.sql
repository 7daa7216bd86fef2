-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- The answer a signed message had before, by the octets its sender signed (B6). Changes and remembers nothing: for an agency that
-- cannot sign at present, whose answers of before are as good as they were.

create or replace function api.recall_message(sender_code text, digest bytea) returns setof api.answer
language plpgsql stable security definer set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan as $$
declare
    r api.answer;
begin
    select 'stored', j.body into r.kind, r.stored
    from data.message_seen as s
    join data.journal as j on j.journal_id = s.journal_id and j.at = s.journal_at and j.direction = 'out'
    where s.sender_code = recall_message.sender_code and s.message_id = 'body:' || encode(recall_message.digest, 'hex')
        and recall_message.sender_code <> '';
    if r.stored is not null then
        return next r;
    end if;
end $$;
grant execute on function api.recall_message(text, bytea) to zapisd_daemon;
comment on function api.recall_message(text, bytea) is
    'The signed answer a message had before, kind stored; no row when it had none (B6)';
