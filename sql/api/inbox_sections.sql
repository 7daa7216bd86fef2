-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Which sections [smev3 NAME] a daemon has now (C5, Q7, L4): whose messages are whose is known at once, not when they have waited
-- long. Said again while it lives; another daemon's are none of its business, unless nobody has said them for a while.

drop function if exists api.inbox_sections(text[], text[], text[]); -- it knew of one daemon only
create or replace function api.inbox_sections(p_owner text, p_lease interval, p_sources text[], p_agencies text[],
    p_versions text[]) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    clock constant timestamptz := clock_timestamp();
begin
    with free as (
        select s.source from data.inbox_section as s where s.owner = p_owner order by s.source for no key update skip locked
    )
    insert into data.inbox_section as s (owner, source, agency_code, version, said_at, until)
    select p_owner, c.source, c.agency, c.version, clock, clock + p_lease
    from unnest(p_sources, p_agencies, p_versions) as c (source, agency, version)
    where c.source in (select f.source from free as f)
        or not exists (select from data.inbox_section as h where h.owner = p_owner and h.source = c.source)
    order by c.source
    on conflict (owner, source) do update set agency_code = excluded.agency_code, version = excluded.version,
        said_at = excluded.said_at, until = excluded.until;
    with gone as (
        select s.owner, s.source from data.inbox_section as s
        where s.owner = p_owner and s.source <> all (p_sources) or s.owner <> p_owner and s.until < clock
        order by s.owner, s.source for no key update skip locked
    )
    delete from data.inbox_section as s using gone as g where s.owner = g.owner and s.source = g.source;
    insert into data.inbox_source as s (source, agency_code)
    select c.source, c.agency from unnest(p_sources, p_agencies) as c (source, agency)
    where not exists (select from data.inbox_source as h where h.source = c.source and h.agency_code = c.agency)
    order by c.source, c.agency
    on conflict (source, agency_code) do nothing;
end $$;
grant execute on function api.inbox_sections(text, interval, text[], text[], text[]) to zapisd_daemon;
comment on function api.inbox_sections(text, interval, text[], text[], text[]) is
    'Notes which sections the configuration of this daemon has, with agency and version of each, and that it has no others; '
        'believed for that while, and until somebody else says his after it';
