#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# B2: a database from before, with what its constraints had let in: visits, hours and hours of a special day that overlap. The
# migration names them, keeps them all, and lets no new one in; admin.check() lists them until somebody has moved them.
. "$(dirname "$0")/lib/race.sh"
. "$(dirname "$0")/../lib/sql_files.sh"
sql=$(cd "$(dirname "$0")/../../sql" && pwd)
old=race_doubled_$$
q -d postgres -c "create database $old" || exit 1
trap 'export PGDATABASE=postgres; q -c "drop database $old with (force)"; rm -rf "$race_dir"' EXIT
export PGDATABASE=$old
apply() { for file in "$@"; do psql -Xq1 -v ON_ERROR_STOP=1 -f "$file" || { echo "FAILED: $file"; exit 1; }; done; }
apply "$sql"/migrations/00*.sql "$sql"/migrations/01[0-4]*.sql
# Triggers of those days call functions that are made after the migrations.
for file in "$sql"/inner/{areas,books,schedules,slots,time}/*.sql; do
    PGOPTIONS="${PGOPTIONS:-} -c role=zapisd_owner -c check_function_bodies=off" apply "$file"
done
# The books are derived of columns that those days had not, and nobody asks for them here.
q -c "create or replace function data.ref_derive(p_ref_name text, p_keys text[]) returns void language sql as ''" || exit 1
q <<'SQL' >/dev/null || exit 1
alter table data.place drop constraint place_area_once;
alter table data.timetable drop constraint timetable_row_once;
alter table data.special_hours drop constraint special_hours_once;
insert into data.agency values ('RACE00001', 'Гонки');
insert into data.organization (organization_id, agency_code, name, time_zone) values ('RD', 'RACE00001', 'RD', 'Europe/Moscow');
insert into data.area (organization_id, area_id, number, name) values ('RD', 'w', 1, 'Окно');
create function pg_temp.day() returns timestamptz language sql return date_trunc('day', now() at time zone 'Europe/Moscow') at time zone 'Europe/Moscow' + interval '34 hours';
insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at, serial)
select data.slot_uuid(v.at, o.number, 1, v.serial), 'RD', a.area_key, v.at, v.at + make_interval(mins => v.m), v.serial
from data.organization as o join data.area as a using (organization_id),
    (select pg_temp.day() + make_interval(mins => 20 * n) as at, 0 as serial, 20 as m from generate_series(0, 8) as n
     union all select pg_temp.day() + make_interval(mins => 30 * n), 1, 30 from generate_series(0, 5) as n
     union all select pg_temp.day() - interval '30 days' + make_interval(mins => 30 * n), 1, 40 from generate_series(0, 1) as n) as v
where o.organization_id = 'RD';
insert into data.booking (book_key, book_id, esia_id, organization_id, state, status_code, created_at, changed_at)
select k, k, '1', 'RD', 'BOOKED', '201', now(), now() from unnest(array['d-1', 'd-2', 'd-3', 'd-4', 'd-5', 'd-6']) as k;
insert into data.booking_history (book_key, at, actor, db_user, new_state, new_status, organization_id)
select book_key, now(), 'A', 'x', 'BOOKED', '201', 'RD' from data.booking;
-- nine to twenty past and nine to half past; twenty to ten and half past nine; two of a month ago; one alone
insert into data.place (slot_id, place_no, book_key, capacity, area_key, starts_at, ends_at)
select s.slot_id, 1, v.k, 1, s.area_key, s.starts_at, s.ends_at
from (values ('d-1', 0, 0), ('d-2', 1, 0), ('d-3', 0, 40), ('d-4', 1, 30), ('d-5', 0, 120)) as v (k, serial, m)
join data.slot as s on s.serial = v.serial and s.starts_at = pg_temp.day() + make_interval(mins => v.m)
union all
select s.slot_id, 1, 'd-6', 1, s.area_key, s.starts_at, s.ends_at from data.slot as s where s.starts_at < now();
insert into data.timetable (area_key, organization_id, weekday, starts, ends, slot_min)
select area_key, 'RD', 1, t::time, '12:00', 20 from data.area, unnest(array['09:00', '10:00']) as t;
insert into data.special_day (organization_id, day, kind) values ('RD', '2030-01-01', 'hours');
insert into data.special_hours (special_day_id, organization_id, starts, ends)
select special_day_id, 'RD', t::time, '12:00' from data.special_day, unnest(array['09:00', '10:00']) as t;
-- a hall that d-5 and, at the same time, d-1 use; and long ago d-6 with itself
alter table data.occupancy drop constraint occupancy_area_once;
insert into data.area (organization_id, area_id, number, name) values ('RD', 'g', 9, 'Зал');
insert into data.occupancy (slot_id, place_no, area_key, span)
select p.slot_id, 1, a.area_key, case when p.book_key = 'd-6' then tstzrange(p.starts_at, p.starts_at + interval '2 hours') else tstzrange(pg_temp.day(), pg_temp.day() + interval '1 hour') end
from data.place as p, data.area as a where a.area_id = 'g' and p.book_key in ('d-1', 'd-5', 'd-6');
SQL
psql -Xq1 -v ON_ERROR_STOP=1 -f "$(echo "$sql"/migrations/015_*.sql)" 2>"$race_dir/said" || { cat "$race_dir/said"; exit 1; }
shopt -s nullglob
{ apply "$sql"/migrations/01[6-9]*.sql "$sql"/migrations/0[2-9]*.sql && sql_apply_functions "$sql"; } 2>"$race_dir/said_later"
q -c "select data.rights_repair()" >/dev/null 2>&1 || exit 1
expect "B9: an exclusive area used twice is named, once" "d-1 d-5" "$(grep 'общее помещение' "$race_dir/said_later" | grep -o 'd-[0-9]' | sort | xargs)"
q -c "set session_replication_role = replica" -c "delete from data.occupancy" # the rest is about areas for one
expect "named" "d-1 d-2 d-3 d-4" "$(grep -o 'd-[0-9]' "$race_dir/said" | sort | xargs)"
expect "how many" 1 "$(grep -c 'Занято дважды: 2' "$race_dir/said")"
expect "nobody is dropped" 7 "$(q -c "select count(*) from data.place")"
expect "listed" "помещение на одного занято дважды|2 часы особого дня пересекаются|1 часы приёма пересекаются|1" \
    "$(q -c "select problem, count(*) from admin.check() where problem <> 'порталу не передаётся то, чего требует приказ' group by 1" | LC_ALL=C sort | xargs -d '\n')"
mapfile -t free < <(q -c "select slot_id from data.slot where serial = 1 and starts_at > now() order by starts_at")
expect "beside them" 208/4 "$(q -c "$(race_book RD d-7 "${free[0]}")")"
expect "where nobody is" 201/0 "$(q -c "$(race_book RD d-8 "${free[5]}")")"
# the office moves one of each pair, and mends its hours
q -c "update data.organization set address = 'x', phone = '1'" \
    -c "select result from admin.move('d-2', (select slot_id::text from data.slot where serial = 1 and starts_at > now() order by starts_at offset 3 limit 1), 'наложение')" \
    -c "select result from admin.cancel('d-4', 'наложение')" \
    -c "delete from data.timetable where starts = '10:00'" -c "delete from data.special_hours where starts = '10:00'" >"$race_dir/moved"
expect "moved and cancelled" "сделано сделано" "$(xargs <"$race_dir/moved")"
race_check
