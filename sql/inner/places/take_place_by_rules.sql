-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- One place of one slot, and what a visit there uses beside it (B9).

-- As data.take_place, for an organization with rules: the exclusive areas of the visit are taken with the place, by its
-- trigger. Their time is locked before, so that two who want it come one after the other.
create or replace function data.take_place_by_rules(s data.slot, p_book_key text, p_hold_until timestamptz, p_now timestamptz,
    p_wait boolean, p_service_ids text[], p_visit data.slot[])
returns integer language plpgsql as $$
declare
    needs record;
    since timestamptz;
    until timestamptz;
    other integer;
begin
    -- From here on the area uses what it uses now: who changes that waits for us, and whom he keeps waiting reads it after him.
    if not data.hold_time(false, s.area_key, s.starts_at, s.starts_at, p_wait) then
        return -1;
    end if;
    needs := data.slot_needs(s, p_service_ids);
    -- Between two slots of one visit nothing is kept free.
    if cardinality(p_visit) > 1 then
        if exists (select from unnest(p_visit) as t where t.area_key = s.area_key and t.ends_at = s.starts_at) then
            needs.before_min := 0;
        end if;
        if exists (select from unnest(p_visit) as t where t.area_key = s.area_key and t.starts_at = s.ends_at) then
            needs.after_min := 0;
        end if;
    end if;
    since := s.starts_at - make_interval(mins => needs.before_min);
    until := s.ends_at + make_interval(mins => needs.after_min);
    foreach other in array needs.others loop
        if not data.hold_time(true, other, since, until, p_wait) then
            return -1;
        end if;
    end loop;
    if needs.others <> '{}' then
        if data.others_taken(needs.others, since, until, p_now) then
            return 0;
        end if;
        perform data.evict_lapsed(s, 1, p_now, p_wait, needs.before_min, needs.after_min, needs.others);
        -- A lapsed hold that its owner is just about to confirm, or has confirmed meanwhile.
        if data.others_taken(needs.others, since, until, '-infinity') then
            return case when p_wait then 0 else -1 end;
        end if;
    end if;
    return data.take_place(s, p_book_key, p_hold_until, p_now, p_wait, needs.before_min, needs.after_min);
end $$;
comment on function data.take_place_by_rules(data.slot, text, timestamptz, timestamptz, boolean, text[], data.slot[]) is
    'Takes a place of a slot and the exclusive areas a visit there uses; answers as data.take_place does';
