-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- L1: a limit stops the reading: what getSlots and a booking without a slot read of slots and places does not grow with the office, whatever
-- is asked for. Counted in rows.
\ir lib/helpers.psql
select no_plan();

-- 30 windows, days of 40 slots each; one slot in ten is taken.
create function pg_temp.office(id text, days integer) returns void language plpgsql as $$
begin
    insert into data.organization (organization_id, agency_code, name, phone, time_zone, horizon_days, booking_window_days) values (id, 'TEST00001', id, '000', 'Europe/Moscow', 0, 365);
    insert into data.organization_service select id, 'x' || n from generate_series(1, 30) as n;
    insert into data.area (organization_id, area_id, number, name) select id, 'w' || n, n, 'w' || n from generate_series(1, 30) as n;
    insert into data.area_service select a.area_key, id, 'x' || n from data.area as a, generate_series(1, 30) as n where a.organization_id = id;
    insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at)
    select data.slot_uuid(t.at, o.number, a.number), id, a.area_key, t.at, t.at + interval '10 minutes'
    from data.organization as o join data.area as a using (organization_id), generate_series(1, days) as d, generate_series(0, 39) as n,
        lateral (select ((now() at time zone 'Europe/Moscow')::date + d + time '09:00' + n * interval '10 minutes') at time zone 'Europe/Moscow' as at) as t
    where o.organization_id = id;
    create temp table one on commit drop as select id || '-' || n as key, s.*
    from (select *, row_number() over (order by starts_at, slot_id) as n from data.slot where organization_id = id) as s where n % 10 = 0;
    insert into data.booking (book_key, book_id, esia_id, organization_id, state, status_code, service_ids, created_at, changed_at)
    select lower(key), lower(key), '1', id, 'BOOKED', '201', '{x1}', now(), now() from one;
    insert into data.place (slot_id, place_no, book_key, capacity, area_key, starts_at, ends_at) select slot_id, 1, lower(key), 1, area_key, starts_at, ends_at from one;
    drop table one;
end $$;
insert into data.service select 'x' || n, 'x' || n from generate_series(1, 30) as n;
select pg_temp.office('C5', 5), pg_temp.office('C50', 50);
analyze data.slot;
analyze data.place;
create function pg_temp.rows_read() returns bigint language sql volatile as $$
    select sum(pg_stat_get_xact_tuples_returned(c.oid) + pg_stat_get_xact_tuples_fetched(c.oid))::bigint
    from pg_class as c left join pg_index as i on i.indexrelid = c.oid
    where coalesce(i.indrelid, c.oid) in ('data.slot'::regclass, 'data.place'::regclass) and c.relkind in ('r', 'i')
$$;
create function pg_temp.cost(org text, services text[], areas text[], condition jsonb) returns bigint language plpgsql as $$
declare
    was bigint := pg_temp.rows_read();
    n bigint;
begin
    select count(*) into n from pg_temp.get_slots('TEST00001', array[org], services, areas, 'SIMPLE', 'PHYSIC', '1', 20, condition) as r where r.kind = 'slot';
    if n <> 20 then
        raise exception '% of 20 listed', n;
    end if;
    return pg_temp.rows_read() - was;
end $$;
create temp table wish as
select * from (values
    ('everything', '{}'::text[], '{}'::text[], null::jsonb),
    ('one service', '{x1}', '{}', null),
    ('many services', array(select 'x' || n from generate_series(1, 30) as n), '{}', null),
    ('one area', '{}', '{w7}', null),
    ('many areas', '{}', array(select 'w' || n from generate_series(1, 25) as n), null),
    ('many of both', array(select 'x' || n from generate_series(1, 30) as n), array(select 'w' || n from generate_series(1, 25) as n), null)
) as t (name, services, areas, condition);
create function pg_temp.compare(told text) returns setof text language plpgsql as $$
declare
    w wish;
    small bigint;
    large bigint;
begin
    for w in select * from wish loop
        small := pg_temp.cost('C5', w.services, w.areas, w.condition);
        large := pg_temp.cost('C50', w.services, w.areas, w.condition);
        return next diag(format('%s, %s: %s rows of a small office, %s of a large one', told, w.name, small, large));
        return next ok(large < 2 * small + 50, format('L1: %s, %s: 20 slots cost no more in an office ten times as large', told, w.name));
        return next cmp_ok(large, '<', 3000::bigint, format('L1: %s, %s: and little at all', told, w.name));
    end loop;
end $$;
select pg_temp.compare('without rules');
update data.organization_service set notice_min = 60 where organization_id in ('C5', 'C50') and service_id = 'x1';
select is((select count(*) from data.organization where organization_id in ('C5', 'C50') and has_rules), 2::bigint, 'both have rules now');
select pg_temp.compare('with rules');

create function pg_temp.blind(org text, book text) returns bigint language plpgsql as $$
declare
    was bigint := pg_temp.rows_read();
    said text := pg_temp.book(book, '{blind_request}', organization => org, services => '{x2}', areas => '{w3,w4}');
begin
    if said not like '201/0%' then
        raise exception '%', said;
    end if;
    return pg_temp.rows_read() - was;
end $$;
create temp table blind as select org, pg_temp.blind(org, 'b' || n || org) as cost from (values ('C5'), ('C50')) as v (org), generate_series(1, 3) as n;
select diag(org || ': ' || string_agg(cost::text, ' ') || ' rows a booking without a slot') from blind group by org;
select ok((select max(cost) from blind where org = 'C50') < 2 * (select max(cost) from blind where org = 'C5') + 50, 'L1: a booking without a slot costs no more there');
select * from finish();
rollback;
