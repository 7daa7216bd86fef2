#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# Edge case 27: two clerks set 202 and 203 at once: one wins, the history shows both attempts, the portal hears one. And
# the agency moves a visit while the applicant cancels it (S2): one comes after the other, whoever is first.
. "$(dirname "$0")/lib/race.sh"
race_setup CLERKS 1 12
mapfile -t s < <(race_slots CLERKS)
q -c "update data.slot set starts_at = now() - interval '20 min', ends_at = now() - interval '10 min' where slot_id = '${s[0]}'" \
    -c "update data.slot set starts_at = now() - interval '40 min', ends_at = now() - interval '30 min' where slot_id = '${s[1]}'"
put() { # BOOK SLOT: a booking whose slot may lie in the past
    q >/dev/null <<SQL
insert into data.booking (book_key, book_id, esia_id, organization_id, state, status_code, created_at, changed_at) values ('$1', '$1', '1', 'CLERKS', 'BOOKED', '201', now(), now());
insert into data.place (slot_id, place_no, book_key, capacity, area_key, starts_at, ends_at) select slot_id, 1, '$1', capacity, area_key, starts_at, ends_at from data.slot where slot_id = '$2';
insert into data.booking_history (book_key, at, actor, db_user, new_state, new_status, organization_id) values ('$1', now(), 'A', 'x', 'BOOKED', '201', 'CLERKS');
SQL
}
put clerks "${s[0]}"
hold "select result, state from admin.visited('clerks')"
meet "select result, state from admin.no_show('clerks')"
expect "the second clerk" "отказано|SERVED" "$met"
expect "the first clerk" "сделано|SERVED" "$(head -1 "$race_dir/holder.said")"
expect "both attempts" "BOOKED SERVED, SERVED SERVED отклонено (no_show)" "$(q -c "select string_agg(concat_ws(' ', old_state, new_state, split_part(reason, ':', 1)), ', ' order by history_id) from (select history_id, old_state, new_state, case when reason like 'отклонено%' then reason end as reason from data.booking_history where book_key = 'clerks' and actor = 'G') h")"
expect "one push" 202 "$(q -c "select string_agg(payload #>> '{status,statusCode}', ',') from data.outbox where book_key = 'clerks'")"

# many at once: exactly one outcome wins, every attempt is written down
put crowd "${s[1]}"
for i in $(seq 12); do
    case $((i % 3)) in 0) c="visited('crowd')" ;; 1) c="no_show('crowd')" ;; 2) c="turned_away('crowd', '', 'причина')" ;; esac
    q -c "select result from admin.$c" >>"$race_dir/crowd" &
done
wait
expect "one of twelve" 1 "$(grep -c сделано "$race_dir/crowd")"
expect "eleven refused" 11 "$(grep -c отказано "$race_dir/crowd")"
expect "twelve lines" 12 "$(q -c "select count(*) from data.booking_history where book_key = 'crowd' and actor = 'G'")"
expect "one push of twelve" 1 "$(q -c "select count(*) from data.outbox where book_key = 'crowd'")"

# a move by the agency, a cancellation by the applicant
cancel() { echo "select status_code from api.cancel_booking(row('l','plain','p','RACE','RACE00001','c-$1','cancelBooking','good',null,null,sha256(convert_to('c-$1', 'UTF8')),now(),false,'x', false)::api.message, '$1', '1', '{}') where kind = 'answer';"; }
q -c "$(race_book CLERKS mv-1 "${s[4]}")" >/dev/null
hold "select from admin.move('mv-1', '${s[5]}')"
meet "$(cancel mv-1)"
expect "cancelled after the move" 301 "$met"
expect "nothing is held" 0 "$(q -c "select count(*) from data.place where book_key = 'mv-1'")"
q -c "$(race_book CLERKS mv-2 "${s[6]}")" >/dev/null
hold "$(cancel mv-2)"
meet "select result from admin.move('mv-2', '${s[7]}')"
expect "moved after the cancellation" "отказано" "$met"
# the place a citizen is just booking
hold "$(race_book CLERKS other "${s[9]}")"
q -c "$(race_book CLERKS mv-3 "${s[8]}")" >/dev/null
meet "select result, comment from admin.move('mv-3', '${s[9]}')"
expect "moved onto a citizen" "отказано|интервал занят" "$met"
expect "the old place stays" mv-3 "$(q -c "select book_key from data.place where slot_id = '${s[8]}'")"
race_check
