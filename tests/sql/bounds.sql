-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- L2: what the doors of api.* refuse by size, and what getSlots and getRefItemsList answer in pieces.
\ir lib/helpers.psql
select no_plan();

-- P2, L2: composing is quadratic in a run of marks
select is(data.fold('И' || chr(774) || 'е' || chr(776)), 'йе', 'P2: letters are composed');
select is(data.fold(repeat('И' || chr(774), 3000)), repeat('й', 3000), 'P2: in long texts too');
select is(length(data.fold('и' || repeat(chr(769) || chr(803), 400000))), 800001, 'L2: a run of marks is left as it is');
select is(data.fold(repeat('=', 40) || 'Ё'), repeat('=', 40) || 'е', 'L2: signs are not marks');

-- one row a field beyond its bound, and nothing else
create function pg_temp.told(answers api.answer[]) returns text language sql as $$
    select string_agg(a.kind || coalesce(':' || a.field, '') || ':' || a.error_code, ' ') from unnest(answers) as a
$$;
select is(pg_temp.told(data.beyond_rows('{a,b,c}', array[true, true, true])), null, 'L2: all fit');
select is(pg_temp.told(data.beyond_rows('{a,b,c}', array[true, false, false])), 'field:b:1 field:c:1', 'L2: those that do not are named');
select ok(data.list_fits(array_fill('x'::text, array[50]), 50), 'L2: a list at its bound');
select ok(data.list_fits(array_fill(repeat('𝔄', 255), array[50]), 50), 'L2: of the longest identifiers');
select ok(not data.list_fits(array_fill('x'::text, array[51]), 50), 'L2: one more');
select ok(not data.list_fits(array[repeat('x', 60000)], 50), 'L2: few, but long');
select ok(data.list_fits(null, 50) and data.list_fits('{}', 50), 'L2: none at all');
select ok(data.filter_fits('{"checkAllValues":false,"value":"\"checkAllValues\""}'), 'L2: a filter that quotes itself');
select ok(not data.filter_fits(jsonb_build_object('unionKind', 'OR', 'subs', (
    select jsonb_agg('{"checkAllValues":true}'::jsonb) from generate_series(1, 1001)))), 'L2: 1,001 conditions');

-- M10: a field that is beyond its bound ends it
create function pg_temp.slots_told(organizations text[], services text[], areas text[], esia_id text) returns text language sql as $$
    select string_agg(concat_ws(':', r.kind, r.error_code, r.field), ' ')
    from api.get_slots('', organizations, services, areas, 'SIMPLE', 'PHYSIC', esia_id, 10) as r
$$;
select is(pg_temp.slots_told(array_fill('T1'::text, array[501]), '{}', '{}', '1'), 'answer:2 field:1:organizationId', 'L2: too many organizations');
select is(pg_temp.slots_told('{nowhere}', array_fill('x'::text, array[501]), array_fill('x'::text, array[501]), repeat('1', 256)),
    'answer:2 field:1:serviceId field:1:areaId field:1:esiaId', 'L2: and nothing else is looked at');
select is((select string_agg(concat_ws(':', r.kind, r.error_code, r.field), ' ') from api.get_booking_status('', repeat('1', 256), '1') as r),
    'answer:2 field:1:bookId', 'L2: getBookingStatus');

-- M1: the earliest of many organizations are the same, looked for piece by piece or at once
insert into data.organization (organization_id, agency_code, name, time_zone, booking_window_days, horizon_days)
select 'L2' || lpad(n::text, 3, '0'), 'TEST00001', 'Отдел ' || n, (array['Europe/Moscow', 'Asia/Kamchatka', 'Pacific/Niue'])[1 + n % 3], 14 + n, 0
from generate_series(1, 25) as n;
insert into data.service (service_id, name) select 'L2-' || n, 'Услуга' from generate_series(1, 12) as n;
insert into data.organization_service (organization_id, service_id)
select o.organization_id, s.service_id from data.organization as o, data.service as s
where o.organization_id ~ '^L2' and s.service_id ~ '^L2' and (substr(o.organization_id, 3)::integer + substr(s.service_id, 4)::integer) % 3 > 0;
insert into data.area (organization_id, area_id, number, name)
select o.organization_id, 'w' || n, n, 'Окно' from data.organization as o, generate_series(1, 12) as n where o.organization_id ~ '^L2';
insert into data.area_service (area_key, organization_id, service_id)
select a.area_key, a.organization_id, s.service_id from data.area as a join data.organization_service as s using (organization_id)
where a.organization_id ~ '^L2' and (a.number + substr(s.service_id, 4)::integer) % 2 = 0;
insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at)
select gen_random_uuid(), a.organization_id, a.area_key, t.at, t.at + interval '20 min'
from data.area as a cross join generate_series(0, 30) as d
cross join lateral (select date_trunc('hour', now())
    + make_interval(days => d, hours => 2 + a.number, mins => substr(a.organization_id, 3)::integer) as at) as t
where a.organization_id ~ '^L2';
create function pg_temp.listed(organizations text[], services text[], areas text[], most integer, filter jsonb default null) returns text[]
language sql as $$
    select array_agg(s.slot_id)
    from pg_temp.get_slots('', organizations, services, areas, 'SIMPLE', 'PHYSIC', '1', most, filter) as s where s.kind = 'slot'
$$;
-- What each office that has all of the services lists by itself, put together.
create function pg_temp.merged(organizations text[], services text[], areas text[], most integer, filter jsonb default null) returns text[]
language sql as $$
    select array_agg(t.slot_id::text order by t.starts_at, t.slot_id)
    from (
        select s.starts_at, s.slot_id
        from unnest(organizations) as o (id)
        cross join lateral (select array(select v.service_id from data.organization_service as v
            where v.organization_id = o.id and v.service_id = any (services)) as offered) as v
        cross join lateral unnest(pg_temp.listed(array[o.id], v.offered, areas, 20000, filter)) as l (id)
        join data.slot as s on s.slot_id::text = l.id
        where services <@ v.offered
        order by s.starts_at, s.slot_id limit most) as t
$$;
create function pg_temp.offices() returns text[] language sql as $$
    select array_agg(o.organization_id) from data.organization as o where o.organization_id ~ '^L2'
$$;
select cmp_ok(cardinality(pg_temp.listed(pg_temp.offices(), '{}', '{}', 20000)), '>', 3000, 'there is something to compare');
select is(pg_temp.listed(pg_temp.offices(), '{}', '{}', most), pg_temp.merged(pg_temp.offices(), '{}', '{}', most), 'M1: the first ' || most)
from unnest('{1,10,300,301,1000,20000}'::integer[]) as most;
-- Services of one parity are served together, by the areas of that parity; of three in a row each office has two.
create temp table asked as select * from (values ('{L2-1}'::text[], '{}'::text[], true), ('{}', '{w1}', true), ('{L2-1,L2-3}', '{}', true), ('{L2-2,L2-4}', '{w2,w4,w6}', true), ('{L2-1,L2-7,L2-3,L2-9}', '{}', true),
    ('{L2-8,L2-2,L2-8}', '{}', true), ('{L2-2,L2-3}', '{w1,w2,w3}', false), ('{L2-1,L2-3,L2-5}', '{}', false), ('{L2-1,L2-2,L2-3,L2-4,L2-5,L2-6,L2-7,L2-8,L2-9,L2-10,L2-11,L2-12}', '{}', false),
    ('{}', '{w1,w2,w3,w4,w5,w6,w7,w8,w9,w10,w11,w12}', true), ('{L2-1,L2-1,L2-1,L2-1,L2-1,L2-1,L2-1,L2-1,L2-1,L2-1,L2-1,L2-1}', '{w5,w5}', true)) as t (services, areas, is_full);
select is(pg_temp.listed(pg_temp.offices(), services, areas, 500), pg_temp.merged(pg_temp.offices(), services, areas, 500),
    format('M1, B9: services %s, areas %s', services, areas))
from asked;
select is(pg_temp.listed(pg_temp.offices(), services, areas, 500) is not null, is_full, format('M1: services %s, areas %s: %s to compare', services, areas,
    case when is_full then 'there is something' else 'nobody has all of them, nothing' end)) from asked;
select is((select count(distinct pg_temp.listed(pg_temp.offices(), services, areas, 500)) from asked where is_full and cardinality(services) > 1), 4::bigint, 'M1: each list has an answer of its own');
select is(pg_temp.listed(pg_temp.offices(), '{}', '{}', 700, filter), pg_temp.merged(pg_temp.offices(), '{}', '{}', 700, filter), 'P1, P3: ' || filter::text)
from (values
    (jsonb_build_object('checkAllValues', false, 'attributeName', 'DATE', 'condition', 'greaterThan',
        'value', to_char(now() + interval '9 days', 'YYYY-MM-DD'))),
    ('{"checkAllValues":false,"attributeName":"areaId","condition":"endsWith","value":"1"}'),
    ('{"checkAllValues":false,"attributeName":"serviceId","condition":"notEquals","value":"L2-2"}'),
    ('{"unionKind":"OR","subs":[{"checkAllValues":false,"attributeName":"serviceId","condition":"equals","value":"L2-2"},
        {"checkAllValues":false,"attributeName":"serviceId","condition":"notEquals","value":"L2-4"},
        {"checkAllValues":false,"attributeName":"HOUR","condition":"lessThan","value":"9"}]}')) as t (filter);

-- P1: names of rooms and services times conditions
create function pg_temp.conditions(n integer, name text) returns jsonb language sql as $$
    select jsonb_build_object('unionKind', 'OR', 'subs', jsonb_agg(
        jsonb_build_object('checkAllValues', false, 'attributeName', name, 'condition', 'equals', 'value', i::text)))
    from generate_series(1, n) as i
$$;
select is(data.slot_filter_beyond(pg_temp.conditions(199, 'areaId'), pg_temp.offices()), '{}', 'L2: 199 conditions on a dozen areas');
insert into data.area (organization_id, area_id, number, name) select 'L2001', 'n' || n, 100 + n, 'Окно' from generate_series(1, 300) as n;
select is(pg_temp.told(data.slot_filter_beyond(pg_temp.conditions(199, 'areaId'), pg_temp.offices())), 'field:filter:1', 'L2: and on 312 are too many');
select is(data.slot_filter_beyond(pg_temp.conditions(199, 'DATE'), pg_temp.offices()), '{}', 'L2: of dates there are few');

-- R2, L2: an answer of items is counted before it is written
insert into data.ref_book (ref_name, title, kind) values ('l2', 'Книга', 'H');
insert into data.ref_attribute (ref_name, position, name, title, type, allow_filtering) values ('l2', 10, 'a', 'А', 'STRING', true);
insert into data.ref_item (ref_name, code, title, attributes) select 'l2', 'c' || n, 'Т', '{"a":"x"}' from generate_series(1, 30) as n;
insert into data.ref_item (ref_name, code, title, attributes, parent_id)
select 'l2', 'd' || n, 'Т', '{}', i.item_id from generate_series(1, 10) as n, data.ref_item as i where i.ref_name = 'l2' and i.code = 'c1';
create function pg_temp.items(tree text, page integer, size integer, most integer, version text default null) returns text language sql as $$
    select concat_ws(' ', max(r.error_code) filter (where r.kind = 'answer'), max(r.field), count(*) filter (where r.kind = 'item'), max(r.total_items))
    from api.get_ref_items_list('', 'l2', null, tree, '{}', '{}', page, size, version, null, false, most) as r
$$;
select is(pg_temp.items('ONELEVEL', 0, 0, 30), '0 30 30', 'L2: as many as fit');
select is(pg_temp.items('ONELEVEL', 0, 0, 29), '2 pageSize 0 0', 'L2: one more than fits');
select is(pg_temp.items('ONELEVEL', 1, 29, 29), '0 29 30', 'L2: by page');
select is(pg_temp.items('ONELEVEL', 2, 29, 29), '0 1 30', 'L2: to its end');
select is(pg_temp.items('ONELEVEL', 1, 1000000, 30), '0 30 30', 'L2: a page of a million that has thirty');
select is(pg_temp.items('ONELEVEL', 1, 1000000, 29), '2 pageSize 0 0', 'L2: and does not fit');
select is(pg_temp.items('SUBTREE', 0, 0, 40), '0 40 40', 'L2: a tree');
select is(pg_temp.items('SUBTREE', 0, 0, 39), '2 pageSize 0 0', 'L2: a tree that does not fit');
select is(pg_temp.items('SUBTREE', 1, 20, 20), '0 20 40', 'L2, A19: a page of a tree has as many items as it says');
select is(pg_temp.items('SUBTREE', 1, 20, 19), '2 pageSize 0 0', 'L2: which may be too many');
select is(pg_temp.items('SUBTREE', 2, 30, 30), '0 10 40', 'L2: the last page of it');
select is(pg_temp.items('SUBTREE', 1, 100, 39), '2 pageSize 0 0', 'L2: a page that has all of it');
select ok(data.ref_filter_fits('{"checkAllValues":true,"attributeName":"a"}', 2000000), 'P1, L2: one condition, whatever the book');
select ok(not data.ref_filter_fits(pg_temp.conditions(199, 'a'), 20000), 'P1, L2: 199 on 20,000');

-- M9: what is stored
insert into data.booking (book_key, book_id, esia_id, organization_id, state, status_code, created_at, changed_at)
values ('l2', 'l2', '1', 'L2001', 'REFUSED', '208', now(), now());
select throws_ok($$insert into data.applicant (book_key, last_name) values ('l2', repeat('я', 201))$$, '23514', null, 'L2: a name of 201 letters');
select throws_ok($$insert into data.applicant (book_key, business_name) values ('l2', repeat('я', 50000))$$, '23514', null, 'L2: a firm of 50,000');
-- the bound of each is the one of docs/limits.md: as many of the widest letters fit, and one more does not
\set page `cat "$ZAPISD_SQL_TESTS/../../docs/limits.md"`
create temporary table stored as
    select c.column_name as name, col_description('data.applicant'::regclass, c.ordinal_position) as element, b.most[1]::integer as most
    from information_schema.columns as c
    left join lateral regexp_matches(:'page', format(E'\n\\| %s \\|  \\| ([0-9]+) \\|  \\| yes \\|',
        col_description('data.applicant'::regclass, c.ordinal_position))) as b (most) on true
    where c.table_schema = 'data' and c.table_name = 'applicant' and c.column_name not in ('book_key', 'user_doc');
select is((select string_agg(s.name, ' ') from stored as s where s.most is null), null, 'L2: each text of an applicant has a bound in docs/limits.md');
select cmp_ok((select count(*) from stored), '>=', 11::bigint, 'L2: of which there are some');
create function pg_temp.fits(name text, n integer) returns boolean language sql as $$
    select data.applicant_fits(jsonb_populate_record(null::data.applicant, jsonb_build_object(name, repeat('𝔄', n))))
$$;
select ok(pg_temp.fits(s.name, s.most), format('L2: %s of %s characters', s.element, s.most)) from stored as s;
select ok(not pg_temp.fits(s.name, s.most + 1), format('L2: %s of one more', s.element)) from stored as s;
-- a document: whatever the fields of docs/limits.md may hold fits, written as dearly as JSON lets it be
create temporary table document as
    select b.part[1] as element, b.part[2]::integer as most from regexp_matches(:'page', E'\n\\| (\\w+) \\| UserDocument \\| ([0-9]+) ', 'g') as b (part);
select ok(data.applicant_fits(jsonb_populate_record(null::data.applicant, jsonb_build_object('user_doc',
    (select jsonb_object_agg(d.element, repeat('𝔄', d.most)) from document as d)))), 'L2: the longest document');
select ok(not data.applicant_fits(jsonb_populate_record(null::data.applicant, jsonb_build_object('user_doc',
    jsonb_build_object('issuedBy', repeat('𝔄', 8192))))), 'L2: one that no request can hold');
select lives_ok($$insert into data.applicant (book_key, last_name, first_name, middle_name, business_name) select 'l2', t, t, t, t || reverse(t) || t
    from (select string_agg(chr(119808 + abs(hashtext(n::text)) % 900), '') as t from generate_series(1, 200) as n) as x$$,
    'L2: the longest names, of the widest letters, fit the indexes');
select * from finish();
rollback;
