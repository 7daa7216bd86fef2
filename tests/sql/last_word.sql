-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- B6, M2, S2: whoever has moved a booking, the request that once booked it is not the last word: asked again in another message it is a
-- wish for the time it names, carried out or refused by the ordinary rules. The very same message gets its first answer. C6: whoever
-- asks, a booking does not go to another agency. What is expected is told by a rule, of each mover and each question.
\ir lib/helpers.psql
select no_plan();

-- A day later there is something equal in a1, for whom a day is closed.
insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at)
select data.slot_uuid(w.at, 900001, a.number), 'T1', a.area_key, w.at, w.at + interval '15 minutes'
from data.area as a, generate_series(0, 39) as n, lateral (select pg_temp.noon() + interval '1 day' + n * interval '15 minutes' as at) as w
where a.organization_id = 'T1' and a.area_id in ('a1', 'a2');
create function pg_temp.day() returns date language sql as $$ select (pg_temp.noon() at time zone 'Europe/Moscow')::date $$;
create function pg_temp.places(book text) returns text language sql as $$
    select string_agg(p.slot_id::text, ',' order by p.slot_id) from data.place as p where p.book_key = book
$$;

create function pg_temp.moved_by(who text) returns void language plpgsql as $$
declare
    other constant text := pg_temp.slot('a1', 30);
    r record;
begin
    case who
    when 'nobody' then null;
    when 'the applicant' then perform pg_temp.book('w', array[other]);
    when 'the portal' then perform api.update_booking_details(pg_temp.msg(), 'w', '1000000000', other, 'T1', 'a1', null,
        data.wire_time((select starts_at from data.slot where slot_id = other::uuid), 'Europe/Moscow'), 15, '201', null, '{}');
    when 'a clerk' then perform admin.move('w', other);
    when 'a clerk, to another room' then perform admin.move('w', pg_temp.slot('a2', 3));
    when 'a clerk, to and fro' then
        perform admin.move('w', other);
        perform admin.move('w', (select s.slot_id::text from data.slot as s where s.slot_id = pg_temp.slot('a1', 5)::uuid));
    when 'a closed day' then perform count(*) from admin.close_day('T1', pg_temp.day(), 'санитарный день', apply => true);
    when 'a closed area' then perform count(*) from admin.close_area('T1', 'a1', pg_temp.day(), pg_temp.day(), 'ремонт', apply => true);
    when 'a closed office' then perform count(*) from admin.close_office('T1', pg_temp.day(), pg_temp.day(), 'ремонт', apply => true);
    when 'an absence' then perform count(*) from admin.absence('T1', 'a1', pg_temp.day() + time '00:00', pg_temp.day() + time '23:59', 'болен', apply => true);
    when 'a day that was closed' then
        perform count(*) from admin.close_day('T1', pg_temp.day(), 'санитарный день', apply => true);
        perform admin.reopen((select max(closure_id) from data.closure));
    end case;
end $$;
-- Somebody may have taken the old time meanwhile.
create function pg_temp.asked(who text, what text, is_taken boolean) returns setof text language plpgsql as $$
declare
    old constant text := pg_temp.slot('a1', 5);
    told constant text := format('%s moved it, %s%s', who, what, case when is_taken then ', the old time is taken' else '' end);
    there text;
    line text;
    closed boolean;
    areas text[] := case what when 'the same with another area' then '{a2}' else '{""}' end;
    may_be_had boolean;
    answered api.answer[];
begin
    begin
        perform pg_temp.book('w', array[old], m => pg_temp.msg('first'), areas => areas);
        if what = 'the same with another area' then
            perform pg_temp.book('w', array[old]);
        end if;
        perform api.journal_reply(s.journal_id, s.journal_at, '201', 'the first answer') from data.message_seen as s where s.message_id = 'first';
        perform pg_temp.moved_by(who);
        there := pg_temp.places('w');
        if is_taken and there <> old then
            perform pg_temp.book('quicker', array[old], esia => '2000000000');
        end if;
        select s.is_closed into closed from data.slot as s where s.slot_id = old::uuid;
        may_be_had := areas = '{""}' and (there = old or not closed and not is_taken);
        case what
        when 'the same message' then
            line := pg_temp.book('w', array[old], m => pg_temp.msg('first'));
            return next is(line, 'stored', 'B6: ' || told || ': the first answer');
            return next is(pg_temp.places('w'), there, 'B6: ' || told || ': nothing moves');
        else
            answered := pg_temp.book_rows('w', array[old], m => pg_temp.msg('second'), areas => areas);
            line := pg_temp.line(answered);
            return next is(line, case when may_be_had then '201/0 slots=1' else '208/4' end, 'M2: ' || told || ': by the ordinary rules');
            return next is(pg_temp.places('w'), case when may_be_had then old else there end, 'M2: ' || told || ': where it is then');
            return next is((select string_agg(r.slot_id, ',') from unnest(answered) as r where r.kind = 'slot'),
                case when may_be_had then old end, 'M2: ' || told || ': and no other time is told as the one asked for');
        end case;
        raise exception 'as it was' using errcode = 'ZZ001';
    exception when sqlstate 'ZZ001' then
        null;
    end;
end $$;
select pg_temp.asked(who, what, is_taken)
from unnest(array['nobody', 'the applicant', 'the portal', 'a clerk', 'a clerk, to another room', 'a clerk, to and fro', 'a closed day',
        'a closed area', 'a closed office', 'an absence', 'a day that was closed']) as who,
    unnest(array['the same message', 'the same in another message', 'the same with another area']) as what,
    unnest(array[false, true]) as is_taken
where not (who in ('nobody', 'a clerk, to and fro') and is_taken);

-- Whoever asked blindly keeps what the agency gave him (0101).
select is(pg_temp.book('blind', '{blind_request}', areas => '{a1}'), '201/0 slots=1', 'B4: booked blindly');
select is((select result from admin.move('blind', pg_temp.slot('a2', 7))), 'сделано', 'S2: moved by a clerk');
select is(pg_temp.book('blind', '{blind_request}', areas => '{a1}'), '201/0 slots=1', 'B4: asked blindly again');
select is(pg_temp.places('blind'), pg_temp.slot('a2', 7), '0101: it keeps the slot it has');

-- ---- C6: another agency's office -------------------------------------------------------------------------------------
-- Every state a booking can be in, every road there is without an agency's name: refused, nothing moves, and its own agency still has it.
create function pg_temp.in_state(s data.booking_state) returns void language plpgsql as $$
begin
    set local session_replication_role = replica;
    insert into data.booking (book_key, book_id, esia_id, organization_id, state, status_code, hold_until, created_at, changed_at)
    values ('c', 'c', '1000000000', 'T1', s, data.state_code(s), case s when 'HELD' then now() + interval '1 hour' end, now(), now());
    insert into data.booking_history (book_key, at, actor, db_user, new_state, new_status, organization_id, slot_ids)
    values ('c', now(), 'A', 'x', s, data.state_code(s), 'T1', '{}');
    set local session_replication_role = origin;
    if s not in ('RETURNED', 'REFUSED', 'CANCELLED_APPLICANT', 'CANCELLED_AGENCY', 'CANCELLED', 'EXPIRED') then
        insert into data.place (slot_id, place_no, book_key, hold_until, capacity, area_key, starts_at, ends_at)
        select slot_id, 1, 'c', case s when 'HELD' then now() + interval '1 hour' end, capacity, area_key, starts_at, ends_at
        from data.slot where slot_id = pg_temp.slot('a1', 11)::uuid;
    end if;
end $$;
create function pg_temp.to_another(s data.booking_state, road text) returns setof text language plpgsql as $$
declare
    m constant api.message := pg_temp.msg(recipient => '');
    other constant text := pg_temp.slot('b1', 11);
    was data.booking;
    here text;
    rows api.answer[];
begin
    begin
        perform pg_temp.in_state(s);
        select * into was from data.booking where book_key = 'c';
        here := pg_temp.places('c');
        case road
        when 'book' then rows := pg_temp.book_rows('c', array[other], organization => 'T2', m => m);
        when 'hold' then rows := pg_temp.book_rows('c', array[other], true, organization => 'T2', m => m);
        when 'blind' then rows := pg_temp.book_rows('c', '{blind_request}', organization => 'T2', m => m);
        when 'wrong data' then rows := pg_temp.book_rows('c', array[other], organization => 'T2', bad => '{email}', m => m);
        when 'update' then rows := array(select r from api.update_booking_details(m, 'c', '1000000000', other, 'T2', 'b1', null,
            data.wire_time((select starts_at from data.slot where slot_id = other::uuid), 'Asia/Kamchatka'), 15, '201', null, '{}') as r);
        end case;
        return next isnt(rows[1].error_code, 0, format('C6: %s: %s to another agency is refused', s, road));
        if s not in ('CANCELLING', 'SERVED', 'NO_SHOW', 'NO_DATA', 'NOT_SERVED') and (road <> 'update' or here is not null) then
            return next matches(pg_temp.line(rows), '^(207|-)/2 .*organizationId:1', format('0105: %s: %s: by the organization', s, road));
        end if;
        return next is((select to_jsonb(b) from data.booking as b where b.book_key = 'c'), to_jsonb(was), format('C6: %s: %s: it stays as it was', s, road));
        return next is(pg_temp.places('c'), here, format('C6: %s: %s: where it was', s, road));
        raise exception 'as it was' using errcode = 'ZZ001';
    exception when sqlstate 'ZZ001' then
        null;
    end;
end $$;
select pg_temp.to_another(s, road) from unnest(enum_range(null::data.booking_state)) as s, unnest(array['book', 'hold', 'blind', 'wrong data', 'update']) as road;
-- Within an agency it moves, as before.
update data.organization set agency_code = 'TEST00001' where organization_id = 'T2';
select is(pg_temp.book('d', array[pg_temp.slot('a1', 15)]), '201/0 slots=1', 'booked in one office');
select is(pg_temp.book('d', array[pg_temp.slot('b1', 15)], organization => 'T2', m => pg_temp.msg(recipient => '')), '201/0 slots=1', 'C6: and moved to another of the same agency');
update data.organization set agency_code = 'TEST00002' where organization_id = 'T2';

-- ---- M2: the final request for a hold ---------------------------------------------------------------------------------
-- What it says of areas must be true of the slot that is held, as of any slot; what is said of one it is in, or of none, changes nothing.
insert into data.area (organization_id, area_id, number, name, parent_key)
values ('T1', 'floor', 8, 'Этаж', null), ('T1', 'empty', 9, 'Пустой этаж', null);
update data.area set parent_key = (select area_key from data.area where organization_id = 'T1' and area_id = 'floor') where organization_id = 'T1' and area_id = 'a1';
create function pg_temp.finally(slots text, areas text[], was text, preliminary boolean) returns setof text language plpgsql as $$
declare
    n constant integer := 20;
    own text[] := array[pg_temp.slot('a1', n)];
    wrong constant boolean := areas && '{a2,empty}' and not areas && '{a1,floor}' and slots <> 'blind';
    line text;
begin
    begin
        if slots = 'two' then
            own := own || pg_temp.slot('a1', n + 1);
        end if;
        perform pg_temp.book('f', own, was = 'hold');
        line := pg_temp.book('f', case slots when 'blind' then '{blind_request}' else own end, preliminary, areas => areas, services => '{s1}');
        return next is(line, case when wrong then '208/4' else '201/0 slots=' || cardinality(own) end,
            format('M2: a %s of %s, then %s with areas %s', was, slots, case when preliminary then 'a hold' else 'a booking' end, areas));
        -- what it was a final booking of has come to its end (Appendix 3, alternative 3); anything else stays
        return next is(pg_temp.state('f'), case when wrong and was = 'hold' and not preliminary then 'REFUSED' when was = 'hold' and preliminary then 'HELD' else 'BOOKED' end,
            format('M2: and what it is then: %s, %s, %s, %s', slots, areas, was, preliminary));
        return next is((pg_temp.book_rows('g', array[pg_temp.slot('a1', 35)], areas => areas))[1].error_code, case when areas && '{a2,empty}' and not areas && '{a1,floor}' then 4 else 0 end,
            'M2: as a first request is judged');
        raise exception 'as it was' using errcode = 'ZZ001';
    exception when sqlstate 'ZZ001' then
        null;
    end;
end $$;
select pg_temp.finally(slots, areas::text[], was, preliminary) from unnest(array['one', 'two', 'blind']) as slots,
    unnest(array['{}', '{""}', '{a1}', '{floor}', '{a2}', '{empty}', '{a2,a1}', '{a2,empty}']) as areas,
    unnest(array['hold', 'booking']) as was, unnest(array[false, true]) as preliminary;

-- ---- B3: the end of a hold --------------------------------------------------------------------------------------------
-- It stands twice, in the booking and in its places, whatever happens to it; and is no later than the visit.
insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at)
select v.id::uuid, 'T1', a.area_key, now() + v.starts, now() + v.starts + interval '10 minutes'
from data.area as a, (values ('00000000-0000-4000-8000-00000000000a', interval '20 minutes'), ('00000000-0000-4000-8000-00000000000b', interval '30 minutes')) as v (id, starts)
where a.organization_id = 'T1' and a.area_id = 'a2';
update data.organization set hold_max_min = 10000, max_holds = 100 where organization_id = 'T1';
create function pg_temp.does(what text, at text, period integer) returns void language plpgsql as $$
declare
    s data.slot;
    a text;
begin
    select * into s from data.slot where slot_id = at::uuid;
    select area_id into a from data.area where area_key = s.area_key;
    case what
    when 'hold' then perform pg_temp.book('h', array[at], true, period => period);
    when 'two' then perform pg_temp.book('h', array['00000000-0000-4000-8000-00000000000a', '00000000-0000-4000-8000-00000000000b'], true, period => period);
    when 'blind' then perform pg_temp.book('h', '{blind_request}', true, period => period);
    when 'final' then perform pg_temp.book('h', '{blind_request}');
    when 'update' then perform api.update_booking_details(pg_temp.msg(), 'h', '1000000000', at, 'T1', a, null,
        data.wire_time(s.starts_at, 'Europe/Moscow'), (extract(epoch from s.ends_at - s.starts_at) / 60)::integer, '201', null, '{}');
    when 'cancel' then perform pg_temp.cancel('h');
    when 'reject' then perform admin.reject('h', 'нет');
    when 'move' then perform admin.move('h', at);
    when 'confirm' then perform admin.confirm('h');
    end case;
exception when others then
    if sqlstate !~ '^(22|P0|55)' then raise; end if; -- what a clerk is refused
end $$;
create function pg_temp.walk(seed integer) returns setof text language plpgsql as $$
declare
    ways constant text[] := array['hold', 'hold', 'two', 'blind', 'blind', 'final', 'update', 'update', 'cancel', 'reject', 'move', 'confirm'];
    slots constant text[] := array['00000000-0000-4000-8000-00000000000a', pg_temp.slot('a1', 38), '00000000-0000-4000-8000-00000000000b', pg_temp.slot('a3', 3)];
    said text := '';
    what text;
    bad text;
begin
    perform setseed(seed / 1000.0);
    begin
        update data.organization set confirm_cancel = random() < 0.5, confirm_booking = random() < 0.3 where organization_id = 'T1';
        for i in 1 .. 12 loop
            what := ways[1 + floor(random() * cardinality(ways))];
            said := said || ' ' || what;
            perform pg_temp.does(what, slots[1 + floor(random() * 4)], (array[5, 25, 1440])[1 + floor(random() * 3)]);
            select string_agg(format('%s %s: %s, %s, visit %s', b.state, p.slot_id, b.hold_until, p.hold_until, p.starts_at), '; ') into bad
            from data.booking as b join data.place as p using (book_key)
            where b.book_key = 'h' and (p.hold_until is distinct from b.hold_until or b.hold_until > p.starts_at);
            exit when bad is not null;
        end loop;
        raise exception 'as it was' using errcode = 'ZZ001';
    exception when sqlstate 'ZZ001' then
        null;
    end;
    return next is(bad, null, 'B3: one end of a hold after' || said);
end $$;
select pg_temp.walk(seed) from generate_series(1, 60) as seed;
select pg_temp.healthy();
select * from finish();
rollback;
