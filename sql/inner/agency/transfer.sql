-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Another time for a visit, by the agency's word (S2, item 8 of the outcomes: no change without its push).

create or replace function data.span_of(p_slots data.slot[]) returns interval
language sql immutable parallel safe
return (select sum(s.ends_at - s.starts_at) from unnest(p_slots) as s);
comment on function data.span_of(data.slot[]) is 'How long slots are together';

-- One number says where the visit begins: what it has beside goes on there, each part as long as it was. What is not there
-- is not made up, and the visit then does not fit.
create or replace function data.slots_from(p_first uuid, p_old data.slot[], p_services text[]) returns uuid[]
language plpgsql stable as $$
declare
    s data.slot;
    ids uuid[] := array[p_first];
begin
    select * into s from data.slot as t where t.slot_id = p_first;
    if s.ends_at - s.starts_at >= data.span_of(p_old) then
        return ids;
    end if;
    for n in 2 .. cardinality(p_old) loop
        select t.* into s from data.slot as t
        where t.area_key = s.area_key and t.starts_at = s.ends_at and not t.is_closed
            and t.ends_at - t.starts_at = p_old[n].ends_at - p_old[n].starts_at
            and (cardinality(p_services) = 0 or data.slot_serves(t.service_id, t.area_key, p_services))
        order by t.slot_id limit 1;
        exit when not found;
        ids := ids || s.slot_id;
    end loop;
    return ids;
end $$;
comment on function data.slots_from(uuid, data.slot[], text[]) is
    'Slots for a visit of several that is to begin with this one: those that follow it in its area, as far as there are such';

-- Why slots, in time order, are not where a visit could be as it is; null: it could.
create or replace function data.move_misfit(p_slots data.slot[], p_old data.slot[], p_adjacency boolean) returns text
language plpgsql immutable parallel safe as $$
declare
    is_apart boolean := false;
    was_apart boolean := false;
begin
    if data.span_of(p_slots) < data.span_of(p_old) then
        return format('визит занимает %s мин (интервалов: %s), а новое время — %s мин (интервалов: %s); назовите все интервалы '
            'через запятую', extract(epoch from data.span_of(p_old))::integer / 60, cardinality(p_old),
            extract(epoch from data.span_of(p_slots))::integer / 60, cardinality(p_slots));
    end if;
    for n in 2 .. cardinality(p_slots) loop
        is_apart := is_apart or p_slots[n].area_key <> p_slots[1].area_key or p_slots[n].starts_at <> p_slots[n - 1].ends_at;
    end loop;
    for n in 2 .. cardinality(p_old) loop
        was_apart := was_apart or p_old[n].area_key <> p_old[1].area_key or p_old[n].starts_at <> p_old[n - 1].ends_at;
    end loop;
    return case when p_adjacency and is_apart and not was_apart then 'интервалы не подряд или в разных помещениях' end;
end $$;
comment on function data.move_misfit(data.slot[], data.slot[], boolean) is
    'A visit never becomes shorter by being moved, nor falls apart (A6): why it would, or null';

-- Its places are swapped as for the applicant: the new ones are had, or the old ones stay. Notice, window and the
-- deadlines bind the applicant, not the agency; what is closed, begun or of another service binds both.
create or replace function data.agency_transfer(b data.booking, p_slot_ids uuid[], p_reason text default null)
returns admin.result language plpgsql as $$
declare
    was data.booking := b;
    clock timestamptz := clock_timestamp();
    o data.organization;
    slots data.slot[];
    old constant data.slot[] := array(select s from data.place as p join data.slot as s on s.slot_id = p.slot_id
        where p.book_key = b.book_key order by s.starts_at, s.slot_id);
    services text[] := b.service_ids;
    ids uuid[] := p_slot_ids;
    refusal text;
begin
    if coalesce(cardinality(p_slot_ids), 0) = 0 or array_position(p_slot_ids, null) is not null then
        raise exception 'Не указан новый интервал' using errcode = 'invalid_parameter_value',
            hint = 'Свободные: select * from admin.free(''организация'', ''день'')';
    end if;
    refusal := data.agency_obstacle(b, 'move', exists (select from data.booking_arrow as t
        where t.event = 'move' and t.old_state = b.state and strpos(t.actors, 'G') > 0), null, clock);
    if refusal is not null then
        return data.agency_refuse(b, 'move', refusal);
    end if;

    -- What it was told it is for binds whoever moves it, also when the applicant has named nothing.
    if cardinality(services) = 0 then
        services := array(select distinct v.service_id from unnest(old) as s
            cross join lateral (select data.slot_service(s)) as v (service_id) where v.service_id is not null);
        services := case when cardinality(services) = 1 then services else '{}' end;
    end if;
    if cardinality(ids) = 1 and cardinality(old) > 1 then
        ids := data.slots_from(ids[1], old, services);
    end if;
    slots := array(select x.t from (select t from data.slot as t
        where t.slot_id = any (ids) and data.may_see(t.organization_id) order by t.slot_id for share) as x);
    select * into o from data.organization as t where t.organization_id = slots[1].organization_id;
    refusal := case
        when cardinality(slots) < cardinality(ids) then 'интервал не найден'
        when exists (select from unnest(slots) as s where s.organization_id <> o.organization_id) then
            'интервалы разных организаций'
        when o.agency_code <> (select x.agency_code from data.organization as x where x.organization_id = b.organization_id)
            then 'интервал другого ведомства'
        when not o.is_active then 'организация выключена, в неё не записывают'
        when b.state = 'INVITED' and data.visible(o.address) is null then
            format('у организации %s нет адреса, а приглашённому он называется', o.organization_id)
        when exists (select from unnest(slots) as s where s.is_closed) then 'интервал закрыт для записи'
        when exists (select from unnest(slots) as s where s.starts_at <= clock) then 'интервал уже начался'
        when cardinality(services) > 0 and exists (
            select from unnest(slots) as s where not data.slot_serves(s.service_id, s.area_key, services))
            then 'в этом интервале услуга не оказывается'
        when array(select s.slot_id from unnest(slots) as s) = array(select p.slot_id from data.place as p
            where p.book_key = b.book_key order by p.slot_id)
            then 'это тот же интервал'
        else data.move_misfit(array(select s from unnest(slots) as s order by s.starts_at, s.slot_id), old,
            o.adjacency_required) end;
    if refusal is not null then
        return data.agency_refuse(b, 'move', refusal);
    end if;
    if not data.move_places(o, slots, false, b.service_ids, null, b, clock) then
        return data.agency_refuse(b, 'move', 'интервал занят');
    end if;

    b.organization_id := o.organization_id;
    b.status_code := data.state_code(b.state);
    b.status_message := data.visit_text(b, p_reason);
    b.changed_at := clock;
    -- The request that booked it is not the last word any more (B6): in another message it is a wish for the old time.
    update data.booking as t set organization_id = b.organization_id, status_code = b.status_code,
        status_message = b.status_message, content_hash = null, changed_at = b.changed_at
    where t.book_key = b.book_key;
    perform data.add_history(b, was.state, was.status_code, 'G', concat_ws(': ', 'перенос', data.visible(p_reason)), null,
        null);
    perform data.push(b);
    return data.agency_result(true, b, data.visit_at(b.book_key), b.status_message);
end $$;
comment on function data.agency_transfer(data.booking, uuid[], text) is
    'Moves a visit its caller has locked to other slots of the same agency and tells the portal; when they cannot be had the old '
        'ones stay (S2)';

-- The new places come after the old ones: as in data.agency_lock, whoever cannot have them in a moment begins anew.
create or replace function data.agency_move(p_book_id text, p_slot_ids uuid[], p_reason text default null)
returns admin.result language plpgsql set lock_timeout = '300ms' as $$
declare
    patience constant timestamptz := clock_timestamp() + data.agency_patience();
begin
    loop
        begin
            return data.agency_transfer(data.agency_lock(p_book_id), p_slot_ids, p_reason);
        exception when lock_not_available or deadlock_detected then
            perform data.agency_wait(patience);
        end;
    end loop;
end $$;
comment on function data.agency_move(text, uuid[], text) is 'Locks a booked visit and moves it (S2)';
