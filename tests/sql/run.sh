#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
#
# Applies the whole of sql/ to a private cluster and runs the pgTAP files and the race scripts against it.
# run.sh            everything
# run.sh FILE...    only these (*.sql through pg_prove, race_*.sh with bash)
# run.sh --files    every pgTAP file
# run.sh --races N/M  every Mth race script, from the Nth
# Ends with the status of the worst of them; leaves nothing running.
set -u
# shellcheck source=lib/cluster.sh
. "$(dirname "$0")/lib/cluster.sh"
case ${1:-} in
    --files) set -- "$here"/*.sql ;;
    --races)
        part=${2%/*} parts=${2#*/} races=("$here"/race_*.sh)
        set --
        for ((i = part - 1; i < ${#races[@]}; i += parts)); do set -- "$@" "${races[i]}"; done
        [ $# -gt 0 ] || { echo "run.sh: no part $part of $parts" >&2; exit 2; }
        # A database is copied for each, by file; processes end here, machines do not.
        PG_PRIVATE_OPTIONS="-c fsync=off -c full_page_writes=off"
        ;;
    '') set -- "$here"/*.sql "$here"/race_*.sh ;;
esac
for file in "$@"; do
    [ -r "$file" ] || { echo "run.sh: no file $file" >&2; exit 2; }
done
sql_cluster_start

# in_its_own FILE: a race script in a database of its own, which ends with it, as its logins do: what it leaves behind, because it ended
# early or not, meets nobody.
in_its_own() {
    local own result roles
    own=own_$(basename "$1" .sh)
    # Not by the log: a sequence copied so gives numbers again after a crash, and scripts kill server processes.
    psql -Xqd postgres -c "create database $own template $PGDATABASE strategy file_copy" || return 1
    roles=$(psql -XAtqd postgres -c "select string_agg(oid::text, ',') from pg_roles")
    PGDATABASE=$own bash "$1"
    result=$?
    psql -Xqd postgres -c "drop database $own with (force)" || return 1
    psql -XAtqd postgres -c "select format('drop role %I;', rolname) from pg_roles where oid not in ($roles)" |
        psql -Xqd postgres -v ON_ERROR_STOP=1 || return 1
    return $result
}

status=0
files=()
for file in "$@"; do case $file in *.sql) files+=("$file") ;; esac done
[ ${#files[@]} -eq 0 ] || sql_prove "${files[@]}" || status=1
for file in "$@"; do
    case $file in
        *.sh)
            if in_its_own "$file"; then echo "ok   $(basename "$file")"; else echo "FAIL $(basename "$file")"; status=1; fi
            ;;
    esac
done
exit $status
