-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- The time of a visit: taken, changed, and judged by the limits once it is had.

create or replace function data.take_visit(o data.organization, p_slots data.slot[], p_is_blind boolean, p_service_ids text[],
    p_area_keys integer[], b data.booking, p_now timestamptz)
returns boolean language plpgsql as $$
begin
    -- A lapsed hold of its own may still stand somewhere.
    delete from data.place as p where p.book_key = b.book_key;
    if p_is_blind then
        return data.take_blind(o, p_service_ids, p_area_keys, b.book_key, b.hold_until, p_now) is not null;
    end if;
    return data.take_slots(p_slots, b.book_key, b.hold_until, p_now);
end $$;
comment on function data.take_visit(data.organization, data.slot[], boolean, text[], integer[], data.booking, timestamptz) is
    'Takes the places of a visit, named or blind';

-- The old places go first, so that a move to an overlapping slot of the same area does not stand in its own way; when the
-- new ones cannot be had, the subtransaction puts the old ones back. Their locks are held since data.lock_places.
create or replace function data.move_places(o data.organization, p_slots data.slot[], p_is_blind boolean, p_service_ids text[],
    p_area_keys integer[], b data.booking, p_now timestamptz)
returns boolean language plpgsql as $$
begin
    if not data.take_visit(o, p_slots, p_is_blind, p_service_ids, p_area_keys, b, p_now) then
        raise exception 'the new places are taken' using errcode = 'ZB208';
    end if;
    return true;
exception when sqlstate 'ZB208' then
    return false;
end $$;
comment on function data.move_places(data.organization, data.slot[], boolean, text[], integer[], data.booking, timestamptz) is
    'New places for old ones; when that fails the old ones stay';

create or replace function data.taken_text() returns text language sql immutable parallel safe return 'Интервал времени занят';
comment on function data.taken_text() is 'Why a place could not be had';

create or replace function data.first_visit(o data.organization, p_slots data.slot[], p_is_blind boolean, p_service_ids text[],
    p_area_keys integer[], b data.booking, p_applicant jsonb, p_now timestamptz)
returns text language plpgsql as $$
declare
    refusal text;
begin
    -- The row is told what the rules look at before they look.
    if o.has_rules then
        update data.booking as t set service_ids = b.service_ids, channel = b.channel, user_type = b.user_type,
            user_kind = b.user_kind
        where t.book_key = b.book_key
            and (t.service_ids, t.channel, t.user_type, t.user_kind) is distinct
                from (b.service_ids, b.channel, b.user_type, b.user_kind);
    end if;
    if not data.take_visit(o, p_slots, p_is_blind, p_service_ids, p_area_keys, b, p_now) then
        return data.taken_text();
    end if;
    if o.has_rules then
        refusal := coalesce(data.limit_refusal(o, b, p_applicant, p_now), data.share_refusal(o, b, p_now));
        if refusal is not null then
            delete from data.place as p where p.book_key = b.book_key;
        end if;
    end if;
    return refusal;
end $$;
comment on function data.first_visit(data.organization, data.slot[], boolean, text[], integer[], data.booking, jsonb,
    timestamptz) is 'Takes the places of a visit by all the rules; why not, or null';

-- A move, all or nothing: the old places go first, so that a move to an overlapping slot does not stand in its own way.
create or replace function data.change_visit(o data.organization, p_slots data.slot[], p_is_blind boolean, p_service_ids text[],
    p_area_keys integer[], b data.booking, p_applicant jsonb, p_now timestamptz)
returns text language plpgsql as $$
declare
    refusal text;
begin
    refusal := data.first_visit(o, p_slots, p_is_blind, p_service_ids, p_area_keys, b, p_applicant, p_now);
    if refusal is not null then
        raise exception '%', refusal using errcode = 'ZB208';
    end if;
    return null;
exception when sqlstate 'ZB208' then
    return refusal;
end $$;
comment on function data.change_visit(data.organization, data.slot[], boolean, text[], integer[], data.booking, jsonb,
    timestamptz) is 'Takes the places of a visit instead of those it has, by all the rules; why not, or null';
