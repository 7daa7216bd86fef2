#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# L1, C6: a login that has none of our roles, and a registrar, take no lock that stops others; where an administrator has opened the advisory locks again,
# whoever holds one of a session, with no transaction, is seen by the daemon and at the console, told by admin.check(), and ended.
. "$(dirname "$0")/lib/race.sh"
race_setup STRANGE 1 4
race_setup STRANGE2 2 4
first=$(race_slots STRANGE | head -1)
q >/dev/null <<'SQL'
create role strange_login login;
create role strange_clerk login in role zapisd_registrar;
create role strange_reader login in role zapisd_auditor;
create role strange_chief login in role zapisd_operator;
select admin.grant_office('strange_clerk', 'RACE00001'), admin.grant_office('strange_chief', 'все');
SQL
# The server's own list, whatever version it is of: all that takes an advisory lock.
locks=$(q -c "select format('%s(%s)', proname, case pronargs when 1 then '0' else '0, 0' end) from pg_proc where pronamespace = 'pg_catalog'::regnamespace and proname ~ 'advisory' and proname !~ 'unlock' order by 1")
expect "functions that take advisory locks" 16 "$(wc -l <<<"$locks")"
for who in strange_login strange_clerk strange_reader strange_chief; do
    while read -r f; do
        said=$(psql -XAtq -U $who -c "select $f" 2>&1)
        [[ $said == *"permission denied for function"* ]] || { echo "$who: $f: $said"; exit 1; }
    done <<<"$locks"
done
# Nor a table or a row; what one may write he may lock, and that is the operator's alone.
for who in strange_login strange_clerk strange_reader; do
    for table in $(q -c "select oid::regclass from pg_class where relnamespace = 'data'::regnamespace and relkind in ('r', 'p')"); do
        for mode in "row share" "row exclusive" "share update exclusive" share "share row exclusive" exclusive "access exclusive"; do
            said=$(psql -XAtq -U $who -c "begin" -c "lock table $table in $mode mode" 2>&1)
            [[ $said == *"permission denied"* || $mode == "row share" && -z $said ]] || { echo "$who: $table in $mode mode: $said"; exit 1; }
        done
        for row in "no key update" share "key share"; do
            said=$(psql -XAtq -U $who -c "select 1 from $table for $row" 2>&1)
            [[ $said == *"permission denied"* ]] || { echo "$who: $table for $row: $said"; exit 1; }
        done
    done
    for what in "create table data.x ()" "create table public.x ()" "create schema x"; do
        said=$(psql -XAtq -U $who -c "$what" 2>&1)
        [[ $said == *"permission denied"* ]] || { echo "$who: $what: $said"; exit 1; }
    done
done
# Our own still work: by the daemon, by a clerk, by direct writing of what a trigger guards.
expect "a booking" 201/0 "$(q -c "$(race_book STRANGE st-0 "$first")")"
psql -XAtq -v ON_ERROR_STOP=1 -U strange_clerk -c "select result from admin.move('st-0', '$(race_slots STRANGE | tail -1)')" >/dev/null || exit 1
psql -XAtq -v ON_ERROR_STOP=1 -U strange_chief >/dev/null <<'SQL' || exit 1
begin;
insert into data.timetable (organization_id, area_key, weekday, starts, ends, slot_min) select 'STRANGE', area_key, 1, '9:00', '10:00', 10 from data.area where organization_id = 'STRANGE';
update data.area set is_exclusive = true, buffer_after_min = 5 where organization_id = 'STRANGE';
update data.slot set capacity = 1 where organization_id = 'STRANGE';
insert into data.special_day (organization_id, day, kind) values ('STRANGE', current_date + 9, 'closed');
rollback;
SQL

# ---- opened again: seen and ended ------------------------------------------------------------------------------------
q >/dev/null -c "grant execute on function pg_advisory_lock(bigint), pg_advisory_lock_shared(bigint), pg_advisory_xact_lock(bigint) to public"
expect "admin.check() says it" 1 "$(q -U strange_chief -c "select problem from admin.check()" | grep -c '^любой вход может остановить запись')"
expect "and zapisd check" 1 "$(q -c "select api.concerns()" | grep -c 'any login may stop bookings by advisory locks (revoke execute on function pg_advisory')"
key=$(q -c "select data.place_lock_key('$first', 1)")
meets() { # NAME: one books what the stranger holds, and waits
    PGAPPNAME=race_citizen PGOPTIONS="${PGOPTIONS:-} -c lock_timeout=${race_patience}s" q -c "$(race_book STRANGE "$1" "$first")" >"$race_dir/$1.out" 2>&1 &
    citizen=$!
    wait_until "select exists (select from pg_stat_activity where application_name = 'race_citizen' and cardinality(pg_blocking_pids(pid)) > 0)"
}
for way in "select pg_advisory_lock($key)" "select pg_advisory_lock(0)" "begin; select pg_advisory_lock(0); commit"; do
    PGUSER=strange_login race_open stranger
    race_say stranger "$way"
    pid=$(q -c "select pid from pg_stat_activity where application_name = 'race_stranger'")
    expect "$way: listed before anybody waits" "strange_login|t|именованная блокировка|0" "$(q -U strange_clerk -c "select who, is_idle, holds, waiting from admin.locks() where pid = $pid")"
    meets "st-$pid"
    expect "$way: listed" "strange_login|t|именованная блокировка|1" "$(q -U strange_clerk -c "select who, is_idle, holds, waiting from admin.locks() where pid = $pid")"
    expect "$way: since when is known" t "$(q -U strange_clerk -c "select since <= now() from admin.locks() where pid = $pid")"
    known=$(q -c "select holder_transaction from api.lock_holders('{}') where holder_pid = $pid and holder_role = 'strange_login' and holder_open_ms >= 0 and holder_state = 'idle'")
    [[ $known =~ ^[0-9]+/0$ ]] || { echo "$way: the daemon knows its holder as '$known'"; exit 1; }
    q -c "select pg_cancel_backend(pid) from pg_stat_activity where application_name = 'race_citizen'" >/dev/null
    wait $citizen
    expect "$way: the daemon goes on knowing him when nobody waits" "$known" "$(q -c "select holder_transaction from api.lock_holders('{$known}') where holder_pid = $pid")"
    expect "$way: ended" 1 "$(q -U strange_chief -c "select admin.lock_end($pid)" | grep -c '^завершён: strange_login')"
    race_close stranger
    wait_until "select not exists (select from pg_stat_activity where pid = $pid)"
    expect "$way: and forgotten" "" "$(q -c "select holder_transaction from api.lock_holders('{$known}')")"
done
expect "what was held is free" 201/0 "$(q -c "$(race_book STRANGE st-free "$first")")"
# a transaction that is left open and holds nothing else
PGUSER=strange_login race_open stranger
race_say stranger "begin; select pg_advisory_xact_lock(0)"
pid=$(q -c "select pid from pg_stat_activity where application_name = 'race_stranger'")
wait_until "select exists (select from admin.locks() where pid = $pid and is_idle and holds = 'именованная блокировка')"
race_close stranger
expect "open" 3 "$(q -c "select count(*) from data.advisory_missing()")"
expect "put right by zapisd migrate" t "$(q -c "select data.rights_repair() ~ 'settings'")"
expect "nothing is left" 0 "$(q -c "select count(*) from data.advisory_missing()")"
# by whoever may not: told, and left
q >/dev/null -c "grant execute on function pg_advisory_lock(bigint) to public" -c "create role strange_owner in role zapisd_owner"
said=$(PGOPTIONS="-c client_min_messages=warning" q -c "set role strange_owner" -c "select from data.rights_repair(true)" 2>&1)
[[ $said == *"any login may stop bookings by advisory locks: run zapisd migrate once as a superuser"* ]] || { echo "by whoever may not: $said"; exit 1; }
q -c "select data.rights_repair()" >/dev/null
q -c "select admin.revoke_office('strange_clerk', 'RACE00001'), admin.revoke_office('strange_chief', 'все')" -c "drop role strange_clerk, strange_chief, strange_reader, strange_login, strange_owner" >/dev/null
race_check
