-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Agencies of the configuration that nobody will ever reach (L4): the database does not know which there are, so `zapisd check`
-- asks with a list.

create or replace function api.agency_concerns(agency_codes text[]) returns setof text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select format('agency %s has organizations and no [agency] section: its messages are refused', a.agency_code)
    from data.agency as a
    where a.agency_code <> all (agency_codes) and exists (select from data.organization as o where o.agency_code = a.agency_code
        and o.is_active)
    union all
    select format('agency %s of the configuration is not in data.agency: its messages find no organization', c.code)
    from unnest(agency_codes) as c (code) where not exists (select from data.agency as a where a.agency_code = c.code)
$$;
grant execute on function api.agency_concerns(text[]) to zapisd_daemon;
comment on function api.agency_concerns(text[]) is
    'Agencies that only the database, or only the configuration knows: a line each';
