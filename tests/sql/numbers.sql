-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- B8, C6: numbers of organizations and areas are part of slotId. The program gives them, nobody takes one ahead or changes his own, and what was wrong
-- before is told by admin.check().
\ir lib/helpers.psql
select no_plan();
grant usage on schema public to zapisd_operator;
create role number_a in role zapisd_operator;
create role number_b in role zapisd_operator;
select is(admin.grant_office(r, c), format('%s работает за: %s', r, c), 'C6: given') from (values ('number_a', 'TEST00001'), ('number_b', 'TEST00002')) as v (r, c);
create temp table next as select coalesce(pg_sequence_last_value('data.organization_number_seq'), 0) + 1 as n;
grant select on next to zapisd_operator;
create function pg_temp.as_b(q text) returns text language plpgsql as $$
declare
    m text; h text;
begin
    set local session authorization number_b;
    execute q;
    set local session authorization default;
    return 'done';
exception when others then
    get stacked diagnostics m = message_text, h = pg_exception_hint;
    set local session authorization default;
    return sqlstate || ' ' || m || coalesce(' / ' || nullif(h, ''), '');
end $$;
select is(pg_temp.as_b($$insert into data.organization (organization_id, agency_code, number, name, time_zone) select 'ZB' || g, 'TEST00002', n + g, 'x', 'Europe/Moscow' from next, generate_series(0, 30) as g$$),
    '42501 Номер даёт программа: он входит в номера интервалов / То же без столбца number, или admin.add_organization, admin.add_area', 'B8: numbers are not taken ahead');
select is(pg_temp.as_b($$update data.organization set number = 555 where organization_id = 'T2'$$), '55000 Номер 900002 не меняется: он входит в номера интервалов, которые уже у портала', 'B8: nor is one changed');
select is(pg_temp.as_b($$update data.organization set number = number, name = 'Другое имя' where organization_id = 'T2'$$), 'done', 'as it is, it may be said');
select is(pg_temp.as_b($$insert into data.area (organization_id, area_id, number, name) values ('T2', 'b2', 7, 'x')$$), '42501 Номер даёт программа: он входит в номера интервалов / То же без столбца number, или admin.add_organization, admin.add_area', 'B8: nor of an area');
select is(pg_temp.as_b($$update data.area set number = 7 where organization_id = 'T2'$$), '55000 Номер 1 не меняется: он входит в номера интервалов, которые уже у портала', 'B8: nor changed');
-- Without it each is as good as a command's.
select is(pg_temp.as_b($$insert into data.organization (organization_id, agency_code, name, time_zone) values ('ZB1', 'TEST00002', 'x', 'Europe/Moscow'), ('ZB2', 'TEST00002', 'x', 'Europe/Moscow')$$), 'done', 'an organization by hand');
select is(pg_temp.as_b($$insert into data.area (organization_id, area_id, name) values ('T2', 'b2', 'x'), ('T2', 'b3', 'x')$$), 'done', 'areas by hand');
select results_eq($$select area_id, number::integer from data.area where organization_id = 'T2' order by number$$, $$values ('b1', 1), ('b2', 2), ('b3', 3)$$, 'B8: the next ones');
select is(admin.add_area('T2', 'b4', 'x'), 'b4', 'and one by the command');
select is((select number::integer from data.area where organization_id = 'T2' and area_id = 'b4'), 4, 'B8: after them');
select is((select count(distinct number) from data.organization where organization_id like 'ZB_'), 2::bigint, 'B8: a number each');
-- One that was taken ahead before this was so, or by a restore, is passed over.
insert into data.organization (organization_id, agency_code, number, name, time_zone) select 'TAKEN' || g, 'TEST00002', pg_sequence_last_value('data.organization_number_seq') + g, 'x', 'Europe/Moscow' from generate_series(1, 3) as g;
set local session authorization number_a;
select is(admin.add_organization('NEWA', 'TEST00001', 'Новый отдел', 'Europe/Moscow'), 'NEWA', 'B8: what somebody has taken keeps nobody from adding');
set local session authorization default;
select is((select count(*) from data.organization as o join data.organization as t using (number) where o.organization_id = 'NEWA'), 1::bigint, 'B8: with a number of its own');
-- A dump has them all, and gives them back.
select lives_ok($$copy data.organization (organization_id, agency_code, number, name, time_zone) to '/dev/null'$$, 'a dump reads them');
select lives_ok($$insert into data.organization (organization_id, agency_code, number, name, time_zone) overriding user value values ('RESTORED', 'TEST00002', 7654321, 'x', 'Europe/Moscow')$$, 'whoever restores says the number');
select is((select number from data.organization where organization_id = 'RESTORED'), 7654321, 'and it is that');
-- ---- what is wrong already ----
select is_empty($$select * from admin.check() where problem = 'номер интервала не того помещения'$$, 'all are their areas''');
alter table data.organization disable trigger number_is_ours;
update data.organization set number = 4242 where organization_id = 'T2';
alter table data.organization enable trigger number_is_ours;
select is((select array_agg(what) from admin.check() where problem = 'номер интервала не того помещения'),
    array['организация T2 (номер 4242), интервалов: 40; их номера говорят о номере 900002. Вернёт владелец базы, одной транзакцией: alter table data.organization disable trigger number_is_ours; update data.organization set number = 900002 where organization_id = ''T2''; alter table data.organization enable trigger number_is_ours'], 'B8: a number that was changed is told, with the one of before');
alter table data.organization disable trigger number_is_ours; update data.organization set number = 900002 where organization_id = 'T2'; alter table data.organization enable trigger number_is_ours;
select is_empty($$select * from admin.check() where problem = 'номер интервала не того помещения'$$, 'B8: what is advised puts it right');
alter table data.area disable trigger number_is_ours;
update data.area set number = 77 where organization_id = 'T1' and area_id = 'a2';
select is((select left(string_agg(what, ''), 102) from admin.check() where problem = 'номер интервала не того помещения'), 'организация T1, помещение a2 (номер 77), интервалов: 40; их номера говорят о номере 2. Вернёт владелец', 'B8: and so is an area''s');
select * from finish();
rollback;
