#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# L1, M8: what taking rows reads does not grow with what has been told, nor with what waits behind bookings that are stuck; what is locked at a
# console delays nobody else; and a closed day puts all of its rows in without that commands feel it. Counted in rows, not in time.
. "$(dirname "$0")/lib/race.sh"
q >/dev/null <<'SQL' || exit 1
insert into data.agency values ('COST00001', 'Один'), ('COST00002', 'Другой');
insert into data.organization (organization_id, agency_code, name, time_zone) values ('C1', 'COST00001', 'C1', 'Europe/Moscow'), ('C2', 'COST00002', 'C2', 'Europe/Moscow');
create function public.rows_read() returns bigint language sql volatile as $$
    select sum(pg_stat_get_xact_tuples_returned(c.oid) + pg_stat_get_xact_tuples_fetched(c.oid))::bigint
    from pg_class as c left join pg_index as i on i.indexrelid = c.oid
    where coalesce(i.indrelid, c.oid) = 'data.outbox'::regclass and c.relkind in ('r', 'i')
$$;
create function public.cost(command text, out answer text, out read bigint) language plpgsql as $$
declare
    was bigint := public.rows_read();
begin
    execute command into answer;
    read := public.rows_read() - was;
end $$;
create function public.took(agencies text[], wanted integer) returns text language sql as $$ select count(*) || ' ' || coalesce(string_agg(distinct left(book_id, 3), ','), '') from api.outbox_take(agencies, wanted, 'd', '1 hour') $$;
-- statistics of an empty table, as at night
alter table data.outbox set (autovacuum_enabled = false);
analyze data.outbox;
insert into data.booking (book_key, book_id, esia_id, organization_id, state, status_code, created_at, changed_at)
select k, k, '1', v.o, 'BOOKED', '201', now(), now() from (values ('C1', 'stuck-', 1000), ('C1', 'free-', 3000), ('C1', 'old-', 1000), ('C2', 'other-', 100)) as v (o, p, n), generate_series(1, v.n) as i, lateral (select v.p || i) as t (k);
create function public.told(key text) returns jsonb language sql return jsonb_build_object('bookId', key);
insert into data.outbox (book_key, agency_code, created_at, next_attempt_at, state, done_at, payload)
select 'old-' || 1 + i % 1000, 'COST00001', now() - interval '1 day', now() - interval '1 day', 'answered', now(), '{}' from generate_series(1, 100000) as i;
-- 1,000 bookings that the portal refuses, 49 rows behind each: older than all others
insert into data.outbox (book_key, agency_code, created_at, next_attempt_at, state, last_error, payload)
select k, 'COST00001', now() - interval '2 hours', now() - interval '2 hours', case when i < 1000 then 'stopped' else 'waiting' end, case when i < 1000 then 'x' end, public.told(k) from generate_series(0, 49999) as i, lateral (select 'stuck-' || 1 + i % 1000) as t (k);
insert into data.outbox (book_key, agency_code, created_at, next_attempt_at, payload) select b.book_key, o.agency_code, now() - interval '1 hour', now() - interval '1 hour', public.told(b.book_key)
from data.booking as b join data.organization as o using (organization_id) where b.book_key ~ '^(free|other)-';
SQL
few() { # WHAT LIMIT COMMAND: it reads less than that; the answer is in $answer
    local read
    IFS='|' read -r answer read <<<"$(q -c "select answer, read from public.cost(\$c\$$3\$c\$)")"
    [ "${read:-999999999}" -lt "$2" ] || { echo "$1: $read rows read, less than $2 are to be"; exit 1; }
}
# Whoever asks sets aside what stands behind something, for half a second at most; another agency has its share of that time.
q -c "select public.took('{COST00001,COST00002}', 10)" | grep oth >/dev/null || { echo 'another agency waits for what stands in front of this one'; exit 1; }
answer= asked=0
while [ -z "$answer" ]; do
    answer=$(q -c "select public.took('{COST00001}', 100)" | sed 's/^0 $//; s/^[0-9]* //')
    asked=$((asked + 1))
    [ $asked -le 50 ] || { echo "never anything but what is set aside"; exit 1; }
done
expect "what is behind those that are stuck" fre "$answer"
expect "what is set aside" 49000 "$(q -c "select count(*) from data.outbox where is_behind and book_key ~ '^stuck'")"
q -c "vacuum data.outbox"
for n in 1 10 100 1000; do
    few "$n rows taken" $((300 + 60 * n)) "select public.took('{COST00001}', $n)"
    expect "$n wanted" "$n fre" "$answer"
done
few "another agency's" 600 "select public.took('{COST00002}', 5)"
expect "its own" "5 oth" "$answer"

# Locked at a console: a row, then all of one booking. The others are taken, and nobody waits.
first=$(q -c "select min(outbox_id) from data.outbox where state = 'waiting' and not is_behind and agency_code = 'COST00001'")
book=$(q -c "select book_key from data.outbox where outbox_id = $first + 1")
hold "select admin.outbox_hold($first), admin.outbox_hold('$book')"
expect "beside locked rows" "3 fre" "$(patient -c "select public.took('{COST00001}', 3)")"
expect "they are not taken" waiting "$(q -c "select distinct state from data.outbox where outbox_id in ($first, $first + 1)")"
let_go rollback

# The index, whatever the statistics say.
plan() {
    q <<'SQL'
set enable_seqscan = off; set enable_bitmapscan = off; set enable_sort = off;
select 'explain ' || (regexp_matches(replace(replace(p.prosrc, 'p_agency', '''COST00001'''), 'clock', 'now()'), 'select t\.outbox_id, t\.book_key from data\.outbox.*?order by t\.next_attempt_at, t\.outbox_id'))[1] from pg_proc as p where p.oid = 'data.outbox_claim'::regproc \gexec
SQL
}
plan | tr -s '\n ' ' ' | grep -qE '^Index Scan using outbox_due on outbox t .*Index Cond: [^:]*agency_code[^:]*::text\) AND \(next_attempt_at <= now' || { echo "another plan:"; plan; exit 1; }
q -c "analyze data.outbox"
plan | grep -q '^Index Scan using outbox_due on outbox t ' || { echo "another plan with statistics:"; plan; exit 1; }

# What ends lets the next of its booking go, and reads nothing of the others; so do commands that put a row in.
few "a row ends" 300 "select admin.outbox_drop(min(outbox_id), 'x') from data.outbox where book_key = 'stuck-7' and state = 'stopped'"
expect "one of its booking goes" 1 "$(q -c "select count(*) from data.outbox where book_key = 'stuck-7' and state = 'waiting' and not is_behind")"
expect "the oldest there is" "1 stu" "$(q -c "select public.took('{COST00001}', 1)")"
few "a row is put in" 50 "select data.push(b) from data.booking as b where b.book_key = 'other-1'"
q -c "update data.outbox set state = 'answered', done_at = now(), last_error = null where book_key = 'stuck-9' and state = 'stopped'"
expect "left aside, found by housekeeping" "1 set free" "$(q -c "select data.keep_outbox()")"
few "housekeeping looks at what is open, not at what is over" 80000 "select data.keep_outbox()"
expect "once" "" "$answer"
