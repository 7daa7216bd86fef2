-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Messages that a configuration would leave alone (L4): asked by `zapisd check`, before it is in use.

create or replace function api.inbox_concerns(p_sources text[], p_agencies text[], p_versions text[]) returns setof text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select format('no [smev3 %s] of agency %s with version %s is there: %s messages of its will wait (admin.inbox_move)',
        i.source, i.agency_code, i.version, count(*))
    from data.inbox as i
    where i.state in ('stored', 'working', 'answered', 'sending') and not exists (
        select from unnest(p_sources, p_agencies, p_versions) as c (source, agency, version)
        where c.source = i.source and c.agency = i.agency_code and c.version = i.version)
    group by i.source, i.agency_code, i.version
    union all
    select format('no [smev3] of agency %s is there: %s changes wait for answers that nobody would ask for', x.agency_code,
        count(*))
    from data.outbox as x
    where x.state = 'sent' and x.road = 'smev3' and x.agency_code <> all (p_agencies)
    group by x.agency_code
    order by 1
$$;
grant execute on function api.inbox_concerns(text[], text[], text[]) to zapisd_daemon;
comment on function api.inbox_concerns(text[], text[], text[]) is
    'Open messages that none of these sections, by name, agency and version, would work on, and changes in SMEV for '
        'whose answers none would ask: a line each';
