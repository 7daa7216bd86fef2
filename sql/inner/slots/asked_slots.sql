-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What getSlots asks for, held against the reference data (M1, M10), and how far it may have to look.

create or replace function data.slots_wrong(p_recipient_code text, p_organizations text[], p_services text[], p_areas text[],
    p_filter jsonb)
returns api.answer[] language plpgsql stable as $$
declare
    fields api.answer[] := '{}';
begin
    if cardinality(p_organizations) = 0 then
        fields := fields || data.field_row('organizationId', 1, 'Не заполнено обязательное поле');
    elsif exists (select from unnest(p_organizations) as r (id)
                  where not exists (select from data.organization as o
                                    where o.organization_id = r.id and o.is_active
                                        and (coalesce(p_recipient_code, '') = '' or o.agency_code = p_recipient_code))) then
        fields := fields || data.field_row('organizationId', 2);
    else
        -- One pass over what there is, never one look-up for each pair of an organization and a wish.
        if cardinality(p_services) > 0 and exists (
            select r.id from unnest(p_services) as r (id)
            except select s.service_id from data.organization_service as s where s.organization_id = any (p_organizations)) then
            fields := fields || data.field_row('serviceId', 2);
        end if;
        if cardinality(p_areas) > 0 and exists (
            select r.id from unnest(p_areas) as r (id)
            except select a.area_id from data.area as a
                where a.organization_id = any (p_organizations) and a.removed_at is null) then
            fields := fields || data.field_row('areaId', 2);
        end if;
    end if;
    if p_filter is not null then
        fields := fields || coalesce(nullif(data.slot_filter_errors(p_filter), '{}'), data.slot_filter_beyond(p_filter,
            p_organizations));
    end if;
    return fields;
end $$;
comment on function data.slots_wrong(text, text[], text[], text[], jsonb) is
    'Field errors of a request for free slots: organizations, services and areas nobody knows, and a filter that cannot be met';

create or replace function data.longest_window(p_organization_ids text[]) returns integer
language sql stable as $$
    select max(greatest(o.booking_window_days, case when o.has_rules then (
            select max(s.booking_window_days) from data.organization_service as s
                where s.organization_id = o.organization_id) end))
    from data.organization as o where o.organization_id = any (p_organization_ids)
$$;
comment on function data.longest_window(text[]) is 'Days ahead within which any of the organizations may have a slot to offer';

create or replace function data.slot_parts(p_filter jsonb, p_organizations text[], p_now timestamptz, out ids text[],
    out kinds jsonb[],
    out cells bit varying[], out not_before timestamp[], out not_after timestamp[], out width integer, out base_hour integer)
language plpgsql stable as $$
begin
    if p_filter is null then
        ids := p_organizations;
        return;
    end if;
    select array_agg(f.organization_id), array_agg(f.kinds), array_agg(f.cells), array_agg(f.not_before), array_agg(f.not_after),
        max(f.width), max(f.base_hour)
    into ids, kinds, cells, not_before, not_after, width, base_hour
    from data.slot_filter(p_filter, p_organizations, p_now) as f;
end $$;
comment on function data.slot_parts(jsonb, text[], timestamptz) is
    'Organizations to look through, and of each the hours that a filter lets through, as data.slot_filter finds them';
