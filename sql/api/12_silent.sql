-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What is allowed and makes something never happen, nobody being told (L4): by `zapisd check` and admin.check().

create or replace function data.silent_settings() returns table (problem text, title text, what text)
language sql stable as $$
    select format('organization %s: horizon_days is 0, no slots are made by themselves', o.organization_id), 'интервалы сами не создаются',
        format('организация %s: horizon_days = 0; создаёт только select admin.generate(%L, дата), а чтобы создавались сами: update data.organization set horizon_days = null where organization_id = %L',
            o.organization_id, o.organization_id, o.organization_id)
    from data.organization as o
    where o.is_active and o.horizon_days = 0
        and exists (select from data.timetable as t join data.area as a using (area_key) where a.organization_id = o.organization_id)
$$;
alter function data.silent_settings() owner to zapisd_owner;
revoke all on function data.silent_settings() from public;
comment on function data.silent_settings() is 'Settings by which something never happens: problem is for check, title and what are for people';

create or replace function api.agency_concerns(agency_codes text[]) returns setof text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select format('agency %s has organizations and no [agency] section: its messages are refused', a.agency_code)
    from data.agency as a
    where a.agency_code <> all (agency_codes) and exists (select from data.organization as o where o.agency_code = a.agency_code and o.is_active)
    union all
    select format('agency %s of the configuration is not in data.agency: its messages find no organization', c.code)
    from unnest(agency_codes) as c (code) where not exists (select from data.agency as a where a.agency_code = c.code)
$$;
alter function api.agency_concerns(text[]) owner to zapisd_owner;
revoke all on function api.agency_concerns(text[]) from public;
grant execute on function api.agency_concerns(text[]) to zapisd_daemon;
comment on function api.agency_concerns(text[]) is 'Agencies that only the database, or only the configuration knows: a line each';
