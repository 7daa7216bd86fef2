#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# L1, O3: clerks who close, reopen, move and cancel, housekeeping, and citizens who book, move and cancel, all over the same two days: no
# command ends in a deadlock, closing waits for nobody, and in the end every booking is accounted for. SEED plays the same statements again.
. "$(dirname "$0")/lib/race.sh"
seed=${SEED:-329}
rounds=${ROUNDS:-40}
q >/dev/null <<'SQL'
insert into data.agency values ('RACE00001', 'Гонки') on conflict do nothing;
insert into data.organization (organization_id, agency_code, name, time_zone, phone, horizon_days, booking_window_days) values ('RC', 'RACE00001', 'RC', 'Europe/Moscow', '000', 0, 30), ('RC2', 'RACE00001', 'RC2', 'Europe/Moscow', '000', 0, 30);
insert into data.area (organization_id, area_id, number, name) select o, a || '', ascii(a) - 96, a from unnest(array['RC', 'RC2']) o, unnest(array['a', 'b', 'c']) a;
insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at)
select data.slot_uuid(t.at, o.number, a.number), o.organization_id, a.area_key, t.at, t.at + interval '10 min'
from data.organization o join data.area a using (organization_id), generate_series(3, 5) d, generate_series(0, 29) n,
    lateral (select ((now() at time zone 'Europe/Moscow')::date + d + time '09:00' + n * interval '10 min') at time zone 'Europe/Moscow' as at) t
where o.organization_id in ('RC', 'RC2');
SQL
day=$(q -c "select (now() at time zone 'Europe/Moscow')::date + 3")
next=$(q -c "select (now() at time zone 'Europe/Moscow')::date + 4")
slots_of() { q -c "select slot_id from data.slot where organization_id = '$1' and (starts_at at time zone 'Europe/Moscow')::date = '$2' order by starts_at, area_key"; }
mapfile -t s < <(slots_of RC "$day"; slots_of RC "$next")
mapfile -t other < <(slots_of RC2 "$day")
close() { # DAY OUTCOME: how many have it, and how the closure stands
    patient -c "select count(*) filter (where outcome = '$2') from admin.close_day('RC', '$1', 'учения', apply => true)" \
        -c "select state from data.closure order by closure_id desc limit 1" | paste -sd'|'
}
# A call does what half a second allows, more calls the rest.
closes() { [ "$(close "$1" "$2")" = "$3" ]; }
expect_close() { until_true "$1: $2" closes "$3" "$4" "$2"; } # WHAT WANTED DAY OUTCOME

# ---- closing waits for nobody -------------------------------------------------------------------------------------
for i in $(seq 0 9); do race_book RC "ow-$i" "${s[$((i * 3))]}"; done | q >/dev/null
hold "select from data.slot where slot_id = '${s[4]}' for update"
expect_close "a slot that somebody is at is passed over" "10|working" "$day" перенесена
expect "the others are closed" 89 "$(q -c "select count(*) from data.slot where organization_id = 'RC' and is_closed")"
expect "housekeeping waits for it no more than the clerk" "" "$(patient -c "select did from api.housekeeping('closure')")"
expect "and says what holds it up" "somebody is at what is left" "$(q -c "select last_error from admin.closures where organization_id = 'RC'")"
let_go
expect_close "the next call closes it" "0|done" "$day" ждёт
q -c "select admin.reopen(max(closure_id)) from data.closure" >/dev/null
hold "select from data.booking where book_key = 'ow-1' for update; insert into data.personal_reading (db_user, db_role, book_key, what) values ('x', 'x', 'ow-1', 'x')"
expect_close "a booking that somebody is at waits for him, the day does not" "0|working" "$next" ждёт
expect "citizens of another office book" 201/0 "$(patient -c "$(race_book RC2 o-1 "${other[0]}")")"
let_go
expect_close "the next call sees to it" "0|done" "$next" ждёт
q -c "select admin.reopen(max(closure_id)) from data.closure" >/dev/null
# a closure whose transaction is still open holds up nobody but those who want that very day
hold "select count(*) from admin.close_day('RC', '$day', 'ещё', apply => true)"
expect "another office" 201/0 "$(patient -c "$(race_book RC2 o-2 "${other[1]}")")"
third=$(slots_of RC "$(q -c "select date '$day' + 2")" | tail -1)
expect "another day of the same office" 201/0 "$(patient -c "$(race_book RC o-3 "$third")")"
let_go
q -c "select admin.reopen(max(closure_id)) from data.closure" >/dev/null
q -c "select admin.cancel(book_id, 'конец первой части') from data.booking where organization_id in ('RC', 'RC2') and state = 'BOOKED'" >/dev/null

# ---- everybody at once --------------------------------------------------------------------------------------------
RANDOM=$seed
deadlocks() { q -c "select pg_stat_clear_snapshot(); select deadlocks from pg_stat_database where datname = current_database()" | tail -1; }
before=$(deadlocks)
cancel() { echo "select status_code from api.cancel_booking(row('l','plain','p','RACE','RACE00001','c-$1','cancelBooking','good',null,null,sha256('c-$1'::bytea),now(),false,'x', false)::api.message, '$2', '1', '{}') where kind = 'answer';"; }
n=0
for citizen in $(seq 6); do
    for i in $(seq "$rounds"); do
        n=$((n + 1))
        book="r-$((RANDOM % 40))"
        slot=${s[$((RANDOM % ${#s[@]}))]}
        case $((RANDOM % 6)) in
            0) cancel "$n" "$book" ;;
            1) race_book RC "$book" "$slot" "n-$n" true ;;
            *) race_book RC "$book" "$slot" "n-$n" ;;
        esac
    done >"$race_dir/citizen-$citizen.sql"
done
clerk_step() {
    local area=${1:0:1} from=$((9 + RANDOM % 4))
    case $((RANDOM % 9)) in
        0 | 1) echo "select count(*) from admin.absence('RC', '$area', '$day $from:00', '$day $((from + 1)):00', 'болезнь', apply => true);" ;;
        2) echo "select count(*) from admin.close_day('RC', '$next', 'учения', apply => true, at_most => 5);" ;;
        3) echo "select count(*) from admin.go_on();" ;;
        4) echo "select admin.reopen(max(closure_id)) from data.closure where organization_id = 'RC' and state <> 'lifted' having count(*) > 0;" ;;
        5) echo "select result from data.booking as b, lateral admin.move(b.book_id, '${s[$((RANDOM % ${#s[@]}))]}', 'перенос') where b.book_key = 'r-$((RANDOM % 40))';" ;;
        6) echo "select result from data.booking as b, lateral admin.cancel(b.book_id, 'отмена') where b.book_key = 'r-$((RANDOM % 40))';" ;;
        7) echo "select did from api.housekeeping('closure');" ;;
        8) echo "select admin.sweep();" ;;
    esac
}
for clerk in a b c; do
    for i in $(seq "$rounds"); do clerk_step $clerk; done >"$race_dir/clerk-$clerk.sql"
done
# A clerk gives way after 300 ms; one whom a busy machine does not let run meanwhile would be called a victim after a second.
for script in "$race_dir"/citizen-*.sql "$race_dir"/clerk-*.sql; do
    psql -XAtq -c "set deadlock_timeout = '30s'" -f "$script" >"${script%.sql}.out" 2>&1 &
done
wait
# A closure that another clerk has taken back just before is a mistake that is told; nothing else is.
errors=$(grep -h "ERROR" "$race_dir"/*.out | grep -v "оно уже отменено" | sed 's/^.*ERROR/ERROR/' | sort | uniq -c)
[ -z "$errors" ] || grep -h -A12 "ERROR:  deadlock" "$race_dir"/*.out | head -40 # who, and where in our functions
expect "errors of anybody (SEED=$seed)" "" "$errors"
expect "deadlocks the server had to end" "$before" "$(deadlocks)"
[ "$(cat "$race_dir"/clerk-*.out | grep -c "^сделано")" -gt 0 ] || { echo "the clerks did nothing"; exit 1; }

for i in $(seq 50); do q -c "update data.closure_progress set not_before = null" -c "select count(*) from admin.go_on()" >/dev/null; [ "$(q -c "select count(*) from data.closure where organization_id = 'RC' and state = 'working'")" = 0 ] && break; done
expect "closures left at work" 0 "$(q -c "select count(*) from data.closure where organization_id = 'RC' and state = 'working'")"
expect "live visits in what is closed" 0 "$(q -c "select count(*) from data.closure as c, lateral data.closure_concerns(c, data.closure_areas(c), now()) as k where c.organization_id = 'RC' and c.state <> 'lifted'")"
expect "bookings whose words to the portal are not what the agency did" "" "$(q -c "select b.book_key, count(distinct x.outbox_id), count(distinct h.history_id) from data.booking as b
    left join data.outbox as x using (book_key) left join data.booking_history as h on h.book_key = b.book_key and h.actor = 'G' and h.reason not like 'отклонено%'
    where b.organization_id = 'RC' group by 1 having count(distinct x.outbox_id) <> count(distinct h.history_id)")"
expect "live bookings without one place" "" "$(q -c "select b.book_key, count(p.slot_id) from data.booking as b left join data.place as p using (book_key) where b.organization_id = 'RC'
    and (b.state in ('BOOKED', 'ACCEPTED') or b.state = 'HELD' and b.hold_until > now()) group by 1 having count(p.slot_id) <> 1")"
race_check
