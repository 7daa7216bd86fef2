-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- O3: every function and view of admin, by the catalog: used in a test, granted to those named here and to nobody else, and
-- readable by whom it is granted to. J3: none of them shows a person to somebody who may not see people, and each
-- that does show one writes it down. S2: the arrows, typed here from the order's facts, section "states".
\ir lib/helpers.psql
select no_plan();
grant usage on schema public to zapisd_operator, zapisd_registrar, zapisd_auditor, zapisd_daemon;

-- Who may: o operator, r registrar, a auditor.
create temp table may (fn text primary key, roles text);
insert into may values
('absence(text,text,timestamp without time zone,timestamp without time zone,text,boolean,boolean,integer)', 'o'),
('add_agency(text,text)', 'o'), ('add_area(text,text,text,integer,text[],text,text)', 'o'), ('add_calendar(text,text,text)', 'o'),
('add_organization(text,text,text,text,text,text,numeric,numeric)', 'o'), ('add_service(text,text,text,text)', 'o'), ('add_status(text,text,text)', 'o'),
('calendar_day(text,date,text,text)', 'o'), ('cancel(text,text,text,text)', 'or'), ('check()', 'oa'),
('close_area(text,text,date,date,text,boolean,boolean,integer)', 'o'), ('close_day(text,date,text,boolean,boolean,integer)', 'o'),
('close_office(text,date,date,text,boolean,boolean,integer)', 'o'), ('confirm(text)', 'or'), ('correct(text,text,text)', 'or'),
('find(text)', 'or'), ('free(text,date,text)', 'or'), ('generate(text,date,date)', 'o'), ('go_on(integer,integer)', 'o'), ('help(text)', 'ora'),
('history(text)', 'ora'), ('inbox_calls(bigint)', 'oa'), ('inbox_files(bigint)', 'oa'), ('inbox_give_up(bigint,text)', 'o'), ('inbox_resign(bigint)', 'o'), ('inbox_retry(bigint,boolean)', 'o'), ('inbox_unread_give_up(text,text)', 'o'), ('inbox_move(text,text)', 'o'), ('housekeeping_lags(text)', 'oa'), ('invite(text)', 'or'), ('journal_partitions(integer)', 'o'), ('load(text,date,date)', 'ora'), ('locks()', 'ora'), ('lock_end(integer)', 'o'), ('office_day(text)', 'ora'), ('off_schedule(text,date,date)', 'or'), ('mask_name(text,text,text)', 'or'),
('move(text,text,text)', 'or'), ('no_show(text,text)', 'or'), ('offices()', 'ora'), ('outbox_done(bigint)', 'o'), ('outbox_done(text)', 'o'),
('outbox_hold(bigint,text)', 'o'), ('outbox_hold(text,text)', 'o'), ('outbox_release(bigint)', 'o'), ('outbox_release(text)', 'o'), ('outbox_requeue(bigint)', 'o'), ('outbox_requeue(text)', 'o'), ('outbox_drop(bigint,text)', 'o'), ('outbox_drop(text,text)', 'o'), ('outbox_resend(bigint)', 'o'), ('outbox_resend(text)', 'o'),
('queue_numbers(text,text,text)', 'o'), ('ref_attribute(text,text,text,text,text,boolean)', 'o'), ('ref_csv(text,boolean)', 'o'), ('ref_delete(text,text)', 'o'), ('ref_drop(text)', 'o'),
('ref_import(text,boolean)', 'o'), ('ref_new(text,text,text,text)', 'o'), ('ref_put(text,text,text,jsonb,text)', 'o'), ('reject(text,text,text)', 'or'),
('refused(timestamp with time zone)', 'oa'), ('remove_area(text,text)', 'o'), ('reopen(integer)', 'o'), ('schedule(text,date,date)', 'ora'), ('set_hours(text,text,text,text,integer,text,integer)', 'o'),
('set_hours_for(text,text,date,date,text,text,integer,text,integer)', 'o'), ('set_text(text,text,text)', 'o'), ('slot_attribute(text,text,text,text)', 'o'), ('slot_decode(uuid)', 'oa'),
('special_day(text,date,text,text,integer,text,text)', 'o'), ('state_title(text)', 'ora'), ('sweep(integer)', 'o'), ('today(text,date)', 'or'),
('grant_office(text,text,text)', 'o'), ('revoke_office(text,text,text)', 'o'), ('my_offices()', 'ora'),
('turned_away(text,text,text)', 'or'), ('use_calendar(text,text)', 'o'), ('visited(text,time without time zone,text,text,integer)', 'or'),
('waiting(text)', 'or'), ('why(text)', 'or'), ('zone_check(text)', 'oa'), ('zone_move(text,boolean)', 'o');
create temp table may_read (v text primary key, roles text);
insert into may_read values ('arrows', 'ora'), ('closures', 'oa'), ('housekeeping', 'oa'), ('inbox', 'oa'), ('inbox_unread', 'oa'), ('office_members', 'oa'), ('outbox', 'ora'), ('readings', 'oa'), ('v_booking', 'or');
create temp table letter (role name, l text);
insert into letter values ('zapisd_operator', 'o'), ('zapisd_registrar', 'r'), ('zapisd_auditor', 'a');

create temp view there as select p.oid, p.proname, p.proname || '(' || replace(oidvectortypes(p.proargtypes), ', ', ',') || ')' as fn from pg_proc as p where p.pronamespace = 'admin'::regnamespace;
select set_eq('select fn from there', 'select fn from may', 'O3: the functions of admin are those listed here');
select set_eq($$select relname::text from pg_class where relnamespace = 'admin'::regnamespace and relkind in ('v', 'm', 'r', 'p', 'f')$$, 'select v from may_read', 'O3: and so are the views');
select is((select coalesce(string_agg(case when a.grantee = 0 then 'PUBLIC' else coalesce(l.l, a.grantee::regrole::text) end, '' order by strpos('ora', coalesce(l.l, 'z'))), '')
    from aclexplode((select p.proacl from pg_proc as p where p.oid = t.oid)) as a left join letter as l on l.role::text = a.grantee::regrole::text
    where a.grantee <> 'zapisd_owner'::regrole), m.roles, 'O3: who may call ' || m.fn)
from may as m join there as t using (fn) order by m.fn;
select is((select coalesce(string_agg(case when a.grantee = 0 then 'PUBLIC' else coalesce(l.l, a.grantee::regrole::text) end || case a.privilege_type when 'SELECT' then '' else a.privilege_type end, '' order by strpos('ora', coalesce(l.l, 'z'))), '')
    from aclexplode((select c.relacl from pg_class as c where c.oid = ('admin.' || m.v)::regclass)) as a left join letter as l on l.role::text = a.grantee::regrole::text
    where a.grantee <> 'zapisd_owner'::regrole), m.roles, 'O3: who may read ' || m.v)
from may_read as m order by m.v;
-- The text of all other tests, as this file's neighbours have it.
\set texts `cat "$ZAPISD_SQL_TESTS"/*.sql "$ZAPISD_SQL_TESTS"/*.sh "$ZAPISD_SQL_TESTS"/lib/*.psql`
select set_config('zapisd.texts', :'texts', true) is not null as texts_read \gset
select ok(length(current_setting('zapisd.texts')) > 100000, 'the tests can be read');
select is_empty($$select distinct proname from there where current_setting('zapisd.texts') !~ ('admin\.' || proname || '\s*\(')$$, 'O3: every function of admin is called in a test');
select is_empty($$select v from may_read where current_setting('zapisd.texts') !~ ('admin\.' || v || '\M')$$, 'O3: every view is read in a test');

-- A person with a name, numbers and an account that stand nowhere else.
create temp table secret (what text primary key);
insert into secret values ('Секретова'), ('Тайна'), ('Скрытовна'), ('79995550101'), ('9995550101'), ('11122233396'), ('111-222-333 96'), ('secret@example.org'), ('sekretlogin'), ('4477 998877'),
    ('998877'), ('500100732259'), ('7700112233445'), ('ООО Невидимка'), ('Невидимка'), ('5550001117'), ('тайный-атрибут');
create function pg_temp.person(book text, n integer, slots text[]) returns text language sql as $$
    select pg_temp.line(array(select r from api.book(pg_temp.msg('msg-' || book, (select string_agg(what, ' ') || ' ' || book from secret)), book, slots, 'T1', 'SIMPLE', 'PHYSIC', '5550001117',
        '{"lastName": "Секретова", "firstName": "Тайна", "middleName": "Скрытовна", "mobilePhone": "79995550101", "userSnils": "111-222-333 96", "email": "secret@example.org", "userLogin": "sekretlogin",
          "userDoc": {"docType": "PASSPORT", "docSeries": "4477", "docNumber": "998877"}, "userINN": "500100732259", "businessOGRN": "7700112233445", "businessName": "ООО Невидимка", "caseNumber": "77"}',
        '{s1}', '{""}', false, null, '[{"name": "x", "value": "тайный-атрибут"}]', '{}') as r))
$$;
select is(pg_temp.person('bk-1', 1, array[pg_temp.slot('a1', 5)]), '201/0 slots=1', 'J3: a booking of hers');
update data.organization set confirm_booking = true where organization_id = 'T1';
select is(pg_temp.person('bk-2', 2, array[pg_temp.slot('a1', 6)]), '100/0 slots=1', 'J3: one that waits');
update data.organization set confirm_booking = false where organization_id = 'T1';
select is((admin.move('bk-1', pg_temp.slot('a1', 7), 'ремонт')).result, 'сделано', 'J3: moved');
select result from admin.close_day('T1', (pg_temp.noon() at time zone 'Europe/Moscow')::date + 1, 'ремонт', true) as c (result, a, b, d, e, f, g, h);
select outcome from admin.close_area('T1', 'a1', (pg_temp.noon() at time zone 'Europe/Moscow')::date, (pg_temp.noon() at time zone 'Europe/Moscow')::date, 'ремонт', true, false, 0);
select outcome from api.inbox_store('s', 'TEST00001', 'PORTAL', 'inbox-1', 'request', '1.2', (select string_agg(what, ' ') from secret), (select string_agg(what, ' ') from secret), null, null, false,
    convert_to((select string_agg(what, ' ') from secret), 'UTF8'), 'd', 'p', 'good', convert_to('q', 'UTF8'), convert_to((select string_agg(what, ' ') from secret), 'UTF8'), null, null, null,
    (select jsonb_agg(jsonb_build_object('place', 'store', 'id', 'x', 'signed', true, 'name', what)) from secret));
select api.inbox_unread('s', 'TEST00001', 'unread-1', 'LIMIT');

-- What a role reads by a query, or the error it gets: whatever comes back.
create function pg_temp.reads(r name, q text) returns text language plpgsql as $$
declare
    t text;
    m text;
    d text;
    h text;
    c text;
begin
    perform set_config('role', r, true);
    execute format('select string_agg(x::text, chr(10)) from (%s) as x', rtrim(q, ';')) into t;
    perform set_config('role', 'none', true);
    return coalesce(t, '');
exception when others then
    get stacked diagnostics m = message_text, d = pg_exception_detail, h = pg_exception_hint, c = pg_exception_context;
    return replace(concat_ws(' ', m, d, h, c), q, ''); -- what one has typed oneself is no news
end $$;
create function pg_temp.leaks(answer text) returns text language sql as $$ select string_agg(what, ', ') from secret where strpos(answer, what) > 0 $$;
create temp table question (fn text, q text);
insert into question
select v, 'select * from admin.' || v from may_read
union all
values ('today', 'select * from admin.today()'), ('today', $$select * from admin.today(null, (pg_temp.noon() at time zone 'Europe/Moscow')::date)$$), ('today', $$select * from admin.today('T1', (pg_temp.noon() at time zone 'Europe/Moscow')::date)$$),
    ('waiting', 'select * from admin.waiting()'), ('find', $$select * from admin.find('bk-1')$$), ('find', $$select * from admin.find('bk-')$$), ('find', $$select * from admin.find('77')$$), ('find', $$select * from admin.find('секретова')$$),
    ('find', $$select * from admin.find('79995550101')$$), ('find', $$select * from admin.find('11122233396')$$), ('find', $$select * from admin.find('ООО')$$), ('why', $$select * from admin.why('bk-1')$$), ('why', $$select * from admin.why('bk-2')$$),
    ('history', $$select * from admin.history('bk-1')$$), ('history', $$select * from admin.history('bk-2')$$), ('free', $$select * from admin.free('T1', (pg_temp.noon() at time zone 'Europe/Moscow')::date)$$), ('load', $$select * from admin.load('T1')$$),
    ('offices', 'select * from admin.offices()'), ('locks', 'select * from admin.locks()'), ('off_schedule', $$select * from admin.off_schedule('T1')$$), ('schedule', $$select * from admin.schedule('T1')$$), ('check', 'select * from admin.check()'), ('zone_check', 'select * from admin.zone_check()'),
    ('help', $$select * from admin.help()$$), ('confirm', $$select * from admin.confirm('bk-1')$$), ('visited', $$select * from admin.visited('bk-1')$$), ('visited', $$select * from admin.visited('bk-0')$$),
    ('move', $$select * from admin.move('bk-1', '00000000-0000-0000-0000-000000000000')$$), ('cancel', $$select * from admin.cancel('bk-1', 'x', null, '999')$$), ('correct', $$select * from admin.correct('bk-1', '202', 'x')$$),
    ('reject', $$select * from admin.reject('bk-1', 'x')$$), ('close_day', $$select * from admin.close_day('T1', (pg_temp.noon() at time zone 'Europe/Moscow')::date, 'x')$$), ('go_on', 'select * from admin.go_on(null, 0)'),
    -- the catalog's memory of values, and what others are doing
    ('pg_stats', $$select * from pg_stats where schemaname = 'data'$$), ('pg_stat_activity', $$select datname, usename, query from pg_stat_activity where pid <> pg_backend_pid()$$), ('conversion', $$select admin.mask_name(applicant, '', '')::integer from admin.v_booking where book_id = 'bk-1'$$),
    ('pushed down', $$select * from admin.v_booking where book_id = 'bk-1' and applicant::integer = 1$$), ('applicant', 'select * from data.applicant'), ('payload', 'select payload from data.outbox'), ('bodies', 'select body from data.journal'),
    ('refused', 'select * from admin.refused()'), ('heads', 'select head from data.journal_refused'), ('faults', 'select answer from data.journal_refused'),
    ('peers', 'select peer from data.journal_refused');
analyze data.applicant;
analyze data.booking;
create temp table told as select l.role, q.fn, q.q, pg_temp.reads(l.role, q.q) as answer from question as q, letter as l where l.l in ('o', 'a');
select is(pg_temp.leaks(answer), null, format('J3: %s learns nobody from %s', role, q)) from told order by role, fn, q;
select ok((select count(*) > 25 from told where answer ~ 'bk-|T1'), 'J3: though they read much');
-- Every column of every table that a role may read at all.
create temp table columns_told as
select l.role, c.oid::regclass::text as t, pg_temp.reads(l.role, format('select %s from %s', string_agg(quote_ident(a.attname), ', '), c.oid::regclass)) as answer, string_agg(a.attname, ' ') as names
from letter as l, pg_class as c join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relnamespace = 'data'::regnamespace and c.relkind in ('r', 'p', 'v') and has_column_privilege(l.role, c.oid, a.attnum, 'select')
group by l.role, c.oid;
select is(pg_temp.leaks(answer), null, format('J3: %s learns nobody from %s (%s)', role, t, names)) from columns_told order by 1;
select ok((select count(*) > 50 from columns_told where answer !~ 'permission denied'), 'J3: tables are really read');
-- The journal's bodies do hold her, so that the test would see it; and nobody may read them.
select ok((select bool_or(strpos(convert_from(body, 'UTF8'), 'Секретова') > 0) from data.journal where body is not null), 'J3: the words looked for are there');
select is((select count(*) from data.personal_reading), 0::bigint, 'J3: masked reading is not noted');

-- The registrar sees her, and each time it is noted under the name of the function.
create function pg_temp.noted(q text, f text) returns text language plpgsql as $$
declare
    n bigint := (select count(*) from data.personal_reading);
    seen text := pg_temp.leaks(pg_temp.reads('zapisd_registrar', q));
begin
    return case when seen is null then 'nobody' else 'seen' end || ' ' || (select count(*) - n || coalesce(' ' || string_agg(distinct what, ',') filter (where reading_id > (
        select coalesce(max(reading_id), 0) from (select reading_id from data.personal_reading order by reading_id limit n) as x)), '') from data.personal_reading);
end $$;
select is(pg_temp.noted(q, f), wanted, format('J3: the registrar: %s', q)) from (values
    ($$select * from admin.today('T1', (pg_temp.noon() at time zone 'Europe/Moscow')::date)$$, 'today', 'seen 2 today'), ($$select * from admin.today(null, (pg_temp.noon() at time zone 'Europe/Moscow')::date)$$, 'today', 'seen 2 today'),
    ('select * from admin.waiting()', 'waiting', 'seen 1 waiting'), ($$select * from admin.find('секретова тайна')$$, 'find', 'seen 2 find'), ($$select * from admin.find('8 (999) 555-01-01')$$, 'find', 'seen 2 find'),
    ($$select * from admin.find('111-222-333 96')$$, 'find', 'seen 2 find'), ($$select * from admin.find('ооо нев')$$, 'find', 'seen 2 find'), ($$select * from admin.find('bk-1')$$, 'find', 'seen 1 find'), ($$select * from admin.why('bk-1')$$, 'why', 'seen 1 why'),
    ($$select * from admin.find('Безымянная')$$, 'find', 'nobody 0'), ($$select * from admin.history('bk-1')$$, '', 'nobody 0'), ('select * from admin.outbox', '', 'nobody 0'), ('select * from admin.v_booking', '', 'nobody 0'),
    ($$select * from admin.free('T1')$$, '', 'nobody 0'), ('select * from admin.offices()', '', 'nobody 0')) as v (q, f, wanted);
select is(pg_temp.reads('zapisd_registrar', 'select applicant from admin.v_booking where book_id = ''bk-1'''), '("С*** Т. С.")', 'J3: a view shows initials to everybody');
create role office_somebody in role zapisd_registrar;
select is(admin.grant_office('office_somebody', 'TEST00001'), 'office_somebody работает за: TEST00001', 'C6: somebody was given an agency');
select is(pg_temp.reads(l.role, 'select count(*) > 0 from admin.' || v), '(t)', format('O3: %s reads %s', l.role, v)) from may_read as m join letter as l on strpos(m.roles, l.l) > 0;

-- S2: section "states", an arrow a line: event, from, to, whose, the place, whether the portal is told.
create temp table arrow (event text, old_state text, new_state text, actors text, place text, is_pushed boolean);
insert into arrow
select e, o, n, 'A', p, false from (values ('hold', 'HELD', 'taken'), ('hold', 'REFUSED', 'none'), ('hold', 'RETURNED', 'none'), ('book', 'BOOKED', 'taken'), ('book', 'ACCEPTED', 'taken'), ('book', 'RETURNED', 'none'), ('book', 'REFUSED', 'none')) as v (e, n, p),
    unnest(array[null, 'EXPIRED', 'CANCELLED_APPLICANT', 'CANCELLED_AGENCY', 'CANCELLED', 'REFUSED', 'RETURNED']) as o
union all values ('hold', 'HELD', 'HELD', 'A', 'kept', false), ('book', 'HELD', 'BOOKED', 'A', 'kept', false), ('book', 'HELD', 'ACCEPTED', 'A', 'kept', false), ('book', 'HELD', 'RETURNED', 'A', 'freed', false), ('book', 'HELD', 'REFUSED', 'A', 'freed', false),
    ('lapse', 'HELD', 'EXPIRED', 'T', 'freed', false),
    ('rebook', 'HELD', 'HELD', 'A', 'swapped', false), ('rebook', 'BOOKED', 'BOOKED', 'A', 'swapped', false), ('rebook', 'ACCEPTED', 'ACCEPTED', 'A', 'swapped', false), ('rebook', 'INVITED', 'INVITED', 'A', 'swapped', false),
    ('confirm', 'ACCEPTED', 'BOOKED', 'G', 'kept', true), ('reject', 'ACCEPTED', 'RETURNED', 'G', 'freed', true), ('reject', 'ACCEPTED', 'REFUSED', 'G', 'freed', true),
    ('cancel_booking', 'HELD', 'CANCELLED_APPLICANT', 'A', 'freed', false), ('cancel_booking', 'BOOKED', 'CANCELLED_APPLICANT', 'A', 'freed', false), ('cancel_booking', 'ACCEPTED', 'CANCELLED_APPLICANT', 'A', 'freed', false), ('cancel_booking', 'INVITED', 'CANCELLED_APPLICANT', 'A', 'freed', false),
    ('cancel_booking', 'BOOKED', 'CANCELLING', 'A', 'kept', false), ('cancel_booking', 'ACCEPTED', 'CANCELLING', 'A', 'kept', false), ('cancel_booking', 'INVITED', 'CANCELLING', 'A', 'kept', false),
    ('confirm', 'CANCELLING', 'CANCELLED_APPLICANT', 'G', 'freed', true), ('reject', 'CANCELLING', 'BOOKED', 'G', 'kept', true), ('reject', 'CANCELLING', 'ACCEPTED', 'G', 'kept', true), ('reject', 'CANCELLING', 'INVITED', 'G', 'kept', true),
    ('rebook', 'BOOKED', 'ACCEPTED', 'A', 'swapped', false), ('rebook', 'ACCEPTED', 'BOOKED', 'A', 'swapped', false), ('rebook', 'INVITED', 'BOOKED', 'A', 'swapped', false), ('rebook', 'INVITED', 'ACCEPTED', 'A', 'swapped', false),
    ('visited', 'ACCEPTED', 'SERVED', 'G', 'used', true), ('no_show', 'ACCEPTED', 'NO_SHOW', 'G', 'used', true), ('turned_away', 'ACCEPTED', 'NOT_SERVED', 'G', 'used', true), ('no_data', 'ACCEPTED', 'NO_DATA', 'PT', 'used', true),
    ('visited', 'CANCELLING', 'SERVED', 'G', 'used', true), ('no_show', 'CANCELLING', 'NO_SHOW', 'G', 'used', true), ('turned_away', 'CANCELLING', 'NOT_SERVED', 'G', 'used', true), ('no_data', 'CANCELLING', 'NO_DATA', 'PT', 'used', true),
    ('cancel', 'HELD', 'CANCELLED_AGENCY', 'G', 'freed', true), ('cancel', 'BOOKED', 'CANCELLED_AGENCY', 'G', 'freed', true), ('cancel', 'ACCEPTED', 'CANCELLED_AGENCY', 'G', 'freed', true), ('cancel', 'INVITED', 'CANCELLED_AGENCY', 'G', 'freed', true),
    ('withdraw', 'HELD', 'CANCELLED', 'GP', 'freed', true), ('withdraw', 'BOOKED', 'CANCELLED', 'GP', 'freed', true), ('withdraw', 'ACCEPTED', 'CANCELLED', 'GP', 'freed', true), ('withdraw', 'INVITED', 'CANCELLED', 'GP', 'freed', true),
    ('move', 'BOOKED', 'BOOKED', 'G', 'swapped', true), ('move', 'INVITED', 'INVITED', 'G', 'swapped', true), ('invite', 'BOOKED', 'INVITED', 'G', 'kept', true),
    ('visited', 'BOOKED', 'SERVED', 'G', 'used', true), ('visited', 'INVITED', 'SERVED', 'G', 'used', true), ('no_show', 'BOOKED', 'NO_SHOW', 'GT', 'used', true), ('no_show', 'INVITED', 'NO_SHOW', 'GT', 'used', true),
    ('turned_away', 'BOOKED', 'NOT_SERVED', 'G', 'used', true), ('turned_away', 'INVITED', 'NOT_SERVED', 'G', 'used', true), ('no_data', 'BOOKED', 'NO_DATA', 'PT', 'used', true), ('no_data', 'INVITED', 'NO_DATA', 'PT', 'used', true),
    ('correct', 'SERVED', 'NO_SHOW', 'G', 'used', true), ('correct', 'SERVED', 'NO_DATA', 'G', 'used', true), ('correct', 'SERVED', 'NOT_SERVED', 'G', 'used', true), ('correct', 'NO_SHOW', 'SERVED', 'G', 'used', true),
    ('correct', 'NO_SHOW', 'NO_DATA', 'G', 'used', true), ('correct', 'NO_SHOW', 'NOT_SERVED', 'G', 'used', true), ('correct', 'NO_DATA', 'SERVED', 'G', 'used', true), ('correct', 'NO_DATA', 'NO_SHOW', 'G', 'used', true),
    ('correct', 'NO_DATA', 'NOT_SERVED', 'G', 'used', true), ('correct', 'NOT_SERVED', 'SERVED', 'G', 'used', true), ('correct', 'NOT_SERVED', 'NO_SHOW', 'G', 'used', true), ('correct', 'NOT_SERVED', 'NO_DATA', 'G', 'used', true);
select set_eq('select event, old_state::text, new_state::text, actors, place, is_pushed from data.booking_arrow', 'select * from arrow', 'S2: data.booking_arrow is section "states", arrow by arrow');
create function pg_temp.goes(o data.booking_state, n data.booking_state) returns boolean language plpgsql as $$
begin
    set local session_replication_role = replica;
    insert into data.booking (book_key, book_id, esia_id, organization_id, state, status_code, hold_until, created_at, changed_at)
    values ('arrow', 'arrow', '1', 'T1', o, data.state_code(o), case o when 'HELD' then now() end, now(), now());
    set local session_replication_role = origin;
    update data.booking set state = n, status_code = data.state_code(n), hold_until = case n when 'HELD' then now() end where book_key = 'arrow';
    raise exception 'undo' using errcode = 'ZZ001';
exception
    when sqlstate 'ZZ001' then return true;
    when check_violation then return false;
end $$;
select is(pg_temp.goes(o, n), exists (select from arrow as a where a.old_state = o::text and a.new_state = n::text), format('S2: %s to %s', o, n))
from unnest(enum_range(null::data.booking_state)) as o, unnest(enum_range(null::data.booking_state)) as n where o <> n;
select is((select count(*) from unnest(enum_range(null::data.booking_state))), 15::bigint, 'S2: of fifteen states');

-- O3: the list of contents knows each of them, and what refuses a command says it in words.
select is_empty($$select command from admin.help() where topic = 'прочее'$$, 'O3: every command has a topic in help()');
select is_empty($$select unnest(names) from data.help_topics() except (select proname::text from there union select v from may_read)$$, 'O3: and help() has no topic of nothing');
select is_empty($$select conrelid::regclass, conname from pg_constraint as c where c.connamespace = 'data'::regnamespace and c.contype in ('c', 'u', 'x', 'f')
    and has_any_column_privilege('zapisd_operator', c.conrelid, 'insert') and not exists (select from data.constraint_words() as w where w.name = c.conname)$$,
    'O3: each constraint that an operator can meet has its words in admin.help()');
select is_empty($$select name from data.constraint_words() where name not in (select conname from pg_constraint where connamespace = 'data'::regnamespace) and name not in ('area_tree', 'calendar_tree')$$, 'O3: the words are those of constraints there are');
create function pg_temp.said(q text) returns text language plpgsql as $$
declare
    h text;
begin
    execute q;
    return 'nothing';
exception when others then
    get stacked diagnostics h = pg_exception_hint;
    return sqlerrm || ' | ' || h;
end $$;
select matches(pg_temp.said(q), wanted, 'O3: an error says what to do: ' || q) from (values
    ($$select admin.add_organization('N', 'NONE', 'x', 'Europe/Moscow')$$, '^Такого ведомства нет \| .*admin.add_agency'), ($$select admin.add_organization('N', 'TEST00001', 'x', 'Москва')$$, '^Такого часового пояса нет \| .*Europe/Moscow'),
    ($$select admin.set_hours('T1', 'a1', 'пн', '9:00-18:00', 30, null, 100000)$$, '[Мм]ест'), ($$select admin.set_hours('T1', 'a1', 'пн', '9:00-18:00', 30, null, -100000)$$, '[Мм]ест'),
    ($$select admin.set_hours('T1', 'a1', 'пн', '9:00-18:00', 100000)$$, '^Минут'), ($$select admin.add_service('T1', 's1', repeat('я', 4001))$$, '^Название — до 4000 знаков'),
    ($$select admin.add_organization('N', 'TEST00001', '', 'Europe/Moscow')$$, '^У организации должно быть видимое название'), ($$select admin.add_organization('N', 'TEST00001', null, 'Europe/Moscow')$$, '^Не указано: name'),
    ($$select admin.add_organization('N', 'TEST00001', 'x', 'Europe/Moscow', '', '', 55.75)$$, '^Широта и долгота указываются вместе \| .*WGS-84'),
    ($$select admin.add_organization('T1', 'TEST00001', 'x', 'Europe/Moscow', '', '', null, 37.62)$$, '^Широта и долгота указываются вместе'),
    ($$select admin.add_organization('N', 'TEST00001', 'x', 'Europe/Moscow', '', '', 90.000001, 37.62)$$, '^Широта — от -90 до 90 градусов \| .*WGS-84'),
    ($$select admin.add_organization('N', 'TEST00001', 'x', 'Europe/Moscow', '', '', 5575000, 37.62)$$, '^Широта — от -90 до 90'),
    ($$select admin.add_organization('N', 'TEST00001', 'x', 'Europe/Moscow', '', '', 'NaN', 37.62)$$, '^Широта — от -90 до 90'),
    ($$select admin.add_organization('N', 'TEST00001', 'x', 'Europe/Moscow', '', '', 55.75, -180.000001)$$, '^Долгота — от -180 до 180 градусов'),
    ($$select admin.add_organization('N', 'TEST00001', 'x', 'Europe/Moscow', '', '', 55.75, 'infinity')$$, '^Долгота — от -180 до 180'),
    ($$select admin.add_service('none', 's', 'x')$$, '^Такой организации нет \| .*admin.offices'), ($$select admin.add_area('T1', 'x', 'x', 0)$$, '^Мест — от 1 до 1000'), ($$select admin.add_area('T1', 'x', 'x', 1, '{zz}')$$, '^Такой услуги у организации нет \| .*add_service'),
    ($$select admin.set_hours('T1', 'zz', 'пн', '9:00-10:00', 30)$$, '^Помещения zz в организации T1 нет \| Есть: a1, a2, a3$'), ($$select admin.set_hours('T1', 'a1', 'пн', '25:00-26:00', 30)$$, '^Такого времени нет: 25:00-26:00 \| '),
    ($$select admin.set_hours('T1', 'a1', 'пн', '10:00-9:00', 30)$$, '^Часы приёма идут не по порядку'), ($$select admin.generate('zz')$$, '^Организации zz нет \| Есть: .*T1'), ($$select admin.generate('T1', '2027-01-02', '2027-01-01')$$, '^Дни с 2027-01-02 по 2027-01-01: .* \| День пишется'),
    ('select admin.load()', '^Какая организация\? \| Есть: '), ($$select admin.add_status('TEST00001', '204001', 'x')$$, '^Данный статус заявления не поддерживается'), ($$select admin.use_calendar('TEST00001', 'zz')$$, '^Такого производственного календаря нет \| .*add_calendar'),
    ($$select admin.why('zz')$$, '^Запись zz не найдена \| .*admin.find'), ($$select admin.close_day('T1', current_date - 9, 'x')$$, '^Это время уже прошло: .* \| В организации сейчас'), ($$select admin.outbox_done(-1)$$, '^Исходящего № -1 нет \| '),
    ($$select admin.ref_csv(null)$$, '^Справочник null не найден \| Есть: '), ($$select admin.ref_import('zz')$$, '^Справочник zz не найден \| Есть: '),
    ($$select admin.set_hours_for('T1', 'a1', null, null, 'пн', '9:00-10:00', 30)$$, '^С \? по \?: нужен срок \| Без срока: admin.set_hours'),
    ($$select admin.set_hours_for('T1', 'a1', current_date, 'infinity', 'пн', '9:00-10:00', 30)$$, '^С .* по infinity: нужен срок \| '),
    ($$select admin.reopen(-1)$$, '^Закрытия № -1 нет.* \| .*admin.closures'), ($$select admin.ref_new('имя', 'x')$$, '^Имя справочника'), ($$select admin.ref_put('zz', 'a', 'x')$$, '^Справочник zz не найден \| ')) as v (q, wanted);
select is((select what from admin.help('organization_booking_window_range')), 'Окно записи — от 14 до 366 дней', 'O3: help() explains a constraint by its name');
select is(admin.state_title('NOT_SERVED'), 'пришёл, но не принят', 'O3: a state in words');
select throws_ok($$select admin.state_title('GONE')$$, '22P02', null, 'O3: no state');
select * from finish();
rollback;
