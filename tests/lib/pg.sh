# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
#
# A private PostgreSQL cluster for tests and for ./dev: Unix socket only, trust, gone when stopped.
# To be sourced (bash or POSIX sh). It never touches a cluster of the system and never listens on a network.
#
#   pg_private_start DIR   makes (or starts again) a cluster under DIR; exports PGHOST, PGPORT, PGUSER, PGDATABASE, PG_PRIVATE_DATA
#   pg_private_stop        stops it; a data directory that had to be moved elsewhere is removed with it
#
# PG_PRIVATE_OPTIONS     further server options, e.g. "-c shared_preload_libraries=auto_explain"
# PG_PRIVATE_TEMPLATE    the data directory of a cluster that was stopped, copied instead of made when DIR has none
# PG_PRIVATE_ENV         what its programs find in their environment, as env(1) takes it, e.g. "TZ=Asia/Kamchatka"
# PG_PRIVATE_BIN         directory of initdb and pg_ctl (default: the newest of Debian's)

pg_private_bin() {
    if [ -n "${PG_PRIVATE_BIN:-}" ]; then
        printf '%s\n' "$PG_PRIVATE_BIN"
        return
    fi
    for pg_dir in 17 16 15; do
        if [ -x "/usr/lib/postgresql/$pg_dir/bin/initdb" ]; then
            printf '%s\n' "/usr/lib/postgresql/$pg_dir/bin"
            return
        fi
    done
    pg_dir=$(command -v initdb) && dirname "$pg_dir"
}

# The server refuses to run as root: root runs it as postgres.
pg_private_run() {
    if [ "$(id -u)" = 0 ]; then
        # shellcheck disable=SC2086
        (cd / && exec setpriv --reuid=postgres --regid=postgres --init-groups -- env ${PG_PRIVATE_ENV:-} "$@")
    else
        # shellcheck disable=SC2086
        env ${PG_PRIVATE_ENV:-} "$@"
    fi
}

pg_private_start() {
    pg_want=$1
    pg_bin=$(pg_private_bin)
    if [ -z "$pg_bin" ]; then
        echo "pg_private_start: no PostgreSQL server found (initdb)" >&2
        return 1
    fi
    mkdir -p "$pg_want" || return 1
    pg_want=$(cd "$pg_want" && pwd)
    pg_home=$pg_want/pg
    PG_PRIVATE_MOVED=
    # A socket path has 107 characters; and the postgres user must be able to enter the directory.
    mkdir -p "$pg_home" || return 1
    if [ "$(id -u)" = 0 ]; then chown postgres:postgres "$pg_home"; fi
    chmod 700 "$pg_home"
    if [ ${#pg_home} -gt 80 ] || ! pg_private_run test -w "$pg_home"; then
        rmdir "$pg_home" 2>/dev/null
        if [ -f "$pg_want/pg.moved" ] && [ -d "$(cat "$pg_want/pg.moved")" ]; then
            pg_home=$(cat "$pg_want/pg.moved")
        else
            pg_home=$(mktemp -d "${TMPDIR:-/tmp}/zpg.XXXXXX") || return 1
            if [ "$(id -u)" = 0 ]; then chown postgres:postgres "$pg_home"; fi
            if [ ${#pg_home} -gt 80 ] || ! pg_private_run test -w "$pg_home"; then
                rmdir "$pg_home"
                pg_home=$(mktemp -d /tmp/zpg.XXXXXX) || return 1
                if [ "$(id -u)" = 0 ]; then chown postgres:postgres "$pg_home"; fi
            fi
            printf '%s\n' "$pg_home" >"$pg_want/pg.moved"
        fi
        PG_PRIVATE_MOVED=$pg_home
    fi
    PG_PRIVATE_DATA=$pg_home/data
    PG_PRIVATE_LOG=$pg_home/server.log
    if [ ! -f "$PG_PRIVATE_DATA/PG_VERSION" ] && [ -n "${PG_PRIVATE_TEMPLATE:-}" ]; then
        cp -a --reflink=auto "$PG_PRIVATE_TEMPLATE" "$PG_PRIVATE_DATA.new" && mv "$PG_PRIVATE_DATA.new" "$PG_PRIVATE_DATA" || return 1
    elif [ ! -f "$PG_PRIVATE_DATA/PG_VERSION" ]; then
        pg_private_run "$pg_bin/initdb" --no-sync -D "$PG_PRIVATE_DATA" -U postgres -A trust -E UTF8 --locale=C.UTF-8 \
            >"$pg_want/initdb.log" 2>&1 || { cat "$pg_want/initdb.log" >&2; return 1; }
    fi
    if ! pg_private_run "$pg_bin/pg_ctl" -D "$PG_PRIVATE_DATA" status >/dev/null 2>&1; then
        # shellcheck disable=SC2086
        pg_private_run "$pg_bin/pg_ctl" -D "$PG_PRIVATE_DATA" -l "$PG_PRIVATE_LOG" -w -t 60 start \
            -o "-c listen_addresses='' -k $pg_home -c shared_buffers=128MB -c max_connections=300 ${PG_PRIVATE_OPTIONS:-}" \
            >/dev/null || { cat "$PG_PRIVATE_LOG" >&2; return 1; }
    fi
    PGHOST=$pg_home PGPORT=5432 PGUSER=postgres PGDATABASE=postgres
    export PGHOST PGPORT PGUSER PGDATABASE PG_PRIVATE_DATA PG_PRIVATE_LOG PG_PRIVATE_MOVED
}

pg_private_stop() {
    [ -n "${PG_PRIVATE_DATA:-}" ] || return 0
    pg_private_run "$(pg_private_bin)/pg_ctl" -D "$PG_PRIVATE_DATA" -m fast -w stop >/dev/null 2>&1
    if [ -n "${PG_PRIVATE_MOVED:-}" ]; then
        rm -rf "$PG_PRIVATE_MOVED"
    fi
    unset PG_PRIVATE_DATA PG_PRIVATE_MOVED PG_PRIVATE_LOG PGHOST PGPORT PGUSER PGDATABASE
}
