#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# L1: a command of the console whose transaction was left open stops neither who books in that organization nor who reads the
# reference book that it changes, whole, by page or its attributes.
. "$(dirname "$0")/lib/race.sh"
race_setup CONSOLE 50 1
slot=$(race_slots CONSOLE)
q >/dev/null <<'SQL'
select admin.add_service('CONSOLE', 'console-1', 'Услуга'), admin.add_area('CONSOLE', 'b', 'Второе');
select admin.ref_new('console', 'Пульт'), admin.ref_attribute('console', 'n', 'Число'), admin.ref_put('console', 'a', 'А', '{"n": "1"}'), admin.ref_put('console', 'b', 'Б');
SQL
# Who has to wait is refused: the holder does not end before.
unwilling() { PGOPTIONS="${PGOPTIONS:-} -c lock_timeout=3s" q "$@" 2>&1; }
n=0
while read -r command; do
    n=$((n + 1))
    hold "$command"
    expect "booking beside: $command" 201/0 "$(unwilling -c "$(race_book CONSOLE "console-$n" "$slot")")"
    expect "organizations beside: $command" 'answer|0' "$(unwilling -c "select kind, error_code from api.get_ref_items_list('RACE00001', 'organizations', null, 'ONELEVEL', '{}', '{title}', 1, 1, null) limit 1")"
    let_go rollback
done <<'SQL'
select admin.add_area('CONSOLE', 'c', 'Третье')
select admin.add_area('CONSOLE', 'b', 'Второе', 2)
select admin.add_organization('CONSOLE', 'RACE00001', 'Пульт', 'Europe/Moscow', 'Улица', '+7')
select admin.add_service('CONSOLE', 'console-2', 'Другая')
select admin.add_agency('RACE00001', 'Гонки')
select admin.slot_attribute('CONSOLE', 'b', 'entrance', 'со двора')
select admin.queue_numbers('CONSOLE', 'b', 'Б-')
select admin.set_text('CONSOLE', '201', 'Ждём')
select admin.add_status('RACE00001', '206001', 'Нет документа')
select admin.set_hours('CONSOLE', 'b', 'пн-вс', '9:00-10:00', 30)
select admin.set_hours_for('CONSOLE', 'b', '2027-06-01', '2027-06-30', 'пн', '9:00-10:00', 30)
select admin.special_day('CONSOLE', current_date + 20, 'закрыто')
select admin.use_calendar('CONSOLE', 'нет')
select admin.generate('CONSOLE')
SQL
while read -r command; do
    hold "$command"
    for page in 0 1; do
        expect "page $page beside: $command" 'answer|0|2' "$(unwilling -c "select kind, error_code, total_items from api.get_ref_items_list('', 'console', null, 'ONELEVEL', '{}', '{n}', $page, $page, null) limit 1")"
    done
    expect "attributes beside: $command" 'answer|0' "$(unwilling -c "select kind, error_code from api.get_ref_attributes_list('', '{console}') limit 1")"
    let_go rollback
done <<'SQL'
select admin.ref_put('console', 'c', 'В')
select admin.ref_delete('console', 'b')
select admin.ref_attribute('console', 'm', 'Ещё')
select admin.ref_attribute('console', 'n', 'Число', 'LONG')
select admin.ref_csv('console', true); insert into ref_csv values ('a', 'АА'), ('b', 'ББ'); select * from admin.ref_import('console')
SQL
race_check
