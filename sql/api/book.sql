-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- book (Appendix 2, item 19): the entrance. Admits the message (B6), has data.book_answer do the work, and for a test
-- message takes everything back but the journal: the answer is computed as usual, the effect is rolled back.

create or replace function api.book(m api.message, book_id text, slot_ids text[], organization_id text, user_type text,
    user_kind text, esia_id text, applicant jsonb, service_ids text[], area_ids text[], preliminary boolean,
    preliminary_period_min integer, attributes jsonb, bad_fields text[])
returns setof api.answer
language plpgsql security definer set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan
    set enable_seqscan = off as $$
declare
    door api.answer := data.admit_message(m);
    w data.book_wish;
    rows api.answer[];
    r api.answer;
begin
    if door.kind <> 'answer' then
        return next door;
        return;
    end if;
    rows := data.book_bounds(book_id, slot_ids, organization_id, user_type, user_kind, esia_id, applicant, service_ids, area_ids,
        attributes);
    if rows is not null then
        rows := data.book_wrong(rows);
    else
        w := data.book_wish_of(book_id, slot_ids, organization_id, user_type, user_kind, esia_id, applicant,
            service_ids, area_ids, preliminary, preliminary_period_min, attributes, bad_fields);
        if m.test then
            begin
                rows := data.book_answer(m, door.journal_id, w);
                raise exception 'a test message has no effect' using errcode = 'ZB000';
            exception when sqlstate 'ZB000' then
                null;
            end;
        else
            rows := data.book_answer(m, door.journal_id, w);
        end if;
    end if;
    foreach r in array rows loop
        if r.kind = 'answer' then
            r.journal_id := door.journal_id;
            r.journal_at := door.journal_at;
        end if;
        return next r;
    end loop;
end $$;
grant execute on function
    api.book(api.message, text, text[], text, text, text, text, jsonb, text[], text[], boolean, integer, jsonb, text[])
    to zapisd_daemon;
comment on function
    api.book(api.message, text, text[], text, text, text, text, jsonb, text[], text[], boolean, integer, jsonb, text[]) is
    'M2: books, holds, confirms or moves; the same bookId again changes the same booking';
