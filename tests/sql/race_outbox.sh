#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# M8: a portal, several daemons that are killed at any point, and people who hold, release, requeue and drop meanwhile. What was sent is written down
# by the sender after outbox_keep said yes, as the portal would see it; at the end every row has been told, in order per booking, under one message
# id unless somebody has asked for a new one, and none that was dropped is told after it. RACE_SEED plays the same dice again.
. "$(dirname "$0")/lib/race.sh"
seed=${RACE_SEED:-$((RANDOM % 1000))}
bookings=20 rows=240
trap 'rc=$?; [ $rc = 0 ] || echo "seed $seed"; rm -rf "$race_dir"' EXIT
q >/dev/null <<SQL || exit 1
insert into data.agency values ('OUT00001', 'Исходящие');
insert into data.organization (organization_id, agency_code, name, time_zone) values ('RO', 'OUT00001', 'RO', 'Europe/Moscow');
insert into data.booking (book_key, book_id, esia_id, organization_id, state, status_code, created_at, changed_at) select 'o-' || i, 'o-' || i, '1', 'RO', 'BOOKED', '201', now(), now() from generate_series(1, $bookings) as i;
-- What the portal has heard, in the order it heard it. It is asked nothing by the database.
create table public.heard (n bigint generated always as identity, outbox_id bigint, book text, attempt integer, message_id text, at timestamptz default clock_timestamp());
create function public.push_one(key text) returns void language plpgsql as \$\$
declare
    b data.booking;
begin
    select * into b from data.booking where book_key = key for no key update;
    perform data.push_row(b, clock_timestamp(), null, null);
end \$\$;
-- A daemon: takes, keeps, sends, tells, each in a transaction of its own, until nothing is left. Now and then it forgets what it was doing, or is slow.
create procedure public.daemon(who text, seed double precision) language plpgsql as \$\$
declare
    r record;
    message text;
    dice double precision;
    idle integer := 0;
begin
    perform setseed(seed);
    while idle < 2000 loop
        if not exists (select from data.outbox where state not in ('answered', 'dropped')) and (select count(*) from data.outbox) >= $rows then
            return;
        end if;
        idle := idle + 1;
        for r in select * from api.outbox_take('{OUT00001}', 1 + floor(random() * 4)::integer, who, '1 second') loop
            commit;
            dice := random();
            if dice < 0.08 then -- dies before it keeps anything
                continue;
            end if;
            message := coalesce(r.message_id, r.outbox_id || '/' || gen_random_uuid());
            if api.outbox_keep(r.outbox_id, r.attempt, message, coalesce(r.octets, convert_to(message, 'UTF8')), null) is not true then -- null: somebody holds it
                commit;
                continue;
            end if;
            insert into public.heard (outbox_id, book, attempt, message_id) values (r.outbox_id, r.book_id, r.attempt, message);
            commit;
            if dice < 0.2 then -- sent, and never told
                continue;
            end if;
            if dice < 0.24 then
                perform pg_sleep(1.1); -- the lease runs out while it waits for the portal
            end if;
            perform api.outbox_result(r.outbox_id, r.attempt, case when dice < 0.4 then 'again' when dice < 0.45 then 'stopped' when dice < 0.6 then 'queued' else 'answered' end, 'x', case when dice > 0.3 then 'a'::bytea end, case when dice < 0.4 then interval '0' else interval '1 second' end);
            commit;
            if dice between 0.45 and 0.57 then -- over SMEV 3 the answer comes apart, or never
                perform api.outbox_answer('OUT00001', message, 'answered', null, null, null, 'q', 'GetResponse', 'a-1', 'http://smev/', 'b', 'a');
                commit;
            end if;
        end loop;
        commit;
        perform pg_sleep(0.02);
        perform data.keep_outbox();
        commit;
    end loop;
    raise exception 'never done';
end \$\$;
-- People: whatever stands is dealt with, and some of what does not. What is refused is refused.
create procedure public.people(seed double precision) language plpgsql as \$\$
declare
    x record;
    idle integer := 0;
begin
    perform setseed(seed);
    while idle < 2000 loop
        if not exists (select from data.outbox where state not in ('answered', 'dropped')) and (select count(*) from data.outbox) >= $rows then
            return;
        end if;
        idle := idle + 1;
        for x in select o.outbox_id, o.state, b.book_id, random() as dice from data.outbox as o join data.booking as b using (book_key) where o.state in ('stopped', 'held') or o.state not in ('answered', 'dropped') and random() < 0.05 order by o.outbox_id loop
            begin
                case when x.state = 'held' and x.dice < 0.6 then perform admin.outbox_release(x.outbox_id);
                    when x.state in ('held', 'stopped') then
                        if x.dice < 0.9 then perform admin.outbox_requeue(x.outbox_id); else perform admin.outbox_drop(x.outbox_id, 'x'); end if;
                    when x.dice < 0.4 then perform admin.outbox_hold(x.outbox_id);
                    when x.dice < 0.6 then perform admin.outbox_hold(x.book_id, 'всё');
                    when x.dice < 0.7 then perform admin.outbox_requeue(x.book_id);
                    when x.dice < 0.75 then perform admin.outbox_drop(x.outbox_id, 'y');
                    else null;
                end case;
            exception when object_in_use or object_not_in_prerequisite_state then null;
            end;
            commit;
        end loop;
        perform pg_sleep(0.03);
    end loop;
    raise exception 'never done';
end \$\$;
SQL
for ((i = 0; i < rows; i++)); do echo "select public.push_one('o-$((1 + (i * 7 + seed) % bookings))');"; done >"$race_dir/pushes"
q -f "$race_dir/pushes" >/dev/null &
for n in 1 2 3; do
    ( # a daemon that is killed now and then: another takes its place
        k=0
        until patient -c "call public.daemon('d$n', $(((seed * 7 + n * 31 + k * 11) % 100)) / 101.0)" 2>>"$race_dir/daemon.$n"; do k=$((k + 1)); [ $k -lt 40 ] || exit 1; done
    ) &
done
patient -c "call public.people($seed / 1001.0)" 2>"$race_dir/people" &
people=$!
for _ in 1 2 3 4 5 6; do
    sleep 0.4
    q -c "select pg_terminate_backend(pid) from pg_stat_activity where query ~ '^call public.daemon' order by random() limit 1" >/dev/null
done
wait $people || { cat "$race_dir/people"; exit 1; }
wait
! grep -hE 'ERROR' "$race_dir"/daemon.* || exit 1
expect "rows" $rows "$(q -c "select count(*) from data.outbox")"
expect "rows that have not ended" 0 "$(q -c "select count(*) from data.outbox where state not in ('answered', 'dropped') or is_behind")"
expect "answered, and the portal has not heard of it" 0 "$(q -c "select count(*) from data.outbox as x where x.state = 'answered' and not exists (select from public.heard as h where h.outbox_id = x.outbox_id)")"
# The last message of a row that was answered comes before the first one of the next.
expect "told out of order" 0 "$(q -c "select count(*) from public.heard as later join public.heard as earlier on earlier.book = later.book and earlier.outbox_id < later.outbox_id and earlier.n > later.n")"
expect "sent after its end" 0 "$(q -c "select count(*) from public.heard as h join data.outbox as x using (outbox_id) where h.at > x.done_at + interval '5 seconds'")"
expect "message ids without anybody having asked for a new one" 0 "$(q -c "select count(*) from (select h.outbox_id, count(distinct h.message_id) as n from public.heard as h group by 1) as h
    where h.n > 1 + (select count(*) from data.outbox_event as e where e.outbox_id = h.outbox_id and e.event = 'requeued')")"
expect "attempts told twice" 0 "$(q -c "select count(*) from (select from public.heard group by outbox_id, attempt having count(*) > 1) as x")"
[ "$(q -c "select count(*) from data.outbox_event where event = 'taken_over'")" -gt 0 ] || { echo "nobody died: nothing is proved"; exit 1; }
expect "exchanges that are no pair, or nobody's" 0 "$(q -c "select count(*) from data.journal as j where j.method = 'updateBookingDetails' and (j.status is null and not exists (select from data.journal as i where i.journal_id = j.journal_id and i.direction = 'in')
    or not exists (select from data.outbox_event as e where e.journal_id = j.journal_id))")"
# O3: who would have a change go that waits for the one before hears why nothing is changed
first=$(q -c "select public.push_one('o-1'), public.push_one('o-1')" >/dev/null; q -c "select max(outbox_id) - 1 from data.outbox")
said=$(PGOPTIONS="-c client_min_messages=notice" q -c "begin; update data.outbox set state = 'stopped', last_error = 'x' where outbox_id = $first; select admin.outbox_requeue($((first + 1))); rollback" 2>&1)
expect "a change behind another is not sent again, and why" 1 "$(grep -c "NOTICE:  Исходящее № $((first + 1)) ждёт своей очереди: сначала № $first той же записи" <<<"$said")"
said=$(PGOPTIONS="-c client_min_messages=notice" q -c "begin; select admin.outbox_requeue('o-1'); rollback" 2>&1)
expect "nor is what is sent as soon as can be" 1 "$(grep -c "NOTICE:  Исходящее № $first и так передаётся при первой возможности" <<<"$said")"
