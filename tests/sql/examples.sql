-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- O3: each example that admin.help() gives is typed as it stands, by each role that may call it, where it can succeed; the list is made from
-- the catalog, so that a new command without an example, or with one nobody has tried, fails here. What people type finds them.
\ir lib/helpers.psql
select no_plan();
grant usage on schema public to zapisd_operator, zapisd_registrar, zapisd_auditor;

-- What "6b1c…", "…" and numbers stand for, and what has to be there before; nothing: the demonstration's offices and the two lines below will do.
create function pg_temp.today_at(n integer) returns text language sql as $$
    select slot_id::text from data.slot join data.area using (area_key) where data.area.organization_id = 'R7700018' and area_id = 'room-11' and not is_closed
        and starts_at > now() + interval '26 hours' order by starts_at, slot_id offset n limit 1
$$;
create function pg_temp.visit(n integer, preliminary boolean default false) returns text language sql as $$
    select pg_temp.book('6b1c-example', array[pg_temp.today_at(n)], preliminary, 'R7700018', m => pg_temp.msg(recipient => 'AAAA00001'))
$$;
create function pg_temp.past() returns void language sql as $$
    update data.slot set starts_at = t.at, ends_at = t.at + interval '15 minutes', wall_at = null from (select date_trunc('minute', now() - interval '20 minutes') as at) as t
    where slot_id in (select slot_id from data.place where book_key = '6b1c-example');
    update data.place set starts_at = s.starts_at, ends_at = s.ends_at from data.slot as s where s.slot_id = data.place.slot_id and book_key = '6b1c-example';
$$;
create function pg_temp.book_of_reasons() returns void language sql as $$
    select admin.ref_new('reasons', 'Причины обращения'); select admin.ref_attribute('reasons', 'minutes', 'Минут на приём', 'LONG', null, true);
    select admin.ref_put('reasons', 'r1', 'Консультация', '{"minutes": "15"}');
$$;
create temp table before (name text primary key, sql text);
insert into before values
('grant_office', 'create role ivanova in role zapisd_registrar'), ('revoke_office', $$create role ivanova in role zapisd_registrar; select admin.grant_office('ivanova', 'AAAA00001')$$),
('office_members', $$create role ivanova in role zapisd_registrar; select admin.grant_office('ivanova', 'AAAA00001')$$),
('add_area', $$select admin.add_organization('R7700099', 'AAAA00001', 'x', 'Europe/Moscow', 'x')$$), ('add_service', $$select admin.add_organization('R7700099', 'AAAA00001', 'x', 'Europe/Moscow', 'x')$$),
('queue_numbers', $$select admin.add_organization('R7700099', 'AAAA00001', 'x', 'Europe/Moscow', 'x'), admin.add_area('R7700099', 'hall', 'x')$$),
('set_hours', $$select admin.add_organization('R7700099', 'AAAA00001', 'x', 'Europe/Moscow', 'x'), admin.add_area('R7700099', 'window-1', 'x')$$),
('slot_attribute', $$select admin.add_organization('R7700099', 'AAAA00001', 'x', 'Europe/Moscow', 'x'), admin.add_area('R7700099', 'window-1', 'x')$$),
('add_calendar', $$select admin.add_calendar('ru', 'x')$$), ('calendar_day', $$select admin.add_calendar('ru', 'x')$$), ('use_calendar', $$select admin.add_calendar('ru', 'x')$$),
('ref_attribute', $$select admin.ref_new('reasons', 'x')$$), ('ref_put', $$select pg_temp.book_of_reasons()$$), ('ref_delete', $$select pg_temp.book_of_reasons()$$), ('ref_drop', $$select pg_temp.book_of_reasons()$$), ('ref_csv', $$select pg_temp.book_of_reasons()$$),
('ref_import', $$select pg_temp.book_of_reasons(); set local role zapisd_operator; select admin.ref_csv('reasons'); reset role$$),
('confirm', $$update data.organization set confirm_booking = true where organization_id = 'R7700018'; select pg_temp.visit(3)$$), ('reject', $$update data.organization set confirm_booking = true where organization_id = 'R7700018'; select pg_temp.visit(3)$$),
('waiting', $$update data.organization set confirm_booking = true where organization_id = 'R7700018'; select pg_temp.visit(3)$$),
('cancel', 'select pg_temp.visit(3)'), ('invite', 'select pg_temp.visit(3)'), ('move', 'select pg_temp.visit(3)'), ('why', 'select pg_temp.visit(3)'), ('history', 'select pg_temp.visit(3)'), ('find', 'select pg_temp.visit(3)'), ('v_booking', 'select pg_temp.visit(3)'),
('no_show', 'select pg_temp.visit(3); select pg_temp.past()'), ('visited', 'select pg_temp.visit(3); select pg_temp.past()'),
('turned_away', $$select admin.add_status('AAAA00001', '206001', 'x'); select pg_temp.visit(3); select pg_temp.past()$$), ('correct', $$select pg_temp.visit(3); select pg_temp.past(); select admin.no_show('6b1c-example')$$),
('today', $$select pg_temp.visit(3); select pg_temp.past()$$),
('outbox', $$select pg_temp.visit(3); select admin.cancel('6b1c-example', 'x')$$), ('outbox_done', $$select pg_temp.visit(3); select admin.cancel('6b1c-example', 'x')$$),
('closures', $$select from admin.close_day('R7700018', current_date + 5, 'x', true)$$), ('reopen', $$select from admin.close_day('R7700018', current_date + 5, 'x', true)$$),
('off_schedule', $$select pg_temp.visit(3); delete from data.timetable where organization_id = 'R7700018'$$),
('readings', $$insert into data.personal_reading (db_user, db_role, book_key, what) select session_user, 'zapisd_registrar', book_key, 'find' from data.booking limit 1$$);
-- Nothing to show is the good news here, or depends on the hour.
create temp table may_be_empty as select unnest(array['check', 'zone_check', 'zone_move', 'locks', 'go_on', 'refused', 'absence', 'close_area', 'close_day', 'close_office', 'journal_partitions', 'today', 'readings', 'housekeeping_lags', 'ref_import', 'free', 'off_schedule', 'find']) as name;

create temp table example as select p.name, h.command, h.example
from admin.help('') as g cross join lateral (select g.command as name) as p join lateral (select * from admin.help(g.command)) as h on split_part(h.command, '(', 1) = p.name;
create temp table given as select distinct name, example from example;
-- The catalog itself: each function and view, none forgotten by help() or without an example.
select set_eq($$select proname::text from pg_proc where pronamespace = 'admin'::regnamespace union select relname::text from pg_class where relnamespace = 'admin'::regnamespace and relkind = 'v'$$,
    'select name from given where example is not null', 'O3: each function and view of admin has an example that help() tells');
select is_empty($$select name from before except select name from given$$, 'O3: what is prepared here is of a command there is');
-- Words of an example that stand for something else: only these.
select is_empty($$select name, example from given where regexp_replace(example, '''6b1c…''|''…''', '', 'g') ~ '…'$$, 'O3: an example may be typed');

create function pg_temp.typed(p_name text, p_example text, r name) returns text language plpgsql as $$
declare
    q text := rtrim(p_example, ';');
    said text;
    n bigint;
begin
    begin
        execute coalesce((select b.sql from before as b where b.name = p_name), 'select 1');
        q := replace(q, '6b1c…', '6b1c-example');
        q := replace(q, '…', pg_temp.today_at(0));
        q := replace(q, 'outbox_done(17)', format('outbox_done(%s)', coalesce((select min(outbox_id) from data.outbox where state = 'waiting' and book_key = '6b1c-example'), -1)));
        q := replace(q, 'reopen(7)', format('reopen(%s)', coalesce((select max(closure_id) from data.closure), -1)));
        perform set_config('role', r, true);
        if pg_get_function_result((select p.oid from pg_proc as p where p.pronamespace = 'admin'::regnamespace and p.proname = p_name limit 1)) ~ 'admin\.result' then
            execute 'select string_agg(x.result || coalesce('': '' || nullif(x.comment, ''''), ''''), '','') filter (where x.result <> ''сделано''), count(*) from (' || q || ') as x' into said, n;
        else
            execute 'select null, count(*) from (' || q || ') as x' into said, n;
        end if;
        perform set_config('role', 'none', true);
        raise exception 'tried' using errcode = 'ZT003', detail = coalesce(said, case when n = 0 and p_name not in (select name from may_be_empty) then 'no rows' else 'done' end);
    exception
        when sqlstate 'ZT003' then
            get stacked diagnostics said = pg_exception_detail;
            return said;
        when others then
            return sqlstate || ' ' || sqlerrm;
    end;
end $$;
create temp table role_of as select g.name, g.example, r.role
from given as g cross join unnest(array['zapisd_operator', 'zapisd_registrar', 'zapisd_auditor']) as r (role)
where exists (select from pg_proc as p where p.pronamespace = 'admin'::regnamespace and p.proname = g.name and has_function_privilege(r.role, p.oid, 'execute'))
    or exists (select from pg_class as c where c.relnamespace = 'admin'::regnamespace and c.relname = g.name and has_table_privilege(r.role, c.oid, 'select'));
select cmp_ok((select count(*) from role_of), '>', 80::bigint, 'O3: many');
-- Nobody is in the way here; tests/sql/race_forgotten.sh ends somebody who is.
select is(pg_temp.typed(name, example, role), case name when 'lock_end' then 'P0002 Сеанс 12345 никого не держит, или его уже нет' else 'done' end, format('O3: %s types %s', role, example)) from role_of order by name, role;

-- What people type
select ok(exists (select from admin.help(word) as h where split_part(h.command, '(', 1) = v.wanted), format('O3: «%s» finds %s', word, wanted)) from (values
    ('печать', 'today'), ('перенос', 'move'), ('Отпуск', 'absence'), ('больничный', 'absence'), ('ремонт', 'close_area'), ('праздники', 'special_day'), ('график', 'set_hours'), ('обед', 'set_hours'),
    ('удалить', 'remove_area'), ('убрать кабинет', 'remove_area'), ('поиск', 'find'), ('опоздал', 'visited'), ('неявка', 'no_show'), ('пришёл', 'visited'), ('отказать', 'reject'), ('отмена', 'cancel'), ('excel', 'ref_csv'),
    ('смс', 'set_text'), ('отчёт', 'load'), ('отчет', 'load'), ('талоны', 'queue_numbers'), ('часовой пояс', 'zone_check'), ('ЖУРНАЛ', 'refused'), ('зависло', 'locks'), ('специалист', 'add_area'), ('справочник', 'ref_new')) as v (word, wanted);
select is_empty($$select n from data.help_words() as h, unnest(h.names) as n where n not in (select name from given)$$, 'O3: other words lead to commands there are');
select is((select count(*) from admin.help('абракадабра')), 0::bigint, 'O3: what is no word finds nothing');
select ok((select count(*) from admin.help('печать')) < 10, 'O3: and a word not everything');
select * from finish();
rollback;
