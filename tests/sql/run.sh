#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
#
# Applies the whole of sql/ to a private cluster and runs the pgTAP files and the race scripts against it.
# run.sh            everything
# run.sh FILE...    only these (*.sql through pg_prove, race_*.sh with bash)
# Ends with the status of the worst of them; leaves nothing running.
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
# shellcheck source=../lib/pg.sh
. "$root/tests/lib/pg.sh"

for tool in psql pg_prove; do
    command -v $tool >/dev/null || { echo "SKIP: $tool is not installed"; exit 77; }
done
work=$(mktemp -d "${TMPDIR:-/tmp}/zsqltest.XXXXXX")
chmod 755 "$work"
trap 'pg_private_stop; rm -rf "$work"' EXIT
pg_private_start "$work" || exit 1
export PGDATABASE=zapis_test PGOPTIONS="-c client_min_messages=warning" ZAPISD_SQL_TESTS=$here
psql -Xqd postgres -c "create database $PGDATABASE"

# As zapisd migrate does: migrations once, each in its own transaction; then the functions, as often as one likes.
apply() { psql -Xq1 -v ON_ERROR_STOP=1 -f "$1" || { echo "FAILED: $1"; exit 1; }; }
for file in "$root"/sql/migrations/*.sql; do
    apply "$file"
    psql -Xq -v ON_ERROR_STOP=1 -v name="$(basename "$file")" -v sum="$(sha256sum "$file" | cut -d' ' -f1)" <<'SQL' || exit 1
insert into data.schema_version (name, sha256, applied_at) values (:'name', :'sum', now());
SQL
done
for round in 1 2; do
    [ $round = 1 ] && bodies=off || bodies=on # they may name each other in any order
    for file in "$root"/sql/api/*.sql "$root"/sql/admin/*.sql; do PGOPTIONS="$PGOPTIONS -c check_function_bodies=$bodies" apply "$file"; done
    apply "$root/sql/demo/demo.sql" >/dev/null
done
psql -Xqc "select data.built_note()" >/dev/null
psql -Xq -c "create extension pgtap" || { echo "SKIP: pgTAP is not installed"; exit 77; }

status=0
if [ $# -eq 0 ]; then set -- "$here"/*.sql "$here"/race_*.sh; fi
files=()
for file in "$@"; do case $file in *.sql) files+=("$file") ;; esac done
if [ ${#files[@]} -gt 0 ]; then
    pg_prove -Q --failures --ext .sql "${files[@]}" || { pg_prove -v --failures "${files[@]}" 2>&1 | grep -E -A12 '^not ok|ERROR|# Looks|Dubious' | head -150; status=1; }
fi
for file in "$@"; do
    case $file in
        *.sh)
            if bash "$file"; then echo "ok   $(basename "$file")"; else echo "FAIL $(basename "$file")"; status=1; fi
            ;;
    esac
done
exit $status
