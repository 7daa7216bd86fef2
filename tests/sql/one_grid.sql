-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- T2: what is offered of an area for one kind of visit is one grid, whatever weekly hours, special days, calendar days and nights there
-- are and whichever of them were said first: made worlds, each asked whether anything lies over anything else, whether the night is whole,
-- and whether no more of the morning is missing than the night needs.
\ir lib/helpers.psql
select no_plan();
\set QUIET 1
insert into data.calendar (calendar_id, name) values ('g-land', 'Страна');
create function pg_temp.one_of(variadic p text[]) returns text language sql volatile as $$ select p[1 + floor(random() * cardinality(p))::integer] $$;
create function pg_temp.quietly(command text) returns text language plpgsql as $$
begin
    execute command;
    return 'taken';
exception when others then
    return sqlerrm;
end $$;
-- What lies over what: told without a word of the program's about which of them goes first.
create function pg_temp.over(p_from date, p_to date) returns bigint language sql as $$
    with f as (select row_number() over () as n, x.* from data.offered_slots('G', p_from, p_to) as x)
    select count(*) from f as a join f as b on b.area_key = a.area_key and b.service_id is not distinct from a.service_id and b.n > a.n
        and a.wall_at < b.wall_end and a.wall_end > b.wall_at
$$;
create function pg_temp.offer(p_from date, p_to date) returns text[] language sql as $$
    select coalesce(array_agg(format('%s %s %s %s', a.area_id, f.service_id, f.wall_at, f.wall_end) order by f.wall_at), '{}')
    from data.offered_slots('G', p_from, p_to) as f join data.area as a using (area_key)
$$;
create temp table world (n integer, over bigint, slots_over bigint, clashes bigint, checked boolean, offered bigint, night_lost text, needless text);
create function pg_temp.made(p_n integer) returns void language plpgsql as $$
declare
    hours constant text[] := '{0:15-5:15,8:00-12:00,"9:00-13:00, 14:00-18:00",20:00-2:00,22:00-6:00,0:00-24:00,18:00-0:00,"10:00-11:00, 21:00-3:30",0:00-3:00}';
    minutes constant text[] := '{15,20,30,45,60}';
    first_day constant date := (now() at time zone 'Europe/Moscow')::date + 1;
    o data.organization;
    w world;
    was text[];
    alone text[];
begin
    insert into data.organization (organization_id, agency_code, number, name, phone, time_zone, calendar_id, latitude, longitude, address, timetable_comment)
    values ('G', 'TEST00001', 900030, 'Ночной', '000', 'Europe/Moscow', 'g-land', 55, 37, 'адрес', 'часы') returning * into o;
    insert into data.organization_service values ('G', 's1');
    insert into data.area (organization_id, area_id, number, name, capacity) values ('G', 'a', 1, 'А', 1), ('G', 'b', 2, 'Б', 3);
    insert into data.area_service select area_key, 'G', 's1' from data.area where organization_id = 'G';
    for i in 1 .. 14 loop
        case pg_temp.one_of('week', 'week', 'term', 'special', 'special', 'own', 'own', 'by hand', 'calendar', 'calendar')
            when 'week' then
                perform pg_temp.quietly(format('select admin.set_hours(''G'', %L, %L, %L, %s, %s)', pg_temp.one_of('a', 'b'), pg_temp.one_of('пн-вс', 'пн-пт', 'сб, вс', 'пн, ср, пт'),
                    pg_temp.one_of(variadic hours), pg_temp.one_of(variadic minutes), pg_temp.one_of('null', 'null', '''s1''')));
            when 'term' then
                perform pg_temp.quietly(format('select admin.set_hours_for(''G'', ''a'', %L, %L, ''пн-вс'', %L, %s)', first_day + 2, first_day + 4, pg_temp.one_of(variadic hours),
                    pg_temp.one_of(variadic minutes)));
            when 'special' then
                perform pg_temp.quietly(format('select admin.special_day(''G'', %L, %L, as_weekday => %s)', first_day + floor(random() * 7)::integer,
                    pg_temp.one_of('закрыто', 'обычный', '9:00-13:00', '18:00-3:00'), pg_temp.one_of('null', 'null', '''пт''', '''пн''')));
            when 'own' then
                perform pg_temp.quietly(format('select admin.special_day(''G'', %L, %L, %L, %s)', first_day + floor(random() * 7)::integer, pg_temp.one_of(variadic hours),
                    pg_temp.one_of('a', 'b'), pg_temp.one_of(variadic minutes)));
            when 'by hand' then -- no command is asked whether it may
                with d as (
                    insert into data.special_day (organization_id, area_key, day, kind)
                    select 'G', area_key, first_day + floor(random() * 7)::integer, 'hours' from data.area where organization_id = 'G' and area_id = 'a'
                    on conflict do nothing returning special_day_id)
                insert into data.special_hours (special_day_id, organization_id, starts, ends, from_evening, slot_min)
                select d.special_day_id, 'G', p.starts, p.ends, p.from_evening, pg_temp.one_of(variadic minutes)::integer from d, data.parse_hours(pg_temp.one_of(variadic hours)) as p;
            else
                perform pg_temp.quietly(format('select admin.calendar_day(''g-land'', %L, %L)', first_day + floor(random() * 7)::integer,
                    pg_temp.one_of('праздник', 'как пт', 'как пн', 'короче на 60', 'обычный', 'убрать')));
        end case;
        if i = 7 then
            perform admin.generate('G', first_day, first_day + 8);
        end if;
    end loop;
    perform admin.generate('G', first_day, first_day + 8);
    w.n := p_n;
    w.over := pg_temp.over(first_day, first_day + 8);
    w.slots_over := (select count(*) from data.slot as a join data.slot as b on b.organization_id = 'G' and b.area_key = a.area_key and b.service_id is not distinct from a.service_id
        and b.slot_id > a.slot_id and a.starts_at < b.ends_at and a.ends_at > b.starts_at and not b.is_closed where a.organization_id = 'G' and not a.is_closed);
    w.clashes := (select count(*) from data.hours_clashes('G', first_day, first_day + 8));
    w.checked := exists (select from admin.check() where problem = 'часы приёма накладываются, предлагаются не все');
    was := pg_temp.offer(first_day, first_day + 8);
    w.offered := cardinality(was);
    delete from data.calendar_day where calendar_id = 'g-land' and kind = 'short';
    was := pg_temp.offer(first_day, first_day + 8);
    begin -- the nights alone
        delete from data.timetable where organization_id = 'G' and not from_evening;
        delete from data.special_hours where organization_id = 'G' and not from_evening and slot_min is not null;
        alone := pg_temp.offer(first_day, first_day + 8);
        w.night_lost := (select min(x) from unnest(alone) as x where x <> all (was));
        raise exception 'tried' using errcode = 'ZT001';
    exception when sqlstate 'ZT001' then null;
    end;
    begin -- without nights: what is more than before must lie over a night
        delete from data.timetable where organization_id = 'G' and from_evening;
        delete from data.special_hours where organization_id = 'G' and from_evening and slot_min is not null;
        alone := pg_temp.offer(first_day, first_day + 8);
        w.needless := (
            select min(x) from unnest(alone) as x
            where x <> all (was) and not exists (
                select from unnest(was) as y
                where split_part(y, ' ', 1) = split_part(x, ' ', 1) and split_part(y, ' ', 2) = split_part(x, ' ', 2)
                    and concat_ws(' ', split_part(y, ' ', 3), split_part(y, ' ', 4)) < concat_ws(' ', split_part(x, ' ', 5), split_part(x, ' ', 6))
                    and concat_ws(' ', split_part(y, ' ', 5), split_part(y, ' ', 6)) > concat_ws(' ', split_part(x, ' ', 3), split_part(x, ' ', 4))));
        raise exception 'tried' using errcode = 'ZT001';
    exception when sqlstate 'ZT001' then null;
    end;
    insert into world values (w.*);
    raise exception 'made' using errcode = 'ZT002', detail = row_to_json(w);
end $$;
create function pg_temp.world(p_n integer) returns jsonb language plpgsql as $$
declare
    said text;
begin
    perform setseed(p_n / 1000.0);
    perform pg_temp.made(p_n);
exception when sqlstate 'ZT002' then
    get stacked diagnostics said = pg_exception_detail;
    return said::jsonb;
end $$;
create temp table seen as select pg_temp.world(n) as w from generate_series(1, 40) as n;
select is((select string_agg(w ->> 'n', ' ') from seen where (w ->> 'over')::bigint > 0), null, 'T2: nothing that is offered lies over anything of its kind');
select is((select string_agg(w ->> 'n', ' ') from seen where (w ->> 'slots_over')::bigint > 0), null, 'T2: nor do slots');
select is((select string_agg(concat_ws(': ', w ->> 'n', w ->> 'night_lost'), ', ') from seen where w ->> 'night_lost' is not null), null, 'T2: a night that has begun is whole');
select is((select string_agg(concat_ws(': ', w ->> 'n', w ->> 'needless'), ', ') from seen where w ->> 'needless' is not null), null, 'T2: no morning is cut for nothing');
select is((select string_agg(w ->> 'n', ' ') from seen where ((w ->> 'clashes')::bigint > 0) <> (w ->> 'checked')::boolean), null, 'T2: admin.check() names hours of which not all are offered');
select cmp_ok((select count(*) from seen where (w ->> 'clashes')::bigint > 0), '>', 5::bigint, 'T2: many of these worlds have such hours');
select cmp_ok((select count(*) from seen where (w ->> 'offered')::bigint > 0), '>', 35::bigint, 'T2: most offer something');

-- The words of it
insert into data.organization (organization_id, agency_code, number, name, phone, time_zone, calendar_id) values ('N', 'TEST00001', 900031, 'Ночь', '000', 'Europe/Moscow', 'g-land');
insert into data.organization_service values ('N', 's1');
insert into data.area (organization_id, area_id, number, name, capacity) values ('N', 'h', 1, 'Зал', 2);
select admin.set_hours('N', 'h', 'пн-вс', '20:00-2:00', 30);
select throws_ok($$select admin.special_day('N', '2027-03-06', '0:00-3:00', 'h', 20)$$, '22023',
    'Часы накладываются: помещение h, сб 06.03.2027: ночной приём, начатый накануне, идёт до 02:00, поэтому из часов 00:00-02:00 не предлагается интервалов: 6', 'T2, O3: a morning over a night is refused');
select is((select count(*) from data.special_day where organization_id = 'N'), 0::bigint, 'O3: and leaves nothing');
select is(admin.special_day('N', '2027-03-06', '2:00-5:00', 'h', 20), '2:00-5:00', 'O3: after the night is all right');
select admin.set_hours('N', 'h', 'пн-вс', '0:15-5:15', 30), admin.special_day('N', '2027-03-06', 'убрать', 'h');
select throws_like($$select admin.special_day('N', '2027-03-05', '22:00-2:00', 'h', 30)$$, 'Часы накладываются: помещение h, сб 06.03.2027:%идёт до 02:00, поэтому из часов 00:15-02:15 не предлагается интервалов: 4', 'T2, O3: a night over a morning');
select is(admin.special_day('N', '2027-03-05', '22:00-0:00', 'h', 30), '22:00-0:00', 'O3: till midnight is all right');
select admin.set_hours('N', 'h', 'пн-чт, сб-вс', 'нет', 30), admin.set_hours('N', 'h', 'пт', '20:00-2:00', 30), admin.set_hours('N', 'h', 'вс', '0:15-5:15', 30);
select throws_ok($$select admin.special_day('N', '2027-03-13', '18:00-4:00', as_weekday => 'пт')$$, '22023', null, 'T2, O3: a Saturday as a Friday goes on into Sunday');
select is(admin.calendar_day('g-land', '2027-03-13', 'как пт'), 'как пт', 'O3: a calendar''s day is for many, so it is taken');
select is((select string_agg(to_char(f.wall_at, 'HH24:MI'), ' ' order by f.wall_at) from data.offered_slots('N', '2027-03-14', '2027-03-14') as f), '00:00 00:30 01:00 01:30 02:15 02:45 03:15 03:45 04:15 04:45', 'T2: and the morning begins when the night is over');
select * from finish();
rollback;
