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
    select format('no [smev3 %s] of agency %s with version %s is there: %s messages of its are put aside, and their answers '
        'would wait (admin.inbox_move)', i.source, i.agency_code, i.version, count(*))
    from data.inbox as i
    where i.state = 'parked' and not exists (
        select from unnest(p_sources, p_agencies, p_versions) as c (source, agency, version)
        where c.source = i.source and c.agency = i.agency_code and c.version = i.version)
    group by i.source, i.agency_code, i.version
    union all
    select format('no [smev3 %s] of agency %s is there: %s messages that it could not read or believe would be nobody''s until '
        'SMEV gives them again (admin.inbox_move)', u.source, u.agency_code, count(*))
    from data.inbox_unread as u
    where u.given_up_at is null and u.last_at > now() - interval '1 day' and not exists (
        select from unnest(p_sources, p_agencies) as c (source, agency) where c.source = u.source and c.agency = u.agency_code)
    group by u.source, u.agency_code
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
    'Messages that are open, put aside or unread and that none of these sections, by name, agency and version, has, and changes '
        'in SMEV for whose answers none would ask: a line each';
