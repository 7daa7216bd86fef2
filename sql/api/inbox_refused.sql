-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What SMEV refuses of what we tell it (L4): that it gives us messages says nothing of whether it takes our answers.

create or replace function api.inbox_refused(p_source text, p_agency text, p_operation text, p_fault text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform from data.inbox_refusal as r where r.source = p_source and r.agency_code = p_agency and r.operation = p_operation
    for no key update nowait;
    if p_fault is null then
        delete from data.inbox_refusal as r
        where r.source = p_source and r.agency_code = p_agency and r.operation = p_operation;
        return;
    end if;
    insert into data.inbox_refusal as r (source, agency_code, operation, fault, since_at, last_at)
    values (p_source, p_agency, p_operation, left(p_fault, 200), clock_timestamp(), clock_timestamp())
    on conflict (source, agency_code, operation) do update set fault = excluded.fault, last_at = excluded.last_at,
        since_at = case when r.fault = excluded.fault then r.since_at else excluded.since_at end;
end $$;
grant execute on function api.inbox_refused(text, text, text, text) to zapisd_daemon;
comment on function api.inbox_refused(text, text, text, text) is
    'Notes that SMEV refuses our Ack or SendResponse by p_fault, a name without values; null: it takes them';
