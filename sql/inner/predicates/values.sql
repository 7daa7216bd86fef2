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
    select data.parse_time(btrim(t, E' \t\r\n'))
$$;
comment on function data.instant_of(text) is 'xs:dateTime with a zone; null when it is none: a bare date is nobody''s midnight';

create or replace function data.boolean_of(t text) returns boolean
language sql immutable strict parallel safe
return case btrim(t, E' \t\r\n') when 'true' then true when '1' then true when 'false' then false when '0' then false end;
comment on function data.boolean_of(text) is 'xs:boolean; null when it is none';

-- Item 23 has five types. The others are slots' own (item 11, A22), and so is what each may be.
create or replace function data.predicate_range(p_type text) returns bigint[]
language sql immutable parallel safe
return case p_type when 'LONG' then '{-9223372036854775808,9223372036854775807}'::bigint[] when 'HOUR' then '{0,23}'
    when 'DAY' then '{1,366}' when 'MONTH' then '{1,12}' when 'YEAR' then '{1000,9999}' when 'WEEKDAY' then '{1,7}' end;
comment on function data.predicate_range(text) is 'The least and the most whole number of a type; null: it has none';

create or replace function data.predicate_value_told(p_type text) returns text
language sql immutable parallel safe
return case p_type when 'LONG' then 'целое число' when 'DECIMAL' then 'число с десятичной точкой'
    when 'DATETIME' then 'дата и время с часовым поясом, ГГГГ-ММ-ДДTчч:мм:сс+чч:мм' when 'BOOLEAN' then 'true или false'
    when 'DATE' then 'дата ГГГГ-ММ-ДД' when 'WEEKDAY' then
        'mon, tue, wed, thu, fri, sat, sun или число от 1 (понедельник) до 7'
    when 'HOUR' then 'целое число от 0 до 23' when 'DAY' then 'день в году, целое число от 1 до 366'
    when 'MONTH' then 'целое число от 1 до 12' when 'YEAR' then 'год из четырёх цифр' else 'строка' end;
comment on function data.predicate_value_told(text) is 'What a value of the type may be, for who sent another';

-- A part of a value is looked for in the text of any value, but of slots' own not for what none of them can have.
create or replace function data.predicate_part_fits(p_type text, p_value text) returns boolean
language plpgsql immutable parallel safe as $$
declare
    r bigint[] := data.predicate_range(p_type);
begin
    return case
        when p_type in ('HOUR', 'DAY', 'MONTH', 'WEEKDAY') then
            exists (select from generate_series(r[1], r[2]) as n where position(p_value in n::text) > 0)
        when p_type = 'YEAR' then p_value ~ '^[0-9]{1,4}$'
        when p_type = 'DATE' then position(regexp_replace(p_value, '[0-9]', '0', 'g') in '0000-00-00') > 0
        else true end;
end $$;
comment on function data.predicate_part_fits(text, text) is 'Whether values of the type can have this in their text';

create or replace function data.predicate_value_fits(p_type text, p_condition text, p_value text) returns boolean
language plpgsql immutable parallel safe as $$
declare
    v text := btrim(p_value, E' \t\r\n');
    r bigint[] := data.predicate_range(p_type);
begin
    if p_value is null or p_type = 'STRING' then
        return true;
    elsif p_condition in ('contains', 'startswith', 'endswith', 'wordstarts') then
        return data.predicate_part_fits(p_type, p_value);
    end if;
    return coalesce(case p_type
        when 'DECIMAL' then data.number_of(v) is not null
        when 'DATETIME' then data.instant_of(v) is not null
        when 'BOOLEAN' then data.boolean_of(v) is not null
        when 'DATE' then v ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' and data.instant_of(v || 'T00:00:00Z') is not null
        else v ~ '^[+-]?[0-9]+$' and data.number_of(v) between r[1] and r[2]
            or p_type = 'WEEKDAY' and lower(v) in ('mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun')
    end, false);
end $$;
comment on function data.predicate_value_fits(text, text, text) is
    'Whether a value can be compared with an attribute of the type, or a part of its text be found in one';
