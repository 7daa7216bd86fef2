#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# B5, B7: forty sessions book for one person at once, each another slot: as many as the limit allows get one. The same with
# the share of a channel, with an exclusive area (B9) and with a buffer; and blind requests among them.
. "$(dirname "$0")/lib/race.sh"

storm() { # NAME ORGANIZATION CHANNEL: one session for each slot of the organization, every fourth one blind
    local n=0 slot blanks
    rm -f "$race_dir"/*.sql "$race_dir"/*.out
    while read -r slot; do
        n=$((n + 1))
        [ $((n % 4)) -eq 0 ] && slot=blind_request
        blanks=$(printf '%*s' $((n % 5)) '')
        [ $((n % 3)) -eq 0 ] && blanks+=$'\u00a0' # one person, one application, however written
        { echo "$race_gate"
          race_book "$2" "$1-$n" "$slot" | sed "s/row('l','plain'/row('l','$3'/; s/'1', '{}', '{}', '{}', false/'${blanks}1', '{\"caseNumber\": \"9$blanks\"}', '{}', '{}', false/"
        } >"$race_dir/$n.sql"
    done < <(race_slots "$2")
    shut_gate
    for f in "$race_dir"/*.sql; do q -f "$f" >"${f%.sql}.out" 2>&1 & done
    open_gate $n
}
won() { grep -h / "$race_dir"/*.out | grep -c '^201/0$'; }
lost() { grep -h / "$race_dir"/*.out | grep -c '^208/4$'; }

race_setup LP 1 40
q -c "insert into data.booking_limit (organization_id, person, period, max_bookings) values ('LP', 'esiaId', 'live', 3)"
storm lp LP portal
expect "B5: one person, three bookings" 3/37 "$(won)/$(lost)"
q -c "delete from data.booking_limit where organization_id = 'LP'" \
    -c "insert into data.booking_limit (organization_id, person, period, max_bookings) values ('LP', 'caseNumber', 'year', 5), ('LP', 'esiaId', 'month', 20)"
storm lq LP portal
expect "B7: one application, five bookings: two more" 2/38 "$(won)/$(lost)"

race_setup LS 1 40
q -c "insert into data.channel_share (organization_id, channel, percent) values ('LS', 'kiosk', 10)"
storm ls LS kiosk
expect "a tenth of forty places for kiosks" 4/36 "$(won)/$(lost)"

race_setup LX 1 1
q >/dev/null <<'SQL'
insert into data.area (organization_id, area_id, number, name, parent_key) select 'LX', 'p' || n, 10 + n, 'p', area_key from data.area, generate_series(1, 39) n where organization_id = 'LX';
insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at)
select gen_random_uuid(), 'LX', a.area_key, s.starts_at, s.ends_at from data.area a, data.slot s where a.organization_id = 'LX' and a.parent_key is not null and s.organization_id = 'LX';
update data.area set is_exclusive = true where organization_id = 'LX' and parent_key is null;
SQL
storm lx LX portal
expect "B9: forty specialists in one exclusive room" 1/39 "$(won)/$(lost)"

race_setup LB 1 40
q -c "update data.area set buffer_after_min = 5 where organization_id = 'LB'"
storm lb LB portal
expect "a buffer: no two neighbours" 0 "$(q -c "select count(*) from data.place p join data.place r on r.area_key = p.area_key and r.starts_at = p.ends_at join data.slot s on s.slot_id = p.slot_id where s.organization_id = 'LB'")"
[ "$(won)" -ge 14 ] || { echo "buffers: $(won) of 40 booked"; exit 1; }
race_check
