-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What has to be done now and then, one piece a call, so that each piece is a short transaction of its own: lapsed holds
-- and outcomes that are due (admin.sweep), closures that were interrupted, slots up to the horizon, partitions of the journal. The daemon
-- calls it every minute, again at once while it answers with a row. An advisory lock lets one caller in at a time; nothing
-- depends on its being called in time.

create or replace function api.housekeeping(out task text, out did text, out failed boolean)
returns setof record
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    w record;
    o data.organization;
    n bigint;
    last_day date;
    r record;
begin
    if pg_is_in_recovery() or not pg_try_advisory_xact_lock(8242905071924) then
        return;
    end if;
    failed := false;
    n := admin.sweep(200);
    if n > 0 then
        task := 'sweep';
        did := n || ' bookings';
        return next;
        return;
    end if;

    for w in select c.closure_id from data.closure as c where c.state = 'working' order by c.closure_id for update skip locked loop
        n := data.closure_work(w.closure_id, 20);
        if n > 0 then
            task := 'closure';
            did := format('no. %s: %s bookings', w.closure_id, n);
            return next;
            return;
        end if;
    end loop;

    -- A week of one organization a call. Somebody who is changing its schedule just now is not waited for.
    for w in
        select s.organization_id, s.due_from
        from data.schedule_state as s
        join data.organization as g using (organization_id)
        where g.is_active and coalesce(g.horizon_days, 1) > 0 and (s.not_before is null or s.not_before <= now())
            and (s.due_from is null or s.due_from <= data.horizon_day(g))
        order by s.due_from nulls first, s.organization_id
        limit 1 for update of s skip locked
    loop
        task := 'generate';
        select * into o from data.organization as t where t.organization_id = w.organization_id;
        w.due_from := greatest(coalesce(w.due_from, (now() at time zone o.time_zone)::date), (now() at time zone o.time_zone)::date);
        last_day := least(w.due_from + 6, data.horizon_day(o));
        begin
            r := data.sync_slots(o, w.due_from, last_day);
            update data.schedule_state as s set due_from = last_day + 1, generated_at = clock_timestamp(), not_before = null, last_error = null
            where s.organization_id = w.organization_id;
            did := format('%s, %s to %s: %s new, %s changed, %s opened, %s withdrawn', w.organization_id, w.due_from, last_day, r.made, r.changed,
                r.opened, r.withdrawn);
        exception when others then
            update data.schedule_state as s set not_before = now() + interval '10 minutes', last_error = sqlerrm
            where s.organization_id = w.organization_id;
            did := format('%s: %s', w.organization_id, sqlerrm);
            failed := true;
        end;
        return next;
        return;
    end loop;

    -- A new partition waits for those who write the journal, and those who come then wait for it: not for long.
    if to_regclass('data.journal_' || to_char((now() at time zone 'UTC') + interval '1 month', 'YYYY_MM')) is null then
        task := 'journal';
        begin
            set local lock_timeout = '1s';
            did := (select string_agg(p.partition_name, ', ') from admin.journal_partitions(3) as p where p.outcome = 'created');
        exception when lock_not_available then
            did := 'the journal is busy';
            failed := true;
        end;
        if did is not null then
            return next;
        end if;
    end if;
end $$;
alter function api.housekeeping() owner to zapisd_owner;
revoke all on function api.housekeeping() from public;
grant execute on function api.housekeeping() to zapisd_daemon;
comment on function api.housekeeping() is 'Does one piece of what is due: holds, closures, slots ahead, partitions; no row when nothing is, or when somebody else is at it';
