-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- The end of messages that are over (J3): of SMEV 3's queue, and of the outbox. The journal keeps what went over the wire; what
-- leaves here is what became of it, which nobody asks for any more: SMEV delivers again for 45 days at most, and who a message
-- is from stays known by data.message_seen. What is not over never leaves, nor a row of the outbox whose visit is still to come;
-- a message of SMEV 3 leaves without regard to the visit.

create or replace function data.inbox_expire(at_most integer, keep interval default '3 months') returns bigint
language plpgsql as $$
declare
    ids constant bigint[] := array(
        select i.inbox_id from data.inbox as i
        where i.ended_at < now() - keep and i.acked_at is not null
        order by i.ended_at limit at_most for no key update skip locked);
begin
    delete from data.inbox_call as c where c.inbox_id = any (ids);
    delete from data.inbox_file as f where f.inbox_id = any (ids);
    delete from data.inbox as i where i.inbox_id = any (ids);
    return cardinality(ids);
end $$;
comment on function data.inbox_expire(integer, interval) is
    'Takes away at most so many messages of SMEV 3 that were over so long ago, their exchanges and headers of files; how many';

create or replace function data.outbox_expire(at_most integer, keep interval default '3 months') returns bigint
language plpgsql as $$
declare
    ids constant bigint[] := array(
        select x.outbox_id from data.outbox as x
        where x.done_at < now() - keep and x.state in ('answered', 'dropped') and not exists (
            select from data.place as p join data.slot as s on s.slot_id = p.slot_id
            where p.book_key = x.book_key and s.ends_at > now() - keep)
        order by x.done_at limit at_most for no key update skip locked);
begin
    delete from data.outbox_event as e where e.outbox_id = any (ids);
    delete from data.outbox as x where x.outbox_id = any (ids);
    return cardinality(ids);
end $$;
comment on function data.outbox_expire(integer, interval) is
    'Takes away at most so many rows of the outbox that ended so long ago, and what became of them; returns how many';

create or replace function data.keep_ended() returns text
language sql as $$
    select nullif(concat_ws(', ', nullif(data.inbox_expire(200), 0) || ' messages of SMEV',
        nullif(data.outbox_expire(200), 0) || ' rows of the outbox'), '')
$$;
comment on function data.keep_ended() is 'A piece of the task ended: what has left, null when there was nothing';
