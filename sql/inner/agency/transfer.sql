-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Another time for a visit, by the agency's word (S2, item 8 of the outcomes: no change without its push).

-- Its places are swapped as for the applicant: the new ones are had, or the old ones stay. Notice, window and the
-- deadlines bind the applicant, not the agency; what is closed, begun or of another service binds both.
create or replace function data.agency_transfer(b data.booking, p_slot_ids uuid[], p_reason text default null)
returns admin.result language plpgsql as $$
declare
    was data.booking := b;
    clock timestamptz := clock_timestamp();
    o data.organization;
    slots data.slot[];
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

    slots := array(select x.t from (select t from data.slot as t where t.slot_id = any (p_slot_ids)
        order by t.slot_id for share) as x);
    select * into o from data.organization as t where t.organization_id = slots[1].organization_id;
    refusal := case
        when cardinality(slots) < cardinality(p_slot_ids) then 'интервал не найден'
        when exists (select from unnest(slots) as s where s.organization_id <> o.organization_id) then
            'интервалы разных организаций'
        when o.agency_code <> (select x.agency_code from data.organization as x where x.organization_id = b.organization_id)
            then 'интервал другого ведомства'
        when exists (select from unnest(slots) as s where s.is_closed) then 'интервал закрыт для записи'
        when exists (select from unnest(slots) as s where s.starts_at <= clock) then 'интервал уже начался'
        when cardinality(b.service_ids) > 0 and exists (
            select from unnest(slots) as s where not data.slot_serves(s.service_id, s.area_key, b.service_ids))
            then 'в этом интервале услуга не оказывается'
        when array(select s.slot_id from unnest(slots) as s) = array(select p.slot_id from data.place as p
            where p.book_key = b.book_key order by p.slot_id)
            then 'это тот же интервал' end;
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
    update data.booking as t set organization_id = b.organization_id, status_code = b.status_code,
        status_message = b.status_message, changed_at = b.changed_at
    where t.book_key = b.book_key;
    perform data.add_history(b, was.state, was.status_code, 'G', concat_ws(': ', 'перенос', nullif(btrim(p_reason), '')), null,
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
