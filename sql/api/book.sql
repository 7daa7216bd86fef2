-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- book (Appendix 2, item 19): the entrance.

-- Before what is wrong came in words, and some of it waited for the final booking.
drop function if exists
    api.book(api.message, text, text[], text, text, text, text, jsonb, text[], text[], boolean, integer, jsonb, text[]);
drop function if exists
    api.book(api.message, text, text[], text, text, text, text, jsonb, text[], text[], boolean, integer, jsonb, text[], text[]);
create or replace function api.book(m api.message, book_id text, slot_ids text[], organization_id text, user_type text,
    user_kind text, esia_id text, applicant jsonb, service_ids text[], area_ids text[], preliminary boolean,
    preliminary_period_min integer, attributes jsonb, bad_fields text[], bad_words text[] default null,
    later_fields text[] default '{}', later_words text[] default null)
returns setof api.answer
language plpgsql security definer set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan
    set enable_seqscan = off as $$
begin
    return query select * from unnest(data.carry_out(m, data.book_wish_of(book_id, slot_ids, organization_id, user_type,
        user_kind, esia_id, applicant, service_ids, area_ids, preliminary, preliminary_period_min, attributes, bad_fields,
        bad_words, later_fields, later_words)));
end $$;
grant execute on function
    api.book(api.message, text, text[], text, text, text, text, jsonb, text[], text[], boolean, integer, jsonb, text[], text[],
        text[], text[])
    to zapisd_daemon;
comment on function
    api.book(api.message, text, text[], text, text, text, text, jsonb, text[], text[], boolean, integer, jsonb, text[], text[],
        text[], text[]) is
    'M2: books, holds, confirms or moves; the same bookId again changes the same booking';
