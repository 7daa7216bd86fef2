-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Taking what is due (M8). A row is taken when no earlier one of its booking is open; one that is not the first is set aside, out
-- of the index of what is due, so that however many wait behind one that is stuck, the rest is found at once. Who sets aside
-- has the row in front locked, and finds it open: whoever ends that row comes later and lets the next one go. Nobody waits for
-- a lock.

create or replace function data.outbox_would_stray(p_left_by text, has_octets boolean, p_is_unsure boolean, p_state text,
    p_road text) returns boolean
language sql immutable parallel safe
return p_left_by is distinct from p_road and has_octets and (p_is_unsure or p_state = 'sending');
comment on function data.outbox_would_stray(text, boolean, boolean, text, text) is
    'Whether a row may have left by another road than p_road: as it is, it is not told by that one';

-- What has left by another road, or may have, is not told by this one: the portal would hear it twice, and nobody would know. Its
-- answer may still come.
create or replace function data.outbox_strays(x data.outbox, p_road text) returns boolean
language plpgsql as $$
begin
    if not data.outbox_would_stray(x.road, x.octets is not null, x.is_unsure, x.state, p_road) then
        return false;
    end if;
    update data.outbox as t set is_unsure = true where t.outbox_id = x.outbox_id;
    perform data.outbox_put(x, 'held', null, x.last_error,
        'дорога к порталу сменилась, а дошло ли сообщение по прежней, неизвестно', null);
    perform data.outbox_note(x, 'held', format('ушло по дороге %s, теперь %s', x.road, p_road));
    return true;
end $$;
comment on function data.outbox_strays(data.outbox, text) is
    'Holds a row its caller has locked when its message may have left by another road; whether it did so';

create or replace function data.outbox_take_row(x data.outbox, p_owner text, p_lease interval, p_road text) returns data.outbox
language plpgsql as $$
declare
    r data.outbox;
    is_same constant boolean := x.road is not distinct from p_road; -- octets of another road are of no use on this one
begin
    if x.state = 'sending' then
        perform data.outbox_note(x, 'taken_over', format('%s did not tell an outcome', x.lease_owner));
    end if;
    update data.outbox as t set state = 'sending', attempts = t.attempts + 1, lease_owner = p_owner,
        lease_until = clock_timestamp() + p_lease, road = p_road, message_id = case when is_same then t.message_id end,
        octets = case when is_same then t.octets end, case_number = case when is_same then t.case_number end,
        journal_id = case when is_same then t.journal_id end,
        is_unsure = is_same and (t.is_unsure or x.state = 'sending' and t.message_id is not null)
    where t.outbox_id = x.outbox_id
    returning t.* into r;
    return r;
end $$;
comment on function data.outbox_take_row(data.outbox, text, interval, text) is 'A row its caller has locked, given to a daemon';

create or replace function data.outbox_set_aside(p_book_key text, p_earlier bigint) returns void
language plpgsql as $$
declare
    x data.outbox := data.outbox_lock_free(p_earlier);
    id bigint;
begin
    if x.outbox_id is null or data.outbox_is_over(x.state) then
        return;
    end if;
    for id in
        select t.outbox_id from data.outbox as t
        where t.book_key = p_book_key and t.outbox_id > p_earlier and t.state not in ('answered', 'dropped')
    loop
        x := data.outbox_lock_free(id);
        if x.state = 'waiting' and not x.is_behind then
            update data.outbox as t set is_behind = true where t.outbox_id = id;
        end if;
    end loop;
end $$;
comment on function data.outbox_set_aside(text, bigint) is
    'Sets aside what waits behind an open row of a booking; nothing when somebody is at that row';

-- The order is the index's, whatever the statistics say of a table that is empty at night and full after a closure.
create or replace function data.outbox_claim(p_agency text, p_wanted integer, p_owner text, p_lease interval, p_road text,
    p_patience interval) returns setof data.outbox
language plpgsql set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off as $$
declare
    x data.outbox;
    earlier bigint;
    n integer := 0;
    due record;
    seen integer := 0;
    clock constant timestamptz := clock_timestamp();
begin
    if p_wanted <= 0 then
        return;
    end if;
    for x in
        select t.* from data.outbox as t
        where t.agency_code = p_agency and t.state = 'sending' and t.lease_until <= clock
        order by t.lease_until limit p_wanted for no key update skip locked
    loop
        continue when data.outbox_strays(x, p_road);
        n := n + 1;
        return next data.outbox_take_row(x, p_owner, p_lease, p_road);
    end loop;
    for due in
        select t.outbox_id, t.book_key from data.outbox as t
        where t.agency_code = p_agency and t.state = 'waiting' and not t.is_behind and t.next_attempt_at <= clock
        order by t.next_attempt_at, t.outbox_id
    loop
        exit when n >= p_wanted or seen >= p_wanted and clock_timestamp() > clock + p_patience;
        seen := seen + 1;
        earlier := data.outbox_front(due.book_key, due.outbox_id);
        if earlier is not null then
            perform data.outbox_set_aside(due.book_key, earlier);
            continue;
        end if;
        x := data.outbox_lock_free(due.outbox_id);
        continue when x.outbox_id is null or x.state <> 'waiting' or x.is_behind or x.next_attempt_at > clock;
        continue when data.outbox_strays(x, p_road);
        n := n + 1;
        return next data.outbox_take_row(x, p_owner, p_lease, p_road);
    end loop;
end $$;
comment on function data.outbox_claim(text, integer, text, interval, text, interval) is
    'Rows of one agency for one daemon: leases that ran out, then what is due, oldest first, at most so many and not for long';

-- Somebody may be about to insert the same at a console: then it is written down by and by.
create or replace function data.outbox_first_asked(p_agency text, p_owner text, p_road text) returns void
language plpgsql set lock_timeout = '10ms' as $$
begin
    insert into data.outbox_road (agency_code, road, asked_at, asked_by)
    values (p_agency, p_road, clock_timestamp(), p_owner) on conflict do nothing;
exception when lock_not_available then
    null;
end $$;
comment on function data.outbox_first_asked(text, text, text) is
    'Writes down that somebody sends for an agency for which nobody has; not now when it would have to wait';

create or replace function data.outbox_asked(p_agencies text[], p_owner text, p_road text) returns void
language sql as $$
    with stale as (
        select r.agency_code from data.outbox_road as r
        where r.agency_code = any (p_agencies)
            and (r.road <> p_road or r.asked_at < clock_timestamp() - interval '30 seconds')
        for no key update skip locked
    ), told as (
        update data.outbox_road as r set road = p_road, asked_at = clock_timestamp(), asked_by = p_owner
        from stale where r.agency_code = stale.agency_code
    )
    select data.outbox_first_asked(a.agency_code, p_owner, p_road) from data.agency as a
    where a.agency_code = any (p_agencies)
        and not exists (select from data.outbox_road as r where r.agency_code = a.agency_code)
$$;
comment on function data.outbox_asked(text[], text, text) is 'Writes down that somebody sends for these agencies, twice a minute';
