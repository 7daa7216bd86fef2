-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- O3: whatever admin.check() advises is played: after each command, typed as it is told, the trouble is over; a command that only looks shows something; one that
-- cannot help says with its hint what does. Each in a world of its own, which ends with it.
\ir lib/helpers.psql
select no_plan();

-- wanted: cured; shown; runs (it goes, the end is another's); else a part of the hint.
create temp table played (problem text, made text, typed text, wanted text);
create function pg_temp.pushed(key text) returns bigint language sql as $$ select data.push_row(b, clock_timestamp(), null, null) from data.booking as b where b.book_key = key $$;
-- A row of the outbox of T2 that has failed so, or is in that state.
create function pg_temp.out(p_state text, p_error text default null, p_road text default 'smev2') returns bigint language plpgsql as $$
declare
    id bigint;
begin
    perform pg_temp.book('o1', array[pg_temp.slot('b1', 1)], organization => 'T2', services => '{s1}', m => pg_temp.msg(recipient => 'TEST00002'));
    id := pg_temp.pushed('o1');
    perform api.outbox_take('{TEST00002}', 1, 'd', '1 minute', p_road), api.outbox_keep(id, 1, 'id', 'x', null);
    case p_state when 'stopped' then perform api.outbox_result(id, 1, 'stopped', p_error, null, null);
        when 'held' then perform api.outbox_result(id, 1, 'again', 'x', null, '0'), admin.outbox_hold(id, 'спросим');
        when 'sent' then perform api.outbox_result(id, 1, 'queued', null, null, '1 hour');
        else perform api.outbox_result(id, 1, 'again', p_error, null, '0'); end case;
    return id;
end $$;
-- SMEV has it, and the portal has not answered in time.
create function pg_temp.unanswered() returns void language plpgsql as $$
begin
    perform pg_temp.out('sent', null, 'smev3');
    update data.outbox set deadline = now() - interval '1 s' where state = 'sent';
    perform data.keep_outbox();
end $$;
create function pg_temp.in(p_source text default 'epgu') returns bigint language sql as $$
    select inbox_id from api.inbox_store(p_source, 'TEST00001', 'PORTAL', 'm', 'request', '1.2', 'r', null, null, null, false, 'x', 'd', 'p', 'good', 'q', 'a')
$$;
create function pg_temp.asked(p_state data.booking_state) returns void language plpgsql as $$
begin
    perform pg_temp.book('w1', array[pg_temp.slot('a2', 5)], services => '{s1}');
    set local session_replication_role = replica;
    update data.booking set state = p_state, status_code = data.state_code(p_state) where book_key = 'w1';
    update data.booking_history set new_state = p_state where book_key = 'w1';
    update data.slot set starts_at = now() - interval '1 hour', ends_at = now() - interval '45 minutes', wall_at = null, serial = 99 where slot_id = pg_temp.slot('a2', 5)::uuid;
    update data.place set starts_at = now() - interval '1 hour', ends_at = now() - interval '45 minutes' where book_key = 'w1';
    set local session_replication_role = origin;
end $$;

insert into played
-- what the portal is told
select 'портал отказал', $$select pg_temp.out('stopped', 'портал отказал: ошибка 3')$$, null, 'cured'
union all select 'СМЭВ не берёт исходящие', $$select pg_temp.out('stopped', 'нет регистрации в СМЭВ: AccessDenied')$$, null, 'cured'
union all select 'сообщение порталу не составить', $$select pg_temp.out('stopped', 'сообщение не составить: x')$$, null, 'cured'
union all select 'исходящие порталу задержаны$', $$select pg_temp.out('held')$$, null, 'cured'
union all select 'исходящие порталу задержаны$', m, null, 'cured' from (values ($$select pg_temp.unanswered()$$)) as v (m)
union all select 'исходящие порталу задержаны$', $$select pg_temp.unanswered()$$, 'select admin.outbox_release({outbox})', 'outbox_requeue.*outbox_done'
union all select 'ответы портала никто не забирает', $$select pg_temp.out('sent', null, 'smev3')$$, 'select outbox_id, waits_for from admin.outbox where state = ''sent''', 'shown'
union all select 'дорога сменилась', $$select pg_temp.out('waiting'); select from api.outbox_take('{TEST00002}', 1, 'd', '1 minute', 'smev3')$$, null, 'cured'
union all select 'дорога сменилась', $$select pg_temp.out('waiting'); select from api.outbox_take('{TEST00002}', 1, 'd', '1 minute', 'smev3')$$, 'select admin.outbox_release({outbox})', 'outbox_requeue.*outbox_done'
union all select 'нет регистрации', $$select pg_temp.out('waiting', 'нет регистрации в СМЭВ: UnknownMessageType')$$, null, 'runs'
union all select 'ответ портала — о другой записи', $$select pg_temp.out('sent', null, 'smev3'); select api.outbox_answer('TEST00002', 'id', 'answered', null, 'another', null, 'q', 'GetResponse', 'a-1', 'p', 'b', 'y')$$, null, 'shown'
union all select 'не передано дольше часа', $$select pg_temp.out('waiting', 'связи нет'); update data.outbox set created_at = now() - interval '2 hours'$$, null, 'shown'
union all select 'никто не передаёт', $$select pg_temp.out('waiting', 'связи нет'); update data.outbox set created_at = now() - interval '2 days'; delete from data.outbox_road$$, 'select admin.outbox_done({outbox})', 'cured'
-- what came out of the queue
union all select 'отложено: ответа нет', $$select pg_temp.in(); update data.inbox set state = 'parked', reason = 'x'$$, null, 'cured'
union all select 'отложено: ответа нет', format($$select pg_temp.in(); update data.inbox set state = 'parked', reason = 'x', refusal = %L$$, r), null, 'cured' from unnest('{REPLY_TO,RECIPIENT 777777}'::text[]) as r
union all select 'отложено: ответа нет', $$select pg_temp.in(); update data.inbox set state = 'parked', reason = 'файлы обращения не получены: хранилище файлов СМЭВ не пускает'$$, null, 'cured'
union all select 'отложено: ответа нет', $$select pg_temp.in('old'); update data.inbox set state = 'parked', reason = 'x'; select api.inbox_sections('d', '1 hour', '{epgu}', '{TEST00001}', '{1.2}')$$, null, 'cured'
union all select 'некому обработать', $$select pg_temp.in('old'); update data.inbox set state = 'parked', reason = 'x'; select api.inbox_sections('d', '1 hour', '{epgu}', '{TEST00001}', '{1.2}')$$, null, 'cured'
union all select 'осталось за разделом', $$select api.inbox_unread('old', 'TEST00001', null, 'LIMIT'); select api.inbox_sections('d', '1 hour', '{epgu}', '{TEST00001}', '{1.2}')$$, null, 'cured'
union all select 'не удалось прочесть', format($$select api.inbox_unread('epgu', 'TEST00001', null, 'ENVELOPE', %L)$$, o), null, 'shown' from unnest('{GetRequest,GetResponse}'::text[]) as o -- nobody can give it up
union all select 'выходит не наше', $$select api.inbox_unread('epgu', 'TEST00001', '6f5b3d2e-cc01-11f0-8a3b-000000000001', 'FOREIGN', 'GetResponse', 'x')$$, null, 'cured'
union all select 'давно без ответа', $$select pg_temp.in(); update data.inbox set received_at = now() - interval '2 hours', acked_at = now()$$, null, 'shown'
union all select 'некому обработать', $$select pg_temp.in('old'); select api.inbox_sections('d', '1 hour', '{epgu}', '{TEST00001}', '{1.2}')$$, null, 'cured'
union all select 'не удалось прочесть', $$select api.inbox_unread('epgu', 'TEST00001', '6f5b3d2e-cc01-11f0-8a3b-000000000001', 'LIMIT')$$, 'select * from admin.inbox_unread', 'shown'
union all select 'не удалось прочесть', $$select api.inbox_unread('epgu', 'TEST00001', '6f5b3d2e-cc01-11f0-8a3b-000000000001', 'LIMIT')$$, $$select admin.inbox_unread_give_up('6f5b3d2e-cc01-11f0-8a3b-000000000001', 'почему')$$, 'cured'
union all select 'ответы портала, которые не удалось прочесть', $$select api.inbox_unread('epgu', 'TEST00001', '6f5b3d2e-cc01-11f0-8a3b-000000000001', 'LIMIT', 'GetResponse', 'x')$$, v.typed, v.wanted
    from (values ('select * from admin.inbox_unread', 'shown'), ($$select admin.inbox_unread_give_up('6f5b3d2e-cc01-11f0-8a3b-000000000001', 'почему')$$, 'cured')) as v (typed, wanted)
-- what was set so that nothing happens
union all select 'интервалы сами не создаются', $$select admin.set_hours('T1', 'a1', 'пн-пт', '9:00-13:00', 15); update data.organization set horizon_days = 0 where organization_id = 'T1'$$, $$update data.organization set horizon_days = null where organization_id = 'T1'$$, 'cured'
union all select 'интервалы сами не создаются', $$select admin.set_hours('T1', 'a1', 'пн-пт', '9:00-13:00', 15); update data.organization set horizon_days = 0 where organization_id = 'T1'$$, $$select admin.generate('T1', current_date + 3)$$, 'runs'
union all select 'порталу не предлагается ничего', $$insert into data.channel_share (organization_id, channel, percent) values ('T1', 'portal', 0)$$, null, 'cured'
union all select 'часы приёма короче интервала', $$insert into data.timetable (area_key, organization_id, weekday, starts, ends, slot_min) select area_key, 'T1', 3, '09:00', '09:10', 15 from data.area where area_id = 'a1' and organization_id = 'T1'$$, $$select admin.set_hours('T1', 'a1', 'ср', '9:00-12:00', 15)$$, 'cured'
-- what the order wants told
union all select 'порталу не передаётся', $$update data.organization set latitude = null, longitude = null where organization_id = 'T1'$$, $$select admin.add_organization('T1', 'TEST00001', 'Отдел Т1', 'Europe/Moscow', 'Примерная улица, 1', '000', 55.75, 37.62)$$, 'cured'
union all select 'порталу не передаётся', $$update data.service set frgu_number = '' where service_id = 's2'$$, $$select admin.add_service('T1', 's2', 'Услуга 2', '0000000000000000002')$$, 'cured'
union all select 'порталу не передаётся', $$update data.organization set timetable_comment = '' where organization_id = 'T1'$$, $$select admin.set_hours('T1', 'a1', 'пн-пт', '9:00-13:00', 15)$$, 'cured'
union all select 'услугу негде оказать', $$delete from data.area_service where organization_id = 'T1' and service_id = 's2'$$, $$select admin.add_area('T1', 'a2', 'Кабинет 2', 1, '{s1,s2}')$$, 'cured'
-- who sees nobody
union all select 'никого не видит', $$create role "r lost" login in role zapisd_registrar$$, null, 'cured'
-- whoever waits in vain
union all select 'ждёт решения', $$select pg_temp.asked('ACCEPTED')$$, v, 'cured' from unnest(array[$$select admin.reject('w1', 'нет документов')$$, $$select admin.visited('w1')$$, $$select admin.no_show('w1')$$]) as v
union all select 'ждёт решения', $$select pg_temp.asked('CANCELLING')$$, $$select admin.confirm('w1')$$, 'cured'
-- what housekeeping is behind with
union all select 'не созданы до горизонта', $$select admin.set_hours('T1', 'a1', 'пн-пт', '9:00-13:00', 15); update data.schedule_state set due_since = now() - interval '2 hours' where organization_id = 'T1'$$, null, 'cured'
union all select 'не удаётся её работа', $$select api.housekeeping_failed('journal', 'x') from generate_series(1, 3)$$, null, 'shown';

-- The parts of admin.check() that tell of these, asked by themselves: it also counts every index, each time.
create function pg_temp.parts() returns table (problem text, what text) language sql as $$
    select * from data.lost_members() union all select title, what from data.silent_settings() union all select * from data.waited_in_vain() union all select * from data.untold_facts()
    union all select title, what from data.lags() union all select * from data.inbox_troubles()
$$;
create function pg_temp.advised(p_problem text, out what text) language sql as $$ select string_agg(c.what, '; ') from pg_temp.parts() as c where c.problem ~ p_problem $$;
-- Commands of a text as one types them, with what stands for something put in.
create function pg_temp.commands(p_what text) returns setof text language sql as $$
    select replace(replace(replace(c[1], '''ведомство''', '''TEST00001'''), '''куда''', '''epgu'''), '…', '6f5b3d2e-cc01-11f0-8a3b-000000000001')
    from regexp_matches(p_what, E'(select (?:[*] from |[a-z_, ]+ from )?admin[.][a-z_]+(?:[(][^()]*[)])?(?: where (?:[(][^()]*[)]|[^;,()])*)?|update data[.][^;]*|delete from data[.][^;,]*)', 'g') as c
$$;
create function pg_temp.play(p_problem text, p_made text, p_typed text, p_nth bigint) returns text language plpgsql as $$
declare
    told text;
    h text;
    n bigint;
begin
    execute p_made;
    told := pg_temp.advised(p_problem);
    if told is null then
        raise exception 'no trouble';
    end if;
    if p_nth is not null then -- numbers of rows are others each time
        p_typed := (array(select c from pg_temp.commands(told) as c))[p_nth];
    elsif strpos(told, coalesce(substring(p_typed from E'admin[.]([a-z_]+)'), '')) = 0 and p_typed !~ 'outbox_release' then
        raise exception 'not advised: %', told;
    end if;
    begin
        if p_typed ~ E'^select ([*]|[a-z_, ]+) from ' then
            execute format('select count(*) from (%s) as t', p_typed) into n;
            raise exception using message = case when n > 0 then 'shown' else 'shows nothing' end, errcode = 'ZZ001';
        end if;
        execute replace(p_typed, '{outbox}', (select coalesce(max(outbox_id), 0) from data.outbox)::text);
    exception when sqlstate 'ZZ001' then
        raise;
    when others then
        get stacked diagnostics h = pg_exception_hint;
        raise exception using message = coalesce(nullif(h, ''), 'no hint: ' || sqlerrm), errcode = 'ZZ001';
    end;
    told := pg_temp.advised(p_problem);
    raise exception using message = case when told is null then 'cured' else 'runs' end, errcode = 'ZZ001';
exception when others then
    return sqlerrm;
end $$;
-- Of those whose command is not said here: all that the trouble tells.
create function pg_temp.typed(p_problem text, p_made text) returns text[] language plpgsql as $$
declare
    all_of text[];
begin
    execute p_made;
    all_of := array(select c from pg_temp.commands(pg_temp.advised(p_problem)) as c);
    raise exception using message = array_to_string(all_of, E'\n'), errcode = 'ZZ002';
exception when sqlstate 'ZZ002' then
    return string_to_array(nullif(sqlerrm, ''), E'\n');
end $$;
create temp table every as
select p.problem, p.made, t.typed, case when p.typed is null then t.nth end as nth, p.wanted from played as p cross join lateral unnest(case when p.typed is not null then array[p.typed] else pg_temp.typed(p.problem, p.made) end) with ordinality as t (typed, nth);
select ok((select count(*) from every as e where e.problem = p.problem and e.made = p.made) > 0, 'O3: something is advised: ' || p.problem) from played as p;
-- What looks shows, whatever else is advised beside it.
select case when e.wanted in ('cured', 'runs') then is(pg_temp.play(e.problem, e.made, e.typed, e.nth), case when e.typed ~ E'^select ([*]|[a-z_, ]+) from ' and e.typed !~ 'journal_partitions|go_on' then 'shown' else e.wanted end, format('O3: %s: %s', e.problem, e.typed))
    else matches(pg_temp.play(e.problem, e.made, e.typed, e.nth), e.wanted, format('O3: %s: %s', e.problem, e.typed)) end from every as e;
select pg_temp.out('stopped', 'портал отказал: ошибка 3'), pg_temp.in(), api.inbox_unread('epgu', 'TEST00001', '6f5b3d2e-cc01-11f0-8a3b-000000000001', 'LIMIT');
update data.service set frgu_number = '' where service_id = 's2';
select set_eq('select * from pg_temp.parts()', 'select * from admin.check()', 'admin.check() has these parts');
update data.outbox set state = 'dropped', done_at = now(), reason = 'x';
select is(pg_temp.play('портал отказал', 'select 1', 'select 1', null), 'no trouble', 'who finds nothing says so');
-- None that the texts name was forgotten; the others are played where their troubles are made.
select set_eq($$select distinct m[1] from pg_proc as p, regexp_matches(p.prosrc, E'admin[.]([a-z_]+)', 'g') as m
        where p.pronamespace = 'data'::regnamespace and p.proname in ('check_rows', 'waited_in_vain', 'lost_members', 'over_rows', 'held_open', 'misnumbered', 'silent_settings', 'untold_facts', 'texts_unsaid', 'lags', 'outbox_troubles', 'inbox_troubles', 'inbox_answer_troubles', 'inbox_unserved_troubles', 'inbox_unread_way_out', 'inbox_signing_troubles')$$,
    $$select distinct substring(typed from E'admin[.]([a-z_]+)') from every where typed ~ 'admin' and typed !~ 'outbox_release\({outbox}'
        union select unnest('{move,cancel,history,turned_away,reopen,special_day,lock_end,set_text,revoke_office,journal_partitions,closures,go_on,inbox_resign}'::text[])$$, 'O3: all that is advised');
select * from finish();
rollback;
