-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- How asking SMEV goes, for all instances and for people (L4).

create or replace function api.inbox_polled(p_source text, p_agency text, p_fault text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform from data.inbox_source as s where s.source = p_source and s.agency_code = p_agency for no key update nowait;
    insert into data.inbox_source as s (source, agency_code, good_at, fault, fault_at)
    values (p_source, p_agency, case when p_fault is null then clock_timestamp() end, left(p_fault, 200),
        case when p_fault is not null then clock_timestamp() end)
    on conflict (source, agency_code) do update set tried_at = excluded.tried_at,
        good_at = coalesce(excluded.good_at, s.good_at), fault = excluded.fault,
        fault_at = case when excluded.fault is not null then coalesce(s.fault_at, excluded.fault_at) end;
end $$;
grant execute on function api.inbox_polled(text, text, text) to zapisd_daemon;
comment on function api.inbox_polled(text, text, text) is
    'Notes that SMEV answered a source of an agency, or p_fault: what it said else, a name without values';
