-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- What a table of the daemon or a page says and the database says too is the same: words of lists and of errors (M10), bounds of lists (L2), channels (B5),
-- tasks of housekeeping, events of a booking (S2). Both sides are read, the database's as it is after all migrations.
\ir lib/helpers.psql
\set shapes `cat "$ZAPISD_SQL_TESTS/../../src/booking/shapes.c"`
\set options `cat "$ZAPISD_SQL_TESTS/../../src/config/config_table.h"`
\set tasks `cat "$ZAPISD_SQL_TESTS/../../src/housekeeping.c"`
\set texts `cat "$ZAPISD_SQL_TESTS/../../src/booking/reply.c"`
\set booking `cat "$ZAPISD_SQL_TESTS/../../include/booking.h"`
\set limits `cat "$ZAPISD_SQL_TESTS/../../docs/limits.md"`
\set architecture `cat "$ZAPISD_SQL_TESTS/../../docs/architecture.md"`
select no_plan();

-- What stands in double quotes between the braces behind a name; what stands in single ones in a constraint. In order of the alphabet.
create function pg_temp.words_in_c(text_of text, name text) returns text[] language sql as $$
    select array_agg(w[1] order by w[1] collate "C")
    from regexp_matches(substring(text_of from name || '\[\] = \{([^}]*)\}'), '"([^"]+)"', 'g') as w
$$;
create function pg_temp.words_of(constraint_name text) returns text[] language sql as $$
    select array_agg(distinct w[1] collate "C" order by w[1] collate "C")
    from pg_constraint as c, regexp_matches(pg_get_constraintdef(c.oid), '''([^'']+)''::text', 'g') as w where c.conname = constraint_name
$$;
select is(pg_temp.words_of('organization_service_user_types'), pg_temp.words_in_c(:'shapes', 'field_user_types'), 'M10: userType, in a rule of an office');
select is(pg_temp.words_of('organization_service_user_kinds'), pg_temp.words_in_c(:'shapes', 'field_user_kinds'), 'M10: userKind');
select is(pg_temp.words_of('channel_share_channel'), (select array_agg(w collate "C" order by w collate "C")
    from string_to_table(substring(:'options' from '"channel", OPTION_WORD,[^"]*"([^"]+)"'), '|') as w), 'B5: channel, in a share and of a listener');
select matches(t.told, w, 'B5: and the clerk who errs is told of ' || w)
from unnest(pg_temp.words_of('channel_share_channel')) as w, (select pg_get_functiondef(p.oid) as told from pg_proc as p
    where p.pronamespace = 'data'::regnamespace and p.prosrc ~ 'channel_share_channel' and p.prosrc ~ 'organization_service_user_types') as t;

-- M10: the texts of errors, when the daemon answers without the database and when it asks it
select is((data.answer_row(null, null, (t.no - 1)::integer)).error_message, t.w[1], 'M10: error ' || t.no - 1)
from regexp_matches(substring(:'texts' from 'texts\[\] = \{([^}]*)\}'), '"([^"]+)"', 'g') with ordinality as t (w, no);
select is((data.answer_row(null, null, 6)).error_message, null, 'M10: there are six');
select is((data.field_row('x', 1)).error_message, substring(:'booking' from 'FIELD_BAD_VALUE "([^"]+)"'), 'M10: a field''s error 1');

-- words of a filter and of a tree: each is understood, another is not
create function pg_temp.filter_told(a_filter jsonb) returns text[] language sql as $$
    select array_agg(e.field || ':' || e.error_code) from unnest(data.predicate_errors(a_filter, '{a}', '{STRING}', '{t}')) as e
$$;
select is(pg_temp.filter_told(jsonb_build_object('checkAllValues', false, 'attributeName', 'a', 'condition', w, 'value', 'x')), null, 'P1: ' || w)
from unnest(pg_temp.words_in_c(:'shapes', 'field_conditions')) as w;
select isnt(pg_temp.filter_told('{"checkAllValues":false,"attributeName":"a","condition":"like","value":"x"}'), null, 'P1: and no other');
select cmp_ok(cardinality(pg_temp.words_in_c(:'shapes', 'field_conditions')), '=', 20, 'A21: ten conditions, in two spellings each');
insert into data.ref_book (ref_name, title, kind) values ('twice', 'Книга', 'H');
create function pg_temp.tree_told(tree text) returns bigint language sql as $$
    select count(*) from api.get_ref_items_list('', 'twice', null, tree, '{}', '{}', 0, 0, null) as r where r.field = 'treeFiltering'
$$;
select is(pg_temp.tree_told(w), 0::bigint, 'R2: ' || w) from unnest(pg_temp.words_in_c(:'shapes', 'field_tree_filterings')) as w;
select is(pg_temp.tree_told('WHOLE'), 1::bigint, 'R2: and no other');

-- L2: lists end where the page says
create function pg_temp.list_told(element text, n integer) returns bigint language plpgsql as $$
declare
    list constant text[] := array_fill('x'::text, array[n]);
    no constant text[] := '{}';
    found bigint;
begin
    case element
    when 'slotId' then select count(*) into found from unnest(data.book_bounds(data.book_wish_of('l', list, 'T1', 'SIMPLE', 'PHYSIC', '1',
        null, no, no, false, null, null, no, null))) as r where r.field = element;
    when 'organizationId' then select count(*) into found from api.get_slots('', list, no, no, 'SIMPLE', 'PHYSIC', '1', 10) as r
        where r.field = element and r.error_code = 1;
    when 'serviceId' then select count(*) into found from api.get_slots('', '{T1}', list, no, 'SIMPLE', 'PHYSIC', '1', 10) as r
        where r.field = element and r.error_code = 1;
    when 'areaId' then select count(*) into found from api.get_slots('', '{T1}', no, list, 'SIMPLE', 'PHYSIC', '1', 10) as r
        where r.field = element and r.error_code = 1;
    when 'refNames' then select count(*) into found from api.get_ref_attributes_list('', list) as r where r.field = element and r.error_code = 1;
    when 'selectAttributes' then select count(*) into found
        from api.get_ref_items_list('', 'twice', null, 'SUBTREE', list, no, 0, 0, null) as r where r.field = element and r.error_code = 1;
    when 'orderBy' then select count(*) into found
        from api.get_ref_items_list('', 'twice', null, 'SUBTREE', no, list, 0, 0, null) as r where r.field = element and r.error_code = 1;
    end case; -- a list that is none of these is an error
    return found;
end $$;
create temporary table lists as
    select m[1] as element, m[2]::integer as most from regexp_matches(:'limits', E'\n\\| (\\w+) \\|  \\| 255 \\| ([0-9]+) \\|', 'g') as m;
select cmp_ok(count(*), '=', 7::bigint, 'L2: lists of requests') from lists;
select is(pg_temp.list_told(l.element, l.most), 0::bigint, format('L2: %s of %s', l.most, l.element)) from lists as l;
select is(pg_temp.list_told(l.element, l.most + 1), 1::bigint, format('L2: one more of %s', l.element)) from lists as l;
select is((select string_agg(r.field, ' ') from unnest(data.book_bounds(data.book_wish_of('l', array['slot'], 'T1', 'SIMPLE', 'PHYSIC', '1', null,
    array_fill('x'::text, array[l.most + 1]), array_fill('x'::text, array[l.most + 1]), false, null, null, '{}', null))) as r),
    'serviceId areaId', 'L2: in book too')
from lists as l where l.element = 'serviceId';

-- who asks for housekeeping knows every task, and how often it is due
select is((select array_agg(m[1] || ' ' || m[2]::integer / 1000 order by m[1])
    from regexp_matches(:'tasks', '\{"(\w+)", (\d+)\}', 'g') as m where m[1] <> 'state'),
    (select array_agg(h.task || ' ' || h.every_s order by h.task) from data.housekeeping as h), 'tasks of housekeeping, and their seconds');

-- S2: the page has all events, and none that is not; the picture all states; admin.arrows an order of all events
create temporary table page as select substring(:'architecture' from '\n## The life of a booking\n(.*?)\n## ') as text;
select is((select array_agg(w order by w) from page as p, regexp_matches(p.text, E'\n\\| ([a-z_, ]+) \\| (?:the|whose)[^\n]*\\|', 'g') as m,
        string_to_table(m[1], ', ') as w where m[1] <> 'event'),
    (select array_agg(distinct a.event order by a.event) from data.booking_arrow as a), 'S2: docs/architecture.md');
select ok(s.state::text = any (regexp_split_to_array(p.text, '[^A-Z_]+')), 'S2: the picture has ' || s.state)
from page as p, unnest(enum_range(null::data.booking_state)) as s (state);
select is((select array_agg(m[1] order by m[1])
        from regexp_matches(substring(pg_get_viewdef('admin.arrows'::regclass) from 'array_position\(ARRAY\[([^]]*)\]'), '''(\w+)''', 'g') as m),
    (select array_agg(distinct a.event order by a.event) from data.booking_arrow as a), 'S2: admin.arrows');
select * from finish();
rollback;
