#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# B4: fifty blind requests at once get fifty different places, the earliest fifty; the next one gets 208. And a blind
# request does not wait for a transaction that stands on the first place.
. "$(dirname "$0")/lib/race.sh"
race_setup RB 1 50
for n in $(seq 50); do
    { echo "$race_gate"; race_book RB "rb-$n" blind_request; } >"$race_dir/$n.sql"
done
shut_gate
for n in $(seq 50); do q -f "$race_dir/$n.sql" >"$race_dir/$n.out" 2>&1 & done
open_gate 50
expect "booked" 50 "$(grep -h / "$race_dir"/*.out | grep -c '^201/0$')"
expect "different slots" 50 "$(q -c "select count(distinct slot_id) from data.place where book_key like 'rb-%'")"
expect "the next" 208/4 "$(q -c "$(race_book RB rb-51 blind_request)")"

race_setup RW 3 2
first=$(race_slots RW | head -1)
hold "$(race_book RW rw-1 "$first")"
expect "while somebody stands on place 1, without waiting for him" 201/0 "$(patient -c "$(race_book RW rw-2 blind_request)")"
expect "the same slot, the next place" "$first|2" "$(q -c "select slot_id, place_no from data.place where book_key = 'rw-2'")"
let_go
# an area for one, overlapping slots: the insert itself must not wait either
race_setup RO 1 3
q -c "insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at, serial) select gen_random_uuid(), 'RO', area_key, min(starts_at), max(ends_at) - interval '10 min', 1 from data.slot where organization_id = 'RO' group by area_key"
third=$(race_slots RO | tail -1)
long=$(q -c "select slot_id from data.slot where organization_id = 'RO' and serial = 1")
hold "$(race_book RO ro-1 "$long")"
expect "under an uncommitted long slot, without waiting for it" 201/0 "$(patient -c "$(race_book RO ro-2 blind_request)")"
expect "the third slot" "$third" "$(q -c "select slot_id from data.place where book_key = 'ro-2'")"
let_go
race_check
