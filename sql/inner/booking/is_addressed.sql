-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Whom a message is for (C6).

create or replace function data.is_addressed(p_recipient_code text, p_organization_id text) returns boolean
language plpgsql stable parallel safe as $$
begin
    return (
        select coalesce(p_recipient_code, '') = ''
            or exists (select from data.organization as o
                       where o.organization_id = p_organization_id and o.agency_code = p_recipient_code)
    );
end $$;
comment on function data.is_addressed(text, text) is
    'Whether the agency addressed owns the organization; the empty code means any (C6)';

-- Who books without an agency's name (a plain listener) says by the organization whose the booking is; it stays that agency's.
create or replace function data.is_of_another_agency(b data.booking, p_organization_id text) returns boolean
language plpgsql stable parallel safe as $$
begin
    return b.organization_id is distinct from p_organization_id and exists (
        select from data.organization as o
        join data.organization as t on t.agency_code <> o.agency_code
        where o.organization_id = b.organization_id and t.organization_id = p_organization_id);
end $$;
comment on function data.is_of_another_agency(data.booking, text) is
    'Whether an organization belongs to another agency than the one a booking is with: it cannot go there (C6)';

create or replace function data.agency_fields(p_fields api.answer[], b data.booking, p_organization_id text)
returns api.answer[] language plpgsql stable parallel safe as $$
begin
    if data.is_of_another_agency(b, p_organization_id)
        and not exists (select from unnest(p_fields) as f where f.field in ('organizationId', 'slotId')) then
        return p_fields || data.field_row('organizationId', 1, 'Заявление подано в организацию другого ведомства');
    end if;
    return p_fields;
end $$;
comment on function data.agency_fields(api.answer[], data.booking, text) is
    'Field errors, with that of an organization the booking cannot go to (C6) where nothing else is wrong with the time';
