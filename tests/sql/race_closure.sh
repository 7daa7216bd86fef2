#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# Closing a day (O3, edge case 29) while bookings come in, change and go; and a closure whose server process is killed with SIGKILL in the
# middle, more than once: in the end nobody has a visit in the closed day, and each booking was moved or cancelled once, with one message (B1, M8).
. "$(dirname "$0")/lib/race.sh"
race_setup RCL 1 120
q >/dev/null <<'SQL'
update data.organization set phone = '000', booking_window_days = 30 where organization_id = 'RCL';
-- a second day with room for half of them
insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at)
select data.slot_uuid(s.starts_at + interval '2 days', o.number, 1), 'RCL', s.area_key, s.starts_at + interval '2 days', s.ends_at + interval '2 days'
from data.slot s join data.organization o using (organization_id) where organization_id = 'RCL' order by s.starts_at limit 70;
create table public.race_clock (day date);
insert into public.race_clock select (starts_at at time zone 'Europe/Moscow')::date from data.slot where organization_id = 'RCL' order by starts_at limit 1;
SQL
day=$(q -c "select day from public.race_clock")
mapfile -t s < <(q -c "select slot_id from data.slot where organization_id = 'RCL' and (starts_at at time zone 'Europe/Moscow')::date = '$day' order by starts_at")
n=${#s[@]}
[ "$n" -ge 100 ] || { echo "only $n slots that day"; exit 1; }
close="select count(*) from admin.close_day('RCL', '$day', 'учения', apply => true, at_most => \$AT_MOST)"
race_gone() { ! kill -0 "$1" 2>/dev/null; }
close() { q -c "${close/\$AT_MOST/$1}"; }

# 40 are there; eight citizens at once go on booking the rest, moving, confirming and cancelling, while the day is closed
for i in $(seq 0 39); do race_book RCL "rcl-$i" "${s[$i]}"; done | q >/dev/null
for c in 0 1 2 3 4 5 6 7; do
    for i in $(seq $((40 + c)) 8 $((n - 1))); do
        race_book RCL "rcl-$i" "${s[$i]}" "b-$i" $([ $((i % 3)) = 0 ] && echo true || echo false)
        [ $((i % 4)) != 1 ] || race_book RCL "rcl-$((i - 40))" "${s[$i]}" "mv-$i"
        [ $((i % 3)) != 0 ] || race_book RCL "rcl-$i" "${s[$i]}" "cf-$i"
        [ $((i % 5)) != 2 ] || echo "select coalesce(status_code, kind) from api.cancel_booking(row('l','plain','p','RACE','RACE00001','cn-$i','cancelBooking','good',null,null,sha256(convert_to('cn-$i', 'UTF8')),now(),false,'x', false)::api.message, 'rcl-$i', '1', '{}') where kind = 'answer';"
    done | psql -XAtq >"$race_dir/citizen-$c" 2>&1 &
done
wait_until "select count(*) > 70 from data.place where book_key like 'rcl-%'"
close 3 >/dev/null || { echo "close_day failed"; exit 1; }
for round in 1 2 3 4; do close 3 >/dev/null || exit 1; done
wait
grep -h ERROR "$race_dir"/citizen-* | sort | uniq -c >"$race_dir/errors"
if grep -qv "deadlock detected" "$race_dir/errors"; then cat "$race_dir/errors"; exit 1; fi
expect "nobody books the closed day" 208/4 "$(q -c "$(race_book RCL rcl-late "${s[$((n - 1))]}")")"

# SIGKILL for the server process in the middle of the next pieces; PostgreSQL restarts, the closure goes on
data=$(q -c "show data_directory")
for round in 1 2; do
    hold "select 'pid ' || pg_backend_pid(); ${close/\$AT_MOST/5}"
    pid=$(sed -n 's/^pid //p' "$race_dir/holder.said")
    [ -n "$pid" ] || { echo "nothing to kill"; cat "$race_dir/holder.said"; exit 1; }
    grep -qx "$(head -1 "$data/postmaster.pid")" <<<"$(ps -o ppid= -p "$pid" | tr -d ' ')" || { echo "$pid is no process of ours"; exit 1; }
    before=$(q -c "select count(*) from data.closure_booking where state <> 'waiting'")
    kill -9 "$pid"
    until_true "the server process is gone" race_gone "$pid"
    wait_until "select true"
    race_close holder commit # the server has ended the session, as it was to
    expect "what was not committed did not happen" "$before" "$(q -c "select count(*) from data.closure_booking where state <> 'waiting'")"
    close 4 >/dev/null || exit 1
done
# two operators and the daemon at once
for i in 1 2 3; do close 200 >/dev/null & done
for i in $(seq 5); do q -c "select * from api.housekeeping()" >/dev/null; done
wait
close 200 >/dev/null || exit 1

expect "done" "done|0" "$(q -c "select state, (select count(*) from data.closure_booking w where w.closure_id = c.closure_id and w.state = 'waiting') from data.closure c where organization_id = 'RCL'")"
expect "live visits in the closed day" 0 "$(q -c "select count(*) from data.place p join data.slot s using (slot_id) where s.organization_id = 'RCL' and (s.starts_at at time zone 'Europe/Moscow')::date = '$day'")"
expect "messages that are not one a booking" "" "$(q -c "select w.book_key, w.state, count(o.outbox_id) from data.closure_booking w left join data.outbox o using (book_key) group by 1, 2 having count(o.outbox_id) <> (w.state in ('moved', 'cancelled'))::int")"
expect "messages to others" 0 "$(q -c "select count(*) from data.outbox o where o.book_key like 'rcl-%' and not exists (select from data.closure_booking w where w.book_key = o.book_key)")"
expect "history lines of the agency that are not one a booking" "" "$(q -c "select w.book_key, w.state, count(h.history_id) from data.closure_booking w left join data.booking_history h on h.book_key = w.book_key and h.actor = 'G' group by 1, 2 having count(h.history_id) <> (w.state in ('moved', 'cancelled'))::int")"
expect "moved to the places there are" 70 "$(q -c "select count(*) from data.closure_booking where state = 'moved'")"
[ "$(q -c "select count(*) from data.closure_booking where state = 'cancelled'")" -ge 1 ] || { echo "nobody was cancelled: the race did not happen"; exit 1; }
q -c "drop table public.race_clock" >/dev/null
race_check
