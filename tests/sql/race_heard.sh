#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# B2: who is told to speak in lib/race.sh is heard for himself. A session opened under a name that another had before has said nothing
# yet, however late it comes; or those who are to meet would miss each other, and the wrong one be first. And a commit that is
# refused is told, as is a session that the server ends or does not let in.
. "$(dirname "$0")/lib/race.sh"
(
    psql() { cat >/dev/null; } # says nothing
    for round in $(seq 1000); do
        echo "said 1" >"$race_dir/holder.said" # the one before
        race_open holder
        [ ! -s "$race_dir/holder.said" ] || { echo "round $round: heard what another had said"; exit 1; }
        race_close holder
    done
) || exit 1
hold "select pg_advisory_xact_lock(779)"
expect "said when it is done" f "$(q -c 'select pg_try_advisory_xact_lock(779)')"
let_go
expect "and over when it is over" t "$(q -c 'select pg_try_advisory_xact_lock(779)')"
q -c "create table public.race_heard (n integer primary key deferrable initially deferred)"
(hold "insert into public.race_heard values (1), (1)"; let_go) >"$race_dir/told" 2>&1 && { echo "a commit that failed was taken for one"; exit 1; }
expect "and it is told" 1 "$(grep -c 'ERROR: *duplicate key' "$race_dir/told")"
q -c "drop table public.race_heard"
for said in "select pg_terminate_backend(pg_backend_pid())" "set idle_in_transaction_session_timeout = 1; select 1;
\\! sleep 0.2
select 1"; do
    (hold "$said") >"$race_dir/told" 2>&1 && { echo "a session that was ended was taken for one that holds: $said"; exit 1; }
    grep -q 'FATAL: ' "$race_dir/told" || { echo "and it is not told: $said"; cat "$race_dir/told"; exit 1; }
done
(PGDATABASE=nowhere; hold "select 1") >"$race_dir/told" 2>&1 && { echo "one who was not let in was taken for one that holds"; exit 1; }
grep -q 'FATAL: ' "$race_dir/told" || { echo "and it is not told"; exit 1; }
# Each script has a database of its own (run.sh): what another left behind is not here.
expect "nobody else's organizations" 0 "$(q -c "select count(*) from data.organization where agency_code ~ '^RACE'")"
