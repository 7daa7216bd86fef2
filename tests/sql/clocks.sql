-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- L1, L4, Q3, M8: an instant that a clock has written while it was ahead is believed no longer than a look of housekeeping. Every column of an instant there is, out of the
-- catalogue: one that something waits for is in data.clock_waits(); of each other it is said here what the far future means there.
\ir lib/helpers.psql
select no_plan();

-- ---- no column is forgotten ----
create temp table meaning (col text, words text);
insert into meaning values
('area.removed_at', 'shown'), ('booking.changed_at', 'shown'), ('booking.created_at', 'shown'),
('booking.hold_until', 'the citizen was told; the beginning of the visit at the latest'),
('booking_history.at', 'a record'), ('booking_history.portal_at', 'the portal''s word'),
('closure.created_at', 'shown'), ('closure.done_at', 'shown'), ('closure.from_at', 'calendar'), ('closure.lifted_at', 'shown'), ('closure.to_at', 'calendar'),
('closure_booking.done_at', 'shown'), ('closure_booking.visit_at', 'calendar'),
('housekeeping.last_failure', 'shown; a trouble of the clock is told for an hour of the past alone'), ('housekeeping.last_success', 'shown'),
('inbox.acked_at', 'shown'), ('inbox.ended_at', 'it stays for longer'), ('inbox.eol', 'the sender''s word'), ('inbox.other_at', 'told for longer'), ('inbox.status_at', 'whether, not when'),
('inbox_call.at', 'a record'), ('inbox_section.said_at', 'shown'), ('inbox_unread.given_up_at', 'whether, not when'), ('inbox_unread.said_at', 'whether, not when'),
('journal.at', 'a record'), ('journal.received_at', 'a record'), ('journal.written_at', 'a record'), ('journal_refused.at', 'a record'),
('message_seen.journal_at', 'where the record is'), ('occupancy.busy_from', 'calendar'), ('occupancy.busy_to', 'calendar'),
('office_member.granted_at', 'shown'), ('office_member.revoked_at', 'whether, not when'),
('outbox.changed_at', 'shown'), ('outbox.done_at', 'it stays for longer'), ('outbox.sent_at', 'data.clock_deadlines()'), ('outbox_event.at', 'a record'),
('personal_reading.at', 'a record'), ('place.busy_from', 'calendar'), ('place.busy_to', 'calendar'), ('place.ends_at', 'calendar'), ('place.hold_until', 'as booking''s'),
('place.starts_at', 'calendar'), ('ref_book.changed_at', 'shown'), ('ref_item.refresh_at', 'calendar'), ('ref_paging.at', 'of a version: it is as true later'),
('schedule_state.generated_at', 'shown'), ('schema_version.applied_at', 'shown'), ('slot.ends_at', 'calendar'), ('slot.starts_at', 'calendar'), ('slot.wall_at', 'calendar');
create temp view instants as
select c.relname || '.' || a.attname as col from pg_attribute as a join pg_class as c on c.oid = a.attrelid join pg_type as y on y.oid = a.atttypid
where c.relnamespace = 'data'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition and a.attnum > 0 and not a.attisdropped and y.typname in ('timestamptz', 'timestamp');
select is_empty($$select col from instants except select rel || '.' || col from data.clock_waits() except select col from meaning$$, 'L1: of every instant it is said what the far future means there');
select is_empty($$(select rel || '.' || col from data.clock_waits() union all select col from meaning) except select col from instants$$, 'L1: and of none that there is not');
select is_empty($$select col from meaning intersect select rel || '.' || col from data.clock_waits()$$, 'L1: once');

-- ---- a row for each ----
create function pg_temp.store(message text) returns bigint language sql as $$
    select inbox_id from api.inbox_store('a', 'TEST00001', 'PORTAL', message, 'request', '1.2', 'reply/to', 'code', '', null, false, 'octets', convert_to(message, 'UTF8'), 'http://core', 'good', 'asked', 'answered')
$$;
create function pg_temp.out(key text, slot integer, p_state text) returns bigint language plpgsql as $$
declare
    id bigint;
begin
    perform pg_temp.book(key, array[pg_temp.slot('b1', slot)], organization => 'T2', services => '{s1}', m => pg_temp.msg(recipient => 'TEST00002'));
    select data.push_row(b, clock_timestamp(), null, null) into id from data.booking as b where b.book_key = key;
    if p_state <> 'new' then
        perform api.outbox_take('{TEST00002}', 1, 'd', '1 minute', 'smev3'), api.outbox_keep(id, 1, 'id-' || key, 'x', null);
    end if;
    case p_state when 'sent' then perform api.outbox_result(id, 1, 'queued', null, null, '1 day');
        when 'waiting' then perform api.outbox_result(id, 1, 'again', 'x', null, '5 minutes');
        else null; end case;
    return id;
end $$;
select pg_temp.out('sent', 1, 'sent'), pg_temp.out('waiting', 2, 'waiting'), pg_temp.out('sending', 3, 'sending');
select pg_temp.store('sending'), api.inbox_sections('me', '1 min', '{a}', '{TEST00001}', '{1.2}');
select api.inbox_answered(inbox_id, attempt, 'id', 'answer', 'ok') from api.inbox_take('a', 'TEST00001', '1.2', 1, 'me', '1 min');
select count(*) from api.inbox_unsent_take('a', 'TEST00001', '1.2', 1, 'me', '1 min');
select pg_temp.store('answered');
select api.inbox_answered(inbox_id, attempt, 'id2', 'answer', 'ok') from api.inbox_take('a', 'TEST00001', '1.2', 1, 'me', '1 min');
select pg_temp.store('parked');
select api.inbox_park(inbox_id, attempt, 'why') from api.inbox_take('a', 'TEST00001', '1.2', 1, 'me', '1 min');
select pg_temp.store('working');
select count(*) from api.inbox_take('a', 'TEST00001', '1.2', 1, 'me', '1 min');
select pg_temp.store('stored');
select api.inbox_polled('a', 'TEST00001', null), api.inbox_polled('a', 'TEST00001', 'X'), api.inbox_refused('a', 'TEST00001', 'Ack', 'X'), api.inbox_unread('a', 'TEST00001', 'u', 'MALFORMED');
select admin.inbox_unread_give_up('u', 'проверка');
select data.outbox_asked('{TEST00002}', 'me', 'smev3');
update data.outbox_road set untrusted = 'SENDER', untrusted_by = 'a', untrusted_at = clock_timestamp();
select admin.close_day('T1', (pg_temp.noon() at time zone 'Europe/Moscow')::date + 2, 'учения', true, true, 0);
insert into data.closure_progress (closure_id) select max(closure_id) from data.closure on conflict do nothing;

-- ---- each of them far ahead: due after one look, and told; what is as far as it may be stays ----
create function pg_temp.put(w record, t interval) returns bigint language plpgsql as $$
declare
    n bigint;
begin
    execute format('update data.%I as t set %I = clock_timestamp() + $1 where (%s)', w.rel, w.col, w.rows) using t;
    get diagnostics n = row_count;
    return n;
end $$;
create function pg_temp.far(w record, t interval) returns bigint language plpgsql as $$
declare
    n bigint;
begin
    execute format('select count(*) from data.%I as t where (%s) and t.%I > clock_timestamp() + $1', w.rel, w.rows, w.col) using t into n;
    return n;
end $$;
create function pg_temp.look() returns text language sql as $$ select did || case when failed then ' told' else '' end from api.housekeeping('clock') $$;
select is(pg_temp.look(), null, 'L1: nothing is ahead');
create function pg_temp.moved(w record, t interval) returns text language plpgsql as $$
declare
    n constant bigint := pg_temp.put(w, t);
    did text := pg_temp.look();
begin
    return case when n = 0 then 'no row' when did is null and pg_temp.far(w, t - interval '10 seconds') = n then 'stays'
        when did is null then 'gone' when pg_temp.far(w, interval '10 seconds') = 0 then 'due' || case when did = format('the clock was ahead, now due: %s.%s %s told', w.rel, w.col, n) then ', told' else ', told ' || did end
        else 'left' end;
end $$;
select is(pg_temp.moved(w, case w.longest when '1 minute' then interval '50 seconds' else w.longest - interval '1 minute' end), 'stays', format('L1: %s.%s where %s: as far as it may be', w.rel, w.col, w.rows)) from data.clock_waits() as w;
select is(pg_temp.moved(w, t.t), 'due, told', format('L1, L4: %s.%s where %s, %s ahead: due now, and told', w.rel, w.col, w.rows, t.t))
from data.clock_waits() as w, (values (interval '366 days'), (interval '31 days')) as t (t);
select is(pg_temp.moved(w, w.longest + interval '1 minute'), 'due, told', format('L1: %s.%s where %s: a minute more than it may be', w.rel, w.col, w.rows)) from data.clock_waits() as w;

-- ---- the doors give what was ahead ----
update data.inbox set due_at = clock_timestamp() + interval '1 day', ack_at = clock_timestamp() + interval '1 day';
update data.outbox set next_attempt_at = clock_timestamp() + interval '1 day', lease_until = lease_until + interval '1 day';
create function pg_temp.given() returns text language sql as $$
    select concat_ws(' ', (select count(*) from api.inbox_take('a', 'TEST00001', '1.2', 9, 'o', '1 min')), (select count(*) from api.inbox_unsent_take('a', 'TEST00001', '1.2', 9, 'o', '1 min')),
        (select count(*) from api.inbox_unacked('a', 'TEST00001', 9, '1 min')), (select count(*) from api.outbox_take('{TEST00002}', 9, 'o', '1 minute', 'smev3')))
$$;
select is(pg_temp.given(), '0 0 0 0', 'L1: nothing of it is due');
select isnt(pg_temp.look(), null, 'L1: until somebody looks');
select is(pg_temp.given(), '2 2 5 2', 'L1, M8: then all of it is');

-- ---- a deadline is as long as it was meant to be ----
update data.outbox set sent_at = clock_timestamp() + interval '400 days', deadline = clock_timestamp() + interval '401 days' where state = 'sent';
select ok(pg_temp.look() ~ 'outbox.sent_at 1', 'M8, L4: what was sent in the future is told,');
select ok((select deadline - clock_timestamp() between interval '23 hours 59 minutes' and interval '1 day' and sent_at <= clock_timestamp() from data.outbox where state = 'sent'), 'M8: and its answer is awaited for a day from now');
select is(pg_temp.look(), null, 'M8: once');
update data.outbox set sent_at = clock_timestamp() + interval '2 hours', deadline = clock_timestamp() + interval '26 hours' where state = 'sent';
select ok(pg_temp.look() ~ 'outbox.sent_at 1', 'M8: two hours ahead: told,');
select ok((select deadline - clock_timestamp() between interval '23 hours 59 minutes' and interval '1 day' from data.outbox where state = 'sent'), 'M8: and a day from now, too');

-- ---- a step back is told, and believed at the second look ----
update data.inbox set due_at = clock_timestamp() + interval '1 day';
update data.housekeeping set last_run = clock_timestamp() + interval '1 hour', last_failure = null, last_error = null where task = 'clock';
select ok(pg_temp.look() ~ '^the clock was set back by 3[56]\d\d s told$', 'L4: a clock that was set back is told');
select is(pg_temp.look(), null, 'L1: at once nothing is moved: it may be behind for a moment');
select is((select count(*) from data.inbox where due_at > clock_timestamp() + interval '23 hours'), 5::bigint, 'L1: all is as it was');
select ok(exists (select from admin.check() where problem = 'часы базы данных были неверны'), 'L4: people are told,');
select is((select behind from api.housekeeping_state() where task = 'clock'), 1::bigint, 'L4: so is /readyz');
update data.housekeeping set last_failure = clock_timestamp() - interval '21 seconds' where task = 'clock';
select ok(pg_temp.look() ~ '^the clock was ahead', 'L1: at the second look it is');
update data.housekeeping set last_failure = clock_timestamp() - interval '61 minutes' where task = 'clock';
select is((select count(*) from admin.check() where problem = 'часы базы данных были неверны'), 0::bigint, 'L4: told for an hour');
update data.housekeeping set not_before = clock_timestamp() + interval '1 day' where task = 'clock';
update data.inbox set due_at = clock_timestamp() + interval '1 day';
select ok(pg_temp.look() ~ '^the clock was ahead', 'L1: a pause of its own that is too long is none');
select * from finish();
rollback;
