#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# J3, O3: sessions that are not as psql makes them. A name that was shown leaves a line in the server's log which no rollback takes away, by whatever
# way the transaction ends, and no name is in it; where nothing can be written nobody is shown. What is refused because of the session's
# settings is refused in Russian, with words to type that let the same command through.
. "$(dirname "$0")/lib/race.sh"
[ -r "${PG_PRIVATE_LOG:-}" ] || { echo "no server's log to be read"; exit 1; }
race_setup SESSION 1 6
mapfile -t s < <(race_slots SESSION)
q >/dev/null <<SQL
update data.organization set phone = '000', horizon_days = 0 where organization_id = 'SESSION';
$(for i in 0 1 2; do race_book SESSION "se-$i" "${s[$i]}"; done)
update data.applicant set last_name = 'Примеркина', first_name = 'Ольга', mobile_phone = '79990000001' where book_key like 'se-%';
insert into data.applicant (book_key, last_name, first_name, mobile_phone) select book_key, 'Примеркина', 'Ольга', '79990000001' from data.booking where book_key like 'se-%' on conflict do nothing;
create role "session clerk" login in role zapisd_registrar;
create role session_chief login in role zapisd_operator;
select admin.grant_office('session clerk', 'RACE00001'), admin.grant_office('session_chief', 'все');
SQL
lines() { grep -c "LOG:  zapisd: \"session clerk\" as $1 is shown whose $2 bookings are, by admin.$3\$" "$PG_PRIVATE_LOG"; }
rows() { q -c "select count(*) from data.personal_reading where db_user = 'session clerk'"; }
as_clerk() { psql -XAtq -U "session clerk" "$@" 2>&1; }
day=$(q -c "select (min(starts_at) at time zone 'Europe/Moscow')::date from data.slot where organization_id = 'SESSION'")

# ---- a record outlives what it was made by ---------------------------------------------------------------------------
n=0
while IFS='|' read -r what how many; do
    for end in rollback "select 1/0" "rollback to before; commit" "\\q" commit; do
        before=$(lines '"session clerk"' "$many" "$what")
        had=$(rows)
        said=$(as_clerk <<<"begin; savepoint before; $how; $end")
        [[ $said == *Примеркина* ]] || { echo "$what, $end: nobody was shown: $said"; exit 1; }
        expect "$what, $end: lines in the server's log" $((before + 1)) "$(lines '"session clerk"' "$many" "$what")"
        [ "$end" = commit ] || many_rows=0
        [ "$end" != commit ] || many_rows=$many
        expect "$what, $end: rows" $((had + many_rows)) "$(rows)"
        n=$((n + 1))
    done
done <<SQL
find|select * from admin.find('примеркина')|3
today|select * from admin.today('SESSION', '$day')|3
why|select * from admin.why('se-0')|1
SQL
expect "ways tried" 15 $n
# fetched row by row, and given up after the first
before=$(lines '"session clerk"' 3 find)
as_clerk <<<"begin; declare c cursor for select applicant from admin.find('примеркина'); fetch 1 from c; rollback" >/dev/null
expect "a cursor given up" $((before + 1)) "$(lines '"session clerk"' 3 find)"
# the login is told, whatever role it takes on
q -c 'grant zapisd_registrar to "session clerk"' -c "select pg_reload_conf()" >/dev/null
as_clerk <<<"set role zapisd_registrar; select count(*) from admin.find('примеркина')" >/dev/null
expect "in another role" 1 "$(lines zapisd_registrar 3 find)"
# who is shown initials leaves none
before=$(grep -c 'is shown whose' "$PG_PRIVATE_LOG")
psql -XAtq -U session_chief -c "select * from admin.today('SESSION', '$day')" -c "select * from admin.why('se-0')" -c "select * from admin.find('se-0')" >/dev/null
as_clerk -c "select * from admin.find('неттакого')" >/dev/null
expect "lines of who was shown nobody" "$before" "$(grep -c 'is shown whose' "$PG_PRIVATE_LOG")"
expect "names, telephones and numbers of bookings in these lines" 0 "$(grep 'is shown whose' "$PG_PRIVATE_LOG" | grep -ciE 'Примеркин|7999000|se-[0-9]')"

# ---- read only -------------------------------------------------------------------------------------------------------
for how in "select * from admin.find('примеркина')" "select * from admin.today('SESSION', '$day')" "select * from admin.why('se-0')"; do
    said=$(as_clerk -v VERBOSITY=verbose <<<"begin read only; $how")
    [[ $said == *"25006: Имена показываются, только когда это можно записать"* && $said != *Примеркина* && $said == *"begin read write"* ]] || { echo "read only: $how: $said"; exit 1; }
    said=$(as_clerk <<<"set default_transaction_read_only = on; set default_transaction_read_only = off; begin read write; $how")
    [[ $said == *Примеркина* ]] || { echo "after what is advised: $how: $said"; exit 1; }
    # nobody is shown: nothing to write
    said=$(psql -XAtq -U session_chief <<<"begin read only; $(sed "s/примеркина/se-0/" <<<"$how")" 2>&1)
    [[ $said == *se-0* ]] || { echo "read only, initials: $how: $said"; exit 1; }
done

# ---- isolation -------------------------------------------------------------------------------------------------------
at=$(q -c "select min(starts_at) at time zone 'Europe/Moscow' from data.slot where organization_id = 'SESSION'")
tried=0
while read -r command; do
    for level in "repeatable read" serializable; do
        said=$(psql -XAtq -U session_chief 2>&1 <<<"set default_transaction_isolation = '$level'; begin; $command; rollback")
        [[ $said == *"Время и часы занимают только в транзакции read committed, а эта — $level"* && $said == *"set default_transaction_isolation = 'read committed'"* ]] || { echo "$level: $command: $said"; exit 1; }
        [[ $said != *"excludes each other"* ]] || { echo "$level: $command: $said"; exit 1; }
        for cure in "set default_transaction_isolation = 'read committed'; begin" "begin isolation level read committed"; do
            said=$(psql -XAtq -U session_chief -v ON_ERROR_STOP=1 2>&1 <<<"set default_transaction_isolation = '$level'; $cure; $command; rollback") || { echo "$cure: $command: $said"; exit 1; }
        done
        tried=$((tried + 1))
    done
done <<SQL
select result from admin.move('se-0', '${s[4]}')
select * from admin.absence('SESSION', 'a', '$at', '$at'::timestamp + interval '10 minutes', 'болезнь', true)
select admin.special_day('SESSION', current_date + 20, '9:00-10:00', 'a', 10)
select admin.set_hours('SESSION', 'a', 'пн-вс', '9:00-12:00', 15)
SQL
expect "commands and levels" 8 $tried
q >/dev/null <<'SQL'
update data.organization set horizon_days = null where organization_id = 'SESSION';
SQL
race_check
