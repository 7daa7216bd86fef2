-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- B5, B7: one person, one application, however the number is written: blanks of every kind, what nobody sees, wide digits, letter case,
-- before, behind and within, in a seeded storm of spellings. None gets over a limit, each of them owns the booking; who is another stays another.
\ir lib/helpers.psql
select no_plan();
select setseed(0.20261128);

-- White space and what is not seen by the Unicode data; all that has a shape stays.
create temp table unseen as select chr(c) as c from unnest(array[9, 10, 13, 32, 160, 173, 847, 1564, 5760, 6158, 8192, 8193, 8194, 8195, 8196, 8197, 8198, 8199, 8200,
    8201, 8202, 8203, 8204, 8205, 8206, 8207, 8232, 8233, 8239, 8287, 8288, 12288, 12644, 65024, 65279, 65440, 917536]) as u (c);

create function pg_temp.spelling(id text) returns text language plpgsql as $$
declare
    said text := '';
    ch text;
begin
    foreach ch in array string_to_array(id, null) loop
        if random() < 0.2 then
            said := said || (select string_agg(u.c, '') from (select c from unseen order by random() limit 1 + (random() * 2)::integer) as u);
        end if;
        said := said || case when ch ~ '[0-9a-zA-Z]' and random() < 0.2 then chr(ascii(ch) + 65248) when random() < 0.5 then upper(ch) else lower(ch) end;
    end loop;
    return said || case when random() < 0.5 then (select c from unseen order by random() limit 1) else '' end;
end $$;

create function pg_temp.book(book text, slot text, esia text, person jsonb default '{}') returns text language sql as $$
    select pg_temp.line(array_agg(r)) from api.book(
        row('l', 'portal', 'p', 'PORTAL', 'TEST00001', gen_random_uuid()::text, 'book', 'good', null, null, sha256(convert_to(gen_random_uuid()::text, 'UTF8')), now(), false, 'x', false)::api.message,
        book, array[slot], 'T1', 'SIMPLE', 'PHYSIC', esia, person, '{}', '{}', false, null, '[]', '{}') as r
$$;
create function pg_temp.message() returns api.message language sql as $$
    select row('l', 'portal', 'p', 'PORTAL', 'TEST00001', gen_random_uuid()::text, 'cancelBooking', 'good', null, null, sha256(convert_to(gen_random_uuid()::text, 'UTF8')), now(), false, 'x', false)::api.message
$$;

create temp table id as select * from (values (1, '1000299654', '1000299655'), (2, 'a5f0c1d2-77aa-4bbb-8ccc-0123456789ef', 'a5f0c1d2-77aa-4bbb-8ccc-0123456789ee'),
    (3, 'Заявитель-7', 'Заявитель-8')) as v (n, one, other);
create temp table spelt as select i.n, k, pg_temp.spelling(i.one) as said, i.one, i.other from id as i cross join generate_series(1, 60) as k;
select cmp_ok((select count(distinct said) from spelt), '>', 170::bigint, 'the spellings are many');
select is_empty('select n, k from spelt where data.person_key(said) <> data.person_key(one)', 'B5: one key for all of them');
select is((select count(distinct data.person_key(x)) from id, lateral unnest(array[one, other]) as x), 6::bigint, 'B5: and others for others');

insert into data.booking_limit (organization_id, person, period, max_bookings) values ('T1', 'esiaId', 'live', 1);
select is(pg_temp.book('p' || n, pg_temp.slot('a1', n), one), '201/0 slots=1', 'B5: one of one') from id;
create temp table storm as select n, k, pg_temp.book('q' || n || '-' || k, pg_temp.slot('a1', 3 + n), said) as line from spelt;
select is((select string_agg(distinct left(line, 5), ',') from storm), '208/4', 'B5: no spelling gets over the limit');
select is(pg_temp.book('r' || n, pg_temp.slot('a2', 3 + n), other), '201/0 slots=1', 'B5: another person has his own') from id;
delete from data.booking_limit;

insert into data.booking_limit (organization_id, person, period, max_bookings) values ('T1', 'caseNumber', 'live', 1);
select is(pg_temp.book('c' || n, pg_temp.slot('a1', 10 + n), 'x' || n, jsonb_build_object('caseNumber', one)), '201/0 slots=1', 'B7: one of one') from id;
select is((select string_agg(distinct left(pg_temp.book('d' || n || '-' || k, pg_temp.slot('a1', 14 + n), 'y' || n || k, jsonb_build_object('caseNumber', said)), 5), ',') from spelt),
    '208/4', 'B7: no spelling of an application gets over its limit');
select is(pg_temp.book('e' || n, pg_temp.slot('a1', 14 + n), 'z' || n, jsonb_build_object('caseNumber', other)), '201/0 slots=1', 'B7: another application has its own') from id;
delete from data.booking_limit;

-- SNILS of before was kept as it came
insert into data.booking_limit (organization_id, person, period, max_bookings) values ('T1', 'userSnils', 'live', 1);
select is(pg_temp.book('s1', pg_temp.slot('a1', 20), 's1', '{"userSnils": "112-233-445 95"}'), '201/0 slots=1', 'B5: a SNILS with signs');
select is(left(pg_temp.book('s2', pg_temp.slot('a1', 21), 's2', '{"userSnils": "11223344595"}'), 5), '208/4', 'B5: is the same without them');
delete from data.booking_limit;

-- the owner is the owner
select is_empty($$select n, k from spelt where not exists (select from api.get_booking_status('TEST00001', 'p' || n, said) as r where r.status_code = '201')$$, 'M3: told to each spelling of him');
select is_empty($$select n from id where exists (select from api.get_booking_status('TEST00001', 'p' || n, other) as r where r.status_code = '201')$$, 'M3: to nobody else');
select is(pg_temp.book('p1', pg_temp.slot('a1', 30), (select said from spelt where n = 1 and k = 7)), '201/0 slots=1', 'B5: he moves his booking');
select is((select string_agg(r.status_code, ',') from id, lateral api.cancel_booking(pg_temp.message(), 'p' || n, (select said from spelt as s where s.n = id.n and k = 9), '{}') as r
    where r.kind = 'answer'), '301,301,301', 'M4: he cancels it');

-- nobody at all
select is(left(pg_temp.book('none' || row_number() over (), pg_temp.slot('a1', 31), c), 5), '207/2', 'M10: what nobody sees is no account') from unseen;
-- One comparison for all: no function of ours compares accounts in another way.
select is_empty($$select p.oid::regprocedure from pg_proc as p where p.pronamespace in ('data'::regnamespace, 'api'::regnamespace, 'admin'::regnamespace)
    and p.prosrc ~ '(?<!person_key\([a-z_.]{0,20})esia_id\s*(=|<>|is (not )?distinct from)' and p.prosrc !~ 'esia_id := p_esia_id'$$, 'B5: accounts are compared in one way');
select is(pg_temp.book('kept', pg_temp.slot('a1', 32), ' К 7 '), '201/0 slots=1', 'M9: a booking in a spelling');
select is((select esia_id from data.booking where book_id = 'kept'), ' К 7 ', 'M9: is kept as it was sent: the portal is told its own');
select * from finish();
rollback;
