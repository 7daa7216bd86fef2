-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- L1: what a change of rules costs does not grow with what is over, whatever the statistics say. Places of the slots to come are
-- found by those slots' ids, given as an array: joined with them, a planner that thinks the slots many reads every place there is.

create or replace function data.area_uses_changed() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    used integer;
    taken tstzmultirange;
    reached timestamptz;
    p record;
    slots uuid[];
    places smallint[];
begin
    -- Whoever is booking here is waited for and then counted; whoever comes later sees what the area uses now.
    perform data.claim_areas(array[new.area_key], new.uses);
    delete from data.occupancy as q
    where q.slot_id = any (array(
            select s.slot_id from data.slot as s where s.area_key = new.area_key and s.starts_at > now() - interval '2 days'))
        and q.area_key <> all (new.uses);
    foreach used in array new.uses loop
        -- In one walk, in memory: a look into the table for each visit would be a look through two days of the others.
        taken := coalesce((
            select range_agg(tstzrange(q.busy_from, q.busy_to))
            from data.occupancy as q where q.area_key = used and q.busy_to > now()), '{}');
        reached := '-infinity';
        slots := '{}';
        places := '{}';
        for p in
            select t.slot_id, t.place_no, t.busy_from, t.busy_to
            from data.slot as s
            cross join lateral (select x.* from data.place as x where x.slot_id = s.slot_id offset 0) as t
            where s.area_key = new.area_key and s.starts_at > now() - interval '2 days' and t.ends_at > now()
            order by t.starts_at, t.slot_id, t.place_no
        loop
            continue when p.busy_from < reached or tstzrange(p.busy_from, p.busy_to) && taken;
            reached := p.busy_to;
            slots := slots || p.slot_id;
            places := places || p.place_no;
        end loop;
        insert into data.occupancy (slot_id, place_no, area_key, busy_from, busy_to)
        select t.slot_id, t.place_no, used, t.busy_from, t.busy_to
        from unnest(slots, places) as k (slot_id, place_no)
        cross join lateral (
            select x.* from data.place as x where x.slot_id = k.slot_id and x.place_no = k.place_no offset 0) as t;
    end loop;
    return null;
end $$;

create or replace function data.rules_changed() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    id text := coalesce(new.organization_id, old.organization_id);
    changed record;
begin
    if tg_table_name in ('area', 'area_use') and exists (
        select from data.area as a where a.organization_id = id and (a.is_exclusive or a.uses <> '{}')) then
        select array_agg(distinct a.area_key) as keys, array_agg(distinct u.key) filter (where u.key is not null) as used into changed
        from data.area as a
        cross join lateral (select data.used_areas(a.area_key) as uses) as w
        left join lateral unnest(w.uses) as u (key) on true
        where a.organization_id = id and a.uses is distinct from w.uses;
        if changed.keys is not null then
            perform data.claim_areas(changed.keys, coalesce(changed.used, '{}'));
            update data.area as a set uses = '{}' where a.area_key = any (changed.keys);
        end if;
    end if;
    update data.organization as o set has_rules = not o.has_rules
    where o.organization_id = id and o.has_rules <> data.organization_has_rules(id);
    -- The quick way of getSlots knows of no buffers: with the last rule those of visits still to come go too.
    if found and not (select o.has_rules from data.organization as o where o.organization_id = id) then
        update data.place as p set before_min = 0, after_min = 0
        where p.slot_id = any (array(
                select s.slot_id from data.slot as s where s.organization_id = id and s.starts_at > now() - interval '2 days'))
            and (p.before_min > 0 or p.after_min > 0);
    end if;
    return null;
end $$;
