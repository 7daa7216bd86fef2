# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# To be sourced by race scripts: an organization with slots of its own, and a booking as one line of SQL.
# Expects PGHOST etc. of a cluster with the whole of sql/ applied (run.sh).
set -u
race_dir=$(mktemp -d)
race_name=$(basename "$0" .sh) # the scripts share a database: message ids of their own
trap 'rm -rf "$race_dir"' EXIT

q() { psql -XAtq -v ON_ERROR_STOP=1 "$@"; }

# race_setup ORGANIZATION CAPACITY SLOTS: one area, SLOTS slots tomorrow
race_setup() {
    q >/dev/null <<SQL
insert into data.agency values ('RACE00001', 'Гонки') on conflict do nothing;
insert into data.organization (organization_id, agency_code, name, time_zone) values ('$1', 'RACE00001', '$1', 'Europe/Moscow');
insert into data.area (organization_id, area_id, number, name, capacity) values ('$1', 'a', 1, 'a', $2);
insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at, capacity)
select data.slot_uuid(t.at, o.number, 1), '$1', a.area_key, t.at, t.at + interval '10 min', $2
from data.organization o join data.area a using (organization_id),
    (select date_trunc('day', now()) + interval '1 day' + make_interval(mins => 10 * n) as at from generate_series(1, $3) n) t
where o.organization_id = '$1';
SQL
}
race_slots() { q -c "select slot_id from data.slot where organization_id = '$1' order by starts_at"; }
# race_book ORGANIZATION BOOK SLOTS [MESSAGE] [PRELIMINARY]: SQL of a booking that prints status and error
race_book() {
    echo "select coalesce(status_code, kind) || coalesce('/' || error_code, '') from api.book(row('l','plain','p','RACE','RACE00001','${4:-$race_name-$2}','book','good',null,null,sha256(convert_to('${4:-$race_name-$2}', 'UTF8')),now(),false,'x', false)::api.message,
        '$2', '{$3}', '$1', 'SIMPLE', 'PHYSIC', '1', '{}', '{}', '{}', ${5:-false}, 60, null, '{}') where kind in ('answer', 'stored', 'reused');"
}
race_check() {
    bad=$(q -c "select * from admin.check() where problem <> 'порталу не передаётся то, чего требует приказ'")
    [ -z "$bad" ] || { echo "admin.check(): $bad"; exit 1; }
}
expect() { # WHAT WANTED GOT
    [ "$2" = "$3" ] || { echo "$1: want $2, got $3"; exit 1; }
}

# ---- who meets whom ------------------------------------------------------------------------------------------------
# Nothing here is a matter of speed: a script goes on when what it waits for is to be seen in the database.
race_patience=300 # s, for ever, as the scripts see it
until_true() { # WHAT COMMAND...: returns when the command succeeds
    local what=$1 end=$((SECONDS + race_patience))
    shift
    until "$@"; do
        [ $SECONDS -lt $end ] || { echo "never: $what"; exit 1; }
        sleep 0.05
    done
}
sql_says() { [ "$(q -c "$1" 2>/dev/null)" = t ]; }
wait_until() { until_true "$1" sql_says "$1"; } # SQL: returns when it says true
patient() { PGOPTIONS="${PGOPTIONS:-} -c statement_timeout=${race_patience}s" q "$@"; } # what must wait for nobody

# A session that is told what to say, one piece after the other. Its words are in $race_dir/NAME.said.
declare -A race_fd race_pid race_pieces
race_open() { # NAME
    mkfifo "$race_dir/$1.in"
    : >"$race_dir/$1.said" # before the pipe lets anybody go on: what the last one of that name said is not heard as this one's
    PGAPPNAME=race_$1 psql -XAtq <"$race_dir/$1.in" >>"$race_dir/$1.said" 2>&1 &
    race_pid[$1]=$! race_pieces[$1]=0
    exec {fd}>"$race_dir/$1.in"
    race_fd[$1]=$fd
}
# To a session that has just ended too (its server process was killed, say): a script is not to die of SIGPIPE, without a word.
race_tell() { (trap '' PIPE; printf "$2" "${@:3}" >&"${race_fd[$1]}") 2>/dev/null; } # NAME FORMAT VALUES
race_said() { grep -qx "said ${race_pieces[$1]}" "$race_dir/$1.said" || ! kill -0 "${race_pid[$1]}" 2>/dev/null; }
race_blocked() { sql_says "select exists (select from pg_stat_activity where application_name = 'race_$1' and cardinality(pg_blocking_pids(pid)) > 0)"; }
race_settled() { race_said "$1" || race_blocked "$1"; }
race_say() { # NAME SQL: returns when it is said, or waits for a lock that another session has
    race_pieces[$1]=$((race_pieces[$1] + 1))
    race_tell "$1" '%s\n;\n\\warn said %d\n' "$2" "${race_pieces[$1]}"
    until_true "$1 says $2" race_settled "$1"
}
race_close() { # NAME [SQL]: says the last of it, ends, and has ended
    race_tell "$1" '%s\n;\n\\q\n' "${2:-}"
    exec {race_fd[$1]}>&-
    wait "${race_pid[$1]}"
    rm "$race_dir/$1.in"
}
# What nobody meant to hear: a statement refused, or the server, which ends the session or cannot be reached. True when there is something, and tells it.
race_failed() { grep -E '(ERROR|FATAL|PANIC):|connection to server|server closed the connection' "$race_dir/$1.said"; } # NAME
# Somebody who keeps a transaction open, until told to end it; and one who meets him there.
hold() { # SQL
    race_open holder
    race_say holder "begin; $1"
    until_true "nobody is in the way of: $1" race_said holder
    ! race_failed holder || exit 1
}
let_go() {
    race_close holder "${1:-commit}"
    ! race_failed holder || exit 1 # a commit that is refused, too
}
meet() { # SQL [END]: says it while the holder is there, who ends when the other has said it or waits for him; $met is the answer
    race_open other
    race_say other "$1"
    let_go "${2:-commit}"
    race_close other
    met=$(grep -v '^said ' "$race_dir/other.said")
}
# A gate: sessions that begin with race_gate wait behind it, and start together when all of them are there.
race_gate="select pg_advisory_lock_shared(777);"
shut_gate() { hold "select pg_advisory_xact_lock(777)"; }
open_gate() { # COUNT: when so many wait
    wait_until "select count(*) = $1 from pg_locks where locktype = 'advisory' and objid = 777 and not granted"
    let_go
    wait
}
