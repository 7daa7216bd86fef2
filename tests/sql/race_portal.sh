#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# M8, A2: updateBookingDetails of the portal beside the clerk and the applicants: one outcome wins and the loser is told (S2),
# a message in flight twice has one effect (B6), and moves towards one slot or across each other lose no place (B2, M2).
. "$(dirname "$0")/lib/race.sh"
race_setup PORTAL 1 24
mapfile -t s < <(race_slots PORTAL)
q -c "update data.slot set starts_at = now() - interval '20 min', ends_at = now() - interval '10 min' where slot_id = '${s[0]}'"

# said BOOK STATUS [SLOT] [MESSAGE]: SQL that prints the error, or "stored"
said() {
    local m="row('l','plain','p','RACE','RACE00001','${4:-u-$1-$2-${3:-}-$RANDOM$RANDOM}','updateBookingDetails','good',null,null,sha256(convert_to('${4:-u-$1-$2-${3:-}-$RANDOM$RANDOM}', 'UTF8')),now(),false,'x', false)::api.message"
    if [ -n "${3:-}" ]; then
        echo "select coalesce(r.error_code::text, r.kind) from data.slot as s, lateral api.update_booking_details($m, '$1', '1', s.slot_id::text, 'PORTAL', 'a', null,
            data.wire_time(s.starts_at, 'Europe/Moscow'), null, '$2', null, '{}') as r where s.slot_id = '$3' and r.kind in ('answer', 'stored', 'reused');"
    else
        echo "select coalesce(error_code::text, kind) from api.update_booking_details($m, '$1', '1', null, null, null, null, null, null, '$2', null, '{}') where kind in ('answer', 'stored', 'reused');"
    fi
}
put() { # BOOK SLOT: a booking whose slot lies in the past
    q >/dev/null <<SQL
insert into data.booking (book_key, book_id, esia_id, organization_id, state, status_code, created_at, changed_at) values ('$1', '$1', '1', 'PORTAL', 'BOOKED', '201', now(), now());
insert into data.place (slot_id, place_no, book_key, capacity, area_key, starts_at, ends_at) select slot_id, 1, '$1', capacity, area_key, starts_at, ends_at from data.slot where slot_id = '$2';
insert into data.booking_history (book_key, at, actor, db_user, new_state, new_status, organization_id) values ('$1', now(), 'A', 'x', 'BOOKED', '201', 'PORTAL');
SQL
}

# the clerk was first
put seen "${s[0]}"
hold "select from admin.visited('seen')"
meet "$(said seen 205)"
expect "205 after the clerk's 202" 4 "$met"
expect "the clerk's word stays" "SERVED" "$(q -c "select state from data.booking where book_key = 'seen'")"
expect "both attempts" "SERVED G, SERVED P" "$(q -c "select string_agg(concat_ws(' ', new_state, actor), ', ' order by history_id) from data.booking_history where book_key = 'seen' and actor in ('G', 'P')")"

# one message twice at once
q -c "$(race_book PORTAL twice "${s[2]}")" >/dev/null
for i in 1 2 3 4; do q -c "$(said twice 201 "${s[3]}" same-update)" >>"$race_dir/twice" & done
wait
expect "one new, three repeats" "0 1 stored 3" "$(sort "$race_dir/twice" | uniq -c | awk '{printf "%s%s %s", sep, $2, $1; sep = " "}')"
expect "one move" 2 "$(q -c "select count(*) from data.booking_history where book_key = 'twice'")"

# eight bookings want the one slot that is left
for i in $(seq 8); do q -c "$(race_book PORTAL "w$i" "${s[$((3 + i))]}")" >/dev/null; done
for i in $(seq 8); do q -c "$(said "w$i" 201 "${s[12]}")" >>"$race_dir/want" & done
wait
expect "one of eight" 1 "$(grep -c '^0$' "$race_dir/want")"
expect "seven refused" 7 "$(grep -c '^4$' "$race_dir/want")"
expect "each has one place" "8 8" "$(q -c "select count(*) || ' ' || count(distinct slot_id) from data.place where book_key ~ '^w[0-9]'")"

# two who swap, beside cancellations and the agency's own moves: whoever wins, nobody waits for ever and no place is lost
q -c "$(race_book PORTAL x1 "${s[13]}")" -c "$(race_book PORTAL x2 "${s[14]}")" >/dev/null
for i in $(seq 10); do
    q -c "$(said x1 201 "${s[$((13 + i % 4))]}")" >>"$race_dir/swap" &
    q -c "$(said x2 201 "${s[$((14 + i % 3))]}")" >>"$race_dir/swap" &
    q -c "select result from admin.move('x1', '${s[$((15 + i % 3))]}')" >/dev/null &
    [ "$i" != 6 ] || q -c "$(said x2 301)" >>"$race_dir/swap" &
    wait
done
expect "all answered, none by an error of ours" 0 "$(grep -cv '^[04]$' "$race_dir/swap")"
expect "twenty-one answers" 21 "$(wc -l <"$race_dir/swap")"
expect "one place, and none" "x1" "$(q -c "select string_agg(book_key, ',') from data.place where book_key ~ '^x[12]'")"
expect "x2 is cancelled" CANCELLED_APPLICANT "$(q -c "select state from data.booking where book_key = 'x2'")"
race_check
