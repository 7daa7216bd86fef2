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
($$select result from admin.correct('x', '202', %1$L)$$, true), ($$select admin.close_day('T1', current_date + 1, %1$L)$$, true);
select matches(pg_temp.refusal(format(command, 'а' || chr(c) || 'б')), '^(22023|23514) В тексте управляющий знак', format('O3: U+%s: %s', lpad(to_hex(c), 4, '0'), command))
from typed, unnest(array[1, 7, 8, 11, 12, 14, 27, 31, 127, 128, 133, 159, 65534, 65535]) as c;
select matches(pg_temp.refusal(format(command, 'а' || chr(c) || 'б')), '^(22023|23514) В тексте управляющий знак', format('O3: U+%s in one line: %s', lpad(to_hex(c), 4, '0'), command))
from typed, unnest(array[9, 10, 13]) as c where not is_long or c = 13;
select is(pg_temp.refusal(format($$select admin.set_text('T1', '203', %L)$$, E'Вас не было.\n\tЗвоните')), 'done', 'S4: a text may have lines');
select is(pg_temp.refusal(format($$select admin.slot_attribute('T1', 'a1', 'x', %L)$$, U&'«Ё» — \00A0№ \D83D\DE00')), 'done', 'M9: every other character is good');
select is(pg_temp.state('x'), 'BOOKED', 'what was refused has changed nothing');

-- A database from before: what was told as U+FFFD stays so, nothing is lost, and an identifier with such a character does not stop the migration.
alter table data.organization drop constraint organization_plain;
alter table data.service drop constraint service_plain;
alter table data.area drop constraint area_plain, drop constraint area_slot_attributes_plain;
alter table data.organization_status drop constraint organization_status_plain;
alter table data.status_detail drop constraint status_detail_plain;
drop function data.attributes_plain(jsonb);
update data.organization set address = E'у\x07л.' where organization_id = 'T1';
insert into data.service (service_id, name) values (E's\x01', 'x');
update data.area set name = E'К\x1b1', queue_prefix = E'А\x02', slot_attributes = jsonb_build_array(jsonb_build_object('name', 'a', 'value', E'b\x03'), jsonb_build_object('name', 'c', 'value', 'd'))
where organization_id = 'T1' and area_id = 'a1';
update data.organization_status set comment = E'Вас\nне\x08было' where organization_id = 'T1' and code = '203';
set local client_min_messages = warning;
set constraints all immediate;
\ir ../../sql/migrations/045_plain_texts.sql
select is((select address from data.organization where organization_id = 'T1'), U&'у\FFFDл.', 'an address');
select is((select name || ' ' || queue_prefix || ' ' || slot_attributes from data.area where organization_id = 'T1' and area_id = 'a1'),
    U&'К\FFFD1 А\FFFD [{"name": "a", "value": "b\FFFD"}, {"name": "c", "value": "d"}]', 'an area');
select is((select comment from data.organization_status where organization_id = 'T1' and code = '203'), E'Вас\nне' || U&'\FFFD' || 'было', 'a text keeps its lines');
select is((select string_agg(conname, ' ' order by conname) from pg_constraint where conname like '%\_plain' and not convalidated), 'service_plain', 'what cannot be put right is not vouched for');
select throws_ok($$insert into data.service (service_id, name) values (E's\x02', 'x')$$, '23514', null, 'and nothing like it comes in any more');
select pg_temp.healthy();
select * from finish();
rollback;
