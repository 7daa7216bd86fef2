# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# To be sourced: a private cluster with the whole of sql/ and pgTAP in a database of its own, in the caller's $work; gone with
# the caller. What is missing for it ends him with 77.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
root=$(cd "$here/../.." && pwd)
# shellcheck source=../../lib/pg.sh
. "$root/tests/lib/pg.sh"
# shellcheck source=../../lib/sql_files.sh
. "$root/tests/lib/sql_files.sh"

for tool in psql pg_prove; do
    command -v $tool >/dev/null || { echo "SKIP: $tool is not installed"; exit 77; }
done
work=$(mktemp -d "${TMPDIR:-/tmp}/zsqltest.XXXXXX")
chmod 755 "$work"
trap 'pg_private_stop; rm -rf "$work"' EXIT

# As zapisd migrate does: migrations once, each in its own transaction; then the functions, and the demonstration as often as one likes.
sql_apply() { psql -Xq1 -v ON_ERROR_STOP=1 -f "$1" || { echo "FAILED: $1"; exit 1; }; }
sql_cluster_start() {
    pg_private_start "$work" || exit 1
    export PGDATABASE=zapis_test PGOPTIONS="-c client_min_messages=warning" ZAPISD_SQL_TESTS=$here
    psql -Xqd postgres -c "create database $PGDATABASE"
    local file
    for file in "$root"/sql/migrations/*.sql; do
        sql_apply "$file"
        psql -Xq -v ON_ERROR_STOP=1 -v name="$(basename "$file")" -v sum="$(sha256sum "$file" | cut -d' ' -f1)" <<'SQL' || exit 1
insert into data.schema_version (name, sha256, applied_at) values (:'name', :'sum', now());
SQL
    done
    sql_apply_functions "$root/sql"
    psql -XAtqc "select data.rights_repair()" >/dev/null || exit 1
    sql_apply "$root/sql/demo/demo.sql" >/dev/null
    sql_apply "$root/sql/demo/demo.sql" >/dev/null
    psql -Xq -c "create extension pgtap" || { echo "SKIP: pgTAP is not installed"; exit 77; }
}
# sql_prove FILE...: true when all of them hold; what does not is told
sql_prove() {
    pg_prove -Q --failures --ext .sql "$@" || { pg_prove -v --failures "$@" 2>&1 | grep -E -A12 '^not ok|ERROR|# Looks|Dubious' | head -150; return 1; }
}
