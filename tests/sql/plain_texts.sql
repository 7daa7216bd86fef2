-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- O3, M9: what reaches the portal as text has no control characters (XML 1.0, 2.2): refused where an operator types it, with words, by whichever command.
\ir lib/helpers.psql
select no_plan();

create function pg_temp.refusal(query text) returns text language plpgsql as $$
begin
    execute query;
    return 'done';
exception when others then
    return sqlstate || ' ' || sqlerrm;
end $$;
select pg_temp.book('x', array[pg_temp.slot('a1', 5)]);
-- %1$L stands for the text.
create temp table typed (command text, is_long boolean);
insert into typed values
($$select admin.add_organization('T8', 'TEST00001', %1$L, 'Europe/Moscow')$$, false), ($$select admin.add_organization('T1', 'TEST00001', 'x', 'Europe/Moscow', %1$L)$$, false),
($$select admin.add_organization('T1', 'TEST00001', 'x', 'Europe/Moscow', 'x', %1$L)$$, false), ($$select admin.add_organization(%1$L, 'TEST00001', 'x', 'Europe/Moscow')$$, false),
($$select admin.add_service('T1', 's1', %1$L)$$, false), ($$select admin.add_service('T1', %1$L, 'x')$$, false), ($$select admin.add_service('T1', 's1', 'x', %1$L)$$, false),
($$select admin.add_area('T1', 'a1', %1$L)$$, false), ($$select admin.add_area('T1', %1$L, 'x')$$, false),
($$select admin.slot_attribute('T1', 'a1', %1$L, 'x')$$, false), ($$select admin.slot_attribute('T1', 'a1', 'x', %1$L)$$, false), ($$select admin.queue_numbers('T1', 'a1', %1$L)$$, false),
($$select admin.set_text('T1', '201', %1$L)$$, true), ($$select admin.add_status('TEST00001', '206001', %1$L)$$, true),
($$select result from admin.reject('x', %1$L)$$, true), ($$select result from admin.cancel('x', %1$L)$$, true), ($$select result from admin.cancel('x', 'x', %1$L)$$, true),
($$select result from admin.move('x', pg_temp.slot('a1', 6), %1$L)$$, true), ($$select result from admin.visited('x', null, %1$L)$$, true), ($$select result from admin.turned_away('x', '', %1$L)$$, true),
($$select result from admin.correct('x', '202', %1$L)$$, true), ($$select admin.close_day('T1', current_date + 1, %1$L)$$, true),
($$select admin.ref_new('typed', %1$L)$$, false), ($$select admin.ref_attribute('told', 'note', %1$L)$$, false), ($$select admin.ref_put('told', %1$L, 'x')$$, false), ($$select admin.ref_put('told', 'a', %1$L)$$, true),
($$select admin.ref_put('told', 'a', 'x', jsonb_build_object('note', %1$L))$$, true),
($$select admin.add_agency('TEST00001', %1$L)$$, false), ($$select admin.add_calendar('ru', %1$L)$$, false),
($$select admin.special_day('T1', current_date + 1, 'закрыто', comment => %1$L)$$, false);
select admin.ref_new('told', 'Книга'), admin.ref_attribute('told', 'note', 'Примечание'), admin.add_calendar('told', 'Календарь');
select matches(pg_temp.refusal(format(command, 'а' || chr(c) || 'б')), '^(22023|23514) В тексте управляющий знак', format('O3: U+%s: %s', lpad(to_hex(c), 4, '0'), command))
from typed, unnest(array[1, 7, 8, 11, 12, 14, 27, 31, 127, 128, 133, 159, 65534, 65535]) as c;
select matches(pg_temp.refusal(format(command, 'а' || chr(c) || 'б')), '^(22023|23514) В тексте управляющий знак', format('O3: U+%s in one line: %s', lpad(to_hex(c), 4, '0'), command))
from typed, unnest(array[9, 10, 13]) as c where not is_long or c = 13;
-- What is to be seen: a word of blanks and of what nobody sees is no word, and none turns the direction of those behind it.
create temp table seen (command text, why text);
insert into seen values
($$select admin.add_organization('T8', 'TEST00001', %1$L, 'Europe/Moscow')$$, 'видимое название'), ($$select admin.add_service('T1', 's1', %1$L)$$, 'видимое название'),
($$select admin.add_area('T1', 'a1', %1$L)$$, 'видимое название'), ($$select admin.add_agency('TEST00009', %1$L)$$, 'видимое название'), ($$select admin.add_calendar('ru', %1$L)$$, 'видимое название'),
($$select result from admin.reject('x', %1$L)$$, 'ричин'), ($$select result from admin.cancel('x', %1$L)$$, 'ричин'), ($$select result from admin.turned_away('x', '', %1$L)$$, 'ричин'),
($$select result from admin.correct('x', '206', %1$L)$$, 'ричин'), ($$select admin.close_day('T1', current_date + 1, %1$L)$$, 'ричин');
select matches(pg_temp.refusal(format(command, w)), '^(22023|23514) .*' || why, format('O3: %s: nothing to be seen in %s', command, to_json(w)))
from seen, unnest(array['', '  ', U&'\00A0', U&'\200B', U&' \2003\FEFF', U&'\2060\00AD\200F']) as w;
select matches(pg_temp.refusal(format(command, 'а' || chr(c) || 'б')), '^(22023|23514) .*направлени', format('O3: U+%s: %s', to_hex(c), command))
from seen, unnest('{8234,8237,8238,8294,8297}'::integer[]) as c;
update data.organization set phone = U&'\00A0', address = U&'\200B' where organization_id = 'T1';
select matches(pg_temp.refusal($$select result from admin.cancel('x', 'авария')$$), '^22023 Куда обращаться', '302: a telephone and an address with nothing to be seen are none');
update data.organization set phone = '+7 000 000-00-00', address = 'Адрес' where organization_id = 'T1';
select is(pg_temp.refusal(format($$select admin.set_text('T1', '203', %L)$$, E'Вас не было.\n\tЗвоните')), 'done', 'S4: a text may have lines');
select is(pg_temp.refusal(format($$select admin.slot_attribute('T1', 'a1', 'x', %L)$$, U&'«Ё» — \00A0№ \D83D\DE00')), 'done', 'M9: every other character is good');
select is(pg_temp.refusal(format($$select admin.ref_put('told', 'a', 'x', jsonb_build_object('note', %L))$$, E'«Ё»\n\tстрока')), 'done', 'R1: a value may have lines');
select is(pg_temp.state('x'), 'BOOKED', 'what was refused has changed nothing');

-- R5: a file: each line with such a character is told, and nothing is taken.
select admin.ref_csv('told', true);
insert into pg_temp.ref_csv (code, title, note) values ('a', 'x', 'y'), (U&'b\FFFE', 'x', 'y'), ('c', E'x\x07', 'y'), ('d', 'x', E'y\u009f'), ('e', E'x\ny', E'y\tz');
select results_eq($$select line, field from admin.ref_import('told')$$, $$values (3::bigint, 'code'), (4, 'title'), (5, 'note')$$, 'R5: each with its line and column');
drop table pg_temp.ref_csv;

-- The catalogue: each column of text that an operator may write is refused such a character, by its own check or because only words of a list go there; a new
-- column without one fails here.
insert into data.organization_status values ('T1', '201', 'x');
insert into data.day_off values ('T1', '2027-01-01');
insert into data.status_detail (agency_code, code, reason) values ('TEST00001', '206001', 'x');
insert into data.calendar_day (calendar_id, day, kind) values ('told', '2027-01-01', 'holiday');
insert into data.special_day (organization_id, day, kind) values ('T1', '2027-01-02', 'hours');
insert into data.special_hours (special_day_id, organization_id, starts, ends) select special_day_id, 'T1', '09:00', '10:00' from data.special_day;
insert into data.booking_limit (organization_id, person, period, max_bookings) values ('T1', 'esiaId', 'live', 5);
insert into data.channel_share (organization_id, channel, percent) values ('T1', 'kiosk', 50);
insert into data.area_use (organization_id, area_key, used_key) select 'T1', a.area_key, b.area_key from data.area a, data.area b where a.organization_id = 'T1' and a.area_id = 'a2' and b.organization_id = 'T1' and b.area_id = 'a1';
insert into data.timetable (area_key, organization_id, weekday, starts, ends, slot_min) select area_key, 'T1', 1, '09:00', '10:00', 15 from data.area where organization_id = 'T1' and area_id = 'a1';
set constraints all immediate;
create function pg_temp.column_refusal(t regclass, c name, typ name, ch integer) returns text language plpgsql as $$
declare
    foul constant text := 'а' || chr(ch) || 'б';
    n bigint;
begin
    execute format('update %s as t set %I = %s where t.ctid = (select ctid from %s as x%s limit 1)', t, c, case typ when 'text' then quote_literal(foul) when '_text' then format('array[%L]', foul)
        when 'jsonb' then case c when 'attributes' then format('jsonb_build_object(''note'', %L::text)', foul) else format('jsonb_build_array(jsonb_build_object(''name'', ''x'', ''value'', %L::text))', foul) end end,
        t, case t::text when 'data.ref_item' then ' where ref_name = ''told''' else '' end);
    get diagnostics n = row_count;
    return case n when 0 then 'no row to try it on' else 'done' end;
exception when integrity_constraint_violation then
    return 'refused';
end $$;
create temp table texts as select c.oid::regclass as t, a.attname as c, y.typname as typ
from pg_class as c join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' join pg_type as y on y.oid = a.atttypid
where c.relnamespace = 'data'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition and y.typname in ('text', '_text', 'jsonb', 'varchar', 'bpchar', '_varchar', 'json')
    and (has_column_privilege('zapisd_operator', c.oid, a.attnum, 'insert') or has_column_privilege('zapisd_operator', c.oid, a.attnum, 'update') or c.relname in ('ref_book', 'ref_attribute'))
    and (c.relname, a.attname) <> ('ref_book', 'changed_by'); -- a trigger's, who it was
select cmp_ok((select count(*) from texts), '>', 50::bigint, 'M9: there are many');
select is(pg_temp.column_refusal(t, c, typ, ch), 'refused', format('M9: U+%s in %s.%s', lpad(to_hex(ch), 4, '0'), t, c)) from texts, unnest('{7,127,133,65534}'::integer[]) as ch;

-- The commands: each word of each example of admin.help() with such a character in it; nothing of it comes to stand in a table.
\ir lib/examples.psql
create function pg_temp.kept() returns text language plpgsql as $$
declare
    r record;
    n bigint;
begin
    for r in select c.oid::regclass as t from pg_class as c where c.relnamespace = 'data'::regnamespace and c.relkind = 'r' and exists (
        select from pg_attribute as a join pg_type as y on y.oid = a.atttypid where a.attrelid = c.oid and a.attnum > 0 and y.typname in ('text', '_text', 'jsonb'))
    loop
        execute format('select count(*) from %s as t where t.xmin::text::bigint >= txid_current() & 4294967295 and to_jsonb(t)::text like %L', r.t, '%\\u0007%') into n;
        if n > 0 then
            return r.t;
        end if;
    end loop;
    return null;
end $$;
create function pg_temp.with_bell(p_name text, p_example text, p_n integer) returns text language plpgsql as $$
declare
    said text;
    parts text[];
begin
    begin
        execute coalesce((select b.sql from before as b where b.name = p_name), 'select 1');
        parts := regexp_split_to_array(pg_temp.meant(p_example), '''');
        parts[2 * p_n] := parts[2 * p_n] || chr(7) || 'x';
        begin
            execute array_to_string(parts, '''');
            said := coalesce('kept in ' || pg_temp.kept(), 'done, kept nowhere');
        exception when others then
            said := 'refused';
        end;
        raise exception 'tried' using errcode = 'ZT006', detail = said;
    exception when sqlstate 'ZT006' then
        get stacked diagnostics said = pg_exception_detail;
    end;
    return said;
end $$;
create temp table bells as select g.name, g.example, n, pg_temp.with_bell(g.name, g.example, n) as said
from given as g cross join lateral generate_series(1, (length(g.example) - length(replace(g.example, '''', ''))) / 2) as n;
select cmp_ok((select count(*) from bells where said = 'refused'), '>', 60::bigint, 'M9: many are refused');
select is_empty($$select name, example, n, said from bells where said like 'kept%'$$, 'M9: and none is kept');

-- A database from before: what was told as U+FFFD stays so, nothing is lost, and an identifier with such a character does not stop the migration.
alter table data.organization drop constraint organization_plain;
alter table data.service drop constraint service_plain;
alter table data.area drop constraint area_plain, drop constraint area_slot_attributes_plain;
alter table data.organization_status drop constraint organization_status_plain;
alter table data.status_detail drop constraint status_detail_plain;
drop function data.attributes_plain(jsonb);
alter table data.ref_item drop constraint ref_item_plain, drop constraint ref_item_attributes_plain, drop constraint ref_item_code_plain;
alter table data.ref_attribute drop constraint ref_attribute_plain;
alter table data.ref_book drop constraint ref_book_plain;
alter table data.organization drop constraint organization_timetable_comment_plain;
alter table data.agency drop constraint agency_plain;
alter table data.calendar drop constraint calendar_plain;
alter table data.calendar_day drop constraint calendar_day_plain;
alter table data.day_off drop constraint day_off_plain;
alter table data.special_day drop constraint special_day_plain;
drop function data.values_plain(jsonb);
insert into data.ref_item (ref_name, code, title, attributes) values ('told', 'old', E'О\x02\nд', jsonb_build_object('note', E'н\x03\nт'));
update data.ref_book set title = E'К\x05' where ref_name = 'told';
update data.organization set timetable_comment = E'обед\n\x04' where organization_id = 'T1';
update data.organization set address = E'у\x07л.' where organization_id = 'T1';
insert into data.service (service_id, name) values (E's\x01', 'x');
update data.area set name = E'К\x1b1', queue_prefix = E'А\x02', slot_attributes = jsonb_build_array(jsonb_build_object('name', 'a', 'value', E'b\x03'), jsonb_build_object('name', 'c', 'value', 'd'))
where organization_id = 'T1' and area_id = 'a1';
update data.organization_status set comment = E'Вас\nне\x08было' where organization_id = 'T1' and code = '203';
set local client_min_messages = warning;
set constraints all immediate;
\ir ../../sql/migrations/045_plain_texts.sql
\ir ../../sql/migrations/055_plain_books.sql
select is((select concat_ws(' ', b.title, i.title, i.attributes ->> 'note') from data.ref_item as i join data.ref_book as b using (ref_name) where i.code = 'old' and ref_name = 'told'),
    U&'К\FFFD О\FFFD\000Aд н\FFFD\000Aт', 'R1: a book, an item, a value');
select is((select timetable_comment from data.organization where organization_id = 'T1'), U&'обед\000A\FFFD', 'R4: the comment beside the hours');
select is((select address from data.organization where organization_id = 'T1'), U&'у\FFFDл.', 'an address');
select is((select name || ' ' || queue_prefix || ' ' || slot_attributes from data.area where organization_id = 'T1' and area_id = 'a1'),
    U&'К\FFFD1 А\FFFD [{"name": "a", "value": "b\FFFD"}, {"name": "c", "value": "d"}]', 'an area');
select is((select comment from data.organization_status where organization_id = 'T1' and code = '203'), E'Вас\nне' || U&'\FFFD' || 'было', 'a text keeps its lines');
select is((select string_agg(conname, ' ' order by conname) from pg_constraint where conname like '%\_plain' and not convalidated), 'service_plain', 'what cannot be put right is not vouched for');
select throws_ok($$insert into data.service (service_id, name) values (E's\x02', 'x')$$, '23514', null, 'and nothing like it comes in any more');
delete from data.organization_status where organization_id = 'T1' and code = '203';
select pg_temp.healthy();
select * from finish();
rollback;
