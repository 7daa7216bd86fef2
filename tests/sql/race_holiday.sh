#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# T2, L4, O3: whatever takes the hours of a day away (a calendar's day, of the region or the country; a special day; other hours and
# generate; a closing that is lifted) says aloud who stays booked there or was moved, and where to see them. Nobody there: nothing is said.
. "$(dirname "$0")/lib/race.sh"
race_setup FEAST 1 0
q >/dev/null <<'SQL'
update data.organization set phone = '000' where organization_id = 'FEAST';
select admin.add_calendar('feast', 'Страна');
select admin.add_calendar('feast-1', 'Край', 'feast');
select admin.use_calendar('FEAST', 'feast-1');
select admin.set_hours('FEAST', 'a', 'пн-вс', '9:00-12:00', 30);
select admin.generate('FEAST');
SQL
day() { q -c "select (now() at time zone 'Europe/Moscow')::date + $1"; }
slot() { q -c "select slot_id from data.slot where organization_id = 'FEAST' and wall_at = '$(day "$1") $2'"; }
says() { PGOPTIONS="-c client_min_messages=notice" q -c "$1" 2>&1; }
told() { # DAYS COMMAND WORDS: says the words when somebody is booked on that day, and nothing before
    expect "nobody there: $2" 0 "$(says "begin; $2; rollback" | grep -c 'NOTICE.*записей')"
    q -c "$(race_book FEAST "f-$1-a" "$(slot "$1" 9:00)")" -c "$(race_book FEAST "f-$1-b" "$(slot "$1" 11:00)")" >/dev/null
    expect "somebody there: $2" 1 "$(says "$2" | grep -c "$3")"
}
told 3 "select admin.calendar_day('feast', '$(day 3)', 'праздник')" "NOTICE.*FEAST: записей.*: 2\. Они остаются.*off_schedule('FEAST', '$(day 3)'"
told 4 "select admin.calendar_day('feast-1', '$(day 4)', 'короче на 60')" "NOTICE.*: 1\. Они остаются"
told 5 "select admin.special_day('FEAST', '$(day 5)', 'закрыто')" "NOTICE.*: 2\. Они остаются"
told 6 "select admin.special_day('FEAST', '$(day 6)', '9:00-10:00')" "NOTICE.*: 1\. Они остаются"
q -c "select admin.calendar_day('feast-1', '$(day 3)', 'обычный')" >/dev/null 2>&1
expect "the region works after all" "" "$(q -c "select book_id from admin.off_schedule('FEAST', '$(day 3)', '$(day 3)')")"
expect "the region's word is taken back, and it is a holiday again" 1 "$(says "select admin.calendar_day('feast-1', '$(day 3)', 'убрать')" | grep -c "NOTICE.*FEAST: записей.*: 2\. Они остаются")"
expect "taken back once more" 0 "$(says "select admin.calendar_day('feast-1', '$(day 3)', 'убрать')" | grep -c 'NOTICE.*записей')"
# A day that was longer is as short as ever.
q -c "select admin.special_day('FEAST', '$(day 7)', '9:00-15:00', 'a', 30)" -c "select admin.generate('FEAST', '$(day 7)', '$(day 7)')" -c "$(race_book FEAST f-7-a "$(slot 7 9:00)")" >/dev/null
expect "who comes early is not told of" 0 "$(says "begin; select admin.special_day('FEAST', '$(day 7)', 'убрать', 'a'); rollback" | grep -c 'NOTICE.*записей')"
q -c "$(race_book FEAST f-7-b "$(slot 7 14:00)")" >/dev/null
expect "who comes late is" 1 "$(says "select admin.special_day('FEAST', '$(day 7)', 'убрать', 'a')" | grep -c 'NOTICE.*FEAST: записей.*: 1\. Они остаются')"
expect "and cancelled" 0 "$(q -c "select count(*) from admin.cancel('f-7-b', 'короткий день') where result <> 'сделано'")"
expect "whom it is about" "f-3-a f-3-b f-4-b f-5-a f-5-b f-6-b" "$(q -c "select string_agg(book_id, ' ' order by book_id) from admin.off_schedule('FEAST')")"
expect "generate says it" 1 "$(says "select admin.generate('FEAST')" | grep -c 'NOTICE.*: 6\. Они остаются')"
expect "and again, of its days" 1 "$(says "select admin.generate('FEAST', '$(day 5)', '$(day 6)')" | grep -c 'NOTICE.*: 3\. Они остаются')"
expect "no longer when they have gone" 0 "$(q -c "select count(*) from admin.close_day('FEAST', '$(day 5)', 'праздник', true, false) where outcome <> 'отменена'")"
expect "those of another day" 1 "$(says "select admin.generate('FEAST', '$(day 5)', '$(day 6)')" | grep -c 'NOTICE.*: 1\. Они остаются')"
# Another calendar, of the organization itself or of its agency; f-6-b is out in any.
q -c "select admin.add_calendar('feast-2', 'Другой край')" -c "select admin.calendar_day('feast-2', '$(day 8)', 'праздник')" >/dev/null
q -c "$(race_book FEAST f-8-a "$(slot 8 9:00)")" -c "$(race_book FEAST f-8-b "$(slot 8 11:00)")" >/dev/null
expect "another calendar" 1 "$(says "select admin.use_calendar('FEAST', 'feast-2')" | grep -c "NOTICE.*FEAST: записей.*: 3\. Они остаются")"
q -c "select admin.use_calendar('FEAST', null)" >/dev/null 2>&1
expect "an agency's calendar" 1 "$(says "begin; select admin.use_calendar('RACE00001', 'feast-2'); rollback" | grep -c "NOTICE.*FEAST: записей.*: 3\. Они остаются")"
expect "which the organization does not keep" 0 "$(says "begin; select admin.use_calendar('FEAST', 'feast-1'); select admin.use_calendar('RACE00001', 'feast-2'); rollback" | grep -c "NOTICE.*FEAST: записей.*: 3\. Они остаются")"
expect "nor any" 'нет' "$(q -c "select admin.use_calendar('FEAST', 'нет')" 2>/dev/null)"
q -c "select admin.use_calendar('FEAST', 'feast-1')" >/dev/null 2>&1
# What is lifted brings nobody back, and says so.
expect "reopened" 1 "$(says "select admin.reopen((select max(closure_id) from data.closure where organization_id = 'FEAST'))" | grep -c 'NOTICE.*назад не перенесено.*перенесённых закрытием записей 0, отменённых 2')"
q -c "select from admin.close_day('FEAST', '$(day 9)', 'никого')" >/dev/null 2>&1
expect "nobody was moved" 0 "$(says "select from admin.close_day('FEAST', '$(day 9)', 'никого', true); select admin.reopen((select max(closure_id) from data.closure where organization_id = 'FEAST'))" | grep -c 'назад не')"
# Hours say it like the rest; a night belongs to the evening that is changed.
q -c "$(race_book FEAST f-10-a "$(slot 10 9:00)")" >/dev/null
before=$(says "begin; select admin.set_hours('FEAST', 'a', 'пн-вс', '9:00-12:00', 30); rollback" | grep -o 'больше нет: [0-9]*' | grep -o '[0-9]*$')
expect "other hours" $((${before:-0} + 1)) "$(says "begin; select admin.set_hours('FEAST', 'a', '$(q -c "select extract(isodow from now() at time zone 'Europe/Moscow' + interval '10 days')")', '9:30-12:00', 30); rollback" |
    grep -o 'больше нет: [0-9]*' | grep -o '[0-9]*$')"
expect "other hours for a time" 1 "$(says "begin; select admin.set_hours_for('FEAST', 'a', '$(day 10)', '$(day 10)', 'пн-вс', '9:30-12:00', 30); rollback" | grep -c 'NOTICE.*FEAST: записей.*: 1\. Они остаются')"
expect "minutes before midnight" 1 "$(says "begin; select admin.set_hours('FEAST', 'a', 'пт', '22:00-2:00', 45); rollback" | grep -c 'NOTICE.*перед полуночью: 30\.')"
expect "none of them lost" 0 "$(says "begin; select admin.set_hours('FEAST', 'a', 'пт', '22:00-2:00', 30); rollback" | grep -c 'перед полуночью')"
race_check
