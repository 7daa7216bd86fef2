#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# O3: a day typed as Russians write it is that day; each command that takes one says back, with its weekday, which it understood, and that it
# is over; hours that would lie over others are told to whoever is concerned.
. "$(dirname "$0")/lib/race.sh"
race_setup DAYS 1 0
q -c "select data.rights_repair()" >/dev/null 2>&1
q >/dev/null <<'SQL'
update data.organization set phone = '000' where organization_id = 'DAYS';
select admin.add_calendar('days', 'Страна'), admin.use_calendar('DAYS', 'days');
SQL
says() { PGOPTIONS="-c client_min_messages=notice" q -c "begin; $1; rollback" 2>&1; }
tells() { # WHAT COMMAND WORDS: the command says the words
    expect "$1" 1 "$(says "$2" | grep -c -- "$3")"
}
expect "8 March as Russians write it" 2027-03-08 "$(q -c "select date '08.03.2027'")"
expect "the thirtieth is a day, too" 2026-11-30 "$(q -c "select date '30.11.2026'")"
expect "year first is what it was" 2027-03-08 "$(q -c "select date '2027-03-08'")"
expect "whatever an administrator chose for the database stays" 'ISO, MDY' "$(q -c "alter database $PGDATABASE set datestyle = 'ISO, MDY'" -c 'select data.rights_repair()' >/dev/null 2>&1; q -c 'show datestyle')"
q -c "alter database $PGDATABASE reset datestyle" -c 'select data.rights_repair()' >/dev/null 2>&1
tells "a calendar's day" "select admin.calendar_day('days', '08.03.2027', 'праздник')" 'NOTICE:  праздник: пн 08.03.2027$'
tells "a day of a calendar that is over" "select admin.calendar_day('days', '08.03.2021', 'праздник')" 'NOTICE:  праздник: пн 08.03.2021. Это уже прошло'
tells "a special day" "select admin.special_day('DAYS', '09.12.2027', 'закрыто')" 'NOTICE:  закрыто: чт 09.12.2027$'
tells "a special day that is over" "select admin.special_day('DAYS', '09.12.2021', '9:00-13:00')" 'NOTICE:  9:00-13:00: чт 09.12.2021. Это уже прошло'
tells "hours for a term" "select admin.set_hours_for('DAYS', 'a', '01.06.2027', '31.08.2027', 'пн', '9:00-10:00', 30)" 'NOTICE:  часы на срок: с вт 01.06.2027 по вт 31.08.2027$'
tells "hours without an end" "select admin.set_hours_for('DAYS', 'a', '01.06.2027', null, 'пн', '9:00-10:00', 30)" 'NOTICE:  часы на срок: с вт 01.06.2027 без конца$'
tells "hours for a term that is over" "select admin.set_hours_for('DAYS', 'a', '01.06.2021', '31.08.2021', 'пн', '9:00-10:00', 30)" 'по вт 31.08.2021. Это уже прошло'
tells "a closed day, looked at" "select * from admin.close_day('DAYS', '12.01.2027', 'учёт')" 'NOTICE:  Закрывается: с вт 12.01.2027 00:00 до вт 12.01.2027 24:00$'
tells "a closed day" "select * from admin.close_day('DAYS', '12.01.2027', 'учёт', apply => true)" 'NOTICE:  Закрывается: с вт 12.01.2027 00:00 до вт 12.01.2027 24:00$'
tells "an area, for good" "select * from admin.close_area('DAYS', 'a', '12.01.2027', null, 'учёт')" 'NOTICE:  Закрывается: с вт 12.01.2027 00:00 насовсем$'
tells "an absence" "select * from admin.absence('DAYS', 'a', '12.01.2027 13:00', '12.01.2027 18:00', 'учёт')" 'NOTICE:  Закрывается: с вт 12.01.2027 13:00 до вт 12.01.2027 18:00$'
tells "a day that is over is not closed" "select * from admin.close_day('DAYS', '12.01.2021', 'учёт')" 'ERROR:.*уже прошло'
tells "slots" "select admin.generate('DAYS', '12.01.2027', '13.01.2027')" 'NOTICE:  интервалы: с вт 12.01.2027 по ср 13.01.2027$'
tells "visitors of a day" "select * from admin.today('DAYS', '12.01.2027')" 'NOTICE:  посетители: вт 12.01.2027$'
tells "what is free" "select * from admin.free('DAYS', '12.01.2027')" 'NOTICE:  свободно: вт 12.01.2027$'
# Slots of what is over are nobody's
q -c "select admin.set_hours('DAYS', 'a', 'пн-вс', '9:00-10:00', 30)" >/dev/null 2>&1
tells "none are made in the past" "select admin.generate('DAYS', current_date - 300, current_date - 2) as made" '^0$'
q -c "select admin.generate('DAYS', current_date - 300, current_date + 2)" >/dev/null 2>&1
expect "nor beside those to come" 0 "$(q -c "select count(*) from data.slot where organization_id = 'DAYS' and wall_at < (now() at time zone 'Europe/Moscow')::date")"
# Hours that would lie over each other: of many offices, each is told
q >/dev/null 2>&1 <<'SQL'
select admin.set_hours('DAYS', 'a', 'пн-вс', 'нет', 30), admin.set_hours('DAYS', 'a', 'пт', '20:00-2:00', 30), admin.set_hours('DAYS', 'a', 'вс', '0:15-5:15', 30);
SQL
tells "a working Saturday whose night runs into Sunday" "select admin.calendar_day('days', '13.03.2027', 'как пт')" \
    'NOTICE:  Организация DAYS: часы накладываются: помещение a, вс 14.03.2027: ночной приём, начатый накануне, идёт до 02:00, поэтому из часов 00:15-02:15 не предлагается интервалов: 4$'
tells "an ordinary one" "select admin.calendar_day('days', '12.03.2027', 'короче на 60')" 'NOTICE:  короче на 60: пт 12.03.2027$'
expect "and nothing of hours" 0 "$(says "select admin.calendar_day('days', '12.03.2027', 'короче на 60')" | grep -c накладываются)"
# Hours that give less than they seem to
q -c "select admin.set_hours('DAYS', 'a', 'пн-вс', '9:00-18:00', 30)" >/dev/null 2>&1
tells "a day longer than usual is cut" "select admin.special_day('DAYS', '12.01.2027', '9:00-20:00')" 'NOTICE:  Часы без минут.*приём с 09:00 до 18:00, не с 09:00 до 20:00'
tells "a day when nobody works" "select admin.special_day('DAYS', '12.01.2027', '19:00-20:00')" 'NOTICE:.*приёма не будет'
expect "a shorter one is what was said" 0 "$(says "select admin.special_day('DAYS', '12.01.2027', '9:00-12:00')" | grep -c 'Часы без минут')"
tells "no slot fits" "select admin.set_hours('DAYS', 'a', 'пн', '9:00-9:10', 20)" 'NOTICE:  Интервалы по 20 мин.*09:00-09:10: ни одного интервала'
tells "minutes at the end" "select admin.set_hours('DAYS', 'a', 'пн', '9:00-12:00', 50)" 'NOTICE:  Интервалы по 50 мин.*09:00-12:00: 30 мин'
expect "hours that come out even" 0 "$(says "select admin.set_hours('DAYS', 'a', 'пн', '9:00-12:00', 30)" | grep -c 'ни одного интервала\|без приёма')"
# Closed twice, and for good
q -c "select * from admin.close_area('DAYS', 'a', current_date + 5, null, 'ремонт', apply => true)" >/dev/null 2>&1
tells "the reason that was first stays, and is told" "select * from admin.close_area('DAYS', 'a', current_date + 5, null, 'переезд', apply => true)" 'NOTICE:  Это уже закрыто: закрытие № [0-9]*, причина «ремонт»'
expect "the same again is nothing" 0 "$(says "select * from admin.close_area('DAYS', 'a', current_date + 5, null, 'ремонт', apply => true)" | grep -c 'уже закрыто')"
tells "hours do not open it" "select admin.set_hours('DAYS', 'a', 'пн', '9:00-12:00', 30)" 'NOTICE:  Помещение остаётся закрытым насовсем: закрытие № [0-9]*, ремонт. Открыть: select admin.reopen('
tells "nor does adding it again" "select admin.remove_area('DAYS', 'a'), admin.add_area('DAYS', 'a', 'Снова')" 'NOTICE:  Помещение остаётся закрытым насовсем'
race_check
