-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- M8: the outbox as a daemon and a person meet it: every state with every verb and every outcome, fence, lease, order per booking.
\ir lib/helpers.psql
select no_plan();

-- Rows of three bookings of T1, one of T2. The names of rows are the statuses they tell.
select is(pg_temp.book('k' || n, array[pg_temp.slot('a1', 4 + n)]), '201/0 slots=1', 'a booking') from generate_series(1, 4) as n;
update data.booking set case_number = 'дело 1' where book_key = 'k1';
create function pg_temp.put(key text) returns bigint language sql as $$
    select data.push_row(b, clock_timestamp(), null, null) from data.booking as b where b.book_key = key
$$;
create temp table row_of (name text primary key, id bigint);
create function pg_temp.row(n text) returns bigint language sql as $$ select id from row_of where name = n $$;
insert into row_of values ('1a', pg_temp.put('k1')), ('1b', pg_temp.put('k1')), ('2a', pg_temp.put('k2'));
create function pg_temp.took(wanted integer default 10, owner text default 'd1', lease interval default '1 minute', agencies text[] default '{TEST00001,TEST00002}', road text default 'smev2') returns text language sql as $$
    select string_agg(r.name || '/' || t.attempt, ' ' order by t.outbox_id) from api.outbox_take(agencies, wanted, owner, lease, road) as t left join row_of as r on r.id = t.outbox_id
$$;
create function pg_temp.stands(n text) returns text language sql as $$ select state from data.outbox where outbox_id = pg_temp.row(n) $$;

-- ---- one after the other ----
select results_eq($$select attempt, agency_code, message_id, octets, book_id, esia_id, status_code, status_message, slot_id, service_id, organization_id, area_id, visit_time is not null, queue_number, duration, attributes, created_at is not null, case_number
    from api.outbox_take('{TEST00001}', 1, 'd1', '1 minute')$$,
    $$select 1, 'TEST00001', null::text, null::bytea, 'k1', '1000000000', b.status_code, b.status_message, pg_temp.slot('a1', 5), 's1', 'T1', 'a1', true, null::text, '15', null::text, true, 'дело 1' from data.booking as b where b.book_key = 'k1'$$,
    'M8: what updateBookingDetails tells of a booking, flat');
select is(pg_temp.took(), '2a/1', 'M8: another booking goes on, the next of this one waits');
select is(pg_temp.took(), null, 'M8: what is taken is nobody else''s');
select is(api.outbox_keep(pg_temp.row('1a'), 1, 'm-1', 'octets 1', 'c-1'), true, 'M8: kept before it leaves');
select is(api.outbox_keep(pg_temp.row('1a'), 2, 'm-x', 'x', 'c'), false, 'M8: by nobody who has not taken it');
select is(api.outbox_result(pg_temp.row('1a'), 1, 'again', 'сервер ответил 503', 'h503', '1 hour'), true, 'M8: again');
select is(pg_temp.stands('1a') || (select concat_ws('/', attempts, last_error, next_attempt_at > clock_timestamp() + interval '59 minutes', lease_until is null) from data.outbox where outbox_id = pg_temp.row('1a')), 'waiting1/сервер ответил 503/t/t', 'M8: later');
select is(pg_temp.took(), null, 'M8: and the next one waits for it');
select is(admin.outbox_requeue(pg_temp.row('1a')), 1::bigint, 'M8: now');
select is((select string_agg(concat_ws(' ', attempt, message_id, convert_from(octets, 'UTF8'), case_number), ',') from api.outbox_take('{TEST00001}', 10, 'd1', '1 minute')), '2 m-1 octets 1 c-1', 'M8: the same octets under the same message id');
select is(api.outbox_result(pg_temp.row('1a'), 1, 'answered', null, 'late', null), false, 'M8: the first attempt has no more to say');
select is(api.outbox_result(pg_temp.row('1a'), 2, 'answered', null, 'yes', null), true, 'M8: the second has');
select is(pg_temp.took(), '1b/1', 'M8: the next one, now');
select is((select string_agg(concat_ws(' ', j.direction, j.channel, j.sender_code, j.recipient_code, j.message_id, j.method, convert_from(j.body, 'UTF8')), ', ' order by j.journal_id, j.direction desc)
    from data.outbox_event as e join data.journal as j using (journal_id) where e.outbox_id = pg_temp.row('1a')),
    'out smev2 TEST00001 m-1 updateBookingDetails octets 1, in smev2 TEST00001 m-1 updateBookingDetails h503, out smev2 TEST00001 m-1 updateBookingDetails octets 1, in smev2 TEST00001 m-1 updateBookingDetails yes',
    'J1: what was sent and what came back, as pairs');

-- ---- every state with everything that can be done to it ----
create temp sequence visitor_no;
create function pg_temp.visitor() returns text language plpgsql as $$
declare
    key constant text := 'm' || nextval('visitor_no');
begin
    insert into data.booking (book_key, book_id, esia_id, organization_id, state, status_code, created_at, changed_at) values (key, key, '1', 'T2', 'BOOKED', '201', now(), now());
    return key;
end $$;
-- A booking with a row in that state and one behind it. lapsed: its lease is over; late: sent, its deadline is over; later: failed, again in an hour.
create function pg_temp.made(p_state text, out key text, out id bigint, out next bigint) language plpgsql as $$
begin
    key := pg_temp.visitor();
    id := pg_temp.put(key);
    next := pg_temp.put(key);
    if p_state = 'waiting' then
        return;
    end if;
    update data.outbox set next_attempt_at = '2000-01-01' where outbox_id = id;
    if (select t.outbox_id from api.outbox_take('{TEST00002}', 1, 'd1', '1 minute') as t) is distinct from id or not api.outbox_keep(id, 1, 'id-' || id, 'x', null) then
        raise exception 'not taken and kept: %', p_state;
    end if;
    case p_state
        when 'sending' then null;
        when 'lapsed' then update data.outbox set lease_until = clock_timestamp() where outbox_id = id;
        when 'sent' then perform api.outbox_result(id, 1, 'queued', null, null, '1 hour');
        when 'late' then perform api.outbox_result(id, 1, 'queued', null, null, '0');
        when 'later' then perform api.outbox_result(id, 1, 'again', 'x', null, '1 hour');
        when 'stopped' then perform api.outbox_result(id, 1, 'stopped', 'нельзя', null, null);
        when 'answered' then perform api.outbox_result(id, 1, 'answered', null, null, null);
        when 'dropped' then perform api.outbox_result(id, 1, 'stopped', 'нельзя', null, null), admin.outbox_drop(id, 'x');
        when 'held' then
            update data.outbox set lease_until = clock_timestamp() where outbox_id = id;
            perform admin.outbox_hold(id);
    end case;
end $$;
-- What came of it: the answer or its SQLSTATE, the state, whether the message is kept, whether the next one goes.
create function pg_temp.tried(p_state text, p_what text) returns text language plpgsql as $$
declare
    m record := pg_temp.made(p_state);
    said text;
    told text;
begin
    begin
        execute replace(replace(p_what, '{id}', m.id::text), '{key}', m.key) into said;
    exception when others then
        said := sqlstate;
    end;
    select concat_ws(' ', said, x.state, case when x.message_id is null then 'new' else 'same' end) into told from data.outbox as x where x.outbox_id = m.id;
    if exists (select from data.outbox_event as e where e.outbox_id = m.id and e.event in ('held', 'released', 'requeued', 'dropped', 'done') and e.db_user is distinct from session_user)
        or exists (select from data.outbox as x where x.outbox_id = m.id and x.state in ('held', 'dropped') and x.changed_by is distinct from session_user) then
        told := told || ' by nobody';
    end if;
    -- The first row out of the way, whatever it is now: the next one goes only when that has ended.
    update data.outbox set next_attempt_at = '2100-01-01' where outbox_id = m.id and state = 'waiting';
    update data.outbox set lease_until = '2100-01-01' where outbox_id = m.id and state = 'sending';
    update data.outbox set next_attempt_at = '1999-01-01' where outbox_id = m.next and state = 'waiting';
    if exists (select from api.outbox_take('{TEST00002}', 1, 'd2', '1 hour') as t where t.outbox_id = m.next) then
        told := told || ', next';
    end if;
    update data.outbox set state = 'dropped', reason = 'x', done_at = now(), lease_until = null, lease_owner = null, is_behind = false where book_key = m.key and state not in ('answered', 'dropped');
    return told;
end $$;
create temp table meeting (state text, what text, wanted text);
-- By its number.
insert into meeting select m.state, format('select admin.outbox_%s({id}%s)', v.verb, case v.verb when 'drop' then ', ''x''' end), v.wanted from (values
    ('waiting', '1 held new', '55000 waiting new', '0 waiting new', '1 dropped new, next', '1 answered new, next'),
    ('later', '1 held same', '55000 waiting same', '1 waiting same', '1 dropped same, next', '1 answered same, next'),
    ('sending', '55006 sending same', '55006 sending same', '55006 sending same', '55006 sending same', '55006 sending same'),
    ('lapsed', '1 held same', '55000 sending same', '1 waiting same', '1 dropped same, next', '1 answered same, next'),
    ('sent', '55006 sent same', '55006 sent same', '55006 sent same', '55006 sent same', '55006 sent same'),
    ('late', '1 held same', '55000 sent same', '1 waiting new', '1 dropped same, next', '1 answered same, next'),
    ('stopped', '55000 stopped same', '55000 stopped same', '1 waiting new', '1 dropped same, next', '1 answered same, next'),
    ('held', '0 held same', '1 waiting same', '1 waiting new', '1 dropped same, next', '1 answered same, next'),
    ('answered', '55000 answered same, next', '55000 answered same, next', '55000 answered same, next', '55000 answered same, next', '0 answered same, next'),
    ('dropped', '55000 dropped same, next', '55000 dropped same, next', '55000 dropped same, next', '0 dropped same, next', '55000 dropped same, next')) as m (state, hold, release, requeue, drop, done)
cross join lateral (values ('hold', m.hold), ('release', m.release), ('requeue', m.requeue), ('drop', m.drop), ('done', m.done)) as v (verb, wanted);
-- By its booking: what makes no sense is passed over; the row behind it is of the booking, too, and waits.
insert into meeting select m.state, format('select admin.outbox_%s(''{key}''%s)', v.verb, case v.verb when 'drop' then ', ''x''' end), v.wanted from (values
    ('waiting', '2 held new', '0 waiting new', '0 waiting new', '2 dropped new', '2 answered new'),
    ('later', '2 held same', '0 waiting same', '1 waiting same', '2 dropped same', '2 answered same'),
    ('sending', '55006 sending same', '55006 sending same', '55006 sending same', '55006 sending same', '55006 sending same'),
    ('lapsed', '2 held same', '0 sending same', '1 waiting same', '2 dropped same', '2 answered same'),
    ('sent', '55006 sent same', '55006 sent same', '55006 sent same', '55006 sent same', '55006 sent same'),
    ('late', '2 held same', '0 sent same', '1 waiting new', '2 dropped same', '2 answered same'),
    ('stopped', '1 stopped same', '0 stopped same', '1 waiting new', '2 dropped same', '2 answered same'),
    ('held', '1 held same', '1 waiting same', '1 waiting new', '2 dropped same', '2 answered same'),
    ('answered', '1 answered same', '0 answered same, next', '0 answered same, next', '1 answered same', '1 answered same'),
    ('dropped', '1 dropped same', '0 dropped same, next', '0 dropped same, next', '1 dropped same', '1 dropped same')) as m (state, hold, release, requeue, drop, done)
cross join lateral (values ('hold', m.hold), ('release', m.release), ('requeue', m.requeue), ('drop', m.drop), ('done', m.done)) as v (verb, wanted);
-- What a daemon tells of this attempt, and what the portal says to a message.
insert into meeting select m.state, format('select api.outbox_result({id}, 1, %L, ''почему'', ''y'', ''1 hour'')', v.outcome), v.wanted from (values
    ('waiting', 'false waiting new', 'false waiting new', 'false waiting new', 'false waiting new'),
    ('later', 'false waiting same', 'false waiting same', 'false waiting same', 'false waiting same'),
    ('sending', 'true answered same, next', 'true sent same', 'true waiting same', 'true stopped same'),
    ('lapsed', 'true answered same, next', 'true sent same', 'true waiting same', 'true stopped same'),
    ('sent', 'false sent same', 'false sent same', 'false sent same', 'false sent same'),
    ('late', 'false sent same', 'false sent same', 'false sent same', 'false sent same'),
    ('stopped', 'false stopped same', 'false stopped same', 'false stopped same', 'false stopped same'),
    ('held', 'true answered same, next', 'true sent same', 'true held same', 'true stopped same'),
    ('answered', 'false answered same, next', 'false answered same, next', 'false answered same, next', 'false answered same, next'),
    ('dropped', 'false dropped same, next', 'false dropped same, next', 'false dropped same, next', 'false dropped same, next')) as m (state, answered, queued, again, stopped)
cross join lateral (values ('answered', m.answered), ('queued', m.queued), ('again', m.again), ('stopped', m.stopped)) as v (outcome, wanted);
insert into meeting select m.state, format('select api.outbox_result({id}, 1, %L, ''почему'', ''y'', ''1 hour'')', v.outcome), v.wanted from (values
    ('waiting', 'false waiting new', 'false waiting new'), ('later', 'false waiting same', 'false waiting same'), ('sending', 'true waiting same', 'true waiting new'), ('lapsed', 'true waiting same', 'true waiting new'),
    ('sent', 'false sent same', 'false sent same'), ('late', 'false sent same', 'false sent same'), ('stopped', 'false stopped same', 'false stopped same'), ('held', 'true held same', 'true held new'),
    ('answered', 'false answered same, next', 'false answered same, next'), ('dropped', 'false dropped same, next', 'false dropped same, next')) as m (state, unsent, afresh)
cross join lateral (values ('unsent', m.unsent), ('afresh', m.afresh)) as v (outcome, wanted);
create function pg_temp.heard(agency text, message_id text, outcome text, book_id text default null) returns text language sql as $$
    select api.outbox_answer(agency, message_id, outcome, 'почему', book_id, '1 hour', 'main', 'GetResponse', 'a-' || coalesce(message_id, 'none'), 'http://smev/ws', 'question', 'y')
$$;
create function pg_temp.odd(book text, answer text, outcome text default 'answered', message text default null, agency text default 'TEST00002', operation text default 'GetResponse') returns text language sql as $$
    select api.outbox_answer(agency, message, outcome, 'почему', book, '1 hour', 'main', operation, answer, 'http://smev/ws', 'question', 'y')
$$;
insert into meeting select m.state, format('select pg_temp.heard(''TEST00002'', ''id-{id}'', %L)', v.outcome), v.wanted from (values
    ('waiting', 'unknown waiting new', 'unknown waiting new', 'unknown waiting new', 'unknown waiting new', 'unknown waiting new'),
    ('later', 'answered answered same, next', 'stopped stopped same', 'afresh waiting new', 'in_work waiting same', 'unclear waiting same'),
    ('sending', 'answered answered same, next', 'stopped stopped same', 'afresh waiting new', 'in_work sending same', 'unclear sending same'),
    ('lapsed', 'answered answered same, next', 'stopped stopped same', 'afresh waiting new', 'in_work sending same', 'unclear sending same'),
    ('sent', 'answered answered same, next', 'stopped stopped same', 'afresh waiting new', 'in_work sent same', 'unclear sent same'),
    ('late', 'answered answered same, next', 'stopped stopped same', 'afresh waiting new', 'in_work sent same', 'unclear sent same'),
    ('stopped', 'answered answered same, next', 'late stopped same', 'late stopped same', 'late stopped same', 'unclear stopped same'),
    ('held', 'answered answered same, next', 'stopped stopped same', 'afresh held new', 'in_work held same', 'unclear held same'),
    ('answered', 'late answered same, next', 'late answered same, next', 'late answered same, next', 'late answered same, next', 'late answered same, next'),
    ('dropped', 'late dropped same, next', 'late dropped same, next', 'late dropped same, next', 'late dropped same, next', 'late dropped same, next')) as m (state, answered, stopped, afresh, in_work, unclear)
cross join lateral (values ('answered', m.answered), ('stopped', m.stopped), ('afresh', m.afresh), ('in_work', m.in_work), ('unclear', m.unclear)) as v (outcome, wanted);
-- Another attempt, another agency, what is no outcome, no reason.
insert into meeting select s.state, v.what, v.wanted || ' ' || s.stays from (values ('waiting', 'waiting new'), ('later', 'waiting same'), ('sending', 'sending same'), ('lapsed', 'sending same'), ('sent', 'sent same'), ('late', 'sent same'), ('stopped', 'stopped same'),
    ('held', 'held same'), ('answered', 'answered same, next'), ('dropped', 'dropped same, next')) as s (state, stays), (values
    ('select api.outbox_result({id}, 0, ''answered'', null, ''y'', null)', 'false'), ('select api.outbox_result({id}, 2, ''answered'', null, ''y'', null)', 'false'), ('select api.outbox_result({id}, null, ''stopped'', null, ''y'', null)', 'false'),
    ('select api.outbox_result({id}, 1, ''sent'', null, null, null)', '22023'), ('select api.outbox_result({id}, 1, null, null, null, null)', '22023'), ('select pg_temp.heard(''TEST00002'', ''id-{id}'', ''queued'')', '22023'), ('select pg_temp.heard(''TEST00002'', ''id-{id}'', null)', '22023'),
    ('select pg_temp.heard(''TEST00001'', ''id-{id}'', ''answered'')', 'unknown'), ('select pg_temp.odd(null, ''a-0'')', 'unknown'), ('select api.outbox_keep({id}, 0, ''new-{id}'', ''z'', null)', 'false'),
    ('select admin.outbox_drop({id}, '' '')', '22023'), ('select admin.outbox_drop({id}, null)', '22023'), ('select admin.outbox_drop(''{key}'', '' '')', '22023')) as v (what, wanted);
insert into meeting select s.state, 'select api.outbox_keep({id}, 1, ''new-{id}'', ''z'', null)', s.wanted from (values ('waiting', 'false waiting new'), ('later', 'false waiting same'), ('sending', 'true sending same'), ('lapsed', 'false sending same'),
    ('sent', 'false sent same'), ('held', 'false held same'), ('stopped', 'false stopped same'), ('answered', 'false answered same, next'), ('dropped', 'false dropped same, next')) as s (state, wanted);
insert into meeting select s.state, 'select data.keep_outbox()', s.wanted from (values ('waiting', 'waiting new'), ('later', 'waiting same'), ('sending', 'sending same'), ('lapsed', 'sending same'), ('sent', 'sent same'), ('late', '1 not answered in time held same by nobody'),
    ('stopped', 'stopped same'), ('held', 'held same')) as s (state, wanted);
select is(pg_temp.tried(state, what), wanted, format('M8: %s: %s', state, what)) from meeting order by what, state;
select throws_ok($$select from api.outbox_take('{TEST00001}', $$ || w || ')', '22023', null, 'M8: no such taking: ' || w) from unnest(array['0, ''d'', ''1 min''', 'null, ''d'', ''1 min''', '1001, ''d'', ''1 min''', '1, '''', ''1 min''', '1, null, ''1 min''', '1, ''d'', ''0''',
    '1, ''d'', null', '1, ''d'', ''2 hours''', '1, ''d'', ''1 min'', ''post''', '1, ''d'', ''1 min'', null']) as w;
select is((select count(*) from api.outbox_take(a::text[], 5, 'd', '1 min')), 0::bigint, 'M8: nobody''s agency: ' || coalesce(a, 'null')) from unnest(array['{}', '{NOBODY}', '{NULL}', null]) as a;

-- ---- in words ----
create temp table flown as select * from pg_temp.made('sending');
select throws_matching(format('select admin.outbox_hold(%s)', id), format('Исходящее № %s сейчас передаётся, до %s', id, to_char((select lease_until from data.outbox where outbox_id = id) at time zone 'Asia/Kamchatka', 'DD.MM.YYYY HH24:MI:SS')), 'M8: until when, by the office''s clock') from flown;
select is((select waits_for from admin.outbox where outbox_id = flown.id), 'передаётся до ' || to_char((select lease_until from data.outbox where outbox_id = id) at time zone 'Asia/Kamchatka', 'DD.MM HH24:MI:SS'), 'M8: and in the view') from flown;
select is((select waits_for from admin.outbox where outbox_id = flown.next), 'своей очереди: сначала № ' || id, 'M8: what the next one waits for') from flown;
select is(api.outbox_result(id, 1, 'again', E'нет\nсвязи', null, '1 hour'), true, 'M8: it failed') from flown;
select is(admin.outbox_hold(key, 'проверяем'), 2::bigint, 'M8: held, both') from flown;
select is(admin.outbox_release(id), 1::bigint, 'M8: let go') from flown;
select is((select count(*) from api.outbox_take('{TEST00002}', 9, 'd3', '1 hour') as t where t.outbox_id in (select unnest(array[id, next]) from flown)), 1::bigint, 'M8: the first one goes');
select is(api.outbox_result(id, 2, 'stopped', 'Заявление не найдено', '<fault/>', null), true, 'M8: refused') from flown;
select is(admin.outbox_drop(id, 'на портале нет'), 1::bigint, 'M8: dropped') from flown;
select is(admin.outbox_done(next), 1::bigint, 'M8: told') from flown;
select throws_matching(format('select admin.outbox_%s', format(v, next)), '^Исходящее № ' || next || ' отмечено как сообщённое другим путём, ' || session_user || '$', 'M8: who comes after hears that it was a person who said so: ' || v) from flown, unnest('{requeue(%s),release(%s),hold(%s)}'::text[]) as v;
select cmp_ok(admin.outbox_resend(key), '>', next, 'M8: and once more') from flown;
select is((select array_agg(replace(replace(replace(regexp_replace(regexp_replace(w.what, ' \d\d\.\d\d \d\d:\d\d', ' T'), 'обмен № \d+', 'обмен'), '№ ' || id, '№ 1'), '№ ' || next, '№ 2'), '№ ' || (select max(outbox_id) from data.outbox where book_key = key), '№ 3') order by ordinality) from admin.why(key) with ordinality as w where kind = 'порталу'),
    array['№ 1: статус 201; снято T, ' || session_user || '; Заявление не найдено', '№ 2: статус 201; отмечено как сообщённое другим путём T, ' || session_user, '№ 1: попытка 1 не удалась: нет связи; обмен', '№ 1: задержано, ' || session_user || ': проверяем',
    '№ 2: задержано, ' || session_user || ': проверяем', '№ 1: больше не задерживается, ' || session_user, '№ 1: остановлено: Заявление не найдено; обмен', '№ 1: снято, ' || session_user || ': на портале нет', '№ 2: сообщено другим путём, ' || session_user, '№ 3: статус 201; ждёт отправки', '№ 3: сообщить ещё раз, ' || session_user], 'O3: why tells all of it, in order') from flown;
select throws_matching(format('select admin.outbox_resend(%L)', key), 'говорит то же и ещё не передано', 'M8: what waits is not said twice') from flown;
select is((select count(*) from data.booking_history where book_key = key), 0::bigint, 'S3: nothing of that is history') from flown;

-- ---- what has to be looked at ----
create function pg_temp.alarms() returns text language sql as $$ select string_agg(title || ': ' || substring(what from 'ведомство \S+: \d+'), '; ' order by title, what) from data.outbox_troubles() $$;
update data.outbox set state = 'dropped', reason = 'x', done_at = now(), lease_until = null, lease_owner = null, is_behind = false where state not in ('answered', 'dropped');
create temp table stuck as select s.state, m.* from unnest('{stopped,held,waiting}'::text[]) as s (state) cross join lateral pg_temp.made(s.state) as m;
select is(pg_temp.alarms(), 'исходящие порталу задержаны: ведомство TEST00002: 1; портал отказал, об этих записях он больше не узнает ничего: ведомство TEST00002: 1', 'L4: refused and held');
update data.outbox set created_at = now() - interval '2 hours' where outbox_id in (select id from stuck where state = 'waiting');
select is(pg_temp.alarms() ~ 'порталу не передано дольше часа: ведомство TEST00002: ', true, 'L4: and late');
-- What is due and not taken waits for a road that is tried by one row.
create function pg_temp.waits() returns text language sql as $$ select string_agg(waits_for, '; ') from admin.outbox where outbox_id in (select id from stuck where state = 'waiting') $$;
update data.outbox set next_attempt_at = clock_timestamp() - interval '6 seconds' where outbox_id in (select id from stuck where state = 'waiting');
select is(pg_temp.waits(), 'передачи', 'M8: what is due waits for its turn');
create temp table probe as select * from pg_temp.made('later');
select is(pg_temp.waits(), 'передачи: пробуют по одному, последняя попытка ведомства не удалась: x', 'M8: or for a road that fails, and how');
update data.outbox set next_attempt_at = clock_timestamp() where outbox_id in (select id from stuck where state = 'waiting');
select is(pg_temp.waits(), 'передачи', 'M8: not for a moment''s sake');
update data.outbox set state = 'dropped', reason = 'x', done_at = now(), is_behind = false where outbox_id in (select unnest(array[id, next]) from probe);
update data.outbox_road set asked_at = clock_timestamp() - interval '2 minutes';
select matches(pg_temp.waits(), '^передачи: программа спрашивала об исходящих в [0-9:]{8}, с тех пор нет$', 'M8: or nobody asks');
update data.outbox_road set asked_at = clock_timestamp();
-- What SMEV does not know is told at once, as what it is: a registration that is missing.
create function pg_temp.said(p_state text, p_error text) returns text language plpgsql as $$
declare told text;
begin
    update data.outbox set last_error = p_error where outbox_id in (select id from stuck where state = p_state);
    select string_agg(format('%s: %s', t.problem, substring(t.what from 'проверьте регистрацию')), '; ' order by t.problem) into told
    from data.outbox_troubles() as t where t.title ~ case p_state when 'waiting' then 'нет регистрации' else 'СМЭВ|не составить|отказал' end;
    update data.outbox set last_error = null where outbox_id in (select id from stuck where state = p_state);
    return told;
end $$;
select is(pg_temp.said('waiting', 'нет регистрации в СМЭВ: UnknownMessageType: нет такого'), 'agency TEST00002: SMEV does not know what we send, or us (1): проверьте регистрацию', 'O3: no such message is known there');
select is(pg_temp.said('waiting', 'СМЭВ не принимает от нас ничего: SenderIsNotRegistered'), 'agency TEST00002: SMEV does not know what we send, or us (1): проверьте регистрацию', 'O3: nor are we');
select is(pg_temp.said('waiting', 'СМЭВ ответила сбоем: SMEVFailure'), null, 'O3: a failure of SMEV''s is none of that');
update data.outbox set last_error = 'AGENCY: подписать нечем: ключ должностного лица, official of smev3 main', created_at = now() where outbox_id in (select id from stuck where state = 'waiting');
select is((select string_agg(problem || ': ' || substring(what from 'official of smev3 main'), '; ') from data.outbox_troubles() where title ~ 'подписать нечем'), 'agency TEST00002: updates wait for a key of ours (1): official of smev3 main', 'L4: a key that is missing is told at once, and whose it is');
update data.outbox set last_error = null, created_at = now() - interval '2 hours' where outbox_id in (select id from stuck where state = 'waiting');
select is(pg_temp.said('stopped', 'нет регистрации в СМЭВ: AccessDenied'), 'agency TEST00002: SMEV refuses updates (1): проверьте регистрацию', 'O3: no right to send it');
select is(pg_temp.said('stopped', 'СМЭВ отказала: FAILURE'), 'agency TEST00002: SMEV refuses updates (1): проверьте регистрацию', 'O3: it is SMEV, not the portal, who says no');
select is(pg_temp.said('stopped', 'СМЭВ отказала: InvalidContent: не по схеме'), 'agency TEST00002: SMEV refuses updates (1): ', 'O3: of what it does not take no registration is the cure');
select is(pg_temp.said('stopped', 'портал отказал: ошибка 3'), 'agency TEST00002: the portal refuses updates (1): ', 'O3: and the portal is the portal');
select is(pg_temp.said('stopped', 'сообщение не составить: x'), 'agency TEST00002: updates cannot be made (1): ', 'O3: and we are we');
select set_eq($$select outbox_id, split_part(waits_for, ':', 2) from admin.outbox join stuck on id = outbox_id where stuck.state = 'stopped'$$, $$select id, ' портал отказал' from stuck where state = 'stopped'$$, 'O3: who has said no');
update data.outbox_road set asked_at = now() - interval '20 minutes';
select is(pg_temp.alarms() ~ 'дольше часа', false, 'L4: where nobody sends, an hour is nothing');
update data.outbox set created_at = now() - interval '2 days' where outbox_id in (select id from stuck where state = 'waiting');
select is(pg_temp.alarms() ~ 'исходящие порталу никто не передаёт: ведомство TEST00002: ', true, 'L4: a day is too long');
select is((select waits_for from admin.outbox where outbox_id = stuck.id), 'дороги: программа не передаёт с ' || to_char((now() - interval '20 minutes') at time zone 'Asia/Kamchatka', 'DD.MM HH24:MI'), 'M8: nobody asks any more') from stuck where state = 'waiting';
delete from data.outbox_road;
select is((select waits_for from admin.outbox where outbox_id = stuck.id), 'дороги: для этого ведомства передача не настроена, нет [push TEST00002]', 'M8: nobody ever asked') from stuck where state = 'waiting';
select is((select count(*) from admin.check() where what ~ 'TEST00002' and problem ~ 'портал'), 3::bigint, 'L4: check tells them');
select is((select behind || ' ' || regexp_replace(reason, '\d+\)', 'n)', 'g') from api.housekeeping_state() where task = 'outbox'), '3 agency TEST00002: nobody sends its updates (n); agency TEST00002: the portal refuses updates (n); agency TEST00002: updates are held (n)', 'L4: and readyz, without numbers of bookings');
select is((select concat_ws(' ', waiting, sending, sent, stopped, held, oldest_s >= 172800, coalesce(road, '-')) from api.outbox_state() where agency_code = 'TEST00002'),
    (select concat_ws(' ', count(*), 0, 0, 1, 1, true, '-') from data.outbox where agency_code = 'TEST00002' and state = 'waiting'), 'O5: in numbers');

-- ---- answers that come by themselves (Q5) ----
create temp table told as select * from pg_temp.made('sent');
select is(pg_temp.heard('TEST00002', 'id-' || id, 'answered', 'another'), 'other', 'Q5: an answer that tells another booking is none') from told;
select is((select concat_ws('/', state, octet_length(answer)) from data.outbox where outbox_id = id), 'sent', 'Q5: and changes nothing') from told;
select is(pg_temp.heard('TEST00002', 'id-' || id, 'in_work', upper(key)), 'in_work', 'Q5: the portal is at it') from told;
select is((select deadline > clock_timestamp() and state = 'sent' from data.outbox where outbox_id = id), true, 'Q5: its deadline goes on') from told;
select is(pg_temp.heard('TEST00002', 'id-' || id, 'answered', ''), 'answered', 'Q5: and done') from told;
select is((select string_agg(concat_ws(' ', j.direction, j.method, j.listener, j.sender_code, j.recipient_code, j.message_id = 'id-' || told.id, j.status, convert_from(j.body, 'UTF8')), ', ' order by j.direction desc)
    from data.outbox_event as e join data.journal as j using (journal_id) where e.outbox_id = told.id and e.event = 'answered'),
    'out GetResponse main TEST00002 t question, in GetResponse main TEST00002 f answered y', 'J1: a pair of the journal, tied to the booking') from told;
select is((select count(*) from data.journal where status in ('unknown', 'other', 'late') and direction = 'in') > 3, true, 'J1: what had no effect is written down too');
select is((select answer_id from data.outbox where outbox_id = id), 'a-id-' || id, 'Q5: by which id it was answered') from told;

-- ---- whose signature was on what was said, from where (J1, C4) ----
create function pg_temp.pair(p_message text, p_method text) returns text language sql as $$
    select string_agg(concat_ws(' ', j.direction, j.method, coalesce(j.listener, '-'), coalesce(j.peer, '-'), coalesce(j.sender_code, '-'), coalesce(j.verdict, '-'), j.status), ', ' order by j.direction desc)
    from data.journal as j where j.journal_id = (select max(k.journal_id) from data.journal as k where k.message_id = p_message and k.method = p_method)
$$;
create temp table signed_ as select * from pg_temp.made('sending');
select is(api.outbox_result(id, 1, 'queued', null, 'y', '1 hour', 'good', 'http://smev/ws', 'main'), true, 'J1: SMEV took it') from signed_;
select is(pg_temp.pair('id-' || id, 'updateBookingDetails'), 'out updateBookingDetails main - TEST00002 -, in updateBookingDetails main http://smev/ws - good queued', 'J1: whose word that was, and whether it was') from signed_;
create temp table refused as select * from pg_temp.made('sending');
select is(api.outbox_result(id, 1, 'again', null, 'y', '1 hour', 'CHECK', 'http://portal/', null), true, 'J1: over SMEV 2, and not the portal''s word') from refused;
select is(pg_temp.pair('id-' || id, 'updateBookingDetails'), 'out updateBookingDetails - - TEST00002 -, in updateBookingDetails - http://portal/ - CHECK again', 'J1: which is written down as such') from refused;
select is(api.outbox_answer('TEST00002', 'id-' || id, 'answered', null, null, null, 'main', 'GetResponse', 'a-9', 'http://smev/ws', 'question', 'y', 'MNSV05', 'good; sender: CHECK'), 'answered', 'C4: the portal''s own signature is told') from signed_;
select is(pg_temp.pair('a-9', 'GetResponse'), 'out GetResponse main - TEST00002 -, in GetResponse main http://smev/ws MNSV05 good; sender: CHECK answered', 'C4: and its name') from signed_;
select api.outbox_acked('TEST00002', 'main', 'a-9', true, 'OK', null, 'http://smev/ws', 'ack', 'done');
select is(pg_temp.pair('a-9', 'Ack'), 'out Ack main - TEST00002 -, in Ack main http://smev/ws - - OK', 'J1: an Ack is a pair');
create function pg_temp.untaken() returns text language sql as $$ select what from admin.check() where problem ~ 'не принимает подписанное' and what ~ 'источник main' $$;
select is(pg_temp.untaken(), null, 'L4: SMEV takes them');
select api.inbox_sections('d', '1 min', '{main}', '{TEST00002}', '{1.2}');
select api.outbox_acked('TEST00002', 'main', 'a-9', false, 'SMEVFailure', null, 'http://smev/ws', 'ack', 'no');
select is(pg_temp.untaken(), null, 'L4: what passes is no refusal');
select api.outbox_acked('TEST00002', 'main', 'a-9', false, 'SenderIsNotRegistered', 'SenderIsNotRegistered', 'http://smev/ws', 'ack', 'no');
select is(pg_temp.untaken() ~ 'подтверждения ответов портала — SenderIsNotRegistered', true, 'L4: it refuses them');
select api.inbox_refused('main', 'TEST00002', 'Ack', null);
select is(pg_temp.untaken() is not null, true, 'L4: that it takes others says nothing of these');
select api.outbox_acked('TEST00002', 'main', 'a-9', true, 'OK', null, 'http://smev/ws', 'ack', 'done');
select is(pg_temp.untaken(), null, 'L4: until it takes them');

-- ---- an answer that nobody can read or believe (Q5, O3) ----
delete from data.inbox_unread;
create temp table deep as select * from pg_temp.made('sent');
create function pg_temp.broken(id text, original text, error text default 'LIMIT', operation text default 'GetResponse') returns void language sql as $$ select api.inbox_unread('main', 'TEST00002', id, error, operation, original) $$;
create function pg_temp.story(p_id bigint) returns text language sql as $$ select string_agg(e.event, ' ' order by e.event_id) from data.outbox_event as e where e.outbox_id = p_id $$;
select from (select pg_temp.broken('b-1', 'id-' || id), pg_temp.broken('b-1', 'id-' || id, 'CHECK') from deep) as x;
select is((select concat_ws(' ', message_id, operation, original_id = 'id-' || deep.id, outbox_id = deep.id, error, times) from admin.inbox_unread), 'b-1 GetResponse t t CHECK 2', 'Q5: it is known by the ids that it claims') from deep;
select is(pg_temp.story(id), 'queued unread', 'Q5: the row''s story says so, once') from deep;
select is((select concat_ws(' ', state, waits_for ~ '; ответ пришёл, но не читается или не проходит проверку: LIMIT, MessageID b-1, никем не подтверждён$') from admin.outbox where outbox_id = id), 'sent t', 'Q5: and what it waits for') from deep;
select is((select what ~ ('TEST00002.*: 1, .*никем не подтверждён[)] b-1 .CHECK., исходящее № ' || id || ';.*inbox_unread_give_up[(]''b-1''') from admin.check() where problem ~ 'ответы портала, которые не удалось прочесть'), true, 'O3: people are told, with what to do') from deep;
select is((select count(*) from admin.check() where problem ~ 'сообщения, которые не удалось прочесть'), 0::bigint, 'O3: of no request');
select is((select concat_ws(' ', unread, unread_answers) from api.inbox_state() where source = 'main'), '1 1', 'L4: and readyz');
select throws_ok(format('select admin.outbox_requeue(%s)', id), '55006', null, 'M8: it is still under way') from deep;
update data.outbox set deadline = clock_timestamp() where outbox_id = (select id from deep);
select is(data.keep_outbox() ~ 'not answered in time', true, 'M8: the deadline');
select is((select concat_ws(' ', state, waits_for) from admin.outbox where outbox_id = id), 'held решения человека: ответ портала пришёл, но не читается или не проходит проверку: LIMIT, MessageID b-1, никем не подтверждён', 'O3: which says what is so') from deep;
select is((select string_agg(data.outbox_event_words(e), '; ' order by e.event_id) ~ 'не читается или не проходит проверку: LIMIT.*; срок вышел, задержано: ответ портала пришёл' from data.outbox_event as e where e.outbox_id = deep.id), true, 'O3: as does the story') from deep;
select is(pg_temp.heard('TEST00002', 'id-' || id, 'answered'), 'answered', 'Q5: one that comes whole after all ends it') from deep;
create temp table given as select * from pg_temp.made('sent');
select from (select pg_temp.broken('b-2', 'id-' || id) from given) as x;
select is(admin.inbox_unread_give_up('b-2', 'портал пришлёт другое'), format('СМЭВ будет сказано, что сообщение не принято (Ack accepted=false); исходящее № %1$s задержано: передать снова — select admin.outbox_requeue(%1$s), сообщено иначе — select admin.outbox_done(%1$s)', id), 'O3: given up by hand') from given;
select is((select concat_ws(' ', state, waits_for) from admin.outbox where outbox_id = id), 'held решения человека: от ответа портала, который не читается, отказались: портал пришлёт другое', 'O3: nothing is waited for any more') from given;
select is((select string_agg(message_id, ' ') from api.inbox_unread_take('TEST00002', 10, '1 min')), 'b-2', 'Q3: SMEV is told');
select is(admin.outbox_requeue(id), 1::bigint, 'O3: and it goes again') from given;
select is((select concat_ws(' ', state, message_id) from data.outbox where outbox_id = id), 'waiting', 'M8: as a new message') from given;
create temp table nameless as select * from pg_temp.made('sent');
select from (select pg_temp.broken(null, 'id-' || id), pg_temp.broken(null, 'id-' || id) from nameless) as x;
select is(pg_temp.story(id), 'queued unread', 'Q5: one without an id of its own is known by what it answers') from nameless;
select is((select waits_for ~ 'не проходит проверку: LIMIT, MessageID не найден' from admin.outbox where outbox_id = id), true, 'Q5: which says so') from nameless;
update data.outbox set deadline = clock_timestamp() where outbox_id = (select id from nameless);
select is(data.keep_outbox() ~ 'not answered in time', true, 'M8: the deadline');
select is((select reason ~ '^ответ портала пришёл' from admin.outbox where outbox_id = id), true, 'O3: and what is so') from nameless;
delete from data.inbox_unread where message_id = '';
-- of an answer that was taken nothing but accepted=true is ever said
create temp table whole as select * from pg_temp.made('sent');
select from (select pg_temp.broken('a-7', 'id-' || id) from whole) as x;
select is(api.outbox_answer('TEST00002', 'id-' || id, 'answered', null, null, null, 'main', 'GetResponse', 'a-7', 'p', 'q', 'y', null, 'good'), 'answered', 'Q5: it comes whole:') from whole;
select is((select count(*) from data.inbox_unread where message_id = 'a-7'), 0::bigint, 'Q5: it is unread no more');
select from (select pg_temp.broken('a-7', 'id-' || id) from whole) as x;
select is((select count(*) from data.inbox_unread where message_id = 'a-7'), 0::bigint, 'Q5: a broken copy of it is nothing');
insert into data.inbox_unread (source, agency_code, message_id, error, operation) values ('main', 'TEST00002', 'a-7', 'LIMIT', 'GetResponse');
select throws_ok($$select admin.inbox_unread_give_up('a-7', 'x')$$, '55000', null, 'Q5: and is not refused by hand either');
update data.inbox_unread set given_up_at = now(), given_up_by = 'x', reason = 'x', say_at = '-infinity' where message_id = 'a-7';
select is((select count(*) from api.inbox_unread_take('TEST00002', 10, '1 min') where message_id = 'a-7'), 0::bigint, 'Q5: nor when a row says so');
-- what answers nothing of ours, or something that is over, changes no row
select from (select pg_temp.broken('b-3', null), pg_temp.broken('b-4', 'none'), pg_temp.broken('b-5', 'id-' || id), pg_temp.broken(null, 'id-' || id), pg_temp.broken('b-6', 'id-' || id, 'LIMIT', 'GetStatus') from whole) as x;
select is(pg_temp.story(id), 'queued unread answered', 'Q5: what is over is over') from whole;
select is((select count(outbox_id) from admin.inbox_unread where message_id in ('', 'b-3', 'b-4')), 0::bigint, 'Q5: nor is a row named that nobody knows');
select is(admin.inbox_unread_give_up(m, 'x'), 'СМЭВ будет сказано, что сообщение не принято (Ack accepted=false)', 'O3: it is given up all the same: ' || m) from unnest('{b-3,b-4,b-5,b-6}'::text[]) as m;
select is((select state from data.outbox where outbox_id = id), 'answered', 'O3: of which the row hears nothing') from whole;
delete from data.inbox_unread;
update data.outbox set state = 'dropped', reason = 'x', done_at = now(), lease_until = null, lease_owner = null, is_behind = false
where state not in ('answered', 'dropped') and book_key in (select key from signed_ union select key from refused union select key from deep union select key from given union select key from nameless union select key from whole);

create function pg_temp.hint_of(p_sql text) returns text language plpgsql as $$ declare h text; begin execute p_sql; return 'done'; exception when others then get stacked diagnostics h = pg_exception_hint; return sqlstate || ' ' || h; end $$;
-- ---- every state in which an answer can meet a row: what comes of it, and what people are told at the deadline (Q5, M8, O3) ----
-- met(state, events): events one after the other, then the deadline, if it has one. The state, by whom, and why; whether SMEV is to hear.
create function pg_temp.event(p_what text, p_id bigint, p_key text) returns void language plpgsql as $$
declare
    message constant text := 'id-' || p_id;
    n constant integer := (select attempts from data.outbox where outbox_id = p_id);
begin
    case p_what
        when 'unread' then perform pg_temp.broken('u-' || p_id, message);
        when 'nameless' then perform pg_temp.broken(null, message);
        when 'given up' then perform admin.inbox_unread_give_up('u-' || p_id, 'испорчен');
        when 'other' then perform pg_temp.heard('TEST00002', message, 'answered', 'another');
        when 'whole' then perform pg_temp.heard('TEST00002', message, 'answered', p_key);
        when 'refusal' then perform pg_temp.heard('TEST00002', message, 'stopped', p_key);
        when 'afresh' then perform pg_temp.heard('TEST00002', message, 'afresh', p_key);
        when 'queued', 'again', 'unsent', 'failed' then perform api.outbox_result(p_id, n, case p_what when 'failed' then 'afresh' else p_what end, 'почему', null, '1 hour');
        when 'taken' then -- by a daemon, now, unless nobody may
            update data.outbox set next_attempt_at = '1997-01-01' where outbox_id = p_id and state = 'waiting';
            update data.outbox set lease_until = '1997-01-01' where outbox_id = p_id and state = 'sending';
            perform api.outbox_take('{TEST00002}', 1, 'd1', '1 minute');
        when 'released' then perform admin.outbox_release(p_id);
        when 'requeued' then perform admin.outbox_requeue(p_id);
    end case;
end $$;
create function pg_temp.met(p_state text, p_events text) returns text language plpgsql as $$
declare
    m record := pg_temp.made(p_state);
    what text;
    told text;
begin
    foreach what in array string_to_array(p_events, ', ') loop
        begin
            perform pg_temp.event(what, m.id, m.key);
        exception when others then
            told := what || ' ' || sqlstate;
            exit;
        end;
    end loop;
    update data.outbox set deadline = clock_timestamp() where outbox_id = m.id and state = 'sent';
    perform data.outbox_overdue(100);
    select coalesce(told, concat_ws(' ', x.state, case when x.message_id is null then 'new' end, case when x.state = 'held' then case
        when x.reason ~ '^от ответа портала, который не читается, отказались: испорчен$' then 'given up' when x.reason ~ '^ответ портала пришёл, но не читается' then 'unread'
        when x.reason ~ 'ответ портала пришёл, но о другой записи' then 'other' when x.reason = 'задержано вручную' then 'by hand'
        when x.reason ~ 'портал не ответил в срок|ответа портала в срок не получено' then 'nothing' else x.reason end end,
        case when x.state = 'held' and x.reason ~ 'отказались' and x.changed_by is distinct from session_user then 'by nobody' end)) into told
    from data.outbox as x where x.outbox_id = m.id;
    update data.outbox set state = 'dropped', reason = 'x', done_at = now(), lease_until = null, lease_owner = null, deadline = null, is_behind = false where book_key = m.key and state not in ('answered', 'dropped');
    delete from data.inbox_unread;
    return told;
end $$;
create temp table meets (events text, later text, sending text, lapsed text, sent text, late text, stopped text, held text, answered text, dropped text);
insert into meets values
    -- nothing, or what is read
    ('whole', 'answered', 'answered', 'answered', 'answered', 'answered', 'answered', 'answered', 'answered', 'dropped'),
    ('refusal', 'stopped', 'stopped', 'stopped', 'stopped', 'stopped', 'stopped', 'stopped', 'answered', 'dropped'),
    ('afresh', 'waiting new', 'waiting new', 'waiting new', 'waiting new', 'waiting new', 'stopped', 'held new by hand', 'answered', 'dropped'),
    -- it cannot be read: nothing comes of it until the deadline, and then it is said
    ('unread', 'waiting', 'sending', 'sending', 'held unread', 'held unread', 'stopped', 'held by hand', 'answered', 'dropped'),
    ('nameless', 'waiting', 'sending', 'sending', 'held unread', 'held unread', 'stopped', 'held by hand', 'answered', 'dropped'),
    ('unread, whole', 'answered', 'answered', 'answered', 'answered', 'answered', 'answered', 'answered', 'answered', 'dropped'),
    ('unread, taken, queued', 'held unread', 'held unread', 'held unread', 'held unread', 'held unread', 'stopped', 'held unread', 'answered', 'dropped'),
    ('nameless, taken, queued', 'held unread', 'held unread', 'held unread', 'held unread', 'held unread', 'stopped', 'held unread', 'answered', 'dropped'),
    ('other', 'waiting', 'sending', 'sending', 'held other', 'held other', 'stopped', 'held by hand', 'answered', 'dropped'),
    ('other, taken, queued', 'held other', 'held other', 'held other', 'held other', 'held other', 'stopped', 'held other', 'answered', 'dropped'),
    ('other, whole', 'answered', 'answered', 'answered', 'answered', 'answered', 'answered', 'answered', 'answered', 'dropped'),
    ('other, unread, given up, taken, queued', 'held given up', 'held given up', 'held given up', 'held given up', 'held given up', 'stopped', 'held given up', 'answered', 'dropped'),
    ('unread, taken, failed', 'waiting new', 'waiting new', 'waiting new', 'held unread', 'held unread', 'stopped', 'held new by hand', 'answered', 'dropped'),
    -- it tells another booking: as one that cannot be read, and it comes once only, so its message has it through all attempts
    ('other', 'waiting', 'sending', 'sending', 'held other', 'held other', 'stopped', 'held by hand', 'answered', 'dropped'),
    ('other, whole', 'answered', 'answered', 'answered', 'answered', 'answered', 'answered', 'answered', 'answered', 'dropped'),
    ('other, taken, queued', 'held other', 'held other', 'held other', 'held other', 'held other', 'stopped', 'held other', 'answered', 'dropped'),
    ('unread, taken, queued', 'held unread', 'held unread', 'held unread', 'held unread', 'held unread', 'stopped', 'held unread', 'answered', 'dropped'),
    -- it is given up: none will come, so a person decides, at once or when the attempt has ended
    ('unread, given up', 'held given up', 'sending', 'held given up', 'held given up', 'held given up', 'stopped', 'held by hand', 'answered', 'dropped'),
    ('unread, given up, queued', 'held given up', 'held given up', 'held given up', 'held given up', 'held given up', 'stopped', 'held given up', 'answered', 'dropped'),
    ('unread, given up, again', 'held given up', 'held given up', 'held given up', 'held given up', 'held given up', 'stopped', 'held by hand', 'answered', 'dropped'),
    ('unread, given up, unsent', 'held given up', 'held given up', 'held given up', 'held given up', 'held given up', 'stopped', 'held by hand', 'answered', 'dropped'),
    ('unread, given up, failed', 'held new given up', 'waiting new', 'held new given up', 'held new given up', 'held new given up', 'stopped', 'held new by hand', 'answered', 'dropped'),
    ('unread, given up, taken, queued', 'held given up', 'held given up', 'held given up', 'held given up', 'held given up', 'stopped', 'held given up', 'answered', 'dropped'),
    ('unread, given up, whole', 'answered', 'answered', 'answered', 'answered', 'answered', 'answered', 'answered', 'answered', 'dropped'),
    ('unread, given up, refusal', 'stopped', 'stopped', 'stopped', 'stopped', 'stopped', 'stopped', 'stopped', 'answered', 'dropped'),
    ('unread, given up, released', 'released 55000', 'released 55006', 'released 55000', 'released 55000', 'released 55000', 'released 55000', 'released 55000', 'released 55000', 'released 55000'),
    ('unread, given up, queued, requeued', 'waiting new', 'waiting new', 'waiting new', 'waiting new', 'waiting new', 'waiting new', 'waiting new', 'requeued 55000', 'requeued 55000');
select is(pg_temp.met(v.state, m.events), v.wanted, format('Q5: %s meets: %s', v.state, m.events))
from meets as m cross join lateral (values ('later', m.later), ('sending', m.sending), ('lapsed', m.lapsed), ('sent', m.sent), ('late', m.late), ('stopped', m.stopped), ('held', m.held), ('answered', m.answered), ('dropped', m.dropped)) as v (state, wanted);
select is(pg_temp.met('waiting', e), 'waiting new', 'Q5: what has no message yet meets none: ' || e) from unnest('{whole,unread,nameless}'::text[]) as e;
create temp table under_way as select * from pg_temp.made('sending');
select from (select pg_temp.broken('b-8', 'id-' || id) from under_way) as x;
select matches(admin.inbox_unread_give_up('b-8', 'x'), format('исходящее № %s сейчас передаётся и будет задержано', id), 'O3: who gives it up hears that an attempt goes on') from under_way;
select is(api.outbox_result(id, 1, 'queued', null, null, '1 hour'), true, 'M8: MessageIsAlreadySent') from under_way;
select is(pg_temp.story(id), 'unread queued held', 'O3: the story tells both') from under_way;
select matches(pg_temp.hint_of(format('select admin.outbox_release(%s)', id)), format('^55000 .*outbox_requeue[(]%s[)].*outbox_done[(]%1$s[)]', id), 'O3: as it is it would be told nothing more, which is said') from under_way;
update data.outbox set state = 'dropped', reason = 'x', done_at = now(), is_behind = false where book_key in (select key from under_way);

-- ---- an answer that tells another booking, or does not say what it is to (Q5, O3) ----
create function pg_temp.waits(p_id bigint) returns text language sql as $$ select concat_ws(' ', state, waits_for) from admin.outbox where outbox_id = p_id $$;
create temp table astray as select * from pg_temp.made('sent');
select is(pg_temp.odd('another', 'o-1', message => 'id-' || id) || ' ' || pg_temp.odd('another', 'o-2', message => 'id-' || id) || ' ' || pg_temp.story(id), 'other other queued other', 'Q5: its row says so, once') from astray;
select is(pg_temp.waits(id) ~ '^sent ответа портала до .*; ответ пришёл, но о другой записи: MessageID o-1; обмен № \d+$', true, 'O3: as does what it waits for') from astray;
select is((select what ~ ('TEST00002: 1, первое № ' || id || ' .*спросите его.*admin.why') from admin.check() where problem = 'ответ портала — о другой записи'), true, 'O3: and admin.check') from astray;
select is((select reason ~ 'agency TEST00002: answers of the portal tell other bookings [(]1[)]' from api.housekeeping_state() where task = 'outbox'), true, 'L4: and readyz, without anybody''s number');
select is((select count(*) from data.outbox_event as e join data.journal as j using (journal_id) where e.outbox_id = id and e.event = 'other' and j.status = 'other' and j.message_id = 'o-1'), 1::bigint, 'J1: with the exchange it came by') from astray;
update data.outbox set attempts = attempts + 1 where outbox_id = (select id from astray);
select from (select pg_temp.broken('b-9', 'id-' || id) from astray) as x;
select is(pg_temp.waits(id) ~ '; ответ пришёл, но не читается или не проходит проверку: LIMIT, MessageID b-9', true, 'O3: what came last is told; and what came to an attempt before came to the same message:') from astray;
update data.outbox set attempts = attempts + 1, deadline = clock_timestamp() where outbox_id = (select id from astray);
select is(data.keep_outbox() ~ 'not answered in time', true, 'M8: the deadline');
select is(pg_temp.waits(id) ~ '^held решения человека: ответ портала пришёл, но не читается', true, 'O3: which says what is so') from astray;
select is(admin.outbox_requeue(id), 1::bigint, 'O3: it goes again') from astray;
select is((select concat_ws(' ', data.outbox_strange(x), x.message_id) from data.outbox as x where x.outbox_id = id), '', 'O3: and of the new message nothing is told') from astray;
create temp table strayed as select * from pg_temp.made('sent');
select is(pg_temp.odd('another', 'o-3', message => 'id-' || id), 'other', 'Q5: one more') from strayed;
update data.outbox set deadline = clock_timestamp() where outbox_id = (select id from strayed);
select is(data.keep_outbox() ~ 'not answered in time', true, 'M8: the deadline');
select is(pg_temp.waits(id) ~ '^held решения человека: ответ портала пришёл, но о другой записи: MessageID o-3; обмен № \d+$', true, 'O3: and what is so') from strayed;
select is((select string_agg(data.outbox_event_words(e), '; ' order by e.event_id) ~ 'пришёл ответ о другой записи: MessageID o-3; обмен № \d+; срок вышел, задержано: ответ портала пришёл, но о другой' from data.outbox_event as e where e.outbox_id = strayed.id), true, 'O3: as does the story') from strayed;
select is(pg_temp.odd(key, 'o-4', message => 'id-' || id) || ' ' || pg_temp.odd('another', 'o-5', message => 'id-' || id) || ' ' || pg_temp.story(id), 'answered other queued other overdue answered', 'Q5: the right one ends it, and what comes then is no news') from strayed;
-- without OriginalMessageId: of the booking that its signed content names one row is out
create function pg_temp.are(p_key text) returns text language sql volatile as $$ select string_agg(concat_ws(' ', state, answer_id), ', ' order by outbox_id) from data.outbox where book_key = p_key $$;
create temp table unnamed as select * from pg_temp.made('sent');
select is(pg_temp.odd(v.book, 'n-0', agency => v.agency), 'unknown', 'Q5: not ' || v.what) from unnamed, lateral (values (null, 'TEST00002', 'without a booking'), ('', 'TEST00002', 'with an empty one'), ('another', 'TEST00002', 'of another booking'), (key, 'TEST00001', 'to another agency')) as v (book, agency, what);
update data.outbox set road = 'smev2' where outbox_id = (select id from unnamed);
select is(pg_temp.odd(key, 'n-0'), 'unknown', 'Q5: over SMEV 2 no answer comes by itself') from unnamed;
update data.outbox set road = 'smev3' where outbox_id = (select id from unnamed);
select is(pg_temp.odd(upper(key), 'n-1', 'afresh') || ' ' || pg_temp.are(key), 'afresh waiting n-1, waiting', 'Q5: it is the one that is out;') from unnamed;
select is(pg_temp.odd(key, 'n-2') || ' ' || pg_temp.are(key), 'unknown waiting n-1, waiting', 'Q5: what is not out is not answered') from unnamed;
update data.outbox set state = 'sent', road = 'smev3', message_id = 'again-' || id, octets = 'x', deadline = now() + interval '1 hour', next_attempt_at = now() from unnamed where outbox_id = id;
select is(pg_temp.odd(key, 'n-1', 'afresh') || ' ' || pg_temp.are(key), 'late sent n-1, waiting', 'Q3: an answer that was had is not the next message''s when its Ack was lost') from unnamed;
select is(pg_temp.odd(key, 'n-3') || ' ' || pg_temp.are(key), 'answered answered n-3, waiting', 'Q5: and done') from unnamed;
select is((select message_id from data.journal where journal_id = (select max(k.journal_id) from data.journal as k where k.message_id = 'n-3') and direction = 'out'), 'again-' || id, 'J1: with the message that is meant') from unnamed;
update data.outbox as x set state = 'sent', road = 'smev3', message_id = 'next-' || id, octets = 'x', deadline = now() + interval '1 hour', is_behind = false from unnamed where x.book_key = key and x.state = 'waiting';
select is(pg_temp.odd(key, 'n-3') || ' ' || pg_temp.are(key), 'late answered n-3, sent', 'Q3: nor the next row''s') from unnamed;
select is(pg_temp.odd(key, 'n-4', 'in_work') || ' ' || pg_temp.odd(key, 'n-4', 'stopped') || ' ' || pg_temp.odd(key, 'n-5', 'stopped') || ' ' || pg_temp.are(key), 'in_work late stopped answered n-3, stopped n-5', 'Q5: whatever it says') from unnamed;
select is(pg_temp.odd(key, 'n-6', 'unclear', operation => 'GetStatus'), 'unknown', 'Q5: an error of notifications is no answer') from unnamed;
update data.outbox set state = 'dropped', reason = 'x', done_at = now(), lease_until = null, lease_owner = null, deadline = null, is_behind = false
where state not in ('answered', 'dropped') and book_key in (select key from astray union select key from strayed union select key from unnamed);
delete from data.inbox_unread;

-- ---- signed by somebody who is not believed (C4, L4) ----
create temp table strange as select * from pg_temp.made('sent');
create function pg_temp.strangers() returns text language sql as $$ select string_agg(what, '; ') from admin.check() where problem = 'ответы портала из очереди СМЭВ подписаны не тем, кому здесь верят' $$;
insert into data.outbox_road values ('TEST00002', 'smev3', now(), 'd') on conflict do nothing;
select is(pg_temp.strangers(), null, 'L4: all are SMEV''s');
select api.outbox_untrusted('main', 'TEST00002', 'SENDER', 'id-' || id, 'st-1'), api.outbox_untrusted('main', 'TEST00002', 'SENDER', 'id-' || id, 'st-1') from strange;
select matches(pg_temp.strangers(), 'ведомство TEST00002, источник main .SENDER., последний раз в .*сертификаты', 'L4: people are told, with what to look at');
select is((select count(*) from data.inbox_unread), 0::bigint, 'C4: nobody can give it up: the trouble is the certificates''');
select is(pg_temp.story(id), 'queued unread', 'Q5: the row''s story says so, once') from strange;
update data.outbox_road set untrusted_at = now() - interval '19 minutes' where agency_code = 'TEST00002';
select api.outbox_untrusted('other', 'TEST00002', null, null, null);
select isnt(pg_temp.strangers(), null, 'L4: what another source brings, and that SMEV gives nothing for a while, ends it not');
update data.outbox_road set untrusted_at = now() - interval '21 minutes' where agency_code = 'TEST00002';
select is(pg_temp.strangers(), null, 'L4: it would have come again');
select api.outbox_untrusted('main', 'TEST00002', 'TOKEN', null, null), api.outbox_untrusted('main', 'TEST00002', null, null, null);
select is(pg_temp.strangers(), null, 'L4: or one that is SMEV''s came');
select is((select concat_ws(' ', untrusted, untrusted_by, untrusted_at) from data.outbox_road where agency_code = 'TEST00002'), '', 'L4: which leaves nothing behind');
select lives_ok($$select api.outbox_untrusted('main', 'NOBODY', 'SENDER', 'id-0', null)$$, 'C4: of nobody''s agency nothing is noted');
update data.outbox set deadline = clock_timestamp() where outbox_id = (select id from strange);
select is(data.keep_outbox() ~ 'not answered in time', true, 'M8: the deadline');
select matches((select reason from data.outbox where outbox_id = id), '^ответ портала пришёл, но не читается или не проходит проверку: SENDER', 'O3: and what is so') from strange;
update data.outbox set state = 'dropped', reason = 'x', done_at = now(), is_behind = false where book_key in (select key from strange) and state <> 'dropped';

-- ---- a request and an answer that say no id are two troubles (Q1, Q5) ----
select from (select pg_temp.broken(null, null, 'LIMIT', v), pg_temp.broken(null, null, 'LIMIT', v) from unnest('{GetRequest,GetResponse,GetRequest}'::text[]) as v) as x;
select results_eq($$select operation, times from admin.inbox_unread order by operation$$, $$values ('GetRequest', 4::bigint), ('GetResponse', 2)$$, 'Q1: each is counted by itself');
select is((select count(*) from admin.check() where problem ~ '(сообщения|ответы портала), которые не удалось прочесть'), 2::bigint, 'O3: and told');
select from (select pg_temp.broken('r-' || n, null, 'LIMIT', 'GetResponse') from generate_series(1, 101) as n) as x;
select pg_temp.broken('q-1', null, 'LIMIT', 'GetRequest');
select is((select string_agg(message_id, ' ' order by message_id) from data.inbox_unread where operation = 'GetRequest'), ' q-1', 'L1: a hundred broken answers leave room for ids of requests');
select pg_temp.broken('r-1', null, 'LIMIT', 'GetRequest'), admin.inbox_unread_give_up('r-1', 'x');
select is((select count(distinct message_id) from api.inbox_unread_take('TEST00002', 10, '1 min')), 1::bigint, 'Q3: one id under two questions is said');
delete from data.inbox_unread;

-- ---- a change of road ----
create function pg_temp.first(moved bigint) returns void language sql as $$ update data.outbox set next_attempt_at = '1998-01-01' where outbox_id = moved $$;
create function pg_temp.by(road text) returns text language sql as $$ select concat_ws(' ', t.outbox_id, t.message_id, t.octets) from api.outbox_take('{TEST00002}', 1, 'd', '1 min', road) as t $$;
create temp table moved as select * from pg_temp.made('later');
select from (select pg_temp.first(id) from moved) as x;
update data.outbox set is_unsure = false where outbox_id = (select id from moved);
select is(pg_temp.by('smev3'), id::text, 'M8: octets of another road, which have not left, are not sent on this one') from moved;
select is((select road from admin.outbox where outbox_id = id), 'smev3', 'M8: which road') from moved;
-- by which NodeID it leaves, and is asked for
create function pg_temp.nodes() returns text language sql as $$ select string_agg(concat_ws('/', agency_code, node_id, changes), ' ' order by node_id) from api.outbox_nodes() $$;
create function pg_temp.strays(agencies text[], nodes text[]) returns text language sql as $$ select string_agg(c, '; ') from api.outbox_concerns(agencies, nodes) as c $$;
select is(api.outbox_keep(id, 2, 'node-id-1', 'new', null, 'узел 1'), true, 'Q5: kept with its NodeID') from moved;
select is(api.outbox_keep(id, 2, 'node-id-1', 'signed anew', null, 'other'), true, 'C5: signed anew when the section has another') from moved;
select is((select node_id from data.outbox where outbox_id = id), 'узел 1', 'Q5: what is said is as it was') from moved;
select is(api.outbox_keep(id, 1, 'node-id-1', 'x', null, 'other'), false, 'Q5: of another attempt nothing is kept') from moved;
select is(pg_temp.nodes(), null, 'Q5: nobody is asked for what may not have left, nor for what went by the other road');
select is(api.outbox_result(id, 2, 'queued', null, null, '1 hour'), true, 'Q5: SMEV has it') from moved;
select is(pg_temp.nodes(), 'TEST00002/узел 1/1', 'Q5: its answer is asked for by its NodeID');
select is(pg_temp.strays('{TEST00001,TEST00002}', '{"","узел 1"}'), null, 'L4: a section has it');
select is(pg_temp.strays('{TEST00002,TEST00001}', '{"","узел 1"}'), 'agency TEST00002: 1 changes were sent with NodeID узел 1, which no [smev3] of its has now: they are asked for so, too, until all are over', 'L4: one of another agency has it');
select is(pg_temp.strays('{}', '{}') ~ '^agency TEST00002: 1 changes .* no .smev3. of its is there', true, 'L4: no section is left');
create temp table unleft as select * from pg_temp.made('waiting');
select is(admin.outbox_hold(id), 1::bigint, 'O3: held before it has left') from unleft;
select is(pg_temp.nodes(), 'TEST00002/узел 1/1', 'Q5: for that nobody is asked');
update data.outbox set deadline = now() - interval '1 s' where outbox_id = (select id from moved);
select from (select data.outbox_overdue(1000)) as x;
select is((select state from data.outbox where outbox_id = id) || ' ' || pg_temp.nodes(), 'held TEST00002/узел 1/1', 'Q5: it may be answered after its deadline') from moved;
select is(admin.outbox_requeue(id), 1::bigint, 'O3: told again') from moved;
select from (select pg_temp.first(id) from moved) as x;
select is(pg_temp.by('smev3'), id::text, 'Q5: as a new message') from moved;
select is(api.outbox_keep(id, 3, 'node-id-2', 'new', null, ''), true, 'Q5: of a section that has no NodeID') from moved;
select is(api.outbox_result(id, 3, 'queued', null, null, '1 hour'), true, 'Q5: SMEV has it') from moved;
select is(pg_temp.strays('{TEST00002}', '{x}'), 'agency TEST00002: 1 changes were sent without a NodeID, as no [smev3] of its asks now: they are asked for so, too, until all are over', 'L4: all sections have one by now');
select is(pg_temp.heard('TEST00002', 'node-id-2', 'answered'), 'answered', 'Q5: its answer') from moved;
select is(pg_temp.nodes(), null, 'Q5: and it is over');
select is(admin.outbox_hold(next), 1::bigint, 'the rest is not of what follows') from moved;
-- what may have left
create temp table unsure as select * from pg_temp.made('later');
select from (select pg_temp.first(id) from unsure) as x;
select isnt(coalesce(pg_temp.by('smev3'), ''), id::text, 'M8: what may have left by one road is not told by the other') from unsure;
select is((select concat_ws(' ', state, message_id, waits_for) from admin.outbox where outbox_id = id), 'held id-' || id || ' решения человека: дорога к порталу сменилась, а дошло ли сообщение по прежней, неизвестно', 'M8: somebody has to look') from unsure;
update data.outbox set is_unsure = false where state = 'held' and outbox_id <> (select id from unsure); -- the first is advised about
create function pg_temp.advised(p_id bigint) returns text language sql as $$ select string_agg(substring(what from '[^;]*; (.*)$'), '') from data.outbox_troubles() where what ~ format('первое № %s ', p_id) $$;
select matches(pg_temp.advised(id), format('outbox_requeue[(]%s[)].*outbox_done[(]%1$s[)]', id), 'O3: by a command that ends it') from unsure;
select unalike(pg_temp.advised(id), '%outbox_release%', 'O3: not by one that ends in the same') from unsure;
select matches(pg_temp.hint_of(format(v, case when v ~ 'L' then key else id::text end)), format('^55000 .*outbox_requeue[(]%s[)].*outbox_done[(]%1$s[)]', id), 'O3: which says what does') from unsure, unnest('{select admin.outbox_release(%s),select admin.outbox_release(%L)}'::text[]) as v;
update data.outbox_road set road = 'smev2' where agency_code = 'TEST00002'; -- as whoever asks by it says
select is(admin.outbox_release(id), 1::bigint, 'M8: by its own road') from unsure;
select from (select pg_temp.first(id) from unsure) as x;
select is(pg_temp.by('smev2'), concat_ws(' ', id, 'id-' || id, '\x78'::bytea), 'M8: it goes as it was') from unsure;
select is(api.outbox_result(id, (select attempts from data.outbox where outbox_id = id), 'unsent', 'связи нет', null, '0'), true, 'M8: not now') from unsure;
select is((select is_unsure from data.outbox where outbox_id = id), true, 'M8: what may have left once may have left, whatever came later') from unsure;
select from (select pg_temp.first(id), pg_temp.by('smev3') from unsure) as x;
select is(pg_temp.heard('TEST00002', 'id-' || id, 'answered'), 'answered', 'Q5: an answer by the road that was') from unsure;
create temp table crossed as select * from pg_temp.made('lapsed');
select from (select count(*) from (select pg_temp.by('smev3')) as x) as y;
select is((select concat_ws(' ', state, message_id = 'id-' || id) from admin.outbox where outbox_id = id), 'held t', 'M8: nor is what somebody had kept when he died') from crossed;
select is(admin.outbox_requeue(id), 1::bigint, 'M8: by hand') from crossed;
select from (select pg_temp.first(id) from crossed) as x;
select is(pg_temp.by('smev3'), id::text, 'M8: then as a new message') from crossed;
-- whatever a person does to what somebody had kept when he died: by another road it does not go as if it had never left
create function pg_temp.crosses(p_what text) returns text language plpgsql as $$
declare
    m record := pg_temp.made('lapsed');
    said text;
begin
    execute replace(replace(p_what, '{id}', m.id::text), '{key}', quote_literal(m.key));
    update data.outbox_road set road = 'smev3' where agency_code = 'TEST00002';
    begin
        perform admin.outbox_release(m.id);
    exception when object_not_in_prerequisite_state then
        null;
    end;
    perform pg_temp.first(m.id);
    said := pg_temp.by('smev3');
    return coalesce(said, 'nothing') || ' ' || (select concat_ws(' ', x.state, x.message_id = 'id-' || m.id) from data.outbox as x where x.outbox_id = m.id);
end $$;
select is(pg_temp.crosses(v), 'nothing held t', 'M8: ' || v) from unnest(array['select admin.outbox_hold({id})', 'select admin.outbox_hold({key})', 'select admin.outbox_requeue({id})',
    'select admin.outbox_requeue({key})', 'select admin.outbox_hold({id}), admin.outbox_release({id})']) as v;
create temp table gone as select * from pg_temp.made('sent');
select is((select count(*) from data.outbox_claim('TEST00002', 50, 'd', '1 min', 'smev2', '1 min') as c where c.outbox_id = gone.id), 0::bigint, 'M8: what SMEV has stays until its answer, whatever the road') from gone;

-- ---- whose application it is ----
create function pg_temp.booked_by(channel text, book text, n integer) returns text language sql as $$
    select string_agg(r.status_code, '') from api.book(
        row('l', channel, 'p', 'PORTAL', 'TEST00001', gen_random_uuid()::text, 'book', 'good', null, null, sha256(convert_to(gen_random_uuid()::text, 'UTF8')), now(), false, 'x', false)::api.message,
        book, array[pg_temp.slot('a3', n)], 'T1', 'SIMPLE', 'PHYSIC', '1000000000', '{"lastName": "Тестов"}', '{}', '{}', false, null, '[]', '{}') as r where r.kind = 'answer'
$$;
create function pg_temp.told_of(book text) returns bigint language sql as $$ select count(*) from data.outbox where book_key = book $$;
select is(pg_temp.booked_by(channel, 'ch-' || channel, 20 + n::integer), '201', 'booked by ' || channel) from unnest('{portal,kiosk,call-centre,walk-in}'::text[]) with ordinality as c (channel, n);
select is(pg_temp.booked_by(channel, book, 30 + n::integer), '201', 'booked by ' || channel) from (values ('kiosk', 'kiosk-portal', 1), ('portal', 'portal-kiosk', 2)) as c (channel, book, n);
select is(pg_temp.booked_by(channel, book, 33 + n::integer), '201', 'moved by ' || channel) from (values ('portal', 'kiosk-portal', 1), ('kiosk', 'portal-kiosk', 2)) as c (channel, book, n);
select is((select result from admin.cancel(book, 'нет света')), 'сделано', 'cancelled') from unnest('{ch-portal,ch-kiosk,ch-call-centre,ch-walk-in,kiosk-portal,portal-kiosk}'::text[]) as book;
select is(array(select pg_temp.told_of(book) from unnest('{ch-portal,kiosk-portal,portal-kiosk}'::text[]) as book), '{1,1,1}', 'M8: of what it has spoken of itself the portal is told');
select is(array(select pg_temp.told_of(book) from unnest('{ch-kiosk,ch-call-centre,ch-walk-in}'::text[]) as book), '{0,0,0}', 'M8: of what was booked past it nothing: it has no application of that number');
select is(admin.outbox_resend('ch-kiosk') > 0, true, 'O3: unless somebody wants it so');

-- ---- the end (J3) ----
create temp table over as select outbox_id from data.outbox where state in ('answered', 'dropped');
create temp table open_before as select count(*) as n from data.outbox where state not in ('answered', 'dropped');
update data.outbox set created_at = now() - interval '1 year';
select is(data.outbox_expire(1000), 0::bigint, 'J3: what has ended stays for a while');
select throws_ok('delete from data.outbox_event', '42501', null, 'J3: and what became of it');
select throws_ok('update data.outbox_event set reason = null', '42501', null, 'J2: which nobody rewrites');
update data.outbox set done_at = now() - interval '100 days' where done_at is not null;
create temp table ahead as select distinct x.outbox_id from data.outbox as x join data.place as p using (book_key) join data.slot as s using (slot_id) where s.ends_at > now() and x.done_at is not null;
select cmp_ok((select count(*) from ahead), '>', 0::bigint, 'some of them are of visits to come');
select is(data.outbox_expire(2), 2::bigint, 'L1: a few at a time') where (select count(*) from over) - (select count(*) from ahead) > 2;
select from (select data.outbox_expire(1000), data.outbox_expire(1000)) as x;
select set_eq($$select outbox_id from data.outbox where state in ('answered', 'dropped')$$, 'select outbox_id from ahead', 'J3: what was over long ago has left, but what is of a visit to come');
select is((select count(*) from data.outbox where state not in ('answered', 'dropped')), (select n from open_before), 'J3: what is open never leaves');

-- ---- an answer to a message that was made anew since (Q5) ----
create temp table former as select * from pg_temp.made('held');
select admin.outbox_requeue(id) from former;
select is((select concat_ws(' ', state, message_id, former_ids = array['id-' || former.id]) from data.outbox join former on outbox_id = former.id), 'waiting t', 'Q5: what it was is known') from former;
select is(pg_temp.heard('TEST00002', 'id-' || id, 'answered'), 'late', 'Q5: it is ours, and late') from former;
select is(pg_temp.heard('TEST00001', 'id-' || id, 'answered'), 'unknown', 'Q5: and no other agency''s') from former;
select is((select state from data.outbox join former on outbox_id = former.id), 'waiting', 'Q5: without effect');
select * from finish();
rollback;
