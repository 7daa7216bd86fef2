-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- The operator's functions: generation (T2), slotId (B8), the day, the journal's partitions, readiness.
\ir lib/helpers.psql
select no_plan();

-- B8: the layout of slotId, bit by bit, against a known version-1 UUID
select is(data.slot_uuid('1582-10-15 00:00:00+00', 1, 0), '00000000-0000-1000-8000-010000000001'::uuid, 'B8: the epoch of RFC 4122');
select is(substr(data.slot_uuid('2026-11-23 09:00:00+03', 77018, 12)::text, 15, 1), '1', 'B8: version 1');
select is((get_byte(uuid_send(data.slot_uuid('2026-11-23 09:00:00+03', 77018, 16383)), 8) >> 6), 2, 'B8: variant of RFC 4122');
select is((get_byte(uuid_send(data.slot_uuid('2026-11-23 09:00:00+03', 77018, 12)), 10) & 1), 1, 'B8: multicast bit of the node');
select throws_ok('select data.slot_uuid(now(), 1, 16384)', '22003', null, 'B8: an area number that does not fit');
select throws_ok('select data.slot_uuid(now(), 0, 1)', '22003', null, 'B8: no organization');
select throws_ok('select data.slot_uuid(''1500-01-01'', 1, 1)', '22003', null, 'B8: before the epoch');
select results_eq($$select visit_at, organization_id, area_id, serial from admin.slot_decode(pg_temp.slot('a2', 3)::uuid)$$,
    $$select pg_temp.noon() + interval '30 min', 'T1', 'a2', 0$$, 'B8: an id tells whose it is and when');
select results_eq($$select visit_time, serial from admin.slot_decode(pg_temp.slot('a1', 0)::uuid)$$, $$select data.wire_time(pg_temp.noon(), 'Europe/Moscow'), 1$$, 'B8: and its serial');
select is_empty($$select * from admin.slot_decode(gen_random_uuid())$$, 'B8: an id that is not ours tells nothing');
select is_empty($$select * from admin.slot_decode(data.slot_uuid(now(), 999999999, 1))$$, 'B8: nor one of an organization nobody knows');
select is_empty($$select s.slot_id from data.slot s join data.organization o using (organization_id), admin.slot_decode(s.slot_id) d
    where o.organization_id in ('R7700018', 'R4100001') and (d.organization_id, d.visit_at) is distinct from (s.organization_id, s.starts_at)$$, 'B8: every demo slot decodes to itself');

-- T1
select is(data.wire_time('2026-07-01 12:00:00+00', 'America/St_Johns'), '2026-07-01T09:30:00-02:30', 'T1: an offset with minutes, behind UTC');
select is(data.wire_time('2026-07-01 12:00:00+00', 'UTC'), '2026-07-01T12:00:00+00:00', 'T1: never Z');
select is(data.wire_time('2026-07-01 12:00:00.9+00', 'Asia/Kamchatka'), '2026-07-02T00:00:00+12:00', 'T1: no fraction, the next day');

-- T2: wall time across changes of the clock
insert into data.organization (organization_id, agency_code, number, name, time_zone) values ('TZ', 'TEST00001', 900003, 'Зона', 'Europe/Berlin');
insert into data.area (organization_id, area_id, number, name) values ('TZ', 'z', 1, 'z');
insert into data.timetable (area_key, organization_id, weekday, starts, ends, slot_min) select area_key, 'TZ', w, '00:30', '05:00', 30 from data.area, generate_series(1, 7) w where organization_id = 'TZ';
select is(admin.generate('TZ', '2027-03-27', '2027-03-27'), 9::bigint, 'T2: an ordinary night: 0:30 to 5:00');
select is(admin.generate('TZ', '2027-03-28', '2027-03-28'), 7::bigint, 'T2: clocks forward: 2:00 and 2:30 do not exist');
select is((select array_agg(to_char(starts_at at time zone 'Europe/Berlin', 'HH24:MI') order by starts_at) from data.slot where organization_id = 'TZ' and starts_at > '2027-03-27 23:00+00'),
    '{00:30,01:00,01:30,03:00,03:30,04:00,04:30}', 'T2: these are left; 1:30 ends where the clocks are put forward and is as long as ever');
select is(admin.generate('TZ', '2027-10-31', '2027-10-31'), 9::bigint, 'T2: clocks back: each wall time once, though 2:00 and 2:30 come twice');
select is_empty($$select 1 from data.slot a join data.slot b using (area_key) where a.organization_id = 'TZ' and b.slot_id <> a.slot_id and a.starts_at < b.ends_at and b.starts_at < a.ends_at$$, 'T2: no two overlap');
select is(admin.generate('TZ', '2027-03-27', '2027-03-28'), 0::bigint, 'T2: repeatable');
update data.slot set is_closed = true where organization_id = 'TZ' and starts_at < '2027-03-27 23:00+00';
select is(admin.generate('TZ', '2027-03-27', '2027-03-29'), 9::bigint, 'T2: only the new day');
select is((select count(*) from data.slot where organization_id = 'TZ' and is_closed), 9::bigint, 'T2: what is there is left as it is');
insert into data.day_off values ('TZ', '2027-04-01', 'праздник');
select is(admin.generate('TZ', '2027-04-01', '2027-04-01'), 0::bigint, 'T2: a day off');
update data.timetable set valid_to = '2027-04-02' where organization_id = 'TZ';
select is(admin.generate('TZ', '2027-04-02', '2027-04-03'), 9::bigint, 'T2: a timetable that ends');
select throws_ok('select admin.generate(''nowhere'', ''2027-01-01'', ''2027-01-02'')', 'P0002', null, 'an unknown organization');
select throws_ok('select admin.generate(''TZ'', ''2027-01-02'', ''2027-01-01'')', '22023', null, 'days out of order');
select throws_ok('select admin.generate(''TZ'', ''2027-01-01'', ''2037-01-01'')', '22023', null, 'ten years');
select throws_ok('select admin.generate(''TZ'', null, ''2037-01-01'')', '22023', null, 'no first day');

-- the day
select is(pg_temp.book('d1', array[pg_temp.slot('a1', 5)], applicant => '{"lastName": "Тестов", "firstName": "Тест", "middleName": "Тестович", "mobilePhone": "79000000000"}'), '201/0 slots=1', 'a visit');
select results_eq($$select area_id, book_id, state, applicant from admin.today('T1', (pg_temp.noon() at time zone 'Europe/Moscow')::date)$$, $$values ('a1', 'd1', 'BOOKED', 'Т*** Т. Т.')$$, 'O3, J3: the day of an organization, names masked');
select is_empty($$select * from admin.today('T1', '2020-01-01')$$, 'an empty day');
select throws_ok($$select * from admin.today('nowhere')$$, 'P0002', 'Организации nowhere нет', 'O3: an unknown organization is said to be unknown');
select set_eq($$select distinct organization from admin.today(null, (pg_temp.noon() at time zone 'Europe/Moscow')::date)$$, array['T1'], 'O3: the day of every organization, those with nobody left out');
select results_eq($$select old_state::text, new_state::text from admin.history('D1')$$, $$values (null, 'BOOKED')$$, 'S3: history of a booking');
select is_empty($$select * from admin.history('nobody')$$, 'of none');

-- journal
select is((select count(*) from data.journal_default) + (select count(*) from data.journal_refused_default), 0::bigint, 'J2: there is a month for the first message');
do $$ begin execute 'drop table data.' || data.journal_partition(0); end $$;
select api.journal_exchange(pg_temp.msg('jd', 'request'), '0', 'response');
select is((select count(*) from data.journal_default), 2::bigint, 'J2: without it the default one has it');
select is((select outcome from admin.journal_partitions(2) limit 1), 'skipped: journal_default holds rows of that month', 'J2: a month already in the default partition is named');
select is((select count(*) from admin.journal_partitions(2) where outcome = 'exists'), 5::bigint, 'J2: made once, of either journal');
select throws_ok('select * from admin.journal_partitions(-1)', '22023', null, 'J2: bad count');
select throws_ok('select * from admin.journal_partitions(null)', '22023', null, 'J2: no count');
select throws_ok(format('delete from data.%I', (select partition_name from admin.journal_partitions(1) offset 1 limit 1)), '42501', null, 'J2: a partition is append-only too');
select api.journal_exchange(pg_temp.msg('jx', 'request'), '0', 'response');
select set_eq($$select direction, convert_from(body, 'UTF8') from data.journal where journal_id = (select journal_id from data.journal where message_id = 'jx')$$,
    $$values ('in', 'request'), ('out', 'response')$$, 'J1: both octet strings');
select throws_ok($$select api.journal_reply(journal_id, at, '0', 'other') from data.journal where message_id = 'jx'$$, '23505', null, 'J2: one answer an exchange');
select is((select attcompression::text from pg_attribute where attrelid = 'data.journal'::regclass and attname = 'body'), 'l', 'J1: bodies are compressed with lz4');

-- what nobody vouches for
select api.journal_refused('smev2', '203.0.113.77:4711', 'r-1', 'MALFORMED', 1, 5, sha256('junk!'), 'junk!', 'fault');
select api.journal_refused('', '203.0.113.77', '', 'not kept', 7, 700, '', '', '');
select api.journal_refused('smev2', '[2001:db8:1:2::99]:4711', 'r-2', 'TOKEN', 1, 5, sha256('junk?'), 'junk?', 'fault');
select set_eq('select listener, peer, reason, messages, size, digest, request_id from admin.refused()', $$values
    ('smev2', '203.0.113…', 'MALFORMED', 1::bigint, 5::bigint, encode(sha256('junk!'), 'hex'), 'r-1'), ('', '203.0.113…', 'сверх запаса: не сохранены, только сосчитаны', 7, 700, null, ''),
    ('smev2', '[2001:db8:1…', 'TOKEN', 1, 5, encode(sha256('junk?'), 'hex'), 'r-2')$$, 'J4, J3: refused messages, without the machine that sent them');
select is((select count(*) from admin.refused(now() + interval '1 hour')), 0::bigint, 'since when');
select api.journal_refused('smev2', '127.0.0.1:4711', 'r-3', 'TOKEN', 1, 5, sha256('junk?'), 'junk?', 'fault');
select is((select peer from admin.refused() where request_id = 'r-3'), '127.0.0.1:4711', 'J4: this machine is nobody''s, and shown whole');
select is((select count(*) from data.journal where body in ('junk!', 'junk?', 'fault')), 0::bigint, 'J4: they are not in the journal of messages');
select throws_ok('delete from data.journal_refused', '42501', null, 'J2: rows are only added');
select throws_ok($$select api.journal_refused('x', 'x', 'x', 'x', 0, 0, null, null, null)$$, '23514', null, 'a count counts something');
create table data.journal_refused_2020_01 partition of data.journal_refused for values from ('2020-01-01 00:00:00+00') to ('2020-02-01 00:00:00+00');
create table data.journal_refused_2020_02 partition of data.journal_refused for values from ('2020-02-01 00:00:00+00') to ('2020-03-01 00:00:00+00');
insert into data.journal_refused select 1, '2020-01-15', 'x', 'x', 'x', 'x', 1, 1;
select is(data.journal_refused_expire((now() - '2020-02-20 00:00:00+00')::interval), 'journal_refused_2020_01', 'J4: the oldest month goes when it ended so long ago');
select is(data.journal_refused_expire((now() - '2020-02-20 00:00:00+00')::interval), null, 'J4: and no later one');
select is(data.journal_refused_expire(), 'journal_refused_2020_02', 'J4: one at a time');
select is(data.journal_refused_expire(), null, 'J4: the present ones stay');
select is((select count(*) from data.journal_refused), 4::bigint, 'with their rows');

-- readiness
set local idle_in_transaction_session_timeout = '30s';
set local client_connection_check_interval = '2s';
select results_eq($$select * from api.ready(null::jsonb)$$, $$values (true, '')$$, 'ready');
create function pg_temp.files() returns jsonb language sql return (select jsonb_object_agg(name, sha256) from data.schema_version where name !~ '^demo/');
select results_eq($$select ok, reason, told from (values (pg_temp.files()), (pg_temp.files() || '{"999_not_yet.sql": "1"}'), (pg_temp.files() - '031_lock_end.sql'),
        (pg_temp.files() || '{"api/book.sql": "1"}'), (pg_temp.files() - '031_lock_end.sql' || '{"999_not_yet.sql": "1"}')) as f (files)
    cross join lateral (select r.ok, coalesce(substring(r.reason from '999_not_yet.sql|031_lock_end.sql|api/book.sql'), '') as reason,
        coalesce(substring(r.reason from 'run zapisd migrate, or start|run zapisd migrate|start the new one|of another line'), '') as told from api.ready(f.files) as r) as r$$,
    $$values (true, '', ''), (false, '999_not_yet.sql', 'run zapisd migrate'), (false, '031_lock_end.sql', 'start the new one'),
        (false, 'api/book.sql', 'run zapisd migrate, or start'), (false, '999_not_yet.sql', 'of another line')$$,
    'L4: only for a program of the very files that were applied; which of the two is of before is told');
select results_eq($$select ok, reason from api.ready('031_lock_end.sql')$$, $$select ok, reason from api.ready()$$, 'L4: not for a program that only names a migration');
set local idle_in_transaction_session_timeout = 0;
select matches((select reason from api.ready(null::jsonb)), 'safety settings', 'L4: nor for a role without its settings');
set local synchronous_commit = off;
select matches((select reason from api.ready(null::jsonb)), 'synchronous_commit is off', 'nor when commits do not last');
select * from finish();
rollback;
