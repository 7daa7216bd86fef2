-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Whose name is meant by some words, by the index of whole names: nobody else's rows are looked at (O3).

create or replace function data.persons_named(p_words text[], p_most integer) returns setof text
language plpgsql stable as $$
declare
    pattern constant text := data.name_pattern(p_words);
    beyond constant text := chr(1114111); -- no character comes after it
begin
    return query
        select a.book_key from data.my_applicant as a
        where (a.last_name is not null or a.first_name is not null)
            and data.whole_name_key(a.last_name, a.first_name, a.middle_name) ~>=~ p_words[1]
            and data.whole_name_key(a.last_name, a.first_name, a.middle_name) ~<~ (p_words[1] || beyond)
            and data.whole_name_key(a.last_name, a.first_name, a.middle_name) ~ pattern
        limit p_most;
end $$;
comment on function data.persons_named(text[], integer) is
    'Bookings of persons whose name begins with some words (data.name_key), the first one that of the surname, among those '
        'the caller works for; so many at most';
