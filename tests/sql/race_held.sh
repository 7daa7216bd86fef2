#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# L1, Q3, Q7, M8: all queues write by one session, all deliveries by another. Whatever somebody at a console does to a row of the inbox or the outbox and
# leaves open, no statement of these two waits for him: it leaves the row, says so, and does its work when he has ended. Every statement of the daemon's,
# by the list of what it sends, each way to hold each row that it touches.
. "$(dirname "$0")/lib/race.sh"
statements=$(dirname "$0")/../e2e/statements.txt
q >/dev/null <<'SQL' || exit 1
insert into data.agency values ('HELD00001', 'Занятые'), ('HELD00002', 'Соседи');
insert into data.organization (organization_id, agency_code, name, time_zone) values ('HELD', 'HELD00001', 'HELD', 'Europe/Moscow');
create function public.outbox_row(m text, s text) returns void language plpgsql as $$
declare
    b data.booking;
begin
    insert into data.booking (book_key, book_id, esia_id, organization_id, state, status_code, created_at, changed_at)
    values (m, m, '1', 'HELD', 'BOOKED', '201', now(), now()) returning * into b;
    perform data.push_row(b, clock_timestamp(), null, null);
    if s <> 'waiting' then
        update data.outbox set state = s, attempts = 1, message_id = m, octets = 'x', road = 'smev3', sent_at = now(),
            lease_owner = case when s = 'sending' then 'me' end, lease_until = case when s = 'sending' then now() + interval '1 hour' end,
            deadline = case when s = 'sent' then now() + interval '1 day' end where book_key = m;
    end if;
end $$;
-- As if nothing had been said; who waits is told so after a while by the server, for nobody lets go meanwhile.
create function public.say(what text) returns text language plpgsql as $$
declare
    said text;
begin
    begin
        execute what into said;
        raise exception 'said' using errcode = 'ZP001';
    exception
        when sqlstate 'ZP001' then
            return coalesce(said, 'null');
        when lock_not_available then
            return case when sqlerrm ~ 'could not obtain lock on row' then 'LOCKED' else sqlerrm end;
    end;
end $$;
SQL
store() { # DIGEST [ACK_ID]
    echo "select outcome from api.inbox_store('s', 'HELD00001', 'PORTAL', '@', 'request', '1.2', 'r', null, null, null, false, 'x', '$1', 'p', 'good', 'q', 'a', p_ack_id => '${2:-@}');"
}
inbox="data.inbox where message_id = '@'"
unread="data.inbox_unread where message_id = '@'"
outbox="data.outbox where book_key = '@'"
source="data.inbox_source where source = '@'"
refusal="data.inbox_refusal where source = '@'"
section="data.inbox_section where owner = '@'"
road="data.outbox_road where agency_code = 'HELD00001'"
stored="$(store d)"
working="$stored update data.inbox set state = 'working', attempts = 1, owner = 'me', due_at = now() + interval '1 hour' where message_id = '@';"
sending="$working update data.inbox set state = 'sending', attempts = 2, answer_id = '@', answer = 'x', answered_at = now() where message_id = '@';"
sent="$sending update data.inbox set state = 'sent', owner = null, ended_at = now(), octets = null, answer = null where message_id = '@';"
noted="select api.inbox_unread('s', 'HELD00001', '@', 'LIMIT');"
given_up="$noted update data.inbox_unread set given_up_at = now(), given_up_by = 'me', reason = 'x', say_at = now() - interval '1 min' where message_id = '@';"
id="(select inbox_id from data.inbox where message_id = '@')"
row="(select outbox_id from data.outbox where book_key = '@')"
answer() { echo "select api.outbox_answer('HELD00001', $1, '${2:-answered}', 'x', '${3:-}', null, 's', 'GetResponse', '${4:-@-a}', 'p', 'q', 'a', is_smevs => ${5:-false})"; }

# NAME | what is held | what was before | the statement | what it says while somebody changes the row; holds it for update or deletes it; when he has ended
# "LOCKED": it fails at once, and is said again; nothing: it answers nothing, and is said again
cat >"$race_dir/cases" <<SQL
store, known | $inbox | $stored | $(store d) | known | | known
store, other | $inbox | $stored | $(store e) | | | other
store, another Ack | $inbox | $stored | $(store d other) | | | known
store, was unread | $unread | $noted | $(store d) | | | new
acked | $inbox | $stored | select api.inbox_acked($id, true, 'OK', 'p', 'a', 'b') | | | true
again | $inbox | $working | select api.inbox_again($id, 1, 'x', '1 s') | | | true
park | $inbox | $working | select api.inbox_park($id, 1, 'x') | | | true
answered | $inbox | $working | select api.inbox_answered($id, 1, '@', 'x', 'x', null, null, false) | | | true
renewed | $inbox | $sending | select api.inbox_renewed($id, 2, '@', 'x') | | | true
sent | $inbox | $sending | select api.inbox_sent($id, 2, 'sent', null, null, 'p', 'good', 'a', 'b') | | | true
sent, again | $inbox | $sending | select api.inbox_sent($id, 2, 'again', 'x', '1 s', 'p', 'good', 'a', 'b') | | | true
sent, park | $inbox | $sending | select api.inbox_sent($id, 2, 'park', 'x', '1 s', 'p', 'good', 'a', 'b') | | | true
slow_said | $inbox | $stored | select concat('said', api.inbox_slow_said($id, 'status', 'p', 'good', 'a', 'b')) | said | LOCKED | said
slow_still | $inbox | $stored | select api.inbox_slow_still($id) | false | false | true
slow_take | $inbox | $stored | select count(*) from api.inbox_slow_take('s', 'HELD00001', '1.2', 1000, '0 s') where inbox_id = $id | 0 | 0 | 1
take | $inbox | $stored | select count(*) from api.inbox_take('s', 'HELD00001', '1.2', 1000, 'me', '1 hour') where inbox_id = $id | 0 | 0 | 1
unsent_take | $inbox | $sending update data.inbox set state = 'answered', owner = null, due_at = now() where message_id = '@'; | select count(*) from api.inbox_unsent_take('s', 'HELD00001', '1.2', 1000, 'me', '1 hour') where inbox_id = $id | 0 | 0 | 1
unacked | $inbox | $stored update data.inbox set ack_at = '-infinity' where message_id = '@'; | select count(*) from api.inbox_unacked('s', 'HELD00001', 1000, '1 hour') where inbox_id = $id | 0 | 0 | 1
signed | $inbox | select api.inbox_polled('@', 'HELD00001', null); $stored update data.inbox set source = '@', last_error = 'AGENCY: agency HELD00001', due_at = now() + interval '1 hour' where message_id = '@'; | select api.inbox_signed('@', 'HELD00001') | 0 | 0 | 1
polled | $source | select api.inbox_polled('@', 'HELD00001', null); | select concat('said', api.inbox_polled('@', 'HELD00001', 'X')) | LOCKED | LOCKED | said
refused | $refusal | select api.inbox_refused('@', 'HELD00001', 'Ack', 'X'); | select concat('said', api.inbox_refused('@', 'HELD00001', 'Ack', 'Y')) | LOCKED | LOCKED | said
refused, no more | $refusal | select api.inbox_refused('@', 'HELD00001', 'Ack', 'X'); | select concat('said', api.inbox_refused('@', 'HELD00001', 'Ack', null)) | LOCKED | LOCKED | said
unread | $unread | $noted | select concat('said', api.inbox_unread('s', 'HELD00001', '@', 'LIMIT')) | LOCKED | LOCKED | said
unread, an old one is held | $unread | $noted update data.inbox_unread set last_at = now() - interval '90 days' where message_id = '@'; | select concat('said', api.inbox_unread('s', 'HELD00001', '', 'LIMIT')) | said | said | said
unread, an answer | $outbox | select outbox_row('@', 'sent'); | select concat('said', api.inbox_unread('s', 'HELD00001', '@-a', 'LIMIT', 'GetResponse', '@')) | said | LOCKED | said
unread_said | $unread | $given_up | select concat('said', api.inbox_unread_said('HELD00001', '@')) | LOCKED | LOCKED | said
unread_take | $unread | $given_up | select count(*) from api.inbox_unread_take('HELD00001', 1000, '1 hour') where message_id = '@' | 0 | 0 | 1
unread_take, its namesake is held | $unread and operation = 'GetResponse' | $given_up select api.inbox_unread('s', 'HELD00001', '@', 'LIMIT', 'GetResponse'); | select count(*) from api.inbox_unread_take('HELD00001', 1000, '1 hour') where message_id = '@' | 1 | 1 | 1
sections | $section | select api.inbox_sections('@', '1 hour', '{a,b}', '{HELD00001,HELD00001}', '{1.2,1.2}'); | select concat('said', api.inbox_sections('@', '1 hour', '{b,c}', '{HELD00001,HELD00001}', '{1.2,1.2}')) | said | said | said
sections, source | $source | select api.inbox_polled('@', 'HELD00001', null); | select concat('said', api.inbox_sections('@', '1 hour', '{@}', '{HELD00001}', '{1.2}')) | said | said | said
outbox_take | $outbox | select outbox_row('@', 'waiting'); | select count(*) from api.outbox_take('{HELD00001}', 1000, 'me', '1 hour', 'smev3') where book_id = '@' | 0 | 0 | 1
outbox_take, the road | $road | select outbox_row('@', 'waiting'); select from api.outbox_take('{HELD00001}', 1, 'me', '1 hour', 'smev2'); update data.outbox set state = 'waiting', lease_until = null, lease_owner = null where book_key = '@'; | select count(*) from api.outbox_take('{HELD00001}', 1000, 'me', '1 hour', 'smev3') where book_id = '@' | 1 | 1 | 1
outbox_keep | $outbox | select outbox_row('@', 'sending'); | select api.outbox_keep($row, 1, '@', 'y', null) | | | true
outbox_result | $outbox | select outbox_row('@', 'sending'); | select api.outbox_result($row, 1, 'answered', null, 'a', null) | | | true
outbox_result, queued | $outbox | select outbox_row('@', 'sending'); | select api.outbox_result($row, 1, 'queued', null, 'a', null) | | | true
outbox_answer | $outbox | select outbox_row('@', 'sent'); | $(answer "'@'") | LOCKED | LOCKED | answered
outbox_answer, by its booking | $outbox | select outbox_row('@', 'sent'); | $(answer null answered @) | LOCKED | LOCKED | answered
outbox_answer, had before | $outbox | select outbox_row('@', 'sent'); update data.outbox set answer_id = '@-a' where book_key = '@'; | $(answer null answered none) | LOCKED | LOCKED | late
outbox_answer, to a former message | $outbox | select outbox_row('@', 'waiting'); update data.outbox set former_ids = '{@-f}' where book_key = '@'; | $(answer "'@-f'") | LOCKED | LOCKED | late
outbox_answer, to an answer of ours | $inbox | $sent | $(answer "'@'" stopped "" @-a true) | LOCKED | LOCKED | parked
outbox_answer, was unread | $unread | select outbox_row('@', 'sent'); $noted | $(answer "'@'" answered "" @) | LOCKED | LOCKED | answered
outbox_answer, nobody's | $unread | select api.inbox_unread('s', 'HELD00001', '@', 'FOREIGN', 'GetResponse', 'x'); | $(answer "'@-x'" answered "" @) | LOCKED | LOCKED | unknown
outbox_acked | $refusal | select api.inbox_refused('@', 'HELD00001', 'Ack of an answer', 'X'); | select concat('said', api.outbox_acked('HELD00001', '@', '@', true, 'OK', null, 'p', 'a', 'b')) | LOCKED | LOCKED | said
outbox_untrusted | $outbox | select outbox_row('@', 'sent'); | select concat('said', api.outbox_untrusted('s', 'HELD00001', 'SENDER', '@', '@-a')) | said | LOCKED | said
outbox_untrusted, the road | $road | select from api.outbox_take('{HELD00001}', 1, 'me', '1 hour', 'smev2'); | select concat('said', api.outbox_untrusted('s', 'HELD00001', 'SENDER', null, null)) | said | said | said
SQL
grep -oE 'api\.(inbox|outbox)_[a-z_]+' "$race_dir/cases" | sort -u >"$race_dir/played"
# what only reads waits for no row
expect "statements of the queues and the delivery that are not played" "" "$(grep -oE 'api\.(inbox|outbox)_[a-z_]+' "$statements" | sort -u |
    grep -vxFf "$race_dir/played" | grep -vxE 'api\.(inbox_known|inbox_state|outbox_state|outbox_nodes)' | paste -sd' ')"

columns() { # TABLE: what is set to itself, so that its row is changed and nothing of it; no key of it
    case $1 in data.inbox) echo others ;; data.inbox_unread) echo times ;; data.outbox) echo reason ;; data.inbox_source) echo fault ;; data.inbox_refusal) echo last_at ;; data.inbox_section) echo until ;; data.outbox_road) echo asked_at ;; esac
}
way() { # WAY HELD
    local table=${2%% *} where=${2#* } column
    column=$(columns "$table")
    case $1 in
        update) echo "update $table set $column = $column $where;" ;;
        for_update) echo "select from $table $where for update;" ;;
        delete) echo "set local session_replication_role = replica; delete from $table $where;" ;; # with what refers to it
    esac
}
trim() { local s=${1#"${1%%[! ]*}"}; echo "${s%"${s##*[! ]}"}"; }
ways="update for_update delete"
say() { # STATEMENT: what it says of the three rows
    { echo "set ${patience:-lock_timeout = '2s'};"; for how in $ways; do printf 'select public.say($say$%s$say$);\n' "${1//@/held-$n-$how}"; done; } | q 2>&1
}
n=0 bad=0
while IFS='|' read -r name held before statement changed taken ended; do
    n=$((n + 1)) statement=$(trim "$statement")
    changed=$(trim "$changed") taken=$(trim "$taken") ended=$(trim "$ended")
    for how in $ways; do echo "${before//@/held-$n-$how}"; done | q >/dev/null || { echo "$name: before"; exit 1; }
    hold "$(for how in $ways; do way "$how" "$(trim "${held//@/held-$n-$how}")"; done)"
    meanwhile=$(say "$statement" | paste -sd' ')
    want="${changed:-null} ${taken:-null} ${taken:-null}"
    [ "$meanwhile" = "$want" ] || { echo "$name: want '$want', got '$meanwhile'"; bad=1; }
    let_go rollback
    after=$(say "$statement" | paste -sd' ')
    [ "$after" = "$ended $ended $ended" ] || { echo "$name, when it is over: want '$ended', got '$after'"; bad=1; }
done <"$race_dir/cases"
[ $n -gt 40 ] || { echo "only $n were played"; exit 1; }
# Of what nobody can see yet there is no row to be locked: who asks for the outbox first does not wait for another who does.
n=road
q -c "select outbox_row('road', 'waiting')" >/dev/null || exit 1
hold "insert into data.outbox_road (agency_code, road, asked_at, asked_by) values ('HELD00002', 'smev2', now(), 'x')"
ways=insert patience="statement_timeout = '20s'" # it catches the other
expect "an agency that somebody is about to insert" 1 "$(say "select count(*) from api.outbox_take('{HELD00002,HELD00001}', 1000, 'me', '1 hour', 'smev3') where book_id = 'road'")"
let_go rollback
[ $bad = 0 ] || exit 1
