#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# L1, B4, B9: an operator's change of what areas use, over more than a thousand visits, while citizens book: who books elsewhere waits for
# nobody, who books by chance gets what is free, who books there gets the order's answer; and neither does a waiting operator stop anybody.
. "$(dirname "$0")/lib/race.sh"
race_setup AO 1 3 # another office
q >/dev/null <<'SQL'
insert into data.organization (organization_id, agency_code, name, time_zone) values ('AE', 'RACE00001', 'AE', 'Europe/Moscow');
insert into data.area (organization_id, area_id, number, name, capacity) values ('AE', 'b', 1, 'Здание', 1), ('AE', 'hall', 4, 'Зал', 3), ('AE', 'far', 5, 'Другой зал', 3);
insert into data.area (organization_id, area_id, number, name, parent_key) select 'AE', v.id, v.n, v.id, area_key from data.area, (values ('w1', 2), ('w2', 3)) as v (id, n) where organization_id = 'AE' and area_id = 'b';
update data.area set parent_key = (select area_key from data.area where organization_id = 'AE' and area_id = 'b') where organization_id = 'AE' and area_id = 'hall';
insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at, capacity)
select gen_random_uuid(), 'AE', a.area_key, t, t + interval '10 min', a.capacity
from data.area as a, generate_series(0, 1300) as n, lateral (select date_trunc('day', now()) + interval '1 day' + make_interval(mins => 10 * n) as t) as x
where a.organization_id = 'AE' and a.area_id in ('w1', 'w2') or a.organization_id = 'AE' and a.area_id in ('hall', 'far') and n = 1300;
insert into data.booking (book_key, book_id, esia_id, organization_id, state, status_code, created_at, changed_at)
select k, k, '1', 'AE', 'BOOKED', '201', now(), now() from generate_series(1, 1200) as n, lateral (select 'ae-' || n as k) as x;
insert into data.booking_history (book_key, at, actor, db_user, new_state, new_status, organization_id) select book_key, now(), 'A', 'x', 'BOOKED', '201', 'AE' from data.booking where organization_id = 'AE';
insert into data.place (slot_id, place_no, book_key, capacity, area_key, starts_at, ends_at)
select s.slot_id, 1, 'ae-' || row_number() over (order by s.starts_at), 1, s.area_key, s.starts_at, s.ends_at
from data.slot as s join data.area as a using (area_key) where a.organization_id = 'AE' and a.area_id = 'w1' order by s.starts_at limit 1200;
SQL
slot_of() { q -c "select s.slot_id from data.slot as s join data.area as a using (area_key) where a.organization_id = 'AE' and a.area_id = '$1' order by s.starts_at ${2:-} limit 1"; }
mapfile -t other < <(race_slots AO)
first=$(slot_of w2) last=$(slot_of w2 desc) far=$(slot_of far)

# the building is made exclusive: 1200 visits use it, and the transaction stays open
exclusive="update data.area set is_exclusive = true where organization_id = 'AE' and area_id = 'b'"
hold "$exclusive"
expect "L1: another office books" 201/0 "$(patient -c "$(race_book AO o-1 "${other[0]}")")"
expect "L1: so does an area of the same office that is not concerned" 201/0 "$(patient -c "$(race_book AE f-1 "$far")")"
expect "B4: who asks for any place gets that area's" 201/0 "$(patient -c "$(race_book AE f-2 blind_request)")"
expect "there" "$far" "$(q -c "select slot_id from data.place where book_key = 'f-2'")"
# a window whose time somebody has in the building: it was free before, it is not when the change is there
meet "$(race_book AE w-1 "$first")"
expect "B9: the order's answer, not an error" 208/4 "$met"
expect "B9: where nobody is in the building" 201/0 "$(q -c "$(race_book AE w-2 "$last")")"
expect "B9: who has what" 1201 "$(q -c "select count(*) from data.occupancy as q join data.area as a using (area_key) where a.organization_id = 'AE'")"
q -c "update data.area set is_exclusive = false where organization_id = 'AE'"
expect "B9: nothing is used any more" 0 "$(q -c "select count(*) from data.occupancy as q join data.area as a using (area_key) where a.organization_id = 'AE'")"

# somebody has booked there and gone to lunch: the operator waits for him, and those who come then do not wait for the operator
hold "$(race_book AE l-1 "$first")"
race_open operator
race_say operator "$exclusive"
for n in 1 2 3; do expect "L1: the operator waits, citizens book" 201/0 "$(patient -c "$(race_book AE "l-$n-$n" "$(slot_of w2 "offset $n")")")"; done
let_go
race_close operator
expect "B9: and then it is done" t "$(q -c "select is_exclusive from data.area where organization_id = 'AE' and area_id = 'b'")"
q -c "update data.area set is_exclusive = false where organization_id = 'AE'"

# slots for several that begin at odd seconds: two who book one do not exclude each other
hall=$(slot_of hall)
q -c "update data.slot set starts_at = starts_at + interval '37 seconds', ends_at = ends_at + interval '37 seconds' where slot_id = '$hall'"
hold "$(race_book AE s-1 "$hall")"
expect "L1: another place of a slot at 37 seconds past" 201/0 "$(patient -c "$(race_book AE s-2 "$hall")")"
let_go

# nothing else is left: then it is waited for, and what is said is true
hold "$(race_book AO o-2 "${other[1]}"); $(race_book AO o-3 "${other[2]}")"
meet "$(race_book AO o-4 blind_request)" rollback
expect "B4: the last places come back" 201/0 "$met"
hold "$(race_book AO o-5 "$(q -c "select slot_id from data.slot as s where organization_id = 'AO' and not exists (select from data.place as p where p.slot_id = s.slot_id)")")"
meet "$(race_book AO o-6 blind_request)" commit
expect "B4: the last place does not come back" 208/4 "$met"
race_check
