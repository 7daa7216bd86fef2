-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- S2: every arrow and every missing arrow, the agency's by admin.*, the applicant's by api.*, the timer's by the sweep;
-- expected results are typed here from the specification of the states, not read from the table under test.
-- S1 sub-codes, S4 texts, B10 confirmation, M8 pushes, corrections, edge cases 25 and 26.
\ir lib/helpers.psql
select no_plan();
grant usage on schema public to zapisd_operator, zapisd_registrar, zapisd_auditor;

-- A visit that was an hour ago, and one that is now.
insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at)
select v.slot_id::uuid, 'T1', area_key, v.starts_at, v.ends_at
from data.area, (values ('00000000-0000-4000-8000-000000000001', date_trunc('minute', now() - interval '1 hour'), date_trunc('minute', now() - interval '45 minutes')),
    ('00000000-0000-4000-8000-000000000002', date_trunc('minute', now() - interval '5 minutes'), date_trunc('minute', now() + interval '10 minutes'))) as v (slot_id, starts_at, ends_at)
where organization_id = 'T1' and area_id = 'a2';
create function pg_temp.past() returns text language sql return '00000000-0000-4000-8000-000000000001';
create function pg_temp.running() returns text language sql return '00000000-0000-4000-8000-000000000002';

-- A booking in a state, however it got there.
create function pg_temp.put(book text, s data.booking_state, at_slot text, was data.booking_state default 'BOOKED') returns void language plpgsql as $$
begin
    set local session_replication_role = replica;
    insert into data.booking (book_key, book_id, esia_id, organization_id, user_type, user_kind, state, status_code, hold_until, created_at, changed_at)
    values (book, book, '1000000000', 'T1', 'SIMPLE', 'PHYSIC', s, data.state_code(s), case s when 'HELD' then now() + interval '1 hour' end, now(), now());
    set local session_replication_role = origin;
    insert into data.booking_history (book_key, at, actor, db_user, old_state, old_status, new_state, new_status, organization_id)
    select book, now(), 'A', session_user, o, data.state_code(o), s, data.state_code(s), 'T1' from (select case s when 'CANCELLING' then was end) as t (o);
    insert into data.applicant (book_key, last_name, first_name, mobile_phone, user_snils)
    values (book, 'Тестов', 'Тест', '7 900 000 00 00', '000-000-000 00');
    if at_slot is not null then
        insert into data.place (slot_id, place_no, book_key, hold_until, capacity, area_key, starts_at, ends_at)
        select slot_id, 1, book, case s when 'HELD' then now() + interval '1 hour' end, capacity, area_key, starts_at, ends_at
        from data.slot where slot_id = at_slot::uuid;
    end if;
end $$;
create function pg_temp.has_place(s data.booking_state) returns boolean language sql
return s not in ('RETURNED', 'REFUSED', 'CANCELLED_APPLICANT', 'CANCELLED_AGENCY', 'CANCELLED', 'EXPIRED');

-- A command on a booking in a state, undone afterwards: "SERVED G kept push" or "refused", or the error.
create function pg_temp.try(command text, s data.booking_state, at_slot text, was data.booking_state default 'BOOKED') returns text language plpgsql as $$
declare
    line text;
    h data.booking_history;
    after text;
begin
    if s is not null then
        perform pg_temp.put('arrow', s, case when pg_temp.has_place(s) then at_slot end, was);
    end if;
    execute command into line;
    select * into h from data.booking_history where book_key = 'arrow' order by history_id desc limit 1;
    select case when count(*) = 0 then 'none' when bool_and(p.slot_id = at_slot::uuid) then 'kept' else 'swapped' end into after
    from data.place p where book_key = 'arrow';
    if line = '0' and (select count(*) = 1 from data.booking_history where book_key = 'arrow') and s is not null then
        line := case when pg_temp.state('arrow') = s::text then 'nothing' else 'changed without a line in the history' end;
    elsif line <> '4' and h.old_state is distinct from s or h.db_user <> session_user
        or h.new_state::text is distinct from pg_temp.state('arrow') then
        line := 'bad history: ' || h::text;
    elsif line in ('отказано', '4') and (pg_temp.state('arrow') is distinct from s::text
        or exists (select from data.outbox where book_key = 'arrow') or (after = 'kept') <> pg_temp.has_place(s)) then
        line := 'refused, but changed';
    elsif line = 'отказано' then
        line := case when h.reason like 'отклонено (%' and h.actor = case when command like '%''P''%' then 'P' else 'G' end then 'refused' else 'refused without a line in the history' end;
    elsif line = '4' then
        line := 'refused';
    else
        line := concat_ws(' ', pg_temp.state('arrow'), h.actor, after,
            case (select count(*) from data.outbox x where x.book_key = 'arrow'
                  and x.payload #>> '{status,statusCode}' = (select status_code from data.booking where book_key = 'arrow'))
                when 0 then 'silent' when 1 then 'push' else 'twice' end);
    end if;
    raise exception using errcode = 'ZZ001', message = line;
exception
    when sqlstate 'ZZ001' then return sqlerrm;
    when others then return sqlstate || ' ' || sqlerrm;
end $$;

create temp table command (name text, sql text);
insert into command values
('confirm', 'select result from admin.confirm(''arrow'')'),
('reject 207', 'select result from admin.reject(''arrow'', ''причина'')'),
('reject 208', 'select result from admin.reject(''arrow'', ''причина'', ''208'')'),
('invite', 'select result from admin.invite(''arrow'')'),
('move', format('select result from admin.move(''arrow'', %L)', pg_temp.slot('a2', 40))),
('cancel 302', 'select result from admin.cancel(''arrow'', ''причина'')'),
('cancel 303', 'select result from admin.cancel(''arrow'', ''причина'', status_code => ''303'')'),
('visited', 'select result from admin.visited(''arrow'')'),
('no_show', 'select result from admin.no_show(''arrow'')'),
('turned_away', 'select result from admin.turned_away(''arrow'', ''001'', ''причина'')'),
('correct 202', 'select result from admin.correct(''arrow'', ''202'', ''причина'')'),
('correct 203', 'select result from admin.correct(''arrow'', ''203'', ''причина'')'),
('correct 205', 'select result from admin.correct(''arrow'', ''205'', ''причина'')'),
('correct 206', 'select result from admin.correct(''arrow'', ''206001'', ''причина'')');

-- Section 3 of the facts, the agency's lines.
create temp table wanted (name text, old_state text, outcome text);
insert into wanted values
('confirm', 'ACCEPTED', 'BOOKED G kept push'), ('confirm', 'CANCELLING', 'CANCELLED_APPLICANT G none push'),
('reject 207', 'ACCEPTED', 'RETURNED G none push'), ('reject 208', 'ACCEPTED', 'REFUSED G none push'),
('reject 207', 'CANCELLING', 'BOOKED G kept push'), ('reject 208', 'CANCELLING', 'BOOKED G kept push'),
('invite', 'BOOKED', 'INVITED G kept push'),
('move', 'BOOKED', 'BOOKED G swapped push'), ('move', 'INVITED', 'INVITED G swapped push'),
('cancel 302', 'HELD', 'CANCELLED_AGENCY G none push'), ('cancel 302', 'BOOKED', 'CANCELLED_AGENCY G none push'),
('cancel 302', 'ACCEPTED', 'CANCELLED_AGENCY G none push'), ('cancel 302', 'INVITED', 'CANCELLED_AGENCY G none push'),
('cancel 303', 'HELD', 'CANCELLED G none push'), ('cancel 303', 'BOOKED', 'CANCELLED G none push'),
('cancel 303', 'ACCEPTED', 'CANCELLED G none push'), ('cancel 303', 'INVITED', 'CANCELLED G none push'),
('visited', 'BOOKED', 'SERVED G kept push'), ('visited', 'INVITED', 'SERVED G kept push'),
('no_show', 'BOOKED', 'NO_SHOW G kept push'), ('no_show', 'INVITED', 'NO_SHOW G kept push'),
('turned_away', 'BOOKED', 'NOT_SERVED G kept push'), ('turned_away', 'INVITED', 'NOT_SERVED G kept push'),
('correct 202', 'NO_SHOW', 'SERVED G kept push'), ('correct 202', 'NO_DATA', 'SERVED G kept push'), ('correct 202', 'NOT_SERVED', 'SERVED G kept push'),
('correct 203', 'SERVED', 'NO_SHOW G kept push'), ('correct 203', 'NO_DATA', 'NO_SHOW G kept push'), ('correct 203', 'NOT_SERVED', 'NO_SHOW G kept push'),
('correct 205', 'SERVED', 'NO_DATA G kept push'), ('correct 205', 'NO_SHOW', 'NO_DATA G kept push'), ('correct 205', 'NOT_SERVED', 'NO_DATA G kept push'),
('correct 206', 'SERVED', 'NOT_SERVED G kept push'), ('correct 206', 'NO_SHOW', 'NOT_SERVED G kept push'), ('correct 206', 'NO_DATA', 'NOT_SERVED G kept push');
-- Whoever came or did not has an outcome, also where nobody had decided in time.
insert into wanted select n, o, outcome from unnest(array['ACCEPTED', 'CANCELLING']) as o,
    (values ('visited', 'SERVED G kept push'), ('no_show', 'NO_SHOW G kept push'), ('turned_away', 'NOT_SERVED G kept push')) as v (n, outcome);
create temp table seen as
select c.name, s::text as old_state, pg_temp.try(c.sql, s, pg_temp.running()) as outcome
from command as c, unnest(enum_range(null::data.booking_state)) as s;
select is((select count(*) from seen), 210::bigint, 'S2: fourteen commands in fifteen states');
select is(s.outcome, coalesce(w.outcome, 'refused'), format('S2: %s, %s: %s', s.old_state, s.name, coalesce(w.outcome, 'no such arrow')))
from seen as s left join wanted as w using (name, old_state) order by s.name, s.old_state;

-- A refused cancellation gives back what there was (Appendix 3, notes: nobody has confirmed it by refusing).
select is(pg_temp.try(c.sql, 'CANCELLING', pg_temp.slot('a2', 30), was), was || ' G kept push', format('A28: %s of what was %s: it is that again', c.name, was))
from command as c, unnest(array['BOOKED', 'ACCEPTED', 'INVITED']::data.booking_state[]) as was where c.name like 'reject%';
-- What time is over is promised to nobody, whoever asks; what it has come to can be said.
select is(pg_temp.try(c.sql, s, pg_temp.past()), case when c.name = 'confirm' and s = 'ACCEPTED' or c.name = 'invite' or c.name like 'reject%' and s = 'CANCELLING' then 'refused'
    else coalesce(w.outcome, 'refused') end, format('A29: %s, %s when the time is over', s, c.name))
from command as c cross join unnest(enum_range(null::data.booking_state)) as s left join wanted as w on w.name = c.name and w.old_state = s::text;

-- The same questions answered by the table the functions read: as many arrows, the same ones.
select set_eq($$select split_part(name, ' ', 1) as n, old_state as o, split_part(outcome, ' ', 1) as r from seen where outcome <> 'refused'
    union select 'reject', 'CANCELLING', split_part(pg_temp.try(c.sql, 'CANCELLING', pg_temp.slot('a2', 30), was), ' ', 1)
    from command as c, unnest(array['ACCEPTED', 'INVITED']::data.booking_state[]) as was where c.name = 'reject 207'$$,
    $$select case event when 'withdraw' then 'cancel' else event end as n, old_state::text as o, new_state::text as r from data.booking_arrow where strpos(actors, 'G') > 0$$,
    'S2: data.booking_arrow holds what the agency''s commands do, no more and no less');
select is_empty($$select event, old_state, new_state from data.booking_arrow where is_pushed and actors !~ '[GT]' or not is_pushed and actors ~ 'G'$$,
    'M8: every word of the agency is pushed, none of the applicant''s is');

-- The applicant's arrows.
create function pg_temp.applicant(what text, s data.booking_state) returns text language plpgsql as $$
declare
    slot text := pg_temp.slot('a2', 30);
    other text := pg_temp.slot('a2', 31);
begin
    return pg_temp.try(case what
        when 'cancel' then 'select error_code from api.cancel_booking(pg_temp.msg(), ''arrow'', ''1000000000'', ''{}'') where kind = ''answer'''
        else format('select error_code from api.book(pg_temp.msg(), ''arrow'', %L, ''T1'', ''SIMPLE'', ''PHYSIC'', ''1000000000'',
            ''{"lastName": "Тестов", "firstName": "Тест", "mobilePhone": "7 900 000 00 00", "userSnils": "00000000000"}'', ''{}'', ''{""}'', %L, 60, ''[]'', ''{}'') where kind = ''answer''', array[case when what like 're%' then other else slot end], what like '%hold') end, s, slot);
end $$;
create temp table asked as
select q as name, s::text as old_state, pg_temp.applicant(q, s) as outcome
from unnest(array['book', 'hold', 'rebook', 'rehold', 'cancel']) as q, unnest(enum_range(null::data.booking_state) || null::data.booking_state) as s
where q <> 'cancel' or s is not null;
create temp table hoped (name text, old_state text, outcome text);
insert into hoped
select n, o, case n when 'book' then 'BOOKED A kept silent' when 'hold' then 'HELD A kept silent' when 'rebook' then 'BOOKED A swapped silent' else 'HELD A swapped silent' end
from unnest(array['book', 'hold', 'rebook', 'rehold']) as n, unnest(array[null, 'EXPIRED', 'CANCELLED_APPLICANT', 'CANCELLED_AGENCY', 'CANCELLED', 'REFUSED', 'RETURNED', 'HELD']) as o
union all
values ('book', 'BOOKED', 'BOOKED A kept silent'), ('hold', 'BOOKED', 'BOOKED A kept silent'), ('rebook', 'BOOKED', 'BOOKED A swapped silent'), ('rehold', 'BOOKED', 'BOOKED A swapped silent'),
    ('book', 'INVITED', 'INVITED A kept silent'), ('hold', 'INVITED', 'INVITED A kept silent'), ('rebook', 'INVITED', 'INVITED A swapped silent'), ('rehold', 'INVITED', 'INVITED A swapped silent'),
    ('book', 'ACCEPTED', 'ACCEPTED A kept silent'), ('rebook', 'ACCEPTED', 'ACCEPTED A swapped silent'), ('hold', 'ACCEPTED', 'ACCEPTED A kept silent'), ('rehold', 'ACCEPTED', 'ACCEPTED A swapped silent')
union all
select 'cancel', o, 'CANCELLED_APPLICANT A none silent' from unnest(array['HELD', 'BOOKED', 'ACCEPTED', 'INVITED']) as o
union all
select 'cancel', o, 'nothing' from unnest(array['CANCELLING', 'CANCELLED_APPLICANT', 'CANCELLED_AGENCY', 'CANCELLED', 'EXPIRED']) as o;
-- What is taken for the first time is neither kept nor swapped.
select is(a.outcome, coalesce(case when not coalesce(pg_temp.has_place(a.old_state::data.booking_state), false) then replace(h.outcome, 'swapped', 'taken') else h.outcome end, 'refused'),
    format('S2: %s, the applicant''s %s: %s', coalesce(a.old_state, 'nothing'), a.name, coalesce(h.outcome, 'no such arrow')))
from (select name, old_state, case when coalesce(pg_temp.has_place(old_state::data.booking_state), false) then outcome else replace(outcome, 'swapped', 'taken') end as outcome from asked) as a
left join hoped as h on h.name = a.name and h.old_state is not distinct from a.old_state order by 1;
update data.organization set confirm_booking = true, confirm_cancel = true where organization_id = 'T1';
select is(pg_temp.applicant('book', s), 'ACCEPTED A kept silent', format('B10: %s, book, to be confirmed', coalesce(s::text, 'nothing')))
from unnest(array[null, 'HELD', 'EXPIRED', 'CANCELLED_APPLICANT', 'CANCELLED_AGENCY', 'CANCELLED', 'REFUSED', 'RETURNED']::data.booking_state[]) as s;
select is(pg_temp.applicant('cancel', s), 'CANCELLING A kept silent', format('A28: %s, cancelBooking, to be confirmed', s))
from unnest(array['BOOKED', 'ACCEPTED', 'INVITED']::data.booking_state[]) as s;
select is(pg_temp.applicant('cancel', 'HELD'), 'CANCELLED_APPLICANT A none silent', 'A28: a hold is nobody''s to keep');
select is(pg_temp.applicant('book', 'BOOKED'), 'BOOKED A kept silent', 'B10: what is confirmed stays confirmed');
update data.organization set confirm_booking = false, confirm_cancel = false where organization_id = 'T1';

-- The timer's arrows: nothing by default, then only what was asked for.
create function pg_temp.swept(s data.booking_state) returns text language sql as $$
    select pg_temp.try('select case admin.sweep() when 0 then ''0'' else ''done'' end', s, pg_temp.past())
$$;
select is(pg_temp.swept(s), 'nothing', format('A29: %s: the sweep has no opinion of its own', s)) from unnest(enum_range(null::data.booking_state)) as s;
update data.organization set no_data_after_hours = 0 where organization_id = 'T1';
select is(pg_temp.swept(s), case when s in ('BOOKED', 'INVITED', 'ACCEPTED', 'CANCELLING') then 'NO_DATA T kept push' else 'nothing' end, format('A29: %s, 205 when asked for', s))
from unnest(enum_range(null::data.booking_state)) as s;
update data.organization set no_data_after_hours = 1 where organization_id = 'T1';
select is(pg_temp.swept('BOOKED'), 'nothing', 'A29: 205 not before the hours have passed');
update data.organization set no_show_after_min = 59 where organization_id = 'T1';
select is(pg_temp.swept(s), case when s in ('BOOKED', 'INVITED') then 'NO_SHOW T kept push' else 'nothing' end, format('S2: %s, 203 by the timer when asked for', s))
from unnest(enum_range(null::data.booking_state)) as s;
update data.organization set no_show_after_min = 120 where organization_id = 'T1';
select is(pg_temp.swept('BOOKED'), 'nothing', 'S2: 203 not before the grace is over');
update data.organization set no_show_after_min = null, no_data_after_hours = null where organization_id = 'T1';
select is(pg_temp.try('select (data.agency_step(''no_data'', ''arrow'', p_actor => ''P'')).result', s, pg_temp.past()),
    case when s in ('BOOKED', 'INVITED', 'ACCEPTED', 'CANCELLING') then 'NO_DATA P kept silent' else 'refused' end, format('A29: %s, 205 from the portal, which is not told what it said', s))
from unnest(enum_range(null::data.booking_state)) as s;
select throws_ok(format('insert into data.booking (book_key, book_id, esia_id, organization_id, state, status_code, created_at, changed_at)
    values (''first'', ''first'', ''1'', ''T1'', %L, data.state_code(%L), now(), now())', s, s), '23514', null, format('S2: no booking begins as %s', s))
from unnest(array['INVITED', 'SERVED', 'NO_SHOW', 'NO_DATA', 'NOT_SERVED', 'CANCELLING', 'CANCELLED_APPLICANT', 'CANCELLED_AGENCY', 'CANCELLED', 'EXPIRED']) as s;
select is_empty($$select distinct coalesce(old_state, '-'), split_part(outcome, ' ', 1) from asked where outcome not in ('refused', 'nothing')
    except select coalesce(old_state::text, '-'), new_state::text from data.booking_arrow where strpos(actors, 'A') > 0$$, 'S2: what the applicant can do is in data.booking_arrow');

-- Guards of time.
create function pg_temp.cmd(book text, sql text) returns text language plpgsql as $$
declare
    r admin.result;
begin
    execute format('select * from admin.' || sql, book) into r;
    return r.result || ': ' || coalesce(r.comment, '-');
exception when others then
    return sqlstate || ': ' || sqlerrm;
end $$;
select pg_temp.put('far', 'BOOKED', pg_temp.slot('a1', 20));
select is(pg_temp.cmd('far', 'visited(%L)'), 'отказано: день посещения ещё не наступил', 'visited tomorrow');
select is(pg_temp.cmd('far', 'turned_away(%L, '''', ''рано'')'), 'отказано: день посещения ещё не наступил', 'turned away tomorrow');
select is(pg_temp.cmd('far', 'no_show(%L)'), 'отказано: время посещения ещё не наступило', 'absent tomorrow');
select is((select count(*) from data.booking_history where book_key = 'far' and reason like 'отклонено (%'), 3::bigint, 'S3: each attempt is in the history');
select is((select count(*) from data.outbox where book_key = 'far'), 0::bigint, 'M8: and none of them is pushed');
select is(pg_temp.cmd('nobody', sql), 'P0002: Запись nobody не найдена', 'an unknown booking: ' || sql)
from unnest(array['visited(%L)', 'no_show(%L)', 'turned_away(%L, '''', ''x'')', 'correct(%L, ''202'', ''x'')', 'confirm(%L)', 'reject(%L, ''x'')', 'invite(%L)',
    'move(%L, gen_random_uuid()::text)', 'cancel(%L, ''x'')']) as sql;
select is(pg_temp.cmd('far', sql), answer, 'what is missing: ' || sql) from (values
    ('turned_away(%L, '''')', '22023: Нужна причина: её увидит заявитель'), ('turned_away(%L, '''', ''  '')', '22023: Нужна причина: её увидит заявитель'),
    ('reject(%L, '''')', '22023: Нужна причина отказа'), ('cancel(%L, '' '')', '22023: Нужна причина отмены'), ('cancel(%L, null)', '22023: Нужна причина отмены'),
    ('correct(%L, ''202'', '''')', '22023: Нужна причина исправления'),
    ('correct(%L, ''201'', ''x'')', '22023: Итог посещения — 202, 203, 205 или 206, а не 201'), ('correct(%L, null, ''x'')', '22023: Итог посещения — 202, 203, 205 или 206, а не null'),
    ('reject(%L, ''x'', ''206'')', '22023: Отказ — это 207 (ошибки в данных) или 208 (время занять нельзя), а не 206'),
    ('cancel(%L, ''x'', null, ''301'')', '22023: Отмена ведомством — это 302 (или 303), а не 301'),
    ('move(%L, '''')', '22023: Не номер интервала: '), ('move(%L, null)', '22023: Не номер интервала: null'), ('move(%L, ''x; drop table data.slot'')', '22023: Не номер интервала: x; drop table data.slot')) as v (sql, answer);
update data.organization set phone = '', address = '' where organization_id = 'T1';
select is(pg_temp.cmd('far', 'cancel(%L, ''авария'')'), '22023: Куда обращаться заявителю: у организации нет ни телефона, ни адреса, укажите contact', 'S1: 302 needs a contact');
select is(pg_temp.cmd('far', 'cancel(%L, ''авария'', ''телефон 123'')'), 'сделано: Заявление было отменено по инициативе Отдел Т1. авария. За дополнительной информацией обращайтесь по телефон 123.', 'S1: 302 with a contact');
update data.organization set phone = '000', address = 'Примерная улица, 1' where organization_id = 'T1';

-- Moves.
select pg_temp.put('mv', 'BOOKED', pg_temp.slot('a1', 21));
select pg_temp.put('in-the-way', 'BOOKED', pg_temp.slot('a1', 22));
update data.slot set is_closed = true where slot_id = pg_temp.slot('a1', 23)::uuid;
select is(pg_temp.cmd('mv', format('move(%%L, %L)', pg_temp.slot('a1', 22))), 'отказано: интервал занят', 'move: taken');
select is(pg_temp.cmd('mv', format('move(%%L, %L)', pg_temp.slot('a1', 23))), 'отказано: интервал закрыт для записи', 'move: closed');
select is(pg_temp.cmd('mv', format('move(%%L, %L)', pg_temp.past())), 'отказано: интервал уже начался', 'move: begun');
select is(pg_temp.cmd('mv', format('move(%%L, %L)', pg_temp.slot('a1', 21))), 'отказано: это тот же интервал', 'move: the same');
select is(pg_temp.cmd('mv', format('move(%%L, %L)', pg_temp.slot('b1', 22))), 'отказано: интервал другого ведомства', 'C6: move: another agency');
select is(pg_temp.cmd('mv', 'move(%L, gen_random_uuid()::text)'), 'отказано: интервал не найден', 'move: unknown');
select is(pg_temp.owner_of(pg_temp.slot('a1', 21)), 'mv', 'M2: the old slot stays');
update data.booking set service_ids = '{s2}' where book_key = 'mv';
select is(pg_temp.cmd('mv', format('move(%%L, %L)', pg_temp.slot('a3', 21))), 'отказано: в этом интервале услуга не оказывается', 'move: another service');
select is(pg_temp.cmd('mv', format('move(%%L, %L, ''болезнь'')', pg_temp.slot('a2', 21))), 'сделано: Забронировано', 'move');
select is(pg_temp.owner_of(pg_temp.slot('a1', 21)), null, 'the old place is free');
select results_eq($$select payload from data.outbox where book_key = 'mv'$$, $$select jsonb_build_object('bookId', 'mv', 'esiaId', '1000000000',
    'status', jsonb_build_object('statusCode', '201', 'statusMessage', 'Забронировано'),
    'timeslot', jsonb_build_object('slotId', pg_temp.slot('a2', 21), 'serviceId', 's2', 'organizationId', 'T1', 'areaId', 'a2',
        'visitTime', data.wire_time(pg_temp.noon() + interval '5 hours', 'Europe/Moscow'), 'duration', 15))$$, 'M8: the portal gets the new time slot');
select is(pg_temp.book('mv2', array[pg_temp.slot('a2', 25), pg_temp.slot('a2', 26)]), '201/0 slots=2', 'a visit of two slots');
select is(pg_temp.cmd('mv2', format('move(%%L, %L)', pg_temp.slot('a2', 26) || ', ' || pg_temp.slot('a2', 27))), 'сделано: Забронировано', 'A6: moved by one');
select is((select (payload #>> '{timeslot,slotId}' = pg_temp.slot('a2', 26))::text || (payload #>> '{timeslot,duration}') from data.outbox where book_key = 'mv2'), 'true30', 'A6: told as one timeslot with the whole length');

-- A6: a visit stays as long as it was, in one room, for what it is for, by whichever number it is moved.
create function pg_temp.visit(book text) returns text language sql as $$
    select string_agg(a.area_id || ' ' || to_char(p.starts_at at time zone 'Europe/Moscow', 'HH24:MI') || '-' || to_char(p.ends_at at time zone 'Europe/Moscow', 'HH24:MI'), ', ' order by p.starts_at)
    from data.place as p join data.area as a using (area_key) where p.book_key = book
$$;
select is(left(pg_temp.cmd('mv2', format('move(%%L, %L)', pg_temp.slot('a2', 30))), 7), 'сделано', 'A6: moved by its first slot');
select is(pg_temp.visit('mv2'), 'a2 19:15-19:30, a2 19:30-19:45', 'A6: both slots of it');
select is((select payload #>> '{timeslot,duration}' from data.outbox where book_key = 'mv2' order by outbox_id desc limit 1), '30', 'M8: told with both');
select is(left(pg_temp.cmd('mv2', format('move(%%L, %L)', pg_temp.slot('a2', 31))), 7), 'сделано', 'A6: by one, over itself');
select is(pg_temp.visit('mv2'), 'a2 19:30-19:45, a2 19:45-20:00', 'A6: both of them');
select is(pg_temp.cmd('mv2', format('move(%%L, %L)', pg_temp.slot('a2', 40))),
    'отказано: визит занимает 30 мин (интервалов: 2), а новое время — 15 мин (интервалов: 1); назовите все интервалы через запятую', 'A6: nothing follows the last slot of the day: no half of it');
select pg_temp.put('half', 'BOOKED', pg_temp.slot('a2', 36));
select is(pg_temp.cmd('mv2', format('move(%%L, %L)', pg_temp.slot('a2', 35))), 'отказано: интервал занят', 'A6: the second half is taken: no half of it');
update data.slot set is_closed = true where slot_id = pg_temp.slot('a2', 38)::uuid;
select alike(pg_temp.cmd('mv2', format('move(%%L, %L)', pg_temp.slot('a2', 37))), 'отказано: визит занимает 30 мин %', 'A6: the second half is closed');
update data.slot set is_closed = false where slot_id = pg_temp.slot('a2', 38)::uuid;
select is(pg_temp.cmd('mv2', format('move(%%L, %L)', pg_temp.slot('a2', 20) || ',' || pg_temp.slot('a2', 22))), 'отказано: интервалы не подряд или в разных помещениях', 'A6: named apart');
select is(pg_temp.cmd('mv2', format('move(%%L, %L)', pg_temp.slot('a2', 20) || ',' || pg_temp.slot('a1', 25))), 'отказано: интервалы не подряд или в разных помещениях', 'A6: in two rooms');
select is(pg_temp.visit('mv2'), 'a2 19:30-19:45, a2 19:45-20:00', 'M2: refused, it stays where it was');
select is((select count(*) from data.booking_history where book_key = 'mv2' and reason like 'отклонено (move): %'), 5::bigint, 'S3: each attempt is in the history');
select is(left(pg_temp.cmd('mv2', format('move(%%L, %L)', pg_temp.slot('a1', 0))), 7), 'сделано', 'A6: into one slot that is long enough');
select is(pg_temp.visit('mv2'), 'a1 12:00-13:00', 'A6: it has the whole of it');
select alike(pg_temp.cmd('mv2', format('move(%%L, %L)', pg_temp.slot('a2', 20))), 'отказано: визит занимает 60 мин (интервалов: 1), а новое время — 15 мин (интервалов: 1); %', 'a visit of one long slot is not cut either');
select is(pg_temp.book('mv3', array[pg_temp.slot('a2', 1)]), '201/0 slots=1', 'somebody without a service in a room of two');
select is(left(pg_temp.cmd('mv3', format('move(%%L, %L)', pg_temp.slot('a1', 30))), 7), 'сделано', 'may be moved to a room of one');
delete from data.area_service where area_key = (select area_key from data.area where organization_id = 'T1' and area_id = 'a2') and service_id = 's1';
select is(pg_temp.cmd('mv3', format('move(%%L, %L)', pg_temp.slot('a2', 2))), 'отказано: в этом интервале услуга не оказывается', 'item 18: who was told a service is not moved to where it is not served');
insert into data.area_service select area_key, 'T1', 's1' from data.area where organization_id = 'T1' and area_id = 'a2';
update data.organization set adjacency_required = false where organization_id = 'T1';
select is(pg_temp.book('mv4', array[pg_temp.slot('a2', 2), pg_temp.slot('a2', 5)]), '201/0 slots=2', 'a visit in two parts');
update data.organization set adjacency_required = true where organization_id = 'T1';
select is(left(pg_temp.cmd('mv4', format('move(%%L, %L)', pg_temp.slot('a2', 7) || ',' || pg_temp.slot('a2', 9))), 7), 'сделано', 'may stay in two parts');
select is(pg_temp.book('mv5', array[pg_temp.slot('a2', 12), pg_temp.slot('a2', 13)]), '201/0 slots=2', 'a visit of two slots');
update data.organization set agency_code = 'TEST00001' where organization_id = 'T2';
select is(pg_temp.book('mv5', '{blind_request}', organization => 'T2', m => pg_temp.msg(recipient => '')), '208/4', 'A6: a blind request to another organization would halve it');
update data.organization set agency_code = 'TEST00002' where organization_id = 'T2';
select is(pg_temp.visit('mv5'), 'a2 14:45-15:00, a2 15:00-15:15', 'M2: it stays');
select is(pg_temp.book('mv5', '{blind_request}'), '201/0 slots=2', 'a blind request to its own keeps both');

-- Corrections.
-- S2: an outcome is of a visit that was, whichever command tells it; and no visit began later than now.
select pg_temp.put('early', 'NOT_SERVED', pg_temp.slot('a1', 19));
select is(pg_temp.cmd('early', format('correct(%%L, %L, ''x'')', code)), 'отказано: ' || why, 'S2: a correction to ' || code || ' before the visit')
from (values ('203', 'время посещения ещё не наступило'), ('205', 'время посещения ещё не наступило'), ('202', 'день посещения ещё не наступил')) as v (code, why);
select is((select status_code from data.booking where book_key = 'early'), '206', 'S2: nothing is changed by that');
select is((select count(*) from data.outbox where book_key = 'early'), 0::bigint, 'M8: nor told');
select pg_temp.put('co', 'BOOKED', pg_temp.past());
select is(pg_temp.cmd('co', format('visited(%%L, %L)', (at + interval '5 minutes')::time(0))), 'отказано: названное время начала приёма ещё не наступило', 'S2: begun in five minutes')
from (select now() at time zone 'Europe/Moscow' as at) as t where at::time between time '01:05' and time '23:50'; -- its visit is an hour ago, on the same day
create function pg_temp.becomes(s data.booking_state) returns text language plpgsql as $$
begin
    set local session_replication_role = replica;
    update data.booking set state = s, status_code = data.state_code(s) where book_key = 'co';
    set local session_replication_role = origin;
    return (select string_agg(c.what, '|') from admin.check() as c where c.problem = 'время посещения прошло, а запись ждёт решения');
end $$;
select matches(pg_temp.becomes('ACCEPTED'), '^запись co \(100\), организация T1, время [0-9. :]+; откажите: admin.reject, или отметьте итог: [^|]*$', 'O3: whoever waits in vain is named');
select matches(pg_temp.becomes('CANCELLING'), '^запись co \(300\), организация T1, [^|]*; подтвердите отмену: admin.confirm', 'O3: so is a cancellation');
select is(pg_temp.becomes('BOOKED'), null, 'O3: and nobody who has an answer');
select is(pg_temp.cmd('co', 'no_show(%L)'), 'сделано: Зарегистрирован факт неявки в Отдел Т1 в забронированный интервал времени: ' || to_char(now() - interval '1 hour', 'HH24:MI') || '.', 'S1: the order''s text of 203')
from (select set_config('timezone', 'Europe/Moscow', true)) as z;
select matches(pg_temp.cmd('co', 'visited(%L)'), '^отказано: запись в состоянии «не пришёл» \(203\) с .*, отметил ' || session_user || '; ошибку исправляет admin.correct$', 'the second clerk is told who was first');
select is(left(pg_temp.cmd('co', 'correct(%L, ''202'', ''опоздал'')'), 7), 'сделано', 'a correction');
update data.organization set correction_hours = 0 where organization_id = 'T1';
select pg_sleep(0.01);
select is(pg_temp.cmd('co', 'correct(%L, ''203'', ''передумал'')'), 'отказано: срок исправления (0 ч) истёк', 'S2: corrections end');
update data.organization set correction_hours = 24 where organization_id = 'T1';
select is(pg_temp.cmd('co', 'correct(%L, ''202'', ''то же'')'), 'отказано: запись в состоянии «принят» (202)' || substring(pg_temp.cmd('co', 'correct(%L, ''202'', ''то же'')') from ' с .*'), 'S2: a correction to the same is none');
select results_eq($$select payload #>> '{status,statusCode}' from data.outbox where book_key = 'co' order by outbox_id$$, '{203,202}'::text[], 'M8: both were pushed, in order');

-- S1: sub-codes (edge case 26)
select pg_temp.put('sc', 'BOOKED', null);
select is(left(pg_temp.cmd('sc', 'turned_away(%L, ''001'', ''Нет документа'')'), 7), 'сделано', 'S1: 206001');
select is(pg_temp.status('sc'), '206001/0', 'S1: kept and returned whole');
select is((select payload #>> '{status,statusCode}' from data.outbox where book_key = 'sc'), '206001', 'S1: and pushed whole');
select is((select status_message from data.booking where book_key = 'sc'), 'Заявитель не был принят: Нет документа', 'S1: the reason is the comment');
select is(pg_temp.cmd('sc', format('correct(%%L, %L, ''x'')', code)), '22023: Данный статус заявления не поддерживается в текущей версии: ' || code, 'A25: no such status: ' || code)
from unnest(array['2020000000', '203a', '203 1', '203-1']) as code;
select is(data.status_fault('TEST00001', code), 'Данный статус заявления не поддерживается в текущей версии', 'A25: ' || coalesce(code, 'null'))
from unnest(array['20', '204', '999', '20a', '2x6', '2060000000', '', null, '204001', '206 01', '２０６']) as code;
select is(data.status_fault('TEST00001', code), null, 'S1: ' || code)
from unnest(array['001', '100', '101', '200', '201', '202', '203', '205', '206', '207', '208', '300', '301', '302', '303', '2061', '206001', '206000001']) as code;
select is(admin.add_status('TEST00001', '203007', 'Предупредил'), '203007', 'S1: a configured tail');
update data.agency set strict_sub_codes = true where agency_code = 'TEST00001';
select is(data.status_fault('TEST00001', '206001') is not null and data.status_fault('TEST00001', '203007') is null and data.status_fault('TEST00001', '206') is null
    and data.status_fault('TEST00002', '206001') is null, true, 'S1: strict: what is configured and nothing else, in that agency alone');
select is(pg_temp.cmd('sc', 'correct(%L, ''206002'', ''x'')'), 'отказано: запись в состоянии «пришёл, но не принят» (206001)' || substring(pg_temp.cmd('sc', 'correct(%L, ''206002'', ''x'')') from ' с .*'), 'S2: from 206 to 206 is no arrow');
select is(pg_temp.cmd('sc', 'correct(%L, ''202001'', ''x'')'), '22023: Данный статус заявления не поддерживается в текущей версии: 202001', 'S1: strict: not configured');
select is(pg_temp.state('sc'), 'NOT_SERVED', 'S1: and nothing has changed');
select is(left(pg_temp.cmd('sc', 'correct(%L, ''203007'', ''позвонил'')'), 7), 'сделано', 'S1: strict: configured');
select throws_ok($$select admin.add_status('TEST00001', '204001', 'x')$$, '23503', null, 'A25: no sub-code of a status that is none');
select throws_ok($$select admin.add_status('TEST00001', '206', 'x')$$, '23514', null, 'S1: a sub-code has digits of its own');
select pg_temp.put('sd', 'BOOKED', null);
select admin.add_status('TEST00001', '206001', 'Нет документа, удостоверяющего личность');
select is(pg_temp.cmd('sd', 'turned_away(%L, ''001'')'), 'сделано: Заявитель не был принят: Нет документа, удостоверяющего личность', 'S1: a configured sub-code brings its reason');

-- S4: texts and placeholders
select pg_temp.put(b, 'BOOKED', s) from (values ('t1', pg_temp.past()), ('t2', null), ('t3', null)) as v (b, s) where b <> 't1';
select is(data.fill_text('[{a} и {b}] {c}[ x {b}]', '{a,b,c}', array['1', '', '3']), ' 3', 'S4: a part without its value goes');
select is(data.fill_text('{a}[{b}]', '{a,b}', array['[{b}]', '2']), '[2]2', 'S4: a value is no part');
select is(data.fill_text('{a} {zz} [нет', '{a}', array['1']), '1 {zz} [нет', 'S4: what is unknown or open stays as it is');
select is(data.fill_text('{a}{b}', '{a,b}', array['1', '{a}']), '1{a}', 'S4: a later value is not read again');
select is(admin.set_text('T1', '202', 'Приняты: {organization}; {contacts}; {address}; {phone}; {date}; {time}[; {specialists}][; {reason}]') like 'Время посещения Отдел Т1 в соответствии с забронированным интервалом времени: __:__. Приняты: Отдел Т1; 000, Примерная улица, 1; Примерная улица, 1; 000; __.__.____; __:__; Фамилия Имя Отчество; причина', true, 'S4: a text of one''s own, shown filled in');
select is(pg_temp.cmd('t2', 'visited(%L, null, ''Примерова А. А., Образцов Б. Б.'')'), 'сделано: Время посещения Отдел Т1 в соответствии с забронированным интервалом времени: . Приняты: Отдел Т1; 000, Примерная улица, 1; Примерная улица, 1; 000; ; ; Примерова А. А., Образцов Б. Б.', 'S4: specialists');
select is(admin.set_text('T1', '206001', 'Возьмите документ'), 'Возьмите документ', 'S4: a text of a sub-code');
select is(pg_temp.cmd('t3', 'turned_away(%L, ''001'', ''x'')'), 'сделано: Возьмите документ', 'S4: is preferred');
select is(admin.set_text('T1', '202', ''), (select template from data.status where code = '202'), 'S4: back to the order''s text');
select throws_like(format('select admin.set_text(''T1'', ''203'', %L)', v), 'Текст слишком длинный: с тем, что требует приказ, % знаков, а можно 3000', 'S4: what the order wants said is not cut off by what is long')
from (values (repeat('я', 2990)), (repeat('{contacts}', 200)), (repeat('{address}', 600))) as v (v);
select is(length(admin.set_text('T1', '203', repeat('я', 2880))) <= 3000, true, 'S4: up to there it is good');
update data.organization_status set comment = rpad('{organization}', 5000, 'я') where organization_id = 'T1' and code = '203';
select is(length(data.status_text('203', 'T1')), 4000, 'S4: no text is longer than the schema lets it be, whoever wrote it');
select is(admin.set_text('T1', '203', '') is not null, true, 'S4: and it goes again');
select throws_ok($$select admin.set_text('T1', '202', '{фио}')$$, '22023', 'Подстановки {фио} нет', 'S4: a placeholder nobody knows');
select throws_ok($$select admin.set_text('T1', '204', 'x')$$, '22023', null, 'S4: a status nobody knows');
select throws_ok($$select admin.set_text('T9', '202', 'x')$$, 'P0002', null, 'S4: an organization nobody knows');
update data.slot set starts_at = ends_at - interval '14 min' where slot_id = pg_temp.past()::uuid;
select is_empty($$select code from data.status where data.status_text(code, 'T1', now(), 'r', 's', 'c') ~ '[{}<>]|\[|\]'$$, 'S4: no text of Appendix 1 leaves a placeholder behind');
select is((select count(*) from data.status where strpos(template, '[ Начало посещения: {began}.][ Длительность посещения: {duration} мин.][ Вас обслуживали специалисты: {specialists}]') > 0 and strpos(template, 'в соответствии с забронированным интервалом времени: {time}') > 0), 1::bigint, 'S1: the order''s words of 202');

-- visited with times
delete from data.place where slot_id = pg_temp.past()::uuid;
select pg_temp.put('vt', 'BOOKED', pg_temp.past());
select is(pg_temp.cmd('vt', 'visited(%L, ''00:00'', ''Примерова А. А.'')'), 'сделано: Время посещения Отдел Т1 в соответствии с забронированным интервалом времени: ' || (select to_char(starts_at at time zone 'Europe/Moscow', 'HH24:MI') from data.slot where slot_id = pg_temp.past()::uuid) || '. Начало посещения: 00:00. Вас обслуживали специалисты: Примерова А. А.', 'S1: 202 with a time and a name');
select is((select reason from data.booking_history where book_key = 'vt' order by history_id desc limit 1), 'принят в 00:00', 'S3: the time is in the history, the name is not');
select * from finish();
rollback;
