-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- Reference books of the operator's own, their order, pages, versions (M5-M7, R1-R4, R6, A12-A20), edge 22.
\ir lib/helpers.psql
\ir lib/refs.psql
select no_plan();

-- R1: a book from nothing
select is(admin.ref_new('doctors', 'Врачи'), 'doctors', 'R1: a flat book');
select is(admin.ref_new('units', 'Подразделения', 'H'), 'units', 'R1: a tree');
select is(admin.ref_new('mine', 'Только наш', 'P', 'TEST00001'), 'mine', 'C6: a book of one agency');
select is(pg_temp.ref('doctors'), '0 total=0', 'R1: an empty book is code 0');
select is(pg_temp.ref('doctors', page => 1, size => 10), '0 total=0', 'A18: page 1 of nothing');
select is(pg_temp.ref('doctors', page => 9, size => 10), '0 total=0', 'A18: page 9 of nothing');
select throws_ok($$select admin.ref_new('doctors', 'Ещё раз')$$, '23505', null, 'a book twice');
select throws_ok($$select admin.ref_new('services', 'Услуги')$$, '23505', null, 'nor a built-in one');
select throws_ok($$select admin.ref_new('x', 'Икс', 'T')$$, '23514', null, 'a kind that is none');
select throws_ok($$select admin.ref_new('', 'Пусто')$$, '23514', null, 'no name');
select throws_ok($$select admin.ref_new('a b', 'Пробел')$$, '23514', null, 'a name that is a text');
select throws_ok($$select admin.ref_new('x', ' ')$$, '23514', null, 'no title');
select throws_ok($$select admin.ref_new('x', null)$$, '23502', null, 'title null');
select throws_ok($$select admin.ref_new('x', 'Икс', 'P', 'NOBODY')$$, '23503', null, 'an unknown agency');
select is(admin.ref_attribute('doctors', v.name, v.name, v.type), v.name, 'R1: attribute ' || v.type)
from (values ('age', 'LONG'), ('rate', 'DECIMAL'), ('since', 'DATETIME'), ('isHead', 'BOOLEAN'), ('speciality', 'STRING')) as v (name, type);
select is(admin.ref_attribute('doctors', 'unit', 'Подразделение', 'STRING', 'units'), 'unit', 'R1: a link');
select is(admin.ref_attribute('doctors', 'note', 'Примечание', 'STRING', null, false), 'note', 'R1: not to be filtered by');
select throws_ok($$select admin.ref_attribute('doctors', 'x', 'Икс', 'FLOAT')$$, '23514', null, 'a type that is none');
select throws_ok($$select admin.ref_attribute('doctors', 'x', 'Икс', 'STRING', 'nowhere')$$, '23503', null, 'a link to an unknown book');
select throws_ok($$select admin.ref_attribute('nowhere', 'x', 'Икс')$$, 'P0002', null, 'an attribute of an unknown book');
select throws_ok($$select admin.ref_attribute('services', 'x', 'Икс')$$, '42501', null, 'R5: a built-in book keeps its attributes');
select throws_ok($$select admin.ref_attribute('doctors', 'ж', 'Икс')$$, '23514', null, 'a name of other letters');
select throws_ok($$select admin.ref_attribute('doctors', 'code', 'Код', 'LONG')$$, '23514', null, 'A12: code is a STRING');
select results_eq($$select name, type, attr_ref_name, allow_filtering from api.get_ref_attributes_list('', '{doctors}') where kind = 'attribute'$$,
    $$values ('code', 'STRING', null, true), ('title', 'STRING', null, true), ('age', 'LONG', null, true), ('rate', 'DECIMAL', null, true),
        ('since', 'DATETIME', null, true), ('isHead', 'BOOLEAN', null, true), ('speciality', 'STRING', null, true), ('unit', 'STRING', 'units', true),
        ('note', 'STRING', null, false), ('isDeleted', 'BOOLEAN', null, false)$$, 'M6, A12, A13: what was described, in that order');
select is((select count(*) from api.get_refs_list('TEST00002') where name = 'mine'), 0::bigint, 'M5, C6: another agency does not see it');
select is((select count(*) from api.get_refs_list('TEST00001') where name = 'mine'), 1::bigint, 'M5, C6: its own does');
select is(pg_temp.ref('mine', recipient => 'TEST00002'), '3 total=0', 'C6: nor reads it: error 3');
select is((select error_code from api.get_ref_attributes_list('TEST00002', '{mine}') where kind = 'answer'), 3, 'C6: nor its attributes');
select is(pg_temp.ref('mine', recipient => 'TEST00001'), '0 total=0', 'C6: its own agency reads it');

-- R1: values have the types of item 23
create function pg_temp.try(name text, value text) returns boolean language plpgsql as $$
begin
    perform admin.ref_put('doctors', 'try', 'Проба', jsonb_build_object(name, value));
    return true;
exception when check_violation or foreign_key_violation then
    return false;
end $$;
select is(pg_temp.try(v.name, v.value), false, format('R1: %s is no %s', v.value, v.name))
from (values ('age', ''), ('age', ' '), ('age', '1.0'), ('age', '1e3'), ('age', 'сорок'), ('age', '+7'), ('age', '9223372036854775808'), ('age', '-9223372036854775809'),
    ('age', '٣'), ('rate', ''), ('rate', '1,5'), ('rate', '.5'), ('rate', '5.'), ('rate', 'NaN'), ('rate', 'Infinity'), ('rate', '1e5'),
    ('since', '2026-01-01'), ('since', '2026-01-01T10:00:00'), ('since', '2026-01-01T10:00:00Z'), ('since', '2026-02-30T10:00:00+03:00'),
    ('since', '2026-01-01T25:00:00+03:00'), ('since', '2026-01-01 10:00:00+03:00'), ('since', 'now'), ('since', '2026-01-01T10:00:00+99:00'), ('isHead', 'True'), ('isHead', '1'),
    ('isHead', ''), ('isHead', 'да'), ('isHead', 't'), ('speciality', repeat('x', 4001)), ('unit', 'nowhere'), ('unit', ''), ('colour', 'red'),
    ('code', 'try'), ('title', 'Проба'), ('isDeleted', 'true')) as v (name, value);
select is(pg_temp.try(v.name, v.value), true, format('R1: %s is a %s', v.value, v.name))
from (values ('age', '0'), ('age', '-9223372036854775808'), ('age', '007'), ('rate', '-1.50'), ('rate', '3'), ('since', '2026-02-28T23:59:59.5-11:00'),
    ('isHead', 'false'), ('speciality', '')) as v (name, value);
select throws_ok($$select admin.ref_put('doctors', 'try', 'Проба', '{"age": 7}')$$, '23514', null, 'R1: a number of JSON is no text');
select throws_ok($$select admin.ref_put('doctors', 'try', 'Проба', '{"age": null}')$$, '23514', null, 'R1: nor is null');
select throws_ok($$select admin.ref_put('doctors', 'try', 'Проба', '[]')$$, '23514', null, 'R1: a list');
select throws_ok($$select admin.ref_put('doctors', '', 'Без кода')$$, '23514', null, 'A12: no code');
select throws_ok($$select admin.ref_put('doctors', E'a\nb', 'Две строки')$$, '23514', null, 'A12: a code of two lines');
select throws_ok($$select admin.ref_put('doctors', repeat('x', 251), 'Длинный')$$, '23514', null, 'A12: a long code');
select throws_ok($$select admin.ref_put('doctors', 'd', null)$$, '23502', null, 'A12: no title');
select throws_ok($$select admin.ref_put('doctors', 'd', 'В плоском', '{}', 'try')$$, '23514', null, 'R1: a flat book has no parents');
select throws_ok($$select admin.ref_put('nowhere', 'd', 'Нет')$$, 'P0002', null, 'no such book');
select throws_ok($$select admin.ref_put('units', 'd', 'Сирота', '{}', 'nowhere')$$, 'P0002', null, 'no such parent');
select throws_ok($$insert into data.ref_item (ref_name, code, title) values ('doctors', 'try', 'Двойник')$$, '23505', null, 'a code twice');
select throws_ok($$insert into data.ref_item (ref_name, code, title) values ('doctors', 'd1', 'Раз'), ('doctors', 'd1', 'Два')$$, '23505', null, 'twice in one statement');
select throws_ok($$insert into data.ref_item (ref_name, code, title, parent_id) select 'units', 'u', 'Чужой', item_id from data.ref_item where code = 'try'$$, '23503', null, 'a parent in another book');
select throws_ok($$update data.ref_item set ref_name = 'units' where code = 'try'$$, '23514', null, 'an item keeps its book');
select throws_ok($$update data.ref_item set title = 'Подлог' where ref_name = 'services'$$, '42501', null, 'R5: a built-in book is not written by hand');
select throws_ok($$delete from data.ref_item where ref_name = 'organizations'$$, '42501', null, 'R4: nor emptied');
select throws_ok($$insert into data.ref_item (ref_name, code, title) values ('areas', 'x', 'Икс')$$, '42501', null, 'R4: nor added to');
select throws_ok($$insert into data.ref_item (ref_name, code, title, source_key) values ('units', 'x', 'Икс', 'y')$$, '23514', null, 'a source_key in a book of one''s own');
select throws_ok($$select admin.ref_put('services', 's1', 'Подлог')$$, '42501', null, 'R5: nor through a function');
select throws_ok($$select admin.ref_delete('services', 's1')$$, '42501', null, 'R5: nor deleted from');
select throws_ok($$select admin.ref_drop('services')$$, '42501', null, 'R5: nor dropped');
select throws_ok($$select admin.ref_delete('doctors', 'nobody')$$, 'P0002', null, 'deleting what is not there');
select lives_ok($$select admin.ref_delete('doctors', 'try')$$, 'deleting what is');
select is(pg_temp.ref('doctors'), '0 total=0', 'R6: and it is gone');

-- trees
select lives_ok($$select admin.ref_put('units', 'root', 'Управление'), admin.ref_put('units', 'b', 'Отдел Б', '{}', 'root'), admin.ref_put('units', 'a', 'Отдел А', '{}', 'root'),
    admin.ref_put('units', 'a1', 'Сектор 1', '{}', 'a'), admin.ref_put('units', 'a2', 'Сектор 2', '{}', 'a'), admin.ref_put('units', 'alone', 'Отдельный')$$, 'R1: a tree');
select is(pg_temp.ref('units'), '0 total=6 alone root >a^root >>a1^a >>a2^a >b^root', 'A20: SUBTREE nests; A19: all nodes count');
select is(pg_temp.ref('units', tree => 'ONELEVEL'), '0 total=2 alone root', 'A20: ONELEVEL: the top');
select is(pg_temp.ref('units', 'root', 'ONELEVEL'), '0 total=2 a^root b^root', 'A20: ONELEVEL of a parent');
select is(pg_temp.ref('units', 'root'), '0 total=4 a^root >a1^a >a2^a b^root', 'A20: SUBTREE of a parent');
select is(pg_temp.ref('units', 'a1'), '0 total=0', 'edge 22: SUBTREE from a leaf');
select is(pg_temp.ref('units', 'a1', 'ONELEVEL'), '0 total=0', 'edge 22: ONELEVEL from a leaf');
select is(pg_temp.ref('units', 'nobody'), '2 total=0 parentRefItemValue:2', 'an unknown parent');
select is(pg_temp.ref('doctors', 'try'), '2 total=0 parentRefItemValue:2', 'a parent in a flat book');
-- item 24: pageSize counts what totalItems counts, so that ceil(totalItems / pageSize) pages are the list and have each item once
select is(string_agg(pg_temp.ref('units', page => p, size => 2), ', ' order by p), '0 total=6 alone root, 0 total=6 a^root >a1^a, 0 total=6 a2^a b^root, 0 total=6',
    'A18, A19: pages of a tree; what has its parent on an earlier page names it') from generate_series(1, 4) as p;
select is(string_agg(pg_temp.ref('units', page => p, size => 4), ', ' order by p), '0 total=6 alone root >a^root >>a1^a, 0 total=6 a2^a b^root', 'A19: nested as far as the page goes')
    from generate_series(1, 2) as p;
select is(string_agg(pg_temp.ref('units', 'root', page => p, size => 3), ', ' order by p), '0 total=4 a^root >a1^a >a2^a, 0 total=4 b^root', 'A19: below a parent') from generate_series(1, 2) as p;
select is(string_agg(pg_temp.ref('units', page => p, size => 1, tree => 'ONELEVEL'), ', ' order by p), '0 total=2 alone, 0 total=2 root, 0 total=2', 'A18: ONELEVEL counts one level')
    from generate_series(1, 3) as p;
select is(pg_temp.ref('units', ordered => '{title}'), '0 total=6 alone root >a^root >>a1^a >>a2^a >b^root', 'R2: orderBy within each level');
update data.ref_item set title = 'Я' where code = 'a' and ref_name = 'units';
select is(pg_temp.ref('units', ordered => '{title}'), '0 total=6 alone root >b^root >a^root >>a1^a >>a2^a', 'R2: another order');
-- whatever the list is, its pages together are it: each item once, in its order, pageSize of them to the last page
insert into data.ref_book (ref_name, title, kind) values ('forest', 'Лес', 'H');
insert into data.ref_attribute (ref_name, position, name, title, type, allow_filtering) values ('forest', 10, 'a', 'А', 'STRING', true);
do $$
begin
    perform setseed(0.329);
    for n in 1 .. 120 loop
        insert into data.ref_item (ref_name, code, title, attributes, parent_id)
        select 'forest', 'f' || n, chr(1040 + (random() * 5)::integer), jsonb_build_object('a', (random() * 3)::integer::text), (
            select i.item_id from data.ref_item as i where i.ref_name = 'forest' and random() < 0.8 order by random() limit 1);
    end loop;
end $$;
create function pg_temp.sent(parent text, tree text, ordered text[], wanted text, page integer, size integer) returns text[] language sql as $$
    select array_agg((r."values")[1] order by r.n) filter (where r.kind = 'item') || array[max(r.total_items)::text]
    from api.get_ref_items_list('', 'forest', parent, tree, '{code}', ordered, page, size, null, case when wanted is not null then
        jsonb_build_object('attributeName', 'a', 'condition', 'equals', 'checkAllValues', false, 'value', wanted) end) with ordinality
        as r (kind, error_code, error_message, field, total_items, version, depth, parent_item, names, "values", n)
$$;
select is_empty($$
    select p.parent, t.tree, o.o, w.wanted, z.size, pages.wrong
    from (values (null), ('f1'), ('f2')) as p (parent), (values ('SUBTREE'), ('ONELEVEL')) as t (tree), (values ('{}'::text[]), ('{title}'), ('{a,title}')) as o (o),
        (values (null), ('1')) as w (wanted), (values (1), (7), (40), (120), (121)) as z (size)
    cross join lateral (select pg_temp.sent(p.parent, t.tree, o.o, w.wanted, 0, 0) as whole) as a
    cross join lateral (select a.whole[cardinality(a.whole)]::integer as total) as b
    cross join lateral (
        select string_agg(g.page::text, ' ') as wrong from generate_series(1, (b.total + z.size - 1) / z.size + 1) as g (page)
        where pg_temp.sent(p.parent, t.tree, o.o, w.wanted, g.page, z.size)
            is distinct from a.whole[(g.page - 1) * z.size + 1 : least(g.page * z.size, b.total)] || array[b.total::text]) as pages
    where pages.wrong is not null or cardinality(a.whole) <> b.total + 1$$, 'A18, A19: any list is its pages');
select throws_ok($$select admin.ref_put('units', 'root', 'Управление', '{}', 'root')$$, '23514', null, 'edge 22: an item inside itself');
select throws_ok($$select admin.ref_put('units', 'root', 'Управление', '{}', 'a1')$$, '23514', null, 'edge 22: a cycle of three');
select throws_ok($$update data.ref_item as i set parent_id = p.item_id from data.ref_item as p where i.ref_name = 'units' and p.ref_name = 'units' and (i.code, p.code) in (('a', 'b'), ('b', 'a'))$$, '23514', null, 'edge 22: a cycle in one statement');
select throws_ok($$select admin.ref_delete('units', 'a')$$, '23503', 'Справочник units: под элементом a есть другие', 'an item with others under it stays, and it says so');
select lives_ok($$update data.ref_item as i set parent_id = p.item_id from data.ref_item as p where i.ref_name = 'units' and p.ref_name = 'units' and i.code = 'b' and p.code = 'a1'$$, 'moving is no cycle');
select is(pg_temp.ref('units', 'a'), '0 total=3 a1^a >b^a1 a2^a', 'R1: moved');
update data.ref_book set max_depth = 3 where ref_name = 'units';
select is(pg_temp.ref('units'), '0 total=5 alone root >a^root >>a1^a >>a2^a', 'A20: as deep as the book allows, and so counted');
select is(pg_temp.ref('units', 'root'), '0 total=4 a^root >a1^a >>b^a1 >a2^a', 'A20: counted from the parent');
update data.ref_book set max_depth = 32 where ref_name = 'units';
select throws_ok($$update data.ref_book set max_depth = 33$$, '23514', null, 'A20: no deeper than the daemon nests');
select is(pg_temp.ref('units', tree => t.t), '2 total=0 treeFiltering:1', 'treeFiltering ' || coalesce(t.t, 'null')) from (values ('ALL'), (''), (null), ('subtree')) as t (t);

-- R2: orderBy
select lives_ok($$insert into data.ref_item (ref_name, code, title, attributes) values
    ('doctors', 'd1', 'Елкин', '{"age": "10", "rate": "-1.5", "since": "2026-01-01T10:00:00+12:00", "isHead": "true", "unit": "a"}'),
    ('doctors', 'd2', 'ёлкин', '{"age": "9", "rate": "-1.50", "since": "2026-01-01T01:00:00+03:00", "isHead": "false"}'),
    ('doctors', 'd3', 'Жуков', '{"age": "-2", "rate": "100", "since": "2026-01-01T00:00:00+03:00", "isHead": "false"}'),
    ('doctors', 'D4', 'Ёжиков', '{}'),
    ('doctors', 'd10', 'Абрамов', '{"age": "9", "rate": "0.001"}')$$, 'doctors');
select is(pg_temp.ref('doctors', ordered => o.o), '0 total=5 ' || o.want, 'R2: orderBy ' || o.o::text) from (values
    ('{}'::text[], 'D4 d1 d10 d2 d3'), ('{code}', 'D4 d1 d10 d2 d3'), ('{title}', 'd10 D4 d1 d2 d3'), ('{age}', 'd3 d10 d2 d1 D4'), ('{rate}', 'd1 d2 d10 d3 D4'),
    ('{since}', 'd3 d1 d2 D4 d10'), ('{isHead}', 'd2 d3 d1 D4 d10'), ('{age,title}', 'd3 d10 d2 d1 D4'), ('{isHead,age}', 'd3 d2 d1 d10 D4'),
    ('{rate,since}', 'd1 d2 d10 d3 D4'), ('{code,title}', 'D4 d1 d10 d2 d3'), ('{age,code,title}', 'd3 d10 d2 d1 D4'), ('{age,age}', 'd3 d10 d2 d1 D4'),
    ('{"",age}', 'd3 d10 d2 d1 D4'), ('{isDeleted,age}', 'd3 d10 d2 d1 D4'), ('{note}', 'D4 d1 d10 d2 d3')) as o (o, want);
select is(pg_temp.ref('doctors', ordered => '{Age}'), '2 total=0 orderBy:2', 'R2: names have their case');
select is(pg_temp.ref('doctors', ordered => '{age,colour}'), '2 total=0 orderBy:2', 'R2: an unknown one among known');
select is(pg_temp.ref('doctors', ordered => array['age desc; drop table data.slot']), '2 total=0 orderBy:2', 'P4: text is never SQL');
select is(pg_temp.ref('doctors', ordered => '{age}', page => 2, size => 2), '0 total=5 d2 d1', 'A18: a page of an ordered list');
select is(pg_temp.ref('doctors', ordered => '{age}', page => 3, size => 2), '0 total=5 D4', 'A18: the last one');
select is(pg_temp.ref('doctors', ordered => '{age}', page => 4, size => 2), '0 total=5', 'edge 22: past the end');
select is(pg_temp.ref('doctors', page => 3, size => 2) || ', ' || pg_temp.ref('doctors', page => 4, size => 2), '0 total=5 d3, 0 total=5', 'edge 22: by the steps too');
select is(pg_temp.ref('doctors', page => -1, size => -1), '2 total=0 pageNum:1 pageSize:1', 'A18: negative ones');
select is(pg_temp.ref('doctors', page => 2147483647, size => 2147483647), '0 total=5', 'A18: far past the end');
-- R2: selectAttributes
select is(pg_temp.ref('doctors', selected => '{rate,age}', page => 1, size => 3), '0 total=5  10|-1.5 9|0.001', 'R2: selected ones in the order of the book; what has none has none');
select is((select names::text || "values"::text from api.get_ref_items_list('', 'doctors', null, 'ONELEVEL', '{note}', '{}', 1, 1, null) where kind = 'item'), '{}{}', 'R2: an item without any of them is still an item');
select is(pg_temp.ref('doctors', selected => '{code,isDeleted}', page => 1, size => 1), '0 total=5 D4', 'A13: isDeleted may be asked for');
select is(pg_temp.ref('doctors', selected => '{Rate}'), '2 total=0 selectAttributes:2', 'R2: an unknown one');
select is((select names::text from api.get_ref_items_list('', 'doctors', null, 'ONELEVEL', '{}', '{}', 1, 1, null) where kind = 'item'), '{code,title}', 'A13: a full list does not tell isDeleted');
-- P1 over books
select is(pg_temp.ref('doctors', filter => '{"attributeName": "age", "condition": "lessThan", "checkAllValues": false, "value": "10"}'), '0 total=3 d10 d2 d3', 'P2: a filter, typed');
select is(pg_temp.ref('units', filter => '{"attributeName": "code", "condition": "startsWith", "checkAllValues": false, "value": "a"}'), '0 total=4 a^root >a1^a >a2^a alone', 'P1: in a tree: what meets it, with its place told by parentItem');
select is(pg_temp.ref('doctors', filter => '{"attributeName": "note", "condition": "equals", "checkAllValues": false, "value": "x"}'), '2 total=0 filter:1', 'P1: an attribute that is not to be filtered by');
select is(pg_temp.ref('doctors', filter => '{"attributeName": "colour", "condition": "equals", "checkAllValues": false, "value": "x"}'), '2 total=0 filter:2', 'P1: an unknown attribute');
select results_eq($$select name, value, number, instant, truth from data.ref_value where ref_name = 'doctors' and code = 'd1' and name in ('age', 'since', 'isHead', 'unit') order by name$$,
    $$values ('age', '10', 10::numeric, null::timestamptz, null::boolean), ('isHead', 'true', null, null, true), ('since', '2026-01-01T10:00:00+12:00', null, '2026-01-01T01:00:00+03:00', null), ('unit', 'a', null, null, null)$$, 'R1: typed values in one place');
-- R1: attributes in use, links
select throws_ok($$delete from data.ref_attribute where ref_name = 'doctors' and name = 'age'$$, '23514', null, 'R1: an attribute in use stays');
select throws_ok($$select admin.ref_attribute('doctors', 'rate', 'Ставка', 'LONG')$$, '23514', null, 'R1: and keeps a type its values fit');
select throws_ok($$select admin.ref_attribute('doctors', 'age', 'Возраст', 'LONG', 'units')$$, '23514', null, 'R1: and no link its values do not fit');
select lives_ok($$select admin.ref_attribute('doctors', 'age', 'Возраст', 'DECIMAL')$$, 'R1: a wider type is one');
select lives_ok($$delete from data.ref_attribute where ref_name = 'doctors' and name = 'note'$$, 'R1: one that is not used goes');
select throws_ok($$select admin.ref_drop('units')$$, '23503', null, 'R1: a book that others link to stays');
select throws_ok($$select admin.ref_drop('nowhere')$$, 'P0002', null, 'dropping what is not there');

-- R3: versions and deltas
create temp table v as select pg_temp.version('doctors') as doctors, pg_temp.version('units') as units;
select is(pg_temp.ref('doctors', version => (select doctors from v)), '5 total=0', 'A15: equal: error 5');
select is(pg_temp.ref('doctors', version => '0' || (select doctors from v)), '0 total=5 D4 d1 d10 d2 d3', 'A14: not as we write it: the full list');
select is(pg_temp.ref('doctors', version => x.x), '0 total=5 D4 d1 d10 d2 d3', 'A14: full list for ' || x.x) from (values ('v1'), (''), ('-1'), ('1.0'), ('999999'), ('99999999999999999999999'), ('0'), (' 1')) as x (x);
update data.ref_item set title = title where ref_name = 'doctors';
update data.ref_item set title = 'Никто' where ref_name = 'doctors' and code = 'nobody';
select lives_ok($$select admin.ref_put('doctors', 'D4', 'Ёжиков')$$, 'the same again');
select is(pg_temp.version('doctors'), (select doctors from v), 'R3: what changes nothing makes no version');
update data.ref_item set title = 'Жуков-Новый' where ref_name = 'doctors' and code = 'd3';
select is(pg_temp.version('doctors'), ((select doctors from v)::bigint + 1)::text, 'R3: a change makes one');
select is(pg_temp.version('units'), (select units from v), 'R3: of its own book');
select is(pg_temp.ref('doctors', version => (select doctors from v)), '0 total=1 d3', 'A14: an older version gets what changed');
select is(pg_temp.ref('doctors', version => pg_temp.version('doctors')), '5 total=0', 'A15: and the new one error 5');
select lives_ok($$select admin.ref_delete('doctors', 'd1'), admin.ref_put('doctors', 'd11', 'Новиков')$$, 'one goes, one comes');
select is(pg_temp.ref('doctors', version => (select doctors from v)), '0 total=3 -d1 d11 d3', 'A13: a tombstone, one new, one changed');
select is(pg_temp.ref('doctors', version => (select doctors from v), selected => '{title}'), '0 total=3 -d1 Новиков Жуков-Новый', 'A13: a tombstone tells its code and isDeleted whatever is selected');
select is(pg_temp.ref('doctors', version => (select doctors from v), ordered => '{title}'), '0 total=3 -d1 d3 d11', 'R2: a delta in order');
select is(pg_temp.ref('doctors', version => (select doctors from v), page => 2, size => 1), '0 total=3 d11', 'A18: a page of a delta');
select is(pg_temp.ref('doctors', version => (select doctors from v), page => 7, size => 1), '0 total=3', 'A18: past its end');
select is(pg_temp.ref('doctors', version => pg_temp.version_plus('doctors', -1)), '0 total=1 d11', 'A14: since the last but one');
select is(pg_temp.ref('doctors'), '0 total=5 D4 d10 d11 d2 d3', 'A13: a full list has no tombstones');
select is((select "values"[array_position(names, 'isDeleted')] from api.get_ref_items_list('', 'doctors', null, 'ONELEVEL', '{code,isDeleted}', '{}', 0, 0, (select doctors from v)) where "values"[1] = 'd3'), 'false', 'A13: asked for, the others say false');
select lives_ok($$select admin.ref_put('doctors', 'd1', 'Елкин снова')$$, 'back again');
select is(pg_temp.ref('doctors', version => (select doctors from v)), '0 total=3 d1 d11 d3', 'A13: what is back is no tombstone');
update data.ref_item set code = 'd0' where ref_name = 'doctors' and code = 'd1';
select is(pg_temp.ref('doctors', version => (select doctors from v)), '0 total=4 d0 -d1 d11 d3', 'A13: another code: the old one is a tombstone');
select is(pg_temp.ref('doctors', version => (select doctors from v), filter => '{"attributeName": "code", "condition": "equals", "checkAllValues": false, "value": "d2"}'), '0 total=1 d2', 'R3: a filtered list comes whole');
-- A13: tombstones for N versions
update data.ref_book set keep_versions = 3 where ref_name = 'doctors';
create temp table old as select pg_temp.version('doctors')::bigint as v;
select admin.ref_delete('doctors', 'd0');
update data.ref_item set title = 'Раз' where ref_name = 'doctors' and code = 'd2';
update data.ref_item set title = 'Два' where ref_name = 'doctors' and code = 'd2';
select is(pg_temp.ref('doctors', version => (select v::text from old)), '0 total=2 -d0 d2', 'A13: three versions back it is told');
select is(pg_temp.ref('doctors', version => (select (v - 1)::text from old)), pg_temp.ref('doctors'), 'A13: four back: the full list');
update data.ref_item set title = 'Три' where ref_name = 'doctors' and code = 'd2';
select is(pg_temp.ref('doctors', version => (select v::text from old)), pg_temp.ref('doctors'), 'A13: one more, and it is forgotten');
select is((select count(*) from data.ref_mark as m join data.ref_book as b using (ref_name) where m.version <= b.delta_from and b.ref_name = 'doctors'), 0::bigint, 'A13: and so are the marks');
-- R3 in trees
update v set units = pg_temp.version('units');
select lives_ok($$select admin.ref_put('units', 'b', 'Отдел Б', '{}', 'root'), admin.ref_delete('units', 'a2'), admin.ref_put('units', 'a3', 'Сектор 3', '{}', 'a')$$, 'one moves, one goes, one comes');
select is(pg_temp.ref('units', version => (select units from v)), '0 total=3 -a2 a3^a b^root', 'R3: a delta is flat, parentItem tells the place');
select is(pg_temp.ref('units', 'a', 'ONELEVEL', version => (select units from v)), '0 total=2 -a2 a3^a', 'R3: of the children of one');
select is(pg_temp.ref('units', 'a', version => (select units from v)), '0 total=3 -a2 a3^a b^root', 'R3: of a subtree: what has left it comes with its new parent');
select is(pg_temp.ref('units', 'a1', 'ONELEVEL', version => (select units from v)), '0 total=1 b^root', 'R3: its old parent is told');
select is(pg_temp.ref('units', 'b', version => (select units from v)), '0 total=0', 'R3: nothing changed under it');
select is(pg_temp.ref('units', tree => 'ONELEVEL', version => (select units from v)), '0 total=0', 'R3: nothing changed at the top');
select lives_ok($$select admin.ref_put('units', 'alone', 'Отдельный', '{}', 'b')$$, 'one leaves the top');
select is(pg_temp.ref('units', tree => 'ONELEVEL', version => (select units from v)), '0 total=1 alone^b', 'R3: which is told there');
update v set units = pg_temp.version('units');
delete from data.ref_item where ref_name = 'units' and code in ('a', 'a1', 'a3');
select is(pg_temp.version('units'), ((select units from v)::bigint + 1)::text, 'R6: a branch in one statement is one version');
select is(pg_temp.ref('units', 'root', version => (select units from v)), '0 total=3 -a -a1 -a3', 'A13: a branch cut off, told through what is gone');

-- A16: a list is read from one version
select lives_ok($$insert into data.ref_item (ref_name, code, title) select 'mine', 'c' || lpad(n::text, 5, '0'), 'Номер ' || n from generate_series(1, 5000) as n$$, 'five thousand');
select is(pg_temp.ref('mine', page => 1, size => 2), '0 total=5000 c00001 c00002', 'A16: the first page');
select is(pg_temp.ref('mine', page => 2, size => 2), '0 total=5000 c00003 c00004', 'A16: the second');
update data.ref_item set title = 'Иначе' where ref_name = 'mine' and code = 'c04000';
select is(pg_temp.ref('mine', page => 3, size => 2), '1 total=0', 'A16: the book has changed: refused');
select is((select error_message ~ 'первой страницы' and version = pg_temp.version('mine') from api.get_ref_items_list('', 'mine', null, 'SUBTREE', '{}', '{}', 3, 2, null)), true, 'A16: with a text and the version in force');
select is(pg_temp.ref('mine', page => 3, size => 2), '1 total=0', 'A16: however often');
select is(pg_temp.ref('mine', page => 3, size => 3), '0 total=5000 c00007 c00008 c00009', 'A16: another list is another list');
select is(pg_temp.ref('mine', page => 1, size => 2), '0 total=5000 c00001 c00002', 'A16: from the beginning');
select is(pg_temp.ref('mine', page => 3, size => 2), '0 total=5000 c00005 c00006', 'A16: it goes on');
select is(pg_temp.ref('mine', page => 2500, size => 2), '0 total=5000 c04999 c05000', 'A18: the last page');
select is(pg_temp.ref('mine', page => 2501, size => 2), '0 total=5000', 'A18: past the end');
select is(pg_temp.ref('mine', page => 1, size => 3, ordered => '{title}'), '0 total=5000 c04000 c00001 c00010', 'R2: a long list in another order');
select is((select count(*) from data.ref_paging where ids is not null), 0::bigint, 'R2: only its first page is put in order');
select is(data.ids_unpack(data.ids_pack(array[0, -1, 1, 9223372036854775807, 255])), array[0, -1, 1, 9223372036854775807, 255], 'A16: as it was');
select is(pg_temp.ref('mine', page => 1667, size => 3, ordered => '{title}') || pg_temp.ref('mine', page => 1668, size => 3, ordered => '{title}') || pg_temp.ref('mine', page => 2147483647, size => 3, ordered => '{title}'), '0 total=5000 c00998 c009990 total=50000 total=5000', 'A18: its end, and past it');
select is((select cardinality(data.ids_unpack(ids)) from data.ref_paging where ids is not null), 5000, 'A16: whose order is kept');
select is(pg_temp.ref('mine', page => 2, size => 3, ordered => '{title}'), '0 total=5000 c00100 c01000 c01001', 'R2: for the pages that follow');
delete from data.ref_item where ref_name = 'mine' and code = 'c01000';
select is(pg_temp.ref('mine', page => 2, size => 3, ordered => '{title}'), '1 total=0', 'A16: and given up when the book changes');
select is(pg_temp.ref('mine', page => 1, size => 3, ordered => '{title}') || pg_temp.ref('mine', page => 2, size => 3, ordered => '{title}'), '0 total=4999 c04000 c00001 c000100 total=4999 c00100 c01001 c01002', 'A16: and made anew');
update data.ref_paging set at = at - interval '31 min';
update data.ref_item set title = 'Ещё иначе' where ref_name = 'mine' and code = 'c04000';
select is(pg_temp.ref('mine', page => 3, size => 2), '0 total=4999 c00005 c00006', 'A16: what was given up half an hour ago does not count');
-- the steps
select is_empty('select * from pg_temp.bad_steps()', 'A18: every step counts right');
select is((select count(*) > 3 from data.ref_step where ref_name = 'mine'), true, 'A18: a long book has several');
do $$
declare
    n integer;
begin
    perform setseed(0.329);
    for n in 1..60 loop
        case floor(random() * 5)
            when 0 then insert into data.ref_item (ref_name, code, title) select 'mine', substr(md5(random()::text), 1, 6), 'x' from generate_series(1, (random() * 700)::int) on conflict do nothing;
            when 1 then delete from data.ref_item where ref_name = 'mine' and item_id % 11 = floor(random() * 11)::int;
            when 2 then update data.ref_item set code = code || 'z' where ref_name = 'mine' and item_id % 17 = floor(random() * 17)::int and code !~ 'z$';
            when 3 then delete from data.ref_item where ref_name = 'mine' and code between chr(97 + (random() * 5)::int) and chr(98 + (random() * 5)::int);
            else perform admin.ref_put('mine', 'k' || n, 'y');
        end case;
    end loop;
end $$;
select is_empty('select * from pg_temp.bad_steps()', 'A18: and does after sixty random changes');
select is((select array_agg(code order by page, n) from (
        select page, r.n, "values"[1] as code from generate_series(1, 100) as page
        cross join lateral rows from (api.get_ref_items_list('', 'mine', null, 'ONELEVEL', '{code}', '{}', page, 97, null)) with ordinality
            as r (kind, error_code, error_message, field, total_items, version, depth, parent_item, names, "values", n) where r.kind = 'item') as x),
    (select array_agg(code::text order by code) from data.ref_item where ref_name = 'mine'), 'A18: all pages together are the book, once');
delete from data.ref_item where ref_name = 'mine';
select is(pg_temp.ref('mine', page => 1, size => 2), '0 total=0', 'A18: emptied');
select is_empty('select * from pg_temp.bad_steps()', 'A18: one empty step is left');
select is(admin.ref_drop('doctors'), 5::bigint, 'R1: a book goes with all it has');
select is(pg_temp.ref('doctors'), '3 total=0', 'and is error 3');
select * from finish();
rollback;
