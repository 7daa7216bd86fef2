-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What was stored and not acknowledged: whoever stored it may be gone (Q3).

drop function if exists api.inbox_unacked(text[], integer, interval); -- it knew no agency
drop function if exists api.inbox_unacked(text, text, integer, interval); -- it told message_id
create or replace function api.inbox_unacked(p_source text, p_agency text, p_wanted integer, p_again_in interval)
returns table (inbox_id bigint, ack_id text)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
    clock constant timestamptz := clock_timestamp();
begin
    return query
    with due as (
        select i.inbox_id from data.inbox as i
        where i.source = p_source and i.agency_code = p_agency and i.acked_at is null and i.ack_at <= clock
        order by i.ack_at limit p_wanted for no key update skip locked
    )
    update data.inbox as t set ack_at = clock + p_again_in
    from due as d where t.inbox_id = d.inbox_id
    returning t.inbox_id, coalesce(t.ack_id, t.message_id);
end $$;
grant execute on function api.inbox_unacked(text, text, integer, interval) to zapisd_daemon;
comment on function api.inbox_unacked(text, text, integer, interval) is
    'Messages of a source and its agency whose Ack is due, and what it names, whatever version they came in: the queue is one; '
        'each is due again after that while, unless SMEV has heard it';
