#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# T2, B2: schedules that change while somebody is at their slots. Whom generation passes over it comes back to; a slot that two give back at
# once is what the schedule says, soon; an area that is removed has no open slot and nothing in it, whoever was making it just then; and
# commands on schedules take their locks in one order, so that none of them is refused for a ring.
. "$(dirname "$0")/lib/race.sh"
race_setup RSC 1 0
q >/dev/null <<'SQL'
update data.organization set phone = '000' where organization_id = 'RSC';
select admin.add_area('RSC', 'hall', 'Зал', 2), admin.add_area('RSC', 'room', 'Кабинет');
select admin.set_hours('RSC', a, 'пн-вс', '10:00-12:00', 30) from unnest(array['a', 'hall']) as a;
select admin.generate('RSC');
SQL
today=$(q -c "select (now() at time zone 'Europe/Moscow')::date") # one day, whenever midnight comes
day() { date -d "$today + $1 days" +%F; }
slot() { q -c "select s.slot_id from data.slot as s join data.area as a using (area_key) where a.organization_id = 'RSC' and a.area_id = '$1' and s.wall_at = '$(day "$2") $3'"; }
shape() { q -c "select extract(epoch from ends_at - starts_at)::integer / 60 || ' ' || capacity || case when is_closed then ' closed' else '' end || case when is_outdated then ' outdated' else '' end from data.slot where slot_id = '$1'"; }
keep() { q -c "update data.schedule_state set not_before = null" -c "do \$\$ begin for n in 1 .. 500 loop exit when (select k.did is null from data.keep_generate() as k); end loop; end \$\$"; }
cancel() { echo "select status_code from api.cancel_booking(row('l','plain','p','RACE','RACE00001','$race_name-c-$1','cancelBooking','good',null,null,sha256(convert_to('$race_name-c-$1', 'UTF8')),now(),false,'x', false)::api.message, '$1', '1', '{}') where kind = 'answer';"; }

# Who is being booked while the slots become longer
n=3
for end in commit rollback; do
    for way in "select admin.generate('RSC')" "select from generate_series(1, 200) as n, data.keep_generate()"; do
        q -c "select admin.set_hours('RSC', 'a', 'пн-вс', '10:00-12:00', 30)" -c "select admin.generate('RSC')" >/dev/null
        keep
        one=$(slot a $n 10:00)
        hold "$(race_book RSC "longer-$n" "$one")"
        q -c "select admin.set_hours('RSC', 'a', 'пн-вс', '10:00-12:00', 60)" >/dev/null
        patient -c "$way" >/dev/null
        expect "passed over: $way" "30 1" "$(shape "$one")"
        let_go $end
        keep
        expect "and come back to after $end: $way" "$([ $end = commit ] && echo "30 1 closed outdated" || echo "60 1")" "$(shape "$one")"
        n=$((n + 1))
    done
done

# Two who give the last places back at once
one=$(slot hall 3 10:00)
expect "the first" 201/0 "$(q -c "$(race_book RSC two-1 "$one")")"
expect "the second" 201/0 "$(q -c "$(race_book RSC two-2 "$one")")"
q -c "select admin.set_hours('RSC', 'hall', 'пн-вс', '10:00-12:00', 60)" >/dev/null
keep
expect "booked as it was" "30 2 closed outdated" "$(shape "$one")"
hold "$(cancel two-1)"
expect "waits for nobody" 301 "$(patient -c "$(cancel two-2)")"
let_go
keep
expect "nobody is there, and it is an hour" "60 2" "$(shape "$one")"

# What is not offered any more is not asked for again and again.
one=$(slot hall 4 10:00)
expect "somebody" 201/0 "$(q -c "$(race_book RSC gone "$one")")"
q -c "select admin.set_hours('RSC', 'hall', 'пн-вс', '10:00-12:00', 20)" -c "select admin.set_hours('RSC', 'hall', 'пн-вс', 'нет', 20)" >/dev/null
keep
expect "closed with who is booked" "60 2 closed" "$(shape "$one")"
q -c "$(cancel gone)" >/dev/null
expect "nothing is left to put right" 0 "$(q -c "select data.fit_freed(100)")"

# An area that is removed while its slots are made, and while another is put into it
q -c "select admin.set_hours('RSC', 'room', 'пн-вс', '10:00-12:00', 30)" >/dev/null
hold "select admin.generate('RSC')"
meet "select admin.remove_area('RSC', 'room')"
expect "removed" room "$met"
expect "no slot of it is open" 0 "$(q -c "select count(*) from data.slot join data.area using (area_key) where area_id = 'room' and data.area.organization_id = 'RSC' and not is_closed and ends_at > now()")"
q -c "select admin.add_area('RSC', 'room', 'Кабинет')" >/dev/null
hold "select admin.add_area('RSC', 'child', 'Окно', inside => 'room')"
meet "select admin.remove_area('RSC', 'room')"
expect "not with another in it" 1 "$(grep -c 'есть другие: child' <<<"$met")"
q -c "select admin.remove_area('RSC', 'child')" >/dev/null
hold "select admin.remove_area('RSC', 'room')"
meet "select admin.add_area('RSC', 'child', 'Окно', inside => 'room')"
expect "nor into what is gone" 1 "$(grep -c 'Помещения room .* нет' <<<"$met")"

# generation has its state, then the slots; who lifts a closure or mends a zone meets it in that order
for command in "select admin.reopen((select max(closure_id) from data.closure where organization_id = 'RSC' and state <> 'lifted')) >= 0" "select count(*) = 0 from admin.zone_move('RSC', apply => true)"; do
    q -c "select from admin.close_day('RSC', '$(day 12)', 'проверка', apply => true)" >/dev/null 2>&1
    hold "select from data.schedule_state where organization_id = 'RSC' for update"
    meet "$command" "select admin.generate('RSC'); commit"
    expect "$command" t "$(tail -1 <<<"$met")"
done
race_check
