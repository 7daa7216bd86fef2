-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- A message of a queue that changed nothing, and its answer: reads, and what was refused before the database was asked. Who comes
-- again gets the first answer, as after a write (Q1); committed in one with the note that the message is answered.

create or replace function api.journal_answer(m api.message, status text, answer bytea) returns setof api.answer
language plpgsql security definer set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan as $$
declare
    door constant api.answer := data.admit_message(m);
begin
    if door.kind = 'answer' then
        insert into data.journal (journal_id, at, direction, status, body)
        values (door.journal_id, door.journal_at, 'out', journal_answer.status, journal_answer.answer);
    end if;
    return next door;
end $$;
grant execute on function api.journal_answer(api.message, text, bytea) to zapisd_daemon;
comment on function api.journal_answer(api.message, text, bytea) is
    'Remembers and journals a message and its answer: a row "answer" (new), "stored" (seen, with the first answer) or "reused" '
        '(J1, B6)';
