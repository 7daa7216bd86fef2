#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# L4, O3, T2, C6: a database from before agencies had rooms of their own, with what people had put into it by then: names in two code points and
# of nothing that is seen, control characters, nights in two rows, visits that the schedule has no more, services named twice, holds that
# ran out, a book of the name that is built in now. Everything is there after the upgrade, is found, and behaves; what stops it loses nothing.
. "$(dirname "$0")/lib/race.sh"
. "$(dirname "$0")/../lib/sql_files.sh"
sql=$(cd "$(dirname "$0")/../../sql" && pwd)
old=race_before_$$
q -d postgres -c "create database $old" || exit 1
trap 'export PGDATABASE=postgres; q -c "drop database $old with (force)" -c "drop role before_clerk"; rm -rf "$race_dir"' EXIT
q -d postgres -c "create role before_clerk login in role zapisd_registrar" || exit 1
export PGDATABASE=$old
apply() { for file in "$@"; do psql -Xq1 -v ON_ERROR_STOP=1 -f "$file" || { echo "FAILED: $file"; exit 1; }; done; }
apply "$sql"/migrations/0[0-3]*.sql "$sql"/migrations/04[01]*.sql
# Triggers of those days call functions that are made after the migrations.
for file in "$sql"/inner/{areas,books,schedules,slots,time}/*.sql; do
    PGOPTIONS="${PGOPTIONS:-} -c role=zapisd_owner -c check_function_bodies=off" apply "$file"
done
q -c "create or replace function data.ref_derive(p_ref_name text, p_keys text[]) returns void language sql as ''" || exit 1
day=$(q -c "select (now() at time zone 'Europe/Moscow')::date + 3") dd=${day: -2}
q -v day="$day" >/dev/null <<'SQL' || exit 1
create function pg_temp.day() returns date language sql return :'day'::date;
insert into data.agency values ('RACE00001', 'Гонки');
insert into data.organization (organization_id, agency_code, name, address, phone, time_zone) values ('RB', 'RACE00001', E'О\x01тдел', U&'ул\0085ица', '000', 'Europe/Moscow');
insert into data.service (service_id, name, frgu_number) values ('s1', E'Усл\x1fуга', E'\x7f'), (E's\x02', 'x', ''), ('s2', 'Другая', '');
insert into data.organization_service values ('RB', 's1'), ('RB', 's2');
insert into data.area (organization_id, area_id, number, name, capacity, queue_prefix, slot_attributes, kind) values ('RB', 'w', 1, E'Ок\x1bно', 1, E'\x03А', jsonb_build_array(jsonb_build_object('name', E'a\x01', 'value', 'x'), jsonb_build_object('name', E'a\x02', 'value', E'\x1f')), 'window'),
    ('RB', 'hall', 2, 'Зал', 2, null, null, null), ('RB', 'shut', 3, 'Закрыто', 1, null, null, 'room'), ('RB', 'night', 4, 'Ночь', 1, null, null, null);
insert into data.area_service select area_key, 'RB', s from data.area, unnest(array['s1', 's2']) as s;
insert into data.organization_status values ('RB', '201', E'Ждём\x08 Вас'), ('RB', '205', E'две\nстроки');
insert into data.status_detail values ('RACE00001', '206001', E'нет\x0b');
insert into data.timetable (area_key, organization_id, weekday, starts, ends, slot_min)
select a.area_key, 'RB', d, v.starts::time, v.ends::time, v.m from generate_series(1, 7) as d,
    (values ('w', '10:00', '12:00', 60), ('hall', '10:00', '12:00', 30), ('shut', '10:00', '12:00', 30), ('night', '0:00', '2:00', 60), ('night', '22:00', '24:00', 60)) as v (area, starts, ends, m) join data.area as a on a.area_id = v.area;
insert into data.special_day (organization_id, area_key, day, kind) select 'RB', area_key, pg_temp.day() + 9, 'hours' from data.area where area_id = 'night';
insert into data.special_hours (special_day_id, organization_id, starts, ends, slot_min) select special_day_id, 'RB', t::time, t::time + interval '1 hour', 30 from data.special_day, unnest(array['1:00', '22:00']) as t;
-- as they were made of other hours: half an hour where an hour is now, three places where two are, a time outside the hours
insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at, capacity, wall_at)
select data.slot_uuid(t.at, o.number, a.number), 'RB', a.area_key, t.at, t.at + interval '30 min', v.capacity, t.wall
from (values ('w', 0, '10:00', 1), ('w', 0, '15:00', 1), ('w', 0, '16:00', 1), ('hall', 0, '10:00', 3), ('hall', 0, '10:30', 2), ('w', 1, '10:00', 1), ('night', 1, '0:00', 1)) as v (area, n, hour, capacity)
join data.area as a on a.area_id = v.area join data.organization as o using (organization_id)
cross join lateral (select pg_temp.day() + v.n + v.hour::time as wall, (pg_temp.day() + v.n + v.hour::time) at time zone 'Europe/Moscow' as at) as t;
create temp table visit as select v.*, (select s.slot_id from data.slot as s join data.area as a using (area_key) where a.area_id = v.area and s.wall_at = pg_temp.day() + v.hour::time) as slot_id
from (values ('b-long', 'w', '10:00', 'BOOKED', 1), ('b-out', 'w', '15:00', 'BOOKED', 1), ('b-invited', 'w', '16:00', 'INVITED', 1), ('b-three-1', 'hall', '10:00', 'BOOKED', 1), ('b-three-2', 'hall', '10:00', 'BOOKED', 2),
    ('b-three-3', 'hall', '10:00', 'BOOKED', 3), ('b-held', 'hall', '10:30', 'HELD', 1), ('b-none-1', null, null, 'REFUSED', 0), ('b-none-2', null, null, 'REFUSED', 0), ('b-none-3', null, null, 'REFUSED', 0)) as v (key, area, hour, state, place);
alter table data.booking disable trigger user;
insert into data.booking (book_key, book_id, esia_id, organization_id, state, status_code, service_ids, hold_until, case_number, created_at, changed_at)
select key, upper(key), '1', 'RB', state::data.booking_state, case state when 'REFUSED' then '208' else '201' end, case key when 'b-long' then '{s1,s1}' when 'b-none-1' then '{gone}' else '{}' end::text[],
    case state when 'HELD' then now() - interval '1 hour' end, case key when 'b-out' then U&'Дело\00A0№ 7' end, now(), now() from visit;
alter table data.booking enable trigger user;
insert into data.booking_history (book_key, at, actor, db_user, new_state, new_status, organization_id, slot_ids)
select b.book_key, now(), 'A', 'x', b.state, b.status_code, 'RB', '{}' from data.booking as b;
insert into data.place (slot_id, place_no, book_key, capacity, area_key, starts_at, ends_at, hold_until)
select s.slot_id, v.place, v.key, s.capacity, s.area_key, s.starts_at, s.ends_at, case v.state when 'HELD' then now() - interval '1 hour' end from visit as v join data.slot as s using (slot_id);
-- й and ё in two code points; nothing to be seen; as long as may be; of signs that are several letters
insert into data.applicant (book_key, last_name, first_name, middle_name, business_name, mobile_phone, user_snils) values
('b-long', U&'\0418\0306\0435\0308жиков', U&'Андреи\0306', null, null, U&'8\00A0(900)\00A0123\201145\201167', '112-233-445 95'), ('b-out', U&'\200B\200B', E'\t', '-', '«»', '---', '- -'),
('b-none-1', repeat(U&'\+020000', 200), repeat('ё', 200), repeat('й', 200), repeat('щ', 600), '7', 'x'), ('b-none-2', repeat(U&'\FDFA', 200), '', '', repeat(U&'\3300', 600), '', ''), ('b-none-3', null, null, null, null, null, null),
('b-invited', E'Т\x01ест', 'Тест', null, null, null, U&'112\2011233\2011445\00A095');
insert into data.closure (organization_id, area_key, kind, from_at, to_at, reason, is_moving, state, created_by, created_at, done_at) select 'RB', area_key, 'area', pg_temp.day() - 4, null, 'снесён', true, 'done', 'x', now(), now() from data.area where area_id = 'shut';
insert into data.ref_book (ref_name, title, kind) values ('offers', 'Акции', 'P');
insert into data.ref_item (ref_name, code, title) values ('offers', 'own', 'Своя');
-- in each state there was: told by hand, told before it was written down by whom, refused, waiting
insert into data.outbox (book_key, state, payload, attempts, last_error, done_at, done_by) values ('b-long', 'sent', '{"status": {"statusCode": "201"}}', 0, null, now() - interval '1 day', 'before_clerk'), ('b-long', 'sent', '{}', 0, null, null, null),
    ('b-long', 'stopped', '{}', 3, 'нельзя', null, null), ('b-long', 'waiting', '{}', 0, null, null, null), ('b-out', 'waiting', '{"bookId": "B-OUT", "esiaId": "1", "status": {"statusCode": "302"}}', 1, 'нет связи', null, null);
SQL
counts="select string_agg(format('%s %s', t, n), ', ' order by t) from (values ('bookings', (select count(*) from data.booking)), ('people', (select count(*) from data.applicant)), ('places', (select count(*) from data.place)), ('slots', (select count(*) from data.slot)),
    ('hours', (select count(*) from data.timetable)), ('special hours', (select count(*) from data.special_hours)), ('history', (select count(*) from data.booking_history)), ('services', (select count(*) from data.service))) as v (t, n)"
before=$(q -c "$counts")
shopt -s nullglob
for file in "$sql"/migrations/04[2-9]*.sql "$sql"/migrations/0[5-9]*.sql; do
    if [[ $file == */054_* ]]; then # stopped by a book of that name: nothing of it is done, nothing of the book is lost
        psql -Xq1 -v ON_ERROR_STOP=1 -f "$file" 2>"$race_dir/said" && { echo "two books of one name"; exit 1; }
        expect "the book is named" 1 "$(grep -c 'ref_name)=(offers)' "$race_dir/said")"
        expect "and is there" "own Акции" "$(q -c "select code || ' ' || b.title from data.ref_item as i join data.ref_book as b using (ref_name) where ref_name = 'offers'")"
        q -c "delete from data.ref_item where ref_name = 'offers'" -c "delete from data.ref_book where ref_name = 'offers'" # as admin.ref_drop() does
    fi
    [[ $file != */092_* ]] || q -c "insert into data.inbox_source (source, agency_code, fault, refused, refused_operation, refused_since, refused_at)
        values ('main', 'RACE00001', 'SMEVFailure', 'AccessDenied', 'GetStatus', '2026-01-01', '2026-01-02'), ('well', 'RACE00001', null, null, null, null, null)"
    apply "$file" 2>"$race_dir/said"
    [[ $file != */092_* ]] || expect "what SMEV refused is known still" "main RACE00001 GetStatus AccessDenied 1 day" "$(q -c "select concat_ws(' ', source, agency_code, operation, fault, last_at - since_at) from data.inbox_refusal")"
    [[ $file != */052_* ]] || expect "the clerk of the only agency has it" 1 "$(grep -c 'RACE00001.*before_clerk' "$race_dir/said")"
done
sql_apply_functions "$sql" 2>"$race_dir/said" || { cat "$race_dir/said"; exit 1; }
q -c "select data.rights_repair()" >/dev/null 2>&1 || exit 1
expect "all is there" "$before" "$(q -c "$counts")"

# what the portal is still to be told: in its order, by the agency it was decided by
expect "the outbox" "answered before_clerk, answered, stopped нельзя, waiting, waiting нет связи" "$(q -c "select string_agg(concat_ws(' ', state, done_by, last_error), ', ' order by outbox_id) from data.outbox where agency_code = 'RACE00001' and (done_at is null) = (state in ('stopped', 'waiting'))")"
expect "what goes, and what waits for it" "B-OUT 302 2" "$(q -c "select concat_ws(' ', book_id, status_code, attempt) from api.outbox_take('{RACE00001}', 10, 'd', '1 minute')")"
expect "the one that was refused" "1 4" "$(q -c "select admin.outbox_requeue(outbox_id) from data.outbox where state = 'stopped'") $(q -c "select attempt from api.outbox_take('{RACE00001}', 10, 'd', '1 minute')")"
# names and numbers
find() { q -c "set role zapisd_registrar" -c "select coalesce(string_agg(book_id, ' ' order by book_id), '-') from admin.find('$1')" 2>&1; }
q -c "grant usage on schema public to zapisd_registrar"
expect "composed" "" "$(q -c "select book_key from data.applicant where last_name is not normalized or first_name is not normalized or business_name is not normalized")"
expect "a name" B-LONG "$(find 'йежиков андрей')"
expect "as it came" B-LONG "$(find $'И\u0306е\u0308жиков')"
expect "a telephone" B-LONG "$(find '+7 900 123-45-67')"
expect "a number of two writings" "B-INVITED B-LONG" "$(find '11223344595')"
expect "an application" B-OUT "$(find 'дело №7')"
expect "a name of nothing" - "$(find '«»»' | grep -o '^-$' || find 'бб')"
# texts
expect "control characters are told as they were" $'О\uFFFDтдел ул\uFFFDица' "$(q -c "select name || ' ' || address from data.organization")"
expect "of an area" $'Ок\uFFFDно \uFFFDА a\uFFFDx a\uFFFD\uFFFD' "$(q -c "select a.name || ' ' || queue_prefix || ' ' || (select string_agg((t ->> 'name') || (t ->> 'value'), ' ') from jsonb_array_elements(slot_attributes) as t) from data.area as a where area_id = 'w'")"
expect "lines stay lines" $'две\nстроки' "$(q -c "select comment from data.organization_status where code = '205'")"
expect "one identifier is not vouched for" service_plain "$(q -c "select string_agg(conname, ' ') from pg_constraint where conname like '%\_plain' and not convalidated")"
# the books
expect "the closed area has left the book, kinds are told" "hall: night: w:window" "$(q -c "select string_agg(code || ':' || coalesce(attributes ->> 'kind', ''), ' ' order by code) from data.ref_item where ref_name = 'areas'")"
expect "offers" "s1 s2" "$(q -c "select string_agg(code, ' ' order by code) from data.ref_item where ref_name = 'offers'")"
expect "who works for whom" "before_clerk RACE00001" "$(q -c "select member || ' ' || agency_code from data.office_member")"

# schedules: nights of two rows are what they were; what is booked stays, is nobody else's, and is what the schedule says when it is given back
offered() { q -c "select string_agg(to_char(f.wall_at, 'DD HH24:MI'), ' ' order by f.wall_at) from data.offered_slots('RB', '$1', '$1') as f join data.area as a using (area_key) where a.area_id = 'night'"; }
shape() { q -c "select extract(epoch from s.ends_at - s.starts_at)::integer / 60 || ' ' || s.capacity || case when s.is_closed then ' closed' else '' end || case when s.is_outdated then ' outdated' else '' end from data.slot as s join data.area as a using (area_key) where a.area_id = '$1' and s.wall_at = '$day $2'"; }
keep() { q -c "do \$\$ begin for n in 1 .. 500 loop exit when (select k.did is null from data.keep_generate() as k); end loop; end \$\$"; }
expect "nights" "$dd 00:00 $dd 01:00 $dd 22:00 $dd 23:00" "$(offered "$day")"
keep
expect "an hour for one who has half of it" "30 1 closed outdated" "$(shape w 10:00)"
expect "outside the hours" "30 1 closed" "$(shape w 15:00)"
expect "three in a hall for two" "30 3 closed outdated" "$(shape hall 10:00)"
expect "held, and lapsed: open" "30 2" "$(shape hall 10:30)"
expect "none has lost his time" 6 "$(q -c "select count(*) from data.place join data.booking using (book_key) where state in ('BOOKED', 'INVITED')")"
cancel() { q -c "select status_code from api.cancel_booking(row('l','plain','p','RACE','RACE00001','$race_name-$1','cancelBooking','good',null,null,sha256('$1'),now(),false,'x', false)::api.message, '$1', '1', '{}') where kind = 'answer'"; }
expect "given back" 301 "$(cancel B-THREE-3)"
expect "two of two" "30 2" "$(shape hall 10:00)"
expect "given back" 301 "$(cancel B-LONG)"
expect "an hour" "60 1" "$(shape w 10:00)"
# an invited visit of before is moved like a booked one, to where both of its service's spellings are one
free=$(q -c "select s.slot_id from data.slot as s join data.area as a using (area_key) where a.area_id = 'w' and s.wall_at = '$day 11:00'")
expect "moved" сделано "$(q -c "select result from admin.move('b-invited', '$free', 'x')")"
expect "a hold of before has run out" EXPIRED "$(q -c "select data.sweep_holds(100)" >/dev/null; q -c "select state from data.booking where book_key = 'b-held'")"
expect "nothing is wrong" "" "$(q -c "select * from admin.check() where problem not in ('порталу не передаётся то, чего требует приказ')")"
