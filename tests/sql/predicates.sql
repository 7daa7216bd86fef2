-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- Predicates (P1-P4; items 4-6 and 11; A17, A21, A22): each condition on each type, what a value may be, and the filter of getSlots
-- in the organization's own time.
\ir lib/helpers.psql
select no_plan();

-- P2: the ten conditions on five types. One line a condition: for each of the values, in order, whether it meets it.
create function pg_temp.met(type text, condition text, wanted text, variadic vals text[]) returns text language sql as $$
    select data.predicate_bits(type, lower(replace(condition, '_', '')), false, wanted, vals)::text
$$;
select is(pg_temp.met('LONG', 'equals', '10', '9', '10', '11', '010', '100', null), '010100', 'P2: LONG equals');
select is(pg_temp.met('LONG', 'notEquals', '10', '9', '10', '11', '010', '100', null), '101011', 'P2: LONG notEquals: what has none does not equal');
select is(pg_temp.met('LONG', 'greaterThan', '10', '9', '10', '11', '100', '-11', null), '001100', 'P2: LONG greaterThan, as a number');
select is(pg_temp.met('LONG', 'lessThan', '10', '9', '10', '11', '100', '-11', null), '100010', 'P2: LONG lessThan');
select is(pg_temp.met('LONG', 'greaterThanOrEquals', '10', '9', '10', '11', '100', '-11', null), '011100', 'P2: LONG greaterThanOrEquals');
select is(pg_temp.met('LONG', 'lessThanOrEquals', '10', '9', '10', '11', '100', '-11', null), '110010', 'P2: LONG lessThanOrEquals');
select is(pg_temp.met('LONG', 'contains', '0', '9', '10', '11', '100', '-10', null), '010110', 'P2: LONG contains, in its text');
select is(pg_temp.met('LONG', 'startsWith', '1', '9', '10', '11', '100', '-10', null), '011100', 'P2: LONG startsWith');
select is(pg_temp.met('LONG', 'endsWith', '0', '9', '10', '11', '100', '-10', null), '010110', 'P2: LONG endsWith');
select is(pg_temp.met('LONG', 'wordStarts', '1', '9', '10', '11', '100', '-10', null), '011110', 'P2: LONG wordStarts');
select is(pg_temp.met('DECIMAL', 'equals', '1.50', '1.5', '1.50', '15', '1.49', '-1.5', null), '110000', 'P2: DECIMAL equals whatever the zeros');
select is(pg_temp.met('DECIMAL', 'notEquals', '1.50', '1.5', '1.50', '15', '1.49', '-1.5', null), '001111', 'P2: DECIMAL notEquals');
select is(pg_temp.met('DECIMAL', 'greaterThan', '1.5', '1.5', '9', '15', '1.4999', '-2', null), '011000', 'P2: DECIMAL greaterThan');
select is(pg_temp.met('DECIMAL', 'lessThan', '1.5', '1.5', '9', '15', '1.4999', '-2', null), '000110', 'P2: DECIMAL lessThan');
select is(pg_temp.met('DECIMAL', 'greaterThanOrEquals', '1.5', '1.5', '9', '15', '1.4999', '-2', null), '111000', 'P2: DECIMAL greaterThanOrEquals');
select is(pg_temp.met('DECIMAL', 'lessThanOrEquals', '1.5', '1.5', '9', '15', '1.4999', '-2', null), '100110', 'P2: DECIMAL lessThanOrEquals');
select is(pg_temp.met('DECIMAL', 'contains', '.4', '1.5', '9', '15', '1.4999', '-2', null), '000100', 'P2: DECIMAL contains');
select is(pg_temp.met('DECIMAL', 'startsWith', '1', '1.5', '9', '15', '1.4999', '-2', null), '101100', 'P2: DECIMAL startsWith');
select is(pg_temp.met('DECIMAL', 'endsWith', '5', '1.5', '9', '15', '1.4999', '-2', null), '101000', 'P2: DECIMAL endsWith');
select is(pg_temp.met('DECIMAL', 'wordStarts', '5', '1.5', '9', '15', '1.4999', '-5', null), '100010', 'P2: DECIMAL wordStarts: the point parts words');
create function pg_temp.times(condition text, wanted text) returns text language sql as $$
    select pg_temp.met('DATETIME', condition, wanted, '2026-03-01T00:00:00+03:00', '2026-02-28T21:00:00+00:00', '2026-02-28T23:59:59+03:00', '2026-03-01T00:00:00.001+03:00', null)
$$;
select is(pg_temp.times('equals', '2026-03-01T00:00:00+03:00'), '11000', 'P2: DATETIME equals: one instant in two zones');
select is(pg_temp.times('notEquals', '2026-03-01T00:00:00+03:00'), '00111', 'P2: DATETIME notEquals');
select is(pg_temp.times('greaterThan', '2026-03-01T00:00:00+03:00'), '00010', 'P2: DATETIME greaterThan');
select is(pg_temp.times('lessThan', '2026-03-01T00:00:00+03:00'), '00100', 'P2: DATETIME lessThan');
select is(pg_temp.times('greaterThanOrEquals', '2026-02-28T22:00:00+01:00'), '11010', 'P2: DATETIME greaterThanOrEquals');
select is(pg_temp.times('lessThanOrEquals', '2026-02-28T22:00:00+01:00'), '11100', 'P2: DATETIME lessThanOrEquals');
select is(pg_temp.times('contains', '02-28T'), '01100', 'P2: DATETIME contains, in its text');
select is(pg_temp.times('startsWith', '2026-03'), '10010', 'P2: DATETIME startsWith');
select is(pg_temp.times('endsWith', '+00:00'), '01000', 'P2: DATETIME endsWith');
select is(pg_temp.times('wordStarts', '28t'), '01100', 'P2: DATETIME wordStarts');
select is(pg_temp.met('DATETIME', 'greaterThan', '2026-03-01', '2026-03-01T00:00:00Z', '2026-03-01T00:00:01+00:00', '2026-03-01', 'когда-нибудь'), '0000', 'P2, T1: a date is no instant, and rubbish meets nothing');
create function pg_temp.truths(condition text, wanted text) returns text language sql as $$
    select pg_temp.met('BOOLEAN', condition, wanted, 'true', 'false', '1', '0', null)
$$;
select is(pg_temp.truths('equals', 'true'), '10100', 'P2: BOOLEAN equals, in both spellings');
select is(pg_temp.truths('equals', '0'), '01010', 'P2: BOOLEAN equals 0');
select is(pg_temp.truths('notEquals', 'true'), '01011', 'P2: BOOLEAN notEquals');
select is(pg_temp.truths('greaterThan', 'false'), '10100', 'P2: BOOLEAN greaterThan: true is more');
select is(pg_temp.truths('lessThan', 'true'), '01010', 'P2: BOOLEAN lessThan');
select is(pg_temp.truths('greaterThanOrEquals', 'false'), '11110', 'P2: BOOLEAN greaterThanOrEquals');
select is(pg_temp.truths('lessThanOrEquals', 'false'), '01010', 'P2: BOOLEAN lessThanOrEquals');
select is(pg_temp.truths('contains', 'RU'), '10000', 'P2: BOOLEAN contains');
select is(pg_temp.truths('startsWith', 'f'), '01000', 'P2: BOOLEAN startsWith');
select is(pg_temp.truths('endsWith', 'e'), '11000', 'P2: BOOLEAN endsWith');
select is(pg_temp.truths('wordStarts', 'tr'), '10000', 'P2: BOOLEAN wordStarts');
create function pg_temp.texts(condition text, wanted text) returns text language sql as $$
    select pg_temp.met('STRING', condition, wanted, 'Ёлка', 'елка', 'ЕЛКИ и ёлки', 'Наша Ёлка', '', null)
$$;
select is(pg_temp.texts('equals', 'Ёлка'), '100000', 'P2: STRING equals is exact');
select is(pg_temp.texts('notEquals', 'Ёлка'), '011111', 'P2: STRING notEquals');
select is(pg_temp.texts('contains', 'ёЛк'), '111100', 'P2: STRING contains: case and ё do not matter');
select is(pg_temp.texts('startsWith', 'елк'), '111000', 'P2: STRING startsWith');
select is(pg_temp.texts('endsWith', 'ЁЛКА'), '110100', 'P2: STRING endsWith');
select is(pg_temp.texts('wordStarts', 'ёлк'), '111100', 'P2: STRING wordStarts');
select is(pg_temp.texts('wordStarts', 'и ё'), '001000', 'P2: STRING wordStarts, with two words');
select is(pg_temp.texts('wordStarts', 'лк'), '000000', 'P2: STRING wordStarts, not inside of a word');
select is(pg_temp.met('STRING', 'contains', U&'\0415\0308лки', 'Ёлкин', 'елкин', U&'\0435\0308лкин', 'элкин'), '1110', 'P2: a letter in two parts (е and its dots) is one letter');
select is(pg_temp.met('STRING', 'wordStarts', 'йод', U&'И\0306одов', 'Йодов', 'Иодов'), '110', 'P2: й in two parts is й, not и');
select is(pg_temp.met('STRING', 'wordStarts', 'ром', 'ООО «Ромашка»', 'Санкт-Ромск', 'Аэродром', '1ром', 'д.Ромы'), '11001', 'P2: wordStarts: behind quotes, hyphens and points');
select is(pg_temp.met('STRING', 'greaterThan', 'егор', 'Ёж', 'ежи', 'Егор', 'егор', 'ЖАН', 'д', null), '1100100', 'P2: STRING greaterThan, as a dictionary has them');
select is(pg_temp.met('STRING', 'lessThan', 'егор', 'Ёж', 'ежи', 'Егор', 'егор', 'ЖАН', 'д', null), '0010010', 'P2: STRING lessThan: of equal words capitals are first');
select is(pg_temp.met('STRING', 'greaterThanOrEquals', 'егор', 'Ёж', 'ежи', 'Егор', 'егор', 'ЖАН', 'д', null), '1101100', 'P2: STRING greaterThanOrEquals');
select is(pg_temp.met('STRING', 'lessThanOrEquals', 'егор', 'Ёж', 'ежи', 'Егор', 'егор', 'ЖАН', 'д', null), '0011010', 'P2: STRING lessThanOrEquals');
-- P4
select is(pg_temp.met('STRING', 'contains', '%', 'a%b', 'ab', '_'), '100', 'P4: % is a character');
select is(pg_temp.met('STRING', 'startsWith', '_', '_a', 'xa', '%'), '100', 'P4: _ is a character');
select is(pg_temp.met('STRING', 'endsWith', '\', 'a\', 'a', 'a\\'), '101', 'P4: \ is a character');
select is(pg_temp.met('STRING', 'wordStarts', '.*', 'a .*', 'abc', '.*'), '101', 'P4: . and * are characters');
select is(pg_temp.met('STRING', 'wordStarts', '(', 'a(', 'a (b', '['), '010', 'P4: so is (');
select is(pg_temp.met('STRING', 'contains', ''' or ''''=''', 'a', ''' or ''''='''), '01', 'P4: and a quote');
-- A17: four ways
select is(data.predicate_bits('STRING', 'equals', true, 'a', array['a', 'b', '', null])::text, '1000', 'A17: a value is compared though checkAllValues is true');
select is(data.predicate_bits('STRING', 'equals', false, 'a', array['a', 'b', '', null])::text, '1000', 'A17: and when it is false');
select is(data.predicate_bits('STRING', null, true, null, array['a', 'b', '', null])::text, '1110', 'A17: no value, true: there is one');
select is(data.predicate_bits('STRING', null, false, null, array['a', 'b', '', null])::text, '0011', 'A17: no value, false: missing or empty');
select is(data.predicate_bits('LONG', 'notequals', true, null, array['1', null])::text, '10', 'A17: whatever the condition');
select is(length(data.predicate_bits('LONG', 'equals', false, '1', '{}')), 0, 'nothing to look at');

-- what a value may be
select is((select string_agg(data.predicate_value_fits(t, 'equals', v)::integer::text, '') from unnest(array['LONG', 'DECIMAL', 'DATETIME', 'BOOLEAN', 'STRING', 'DATE', 'WEEKDAY']) as t),
    e, 'P2: ' || coalesce(v, 'null') || ' as each type')
from (values
    ('1', '1101101'), ('-1', '1100100'), ('+7', '1100101'), (' 1 ', '1101101'), ('1.0', '0100100'), ('.5', '0100100'), ('1e3', '0000100'), ('1,5', '0000100'),
    ('NaN', '0000100'), ('0x1', '0000100'), ('', '0000100'), ('9223372036854775807', '1100100'), ('9223372036854775808', '0100100'),
    ('true', '0001100'), ('TRUE', '0000100'), ('да', '0000100'), ('2026-02-28', '0000110'), ('2026-02-29', '0000100'), ('2028-02-29', '0000110'),
    ('28.02.2026', '0000100'), ('2026-2-28', '0000100'), ('2026-03-01T00:00:00+03:00', '0010100'), ('2026-03-01T00:00:00Z', '0010100'),
    ('2026-03-01T00:00:00', '0000100'), ('infinity', '0000100'), ('now', '0000100'), ('mon', '0000101'), ('Sun', '0000101'), ('пн', '0000100'), ('epoch', '0000100'),
    ('1; drop table data.slot', '0000100'), (null, '1111111')) as c (v, e);
select is(data.predicate_value_fits('LONG', 'contains', 'x'), true, 'P2: a substring is of no type');
-- item 11: what slots' own attributes may be. One line a type: the values that are taken, then those that are not
select is(data.predicate_value_fits(t, c, v), e, format('P3: %s %s %s', t, c, coalesce(v, 'null')))
from (values
    ('DAY', 'equals', '{1,366,60, 5 ,007}'::text[], '{0,367,-1,1000,99999999999999999999,1.0,"",mon,2026-01-01}'::text[]),
    ('HOUR', 'lessthan', '{0,23,+9,09}', '{24,-1,9:00,десять,""}'),
    ('MONTH', 'notequals', '{1,12,06}', '{0,13,jan,январь,2026-01,""}'),
    ('YEAR', 'greaterthan', '{1000,2026,9999}', '{26,0,-2026,10000,999,""}'),
    ('WEEKDAY', 'equals', '{1,7,mon,SUN,Wed}', '{0,8,-1,9999,monday,Пн,""}'),
    ('DATE', 'lessthanorequals', '{2026-01-01,2028-02-29}', '{2026-02-29,2026-1-1,2026-13-01,2026-01-01T00:00:00+03:00,""}'),
    ('DAY', 'contains', '{36,6,5}', '{367,400,x}'), ('HOUR', 'endswith', '{3,23}', '{30,h}'), ('MONTH', 'startswith', '{1,12}', '{0x,13}'),
    ('YEAR', 'startswith', '{20,2026}', '{20261,г}'), ('WEEKDAY', 'wordstarts', '{1,7}', '{0,8,mon}'),
    ('DATE', 'contains', '{2026-,-02-,01-1,2026-01-01}', '{2026/01,01.02,2026-01-01T,--}')) as k (t, c, good, bad)
cross join lateral (select v, true as e from unnest(k.good) as v union all select v, false from unnest(k.bad) as v) as x;

-- P1: the tree
create function pg_temp.simple(name text, condition text default null, wanted text default null, check_all boolean default false) returns jsonb
language sql immutable as $$
    select jsonb_strip_nulls(jsonb_build_object('attributeName', name, 'condition', condition, 'value', wanted, 'checkAllValues', check_all))
$$;
create function pg_temp.both(kind text, variadic subs jsonb[]) returns jsonb language sql immutable as $$
    select jsonb_build_object('unionKind', kind, 'subs', to_jsonb(subs))
$$;
-- filtered: how many slots of T1 and T2, and which of the names is wrong
create function pg_temp.filtered(f jsonb, organizations text[] default '{T1,T2}', n integer default 10000) returns text language sql as $$
    select pg_temp.line(array(select r from pg_temp.get_slots('', organizations, '{}', '{}', 'SIMPLE', 'PHYSIC', '1', n, f) as r))
$$;
create function pg_temp.areas(f jsonb) returns text language sql as $$
    select string_agg(distinct r.area_id, ',' order by r.area_id) from pg_temp.get_slots('', '{T1,T2}', '{}', '{}', 'SIMPLE', 'PHYSIC', '1', 10000, f) as r where r.kind = 'slot'
$$;
select is(pg_temp.filtered(null), '-/0 slots=161', 'no filter: all');
select is(pg_temp.filtered(pg_temp.simple('areaId', 'equals', 'a2')), '-/0 slots=40', 'P1: simple');
select is(pg_temp.filtered(pg_temp.both('OR', pg_temp.simple('areaId', 'equals', 'a2'), pg_temp.simple('areaId', 'equals', 'b1'))), '-/0 slots=80', 'P1: OR');
select is(pg_temp.filtered(pg_temp.both('AND', pg_temp.simple('areaId', 'equals', 'a2'), pg_temp.simple('areaId', 'equals', 'b1'))), '-/0', 'P1: AND; nothing is no error');
select is(pg_temp.areas(pg_temp.both('AND', pg_temp.simple('areaId', 'startsWith', 'A'), pg_temp.both('OR', pg_temp.simple('areaId', 'endsWith', '1'),
    pg_temp.simple('areaId', 'endsWith', '3')))), 'a1,a3', 'P1: nested');
select is(pg_temp.areas(pg_temp.both('OR', pg_temp.simple('areaId', 'equals', 'b1'), pg_temp.both('AND', pg_temp.simple('areaId', 'greaterThan', 'a1'),
    pg_temp.simple('areaId', 'lessThan', 'a3')))), 'a2,b1', 'P1: the other way round');
select is(pg_temp.filtered((select f from (
    with recursive t (n, f) as (select 0, pg_temp.simple('areaId', 'equals', 'a2') union all select n + 1, pg_temp.both(case n % 2 when 0 then 'AND' else 'OR' end, f) from t where n < 8)
    select f from t where n = 8) x)), '-/0 slots=40', 'P1: eight unions inside each other');
select is(pg_temp.filtered(pg_temp.both('OR', variadic array_fill(pg_temp.simple('areaId', 'equals', 'a2'), array[199]))), '-/0 slots=40', 'P1: two hundred nodes');
select is(pg_temp.filtered(pg_temp.simple('areaId', 'equals', 'a2'), n => 7), '-/0 slots=7', 'M1: the limit counts what meets the filter');

-- services: a slot that names none serves those of its area
select is(pg_temp.areas(pg_temp.simple('serviceId', 'equals', 's2')), 'a2', 'a service only one area has');
select is(pg_temp.areas(pg_temp.simple('serviceId', 'notEquals', 's2')), 'a1,a3,b1', 'notEquals: none of its services is');
select is(pg_temp.areas(pg_temp.simple('serviceId', check_all => true)), 'a1,a2,a3,b1', 'A17: every slot has a service');
delete from data.area_service where area_key = (select area_key from data.area where organization_id = 'T1' and area_id = 'a3');
select is(pg_temp.areas(pg_temp.simple('serviceId')), 'a3', 'A17: but this one');
select is(pg_temp.areas(pg_temp.simple('serviceId', 'notEquals', 's2')), 'a1,a3,b1', 'which is not s2 either');
update data.slot set service_id = 's2' where slot_id = (select pg_temp.slot('a1', 9)::uuid);
select is(pg_temp.filtered(pg_temp.simple('serviceId', 'equals', 's2')), '-/0 slots=41', 'a slot may name its own');
select is(pg_temp.filtered(pg_temp.both('AND', pg_temp.simple('serviceId', 'equals', 's2'), pg_temp.simple('areaId', 'equals', 'a1'))), '-/0 slots=1', 'and then has that one');
select is(pg_temp.filtered(pg_temp.both('AND', pg_temp.simple('serviceId', 'equals', 's1'), pg_temp.simple('areaId', 'equals', 'a1'))), '-/0 slots=40', 'and no other');

-- P3, A22: local time. noon() in Moscow is 21:00 in Kamchatka, and ten hours on it is another day there.
create function pg_temp.tomorrow() returns date language sql as $$ select (pg_temp.noon() at time zone 'Europe/Moscow')::date $$;
select is(pg_temp.filtered(pg_temp.simple('DATE', 'equals', pg_temp.tomorrow()::text), '{T1}'), '-/0 slots=121', 'P3: DATE in Moscow: all');
select is(pg_temp.filtered(pg_temp.simple('DATE', 'equals', pg_temp.tomorrow()::text), '{T2}'), '-/0 slots=12', 'P3: DATE in Kamchatka: three hours of them');
select is(pg_temp.filtered(pg_temp.simple('DATE', 'greaterThan', pg_temp.tomorrow()::text), '{T1,T2}'), '-/0 slots=28', 'P3: the others are on the next day');
select is(pg_temp.filtered(pg_temp.simple('DATE', 'equals', ' ' || pg_temp.tomorrow()::text || ' '), '{T2}'), '-/0 slots=12', 'blanks around a date');
select is(pg_temp.filtered(pg_temp.simple('DATE', 'startsWith', to_char(pg_temp.tomorrow(), 'YYYY-MM')), '{T1}'), '-/0 slots=121', 'P3: a month by its beginning');
select is(pg_temp.filtered(pg_temp.simple('HOUR', 'equals', '0'), '{T1}'), '-/0', 'P3: no midnight in Moscow');
select is(pg_temp.filtered(pg_temp.simple('HOUR', 'equals', '0'), '{T2}'), '-/0 slots=4', 'P3: HOUR at midnight');
select is(pg_temp.filtered(pg_temp.simple('HOUR', 'equals', '12')), '-/0 slots=13', 'P3: HOUR: four in three rooms and the long one');
select is(pg_temp.filtered(pg_temp.simple('HOUR', 'greaterThanOrEquals', '21')), '-/0 slots=24', 'P3: HOUR of each organization''s own day');
select is(pg_temp.filtered(pg_temp.simple('HOUR', 'equals', '24')), '-/2 filter:1', 'P3: an hour there is not');
select is(pg_temp.filtered(pg_temp.simple('DAYOFWEEK', 'equals', extract(isodow from pg_temp.tomorrow())::text), '{T2}'), '-/0 slots=12', 'P3: DAYOFWEEK, 1 is Monday');
select is(pg_temp.filtered(pg_temp.simple('DAYOFWEEK', 'equals', (array['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'])[extract(isodow from pg_temp.tomorrow())]), '{T2}'), '-/0 slots=12', 'A22: by name');
select is(pg_temp.filtered(pg_temp.simple('DAYOFWEEK', 'equals', upper((array['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'])[extract(isodow from pg_temp.tomorrow())])), '{T2}'), '-/0 slots=12', 'A22: in capitals');
select is(pg_temp.filtered(pg_temp.simple('DAY', 'equals', extract(doy from pg_temp.tomorrow())::text), '{T2}'), '-/0 slots=12', 'P3: DAY of the year');
select is(pg_temp.filtered(pg_temp.simple('MONTH', 'equals', extract(month from pg_temp.tomorrow())::text), '{T1}'), '-/0 slots=121', 'P3: MONTH');
select is(pg_temp.filtered(pg_temp.simple('YEAR', 'lessThanOrEquals', extract(year from pg_temp.tomorrow())::text), '{T1}'), '-/0 slots=121', 'P3: YEAR');
select is(pg_temp.filtered(pg_temp.simple('YEAR', 'lessThan', extract(year from pg_temp.tomorrow())::text)), '-/0', 'P3: not the past');

-- P3: the bits of hours, where a calendar is needed that now() does not have
select is((select array[position(B'1' in b), length(b), length(replace(b::text, '0', ''))] from data.hours_bits('DAY', 'equals', false, '366', date '2028-01-01', 366) as b),
    '{8761,8784,24}', 'edge 5: DAY 366 is the last of a leap year');
select is(position(B'1' in data.hours_bits('DAY', 'equals', false, '366', date '2027-01-01', 365)), 0, 'edge 5: and of no other');
select is(position(B'1' in data.hours_bits('DATE', 'equals', false, '2028-02-29', date '2028-01-01', 366)), 59 * 24 + 1, 'P3: February 29th');
select is(length(replace(data.hours_bits('HOUR', 'lessthan', false, '2', date '2028-01-01', 10)::text, '0', '')), 20, 'P3: two hours of each of ten days');

-- T2: wall time where the clock is put back: the hour comes twice, and both are that hour; where it is put on, days stay whole
insert into data.organization (organization_id, agency_code, number, name, time_zone, booking_window_days)
values ('TB', 'TEST00001', 900003, 'Отдел ТБ', 'Europe/Berlin', 365);
insert into data.organization_service values ('TB', 's1');
insert into data.area (organization_id, area_id, number, name) values ('TB', 'c1', 1, 'Окно');
create temp table change as
select at from generate_series(date_trunc('day', now()) + interval '2 days', now() + interval '360 days', interval '1 hour') as at
where (at + interval '1 hour') at time zone 'Europe/Berlin' = at at time zone 'Europe/Berlin' limit 1;
insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at)
select gen_random_uuid(), 'TB', a.area_key, c.at + n * interval '30 min', c.at + (n + 1) * interval '30 min'
from data.area as a, change as c, generate_series(-10, 9) as n where a.organization_id = 'TB';
select is(pg_temp.filtered(pg_temp.simple('HOUR', 'equals', '2'), '{TB}'), '-/0 slots=4', 'T2: the hour that comes twice');
select is(pg_temp.filtered(pg_temp.simple('DATE', 'equals', (select (at at time zone 'Europe/Berlin')::date::text from change)), '{TB}'), '-/0 slots=14', 'T2: the day it comes on');

-- errors
create function pg_temp.wrong(f jsonb) returns text language sql as $$
    select string_agg(r.field || ':' || r.error_code || ' ' || r.error_message, ' | ') from api.get_slots('', '{T1}', '{}', '{}', 'SIMPLE', 'PHYSIC', '1', 10, f) as r where r.kind = 'field'
$$;
select is(pg_temp.wrong(pg_temp.simple('colour', 'equals', 'red')), 'filter:2 Атрибут «colour» не найден', 'an unknown attribute is named');
select is(pg_temp.wrong(pg_temp.simple('date', 'equals', '2026-01-01')), 'filter:2 Атрибут «date» не найден', 'names are exact');
select is(pg_temp.wrong(pg_temp.simple('HOUR', 'equals', 'ten')), 'filter:1 Недопустимое значение для атрибута «HOUR»: допускается целое число от 0 до 23', 'a value that is no number');
select is(pg_temp.wrong(pg_temp.simple('DATE', 'equals', '01.12.2026')), 'filter:1 Недопустимое значение для атрибута «DATE»: допускается дата ГГГГ-ММ-ДД', 'a value that is no date');
select is(pg_temp.wrong(pg_temp.simple('DATE', 'equals', '2026-02-30')), 'filter:1 Недопустимое значение для атрибута «DATE»: допускается дата ГГГГ-ММ-ДД', 'a day there is not');
select is(pg_temp.wrong(pg_temp.simple('DAY', 'equals', '367')), 'filter:1 Недопустимое значение для атрибута «DAY»: допускается день в году, целое число от 1 до 366',
    'P3: item 11, a day of the year is 1 to 366');
select is(pg_temp.wrong(pg_temp.both('AND', pg_temp.simple('DAYOFWEEK', 'equals', 'monday'), pg_temp.simple('MONTH', 'lessThan', '13'))),
    'filter:1 Недопустимое значение для атрибута «DAYOFWEEK»: допускается mon, tue, wed, thu, fri, sat, sun или число от 1 (понедельник) до 7; '
    'Недопустимое значение для атрибута «MONTH»: допускается целое число от 1 до 12', 'P3, M10: each is named, and what it may be');
select is(pg_temp.wrong(pg_temp.simple('HOUR', 'like', '1')), 'condition:1 Недопустимое условие для атрибута «HOUR»', 'a condition there is not, told as the field it stands in');
select is(pg_temp.wrong(pg_temp.simple('HOUR', null, '1')), 'filter:1 Не указано условие для атрибута «HOUR»', 'a value without a condition');
select is(pg_temp.wrong(pg_temp.both('OR', pg_temp.simple('HOUR', 'equals', 'x'), pg_temp.simple('colour', 'equals', 'x'), pg_temp.simple('areaId', 'equals', 'a1'),
    pg_temp.simple('size', 'equals', 'x'), pg_temp.simple('colour', 'contains', 'y'), pg_temp.simple('YEAR', 'lessThan', '2026,5'))),
    'filter:1 Недопустимое значение для атрибута «HOUR»: допускается целое число от 0 до 23; Недопустимое значение для атрибута «YEAR»: '
        'допускается год из четырёх цифр | filter:2 Атрибут «colour» не найден; Атрибут «size» не найден',
    'M10: all of them');
select cmp_ok((select max(length(w.error_message)) from unnest(data.slot_filter_errors(jsonb_build_object('unionKind', 'OR', 'subs', (
    select jsonb_agg(jsonb_build_object('attributeName', rpad(n::text, 255, 'я'), 'condition', 'equals', 'checkAllValues', false, 'value', 'x')) from generate_series(1, 199) as n)))) as w),
    '<=', 1000, 'M10: a text that names everything stays one the schema allows');
select is(pg_temp.filtered(pg_temp.simple('colour', 'equals', 'red'), '{T1,nowhere}'), '-/2 organizationId:2 filter:2', 'M10: with what else is wrong');

-- P4
select is_empty($$
    select p.oid::regprocedure::text from pg_proc as p
    where p.pronamespace in ('api'::regnamespace, 'data'::regnamespace) and p.prosrc ~* '\mexecute\M'
        and (p.proname ~ '^(predicate|slot|hours|ref_(delta|filter|keys|lines|list|order|read|step_page|text|wrong)|fold|number|instant|boolean)' or p.oid::regprocedure::text ~ '^api[.]get_')
$$, 'P4: no statement is made while reading');
select is(pg_temp.filtered(pg_temp.simple('areaId', 'equals', v)), '-/0', 'P4: ' || v)
from unnest(array[''' or true --', 'a2''; drop table data.slot; --', '%', '_', 'a_', '\', '$1', E'a2\n']) as v;
select is((select count(*) from data.slot where organization_id = 'T1'), 121::bigint, 'P4: and nothing is lost');
select is(pg_temp.filtered(null), '-/0 slots=161', 'a null filter is none');
select * from finish();
rollback;
