#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# L1, J3: who has only looked, in a transaction he left open, is in nobody's way: not of a citizen, not of a colleague, not of housekeeping.
# Every function and view of admin is one that looks or one that changes, by the catalogue; so is every function of api.
. "$(dirname "$0")/lib/race.sh"
race_setup LOOKED 1 12
race_setup LOOKED2 1 4
mapfile -t s < <(race_slots LOOKED)
q >/dev/null <<SQL
update data.organization set phone = '000', address = 'Улица' where organization_id in ('LOOKED', 'LOOKED2');
select admin.add_service('LOOKED', 'looked-1', 'Услуга'), admin.add_area('LOOKED', 'b', 'Второе'), admin.add_status('RACE00001', '206001', 'Нет документа');
select admin.ref_new('looked', 'Книга'), admin.ref_attribute('looked', 'n', 'Число'), admin.ref_put('looked', 'a', 'А', '{"n": "1"}'), admin.ref_put('looked', 'b', 'Б'), admin.ref_new('gone', 'Книга');
select admin.add_calendar('looked', 'Календарь'), admin.set_hours('LOOKED', 'b', 'пн-вс', '9:00-10:00', 30);
$(for i in 0 1 2 3 4; do race_book LOOKED "lk-$i" "${s[$i]}"; done)
update data.organization set confirm_booking = true where organization_id = 'LOOKED';
$(race_book LOOKED lk-waits "${s[5]}")
update data.organization set confirm_booking = false where organization_id = 'LOOKED';
$(race_book LOOKED lk-held "${s[6]}" "" true)
update data.slot set starts_at = date_trunc('minute', now() - interval '20 minutes'), ends_at = date_trunc('minute', now() - interval '10 minutes'), wall_at = null where slot_id in ('${s[2]}');
update data.place as p set starts_at = t.starts_at, ends_at = t.ends_at from data.slot as t where t.slot_id = p.slot_id and p.book_key = 'lk-2';
select from admin.close_office('LOOKED2', current_date, null, 'ремонт', true);
select admin.move('lk-4', '${s[7]}'), admin.cancel('lk-4', 'причина');
create role race_looker login in role zapisd_operator, zapisd_registrar, zapisd_auditor;
create role race_colleague in role zapisd_registrar;
select admin.grant_office('race_looker', 'все'), admin.grant_office('race_colleague', 'RACE00001');
SQL
closure=$(q -c "select max(closure_id) from data.closure")
outbox=$(q -c "select min(outbox_id) from data.outbox where book_key = 'lk-4'")
stored() { echo "select outcome from api.inbox_store('queue', 'RACE00001', 'PORTAL', '$1', 'request', '1.2', 'r', null, null, null, false, 'x', 'd', 'p', 'good', 'q', 'a')"; }
for m in parked due answered; do stored "lk-$m"; echo ";"; done | q >/dev/null
q -c "select api.inbox_park(t.inbox_id, t.attempt, 'x') from api.inbox_take('queue', 'RACE00001', '1.2', 1, 'me', '1 min') as t" >/dev/null
q -c "select api.inbox_answered(t.inbox_id, t.attempt, 'a1', 'x', '201') from api.inbox_take('queue', 'RACE00001', '1.2', 1, 'me', '1 min') as t" >/dev/null
q -c "update data.inbox set ack_at = '-infinity'" # due, however long this takes
q -c "select api.inbox_unread('queue', 'RACE00001', '6f5b3d2e-cc01-11f0-8a3b-000000000001', 'LIMIT')" -c "select api.inbox_sections('me', '1 min', '{queue}', '{RACE00001}', '{1.2}')" >/dev/null
parked=$(q -c "select inbox_id from data.inbox where state = 'parked'")
due=$(q -c "select inbox_id from data.inbox where state = 'stored'")
answered=$(q -c "select inbox_id from data.inbox where state = 'answered'")

cat >"$race_dir/looks" <<SQL
select * from admin.today('LOOKED', (current_date + 1))
select * from admin.today('LOOKED', current_date)
select * from admin.waiting()
select * from admin.find('lk-')
select * from admin.why('lk-0')
select * from admin.why('lk-waits')
select * from admin.history('lk-0')
select * from admin.free('LOOKED', null)
select * from admin.load('LOOKED', current_date, current_date + 10)
select * from admin.schedule('LOOKED')
select * from admin.off_schedule('LOOKED')
select * from admin.offices()
select * from admin.my_offices()
select admin.office_day('LOOKED')
select * from admin.locks()
select * from admin.check()
select * from admin.zone_check()
select admin.housekeeping_lags('sweep')
select * from admin.refused()
select * from admin.inbox_calls($parked)
select * from admin.inbox_files($parked)
select * from admin.help()
select admin.help('cancel')
select admin.slot_decode('${s[0]}'::uuid)
select admin.state_title('BOOKED')
select admin.mask_name('Примерова', 'Анна', '')
select * from admin.close_day('LOOKED', (current_date + 1), 'ремонт')
select * from admin.close_area('LOOKED', 'a', (current_date + 1), null, 'ремонт')
select * from admin.close_office('LOOKED', (current_date + 1), null, 'ремонт')
select * from admin.absence('LOOKED', 'a', current_date + 2 + time '1:00', current_date + 2 + time '2:00', 'болезнь')
select * from admin.zone_move('LOOKED')
$(q -c "select 'select * from admin.' || relname from pg_class where relnamespace = 'admin'::regnamespace and relkind = 'v'")
SQL
cat >"$race_dir/changes" <<SQL
select result from admin.cancel('lk-0', 'причина')
select result from admin.confirm('lk-waits')
select result from admin.reject('lk-waits', 'причина')
select result from admin.move('lk-0', '${s[8]}')
select result from admin.invite('lk-0')
select result from admin.visited('lk-2')
select result from admin.no_show('lk-2')
select result from admin.turned_away('lk-2', '', 'нет документа')
select result from admin.no_show('lk-2'); select result from admin.correct('lk-2', '202', 'ошибка')
select admin.sweep()
select admin.outbox_done($outbox)
select admin.outbox_done('lk-4')
select admin.outbox_hold($outbox, 'причина')
select admin.outbox_hold('lk-4', 'причина'); select admin.outbox_release('lk-4')
select admin.outbox_requeue($outbox)
select admin.outbox_drop($outbox, 'причина')
select admin.outbox_done('lk-4'); select admin.outbox_resend('lk-4')
select admin.inbox_retry($parked)
update data.inbox set answer_id = 'x', answer = 'x', answered_at = now() where inbox_id = $parked; select admin.inbox_resign($parked)
select admin.inbox_unread_give_up('6f5b3d2e-cc01-11f0-8a3b-000000000001', 'причина')
select admin.inbox_move('gone', 'queue')
select admin.inbox_give_up($parked, 'причина')
select * from admin.close_day('LOOKED', (current_date + 1), 'ремонт', true)
select * from admin.close_area('LOOKED', 'a', (current_date + 1), null, 'ремонт', true)
select * from admin.close_office('LOOKED', (current_date + 1), null, 'ремонт', true)
select * from admin.absence('LOOKED', 'a', current_date + 2 + time '1:00', current_date + 2 + time '2:00', 'болезнь', true)
select * from admin.go_on()
select admin.reopen($closure)
select admin.generate('LOOKED', current_date, current_date + 20)
select admin.set_hours('LOOKED', 'b', 'пн-вс', '9:00-11:00', 30)
select admin.set_hours_for('LOOKED', 'b', current_date + 30, current_date + 60, 'пн', '9:00-10:00', 30)
select admin.special_day('LOOKED', current_date + 20, 'закрыто')
select admin.use_calendar('LOOKED', 'looked')
select admin.add_calendar('looked', 'Другой')
select admin.calendar_day('looked', '2027-01-01', 'праздник')
select admin.add_agency('RACE00001', 'Гонки')
select admin.add_organization('LOOKED', 'RACE00001', 'Другое имя', 'Europe/Moscow', 'Улица', '000')
select admin.add_area('LOOKED', 'b', 'Другое', 2)
select admin.add_area('LOOKED', 'c', 'Третье')
select admin.remove_area('LOOKED', 'b')
select admin.add_service('LOOKED', 'looked-1', 'Другая')
select admin.add_status('RACE00001', '206002', 'Другое')
select admin.set_text('LOOKED', '201', 'Ждём')
select admin.slot_attribute('LOOKED', 'b', 'entrance', 'со двора')
select admin.queue_numbers('LOOKED', 'b', 'Б-')
select admin.ref_new('looked-2', 'Другая')
select admin.ref_attribute('looked', 'm', 'Ещё')
select admin.ref_put('looked', 'a', 'АА')
select admin.ref_delete('looked', 'b')
select admin.ref_drop('gone')
select admin.ref_csv('looked', true); insert into ref_csv values ('a', 'АА'), ('b', 'ББ'); select * from admin.ref_import('looked')
select admin.grant_office('race_colleague', 'RACE00001', 'LOOKED')
select admin.revoke_office('race_colleague', 'RACE00001')
select admin.journal_partitions(0)
select * from admin.zone_move('LOOKED', true)
SQL
# what ends a session is tried beside its own holder, in race_forgotten.sh
apart="lock_end"
message() { echo "row('l','plain','p','RACE','RACE00001','$1','$2','good',null,null,sha256('$1'::bytea),now(),false,'x', false)::api.message"; }
line() { race_book "$@" | paste -sd' '; }
cat >"$race_dir/portal" <<SQL
$(line LOOKED lk-0 "${s[0]}" again)
$(line LOOKED lk-1 "${s[9]}" moves)
$(line LOOKED lk-new "${s[10]}")
$(line LOOKED lk-held "${s[6]}" confirms)
select r.status_code from api.cancel_booking($(message lk-c1 cancelBooking), 'lk-0', '1', '{}') as r where kind = 'answer'
select r.status_code from api.cancel_booking($(message lk-c2 cancelBooking), 'lk-held', '1', '{}') as r where kind = 'answer'
select r.status_code from api.update_booking_details($(message lk-u1 updateBookingDetails), 'lk-0', '1', '${s[11]}', 'LOOKED', null, null, null, null, '201', null, '{}') as r
select r.status_code from api.update_booking_details($(message lk-u2 updateBookingDetails), 'lk-1', '1', null, null, null, null, null, null, '301', null, '{}') as r
select api.lock_bookings('{lk-0,lk-1,lk-2,lk-3,lk-4,lk-waits,lk-held}')
select * from api.get_booking_status('', 'lk-0', '1')
select * from api.get_ref_items_list('RACE00001', 'organizations', null, 'ONELEVEL', '{}', '{title}', 1, 1, null)
select did from api.housekeeping('sweep')
select did from api.housekeeping('outcomes')
select did from api.housekeeping('closure')
select did from api.housekeeping('generate')
select did from api.housekeeping('journal')
select did from api.housekeeping('outbox')
select did from api.housekeeping('ended')
select did from api.housekeeping('clock')
select count(*), bool_or(api.outbox_keep(t.outbox_id, t.attempt, 'm1', 'x', 'c')), bool_or(api.outbox_result(t.outbox_id, t.attempt, 'again', 'x', null, '1 s')) from api.outbox_take('{RACE00001}', 3, 'me', '1 min', 'smev2') as t
select api.outbox_answer('RACE00001', 'none', 'answered', null, 'lk-4', null, 'queue', 'GetResponse', 'a', 'p', 'q', 'a')
$(stored lk-new)
$(stored lk-due)
select api.inbox_known('RACE00001', 'PORTAL', 'x')
select api.inbox_acked($due, true, 'ok', 'p', 'q', 'a')
select count(*), bool_or(api.inbox_again(t.inbox_id, t.attempt, 'x', '1 s')) from api.inbox_take('queue', 'RACE00001', '1.2', 3, 'me', '1 min') as t
select count(*), bool_or(api.inbox_park(t.inbox_id, t.attempt, 'x')) from api.inbox_take('queue', 'RACE00001', '1.2', 3, 'me', '1 min') as t
select count(*), bool_or(api.inbox_answered(t.inbox_id, t.attempt, 'a2', 'x', '201')) from api.inbox_take('queue', 'RACE00001', '1.2', 3, 'me', '1 min') as t
select count(*), bool_or(api.inbox_renewed(t.inbox_id, t.attempt, 'a3', 'x')) from api.inbox_unsent_take('queue', 'RACE00001', '1.2', 3, 'me', '1 min') as t
select count(*), bool_or(api.inbox_sent(t.inbox_id, t.attempt, 'sent', null, null, 'p', 'good', 'q', 'a')) from api.inbox_unsent_take('queue', 'RACE00001', '1.2', 3, 'me', '1 min') as t
select count(*) from api.inbox_unacked('queue', 'RACE00001', 3, '1 min')
select count(*) from api.inbox_slow_take('queue', 'RACE00001', '1.2', 3, '0 s')
select api.inbox_sections('me', '1 min', '{queue}', '{RACE00001}', '{1.2}')
select * from api.inbox_concerns('{queue}', '{RACE00001}', '{1.2}')
select * from api.outbox_concerns('{RACE00001}', array['']::text[])
select * from api.outbox_nodes()
select api.inbox_unread('queue', 'RACE00001', '6f5b3d2e-cc01-11f0-8a3b-000000000001', 'LIMIT', 'GetResponse', 'm1')
select api.outbox_acked('RACE00001', 'queue', 'a', true, 'OK', null, 'p', 'q', 'a')
select api.outbox_untrusted('queue', 'RACE00001', 'SENDER', 'm1', 'a')
select * from api.inbox_unread_take('RACE00001', 3, '1 min')
select api.inbox_unread_said('RACE00001', '6f5b3d2e-cc01-11f0-8a3b-000000000001')
select api.inbox_slow_still($due)
select api.inbox_slow_said($due, 'sent', 'p', 'good', 'q', 'a')
select api.journal_unheard('queue', 'RACE00001', 'GetStatus', 'UNREACHABLE', 'p', 'q')
select api.inbox_signed('queue', 'RACE00001')
select api.inbox_polled('queue', 'RACE00001', 'UNREACHABLE')
select api.inbox_refused('queue', 'RACE00001', 'SendResponse', 'SenderIsNotRegistered')
SQL

expect "functions of admin that neither look nor change here" "" "$(q -v l="$(cat "$race_dir"/looks "$race_dir"/changes)" -v a="$apart" <<'SQL' | paste -sd' '
select distinct proname from pg_proc where pronamespace = 'admin'::regnamespace and :'l' !~ ('admin\.' || proname || '\M') and proname <> all (string_to_array(:'a', ' ')) order by 1
SQL
)"
expect "functions of api that change nothing and are said to" "" "$(q -v l="$(cat "$race_dir/portal")" <<'SQL' | paste -sd' '
select distinct proname from pg_proc where pronamespace = 'api'::regnamespace and provolatile = 'v' and :'l' !~ ('api\.' || proname || '\M')
    -- the exchange with the journal, which refers to nothing, and what asks after the server
    and proname !~ '^(journal_|get_refs|get_ref_attributes|housekeeping_|probe|ready)' order by 1
SQL
)"

unwilling() { PGOPTIONS="${PGOPTIONS:-} -c lock_timeout=3s" q "$@" 2>&1; }
# Each passes when nobody looks: what is refused then proves nothing.
alone() {
    local command said bad=0
    while read -r command; do
        { echo "begin;"; echo "$command;"; echo "rollback;"; } >"$race_dir/one.sql"
        said=$(unwilling -f "$race_dir/one.sql") && ! grep -qE '^(уже|отклонено|нельзя)' <<<"$said" || { echo "$1: $command: $said"; bad=1; }
        echo "$said" >>"$race_dir/$1"
    done
    [ $bad = 0 ] || exit 1
}
# "Found nothing" proves nothing either, but once all of it was read, these are noted.
alone "with nobody there" <"$race_dir/portal"
mv "$race_dir/with nobody there" "$race_dir/answers"
alone "with nobody there" <"$race_dir/changes"
race_open holder
race_say holder "set session authorization race_looker; begin"
while read -r command; do race_say holder "do \$race\$ begin perform from ($command) as x; end \$race\$"; done <"$race_dir/looks"
! grep ERROR "$race_dir/holder.said" || exit 1
# The notes are not there for others yet; the holder counts his own.
race_say holder "reset session authorization; select 'noted ' || string_agg(distinct book_key, ' ') from data.personal_reading where db_user = 'race_looker'"
expect "bookings whose applicants were shown" "noted lk-0 lk-1 lk-2 lk-3 lk-held lk-waits" "$(grep '^noted' "$race_dir/holder.said")"
alone "beside who has looked" <"$race_dir/portal"
expect "answers to the portal beside who has looked" "$(cat "$race_dir/answers")" "$(cat "$race_dir/beside who has looked")"
alone "beside who has looked" <"$race_dir/changes"
let_go
q -c "select admin.inbox_give_up($parked, 'причина')" -c "select admin.inbox_unread_give_up('6f5b3d2e-cc01-11f0-8a3b-000000000001', 'причина')" >/dev/null
race_check
