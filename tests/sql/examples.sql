-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- O3: each example that admin.help() gives is typed as it stands, by each role that may call it, where it can succeed; the list is made from
-- the catalog, so that a new command without an example, or with one nobody has tried, fails here. What people type finds them.
\ir lib/helpers.psql
select no_plan();
grant usage on schema public to zapisd_operator, zapisd_registrar, zapisd_auditor;

\ir lib/examples.psql
-- Nothing to show is the good news here, or depends on the hour.
create temp table may_be_empty as select unnest(array['check', 'zone_check', 'zone_move', 'locks', 'go_on', 'refused', 'absence', 'close_area', 'close_day', 'close_office', 'journal_partitions', 'today', 'readings', 'housekeeping_lags', 'ref_import', 'free', 'off_schedule', 'find']) as name;

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
        q := pg_temp.meant(q);
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
select is((select string_agg(topic || ': ' || command, ' ') from admin.help('абракадабра')), 'не нашлось: help(слово)', 'O3: what is no word finds nothing');
select ok((select bool_and(strpos(h.what, t.topic) > 0) from admin.help('абракадабра') as h, data.help_topics() as t), 'O3: but the topics there are');
select ok(exists (select from admin.help(word) as h where h.topic = 'настройка' and h.command ~ v.wanted), format('O3: «%s» finds %s', word, wanted)) from (values
    ('подряд', 'set_hours'), ('два окна', 'set_hours'), ('adjacency_required', 'set_hours'), ('канал', 'channel_share'), ('доля', 'channel_share'), ('ограничение', 'booking_limit'), ('Ограничения', 'booking_limit')) as v (word, wanted);
select ok((select count(*) from admin.help('печать')) < 10, 'O3: and a word not everything');
select * from finish();
rollback;
