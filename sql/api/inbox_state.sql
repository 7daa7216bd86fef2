-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What stands between SMEV 3 and us, by source and agency: for metrics and /readyz (L4).

drop function if exists api.inbox_state(); -- it knew no agency
create or replace function api.inbox_state() returns table (source text, agency_code text, unacked bigint,
    unacked_s bigint, unanswered bigint, unanswered_s bigint, unsent bigint, unsent_s bigint, parked bigint, good_s bigint,
    unserved bigint, unread bigint, unread_id text, to_say bigint, unread_answers bigint, foreign_answers bigint, foreign_id text,
    refused_answers bigint)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    with waiting as (
        select i.source, i.agency_code, 'unacked' as what, count(*) as n, min(i.received_at) as since, null as id
        from data.inbox as i where i.acked_at is null group by i.source, i.agency_code
        union all
        select i.source, i.agency_code, 'unanswered', count(*), min(i.received_at), null from data.inbox as i
        where i.state in ('stored', 'working') group by i.source, i.agency_code
        union all
        select i.source, i.agency_code, 'unsent', count(*), min(i.answered_at), null from data.inbox as i
        where i.state in ('answered', 'sending') group by i.source, i.agency_code
        union all
        select i.source, i.agency_code, 'parked', count(*), null, null from data.inbox as i
        where i.state = 'parked' group by i.source, i.agency_code
        union all
        select s.source, s.agency_code, 'source', 0, s.good_at, null from data.inbox_source as s
        union all
        select g.source, g.agency_code, 'unserved', g.n, null, null
        from (select i.source, i.agency_code, i.version, count(*) as n from data.inbox as i
            where i.state in ('stored', 'working', 'answered', 'sending') group by i.source, i.agency_code, i.version) as g
        where not data.inbox_is_served(g.source, g.agency_code, g.version)
        union all -- what waits for a person is seen in no section's figures either
        select g.source, g.agency_code, 'unserved', g.n, null, null
        from (select i.source, i.agency_code, i.version, count(*) as n from data.inbox as i
            where i.state = 'parked' group by i.source, i.agency_code, i.version) as g
        where not data.inbox_is_served(g.source, g.agency_code, g.version)
        union all
        select g.source, g.agency_code, 'unserved', g.n, null, null
        from (select u.source, u.agency_code, count(*) as n from data.inbox_unread as u
            where u.given_up_at is null and u.last_at > now() - interval '1 day' group by u.source, u.agency_code) as g
        where not data.inbox_has_section(g.source, g.agency_code)
        union all
        select u.source, u.agency_code, 'unread', count(*), null, min(nullif(u.message_id, '')) from data.inbox_unread as u
        where u.given_up_at is null and u.last_at > now() - interval '1 day' and u.error <> 'FOREIGN'
        group by u.source, u.agency_code
        union all
        select u.source, u.agency_code, 'foreign', count(*), null, min(nullif(u.message_id, '')) from data.inbox_unread as u
        where u.given_up_at is null and u.last_at > now() - interval '1 day' and u.error = 'FOREIGN'
        group by u.source, u.agency_code
        union all
        select i.source, i.agency_code, 'refused', count(*), null, null from data.inbox as i
        where i.state = 'parked' and data.inbox_is_spent(i.answer_id, i.refused_ids) group by i.source, i.agency_code
        union all
        select u.source, u.agency_code, 'unread answers', count(*), null, null from data.inbox_unread as u
        where u.given_up_at is null and u.last_at > now() - interval '1 day' and u.operation <> 'GetRequest'
            and u.error <> 'FOREIGN' group by u.source, u.agency_code
        union all
        select u.source, u.agency_code, 'to say', count(*), null, null from data.inbox_unread as u
        where u.say_at <= clock_timestamp() group by u.source, u.agency_code
    ), told as (
        select w.source, w.agency_code, w.what, w.n, case when w.since is not null then
            floor(extract(epoch from greatest(now() - w.since, interval '0')))::bigint end as s, w.id
        from waiting as w
    )
    select t.source, t.agency_code, coalesce(sum(t.n) filter (where t.what = 'unacked'), 0)::bigint,
        coalesce(max(t.s) filter (where t.what = 'unacked'), 0), coalesce(sum(t.n) filter (where t.what = 'unanswered'),
            0)::bigint,
        coalesce(max(t.s) filter (where t.what = 'unanswered'), 0), coalesce(sum(t.n) filter (where t.what = 'unsent'),
            0)::bigint,
        coalesce(max(t.s) filter (where t.what = 'unsent'), 0), coalesce(sum(t.n) filter (where t.what = 'parked'), 0)::bigint,
        max(t.s) filter (where t.what = 'source'), coalesce(sum(t.n) filter (where t.what = 'unserved'), 0)::bigint,
        coalesce(sum(t.n) filter (where t.what = 'unread'), 0)::bigint,
        min(t.id) filter (where t.what = 'unread'),
        coalesce(sum(t.n) filter (where t.what = 'to say'), 0)::bigint,
        coalesce(sum(t.n) filter (where t.what = 'unread answers'), 0)::bigint,
        coalesce(sum(t.n) filter (where t.what = 'foreign'), 0)::bigint, min(t.id) filter (where t.what = 'foreign'),
        coalesce(sum(t.n) filter (where t.what = 'refused'), 0)::bigint
    from told as t group by t.source, t.agency_code
$$;
grant execute on function api.inbox_state() to zapisd_daemon;
comment on function api.inbox_state() is
    'By source and agency: how many messages SMEV does not know we have, are not answered, not sent, parked; '
        'seconds since the first of '
        'each, and since SMEV last answered (null: never); unserved: of those, and of unread, how many no section has; unread: '
        'how many stand in the queue that cannot be read or believed, and the id that one of them claims; to_say: of how many '
        'SMEV is to be told that they were given up; unread_answers: how many of unread are answers of the portal''s; '
        'foreign_answers: how many answers came that are to nothing of ours, and the id of one; '
        'refused_answers: how many of parked are answers that SMEV took and refused later';
