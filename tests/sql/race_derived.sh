#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# L1, R4: the reference books follow an office's tables. Two who change what shows in no item of a book do not meet there: one of them might
# have what the other wants next.
. "$(dirname "$0")/lib/race.sh"
race_setup RD 1 6
q >/dev/null <<'SQL'
update data.organization set phone = '+7 000 000-00-00' where organization_id = 'RD';
insert into data.service (service_id, name) values ('RD-s', 'Услуга') on conflict do nothing;
insert into data.organization_service (organization_id, service_id) values ('RD', 'RD-s');
insert into data.area_service (area_key, organization_id, service_id) select area_key, 'RD', 'RD-s' from data.area where organization_id = 'RD';
select count(*) from (select s.wall, row_number() over (order by s.wall) as n from (select starts_at at time zone 'Europe/Moscow' as wall from data.slot where organization_id = 'RD') as s) as t,
    lateral admin.absence('RD', 'a', t.wall, t.wall + interval '10 minutes', 'учения', apply => true) where t.n in (2, 4);
SQL
mapfile -t c < <(q -c "select closure_id from data.closure where organization_id = 'RD' order by 1")
changes=("update data.closure set reason = reason || '.' where closure_id = ${c[0]}" "update data.closure set reason = reason || '.' where closure_id = ${c[1]}"
    "update data.area set capacity = capacity where organization_id = 'RD'" "update data.organization_service set notice_min = null where organization_id = 'RD'")
for first in "${!changes[@]}"; do
    hold "${changes[first]}"
    for second in "${!changes[@]}"; do
        [ "$first" = "$second" ] || expect "${changes[second]} beside ${changes[first]}" yes "$(q -c "set lock_timeout = '10s'" -c "${changes[second]}" -c "select 'yes'" 2>&1)"
    done
    let_go
done
# and what shows is there
q -c "update data.organization set name = 'RD заново' where organization_id = 'RD'" >/dev/null
expect "a new name shows" "RD заново" "$(q -c "select title from data.ref_item where ref_name = 'organizations' and code = 'RD'")"
race_check
