-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What may be booked, said once for all who list, take or look for it.

create or replace function data.slot_serves(p_slot_service_id text, p_area_key integer, p_service_ids text[]) returns boolean
language plpgsql stable parallel safe as $$
begin
    return case when p_slot_service_id is not null then p_slot_service_id = all (p_service_ids)
        else p_service_ids <@ array(select a.service_id from data.area_service as a where a.area_key = p_area_key) end;
end $$;
comment on function data.slot_serves(text, integer, text[]) is
    'Whether a slot serves all of the services: its own one alone, or its area each of them (items 18, 19)';

create or replace function data.slot_passes(s data.slot, p_service_ids text[], p_now timestamptz) returns boolean
language plpgsql stable as $$
declare
    needs record;
    since timestamptz;
    until timestamptz;
begin
    needs := data.slot_needs(s, p_service_ids);
    since := s.starts_at - make_interval(mins => needs.before_min);
    until := s.ends_at + make_interval(mins => needs.after_min);
    return not (s.capacity = 1 and exists (
            select from data.place as p
            where p.capacity = 1 and p.area_key = s.area_key and p.busy_from < until
                and p.busy_to > since and p.busy_from > since - interval '48 hours'
                and (p.hold_until is null or p.hold_until > p_now)))
        and not data.others_taken(needs.others, since, until, p_now);
end $$;
comment on function data.slot_passes(data.slot, text[], timestamptz) is
    'Whether a slot with a place left may be offered by the rules: buffers, exclusive areas';

-- Windows bind the applicant, not the agency: so they are no part of what is free.
create or replace function data.slot_within(o data.organization, s data.slot, p_now timestamptz) returns boolean
language plpgsql stable as $$
begin
    o := data.with_service_rules(o, array[data.slot_service(s)]);
    return s.starts_at > p_now + make_interval(mins => o.notice_min)
        and s.starts_at <= p_now + make_interval(days => o.booking_window_days);
end $$;
comment on function data.slot_within(data.organization, data.slot, timestamptz) is
    'Whether a slot is in the window of the service it is for, when none was named; without one, in the organization''s';

-- What may be booked, said once for getSlots and blind_request: for all of the services asked, each named once, as a visit
-- for them would be (data.slot_serves). One plain SELECT, so that the planner folds it into the
-- query that calls it and stops at its LIMIT. Lapsed holds do not count (B3). p_has_rules is the organization's, p_full what
-- data.full_days found for the channel; p_own are slots that are listed though they are not free. Who lists many has read
-- before when the organization's areas for one are taken (data.taken_times), and asks that instead of the table.
drop function if exists data.free_slots(text, timestamptz, timestamptz, text[], integer[], timestamptz, boolean, data.full_day[],
    uuid[]);
drop function if exists data.free_slots(text, timestamptz, timestamptz, text[], integer[], timestamptz, boolean, data.full_day[]);
drop function if exists data.free_slots(text, timestamptz, timestamptz, text[], integer[], timestamptz);
create or replace function data.free_slots(p_organization_id text, p_after timestamptz, p_until timestamptz,
    p_service_ids text[], p_area_keys integer[], p_now timestamptz, p_has_rules boolean default false,
    p_full data.full_day[] default null, p_own uuid[] default '{}', p_keys integer[] default null,
    p_taken tstzmultirange[] default null)
returns setof data.slot language sql stable as $$
    select s.*
    from data.slot as s
    where s.organization_id = p_organization_id and s.starts_at > p_after and s.starts_at <= p_until and not s.is_closed
        and (p_area_keys is null or s.area_key = any (p_area_keys))
        and (cardinality(p_service_ids) = 0 or s.service_id = all (p_service_ids)
            or s.service_id is null and s.area_key in (
                select a.area_key from data.area_service as a
                where a.organization_id = p_organization_id and a.service_id = any (p_service_ids)
                group by a.area_key having count(*) = cardinality(p_service_ids)))
        -- A slot is a day long at most (slot_order), half a day is kept free on either side where there are rules. Reading back
        -- from the slot to the last place before it costs more: a backward scan fetches a whole page of the area's past first.
        and (s.slot_id = any (p_own) or case
            when s.capacity = 1 and p_keys is not null then
                not coalesce(p_taken[array_position(p_keys, s.area_key)] && tstzrange(s.starts_at, s.ends_at), false)
            when s.capacity = 1 then
                not exists (
                    select from data.place as p
                    where p.capacity = 1 and p.area_key = s.area_key and p.busy_from < s.ends_at
                        and p.busy_from >= s.starts_at
                            - case when p_has_rules then interval '48 hours' else interval '24 hours' end
                        and p.busy_to > s.starts_at
                        and (p.hold_until is null or p.hold_until > p_now))
            else
                (select count(*) from data.place as p
                 where p.slot_id = s.slot_id and (p.hold_until is null or p.hold_until > p_now)) < s.capacity
            end
        and (not p_has_rules or data.slot_passes(s, p_service_ids, p_now))
        and (p_full is null or not exists (
            select from unnest(p_full) as f where f.area_key = s.area_key and s.starts_at <@ f.span)))
$$;
comment on function data.free_slots(text, timestamptz, timestamptz, text[], integer[], timestamptz, boolean, data.full_day[],
    uuid[], integer[], tstzmultirange[]) is
    'Slots of an organization with a place left: open, in the window, for all of the services asked, of the areas asked';

-- An index entry for each place in the time asked, once, where a look-up for each slot would be ten times as dear. Nothing where
-- that would be more than the caller lists (L1), or where so many areas are taken that finding one of them costs as much.
create or replace function data.taken_times(p_organization_id text, p_since timestamptz, p_until timestamptz, p_now timestamptz,
    p_most integer, out keys integer[], out taken tstzmultirange[])
language plpgsql stable as $$
begin
    select coalesce(array_agg(t.area_key), '{}'), array_agg(t.taken) into keys, taken
    from (
        select x.area_key, count(*) as n, range_agg(tstzrange(x.busy_from, x.busy_to)) as taken
        from (
            select p.area_key, p.busy_from, p.busy_to
            from data.area as a
            cross join lateral (
                select p.area_key, p.busy_from, p.busy_to from data.place as p
                where p.capacity = 1 and p.area_key = a.area_key and p.busy_from < p_until + interval '1 day'
                    and p.busy_from >= p_since - interval '48 hours' and p.busy_to > p_since
                    and (p.hold_until is null or p.hold_until > p_now)
                limit p_most) as p
            where a.organization_id = p_organization_id
            limit p_most
        ) as x
        group by x.area_key
    ) as t
    having coalesce(sum(t.n), 0) < p_most and count(*) <= 200;
end $$;
comment on function data.taken_times(text, timestamptz, timestamptz, timestamptz, integer) is
    'When areas for one of an organization are taken, for slots that begin between two instants; null: not worth while';

-- Found by the holds there are: few at a time, whoever asks.
create or replace function data.own_holds(p_organization_ids text[], p_esia_id text, p_now timestamptz) returns uuid[]
language sql stable as $$
    select coalesce(array_agg(p.slot_id), '{}')
    from data.booking as b
    join data.organization as o using (organization_id)
    join data.place as p using (book_key)
    where b.state = 'HELD' and b.hold_until > p_now and data.person_key(b.esia_id) = data.person_key(p_esia_id)
        and b.organization_id = any (p_organization_ids) and o.show_own_holds
$$;
comment on function data.own_holds(text[], text, timestamptz) is
    'Intervals a person holds, of the organizations that show them to him (item 18)';

-- A list that is long, of many organizations, is judged once an organization, not gone through once a slot.
create or replace function data.services_of(p_organization_id text, p_services text[]) returns text[]
language plpgsql stable parallel safe as $$
begin
    if cardinality(p_services) <= 10 or not exists (
        select t.id from unnest(p_services) as t (id)
        except select s.service_id from data.organization_service as s where s.organization_id = p_organization_id) then
        return p_services;
    end if;
    return array['']; -- nobody's: of a long list it has not got all
end $$;
comment on function data.services_of(text, text[]) is
    'The services asked, or of a long list that an organization has not got whole, one that is nobody''s';

create or replace function data.areas_of(p_organization_id text, p_area_keys integer[]) returns integer[]
language plpgsql stable parallel safe as $$
begin
    if cardinality(p_area_keys) <= 10 or p_area_keys is null then
        return p_area_keys;
    end if;
    return array(
        select a.area_key from data.area as a
        where a.organization_id = p_organization_id and a.area_key in (select unnest(p_area_keys)));
end $$;
comment on function data.areas_of(text, integer[]) is 'Of a long list those of an organization; a short one as it is';
