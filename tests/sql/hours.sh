#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# L6: what the pgTAP files find is no matter of the hour or the day. They are run beside a server whose clock stands elsewhere (libfaketime).
# hours.sh                  late on the last evening of a year in Moscow, and over its midnight into the night after it, and an hour of
#                           HOURS_SEED's if it is set
# hours.sh AT [FILE...]     only then, as date(1) understands AT
set -u
# shellcheck source=lib/cluster.sh
. "$(dirname "$0")/lib/cluster.sh"
faketime=$(find /usr/lib -name libfaketimeMT.so.1 2>/dev/null | head -1)
[ -n "$faketime" ] || { echo "SKIP: faketime is not installed"; exit 77; }

year=$(date -u +%Y)
hours=("$year-12-31 20:21 UTC" "$year-12-31 20:59:30 UTC")
if [ -n "${HOURS_SEED:-}" ]; then
    RANDOM=$HOURS_SEED
    hours+=("$((year + 1))-01-0$((1 + RANDOM % 9)) $((RANDOM % 24)):$((RANDOM % 60)) UTC")
fi
if [ $# -gt 0 ]; then hours=("$1"); shift; fi
# What counts rows in calendars of years, or plays hundreds of worlds, takes its time and knows no hour; of housekeeping.sql a part needs statement_timeout, which
# does not come about under libfaketime.
if [ $# -eq 0 ]; then mapfile -t files < <(ls "$here"/*.sql | grep -Ev '_cost|promises|one_grid|offered_days|schema|grants|settings|bounds|housekeeping'); else files=("$@"); fi

clock_stands() { # AT: for the server
    local ahead=$(($(date -ud "$1" +%s) - $(date +%s)))
    printf '%+d\n' "$ahead" >"$work/clock"
}
clock_stands "${hours[0]}"
chmod 644 "$work/clock"
PG_PRIVATE_ENV="LD_PRELOAD=$faketime FAKETIME_TIMESTAMP_FILE=$work/clock FAKETIME_NO_CACHE=1"
sql_cluster_start
status=0
for at in "${hours[@]}"; do
    clock_stands "$at"
    said=$(psql -XAtqc "select extract(epoch from clock_timestamp() - '$at') between 0 and 600")
    [ "$said" = t ] || { echo "FAIL the server's clock does not stand at $at"; exit 1; }
    psql -XAtq -v ON_ERROR_STOP=1 -c "select admin.generate(organization_id) from data.organization" >/dev/null || exit 1 # as the daemon would have
    if sql_prove "${files[@]}"; then echo "ok   $at"; else echo "FAIL $at"; status=1; fi
done
exit $status
