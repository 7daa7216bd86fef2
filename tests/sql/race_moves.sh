#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# L1, B2: sixteen sessions move and cancel at random among slots of three places, several bookings a transaction, as the daemon's
# shared transactions do: nobody waits in a circle, and no place is lost. RACE_SEED repeats a run.
. "$(dirname "$0")/lib/race.sh"
seed=${RACE_SEED:-$RANDOM}
echo "RACE_SEED=$seed"
RANDOM=$seed
race_setup MOVES 3 5
mapfile -t s < <(race_slots MOVES)
for i in $(seq 12); do q -c "$(race_book MOVES "mv$i" "${s[$((i % 4))]}")" >/dev/null; done
before=$(q -c "select deadlocks from pg_stat_database where datname = current_database()")
for w in $(seq 16); do
    {
        echo "set deadlock_timeout = '10ms';"
        for n in $(seq 40); do
            # each booking once a transaction, and in the order of the slots they go to
            for i in $(shuf -i 1-12 -n 4 --random-source=<(yes "$seed$w$n")); do echo "$((RANDOM % 5)) $i"; done | sort -n >"$race_dir/plan"
            echo "begin; select from api.lock_bookings('{$(awk '{printf "%smv%s", sep, $2; sep = ","}' "$race_dir/plan")}');"
            while read -r slot i; do race_book MOVES "mv$i" "${s[$slot]}" "mv-$w-$n-$i"; done <"$race_dir/plan"
            echo "commit;"
        done
    } >"$race_dir/$w.sql"
done
for w in $(seq 16); do psql -XAtq -f "$race_dir/$w.sql" >"$race_dir/$w.out" 2>"$race_dir/$w.err" & done
wait
cat "$race_dir"/*.err | sort | uniq -c | sort -rn | head -5
expect "deadlocks" "0" "$(cat "$race_dir"/*.err | grep -c 'deadlock detected')"
expect "places" "12 12" "$(q -c "select count(*) || ' ' || count(distinct book_key) from data.place join data.booking using (book_key) where book_key ~ '^mv'")"
race_check
