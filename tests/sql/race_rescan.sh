#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# B2: hours of 20 and of 30 minutes side by side in an office as it is before its first vacuum. While one session reads its
# way through the free slots, asking the same index again and again, another books so many that the index's first page
# is split. Whatever that does to an index, what was taken stays taken: it is not offered, and nobody else gets 201 for it.
. "$(dirname "$0")/lib/race.sh"
# A database of its own, whose index of places is one page yet.
fresh=race_rescan_$$
q -d postgres -c "create database $fresh template $PGDATABASE" || exit 1
trap 'export PGDATABASE=postgres; q -c "drop database $fresh with (force)"; rm -rf "$race_dir"' EXIT
export PGDATABASE=$fresh

# An hour of reception: three slots of twenty minutes and two of thirty, of one window for one person.
setup() { # ORGANIZATION HOURS
    q >/dev/null <<SQL
insert into data.agency values ('RACE00001', 'Гонки') on conflict do nothing;
insert into data.organization (organization_id, agency_code, name, time_zone, booking_window_days) values ('$1', 'RACE00001', '$1', 'Europe/Moscow', 60);
insert into data.area (organization_id, area_id, number, name) values ('$1', 'w', 1, 'Окно');
insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at, serial)
select data.slot_uuid(h.at + make_interval(mins => k.m * n), o.number, 1, k.serial), '$1', a.area_key, h.at + make_interval(mins => k.m * n),
    h.at + make_interval(mins => k.m * (n + 1)), k.serial
from data.organization o join data.area a using (organization_id),
    lateral (select date_trunc('hour', now()) + make_interval(hours => 2 + i) as at from generate_series(1, $2) i) h,
    (values (20, 0, 3), (30, 1, 2)) k (m, serial, pieces), lateral generate_series(0, k.pieces - 1) n
where o.organization_id = '$1';
SQL
}
slots() { q -c "select slot_id from data.slot where organization_id = '$1' and serial = $2 order by starts_at"; }
book_all() { # NAME SLOT...
    local name=$1 n=0
    shift
    for slot in "$@"; do n=$((n + 1)); race_book "$office" "$office-$name-$n" "$slot"; done | q | sort | uniq -c | xargs
}
cancel_all() { # NAME COUNT
    for n in $(seq "$2"); do
        echo "select status_code from api.cancel_booking(row('l','plain','p','RACE','RACE00001','c-$office-$1-$n','cancelBooking','good',null,null,sha256(convert_to('c-$office-$1-$n', 'UTF8')),now(),false,'x', false)::api.message, '$office-$1-$n', '1', '{}') where kind = 'answer';"
    done | q | sort | uniq -c | xargs
}

for round in 1 2 3; do
    office=RG$round
    q -c "truncate data.place, data.occupancy" -c "alter table data.place set (autovacuum_enabled = off)" >/dev/null
    setup $office 100
    mapfile -t short < <(slots $office 0)
    mapfile -t long < <(slots $office 1)
    # every other one is booked and cancelled, and leaves a dead entry; the living are in between, and behind them
    dead=() living=()
    for n in $(seq 0 59); do dead+=("${short[2 * n]}") living+=("${short[2 * n + 1]}"); done
    expect "booked and" "60 201/0" "$(book_all a "${dead[@]}")"
    expect "cancelled" "60 301" "$(cancel_all a 60)"
    expect "booked" "60 201/0" "$(book_all b "${living[@]}")"
    # The reader has just found the first one taken, behind the dead entries, when the other begins; it goes on when he is done.
    q >"$race_dir/offered" <<SQL &
create function pg_temp.pause(last text) returns boolean language plpgsql volatile cost 1 as \$\$
declare
    n integer := coalesce(nullif(current_setting('race.calls', true), ''), '0')::integer + 1;
begin
    perform set_config('race.calls', n::text, false);
    if n = 3 then
        perform pg_advisory_lock(779);
        for i in 1 .. 3000 loop
            exit when exists (select from data.booking where book_key = last);
            perform pg_sleep(0.1);
        end loop;
        perform pg_advisory_unlock(779);
    end if;
    return true;
end \$\$;
select starts_at - interval '1 second' as since from data.slot where slot_id = '${living[0]}' \\gset
set enable_bitmapscan = off;
select slot_id from data.free_slots('$office', :'since', now() + interval '60 days', '{}', null, now())
where pg_temp.pause(lower('$office-c-140'));
SQL
    wait_until "select count(*) > 0 from pg_locks where locktype = 'advisory' and objid = 779 and granted"
    expect "booked meanwhile" "140 201/0" "$(book_all c "${short[@]:120:140}")"
    wait
    # every long hour beside a short one that is taken
    mapfile -t beside < <(q -c "set enable_indexscan = off; set enable_bitmapscan = off; select distinct l.slot_id from data.slot l join data.slot t on t.area_key = l.area_key and t.serial = 0 and t.starts_at < l.ends_at and t.ends_at > l.starts_at join data.place p on p.slot_id = t.slot_id where l.organization_id = '$office' and l.serial = 1")
    expect "offered though taken" 0 "$(q -c "select count(*) from data.free_slots('$office', now(), now() + interval '60 days', '{}', null, now()) t where t.slot_id = any ('{$(IFS=,; echo "${beside[*]}")}')")"
    expect "two for one window" "${#beside[@]} 208/4" "$(book_all d "${beside[@]}")"
    expect "overlaps" 0 "$(q -c "set enable_indexscan = off; set enable_indexonlyscan = off; set enable_bitmapscan = off; select count(*) from data.place p join data.place o on o.area_key = p.area_key and o.slot_id > p.slot_id and o.starts_at < p.ends_at and o.ends_at > p.starts_at join data.booking b on b.book_key = p.book_key where b.organization_id = '$office'")"
done
q -c "truncate data.place, data.occupancy" >/dev/null
