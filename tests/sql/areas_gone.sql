-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- R3, O3: an area closed until further notice leaves the book areas with a tombstone, and is back when it is opened; one that is removed
-- is offered nowhere, history kept, and not while somebody is to come. What is not said again stays.
\ir lib/helpers.psql
select no_plan();
create function pg_temp.day() returns date language sql as $$ select (now() at time zone 'Europe/Moscow')::date + 3 $$;
create function pg_temp.version() returns bigint language sql as $$ select max(version) from data.ref_mark where ref_name = 'areas' $$;
create function pg_temp.there() returns text language sql as $$ select string_agg(code, ' ' order by code) from data.ref_item where ref_name = 'areas' and source_key = 'T1' $$;
create function pg_temp.gone(since bigint) returns text language sql as $$
    select string_agg(m.code, ' ' order by m.code) from data.ref_mark as m where m.ref_name = 'areas' and m.version > since
        and not exists (select from data.ref_item as i where i.item_id = m.item_id)
$$;
select is(pg_temp.there(), 'a1 a2 a3', 'R3: three areas');
select pg_temp.version() as v \gset
select is((select count(*) from admin.close_area('T1', 'a3', (now() at time zone 'Europe/Moscow')::date, null, 'снесён', apply => true)), 0::bigint, 'closed for good, nobody is there');
select is(pg_temp.there(), 'a1 a2', 'R3: it leaves the book');
select is((select count(*) from data.ref_mark where ref_name = 'areas' and version > :v), 1::bigint, 'R3: with one mark, its tombstone');
select is((select count(*) from admin.close_area('T1', 'a2', (now() at time zone 'Europe/Moscow')::date, (now() at time zone 'Europe/Moscow')::date + 5, 'ремонт', apply => true)), 0::bigint, 'closed for a time');
select is(pg_temp.there(), 'a1 a2', 'R3: one that opens again stays');
select cmp_ok(admin.reopen((select max(closure_id) from admin.closures where area_id = 'a3')), '>', 0::bigint, 'opened again');
select is(pg_temp.there(), 'a1 a2 a3', 'R3: and back in the book');
select is((select count(*) from admin.close_area('T1', 'a3', (now() at time zone 'Europe/Moscow')::date + 2, null, 'снесут', apply => true)), 0::bigint, 'closed from the day after tomorrow');
select is(pg_temp.there(), 'a1 a2 a3', 'R3: until then it is there');
update data.closure set from_at = from_at - interval '2 days' where area_key = (select area_key from data.area where area_id = 'a3' and organization_id = 'T1') and state <> 'lifted';
set local session_replication_role = replica;
update data.ref_item set refresh_at = now() where ref_name = 'organizations' and code = 'T1';
reset session_replication_role;
select data.ref_refresh();
select is(pg_temp.there(), 'a1 a2', 'R3: then it is gone, by itself');
select admin.reopen((select max(closure_id) from admin.closures where area_id = 'a3'));
select is((select count(*) > 0 from admin.close_office('T1', (now() at time zone 'Europe/Moscow')::date, null, 'закрыт', apply => true)), false, 'the whole office');
select is(pg_temp.there(), null, 'R3: with all its areas');
select admin.reopen((select max(closure_id) from admin.closures where organization_id = 'T1'));
select is(pg_temp.there(), 'a1 a2 a3', 'R3: and back');
update data.area set parent_key = (select area_key from data.area where area_id = 'a3' and organization_id = 'T1') where area_id = 'a2' and organization_id = 'T1';
select admin.close_area('T1', 'a3', (now() at time zone 'Europe/Moscow')::date, null, 'снесён', apply => true);
select is(pg_temp.there(), 'a1', 'R3: what is in it goes with it');
select admin.reopen((select max(closure_id) from admin.closures where area_id = 'a3'));

-- removed
select throws_ok($$select admin.remove_area('T1', 'a3')$$, '55006', 'В помещении a3 есть другие: a2', 'O3: not with others in it');
update data.area set parent_key = null where organization_id = 'T1';
select is(pg_temp.book('r1', array[pg_temp.slot('a3', 1)], services => '{s1}'), '201/0 slots=1', 'somebody is to come');
select is(left(pg_temp.book('r2', array[pg_temp.slot('a3', 1)], true, services => '{s1}'), 5), '201/0', 'and somebody holds');
select throws_ok($$select admin.remove_area('T1', 'a3')$$, '55006', 'В помещении a3 ещё ждут посетителей, записей: 2', 'O3: refused, and how many they are');
select throws_ok($$select admin.remove_area('T1', 'nowhere')$$, 'P0002', null, 'O3: no such area');
select throws_ok($$select admin.remove_area('nowhere', 'a3')$$, 'P0002', null, 'O3: no such organization');
select pg_temp.cancel('r1'), pg_temp.lapse('r2');
select is(admin.remove_area('T1', 'a3'), 'a3', 'O3: nobody is to come any more');
select is(pg_temp.there(), 'a1 a2', 'R3: it has left the book');
select is((select count(*) from pg_temp.get_slots('TEST00001', '{T1}', '{}', null, 'SIMPLE', 'PHYSIC', 'me', 100000) where area_id = 'a3'), 0::bigint, 'M1: nothing of it is offered');
select is((select string_agg(field || error_code, ',') from pg_temp.get_slots('TEST00001', '{T1}', '{}', '{a3}', 'SIMPLE', 'PHYSIC', 'me', 10)), 'areaId2', 'M10: its name is nobody''s');
select is(left(pg_temp.book('r3', array[pg_temp.slot('a3', 3)], services => '{s1}'), 5), '208/4', 'M2: nor booked by its slots');
select throws_ok($$select admin.set_hours('T1', 'a3', 'пн', '9:00-10:00', 30)$$, 'P0002', null, 'O3: it has no hours');
select is((select count(*) from admin.history('r1') where true) > 0, true, 'S3: history is kept');
select ok((select bool_or(slot_id is not null) from data.slot as s join data.area as a using (area_key) where a.area_id = 'a3' and a.organization_id = 'T1'), 'S3: and what it is about');
select is((select area_id from admin.slot_decode(pg_temp.slot('a3', 1)::uuid)), 'a3', 'S3: its slots tell their area');
select throws_ok($$select admin.remove_area('T1', 'a3')$$, 'P0002', null, 'O3: once');
select is(admin.add_area('T1', 'a3', 'Зал снова', 2), 'a3', 'O3: back');
select is((select removed_at is null from data.area where area_id = 'a3' and organization_id = 'T1'), true, 'O3: an area again');
select is((select number::integer from data.area where area_id = 'a3' and organization_id = 'T1'), 3, 'O3: with its number');
select is((select count(*) from data.area_service join data.area using (area_key) where area_id = 'a3' and area.organization_id = 'T1'), 2::bigint, 'O3: and all services, as a new one');

-- services of an area that is said again
create function pg_temp.services() returns text language sql as $$ select string_agg(service_id, ' ' order by service_id) from data.area_service join data.area using (area_key) where area_id = 'a3' and area.organization_id = 'T1' $$;
select admin.add_area('T1', 'a3', 'Зал', services => '{s2}');
select is(pg_temp.services(), 's2', 'O3: a list is the list');
select admin.add_area('T1', 'a3', 'Большой зал');
select is(pg_temp.services(), 's2', 'O3: without one they stay');
select admin.add_area('T1', 'a3', 'Зал', services => '{s1,s2}');
select is(pg_temp.services(), 's1 s2', 'O3: more of them');
select is((select name from data.area where area_id = 'a3' and organization_id = 'T1'), 'Зал', 'O3: under the last name');

-- what comes back is in nothing that is gone
select admin.add_area('T1', 'floor', 'Этаж'), admin.add_area('T1', 'desk', 'Стол', inside => 'floor');
select admin.remove_area('T1', 'desk'), admin.remove_area('T1', 'floor');
select is(admin.add_area('T1', 'desk', 'Стол'), 'desk', 'O3: a desk whose floor is gone is back');
select is((select parent_key from data.area where area_id = 'desk' and organization_id = 'T1'), null, 'O3, R3: and stands by itself');
select admin.remove_area('T1', 'desk');

-- offices
update data.organization set is_active = false where organization_id in ('T1', 'T2');
select is((select string_agg(organization_id, ' ') from admin.offices() where organization_id like 'T_'), null, 'O3: offices that are off and expect nobody are left out');
update data.organization set is_active = true where organization_id = 'T1';
select is(pg_temp.book('o1', array[pg_temp.slot('a1', 30)], services => '{s1}'), '201/0 slots=1', 'somebody is to come');
update data.organization set is_active = false where organization_id = 'T1';
select is((select name from admin.offices() where organization_id = 'T1'), 'Отдел Т1 (выключена)', 'O3: one that expects somebody is told');
-- what a foreign key refuses is told in Russian, whichever it is
create function pg_temp.said(state text, name text, message text) returns text language plpgsql as $$
begin
    perform data.say_violation(state, name, null, message);
exception when others then
    return sqlerrm;
end $$;
select is_empty($$select conname from pg_constraint where connamespace = 'data'::regnamespace and contype = 'f' and pg_temp.said('23503', conname, 'update or delete on table') !~ '[А-Яа-я]{4}'$$,
    'O3: no foreign key speaks English');
select * from finish();
rollback;
