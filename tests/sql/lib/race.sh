# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# To be sourced by race scripts: an organization with slots of its own, and a booking as one line of SQL.
# Expects PGHOST etc. of a cluster with the whole of sql/ applied (run.sh).
set -u
race_dir=$(mktemp -d)
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
    echo "select coalesce(status_code, kind) || coalesce('/' || error_code, '') from api.book(row('l','plain','p','RACE','RACE00001','${4:-m-$2}','book','good',null,null,sha256(convert_to('${4:-m-$2}', 'UTF8')),now(),false,'x')::api.message,
        '$2', '{$3}', '$1', 'SIMPLE', 'PHYSIC', '1', '{}', '{}', '{}', ${5:-false}, 60, null, '{}') where kind in ('answer', 'stored', 'reused');"
}
race_check() {
    bad=$(q -c "select * from admin.check()")
    [ -z "$bad" ] || { echo "admin.check(): $bad"; exit 1; }
}
expect() { # WHAT WANTED GOT
    [ "$2" = "$3" ] || { echo "$1: want $2, got $3"; exit 1; }
}
