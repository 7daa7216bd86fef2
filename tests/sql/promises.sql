-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- B10, S2, A28, A29: what comes out of a change was promised by whom may promise it. Appendix 1: 100 and 201 are the agency's word, 301 the
-- applicant's, 205 the portal's; Appendix 3, notes: a booking is final when the agency has accepted it. Each state, reached as people reach
-- it, times each act, whether the office that receives it confirms, and what has changed; the expectation is typed here in words.
\ir lib/helpers.psql
select no_plan();
update data.organization set agency_code = 'TEST00001' where organization_id = 'T2'; -- two offices of one agency
update data.organization set phone = '000', address = 'Примерная улица, 1' where organization_id in ('T1', 'T2');
alter table data.organization disable trigger user; -- a setting changes a thousand times, and derived books with it

create function pg_temp.person(change jsonb default '{}') returns jsonb language sql as $$
    select '{"lastName": "Тестов", "firstName": "Тест", "middleName": "Тестович", "userSnils": "000-000-000 00", "userINN": "000000000000", "businessINN": "0000000000",
        "businessOGRN": "0000000000000", "businessName": "Пример", "mobilePhone": "+7 900 000-00-00", "email": "a@example.org", "caseNumber": "7",
        "userDoc": {"docType": "PASSPORT", "docNumber": "1"}}'::jsonb || change
$$;
create function pg_temp.asked(slot text, organization text, change jsonb default '{}', preliminary boolean default false) returns text language sql as $$
    select pg_temp.line(array(select r from api.book(pg_temp.msg(recipient => ''), 'p', array[slot], organization, 'SIMPLE', coalesce(change ->> 'kind', 'PHYSIC'),
        '1000000000', pg_temp.person(change - 'kind' - 'services'), array(select jsonb_array_elements_text(coalesce(change -> 'services', '["s1"]'))), '{""}', preliminary, 60, '[]', '{}') as r))
$$;
create function pg_temp.portal(code text, slot text default null, organization text default 'T1', service text default null) returns api.answer[] language sql as $$
    select array(select r from api.update_booking_details(pg_temp.msg(recipient => ''), 'p', '1000000000', slot, organization, null, service,
        (select data.wire_time(s.starts_at, 'Europe/Moscow') from data.slot as s where s.slot_id = slot::uuid), null, code, null, '{}') as r)
$$;
create function pg_temp.confirms(organization text, it boolean) returns void language sql as $$
    update data.organization as o set confirm_booking = it where o.organization_id = confirms.organization $$;
-- A booking in T1, in a2, brought to a state by those whose word it is. A state written BOOKED! was confirmed by a clerk.
create function pg_temp.begin(s text, services text default '["s1"]') returns void language plpgsql as $$
declare
    change jsonb := jsonb_build_object('services', services::jsonb);
begin
    perform pg_temp.confirms('T1', s in ('ACCEPTED', 'BOOKED!', 'INVITED!'));
    perform pg_temp.asked(pg_temp.slot('a2', 10), 'T1', change, s = 'HELD');
    if s in ('BOOKED!', 'INVITED!') then
        perform admin.confirm('p');
    end if;
    if s like 'INVITED%' then
        perform admin.invite('p');
    end if;
    if pg_temp.state('p') is distinct from rtrim(s, '!') then
        raise exception 'not %: %', s, pg_temp.state('p');
    end if;
    delete from data.outbox;
end $$;

-- ---- the applicant changes something ---------------------------------------------------------------------------
create temporary table change (what text, is_matter boolean, change jsonb, is_moved boolean);
insert into change values
('time', false, '{}', true), ('e-mail', false, '{"email": "b@example.org"}', false), ('telephone and time', false, '{"mobilePhone": "+7 900 000-00-01"}', true),
('capitals', false, '{"lastName": "ТЕСТОВ"}', false), ('how SNILS is written', false, '{"userSnils": "00000000000"}', false),
('surname', true, '{"lastName": "Образцов"}', false), ('first name and time', true, '{"firstName": "Проба"}', true), ('no second name', true, '{"middleName": null}', false),
('SNILS', true, '{"userSnils": "000-000-001 01"}', false), ('INN', true, '{"userINN": "000000000001"}', false), ('the firm''s INN', true, '{"businessINN": "0000000001"}', true),
('OGRN', true, '{"businessOGRN": "0000000000001"}', false), ('the firm', true, '{"businessName": "Образец"}', false), ('kind', true, '{"kind": "BUSINESS"}', false),
('document', true, '{"userDoc": {"docType": "PASSPORT", "docNumber": "2"}}', false), ('case', true, '{"caseNumber": "8"}', false), ('case and time', true, '{"caseNumber": null}', true),
('service', true, '{"services": ["s2"]}', false), ('service and time', true, '{"services": ["s2"]}', true), ('one service more', true, '{"services": ["s1", "s2"]}', false), ('service left out', true, '{"services": []}', false);
create function pg_temp.after_change(s text, c change, here boolean, to_confirms boolean, is_hold boolean) returns text language plpgsql as $$
declare
    line text;
    b data.booking;
begin
    perform pg_temp.begin(s);
    perform pg_temp.confirms(case when here then 'T1' else 'T2' end, to_confirms);
    line := pg_temp.asked(case when here then pg_temp.slot('a2', case when c.is_moved then 11 else 10 end) else pg_temp.slot('b1', 10) end, case when here then 'T1' else 'T2' end, c.change, is_hold);
    select * into b from data.booking where book_key = 'p';
    line := case when line <> left(b.status_code, 3) || '/0 slots=1' or b.status_message is distinct from data.visit_text(b) or exists (select from data.outbox)
        or b.organization_id <> case when here then 'T1' else 'T2' end
        or (select new_state from data.booking_history where book_key = 'p' order by history_id desc limit 1) <> b.state then 'bad ' || line else b.state::text end;
    raise exception using errcode = 'ZZ001', message = line;
exception when sqlstate 'ZZ001' then return sqlerrm; when others then return sqlstate || ' ' || sqlerrm;
end $$;
-- Whose word it is afterwards. Of an office that confirms nothing the applicant's own is enough.
create function pg_temp.promise(s text, is_matter boolean, here boolean, to_confirms boolean, is_hold boolean) returns text language sql as $$
    select case
        when s = 'HELD' and is_hold then 'HELD'                                         -- no promise yet
        when s in ('BOOKED', 'BOOKED!') and here and not is_matter then 'BOOKED'        -- the office's word stands: it was given to him, for this
        when s in ('INVITED', 'INVITED!') and here and not is_matter then 'INVITED'
        when s = 'ACCEPTED' and here then 'ACCEPTED'                                    -- the clerk has it before him
        when to_confirms then 'ACCEPTED'                                                -- this office has not said it
        else 'BOOKED' end
$$;
select is(pg_temp.after_change(s, c, here, to_confirms, is_hold), pg_temp.promise(s, c.is_matter, here, to_confirms, is_hold),
    format('B10: %s, %s changed, %s that %s%s: %s', s, c.what, case when here then 'in an office' else 'to another office' end, case when to_confirms then 'confirms' else 'confirms nothing' end,
        case when is_hold then ', called preliminary' else '' end, pg_temp.promise(s, c.is_matter, here, to_confirms, is_hold)))
from change as c, unnest(array['HELD', 'BOOKED', 'BOOKED!', 'ACCEPTED', 'INVITED', 'INVITED!']) as s, unnest(array[true, false]) as here, unnest(array[false, true]) as to_confirms,
    unnest(array[false, true]) as is_hold
where (here or c.change -> 'services' is null) and (not is_hold or c.what in ('time', 'surname'));

-- What begins, or begins again.
create function pg_temp.first(s text, slot text, to_confirms boolean, is_hold boolean) returns text language plpgsql as $$
begin
    if s <> 'nothing' then
        perform pg_temp.begin('BOOKED');
        update data.booking set state = s::data.booking_state, status_code = data.state_code(s::data.booking_state) where book_key = 'p';
        delete from data.place where book_key = 'p';
    end if;
    perform pg_temp.confirms('T1', to_confirms);
    perform pg_temp.asked(slot, 'T1', '{}', is_hold);
    raise exception using errcode = 'ZZ001', message = pg_temp.state('p') || (select ' ' || new_state from data.booking_history where book_key = 'p' order by history_id desc limit 1);
exception when sqlstate 'ZZ001' then return sqlerrm; when others then return sqlstate || ' ' || sqlerrm;
end $$;
select is(pg_temp.first(s, slot, to_confirms, is_hold), p || ' ' || p, format('B10: %s, %s, asked of an office that %s: %s', s, case slot when 'blind_request' then 'any time' else 'a time' end,
    case when to_confirms then 'confirms' else 'confirms nothing' end, p))
from unnest(array['nothing', 'CANCELLED_APPLICANT', 'CANCELLED_AGENCY', 'CANCELLED']) as s, unnest(array['blind_request', pg_temp.slot('a2', 10)]) as slot,
    unnest(array[false, true]) as to_confirms, unnest(array[false, true]) as is_hold, lateral (select case when is_hold then 'HELD' when to_confirms then 'ACCEPTED' else 'BOOKED' end) as x (p);

-- Nobody names a service, and the place is for one: then that is what was confirmed.
delete from data.area_service where service_id = 's1' and area_key in (select area_key from data.area where organization_id = 'T1' and area_id = 'a2');
create function pg_temp.untold(area text) returns text language plpgsql as $$
begin
    perform pg_temp.begin('BOOKED!', '[]');
    perform pg_temp.asked(pg_temp.slot(area, 11), 'T1', '{"services": []}');
    raise exception using errcode = 'ZZ001', message = pg_temp.state('p');
exception when sqlstate 'ZZ001' then return sqlerrm;
end $$;
select is(pg_temp.untold('a2') || ' ' || pg_temp.untold('a1'), 'BOOKED ACCEPTED', 'B10: moved where another service is given, none named: the office is asked');
insert into data.area_service select area_key, organization_id, 's1' from data.area where organization_id = 'T1' and area_id = 'a2';

-- ---- the portal moves it by updateBookingDetails ---------------------------------------------------------------
create function pg_temp.after_portal(s text, here boolean, to_confirms boolean, service text) returns text language plpgsql as $$
declare
    rows api.answer[];
    b data.booking;
    pushed text;
    line text;
begin
    perform pg_temp.begin(s, case when service is null then '["s1"]' else '[]' end);
    perform pg_temp.confirms(case when here then 'T1' else 'T2' end, to_confirms);
    rows := pg_temp.portal('201', pg_temp.slot(case when here then 'a2' else 'b1' end, 12), case when here then 'T1' else 'T2' end, service);
    select * into b from data.booking where book_key = 'p';
    select string_agg(concat_ws(' ', payload #>> '{status,statusCode}', payload #>> '{timeslot,organizationId}'), ',') into pushed from data.outbox where book_key = 'p';
    line := b.state || coalesce(' pushed ' || pushed, '') || case when rows[1].error_code <> 0 then ' error' else '' end
        || case when rows[1].error_message ~ ('Статус заявления: ' || b.status_code || '$') then ' told' else '' end;
    raise exception using errcode = 'ZZ001', message = line;
exception when sqlstate 'ZZ001' then return sqlerrm; when others then return sqlstate || ' ' || sqlerrm;
end $$;
select is(pg_temp.after_portal(s, here, to_confirms, service), case p when 'ACCEPTED' then 'ACCEPTED' || case when s <> 'ACCEPTED' then ' pushed 100 ' || case when here then 'T1' else 'T2' end else '' end || ' told' else p end,
    format('M8: %s, moved by the portal %s that %s%s: %s, and the portal knows', s, case when here then 'in an office' else 'to another office' end,
        case when to_confirms then 'confirms' else 'confirms nothing' end, coalesce(', now for ' || service, ''), p))
from unnest(array['HELD', 'BOOKED', 'BOOKED!', 'ACCEPTED', 'INVITED', 'INVITED!']) as s, unnest(array[true, false]) as here, unnest(array[false, true]) as to_confirms,
    unnest(array[null, 's1']) as service, pg_temp.promise(s, service is not null, here, to_confirms, s = 'HELD') as p;

-- ---- a cancellation, and the clerk who refuses it ---------------------------------------------------------------
update data.organization set confirm_cancel = true where organization_id = 'T1';
create function pg_temp.refused(s text, act text, code text, digits text default '') returns text language plpgsql as $$
declare
    was data.booking;
    b data.booking;
    line text;
    places uuid[];
begin
    perform pg_temp.begin(s);
    if digits <> '' then
        perform pg_temp.portal('201' || digits, pg_temp.slot('a2', 13));
    end if;
    select * into was from data.booking where book_key = 'p';
    places := array(select slot_id from data.place where book_key = 'p');
    perform pg_temp.confirms('T1', code = '208'); -- what the office says of others meanwhile changes nothing
    if act = 'cancelBooking' then
        perform pg_temp.cancel('p');
    else
        perform pg_temp.portal('301');
    end if;
    if pg_temp.state('p') <> 'CANCELLING' or exists (select from data.outbox) then
        raise exception using errcode = 'ZZ001', message = pg_temp.state('p') || case when exists (select from data.place where book_key = 'p') then ' kept' else ' freed' end
            || case when exists (select from data.outbox) then ' pushed' else '' end;
    end if;
    select result into line from admin.reject('p', 'нет', code);
    select * into b from data.booking where book_key = 'p';
    b.changed_at := was.changed_at;
    line := case when line <> 'сделано' then line when b is distinct from was then 'another: ' || b::text
        when array(select slot_id from data.place where book_key = 'p') <> places then 'places'
        when (select string_agg(payload #>> '{status,statusCode}', ',') from data.outbox) <> was.status_code then 'pushed otherwise'
        when (select payload #>> '{timeslot,slotId}' from data.outbox) is distinct from places[1]::text then 'pushed without its time' else 'as it was' end;
    raise exception using errcode = 'ZZ001', message = line;
exception when sqlstate 'ZZ001' then return sqlerrm; when others then return sqlstate || ' ' || sqlerrm;
end $$;
select is(pg_temp.refused(s, act, code), case s when 'HELD' then 'CANCELLED_APPLICANT freed' else 'as it was' end, format('A28: %s, %s, reject %s: as it was', s, act, code))
from unnest(array['HELD', 'BOOKED', 'BOOKED!', 'ACCEPTED', 'INVITED', 'INVITED!']) as s, unnest(array['cancelBooking', '301']) as act, unnest(array['207', '208']) as code;
select is(pg_temp.refused(s, 'cancelBooking', '207', '005'), 'as it was', format('S1: %s with digits of its own: as it was', s)) from unnest(array['BOOKED', 'INVITED']) as s;
-- twice: what it was is what it was the last time
select pg_temp.begin('BOOKED!');
select pg_temp.cancel('p');
select is((select state || status from admin.reject('p', 'нет')), 'BOOKED201', 'A28: refused');
select is((select state from admin.invite('p')), 'INVITED', 'invited later');
select pg_temp.cancel('p');
select is((select state from admin.reject('p', 'нет')), 'INVITED', 'A28: refused again: it is an invitation now');
select is(pg_temp.cancel('p') || (select state from admin.confirm('p')), '300/0CANCELLED_APPLICANT', 'A28: granted');
update data.organization set confirm_cancel = false where organization_id = 'T1';
select is(pg_temp.asked(pg_temp.slot('a2', 20), 'T1'), '201/0 slots=1', 'a visit of digits')
from (select pg_temp.confirms('T1', false)) as x;
select is((pg_temp.portal('201005', pg_temp.slot('a2', 21)))[1].error_code, 0, 'S1: 201005');
update data.organization set confirm_cancel = true where organization_id = 'T1';
select pg_temp.cancel('p');
update data.agency set strict_sub_codes = true where agency_code = 'TEST00001';
select is((select state || status from admin.reject('p', 'нет')), 'BOOKED201', 'S1: digits its agency no longer knows are left out');
update data.agency set strict_sub_codes = false where agency_code = 'TEST00001';
update data.organization set confirm_cancel = false where organization_id = 'T1';

-- ---- the agency moves what it has promised: its own word -------------------------------------------------------
create function pg_temp.moved(s text, to_confirms boolean) returns text language plpgsql as $$
declare
    line text;
begin
    perform pg_temp.begin(s);
    perform pg_temp.confirms('T2', to_confirms);
    select result || ' ' || state into line from admin.move('p', pg_temp.slot('b1', 14));
    raise exception using errcode = 'ZZ001', message = line;
exception when sqlstate 'ZZ001' then return sqlerrm;
end $$;
delete from data.place; -- what this file has left
select pg_temp.cancel('p');
select is(pg_temp.moved(s, to_confirms), 'сделано ' || rtrim(s, '!'), format('B10: %s moved by a clerk to an office that %s: nobody is asked', s, case when to_confirms then 'confirms' else 'confirms nothing' end))
from unnest(array['BOOKED', 'BOOKED!', 'INVITED']) as s, unnest(array[false, true]) as to_confirms;

-- ---- corrections count from the agency's own word (S2) ---------------------------------------------------------
insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at)
select '00000000-0000-4000-8000-000000000001', 'T1', area_key, now() + interval '1 hour', now() + interval '75 minutes' from data.area where organization_id = 'T1' and area_id = 'a1';
create function pg_temp.corrected(s text, who text) returns text language plpgsql as $$
declare
    line text;
begin
    perform pg_temp.confirms('T1', s <> 'BOOKED');
    perform pg_temp.asked('00000000-0000-4000-8000-000000000001', 'T1');
    if s = 'CANCELLING' then
        update data.organization set confirm_cancel = true where organization_id = 'T1';
        perform pg_temp.cancel('p');
    end if;
    update data.slot set starts_at = starts_at - interval '2 hours', ends_at = ends_at - interval '2 hours' where slot_id = '00000000-0000-4000-8000-000000000001';
    update data.organization set correction_hours = 0, no_data_after_hours = case who when 'timer' then 0 end where organization_id = 'T1';
    line := case who when 'portal' then (pg_temp.portal('205'))[1].error_code::text else admin.sweep()::text end || pg_temp.state('p');
    line := line || ' ' || (select result || state from admin.correct('p', '202', 'пришёл'));
    line := line || ' ' || (select result || ': ' || comment from admin.correct('p', '203', 'передумал'));
    raise exception using errcode = 'ZZ001', message = line;
exception when sqlstate 'ZZ001' then return sqlerrm; when others then return sqlstate || ' ' || sqlerrm;
end $$;
select is(pg_temp.corrected(s, who), case who when 'portal' then '0' else '1' end || 'NO_DATA сделаноSERVED отказано: срок исправления (0 ч) истёк', format('S2: %s, 205 by the %s is no outcome; 202 is', s, who))
from unnest(array['BOOKED', 'ACCEPTED', 'CANCELLING']) as s, unnest(array['portal', 'timer']) as who;

-- ---- a clerk who comes too late is told what to do (A29) -------------------------------------------------------
create function pg_temp.late(s text, command text) returns text language plpgsql as $$
declare
    line text;
begin
    perform pg_temp.confirms('T1', s <> 'BOOKED');
    perform pg_temp.asked('00000000-0000-4000-8000-000000000001', 'T1');
    if s = 'CANCELLING' then
        update data.organization set confirm_cancel = true where organization_id = 'T1';
        perform pg_temp.cancel('p');
    end if;
    update data.slot set starts_at = starts_at - interval '2 hours', ends_at = ends_at - interval '2 hours' where slot_id = '00000000-0000-4000-8000-000000000001';
    execute command into line;
    raise exception using errcode = 'ZZ001', message = line || case when exists (select from data.outbox where book_key = 'p') then ', pushed' else '' end;
exception when sqlstate 'ZZ001' then return sqlerrm; when others then return sqlstate || ' ' || sqlerrm;
end $$;
delete from data.outbox;
select is(pg_temp.late(s, command), answer, format('A29: %s, too late: %s', s, command)) from (values
    ('ACCEPTED', 'select comment from admin.confirm(''p'')', 'время посещения прошло; отметьте его итог: admin.visited, admin.no_show или admin.turned_away; или откажите: admin.reject'),
    ('CANCELLING', 'select comment from admin.reject(''p'', ''нет'')', 'время посещения прошло; отметьте его итог: admin.visited, admin.no_show или admin.turned_away; или подтвердите отмену: admin.confirm'),
    ('BOOKED', 'select comment from admin.invite(''p'')', 'время посещения прошло; отметьте его итог: admin.visited, admin.no_show или admin.turned_away'),
    ('ACCEPTED', 'select asked from admin.waiting(''T1'') where book_id = ''p''', 'записать, время прошло'),
    ('CANCELLING', 'select asked from admin.waiting(''T1'') where book_id = ''p''', 'отменить, время прошло'),
    ('ACCEPTED', 'select state from admin.visited(''p'')', 'SERVED, pushed'), ('CANCELLING', 'select state from admin.confirm(''p'')', 'CANCELLED_APPLICANT, pushed'),
    ('ACCEPTED', 'select state from admin.reject(''p'', ''нет'')', 'RETURNED, pushed'), ('CANCELLING', 'select state from admin.no_show(''p'')', 'NO_SHOW, pushed')) as v (s, command, answer);
select * from finish();
rollback;
