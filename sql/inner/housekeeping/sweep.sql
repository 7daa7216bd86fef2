-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Makes lapsed holds what every reader already takes them for (A24): EXPIRED, with history, their places freed; and, where
-- an organization has asked for it, sets visits without outcome to 203 or 205 (A29). Nothing depends on its running (B3).
-- A booking somebody is at is left for the next time. Visits older than 31 days are left to people.

-- One booking, a subtransaction: nobody is waited for longer than a citizen's transaction takes.
create or replace function data.sweep_outcome(p_book_key text, p_event text) returns boolean
language plpgsql set lock_timeout = '50ms' as $$
declare
    done admin.result;
begin
    perform from data.booking as b
    where b.book_key = p_book_key and exists (select from data.booking_arrow as a
        where a.event = p_event and a.old_state = b.state and strpos(a.actors, 'T') > 0)
    for no key update of b skip locked;
    if not found then
        return false;
    end if;
    done := data.agency_apply(data.agency_lock_now(p_book_key), p_event, p_note => 'без отметки о приёме', p_actor => 'T');
    return done.result = 'сделано';
exception when lock_not_available or deadlock_detected then
    return false;
end $$;
comment on function data.sweep_outcome(text, text) is 'Sets one visit to 203 or 205; false when somebody is at it';

create or replace function data.sweep_outcomes(at_most bigint) returns bigint
language plpgsql as $$
declare
    r record;
    clock timestamptz := clock_timestamp();
    swept bigint := 0;
begin
    if at_most <= 0 then
        return 0;
    end if;
    for r in
        select v.book_key, a.event
        from data.organization as o
        cross join lateral (
            select p.book_key, min(s.starts_at) + make_interval(mins => o.no_show_after_min) as no_show,
                max(s.ends_at) + make_interval(hours => o.no_data_after_hours) as no_data
            from data.slot as s
            join data.place as p on p.slot_id = s.slot_id
            where s.organization_id = o.organization_id and s.starts_at > clock - interval '31 days' and s.starts_at <= clock
            group by p.book_key
        ) as v
        join data.booking as b on b.book_key = v.book_key
        -- Whoever was never told that he is expected has not failed to come.
        cross join lateral (
            select t.event from data.booking_arrow as t
            where t.old_state = b.state and strpos(t.actors, 'T') > 0
                and (t.event = 'no_show' and clock >= v.no_show or t.event = 'no_data' and clock >= v.no_data)
            order by t.event desc limit 1) as a
        where o.no_show_after_min is not null or o.no_data_after_hours is not null
        order by v.book_key limit at_most
    loop
        swept := swept + data.sweep_outcome(r.book_key, r.event)::integer;
    end loop;
    return swept;
end $$;
comment on function data.sweep_outcomes(bigint) is
    'Sets visits without outcome to 203 or 205 where the organization has asked for it; returns how many (A29)';

create or replace function data.sweep_hold(p_book_key text, p_now timestamptz) returns boolean
language plpgsql set lock_timeout = '50ms' as $$
declare
    b data.booking;
begin
    select * into b from data.booking as t
    where t.book_key = p_book_key and t.state = 'HELD' and t.hold_until <= p_now for no key update skip locked;
    if not found then
        return false;
    end if;
    perform data.lock_places(b.book_key);
    perform data.let_lapse(b, p_now, null);
    return true;
exception when lock_not_available or deadlock_detected then
    return false;
end $$;
comment on function data.sweep_hold(text, timestamptz) is 'Writes down that one hold has run out; false when somebody is at it';

create or replace function data.sweep_holds(at_most bigint) returns bigint
language plpgsql as $$
declare
    key text;
    clock timestamptz := clock_timestamp();
    swept bigint := 0;
begin
    for key in
        select t.book_key from data.booking as t where t.state = 'HELD' and t.hold_until <= clock order by t.hold_until
    loop
        exit when swept >= at_most;
        swept := swept + data.sweep_hold(key, clock)::integer;
    end loop;
    return swept;
end $$;
comment on function data.sweep_holds(bigint) is 'Writes down at most so many holds that have run out; returns how many';
