-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Who has a message next: a lease in its row, which ends by itself (Q7). And who could: the section that has the row's agency
-- and version (Q1).

create or replace function data.inbox_lease(p_source text, p_agency text, p_version text, p_is_answer boolean, p_wanted integer,
    p_owner text, p_lease interval) returns setof data.inbox
language plpgsql as $$
#variable_conflict use_column
declare
    clock constant timestamptz := clock_timestamp();
begin
    return query
    with due as (
        select i.inbox_id from data.inbox as i
        where i.source = p_source and i.agency_code = p_agency and i.version = p_version
            and i.state in ('stored', 'working', 'answered', 'sending') and (i.state in ('answered', 'sending')) = p_is_answer
            and i.due_at <= clock
        order by i.due_at limit p_wanted for no key update skip locked
    )
    update data.inbox as t set state = case when p_is_answer then 'sending' else 'working' end, attempts = t.attempts + 1,
        sendings = t.sendings + case when p_is_answer then 1 else 0 end, owner = p_owner, due_at = clock + p_lease
    from due as d where t.inbox_id = d.inbox_id
    returning t.*;
end $$;
comment on function data.inbox_lease(text, text, text, boolean, integer, text, interval) is
    'Takes messages that are due, or answers that are: the longest first, those too whose lease ran out';

create or replace function data.inbox_is_served(p_source text, p_agency text, p_version text) returns boolean
language sql stable
return exists (select from data.inbox_section as s where s.source = p_source and s.agency_code = p_agency
    and s.version = p_version);
comment on function data.inbox_is_served(text, text, text) is
    'Whether a configuration in use has this section, with this agency and version';

create or replace function data.inbox_has_section(p_source text, p_agency text) returns boolean
language sql stable
return exists (select from data.inbox_section as s where s.source = p_source and s.agency_code = p_agency);
comment on function data.inbox_has_section(text, text) is
    'Whether a configuration in use has a section of that name for that agency';
