-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- O3: the console. J3: who sees whom, and that it is written down. M8: the outbox seen and emptied. An office from nothing.
\ir lib/helpers.psql
select no_plan();
grant usage on schema public to zapisd_operator, zapisd_registrar, zapisd_auditor, zapisd_daemon;
create function pg_temp.day() returns date language sql return (pg_temp.noon() at time zone 'Europe/Moscow')::date;

select is(pg_temp.book('aaaa-1', array[pg_temp.slot('a1', 5)], services => '{s1}', m => pg_temp.msg('msg-1'), applicant =>
    '{"lastName": "Тестов", "firstName": "Пётр", "middleName": "Тестович", "mobilePhone": "7 900 123 45 67", "userSnils": "112-233-445 95", "email": "t@example.org", "caseNumber": "дело-7"}'), '201/0 slots=1', 'a booking');
select is(pg_temp.book('bbbb-2', array[pg_temp.slot('a3', 1)], true, applicant => '{"lastName": "Тёткин", "firstName": "Иван"}'), '201/0 slots=1', 'a hold');
select is(pg_temp.book('cccc-3', array[pg_temp.slot('a2', 2)], applicant => '{"businessName": "ООО Пример"}'), '201/0 slots=1', 'a firm');

-- J3: masks. The tests' own superuser is no registrar either.
create function pg_temp.as_role(r name, query text) returns text language plpgsql as $$
declare
    t text;
begin
    perform set_config('role', r, true);
    execute 'select string_agg(x::text, '' '') from (' || query || ') as x' into t;
    perform set_config('role', 'none', true);
    return t;
exception when others then
    return sqlstate;
end $$;
select is(pg_temp.as_role('none', $$select applicant, phone from admin.today('T1', pg_temp.day()) where book_id = 'aaaa-1'$$), '("Т*** П. Т.",)', 'J3: a superuser is no registrar');
select is(pg_temp.as_role('zapisd_operator', $$select applicant, phone from admin.today('T1', pg_temp.day()) where book_id = 'aaaa-1'$$), '("Т*** П. Т.",)', 'J3: nor is the operator');
select is((select count(*) from data.personal_reading), 0::bigint, 'J3: masked: nothing to write down');
select is(pg_temp.as_role('zapisd_registrar', $$select applicant, phone from admin.today('T1', pg_temp.day()) where book_id = 'aaaa-1'$$), '("Тестов Пётр Тестович","7 900 123 45 67")', 'J3: the registrar is');
select set_eq($$select book_key || ' ' || what || ' ' || db_role || ' ' || db_user from data.personal_reading$$,
    $$select b || ' today zapisd_registrar ' || session_user from unnest(array['aaaa-1', 'bbbb-2', 'cccc-3']) b$$, 'J3: each reading is written down, with user and role');
select results_eq($$select visit, area_id, minutes, place_no, services, status, state, book_id from admin.today('T1', pg_temp.day())$$,
    $$values ('12:00', 'a3', 15, 1, null, '201 удерживается', 'HELD', 'bbbb-2'), ('12:15', 'a2', 15, 1, null, '201 забронировано', 'BOOKED', 'cccc-3'),
        ('13:00', 'a1', 15, 1, 'Услуга 1', '201 забронировано', 'BOOKED', 'aaaa-1')$$, 'O3: the day in time order');
select is_empty($$select * from admin.today('T1')$$, 'O3: today by default');
-- A role of one's own, made by the administrator.
create role office_clerk in role zapisd_registrar;
create role office_chief in role office_clerk;
create role office_guest in role zapisd_operator;
grant usage on schema public to office_clerk, office_chief, office_guest;
select is(pg_temp.as_role('office_chief', $$select applicant from admin.find('aaaa-1')$$), '("Тестов Пётр Тестович")', 'J3: membership counts, however far up');
select is(pg_temp.as_role('office_guest', $$select applicant from admin.find('aaaa-1')$$), '("Т*** П. Т.")', 'J3: and nothing else does');
select is((select count(*) from admin.readings where db_role = 'office_chief' and what = 'find' and book_id = 'aaaa-1'), 1::bigint, 'J3: the auditor finds it');
select throws_ok(format('%s data.personal_reading%s', c, s), '42501', null, 'J3: not forgotten: ' || c) from (values ('delete from', ''), ('update', ' set what = ''x'''), ('truncate', '')) as v (c, s);

-- find
select is(pg_temp.as_role(r, format('select book_id from admin.find(%L) order by 1', q)), answer, format('O3: %s finds %s', r, q)) from (values
    ('zapisd_operator', 'AAAA-1', '(aaaa-1)'), ('zapisd_operator', 'bbbb', '(bbbb-2)'), ('zapisd_operator', 'дело-7', '(aaaa-1)'), ('zapisd_operator', ' aaaa-1 ', '(aaaa-1)'),
    ('zapisd_operator', 'Тестов', null), ('zapisd_operator', '7 900 123 45 67', null), ('zapisd_operator', '11223344595', null), ('zapisd_operator', 'aaa', null),
    ('zapisd_registrar', 'тестов', '(aaaa-1)'), ('zapisd_registrar', 'Тестов петр', '(aaaa-1)'), ('zapisd_registrar', 'тест п тестович', '(aaaa-1)'), ('zapisd_registrar', 'Теткин', '(bbbb-2)'),
    ('zapisd_registrar', 'Тестов Иван', null), ('zapisd_registrar', 'те', '(aaaa-1) (bbbb-2)'), ('zapisd_registrar', '8 (900) 123-45-67', '(aaaa-1)'), ('zapisd_registrar', '+79001234567', '(aaaa-1)'),
    ('zapisd_registrar', '9001234567', '(aaaa-1)'), ('zapisd_registrar', '112-233-445 95', '(aaaa-1)'), ('zapisd_registrar', '11223344595', '(aaaa-1)'), ('zapisd_registrar', '%', '22023'),
    ('zapisd_registrar', '%%%%', null), ('zapisd_registrar', '____', null), ('zapisd_registrar', ''' or true --', null), ('zapisd_registrar', '', '22023'), ('zapisd_auditor', 'aaaa-1', '42501')) as v (r, q, answer);
select throws_ok('select * from admin.find(null)', '22023', null, 'nothing to look for');
-- A name is found as it is shown, digits or not, however it begins or ends.
select is(pg_temp.book('dddd-4', array[pg_temp.slot('a3', 9)], m => pg_temp.msg('msg-4'), applicant => '{"lastName": "Образцов3", "firstName": "Тест2"}'), '201/0 slots=1', 'a name with digits');
select is(pg_temp.as_role('zapisd_registrar', format('select book_id from admin.find(%L)', q)), answer, format('O3: with digits: %s', q)) from (values
    ('Образцов3 Тест2', '(dddd-4)'), ('образцов3', '(dddd-4)'), ('ОБРАЗЦОВ3 т', '(dddd-4)'), ('Образцов', '(dddd-4)'), ('Образцов4', null), ('Образцов3 Иван', null), ('dddd', '(dddd-4)')) as v (q, answer);
select is(pg_temp.as_role('zapisd_operator', 'select book_id from admin.find(''Образцов3'')'), null, 'J3: and the operator finds nobody by it');
select is(pg_temp.cancel('dddd-4'), '301/0', 'gone again');

-- why
select set_eq($$select kind from admin.why('AAAA-1')$$, array['сейчас', 'сообщение', 'история', 'просмотр'], 'O3: the kinds of lines');
select ok((select what like 'book от PORTAL, plain, подпись: good, № msg-1%' from admin.why('aaaa-1') where kind = 'сообщение'), 'O3: the message and its verdict');
select is((select what from admin.why('aaaa-1') where kind = 'история'), 'заявитель: забронировано (201)', 'O3: the history');
select ok((select bool_or(what like 'Отдел Т1, T1; Т*** П. Т.; дело дело-7') from admin.why('aaaa-1')), 'J3: masked');
select ok(pg_temp.as_role('zapisd_registrar', $$select what from admin.why('aaaa-1')$$) like '%Тестов Пётр Тестович, 7 900 123 45 67, t@example.org; дело дело-7%', 'J3: the registrar sees whose it is');
select is((select count(*) from admin.readings where what = 'why'), 1::bigint, 'J3: and that is written down');
select ok((select bool_or(what like '%12:00–%12:15, Зал (a3), место 1 из 2') and bool_or(what like '%держится до%') from admin.why('bbbb-2')), 'O3: a hold and its place');
select throws_ok('select * from admin.why(''nobody'')', 'P0002', null, 'nobody''s story');

-- M8: the outbox
select result from admin.move('aaaa-1', pg_temp.slot('a1', 6), 'ремонт');
select result from admin.cancel('aaaa-1', 'авария');
-- S3: what time it had, in words, of a move and of a cancellation; of slots that are gone, too
create function pg_temp.told(n integer) returns text language sql as $$ select to_char(pg_temp.day(), 'DD.MM ') || to_char(time '12:00' + (n - 1) * interval '15 minutes', 'HH24:MI') || ' Кабинет 1' $$;
select results_eq($$select substring(what from '(?:было )?\d\d\.\d\d \d\d:\d\d .*') from admin.why('aaaa-1') where kind = 'история'$$,
    $$values (null), (pg_temp.told(5) || ' -> ' || pg_temp.told(6)), ('было ' || pg_temp.told(6))$$, 'S3: why tells from when to when, and when it was');
select results_eq($$select visit from admin.history('aaaa-1')$$, $$values (pg_temp.told(5)), (pg_temp.told(5) || ' -> ' || pg_temp.told(6)), ('было ' || pg_temp.told(6))$$, 'S3: so does history');
select is((select visit from admin.find('aaaa-1')), 'было ' || to_char(pg_temp.day(), 'DD.MM.YYYY') || ' 13:15', 'S3: and find');
select is((data.visit_was(array[data.slot_uuid(pg_temp.noon() + interval '99 days', 900001, 2)])).place, to_char(pg_temp.day() + 99, 'DD.MM') || ' 12:00 Кабинет 2', 'S3: a slot that is not there tells it itself');
select is(data.visit_change(b, n), null, 'S3: nothing has changed') from (values (null::uuid[], '{}'::uuid[]), ('{}', '{}'), (array[pg_temp.slot('a1', 6)::uuid], array[pg_temp.slot('a1', 6)::uuid]), (null, null)) as v (b, n);
select result from admin.cancel('cccc-3', 'авария');
select results_eq($$select book_id, state, status, agency_code, visit_time is not null from admin.outbox$$,
    $$values ('aaaa-1', 'waiting', '201', 'TEST00001', true), ('aaaa-1', 'waiting', '302', 'TEST00001', false), ('cccc-3', 'waiting', '302', 'TEST00001', false)$$, 'M8: what waits, in order');
select is((select count(*) from admin.why('aaaa-1') where kind = 'порталу' and what like '%ждёт отправки'), 2::bigint, 'O3: and in the story');
select throws_ok(format('select admin.outbox_done(%s)', (select max(outbox_id) from admin.outbox where book_id = 'aaaa-1')), '55000', null, 'M8: not before the one before it');
select is(admin.outbox_done((select min(outbox_id) from admin.outbox)), 1::bigint, 'M8: told by other means');
select is(admin.outbox_done((select min(outbox_id) from admin.outbox)), 0::bigint, 'M8: once');
select throws_ok('select admin.outbox_done(''nope'')', 'P0002', null, 'M8: nobody''s booking has nothing to be told');
select is(admin.outbox_done('AAAA-1'), 1::bigint, 'M8: the rest of a booking');
select is(admin.outbox_done('AAAA-1'), 0::bigint, 'M8: nothing waits any more');
select throws_ok('select admin.outbox_done(-1)', 'P0002', null, 'M8: no such one');
select set_eq($$select done_by::text from admin.outbox where state = 'answered'$$, array[session_user::text], 'M8: and who said so');
select is((select count(*) from admin.outbox where state = 'waiting'), 1::bigint, 'M8: another booking is none of it');
select ok(not exists (select from information_schema.columns where table_schema = 'admin' and table_name = 'outbox' and column_name in ('payload', 'esia_id')), 'J3: without the account');

-- load
select results_eq($$select day, places, taken, held, free, bar from admin.load('T1', pg_temp.day(), pg_temp.day() + 1)$$,
    $$values (pg_temp.day(), 161::bigint, 0::bigint, 1::bigint, 160::bigint, '▒···················'), (pg_temp.day() + 1, 0::bigint, 0::bigint, 0::bigint, 0::bigint, 'приёма нет')$$, 'O3: occupancy');
select is(data.bar(t, h, p), bar, format('O3: %s and %s of %s', t, h, p)) from (values (0, 0, 10, '····················'), (10, 0, 10, '████████████████████'), (5, 5, 10, '██████████▒▒▒▒▒▒▒▒▒▒'),
    (1, 1, 4, '█████▒▒▒▒▒··········'), (1, 0, 1000, '█···················'), (999, 0, 1000, '███████████████████·'), (999, 1, 1000, '███████████████████▒'), (12, 0, 10, '████████████████████'), (0, 0, 0, '')) as v (t, h, p, bar);
update data.slot set is_closed = true where organization_id = 'T2';
select is((select bar from admin.load('T2', pg_temp.day() + 1, pg_temp.day() + 1)), 'закрыто', 'O3: a closed day');
update data.slot set is_closed = false where organization_id = 'T2';
select is((select count(*) from admin.load('T1')), 14::bigint, 'O3: two weeks by default');
select is((select weekday from admin.load('T1', '2026-11-23', '2026-11-23')), 'пн', 'O3: a Monday');
select throws_ok('select * from admin.load(''nowhere'')', 'P0002', null, 'nowhere');
select throws_ok('select * from admin.load(''T1'', ''2026-01-02'', ''2026-01-01'')', '22023', null, 'days out of order');
select is((select count(*) from admin.free('T1', pg_temp.day(), 's2')), 40::bigint, 'O3: what is free for a service');
select is((select min(free) || '-' || max(free) from admin.free('T1', pg_temp.day()) where area_id = 'a3'), '1-2', 'O3: places left');
select throws_ok('select * from admin.free(''nowhere'')', 'P0002', 'Организации nowhere нет', 'O3: nowhere is no place');
select is((select result from admin.move('bbbb-2', (select slot_id from admin.free('T1', pg_temp.day()) limit 1))), 'отказано', 'O3: move takes what free shows; a hold is not the agency''s to move');

-- help
select is_empty($$select p.oid::regprocedure from pg_proc p where p.pronamespace = 'admin'::regnamespace
    and obj_description(p.oid, 'pg_proc') !~ ('^' || p.proname || '\(.*\): .*\. Пример: (select|call) .*admin\.' || p.proname)$$, 'O3: every function of admin has a line in help() with an example');
select is_empty($$select c.oid::regclass from pg_class c where c.relnamespace = 'admin'::regnamespace and c.relkind = 'v'
    and obj_description(c.oid, 'pg_class') !~ ('\. Пример: select .*admin\.' || c.relname)$$, 'O3: every view too');
select is_empty($$select example from admin.help() where example is null$$, 'O3: no example is missing');
create function pg_temp.typed(example text) returns text language plpgsql as $$
begin
    execute example;
    raise exception using errcode = 'ZZ001';
exception when others then
    return case when sqlstate ~ '^(42|ZZ002)' then sqlstate || ' ' || sqlerrm end;
end $$;
select is_empty($$select what, pg_temp.typed(example) from admin.help() where pg_temp.typed(example) is not null$$, 'O3: every example can be typed as it stands');
select ok((select count(*) between 1 and 5 from admin.help('перенести')), 'O3: help about a word');
select ok(exists (select from admin.help(w)), 'O3: help knows the word ' || w) from unnest(array['праздник', 'подпись', 'блокировка', 'забыт', 'Рабочая суббота']) as w;
-- A command without the word it needs says which, instead of that there is no such function.
select throws_ok(q, '22023', null, 'O3: ' || q) from unnest(array['select admin.cancel(''aaaa-1'')', 'select admin.reject(''aaaa-1'')', 'select admin.turned_away(''aaaa-1'')', 'select admin.correct(''aaaa-1'')',
    'select admin.correct(''aaaa-1'', ''202'')']) as q;
-- In whatever form the word is typed; and of a queue and a certificate people speak of SMEV's.
select ok((select array_agg(split_part(command, '(', 1)) @> w.wanted::text[] from admin.help(w.word)), 'O3: help finds ' || w.word) from (values ('очередь', '{inbox,inbox_retry,inbox_unread,today}'), ('очереди', '{inbox}'),
    ('очередью', '{inbox}'), ('сертификат', '{inbox_resign,refused}'), ('сертификата', '{inbox_resign}'), ('Записями', '{move}'), ('закрытием', '{close_day}'), ('посетитель', '{today}')) as w (word, wanted);
select is((select topic from admin.help(w)), 'не нашлось', 'O3: all of the words: ' || w) from unnest('{зюзюка,записи зюзюка}'::text[]) as w;
select is((select count(*) from admin.help(w) where topic = 'не нашлось'), 0::bigint, 'O3: what is no word is as it was: ' || w) from unnest('{и,на,.}'::text[]) as w;
select is(pg_temp.as_role('zapisd_auditor', 'select count(*) from admin.help(''cancel('') where topic <> ''не нашлось'''), '(0)', 'O3: help shows what one may');
select is(pg_temp.as_role('zapisd_registrar', 'select count(*) from admin.help(''cancel('')'), '(1)', 'O3: and all of it');

-- An office from nothing (O3), each command twice.
create function pg_temp.as_operator(query text) returns text language sql return pg_temp.as_role('zapisd_operator', query);
select is(pg_temp.as_operator(q) || pg_temp.as_operator(q), a || a, 'O3: ' || q) from (values
    ('select admin.add_agency(''NEW00001'', ''Новое'')', '(NEW00001)'),
    ('select admin.add_organization(''N1'', ''NEW00001'', ''Новый отдел'', ''Asia/Yekaterinburg'', ''Улица, 1'', ''+7'')', '(N1)'),
    ('select admin.add_service(''N1'', ''n-1'', ''Услуга'')', '(n-1)'), ('select admin.add_service(''N1'', ''n-2'', ''Услуга 2'', ''77'')', '(n-2)'),
    ('select admin.add_area(''N1'', ''hall'', ''Зал'', 3)', '(hall)'), ('select admin.add_area(''N1'', ''w1'', ''Окно'', 1, ''{n-1}'', ''hall'')', '(w1)'),
    ('select admin.set_hours(''N1'', ''w1'', ''Mon - Fri, 7'', ''9:00-13:00'', 30)', '(6)'), ('select admin.set_hours(''N1'', ''w1'', ''2-4'', ''9:00-13:00'', 30)', '(3)'),
    ('select admin.set_hours(''N1'', ''w1'', ''пн-пт, вс'', ''9:00-13:00, 14:00 – 18:00'', 30)', '(12)'), ('select admin.set_hours(''N1'', ''w1'', ''вс'', ''нет'', 30)', '(0)')) as v (q, a);
select results_eq($$select a.area_id, a.number::integer, p.area_id, array_agg(s.service_id order by s.service_id) from data.area a left join data.area p on p.area_key = a.parent_key
    join data.area_service s on s.area_key = a.area_key where a.organization_id = 'N1' group by 1, 2, 3 order by 2$$,
    $$values ('hall', 1, null, '{n-1,n-2}'::text[]), ('w1', 2, 'hall', '{n-1}')$$, 'B9: areas, numbered, in a tree, with their services');
select results_eq($$select weekday::integer, starts, ends from data.timetable t where organization_id = 'N1' order by 1, 2$$,
    $$select w, s::time, e::time from generate_series(1, 5) w, (values ('09:00', '13:00'), ('14:00', '18:00')) v (s, e) order by 1, 2$$, 'T2: the hours');
select is(pg_temp.as_operator(q), a, 'O3: ' || q) from (values
    ('select admin.add_organization(''N2'', ''NOBODY'', ''x'', ''Europe/Moscow'')', '23503'), ('select admin.add_organization(''N2'', ''NEW00001'', ''x'', ''Moscow'')', '23514'),
    ('select admin.add_area(''nowhere'', ''x'', ''x'')', '23503'), ('select admin.add_area(''N1'', ''x'', ''x'', 0)', '23514'), ('select admin.add_area(''N1'', ''x'', ''x'', 1, ''{s3}'')', '23503'),
    ('select admin.add_area(''N1'', ''x'', ''x'', 1, null, ''nowhere'')', 'P0002'), ('select admin.add_area(''N1'', ''hall'', ''x'', 1, null, ''w1'')', '23514'),
    ('select admin.set_hours(''N1'', ''nowhere'', ''пн'', ''9:00-10:00'', 30)', 'P0002'), ('select admin.set_hours(''N1'', ''w1'', ''пт-пн'', ''9:00-10:00'', 30)', '22023'),
    ('select admin.set_hours(''N1'', ''w1'', ''понедельник'', ''9:00-10:00'', 30)', '22023'), ('select admin.set_hours(''N1'', ''w1'', '''', ''9:00-10:00'', 30)', '22023'),
    ('select admin.set_hours(''N1'', ''w1'', ''пн'', ''9-10'', 30)', '22023'), ('select admin.set_hours(''N1'', ''w1'', ''пн'', ''10:00-9:00'', 30)', '22023'),
    ('select admin.set_hours(''N1'', ''w1'', ''пн'', ''9:00-12:00, 11:00-13:00'', 30)', '22023'), ('select admin.set_hours(''N1'', ''w1'', ''пн'', ''9:00-10:00'', 0)', '23514'),
    ('select admin.set_hours(''N1'', ''w1'', ''пн'', ''9:00-10:00'', 30, ''s3'')', '23503'), ('select admin.set_hours(''N1'', ''w1'', ''пн'', ''25:00-26:00'', 30)', '22008')) as v (q, a);
select is((select count(*) from data.timetable where organization_id = 'N1'), 10::bigint, 'O3: a refused command changes nothing');
-- What a command is not told again stays.
select is(pg_temp.as_operator(q), a, 'O3: ' || q) from (values ('select admin.add_organization(''N1'', ''NEW00001'', ''Отдел'', ''Asia/Yekaterinburg'')', '(N1)'),
    ('select admin.add_area(''N1'', ''hall'', ''Большой зал'')', '(hall)')) as v (q, a);
select is((select row(o.name, o.address, o.phone, a.name, a.capacity)::text from data.organization as o join data.area as a using (organization_id) where a.area_id = 'hall' and o.organization_id = 'N1'),
    row('Отдел', 'Улица, 1', '+7', 'Большой зал', 3)::text, 'O3: another name takes away neither address nor telephone nor places');
-- R4, R1: what an area is, by the clerk's word or the book's; said again without it, it stays
create function pg_temp.told_kind(area text) returns text language sql as $$
    select coalesce((select i.attributes ->> 'kind' from data.ref_item as i where i.ref_name = 'areas' and i.source_key = 'N1' and i.code = area), '-')
$$;
select is(pg_temp.as_operator(format($$select admin.add_area('N1', 'hall', 'Большой зал', kind => %L)$$, word)) || pg_temp.told_kind('hall'), '(hall)' || kind, format('R4: «%s»', word))
from (values ('здание', 'building'), ('этаж', 'floor'), ('зал', 'hall'), ('кабинет', 'room'), ('окно', 'window'), (' Специалист ', 'specialist'), ('building', 'building'), ('Floor', 'floor'),
    ('hall', 'hall'), ('room', 'room'), ('window', 'window'), ('specialist', 'specialist'), (null, 'specialist'), ('нет', '-'), (null, '-'), ('зал', 'hall'), ('', '-'), ('зал', 'hall')) as v (word, kind);
select is(left(pg_temp.as_operator(format($$select admin.add_area('N1', 'hall', 'Иное', kind => %L)$$, word)), 5), '22023', format('R4: «%s» is no kind', word))
from unnest('{комната,halls,зал 1,окно;}'::text[]) as u (word);
select is(pg_temp.told_kind('hall') || ' ' || (select name from data.area where organization_id = 'N1' and area_id = 'hall'), 'hall Большой зал', 'R4: and nothing is changed by it');
-- R4: item 24, "необходимо передавать": where an office is, told by the console and missed by admin.check()
create function pg_temp.untold() returns text language sql as $$
    select string_agg((regexp_match(u.what, '^у \S+ нет (.*?); '))[1], ', ' order by u.what) from admin.check() as u where u.problem = 'порталу не передаётся то, чего требует приказ'
$$;
-- Towns of Russia at its ends (decimal degrees, as gazetteers give them), and places that are not in it
select is(data.is_in_russia(lat, lon), is_there, 'R4: ' || name) from (values ('Москва', 55.75, 37.62, true), ('Калининград', 54.71, 20.51, true), ('Дербент', 42.06, 48.29, true), ('Диксон', 73.51, 80.55, true),
    ('Анадырь', 64.73, 177.51, true), ('Уэлен', 66.16, -169.81, true), ('Москва наоборот', 37.62, 55.75, false), ('Петропавловск-Камчатский наоборот', 158.64, 53.02, false), ('Вена', 48.21, 16.37, false)) as v (name, lat, lon, is_there);
select is(pg_temp.untold(), 'широты и долготы (N1), номера ФРГУ (n-1)', 'R4, R5: what the order wants told is missed by name');
select is(pg_temp.as_operator('select admin.add_organization(''N1'', ''NEW00001'', ''Отдел'', ''Asia/Yekaterinburg'', latitude => 56.838011, longitude => -179.5)'), '(N1)', 'R4: where it is');
select is((select array[attributes ->> 'latitude', attributes ->> 'longitude'] from data.ref_item where ref_name = 'organizations' and code = 'N1'), '{56.838011,-179.500000}',
    'R4: which the portal is told, with a point');
select is(pg_temp.as_operator('select admin.add_organization(''N1'', ''NEW00001'', ''Отдел'', ''Asia/Yekaterinburg'')'), '(N1)', 'R4: said again without it');
select is((select array[latitude, longitude] from data.organization where organization_id = 'N1'), '{56.838011,-179.500000}', 'R4: it stays where it is');
select is(pg_temp.untold(), 'номера ФРГУ (n-1)', 'R4: and is not missed any more');
select is(pg_temp.as_operator('select admin.add_service(''N1'', ''n-1'', ''Новая услуга'', ''7700000010000000001'')'), '(n-1)', 'R5: the number of the federal register');
select is(pg_temp.untold(), null, 'R5: and nothing is missed');
select is(pg_temp.as_operator('select admin.add_organization(''N1'', ''NEW00001'', ''Отдел'', ''Asia/Yekaterinburg'', '''', '''')'), '(N1)', 'O3: said to be none');
select is((select address || phone from data.organization where organization_id = 'N1'), '', 'O3: there is none');
select is(pg_temp.untold(), 'адреса (N1), телефона (N1)', 'R4: item 9.5 wants them');
update data.organization set is_active = false where organization_id = 'N1';
select is(pg_temp.untold(), null, 'R4: of an office that is closed nothing is');
update data.organization set is_active = true, address = 'Улица, 1', phone = '+7' where organization_id = 'N1';
-- Several services at the same hours of one area, each with slots of its own; said again, they are the slots they were.
select is(pg_temp.as_operator('select admin.add_area(''N1'', ''w2'', ''Окно 2'')'), '(w2)', 'O3: an area for both services');
create function pg_temp.hours_of(service text) returns text language sql as $$
    select string_agg(concat_ws(' ', t.weekday, t.starts, t.serial, t.valid_from), ', ' order by t.weekday, t.starts, t.valid_from) from data.timetable as t join data.area as a using (area_key)
    where a.organization_id = 'N1' and a.area_id = 'w2' and t.service_id = service
$$;
select is(pg_temp.as_operator(q), a, 'T2: ' || q) from (values ('select admin.set_hours(''N1'', ''w2'', ''пн'', ''9:00-13:00'', 30, ''n-1'')', '(1)'), ('select admin.set_hours(''N1'', ''w2'', ''пн'', ''10:00-12:00'', 30, ''n-2'')', '(1)')) as v (q, a);
select is(pg_temp.hours_of('n-1') || '; ' || pg_temp.hours_of('n-2'), '1 09:00:00 0; 1 10:00:00 1', 'T2: hours of two services overlap without starting together');
select is(pg_temp.as_operator(format('select admin.set_hours(''N1'', ''w2'', ''пн'', ''9:00-13:00'', 30, %L)', s)), '(1)', 'T2: hours said again, ' || s) from unnest('{n-1,n-2,n-1}'::text[]) as s;
select is(pg_temp.hours_of('n-1') || '; ' || pg_temp.hours_of('n-2'), '1 09:00:00 0; 1 09:00:00 1', 'T2: their slots are the same as before');
select is(pg_temp.as_operator('select admin.set_hours_for(''N1'', ''w2'', ''2027-06-01'', ''2027-08-31'', ''пн'', ''9:00-11:00, 12:00-13:00'', 30, ''n-2'')'), '(2)', 'T2: other hours of one of them in summer');
select is(pg_temp.hours_of('n-1') || '; ' || pg_temp.hours_of('n-2'), '1 09:00:00 0; 1 09:00:00 1 2027-06-01, 1 09:00:00 1 2027-09-01, 1 09:00:00 1, 1 12:00:00 1 2027-06-01', 'T2: beside those of the other');

-- Grants, function by function: operator, registrar, auditor.
create temp table may (fn text, roles text);
insert into may values ('today(text,date)', 'or'), ('find(text)', 'or'), ('why(text)', 'or'), ('history(text)', 'ora'), ('visited(text,time without time zone,text,text,integer)', 'or'),
    ('no_show(text,text)', 'or'), ('turned_away(text,text,text)', 'or'), ('correct(text,text,text)', 'or'), ('confirm(text)', 'or'), ('reject(text,text,text)', 'or'),
    ('invite(text)', 'or'), ('move(text,text,text)', 'or'), ('cancel(text,text,text,text)', 'or'), ('free(text,date,text)', 'or'), ('load(text,date,date)', 'ora'), ('office_day(text)', 'ora'),
    ('help(text)', 'ora'), ('outbox_done(bigint)', 'o'), ('outbox_done(text)', 'o'), ('outbox_hold(bigint,text)', 'o'), ('outbox_hold(text,text)', 'o'), ('outbox_release(bigint)', 'o'), ('outbox_release(text)', 'o'), ('outbox_requeue(bigint)', 'o'), ('outbox_requeue(text)', 'o'), ('outbox_drop(bigint,text)', 'o'), ('outbox_drop(text,text)', 'o'), ('outbox_resend(bigint)', 'o'), ('outbox_resend(text)', 'o'), ('set_text(text,text,text)', 'o'), ('add_status(text,text,text)', 'o'),
    ('add_agency(text,text)', 'o'), ('add_organization(text,text,text,text,text,text,numeric,numeric)', 'o'), ('add_service(text,text,text,text)', 'o'),
    ('add_area(text,text,text,integer,text[],text,text)', 'o'), ('set_hours(text,text,text,text,integer,text,integer)', 'o'), ('sweep(integer)', 'o'), ('check()', 'oa'),
    ('journal_partitions(integer)', 'o'), ('refused(timestamptz)', 'oa'), ('slot_decode(uuid)', 'oa'), ('mask_name(text,text,text)', 'or');
select is(concat(case when has_function_privilege('zapisd_operator', f, 'execute') then 'o' end, case when has_function_privilege('zapisd_registrar', f, 'execute') then 'r' end,
    case when has_function_privilege('zapisd_auditor', f, 'execute') then 'a' end, case when has_function_privilege('zapisd_daemon', f, 'execute') then 'd' end,
    case when has_function_privilege('public', f, 'execute') then 'p' end), roles, 'O3: who may call ' || fn)
from may, lateral (select ('admin.' || fn)::regprocedure::oid as f) as x;
select is(concat(case when has_table_privilege('zapisd_operator', v, 'select') then 'o' end, case when has_table_privilege('zapisd_registrar', v, 'select') then 'r' end,
    case when has_table_privilege('zapisd_auditor', v, 'select') then 'a' end, case when has_table_privilege('zapisd_daemon', v, 'select') then 'd' end), roles, 'O3: who may read ' || v)
from (values ('admin.outbox', 'ora'), ('admin.arrows', 'ora'), ('admin.readings', 'oa'), ('admin.v_booking', 'or')) as x (v, roles);
select is_empty($$select c.oid::regclass, p from pg_class c, unnest(array['insert', 'update', 'delete', 'truncate']) p
    where c.relnamespace = 'admin'::regnamespace and has_table_privilege('zapisd_operator', c.oid, p)$$, 'no view is written through');
select is_empty($$select c.oid::regclass from pg_class c where c.relnamespace = 'data'::regnamespace and c.relkind in ('r', 'p', 'v', 'S')
    and (case c.relkind when 'S' then has_sequence_privilege('zapisd_registrar', c.oid, 'usage, select, update')
        else has_any_column_privilege('zapisd_registrar', c.oid, 'select, insert, update, references') end)$$, 'J3: the registrar touches no table');
select is_empty($$select p.oid::regprocedure from pg_proc p where p.pronamespace in ('data'::regnamespace, 'api'::regnamespace) and has_function_privilege('zapisd_registrar', p.oid, 'execute')
    and p.proname not in ('sees_all', 'my_offices', 'my_agencies', 'whole_agencies', 'is_my_service', 'is_my_calendar', 'journal_agency') -- views ask them in the reader's name$$, 'nor calls api or data');
select is_empty($$select r, p from unnest(array['zapisd_operator', 'zapisd_registrar', 'zapisd_auditor', 'zapisd_daemon']) r, unnest(array['insert', 'update', 'delete', 'truncate']) p
    where has_table_privilege(r, 'data.personal_reading', p)$$, 'J3: nobody writes or forgets readings');
select pg_temp.healthy();
select * from finish();
rollback;
