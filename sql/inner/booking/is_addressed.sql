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
