-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What a clerk types or pastes, as it is looked for: names by data.name_key, telephones and SNILS by data.number_key,
-- applications by data.person_key, numbers of bookings by this.

-- A bookId is a text of the portal's: what is pasted with it is taken off its ends, and what nobody sees from everywhere.
create or replace function data.typed_book_key(p_book_id text) returns text
language sql immutable parallel safe
return lower(regexp_replace(p_book_id, U&'^[\0001-\0020\007F-\00A0\1680\2000-\200A\2028-\202F\205F\3000]+'
    || U&'|[\0001-\0020\007F-\00A0\1680\2000-\200A\2028-\202F\205F\3000]+$|[\00AD\200B-\200F\2060\FEFF]+', '', 'g'));
comment on function data.typed_book_key(text) is 'book_key of a bookId as it was typed or pasted';

-- Each word typed may be the beginning of the next word of the name, or of the first word of its next part; so
-- "тест п т" and "тер левон" find, and a patronymic is not taken for a first name.
create or replace function data.name_pattern(p_words text[]) returns text
language sql immutable parallel safe as $$
    select '^' || string_agg(regexp_replace(w, E'([!-/:-@\\[-`{-~])', E'\\\\\\1', 'g'), '[^ ,]*(?: |[^,]*,)' order by n)
    from unnest(p_words) with ordinality as u (w, n)
$$;
comment on function data.name_pattern(text[]) is
    'A pattern for data.whole_name_key that the words of data.name_key, as typed, meet';
