#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# L1: two transactions of several bookings, each at a place the other comes to want. One of them waits, the other gives back what it has at
# once: whatever the way in which they would cross, nobody waits in a circle. PostgreSQL would not look for one in this time.
. "$(dirname "$0")/lib/race.sh"
race_setup CROSS 2 5
q -c "update data.organization set adjacency_required = false where organization_id = 'CROSS'"
mapfile -t s < <(race_slots CROSS | sort)
book() { race_book CROSS "$1" "$2" "cross-$1-$RANDOM$RANDOM"; } # BOOK SLOTS
says() { sed -n '/^said /d;s/^psql:.*ERROR:  //;s/^ERROR:  //;/^2..\/./p;/^others are at a place/p' "$race_dir/$1.said" | paste -sd,; }
back="others are at a place, and this transaction has places above it"

# cross WHAT FIRST SECOND FIRST-WANTS SECOND-WANTS: both have begun; the first waits for the second, which gives back instead of closing the ring
cross() {
    local name
    for name in first second; do
        race_open $name
        race_say $name "set deadlock_timeout = '${race_patience}s'; begin; select from api.lock_bookings('{}');"
    done
    race_say first "$2"
    race_say second "$3"
    race_say first "$4"
    until_true "$1: the first waits for the second" race_blocked first
    race_say second "$5"
    expect "$1: the second" "201/0,$back" "$(says second)"
    race_close second rollback
    until_true "$1: the first goes on" race_said first
    expect "$1: the first" "201/0,201/0" "$(says first)"
    race_close first rollback
}
cross "two places of one slot" "$(book x1 "${s[0]}")" "$(book x2 "${s[0]}")" "$(book x3 "${s[0]}")" "$(book x4 "${s[0]}")"
for slot in 1 2 3; do q -c "$(book "full-$slot" "${s[slot]}")" >/dev/null; done # one place left
cross "a visit of two slots, and one between" "$(book x1 "${s[1]}")" "$(book x2 "${s[2]}")" "$(book x3 "${s[2]}")" "$(book x4 "${s[1]}")"
cross "visits of several slots" "$(book x1 "${s[1]},${s[2]}")" "$(book x2 "${s[3]}")" "$(book x3 "${s[3]}")" "$(book x4 "${s[2]}")"

# Its own places come first: who has taken something does not wait for them. Somebody else is there who found the hold lapsed.
q -c "$(race_book CROSS held "${s[4]}" "" true)" >/dev/null
hold "select pg_advisory_xact_lock(data.place_lock_key('${s[4]}', 1))"
race_open mover
race_say mover "set deadlock_timeout = '${race_patience}s'; begin; select from api.lock_bookings('{}');"
race_say mover "$(book x1 "${s[0]}")"
race_say mover "$(book held "${s[1]}")"
until_true "it does not wait" race_said mover
expect "its own place" "201/0,$back" "$(says mover)"
race_close mover rollback
# with nothing taken it does
race_open mover
race_say mover "begin; select from api.lock_bookings('{}'); $(book held "${s[1]}")"
until_true "it waits" race_blocked mover
let_go
until_true "and goes on" race_said mover
expect "its own place, and nothing taken" "201/0" "$(says mover)"
race_close mover rollback

# A transaction of one booking waits, whatever it has: nobody else's is undone, and it would only come again.
hold "select pg_advisory_xact_lock(data.place_lock_key('${s[0]}', 1)), pg_advisory_xact_lock(data.place_lock_key('${s[0]}', 2))"
race_open mover
race_say mover "begin; $(book x1 "${s[4]}")"
race_say mover "$(book x2 "${s[0]}")"
until_true "it waits" race_blocked mover
let_go
until_true "and goes on" race_said mover
expect "one booking after the other" "201/0,201/0" "$(says mover)"
race_close mover rollback

# what a failed visit has given back is no longer in anybody's way
race_open other
race_say other "begin; select from api.lock_bookings('{}'); savepoint a; $(book x1 "${s[4]}") rollback to a;"
hold "$(book x2 "${s[1]}") commit; begin; $(book x3 "${s[0]}")"
race_say other "$(book x4 "${s[0]}")"
until_true "it has an answer" race_said other
race_close other rollback
let_go rollback
race_check
