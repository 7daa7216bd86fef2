#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# B2, two sessions at a time, no luck in it: one has taken a time of an area for one and is not done, another wants a time that overlaps it.
# Every way of taking (book, plain insert, plain update) meets every way, at every kind of overlap, within a day and over midnight; the first
# commits or rolls back. One of the two has the time in the end, never both and never neither.
. "$(dirname "$0")/lib/race.sh"
race_setup RV 1 1
# Pairs of hours in days of their own. What overlaps: (start, minutes) of the first and of the second, minutes from 10:05.
pairs=("0 15 0 30" "0 30 0 15" "0 15 10 15" "10 15 0 15" "0 60 20 5" "20 5 0 60" "0 15 14 240" "835 20 840 10" "0 1 0 1" "0 7 3 9" "0 1200 600 10")
q >/dev/null <<'SQL'
update data.organization set booking_window_days = 365, phone = '000' where organization_id = 'RV';
SQL
day=2 # visits of twenty hours reach into the next one
hour() { # MINUTE MINUTES NUMBER: a slot of the day, a time of its own
    q -c "insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at, serial)
        select data.slot_uuid(t.at, o.number, 1, $3), 'RV', a.area_key, t.at, t.at + interval '$2 min', $3
        from data.organization o join data.area a using (organization_id),
            (select date_trunc('day', now()) + interval '$day days 10 hours 5 minutes' + interval '$1 min' as at) t
        where o.organization_id = 'RV' returning slot_id"
}
far() { hour $((-400 + 10 * $1)) 5 "$1"; } # somewhere else that day
raw_booking() { echo "insert into data.booking (book_key, book_id, esia_id, organization_id, state, status_code, service_ids, created_at, changed_at)
    values ('$1', '$1', '1', 'RV', 'BOOKED', '201', '{}', now(), now());
    insert into data.booking_history (book_key, at, actor, db_user, new_state, new_status, organization_id, slot_ids)
    values ('$1', now(), 'A', 'x', 'BOOKED', '201', 'RV', '{}');"; }
raw_place() { echo "insert into data.place (slot_id, place_no, book_key, capacity, area_key, starts_at, ends_at)
    select slot_id, 1, '$1', capacity, area_key, starts_at, ends_at from data.slot where slot_id = '$2';"; }
taking() { # WAY BOOK SLOT: SQL that takes it
    case $1 in
        book) race_book RV "$2" "$3" ;;
        insert) raw_booking "$2"; raw_place "$2" "$3" ;;
        update) echo "update data.place p set slot_id = s.slot_id, starts_at = s.starts_at, ends_at = s.ends_at from data.slot s
            where p.book_key = '$2' and s.slot_id = '$3';" ;;
    esac
}
before_taking() { # WAY BOOK NUMBER: who is to move has a time elsewhere
    [ "$1" != update ] || q -c "$(raw_booking "$2") $(raw_place "$2" "$(far "$3")")" >/dev/null
}
n=0
for first in book insert update; do
    for second in book insert update; do
        for pair in "${pairs[@]}"; do
            for end in commit rollback; do
                # every pair meets functions; the plain ways meet each other at some of them
                [ $((n % 3)) = 0 ] || [ "$first$second" = bookbook ] || { n=$((n + 1)); continue; }
                read -r a am b bm <<<"$pair"
                one=$(hour "$a" "$am" 1) two=$(hour "$b" "$bm" 2) what="$first, then $second, $pair, first ends with $end"
                before_taking $first "rv-$n-1" 3
                before_taking $second "rv-$n-2" 4
                hold "$(taking $first "rv-$n-1" "$one")"
                meet "$(taking $second "rv-$n-2" "$two")" $end
                want="rv-$n-1"; [ $end = commit ] || want="rv-$n-2"
                expect "$what" "$want" "$(q -c "select string_agg(book_key, ' ' order by book_key) from data.place where slot_id in ('$one', '$two')")"
                [ "$second" != book ] || [ $end = rollback ] || expect "$what" 208/4 "$met"
                n=$((n + 1)) day=$((day + 2))
            done
        done
    done
done
# A transaction that could not see whoever had the time before is refused, by whatever way it comes.
day=$((day + 1))
one=$(hour 0 15 1)
for level in "repeatable read" serializable; do
    for way in book insert; do
        said=$(q -c "begin isolation level $level; $(taking $way "rv-old-$way" "$one") commit" 2>&1)
        [[ $said == *"read committed"* ]] || { echo "$level, $way: $said"; exit 1; }
        expect "$level, $way" 0 "$(q -c "select count(*) from data.place where slot_id = '$one'")"
    done
done
# Bookings that plain SQL made and that got no time stay without one, and admin.check() says so of each; it says nothing else.
expect "admin.check()" "" "$(q -c "select * from admin.check() where problem <> 'порталу не передаётся то, чего требует приказ'" | grep -v '^у действующей записи нет места|запись rv-')"
q -c "select admin.cancel(book_id, 'без места') from data.booking as b where organization_id = 'RV' and not exists (select from data.place as p where p.book_key = b.book_key)" >/dev/null
race_check
