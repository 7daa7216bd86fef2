#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# L1, B2: eight sessions move visits of one slot or two at random among slots of three places, several bookings a transaction, as the
# daemon's groups do: nobody waits in a circle, and no place is lost. RACE_SEED repeats a run.
. "$(dirname "$0")/lib/race.sh"
seed=${RACE_SEED:-$RANDOM}
echo "RACE_SEED=$seed"
RANDOM=$seed
race_setup MOVES 3 4
q -c "update data.organization set adjacency_required = false where organization_id = 'MOVES'"
mapfile -t s < <(race_slots MOVES | sort)
for i in 0 1 2 3; do q -c "$(race_book MOVES "mv$i" "${s[i]}")" >/dev/null; done
for w in $(seq 8); do
    {
        echo "set deadlock_timeout = '2ms';"
        for n in $(seq 50); do
            # Each booking once a transaction, in the order of the slots they go to; some are visits of two. Newcomers do not stay.
            taken=" " members=0
            while [ $members -lt 4 ]; do # no subshell: it would have random numbers of its own
                i=$((RANDOM % 20)) slot=$((RANDOM % 4)) other=$((RANDOM % 16))
                [[ $taken != *" $i "* ]] || continue
                [ $other -lt 4 ] && [ $other != $slot ] || other=
                taken="$taken$i " members=$((members + 1))
                [ $i -lt 4 ] || i=$i-$w-$n
                echo "${s[slot]}${other:+,${s[$other]}} mv$i" >&9
            done 9>"$race_dir/members"
            sort "$race_dir/members" >"$race_dir/plan"
            grep -q ' mv.*-' "$race_dir/plan" && end=rollback || end=commit
            echo "begin; select from api.lock_bookings('{$(cut -d' ' -f2 "$race_dir/plan" | paste -sd,)}');"
            while read -r slots book; do race_book MOVES "$book" "$slots" "mv-$w-$n-$book"; echo "select from pg_sleep(random() * 0.006);"; done <"$race_dir/plan"
            echo "$end;"
        done
    } >"$race_dir/$w.sql"
done
for w in $(seq 8); do psql -XAtq -f "$race_dir/$w.sql" >"$race_dir/$w.out" 2>"$race_dir/$w.err" & done
wait
grep -h ERROR "$race_dir"/*.err | sed "s,^[^ ]* *,," | sort | uniq -c | sort -rn | head -5
expect "deadlocks" "0" "$(cat "$race_dir"/*.err | grep -c 'deadlock detected')"
expect "bookings with places" "4" "$(q -c "select count(distinct book_key) from data.place join data.booking using (book_key) where book_key ~ '^mv'")"
race_check
