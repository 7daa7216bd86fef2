-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Values of predicates, as they are compared (P2).

-- Texts are searched as people write them: without regard to case, with ё as е, and й one letter however it
-- was typed (looking whether that needs anything costs a tenth of doing it). The collation is named, because that of
-- the database may know nothing of Cyrillic. Putting a run of marks in order is quadratic, and neither a timeout nor
-- pg_terminate_backend ends it: a text with a longer run than any writing has (UAX #15: 30) stays as it is (L2).
create or replace function data.fold(t text) returns text
language sql immutable strict parallel safe
return replace(lower(case when t is normalized or t collate "und-x-icu" ~ '[^[:alnum:][:space:][:punct:]]{31}' then t
    else normalize(t) end
    collate "und-x-icu"), 'ё', 'е');
comment on function data.fold(text) is 'A text as it is searched: composed (NFC), small letters, ё as е (P2)';

create or replace function data.number_of(t text) returns numeric
language sql immutable strict parallel safe
return case when t ~ '^[ \t\r\n]*[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)[ \t\r\n]*$' then t::numeric end;
comment on function data.number_of(text) is 'xs:decimal or xs:integer; null when it is neither';

create or replace function data.instant_of(t text) returns timestamptz
language sql immutable strict parallel safe as $$
    select data.parse_time(case when length(btrim(t, E' \t\r\n')) = 10 then btrim(t, E' \t\r\n') || 'T00:00:00Z'
        else btrim(t, E' \t\r\n') end)
$$;
comment on function data.instant_of(text) is
    'xs:dateTime with a zone, or xs:date as its midnight in UTC; null when it is neither';

create or replace function data.boolean_of(t text) returns boolean
language sql immutable strict parallel safe
return case btrim(t, E' \t\r\n') when 'true' then true when '1' then true when 'false' then false when '0' then false end;
comment on function data.boolean_of(text) is 'xs:boolean; null when it is none';

-- Item 23 has five types. DATE and WEEKDAY are slots' own (A22).
create or replace function data.predicate_value_fits(p_type text, p_condition text, p_value text) returns boolean
language plpgsql immutable parallel safe as $$
declare
    v text := btrim(p_value, E' \t\r\n');
begin
    if p_value is null or p_type = 'STRING' or p_condition in ('contains', 'startswith', 'endswith', 'wordstarts') then
        return true;
    end if;
    return coalesce(case p_type
        when 'LONG' then v ~ '^[+-]?[0-9]+$' and data.number_of(v) between -9223372036854775808 and 9223372036854775807
        when 'DECIMAL' then data.number_of(v) is not null
        when 'DATETIME' then data.instant_of(v) is not null
        when 'BOOLEAN' then data.boolean_of(v) is not null
        when 'DATE' then v ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' and data.instant_of(v) is not null
        when 'WEEKDAY' then v ~ '^[+-]?[0-9]{1,9}$' or lower(v) in ('mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun')
    end, false);
end $$;
comment on function data.predicate_value_fits(text, text, text) is
    'Whether a value can be compared with an attribute of the type; substrings are looked for in the text of any type';
