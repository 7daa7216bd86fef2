-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Who is to be told that his answer takes longer (Q4): at most once, it is noted before it is sent, and lost it does no harm.

drop function if exists api.inbox_slow_take(text, integer, interval); -- it knew no agency
create or replace function api.inbox_slow_take(p_source text, p_agency text, p_version text, p_wanted integer, p_after interval)
returns table (inbox_id bigint, reply_to text)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
    clock constant timestamptz := clock_timestamp();
begin
    return query
    with open as (
        select i.inbox_id from data.inbox as i
        where i.source = p_source and i.agency_code = p_agency and i.version = p_version and i.state in ('stored', 'working')
            and i.kind = 'request' and i.reply_to <> '' and i.status_at is null and i.received_at <= clock - p_after
            and coalesce(i.refusal, '') !~ '^RECIPIENT( |$)' -- somebody else's, until a person says otherwise
        order by i.received_at limit p_wanted for no key update skip locked
    ), aside as ( -- a person may take days
        select i.inbox_id from data.inbox as i
        where i.source = p_source and i.agency_code = p_agency and i.version = p_version and i.state = 'parked'
            and i.kind = 'request' and i.reply_to <> '' and i.status_at is null and i.received_at <= clock - p_after
            and coalesce(i.refusal, '') !~ '^RECIPIENT( |$)' -- somebody else's, until a person says otherwise
        order by i.received_at limit p_wanted - (select count(*) from open) for no key update skip locked
    ), slow as (
        select o.inbox_id from open as o union all select a.inbox_id from aside as a
    )
    update data.inbox as t set status_at = clock from slow as s where t.inbox_id = s.inbox_id
    returning t.inbox_id, t.reply_to;
end $$;
grant execute on function api.inbox_slow_take(text, text, text, integer, interval) to zapisd_daemon;
comment on function api.inbox_slow_take(text, text, text, integer, interval) is
    'Requests of a source, of its agency and version, that were stored so long ago and have no answer, or were put aside, but '
        'not as somebody else''s; each '
        'is told once, whatever becomes of the telling, unless api.inbox_slow_still() says that it is not to be';
