-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Services that a request names where the order has no serviceId: among its attributes, as the portal does (docs/decisions/0105).

create or replace function data.services_named(p_organization_ids text[], p_names text[]) returns text[]
language sql stable as $$
    select array(select distinct s.service_id from data.organization_service as s
                 where s.organization_id = any (p_organization_ids)
                    and s.service_id in (select btrim(t.name) from unnest(p_names) as t (name)))
$$;
comment on function data.services_named(text[], text[]) is 'Of some names those that are services of organizations';

create or replace function data.attribute_services(p_organization_id text, p_attributes jsonb) returns text[]
language plpgsql stable as $$
begin
    if p_attributes = '[]' or jsonb_typeof(p_attributes) is distinct from 'array' then
        return '{}';
    end if;
    return data.services_named(array[p_organization_id], array(
        select a.item ->> 'value' from jsonb_array_elements(p_attributes) as a (item)
        where lower(a.item ->> 'name') = 'serviceid'));
end $$;
comment on function data.attribute_services(text, jsonb) is
    'Services of an organization that attributes named serviceId tell; other values are no services, and only attributes';
