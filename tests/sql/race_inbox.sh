#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# Q7, Q3: several daemons at one queue on one database: deliveries that meet, takers that are killed while they are at it, senders that
# meet, an operator's hand. Each message is stored once, its effect stands once, its answer is sent.
. "$(dirname "$0")/lib/race.sh"
store() { echo "select outcome from api.inbox_store('a', 'RACE00001', 'PORTAL', '$1', 'request', '1.2', 'r', null, null, null, false, 'x', '${2:-d}', 'p', 'good', 'q', 'a');"; }
q -c "create table effect (inbox_id bigint, attempt integer)" >/dev/null

# one delivery meets another: the second waits for the first, and knows it, or stores it when the first is gone
for end in commit rollback; do
    hold "$(store "meet-$end")"
    meet "$(store "meet-$end")" $end
    want=known; [ $end = rollback ] && want=new
    expect "the same message twice, first ends with $end" $want "$met"
done

# an effect that is to be committed with its answer, and an operator who gives the message up meanwhile: he waits, and is told
q -c "$(store hand)" -c "select from api.inbox_take('a', 'RACE00001', '1.2', 10, 'one', '-1 s')" >/dev/null
id=$(q -c "select inbox_id from data.inbox where message_id = 'hand'")
attempt=$(q -c "select attempts from data.inbox where inbox_id = $id")
hold "insert into effect values ($id, $attempt); select api.inbox_answered($id, $attempt, 'id-hand', 'x', '201')"
meet "select admin.inbox_give_up($id, 'x')"
expect "given up after the answer" "Снято; готовый ответ не передаётся" "$met"
q -c "$(store hand-2)" -c "select from api.inbox_take('a', 'RACE00001', '1.2', 10, 'one', '-1 s')" >/dev/null
id=$(q -c "select inbox_id from data.inbox where message_id = 'hand-2'")
attempt=$(q -c "select attempts from data.inbox where inbox_id = $id")
hold "select admin.inbox_give_up($id, 'x')"
meet "select api.inbox_answered($id, $attempt, 'id-hand', 'x', '201')"
expect "answered after it was given up" f "$met"

# a crowd: each taker takes, does, answers in one transaction with its effect, and now and then does not live to say so
for n in $(seq 1 60); do store "crowd-$n"; done | q >/dev/null
taker() { # NAME
    while sql_says "select exists (select from data.inbox where message_id ~ '^crowd' and state in ('stored', 'working'))"; do
        q >/dev/null 2>&1 <<SQL
set application_name = '$1';
create temp table mine as select * from api.inbox_take('a', 'RACE00001', '1.2', 1 + floor(random() * 4)::integer, '$1', '200 ms');
$(store "crowd-$((RANDOM % 60 + 1))")
select pg_terminate_backend(pg_backend_pid()) where random() < 0.15;
begin;
insert into effect select inbox_id, attempt from mine;
delete from effect as e using mine as m where e.inbox_id = m.inbox_id and e.attempt = m.attempt
    and not api.inbox_answered(m.inbox_id, m.attempt, 'id-' || m.inbox_id, 'x', '201');
select pg_terminate_backend(pg_backend_pid()) where random() < 0.15;
commit;
SQL
    done
}
sender() { # NAME
    while sql_says "select exists (select from data.inbox where message_id ~ '^crowd' and ended_at is null)"; do
        q >/dev/null 2>&1 <<SQL
create temp table mine as select * from api.inbox_unsent_take('a', 'RACE00001', '1.2', 3, '$1', '200 ms');
select pg_terminate_backend(pg_backend_pid()) where random() < 0.2;
select api.inbox_sent(inbox_id, attempt, case when random() < 0.3 then 'again' else 'sent' end, null, '10 ms', 'p', 'good', 'a', 'b') from mine;
SQL
    done
}
for who in one two three; do taker "$who" & done
for who in four five; do sender "$who" & done
wait
expect "all are answered and sent" 60 "$(q -c "select count(*) from data.inbox where message_id ~ '^crowd' and state = 'sent' and answer_id = 'id-' || inbox_id")"
expect "each once in effect" 60 "$(q -c "select count(*) from effect join data.inbox using (inbox_id) where message_id ~ '^crowd'")"
expect "and nobody's twice" 60 "$(q -c "select count(distinct inbox_id) from effect join data.inbox using (inbox_id) where message_id ~ '^crowd'")"
expect "each stored once" 60 "$(q -c "select count(*) from data.inbox_call as c join data.inbox using (inbox_id) where message_id ~ '^crowd' and c.outcome = 'new'")"
expect "some were delivered again" t "$(q -c "select count(*) > 5 from data.inbox_call where outcome = 'known'")"
expect "some were taken over" t "$(q -c "select count(*) > 5 from data.inbox where message_id ~ '^crowd' and attempts > 2")"
