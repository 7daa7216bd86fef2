-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- Several services of one visit (items 18 and 19; Appendix 3, alternative 2): the place serves all of them, or it is not one.
\ir lib/helpers.psql
select no_plan();

create function pg_temp.offers(slot text, services text[], organizations text[] default '{T1}') returns boolean language sql as $$
    select exists (select from pg_temp.get_slots('', organizations, services, '{}', 'QUALIFIED', 'PHYSIC', '', 1000) as r where r.slot_id = slot)
$$;
create function pg_temp.listed(named text[], services text[] default '{}') returns table (slot_id text) language sql as $$
    select i::text from api.get_slots('', '{T1}', services, '{}', 'QUALIFIED', 'PHYSIC', '', 1000, null, null, named) as r cross join unnest(r.slot_ids) as i
$$;
create function pg_temp.refusal(rows api.answer[]) returns text language sql as $$ select error_message from unnest(rows) as r where kind = 'answer' $$;

-- a1 serves s1, a2 serves both; a slot of a2 may be for one service alone
update data.slot set service_id = 's2' where slot_id = pg_temp.slot('a2', 9)::uuid;
select is(array[pg_temp.offers(pg_temp.slot('a1', 1), '{s1,s2}'), pg_temp.offers(pg_temp.slot('a2', 1), '{s1,s2}'), pg_temp.offers(pg_temp.slot('a2', 9), '{s1,s2}')],
    '{f,t,f}', 'M1, item 18: an interval is offered for all of the services or not at all');
select is(array[pg_temp.offers(pg_temp.slot('a1', 1), '{s1}'), pg_temp.offers(pg_temp.slot('a2', 1), '{s2}'), pg_temp.offers(pg_temp.slot('a2', 9), '{s2}'),
        pg_temp.offers(pg_temp.slot('a2', 9), '{s1}')], '{t,t,t,f}', 'item 18: for one service as before');
select is(pg_temp.offers(pg_temp.slot('a2', 1), '{s2,s1,s1,""}'), true, 'item 18: in any order, one named twice, an empty one');
select is(pg_temp.book('p1', array[pg_temp.slot('a1', 1)], services => '{s1,s2}'), '208/4', 'M2, item 19: a place that serves one of two is refused');
select is(pg_temp.refusal(pg_temp.book_rows('p1', array[pg_temp.slot('a1', 1)], services => '{s1,s2}')), 'Отказ в бронировании: В это время услуга не оказывается', 'item 19: and says why');
select is(pg_temp.owner_of(pg_temp.slot('a1', 1)), null, 'item 19: nothing is taken');
select is(pg_temp.book('p2', array[pg_temp.slot('a2', 9)], services => '{s1,s2}'), '208/4', 'item 19: nor a slot for one of them alone');
select is(pg_temp.book('p2', array[pg_temp.slot('a2', 9)], services => '{s2,s2}'), '201/0 slots=1', 'item 19: the same service twice is one');
select is(pg_temp.book('p3', array[pg_temp.slot('a2', 1)], services => '{s2,s1}'), '201/0 slots=1', 'item 19: where both are served');
select is(pg_temp.book('p4', array[pg_temp.slot('a1', 1)], true, services => '{s1,s2}'), '208/4', 'Appendix 3: a hold is for all of them too');
select is(pg_temp.book('p5', array[pg_temp.slot('a1', 5), pg_temp.slot('a1', 6)], services => '{s1,s2}'), '208/4', 'A6: each of several intervals');
select is(pg_temp.book('p6', '{blind_request}', services => '{s1,s2}'), '201/0 slots=1', 'B4: the earliest place for both');
select is(pg_temp.owner_of(pg_temp.slot('a2', 2)), 'p6', 'B4: not the first there is');
select is(pg_temp.book('p7', '{blind_request}', services => '{s1,s2}', areas => '{a1}'), '208/4', 'B4: where one is served alone there is none');

-- changes
select is(pg_temp.book('c1', array[pg_temp.slot('a1', 10)], services => '{s1}'), '201/0 slots=1', 'one service');
select is(pg_temp.book('c1', array[pg_temp.slot('a1', 10)], services => '{s1,s2}'), '208/4', 'note 1: corrected to two, one of which is not served there');
select is((select service_ids from data.booking where book_key = 'c1'), '{s1}', 'note 1: stays as it was');
select is(pg_temp.book('c1', array[pg_temp.slot('a2', 10)], services => '{s1,s2}'), '201/0 slots=1', 'note 1: moved to where both are');
select is(pg_temp.book('c1', array[pg_temp.slot('a1', 11)], services => '{s1,s2}'), '208/4', 'note 1: not moved to where one is');
select is(pg_temp.owner_of(pg_temp.slot('a2', 10)), 'c1', 'note 1: the old place stays');
select is((select result from admin.move('c1', pg_temp.slot('a1', 11))), 'отказано', 'admin.move: neither does the agency move it there');
select is(pg_temp.owner_of(pg_temp.slot('a2', 10)), 'c1', 'admin.move: nothing is moved');
select is((select result from admin.move('c1', pg_temp.slot('a2', 11))), 'сделано', 'admin.move: to where both are served');
select is(pg_temp.line(array(select r from api.update_booking_details(pg_temp.msg(), 'c1', '1000000000', pg_temp.slot('a1', 11), 'T1', 'a1', null,
        (select to_char(starts_at at time zone 'Europe/Moscow', 'YYYY-MM-DD"T"HH24:MI:SS"+03:00"') from data.slot where slot_id::text = pg_temp.slot('a1', 11)),
        null, '201', null, '{}') as r)),
    '201/4', 'item 17: nor does the portal''s updateBookingDetails');

-- the portal names the service among the attributes (facts of the deployed world: book and getSlots)
create function pg_temp.named(book text, slots text[], attributes jsonb, services text[] default '{}', preliminary boolean default false, user_type text default 'SIMPLE')
returns api.answer[] language sql as $$
    select array_agg(r) from api.book(pg_temp.msg(), book, slots, 'T1', user_type, 'PHYSIC', '3000000000', '{"lastName": "Тестов"}', services, '{}', preliminary, null, attributes, '{}') as r
$$;
select is(pg_temp.line(pg_temp.named('n1', array[pg_temp.slot('a1', 20)], '[{"name": "serviceId", "value": "s2"}]')), '208/4', 'M2: a service named by an attribute is served, or it is refused');
select is(pg_temp.line(pg_temp.named('n1', array[pg_temp.slot('a2', 20)], '[{"name": "serviceId", "value": " s2 "}, {"name": "x", "value": "s1"}]')), '201/0 slots=1', 'M2: where it is served');
select is((select service_ids::text || jsonb_array_length(attributes) from data.booking where book_key = 'n1'), '{s2}2', 'M9: it is the booking''s service, and the attributes stay');
select is((select service_id from unnest(pg_temp.named('n1', array[pg_temp.slot('a2', 20)], '[{"name": "serviceId", "value": " s2 "}, {"name": "x", "value": "s1"}]')) where kind = 'slot'), 's2', 'M9: TimeSlot tells it');
select is(pg_temp.line(pg_temp.named('n2', array[pg_temp.slot('a1', 20)], '[{"name": "SERVICEID", "value": "s1"}, {"name": "ServiceId", "value": "s2"}]')), '208/4', 'A5: however it is spelled; of several all');
select is(pg_temp.line(pg_temp.named('n2', array[pg_temp.slot('a1', 20)], '[{"name": "serviceId", "value": "s2"}]', services => '{s1}')), '201/0 slots=1', 'M2: serviceId itself goes before');
select is(pg_temp.line(pg_temp.named('n3', array[pg_temp.slot('a1', 21)], '[{"name": "serviceId", "value": "10000593393"}, {"name": "serviceId", "value": ""}, {"name": "serviceId"}]')), '201/0 slots=1',
    'M2: a value that is no service of the organization is an attribute and no more');
select is((select service_ids from data.booking where book_key = 'n3'), '{}', 'M2: and makes none');
select is(pg_temp.line(pg_temp.named('n4', array[pg_temp.slot('a1', 22)], '{"serviceId": "s2"}')) || pg_temp.line(pg_temp.named('n5', array[pg_temp.slot('a1', 23)], null)), '201/0 slots=1201/0 slots=1', 'no list, and none at all');
select is(array[exists (select from pg_temp.listed('{s2}') where slot_id = pg_temp.slot('a1', 25)), exists (select from pg_temp.listed('{s2}') where slot_id = pg_temp.slot('a2', 25)),
        exists (select from pg_temp.listed('{no-such}') where slot_id = pg_temp.slot('a1', 25)), exists (select from pg_temp.listed('{s2,no-such}', '{s1}') where slot_id = pg_temp.slot('a1', 25))],
    '{f,t,t,t}', 'M1: getSlots reads its attributes alike');
-- A change, by book and by the portal's updateBookingDetails: named among the attributes, a service is what it is when it is named in its element.
create function pg_temp.changed_by(how text, service text, slot text) returns text language plpgsql as $$
declare
    rows api.answer[];
    said text;
begin
    begin
        if how like 'book%' then
            rows := pg_temp.named('ch', array[slot], case how when 'book attribute' then jsonb_build_array(jsonb_build_object('name', 'serviceID', 'value', service)) end,
                case how when 'book' then array[service] else '{}' end);
        else
            rows := array(select r from data.slot as s join data.area as a using (area_key), lateral api.update_booking_details(pg_temp.msg(), 'ch', '3000000000', slot, 'T1', a.area_id,
                case how when 'update' then service end, data.wire_time(s.starts_at, 'Europe/Moscow'), null, '201', null, '{}', case how when 'update attribute' then array[' ' || service, 'x'] end) as r
                where s.slot_id::text = slot);
        end if;
        select concat_ws('; ', pg_temp.line(rows), (select string_agg(r.service_id, ',') from unnest(rows) as r where r.kind = 'slot'), b.service_ids, data.visit_json(b) ->> 'serviceId',
            (select string_agg(a.area_id, ',') from data.place as p join data.area as a using (area_key) where p.book_key = 'ch'), (select string_agg(p.after_min::text, ',') from data.place as p where p.book_key = 'ch'))
        into said from data.booking as b where b.book_key = 'ch';
        raise exception 'tried' using errcode = 'ZT005', detail = said;
    exception when sqlstate 'ZT005' then
        get stacked diagnostics said = pg_exception_detail;
        return said;
    end;
end $$;
update data.organization_service set buffer_after_min = 10 where organization_id = 'T1' and service_id = 's2';
create temp table changed (had text[], service text, slot text, how text, said text);
create function pg_temp.tried(had text[]) returns void language plpgsql as $$
begin
    perform pg_temp.book('ch', array[pg_temp.slot('a2', 30)], services => had, esia => '3000000000');
    insert into changed select had, v.service, s.slot, h.how, pg_temp.changed_by(h.how, v.service, s.slot)
    from unnest('{s1,s2,nonsense}'::text[]) as v (service), (values (pg_temp.slot('a2', 30)), (pg_temp.slot('a2', 32)), (pg_temp.slot('a1', 32))) as s (slot),
        unnest('{book,book attribute,update,update attribute}'::text[]) as h (how);
    perform pg_temp.cancel('ch', '3000000000');
end $$;
select pg_temp.tried('{}'), pg_temp.tried('{s1}'), pg_temp.tried('{s2}');
select is(b.said, a.said, format('M2, M8: %s of a visit for %s to %s for %s: as in its element', b.how, a.had, (select x.area_id || ' ' || s.starts_at from data.slot as s join data.area as x using (area_key) where s.slot_id::text = a.slot), a.service))
from changed as a join changed as b on (b.had, b.service, b.slot) = (a.had, a.service, a.slot) and b.how = a.how || ' attribute' where a.service <> 'nonsense';
select is((select count(distinct said) > 4 from changed where how like '% attribute'), true, 'M2, M8: which differ');
select is((select string_agg(distinct said, ' | ') from changed where how like '% attribute' and said like '201/0%' and service = 's2' and slot = pg_temp.slot('a1', 32)), null, 'M2, M8: nobody is moved to where it is not served');
select is((select said from changed where how = 'update attribute' and had = '{}' and service = 's2' and slot = pg_temp.slot('a2', 32)), '201/0; {s2}; s2; a2; 10', 'M8: what is pushed tells it, its buffer holds');
select is((select array_agg(distinct said) from changed where how = 'update attribute' and service = 'nonsense' and slot = pg_temp.slot('a2', 32) and had = '{}'), '{"201/0; {}; a2; 0"}', 'M8: a value that is no service is an attribute and no more');
update data.organization_service set buffer_after_min = 0 where organization_id = 'T1' and service_id = 's2';
-- rules of the service hold; the evening of tomorrow is never fifty hours away
update data.organization_service set user_types = '{QUALIFIED}', notice_min = 3000, buffer_after_min = 10 where organization_id = 'T1' and service_id = 's2';
select is(pg_temp.line(pg_temp.named('r1', array[pg_temp.slot('a2', 26)], '[{"name": "serviceId", "value": "s2"}]')), '207/2 userType:1', 'edge 24: admission of a service named so');
select is(pg_temp.line(pg_temp.named('r1', array[pg_temp.slot('a2', 26)], '[{"name": "serviceId", "value": "s2"}]', user_type => 'QUALIFIED')), '208/4', 'B5: its notice');
select is(exists (select from pg_temp.listed('{s2}') where slot_id = pg_temp.slot('a2', 26)), false, 'B5: in getSlots, too');
update data.organization_service set notice_min = null where organization_id = 'T1' and service_id = 's2';
insert into data.booking_limit (organization_id, service_id, person, period, max_bookings) values ('T1', 's2', 'esiaId', 'live', 1);
select is((select error_message from unnest(pg_temp.named('r1', array[pg_temp.slot('a2', 26)], '[{"name": "serviceId", "value": "s2"}]', user_type => 'QUALIFIED')) where kind = 'answer'),
    'Отказ в бронировании: превышено допустимое число записей одного заявителя на эту услугу: не более 1 действующих одновременно', 'B5: its limit, which n1 has used up');
select pg_temp.cancel('n1', '3000000000');
select is(pg_temp.line(pg_temp.named('r1', array[pg_temp.slot('a2', 26)], '[{"name": "serviceId", "value": "s2"}]', user_type => 'QUALIFIED')), '201/0 slots=1', 'B5: within all of them');
select is((select after_min::integer from data.place where book_key = 'r1'), 10, 'B5: and its buffer is kept');
select pg_temp.cancel('r1', '3000000000');
delete from data.booking_limit;
update data.organization_service set user_types = null, buffer_after_min = 0 where organization_id = 'T1';

-- where services are many and organizations several
insert into data.service select 'm' || n, 'Услуга' from generate_series(1, 12) as n;
insert into data.organization_service (organization_id, service_id) select 'T1', 'm' || n from generate_series(1, 12) as n;
insert into data.area_service select a.area_key, 'T1', 'm' || n from data.area as a, generate_series(1, 12) as n where a.organization_id = 'T1' and a.area_id = 'a2';
select is(pg_temp.offers(pg_temp.slot('a2', 20), array(select 'm' || n from generate_series(1, 12) as n), '{T1,T2}'), true, 'L2: a long list that one organization has');
select is(pg_temp.offers(pg_temp.slot('b1', 20), array(select 'm' || n from generate_series(1, 12) as n), '{T1,T2}'), false, 'L2: an organization without them offers nothing');
select is(pg_temp.offers(pg_temp.slot('b1', 20), array(select 'm' || n from generate_series(1, 12) as n) || 's1'::text, '{T1,T2}'), false, 'L2: nor for the one it has');
delete from data.area_service where service_id = 'm7';
select is(pg_temp.offers(pg_temp.slot('a2', 20), array(select 'm' || n from generate_series(1, 12) as n), '{T1,T2}'), false, 'L2: eleven of twelve are not all');

-- closed days: a visit for two services goes where both are served
update data.slot set is_closed = true where organization_id = 'T1' and area_key = (select area_key from data.area where area_id = 'a2' and organization_id = 'T1')
    and slot_id <> all (array(select slot_id from data.place));
insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at)
select gen_random_uuid(), 'T1', a.area_key, t, t + interval '15 min' from data.area as a,
    (values ('a1', pg_temp.noon() + interval '1 day'), ('a2', pg_temp.noon() + interval '3 days')) as v (area, t) where a.organization_id = 'T1' and a.area_id = v.area;
select lives_ok($$select * from admin.close_day('T1', (pg_temp.noon() at time zone 'Europe/Moscow')::date, 'учение', true)$$, 'a day is closed');
select isnt_empty($$select from data.place as p join data.booking as b using (book_key) where b.book_key = 'p3'$$, 'its visit has a place');
select is_empty($$select b.book_key from data.booking as b join data.place as p using (book_key) join data.area as a using (area_key)
    where cardinality(b.service_ids) > 1 and a.area_id = 'a1'$$, 'a closing day: nobody is sent to a window that cannot serve him');
select * from finish();
rollback;
