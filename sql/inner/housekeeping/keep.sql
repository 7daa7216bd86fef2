-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What has to be done now and then, task by task: lapsed holds, outcomes that are due, closures that were interrupted,
-- slots up to the horizon, partitions of the journal, answers of the portal that did not come, the end of messages that were
-- over long ago, instants that a wrong clock has written. The daemon calls each task on its own clock, with a deadline
-- (statement_timeout) and in a transaction of its own, and again at once while it answers with a row; each call is a small
-- piece. An advisory lock a task lets one instance in at a time. What fails or takes too long is written down and tried again
-- after a pause that grows; the other tasks hear nothing of it. Nothing depends on being called in time.

create or replace function data.keep_closure(out did text, out failed boolean)
language plpgsql as $$
declare
    w record;
    n integer;
    word text;
    is_left boolean;
begin
    for w in
        select c.closure_id, coalesce(p.failed_in_row, 0) as failed_in_row
        from data.closure as c
        left join data.closure_progress as p using (closure_id)
        where c.state = 'working' and (p.not_before is null or p.not_before <= clock_timestamp())
        order by p.tried_at nulls first, c.closure_id
    loop
        perform from data.closure as c where c.closure_id = w.closure_id and c.state = 'working' for no key update skip locked;
        continue when not found;
        word := null;
        begin
            n := data.closure_work(w.closure_id, 30, false, clock_timestamp() + interval '500 milliseconds');
        exception when query_canceled or others then
            n := 0;
            word := data.error_words(sqlstate);
        end;
        is_left := exists (select from data.closure as c where c.closure_id = w.closure_id and c.state = 'working');
        insert into data.closure_progress as p (closure_id, tried_at) values (w.closure_id, clock_timestamp())
        on conflict on constraint closure_progress_pkey do update set tried_at = clock_timestamp(),
            failed_in_row = case when n = 0 and is_left then p.failed_in_row + 1 else 0 end,
            not_before = case when n = 0 and is_left then clock_timestamp() + data.pause(p.failed_in_row + 1) end,
            last_error = case when n = 0 and is_left then coalesce(word, 'somebody is at what is left') end;
        if n > 0 or not is_left or word is not null then
            did := format('no. %s: %s', w.closure_id, coalesce(word, n || ' bookings'));
            failed := word is not null;
            return;
        end if;
    end loop;
end $$;
comment on function data.keep_closure() is 'A piece of the closure that was longest not gone on with';

-- Some days of one organization a call; fewer when so many took too long. Somebody who is changing its schedule just now is
-- not waited for, and one organization's failure is not another's.
create or replace function data.keep_generate(out did text, out failed boolean)
language plpgsql as $$
declare
    w record;
    o data.organization;
    last_day date;
    r record;
    freed constant bigint := data.fit_freed(100);
begin
    if freed > 0 then
        did := format('%s slots that were given back: as the schedule has them', freed);
        failed := false;
        return;
    end if;
    for w in
        select s.organization_id, s.due_from, s.days
        from data.schedule_state as s
        join data.organization as g using (organization_id)
        where data.is_schedule_due(s, g) and (s.not_before is null or s.not_before <= now())
        order by s.due_from nulls first, s.organization_id
        limit 1 for no key update of s skip locked
    loop
        select * into o from data.organization as t where t.organization_id = w.organization_id;
        w.due_from := greatest(coalesce(w.due_from, (now() at time zone o.time_zone)::date),
            (now() at time zone o.time_zone)::date);
        last_day := least(w.due_from + w.days - 1, data.horizon_day(o));
        begin
            r := data.sync_slots(o, w.due_from, last_day);
            if r.passed_over = 0 then
                perform data.schedule_done(o, w.due_from, last_day);
            else
                update data.schedule_state as s set not_before = now() + interval '5 seconds'
                    where s.organization_id = w.organization_id;
            end if;
            did := format('%s, %s to %s: %s new, %s changed, %s opened, %s withdrawn', w.organization_id, w.due_from, last_day,
                r.made, r.changed, r.opened, r.withdrawn);
            failed := false;
        exception
            when query_canceled or lock_not_available or deadlock_detected then
                did := data.error_words(sqlstate);
                update data.schedule_state as s set not_before = now() + interval '1 minute', last_error = did,
                    days = greatest(1, s.days / 2)
                where s.organization_id = w.organization_id;
                did := format('%s: %s', w.organization_id, did);
                failed := true;
            when others then
                -- Of schedules and slots only: what the server says names no person.
                update data.schedule_state as s set not_before = now() + interval '10 minutes', last_error = sqlerrm
                where s.organization_id = w.organization_id;
                did := format('%s: %s', w.organization_id, sqlerrm);
                failed := true;
        end;
    end loop;
end $$;
comment on function data.keep_generate() is
    'Slots of some days of the organization that is furthest behind; before that, those that are free and not yet as they should '
        'be';

-- A new partition waits for those who write the journal, and those who come then wait for it: not for long.
create or replace function data.keep_journal(out did text, out failed boolean)
language plpgsql set lock_timeout = '300ms' as $$
begin
    if to_regclass('data.' || data.journal_partition(1)) is not null
        and to_regclass('data.' || replace(data.journal_partition(1), 'journal', 'journal_refused')) is not null then
        did := coalesce(data.journal_refused_expire(), data.journal_refused_expire_default());
        return;
    end if;
    select string_agg(concat_ws(' ', p.partition_name, nullif(p.outcome, 'created')), ', '),
        bool_or(p.outcome <> 'created') into did, failed
    from data.journal_months(3) as p
    where p.outcome <> 'exists';
end $$;
comment on function data.keep_journal() is
    'Partitions of the journals for the months to come; those of refused messages that are of no more use go';

create or replace function data.pause(p_failures integer) returns interval
language sql immutable parallel safe
return least(interval '10 minutes', interval '5 seconds' * power(2, least(greatest(p_failures, 1), 20) - 1));
comment on function data.pause(integer) is
    'How long to wait after so many failures in a row: 5 seconds, doubling, 10 minutes at most';

create or replace function data.housekeeping_lock_class() returns integer language sql immutable parallel safe return 3290006;
comment on function data.housekeeping_lock_class() is 'Class of advisory locks of housekeeping''s tasks';

-- Written down here, by the transaction that did it or failed at it: what was done in vain is rolled back first.
create or replace function data.keep(p_task text, out did text, out failed boolean)
language plpgsql set lock_timeout = '1s' as $$
declare
    h data.housekeeping;
    began constant timestamptz := clock_timestamp();
    is_whole boolean := false; -- the task as such failed, not one organization or closure
    ms double precision;
begin
    select * into h from data.housekeeping as t where t.task = p_task;
    if not found then
        raise exception 'housekeeping knows no task %', coalesce(p_task, 'null') using errcode = 'invalid_parameter_value';
    end if;
    if not pg_try_advisory_xact_lock(data.housekeeping_lock_class(), h.number) then
        return;
    end if;
    select * into h from data.housekeeping as t where t.task = p_task;
    if h.not_before > clock_timestamp() and h.not_before <= clock_timestamp() + data.pause(20) then -- no pause is longer
        return;
    end if;
    begin
        case p_task
            when 'sweep' then
                did := nullif(data.sweep_holds(200), 0) || ' bookings';
            when 'outcomes' then
                did := nullif(data.sweep_outcomes(50), 0) || ' bookings';
            when 'closure' then
                select k.did, k.failed into did, failed from data.keep_closure() as k;
            when 'generate' then
                select k.did, k.failed into did, failed from data.keep_generate() as k;
            when 'journal' then
                select k.did, k.failed into did, failed from data.keep_journal() as k;
                is_whole := failed;
            when 'outbox' then
                did := data.keep_outbox();
            when 'ended' then
                did := data.keep_ended();
            when 'clock' then
                select k.did, k.failed into did, failed from data.keep_clock(h) as k;
        end case;
    exception when query_canceled or others then
        did := data.error_words(sqlstate);
        failed := true;
        is_whole := true;
    end;
    failed := coalesce(failed, false);
    ms := extract(epoch from clock_timestamp() - began) * 1000;
    -- Of a look that found nothing a line a minute is enough.
    if did is null and h.failed_in_row = 0 and h.last_run > clock_timestamp() - interval '50 seconds' then
        return;
    end if;
    update data.housekeeping as t set runs = t.runs + 1, last_run = clock_timestamp(), last_ms = ms, total_ms = t.total_ms + ms,
        failures = t.failures + failed::integer,
        failed_in_row = case when is_whole then t.failed_in_row + 1 else 0 end,
        not_before = case when is_whole then clock_timestamp() + data.pause(t.failed_in_row + 1) end,
        last_success = case when failed then t.last_success else clock_timestamp() end,
        last_did = case when failed then t.last_did else coalesce(did, t.last_did) end,
        last_failure = case when failed then clock_timestamp() else t.last_failure end,
        last_error = case when failed then did else t.last_error end
    where t.task = p_task;
end $$;
comment on function data.keep(text) is
    'A piece of a task, written down in data.housekeeping; did is null when there was nothing to do, or it is not its time';
