-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- O3, L4: what people are told of the queues is true of one message, not put together out of several; and what waits for a person is told whatever becomes of
-- the section that had it.
\ir lib/helpers.psql
select no_plan();

create function pg_temp.in(p_id text, p_source text default 'epgu') returns bigint language sql as $$
    select inbox_id from api.inbox_store(p_source, 'TEST00001', 'PORTAL', p_id, 'request', '1.2', 'r', null, null, null, false, 'x', 'd', 'p', 'good', 'q', 'a')
$$;
create function pg_temp.serves(p_sources text[], p_agency text default 'TEST00001', p_version text default '1.2') returns void language sql as $$
    select api.inbox_sections('d', '1 hour', p_sources, array_fill(p_agency, array[cardinality(p_sources)]), array_fill(p_version, array[cardinality(p_sources)]))
$$;

-- ---- one row: two of a kind whose columns sort contrariwise, so that no two least or greatest are of one ----
create function pg_temp.day(n integer) returns text language sql as $$ select to_char(now() - make_interval(days => n), 'DD.MM.YYYY') $$;
create function pg_temp.two(p_state text) returns void language plpgsql as $$
declare
    one constant bigint := pg_temp.in('one');
    other constant bigint := pg_temp.in('other');
begin
    update data.inbox set state = p_state, acked_at = now(), answer = case when p_state = 'answered' then 'x'::bytea end, answer_id = case when p_state = 'answered' then message_id end,
        received_at = now() - make_interval(days => case inbox_id when one then 3 else 5 end), answered_at = now() - make_interval(days => case inbox_id when one then 3 else 5 end),
        last_error = case inbox_id when one then 'z-one' else 'a-other' end
    where inbox_id in (one, other);
end $$;
create function pg_temp.two_unread(p_operation text, p_error text) returns void language sql as $$
    insert into data.inbox_unread (source, agency_code, message_id, error, operation, original_id, first_at, last_at)
    values ('a-one', 'TEST00001', 'a-id-one', coalesce(p_error, 'SECURITY'), p_operation, 'x', now() - interval '3 days', now()),
        ('b-other', 'TEST00001', 'b-id-other', coalesce(p_error, 'CHECK'), p_operation, 'y', now() - interval '5 days', now()),
        ('c-third', 'TEST00001', '', coalesce(p_error, 'BROKEN'), p_operation, null, now() - interval '7 days', now())
$$;
create function pg_temp.two_out() returns void language plpgsql as $$
declare
    ids bigint[];
begin
    perform pg_temp.book('o' || n, array[pg_temp.slot('b1', n)], organization => 'T2', services => '{s1}', m => pg_temp.msg(recipient => 'TEST00002')) from generate_series(1, 2) as n;
    ids := array(select data.push_row(b, clock_timestamp(), null, null) from data.booking as b where b.book_key in ('o1', 'o2') order by b.book_key);
    update data.outbox set state = 'stopped', created_at = now() - make_interval(days => case outbox_id when ids[1] then 3 else 5 end),
        last_error = case outbox_id when ids[1] then 'портал отказал: z-one' else 'портал отказал: a-other' end where outbox_id = any (ids);
end $$;
create function pg_temp.marks(p_made text, p_problem text, p_one text[], p_other text[]) returns text language plpgsql as $$
declare
    told text;
begin
    execute p_made;
    select string_agg(replace(replace(c.what, '№ ' || coalesce(one.inbox_id, 0) || ' ', '#one '), '№ ' || coalesce(other.inbox_id, 0) || ' ', '#other '), E'\n') into told
    from admin.check() as c left join data.inbox as one on one.message_id = 'one' left join data.inbox as other on other.message_id = 'other' where c.problem ~ p_problem;
    raise exception using errcode = 'ZZ001', message = case when told is null then 'nothing'
        when (select bool_and(told ~ m) from unnest(p_one) as m) and not (select bool_or(told ~ m) from unnest(p_other) as m)
            or (select bool_and(told ~ m) from unnest(p_other) as m) and not (select bool_or(told ~ m) from unnest(p_one) as m) then 'one row' else told end;
exception when sqlstate 'ZZ001' then
    return sqlerrm;
end $$;
create temp table place (made text, problem text, one text[], other text[]);
insert into place
select format('select pg_temp.two(%L)', s), p, array['#one ', 'z-one', pg_temp.day(3)], array['#other ', 'a-other', pg_temp.day(5)] from (values ('stored', 'давно без ответа'), ('answered', 'ответы давно не переданы')) as v (s, p)
union all select format('select pg_temp.two_unread(%L, %L)', o, e), p, array['a-one', 'a-id-one', pg_temp.day(3)] || case when e is null then '{SECURITY}'::text[] else '{}' end,
    array['b-other', 'b-id-other', pg_temp.day(5)] || case when e is null then '{CHECK}'::text[] else '{}' end
    from (values ('GetRequest', null, '^в очереди СМЭВ сообщения, которые'), ('GetResponse', null, '^в очереди СМЭВ ответы портала'), ('GetResponse', 'FOREIGN', 'выходит не наше')) as v (o, e, p)
union all select 'select pg_temp.two_out()', 'портал отказал', array['z-one', pg_temp.day(3)], array['a-other', pg_temp.day(5)];
select is(pg_temp.marks(made, problem, one, other), 'one row', 'O3: all of the example is of one row: ' || problem) from place;
-- its number, too
create function pg_temp.unserved_told() returns text language plpgsql as $$
declare
    first bigint;
begin
    perform pg_temp.two('stored'), pg_temp.serves('{another}');
    first := (select inbox_id from data.inbox where last_error = 'a-other');
    raise exception using errcode = 'ZZ001', message = (select c.what from admin.check() as c where c.problem ~ 'некому обработать') ~ format('первое № %s от %s', first, pg_temp.day(5));
exception when sqlstate 'ZZ001' then
    return sqlerrm;
end $$;
select is(pg_temp.unserved_told(), 't', 'O3: the first is the one that came first');
-- no such text is put together anew
select is((select string_agg(p.proname, ', ') from pg_proc as p cross join lateral regexp_split_to_table(p.prosrc, 'union all') as part
        where p.pronamespace = 'data'::regnamespace and p.proname in ('inbox_troubles', 'inbox_answer_troubles', 'inbox_unserved_troubles', 'inbox_unread_examples')
            and (select count(*) from regexp_matches(part, E'\\m(min|max)[(]', 'g')) > 1), null, 'O3: no two least of a group are told together');

-- ---- what waits for a person, when its section is renamed, gone, another's, of another version ----
create temp table waits (kind text, made text, told text);
insert into waits
select 'parked', $$select pg_temp.in('p'); update data.inbox set state = 'parked', reason = 'x'$$, 'отложено: ответа нет'
union all select 'refused late', $$select pg_temp.in('p'); update data.inbox set state = 'parked', reason = 'СМЭВ отказала: x', answer = 'x', answer_id = 'i', answered_at = now(), refused_ids = '{i}'$$, 'отвергла ответ, который взяла'
union all select s, format($$select pg_temp.in('p'); update data.inbox set state = %L, answer = %L, answer_id = %L, answered_at = %L$$, s, a, a, case when a is not null then now() end), 'некому обработать' from (values ('stored', null), ('answered', 'x')) as v (s, a)
union all select 'unread ' || o || ' ' || e || coalesce(' ' || i, ''), format($$select api.inbox_unread('epgu', 'TEST00001', %L, %L, %L, 'x')$$, i, e, o), p
    from (values ('GetRequest', 'LIMIT', 'u-1', 'сообщения, которые не удалось'), ('GetRequest', 'ENVELOPE', null, 'сообщения, которые не удалось'), ('GetResponse', 'CHECK', 'u-1', 'ответы портала, которые'), ('GetResponse', 'FOREIGN', 'u-1', 'выходит не наше')) as v (o, e, i, p);
create function pg_temp.seen(p_made text, p_sections text) returns text language plpgsql as $$
declare
    n bigint;
    asked bigint;
    told text;
begin
    perform pg_temp.serves('{epgu}');
    execute p_made;
    if coalesce((select sum(unserved) from api.inbox_state()), 0) <> 0 or exists (select from api.inbox_concerns('{epgu}', '{TEST00001}', '{1.2}')) then
        raise exception 'while it has a section nothing is told' using errcode = 'ZZ001';
    end if;
    execute p_sections;
    n := (select sum(unserved) from api.inbox_state());
    told := (select string_agg(c.problem, '; ') from admin.check() as c);
    asked := (select count(*) from api.inbox_concerns('{renamed}', '{TEST00001}', '{1.2}'));
    perform pg_temp.serves('{renamed}');
    perform admin.inbox_move('epgu', 'renamed');
    raise exception using errcode = 'ZZ001', message = format('%s %s %s %s', n, asked, (select coalesce(sum(unserved), 0) from api.inbox_state()), told);
exception when sqlstate 'ZZ001' then
    return sqlerrm;
end $$;
select matches(pg_temp.seen(w.made, s.sections), '^1 1 0 .*' || w.told, format('L4, C5: %s, its section %s: told, asked before, and over when another has it', w.kind, s.why))
from waits as w cross join (values ($$select pg_temp.serves('{renamed}')$$, 'renamed'), ($$select pg_temp.serves('{}'::text[])$$, 'gone'), ($$select pg_temp.serves('{epgu}', 'TEST00002')$$, 'another agency''s')) as s (sections, why);
select matches(pg_temp.seen(w.made, $$select pg_temp.serves('{epgu}', p_version => '1.3')$$), '^1 1 0 ', 'L4: of another version: ' || w.kind) from waits as w where w.kind !~ 'unread';

-- ---- what cannot be done is not advised, and who tries is told what ends it ----
select pg_temp.serves('{epgu}');
select api.inbox_unread('epgu', 'TEST00001', null, 'ENVELOPE');
select is((select what ~ 'оператор СМЭВ' and what !~ 'give_up' from admin.check() where problem ~ 'не удалось прочесть'), true, 'O3: without an id nobody can give it up');
create function pg_temp.hint(p_typed text) returns text language plpgsql as $$
declare
    h text;
begin
    execute p_typed;
    return 'it went';
exception when others then
    get stacked diagnostics h = pg_exception_hint;
    return h;
end $$;
select matches(pg_temp.hint(format('select admin.inbox_unread_give_up(%L, ''x'')', t)), 'только оператор СМЭВ.*message_id <> ''''', 'O3: nor is who tries sent in a circle: ' || coalesce(t, 'null')) from unnest(array['', ' ', null]) as t;
select matches(pg_temp.hint($$select admin.inbox_unread_give_up('…', 'x')$$), 'message_id <> ''''', 'O3: nor to a row without one');
select pg_temp.in('f');
update data.inbox set state = 'parked', reason = 'файлы обращения не получены: хранилище файлов СМЭВ не отвечает или прерывает передачу' where message_id = 'f';
select is((select what ~ 'больше не взять' and what ~ 'выполнить без файлов' and what !~ 'устранив причину' from admin.check() where problem ~ 'отложено'), true, 'O3, Q6: of files that were not given');
select matches((select admin.inbox_retry(inbox_id) from data.inbox where message_id = 'f'), '^Будет обработано снова, без файлов', 'O3, Q6: and the command says so');
select * from finish();
rollback;
