-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- The one way of every write: a message is admitted (B6), has its effect, and its answer is told the exchange it is to be
-- journalled under. Of a test message everything is taken back but the journal: its answer is made as usual.

create or replace function data.carry_out(m api.message, p_wish anyelement) returns api.answer[]
language plpgsql as $$
declare
    door constant api.answer := data.admit_message(m);
    rows api.answer[];
begin
    if door.kind <> 'answer' then
        return array[door];
    end if;
    if m.test then
        begin
            rows := data.effect(m, door.journal_id, p_wish);
            raise exception 'a test message has no effect' using errcode = 'ZB000';
        exception when sqlstate 'ZB000' then
            null;
        end;
    else
        rows := data.effect(m, door.journal_id, p_wish);
    end if;
    rows[1].journal_id := door.journal_id;
    rows[1].journal_at := door.journal_at;
    return rows;
end $$;
comment on function data.carry_out(api.message, anyelement) is
    'A message admitted and its wish (data.effect knows of each type what to do) carried out: the answer as rows';

create or replace function data.effect(m api.message, p_journal_id bigint, w data.book_wish) returns api.answer[]
language plpgsql as $$
declare
    wrong constant api.answer[] := data.book_bounds(w);
begin
    return case when wrong is null then data.book_answer(m, p_journal_id, w) else data.book_wrong(w, wrong, null) end;
end $$;
comment on function data.effect(api.message, bigint, data.book_wish) is 'Books (M2)';

create or replace function data.effect(m api.message, p_journal_id bigint, w data.cancel_wish) returns api.answer[]
language plpgsql as $$
begin
    return data.cancel_effect(m, p_journal_id, w.book_id, w.esia_id, w.bad_fields);
end $$;
comment on function data.effect(api.message, bigint, data.cancel_wish) is 'Cancels (M4)';

create or replace function data.effect(m api.message, p_journal_id bigint, w data.update_wish) returns api.answer[]
language plpgsql as $$
begin
    return data.update_effect(m, p_journal_id, w.book_id, w.esia_id, w.slot, w.status_code, w.status_message, w.bad_fields);
end $$;
comment on function data.effect(api.message, bigint, data.update_wish) is 'Moves, cancels, or notes what became of it (M8)';
