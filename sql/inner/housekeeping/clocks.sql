-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Instants that were written while the clock was wrong (L1, L4). Whoever waits for an instant believes it, and a clock that was
-- ahead for a moment leaves what was due a while later due a year later. So nothing is due later than the longest pause, or
-- lease, of its kind from now, and nothing has happened in the future: what says otherwise is of now. The questions for what is
-- due stay as they are.

-- rows: of them it matters, by an index of theirs. longest: pauses are ten minutes at most; leases, of calls of ten minutes at
-- most, two of them and half a minute; an answer is awaited for thirty days at most. Of what has happened: a minute, for the
-- clocks of a server and its standby.
create or replace function data.clock_waits() returns table (rel text, col text, longest interval, rows text)
language sql immutable as $$
    values
        ('inbox', 'due_at', interval '10 minutes', 't.state in (''stored'', ''answered'')'),
        ('inbox', 'due_at', interval '30 minutes', 't.state in (''working'', ''sending'')'),
        ('inbox', 'ack_at', interval '10 minutes', 't.acked_at is null'),
        ('inbox', 'received_at', interval '1 minute', 't.state in (''stored'', ''working'', ''answered'', ''sending'') '
            'or t.state = ''parked'' or t.acked_at is null'),
        ('inbox', 'answered_at', interval '1 minute', 't.state in (''answered'', ''sending'')'),
        ('inbox_unread', 'say_at', interval '10 minutes', 't.say_at is not null'),
        ('inbox_unread', 'first_at', interval '1 minute', 'true'),
        ('inbox_unread', 'last_at', interval '1 minute', 'true'),
        ('inbox_section', 'until', interval '30 minutes', 'true'),
        ('inbox_source', 'tried_at', interval '1 minute', 'true'),
        ('inbox_source', 'good_at', interval '1 minute', 'true'),
        ('inbox_source', 'fault_at', interval '1 minute', 'true'),
        ('inbox_refusal', 'since_at', interval '1 minute', 'true'),
        ('inbox_refusal', 'last_at', interval '1 minute', 'true'),
        ('outbox', 'next_attempt_at', interval '10 minutes', 't.state not in (''answered'', ''dropped'')'),
        ('outbox', 'lease_until', interval '30 minutes', 't.state = ''sending'''),
        ('outbox', 'deadline', interval '30 days', 't.state = ''sent'''),
        ('outbox', 'created_at', interval '1 minute', 't.state not in (''answered'', ''dropped'')'),
        ('outbox_road', 'asked_at', interval '1 minute', 'true'),
        ('outbox_road', 'untrusted_at', interval '1 minute', 'true'),
        ('closure_progress', 'not_before', interval '10 minutes', 'true'),
        ('closure_progress', 'tried_at', interval '1 minute', 'true'),
        ('schedule_state', 'not_before', interval '10 minutes', 'true'),
        ('schedule_state', 'due_since', interval '1 minute', 'true'),
        ('housekeeping', 'not_before', interval '10 minutes', 't.task <> ''clock'''),
        ('housekeeping', 'last_run', interval '1 minute', 't.task <> ''clock''')
$$;
comment on function data.clock_waits() is
    'Columns that something waits for, or that make somebody say for how long: how far from now they may be at most';

-- A deadline is as long as it was meant to be, from now.
create or replace function data.clock_deadlines(p_clock timestamptz) returns bigint
language plpgsql set enable_seqscan = off as $$
declare
    n bigint;
begin
    update data.outbox as t set deadline = p_clock + (t.deadline - t.sent_at), sent_at = p_clock
    where t.ctid = any (array(select x.ctid from data.outbox as x
        where x.state = 'sent' and x.sent_at > p_clock + interval '1 minute' and x.deadline > x.sent_at
        limit 1000 for no key update skip locked));
    get diagnostics n = row_count;
    return n;
end $$;
comment on function data.clock_deadlines(timestamptz) is
    'Answers to what was sent in the future are awaited from now on; how many';

create or replace function data.clock_column(p_rel text, p_col text, p_longest interval, p_rows text, p_clock timestamptz)
returns bigint
language plpgsql set enable_seqscan = off as $$
declare
    n bigint;
begin
    execute format('update data.%1$I as t set %2$I = $1 where t.ctid = any (array(select t.ctid from data.%1$I as t '
        'where t.%2$I > $1 + $2 and (%3$s) limit 1000 for no key update skip locked))', p_rel, p_col, p_rows)
    using p_clock, p_longest;
    get diagnostics n = row_count;
    return n;
end $$;
comment on function data.clock_column(text, text, interval, text, timestamptz) is
    'Makes what a column has further from now than that be of now, at most a thousand rows; how many';

-- A clock that was set back is believed at the second look: one that is behind for a moment moves nothing.
create or replace function data.keep_clock(h data.housekeeping, out did text, out failed boolean)
language plpgsql as $$
declare
    clock constant timestamptz := clock_timestamp();
    w record;
    n bigint;
    told text[] := '{}';
begin
    if h.last_run > clock + interval '1 minute' then
        did := format('the clock was set back by %s s', floor(extract(epoch from h.last_run - clock)));
        failed := true;
        return;
    end if;
    if h.last_error ~ '^the clock was set back' and h.last_failure > clock - interval '20 seconds'
        and h.last_failure <= clock then
        return;
    end if;
    n := data.clock_deadlines(clock);
    told := told || case when n > 0 then format('outbox.sent_at %s', n) end;
    for w in
        select c.* from data.clock_waits() as c
    loop
        n := data.clock_column(w.rel, w.col, w.longest, w.rows, clock);
        told := told || case when n > 0 then format('%s.%s %s', w.rel, w.col, n) end;
    end loop;
    told := array_remove(told, null);
    if cardinality(told) > 0 then
        did := 'the clock was ahead, now due: ' || array_to_string(told, ', ');
        failed := true;
    end if;
end $$;
comment on function data.keep_clock(data.housekeeping) is
    'A piece of the task clock: what waits for an instant that a wrong clock has written is due; h: its row';
