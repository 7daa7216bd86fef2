-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What a book request asks for, held against the reference data: every field that is wrong (M10), the slots it means,
-- and whether they may be booked at all. Takes no place. Reads the slots for share, in slot_id order, so that closing or
-- resizing a slot and booking it come one after the other.

create or replace function data.other_area_text() returns text language sql immutable parallel safe
return 'Интервал времени относится к другому помещению';
comment on function data.other_area_text() is 'Why a slot is not to be had with the areaId it came with';

create or replace function data.book_check(m api.message, p_organization_id text, p_slot_ids text[], p_service_ids text[],
    p_area_ids text[], p_now timestamptz, out fields api.answer[], out o data.organization,
    out is_blind boolean, out slots data.slot[], out area_keys integer[], out refusal text,
    out first_start timestamptz)
language plpgsql as $$
declare
    r record;
    s data.slot;
    previous data.slot;
    in_time data.slot[];
    ids uuid[];
    joined text;
    n integer := cardinality(p_slot_ids);
begin
    fields := '{}';
    slots := '{}';
    is_blind := false;

    select t as organization, cardinality(p_service_ids) = 0 or p_service_ids <@ array(
            select v.service_id from data.organization_service as v where v.organization_id = p_organization_id) as is_served
    into r
    from data.organization as t
    where t.organization_id = p_organization_id and t.is_active
        and (coalesce(m.recipient_code, '') = '' or t.agency_code = m.recipient_code);
    if not found then
        o := null;
        fields := fields || data.field_row('organizationId', 2);
    else
        o := r.organization;
        if o.has_rules then
            o := data.with_service_rules(o, p_service_ids);
        end if;
        if not r.is_served then
            fields := fields || data.field_row('serviceId', 2);
        end if;
        if cardinality(p_area_ids) > 0 then
            if exists (
                select from unnest(p_area_ids) as wanted (area_id)
                where not exists (select from data.area as t where t.organization_id = p_organization_id
                                  and t.area_id = wanted.area_id and t.removed_at is null)) then
                fields := fields || data.field_row('areaId', 2);
            else
                area_keys := data.area_subtree(p_organization_id, p_area_ids);
            end if;
        end if;
    end if;

    if 'blind_request' = any (p_slot_ids) then
        is_blind := n = 1;
        if not is_blind then
            fields := fields || data.field_row('slotId', 1, 'Значение blind_request должно быть единственным');
        end if;
        return;
    end if;
    -- The form of a UUID, n times; a regular expression would cost more than the booking.
    joined := lower(array_to_string(p_slot_ids, ''));
    if n = 0 or array_position(p_slot_ids, null) is not null
        or joined not like repeat('________-____-____-____-____________', n)
        or length(replace(joined, '-', '')) <> 32 * n or translate(joined, '0123456789abcdef-', '') <> '' then
        fields := fields || data.field_row('slotId', 1, case when coalesce(n, 0) = 0 then 'Не указан интервал времени'
            else 'Идентификатор интервала времени должен быть UUID, как в ответе getSlots' end);
        return;
    end if;
    ids := p_slot_ids::uuid[];
    if n > 1 and (select count(distinct t) from unnest(ids) as t) < n then
        fields := fields || data.field_row('slotId', 1, 'Интервал времени указан дважды');
        return;
    end if;

    slots := array(select x.t from (select t from data.slot as t where t.slot_id = any (ids) order by t.slot_id for share) as x);
    if o.organization_id is null then
        return;
    end if;
    if cardinality(slots) < n then
        refusal := 'Интервал времени не найден';
        return;
    end if;

    if o.has_rules and cardinality(p_service_ids) = 0 then
        o := data.with_service_rules(o, array(select data.slot_service(t) from unnest(slots) as t));
    end if;

    -- One visit: one organization (A7, A33), one area, each slot where the one before ends.
    in_time := slots;
    if n > 1 then
        in_time := array(select t from unnest(slots) as t order by t.starts_at, t.slot_id);
    end if;
    first_start := in_time[1].starts_at;
    if n > 1 and exists (select from unnest(slots) as t where t.organization_id <> slots[1].organization_id) then
        fields := fields || data.field_row('slotId', 1, 'Интервалы времени относятся к разным организациям');
        return;
    end if;
    foreach s in array in_time loop
        if s.organization_id <> p_organization_id then
            fields := fields || data.field_row('organizationId', 1, 'Интервал времени относится к другой организации');
            return;
        end if;
        if previous.slot_id is not null and o.adjacency_required
            and (s.area_key <> previous.area_key or s.starts_at <> previous.ends_at) then
            fields := fields || data.field_row('slotId', 1, case when s.area_key <> previous.area_key
                then 'Интервалы времени одного посещения должны относиться к одному помещению'
                else 'Интервалы времени одного посещения должны следовать один за другим без перерыва' end);
            return;
        end if;
        previous := s;
        if s.is_closed then
            refusal := 'Интервал времени закрыт для записи';
        elsif s.starts_at <= p_now then
            refusal := 'Интервал времени уже начался';
        elsif s.starts_at <= p_now + make_interval(mins => o.notice_min)
            or s.starts_at > p_now + make_interval(days => o.booking_window_days) then
            refusal := 'Запись на это время сейчас не ведётся';
        elsif cardinality(p_service_ids) > 0 and not data.slot_serves(s.service_id, s.area_key, p_service_ids) then
            refusal := 'В это время услуга не оказывается';
        elsif area_keys is not null and s.area_key <> all (area_keys) then
            refusal := data.other_area_text();
        end if;
    end loop;
end $$;
comment on function data.book_check(api.message, text, text[], text[], text[], timestamptz) is
    'Field errors of a book request, the slots it means in slot_id order, and why they cannot be booked, if so';
