#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# B2: two hundred sessions want the last place of a slot at once: one gets it, the others get 208 and error 4.
. "$(dirname "$0")/lib/race.sh"
race_setup RL 1 1
slot=$(race_slots RL)
for n in $(seq 200); do
    { echo "$race_gate"; race_book RL "rl-$n" "$slot"; } >"$race_dir/$n.sql"
done
# a gate: all sessions wait behind one lock, then start together
shut_gate
for n in $(seq 200); do q -f "$race_dir/$n.sql" >"$race_dir/$n.out" 2>&1 & done
open_gate 200
expect "winners" 1 "$(grep -h / "$race_dir"/*.out | grep -c '^201/0$')"
expect "refused" 199 "$(grep -h / "$race_dir"/*.out | grep -c '^208/4$')"
expect "places" 1 "$(q -c "select count(*) from data.place where slot_id = '$slot'")"
expect "BOOKED" 1 "$(q -c "select count(*) from data.booking where book_key like 'rl-%' and state = 'BOOKED'")"
race_check
