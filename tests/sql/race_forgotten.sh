#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# L1, L4, O3: a session that was left open is seen by any role of the console, while somebody waits and afterwards; the operator
# ends it, and nothing else. admin.check() answers in spite of a locked table, whichever it is.
. "$(dirname "$0")/lib/race.sh"
race_setup FORGOT 1 2
q -c "grant usage on schema public to zapisd_operator, zapisd_registrar" -c "create role forgot_clerk login in role zapisd_registrar" \
    -c "create role forgot_chief login superuser" -c "grant usage on schema data to forgot_clerk" -c "grant all on all tables in schema data to forgot_clerk" \
    -c "select admin.grant_office('forgot_clerk', 'все')" >/dev/null
as() { q -c "set role $1" -c "$2" 2>&1; }

# leave ROLE SQL: a session of that role with its transaction open and idle; $left is its number
leave() {
    PGUSER=$1 race_open forgotten
    race_say forgotten "begin; $2"
    left=$(q -c "select pid from pg_stat_activity where application_name = 'race_forgotten'")
}
gone() {
    race_close forgotten
    wait_until "select not exists (select from pg_stat_activity where pid = $left)"
}
listed() { [ -n "$(as zapisd_auditor "select 1 from admin.locks() where pid = $left and is_idle")" ]; }

for table in $(q -c "select c.oid::regclass from pg_class as c where c.relnamespace = 'data'::regnamespace and c.relname in ('slot', 'booking', 'place', 'timetable', 'closure_progress', 'housekeeping') order by 1"); do
    leave forgot_clerk "lock table $table in access exclusive mode"
    said=$(as zapisd_operator "select problem || ': ' || what from admin.check()")
    expect "check() tells who has locked $table" 1 "$(grep -c "таблица заблокирована: держит forgot_clerk (race_forgotten), сеанс $left\|forgot_clerk (race_forgotten), сеанс $left" <<<"$said")"
    # Nobody waits any more.
    until_true "it is in the list" listed
    for role in zapisd_operator zapisd_registrar zapisd_auditor; do
        expect "$role sees it" "forgot_clerk|race_forgotten|t|${table#data.}|0" "$(as $role "select who, program, is_idle, holds, waiting from admin.locks() where pid = $left")"
    done
    for role in zapisd_registrar zapisd_auditor; do
        expect "$role does not end it" 1 "$(as $role "select admin.lock_end($left)" | grep -c 'permission denied')"
    done
    expect "the operator does" 1 "$(as zapisd_operator "select admin.lock_end($left)" | grep -c '^завершён: forgot_clerk')"
    gone
    expect "and it is over" "" "$(as zapisd_operator "select * from admin.check() where problem <> 'порталу не передаётся то, чего требует приказ'")"
done

# Who waits is told, too.
leave forgot_clerk "select from data.organization where organization_id = 'FORGOT' for update"
q -c "set application_name = 'waiter'" -c "update data.organization set name = 'x' where organization_id = 'FORGOT'" &
waiter=$!
until_true "somebody waits" eval '[ "$(q -c "select waiting from admin.locks() where pid = $left")" = 1 ]'
expect "who waits" "$(q -c 'select session_user')" "$(as zapisd_registrar "select waits from admin.locks() where pid = $left")"
as zapisd_operator "select admin.lock_end($left)" >/dev/null
wait $waiter || { echo "who waited was not let through"; exit 1; }
gone

# Not ended: who holds nothing, who works, a superuser.
for pid in 0 -1 null "$(q -c "select pid from pg_stat_activity where backend_type = 'checkpointer'")"; do
    expect "session $pid is not ended" 1 "$(as zapisd_operator "select admin.lock_end($pid)" | grep -c 'никого не держит')"
done
leave forgot_chief "lock table data.slot in share mode"
until_true "the superuser's is in the list" listed
expect "a superuser's is not" 1 "$(as zapisd_operator "select admin.lock_end($left)" | grep -c 'завершит только администратор базы')"
hold "select pg_advisory_xact_lock(778)"
race_say forgotten "select pg_advisory_xact_lock(778)" # it waits: at work
PGAPPNAME=race_waiter q -c "update data.slot set capacity = capacity where false" >/dev/null 2>&1 &
waiter=$!
wait_until "select exists (select from admin.locks() where pid = $left and waiting > 0)"
expect "who works is not" 1 "$(as zapisd_operator "select admin.lock_end($left)" | grep -c 'не забыт, а работает')"
q -c "select pg_terminate_backend($left)" >/dev/null
wait $waiter
let_go
gone
q -c "select admin.revoke_office('forgot_clerk', 'все')" >/dev/null
q -c "drop owned by forgot_clerk" -c "drop role forgot_clerk, forgot_chief"
race_check
