-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Whole visits: named slots all or none (A6), or the earliest place there is (B4).

-- Slots come in slot_id order, so that two visits of several slots never wait for each other crosswise.
create or replace function data.take_slots(p_slots data.slot[], p_book_key text, p_hold_until timestamptz, p_now timestamptz)
returns boolean language plpgsql as $$
declare
    s data.slot;
    has_rules boolean := (select o.has_rules from data.organization as o where o.organization_id = p_slots[1].organization_id);
    service_ids text[];
    n integer;
begin
    if has_rules then
        service_ids := (select b.service_ids from data.booking as b where b.book_key = p_book_key);
    end if;
    foreach s in array p_slots loop
        if has_rules then
            n := data.take_place_by_rules(s, p_book_key, p_hold_until, p_now, true, service_ids, p_slots);
        else
            n := data.take_place(s, p_book_key, p_hold_until, p_now, true);
        end if;
        if n < 1 then
            delete from data.place as p where p.book_key = p_book_key;
            return false;
        end if;
    end loop;
    return true;
end $$;
comment on function data.take_slots(data.slot[], text, timestamptz, timestamptz) is
    'A place in each of the slots, or in none (A6); the booking holds no other places meanwhile';

create or replace function data.take_as_is(o data.organization, s data.slot, p_service_ids text[], p_book_key text,
    p_hold_until timestamptz, p_now timestamptz, p_wait boolean)
returns integer language plpgsql as $$
declare
    hold_until constant timestamptz := case when p_hold_until < s.starts_at then p_hold_until when p_hold_until is not null then
        s.starts_at end;
begin
    -- Somebody who is closing or changing it is waited for no sooner than somebody who is booking it.
    if p_wait then
        perform from data.slot as t where t.slot_id = s.slot_id and t.capacity = s.capacity and not t.is_closed for share;
    else
        perform from data.slot as t where t.slot_id = s.slot_id and t.capacity = s.capacity
            and not t.is_closed for share skip locked;
    end if;
    if not found then
        return -1;
    end if;
    if o.has_rules then
        return data.take_place_by_rules(s, p_book_key, hold_until, p_now, p_wait, p_service_ids, array[s]);
    end if;
    return data.take_place(s, p_book_key, hold_until, p_now, p_wait);
end $$;
comment on function data.take_as_is(data.organization, data.slot, text[], text, timestamptz, timestamptz, boolean) is
    'A place of a slot that is still open as it was read; answers as data.take_place does, -1 also when it is not or somebody '
        'changes it';

-- What another transaction is at is passed over, and looked at again a few times when nothing else is left. Only then is it
-- waited for, as who asks for it by name waits: that nothing is free may be said when it is true.
create or replace function data.take_blind(o data.organization, p_service_ids text[], p_area_keys integer[], p_book_key text,
    p_hold_until timestamptz, p_now timestamptz)
returns uuid language plpgsql as $$
declare
    s data.slot;
    passed_over data.slot;
    n integer;
    attempt integer := 0;
    full_days data.full_day[];
    visitor data.booking;
    widest data.organization := o;
begin
    if o.has_rules then
        if cardinality(p_service_ids) = 0 then
            widest := data.with_widest_rules(o);
        end if;
        select b.* into visitor from data.booking as b where b.book_key = p_book_key;
        full_days := data.full_days(array[o.organization_id], visitor.channel, p_now);
    end if;
    loop
        passed_over := null;
        for s in
            select t.* from data.free_slots(o.organization_id, p_now + make_interval(mins => widest.notice_min),
                p_now + make_interval(days => widest.booking_window_days), p_service_ids, p_area_keys, p_now, o.has_rules,
                full_days) as t
            order by t.starts_at, t.slot_id
        loop
            -- Nobody gets by chance what he could not have had by name.
            continue when o.has_rules and cardinality(p_service_ids) = 0 and (not data.slot_within(o, s, p_now)
                or cardinality(data.admission_fields(o, array[data.slot_service(s)], visitor.user_type, visitor.user_kind)) > 0);
            n := data.take_as_is(o, s, p_service_ids, p_book_key, p_hold_until, p_now, false);
            if n > 0 then
                return s.slot_id;
            elsif n < 0 and passed_over.slot_id is null then
                passed_over := s;
            end if;
        end loop;
        exit when passed_over.slot_id is null or attempt = 100;
        attempt := attempt + 1;
        if attempt < 20 then
            perform pg_sleep(0.005 + random() * 0.015);
        elsif data.take_as_is(o, passed_over, p_service_ids, p_book_key, p_hold_until, p_now, true) > 0 then
            return passed_over.slot_id;
        end if;
    end loop;
    return null;
end $$;
comment on function data.take_blind(data.organization, text[], integer[], text, timestamptz, timestamptz) is
    'The earliest free place of an organization, waiting for others only when nothing else is left (B4); null when there is none';
