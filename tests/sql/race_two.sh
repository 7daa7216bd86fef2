#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# Two sessions: one slot (B2), one message (B6), one bookId by two messages (B6), crossed moves, closing a slot while it is
# booked, confirming while somebody takes the lapsed place (B3).
. "$(dirname "$0")/lib/race.sh"
race_setup RT 1 12
mapfile -t s < <(race_slots RT)

# one slot: the second waits for the first; when the first rolls back it gets the place
for end in commit rollback; do
    slot=${s[0]}; [ $end = rollback ] && slot=${s[1]}
    want=208/4; [ $end = rollback ] && want=201/0
    hold "$(race_book RT "one-$end" "$slot")"
    meet "$(race_book RT "two-$end" "$slot")" $end
    expect "one slot, first ends with $end" $want "$met"
done

# one message twice at once: one effect, and the second gets the first answer
hold "$(race_book RT msg-1 "${s[2]}" same-message)
select api.journal_reply(journal_id, at, '201', 'first answer') from data.journal where message_id = 'same-message' and direction = 'in'"
meet "select kind, convert_from(stored, 'UTF8') from api.book(row('l','plain','p','RACE','RACE00001','same-message','book','good',null,null,sha256(convert_to('same-message', 'UTF8')),now(),false,'x', false)::api.message, 'msg-1', '{${s[2]}}', 'RT', 'SIMPLE', 'PHYSIC', '1', '{}', '{}', '{}', false, 60, null, '{}')"
expect "the same message in flight" "stored|first answer" "$met"
expect "one history row" 1 "$(q -c "select count(*) from data.booking_history where book_key = 'msg-1'")"

# the same new bookId by two messages: the second changes the first
hold "$(race_book RT both "${s[3]}" both-1)"
meet "$(race_book RT both "${s[4]}" both-2)"
expect "the same bookId" 201/0 "$met"
expect "moved" "${s[4]}" "$(q -c "select slot_id from data.place where book_key = 'both'")"

# two people swap their slots: both are refused, nobody waits for the other for ever
q -c "$(race_book RT sw-1 "${s[5]}")" -c "$(race_book RT sw-2 "${s[6]}")" >/dev/null
race_open one
race_open two
race_say one "begin; select from data.booking where book_key = 'sw-1' for update"
race_say two "begin; $(race_book RT sw-2 "${s[5]}" sw-2b)"
race_say one "$(race_book RT sw-1 "${s[6]}" sw-1b)"
race_close one commit
race_close two commit
expect "swap, first" 208/4 "$(grep / "$race_dir/one.said")"
expect "swap, second" 208/4 "$(grep / "$race_dir/two.said")"

# closing comes before or after booking, never in between
hold "update data.slot set is_closed = true where slot_id = '${s[7]}'"
meet "$(race_book RT cl-1 "${s[7]}")"
expect "being closed" 208/4 "$met"

# a lapsed hold: its owner confirms while a stranger takes it over; whoever comes first has it
q -c "$(race_book RT hold-1 "${s[8]}" hold-1 true)" >/dev/null
q -c "update data.booking set hold_until = now() - interval '1 s' where book_key = 'hold-1'" -c "update data.place set hold_until = now() - interval '1 s' where book_key = 'hold-1'"
hold "$(race_book RT hold-2 "${s[8]}")"
meet "$(race_book RT hold-1 "${s[8]}" hold-1b)"
expect "confirmed too late" 208/4 "$met"
expect "the stranger has it" hold-2 "$(q -c "select book_key from data.place where slot_id = '${s[8]}'")"
q -c "$(race_book RT hold-3 "${s[9]}" hold-3 true)" >/dev/null
for span in 1 8 64 300; do # however slow we are, one of them is long enough to confirm in
    q -c "update data.booking set hold_until = clock_timestamp() + interval '$span s' where book_key = 'hold-3'" -c "update data.place p set hold_until = b.hold_until from data.booking b where p.book_key = 'hold-3' and b.book_key = p.book_key"
    hold "$(race_book RT hold-3 "${s[9]}" hold-3b)"
    ! grep -qx 201/0 "$race_dir/holder.said" || break
    let_go rollback
done
wait_until "select clock_timestamp() > hold_until from data.booking where book_key = 'hold-3'"
meet "$(race_book RT hold-4 "${s[9]}")"
expect "confirmed in time, not yet committed, seen after the end" 208/4 "$met"
expect "the owner keeps it" hold-3 "$(q -c "select book_key from data.place where slot_id = '${s[9]}'")"
race_check
