-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Messages of queues (Q1, B6): known by sender and MessageID; the digest is of the business element alone.
\ir lib/helpers.psql
select plan(25);

create function pg_temp.queued(id text, content text default null, sender text default 'MNSV00') returns api.message language plpgsql as $$
declare
    m api.message := pg_temp.msg(id, content);
begin
    m.by_id := true;
    m.sender_code := sender;
    return m;
end $$;
create function pg_temp.read_once(m api.message, answer text) returns text language sql as $$
    select concat_ws(' ', kind, convert_from(stored, 'UTF8')) from api.journal_answer(m, 'error 0', convert_to(answer, 'UTF8'))
$$;
-- pg_temp.answer journals the answer of a write as the daemon does.
create function pg_temp.answer(id text, answer text) returns void language sql as $$
    select api.journal_reply(journal_id, at, '201', convert_to(answer, 'UTF8')) from data.journal where message_id = id and direction = 'in'
$$;

-- writes
select is(pg_temp.book('q1', array[pg_temp.slot('a1', 5)], m => pg_temp.queued('m-1', 'c')), '201/0 slots=1', 'Q1: a message');
select pg_temp.answer('m-1', 'the first');
select is((select array_agg(message_id) from data.message_seen where sender_code = 'MNSV00'), array['m-1'], 'Q1: it has one name, by its id');
select is(pg_temp.book('q1', array[pg_temp.slot('a1', 5)], m => pg_temp.queued('m-1', 'c')), 'stored', 'B6: delivered again: the first answer');
select is((select convert_from(stored, 'UTF8') from unnest(pg_temp.book_rows('q1', array[pg_temp.slot('a1', 5)], m => pg_temp.queued('m-1', 'c')))), 'the first', 'B6: byte for byte');
select is(pg_temp.book('q2', array[pg_temp.slot('a1', 6)], m => pg_temp.queued('m-1', 'd')), 'reused', 'B6: the same id with another content');
select is(pg_temp.state('q2'), null, 'B6: has no effect');
select is(pg_temp.book('q3', array[pg_temp.slot('a1', 7)], m => pg_temp.queued('m-2', 'c')), '201/0 slots=1', 'Q1: the same content under another id is another message');
select is(pg_temp.state('q3'), 'BOOKED', 'Q1: which has its own effect');
select is(pg_temp.book('q4', array[pg_temp.slot('a1', 8)], m => pg_temp.queued('m-1', 'd', 'MNSV01')), '201/0 slots=1', 'Q1: the same id of another sender is another message');

-- what has come over SMEV 2 is not mixed up with it, and keeps its second name
select is(pg_temp.book('q5', array[pg_temp.slot('a1', 9)], m => pg_temp.msg('m-3', 'c')), '201/0 slots=1', 'Q1: the same content over SMEV 2');
select is((select count(*) from data.message_seen where message_id = 'body:' || encode(sha256('c'), 'hex')), 1::bigint, 'C7: is known by its content as well');
select pg_temp.answer('m-3', 'of SMEV 2');
select is(pg_temp.book('q6', array[pg_temp.slot('a1', 10)], m => pg_temp.msg('m-4', 'c')), 'stored', 'C7: and has no second effect under another id');
select is(pg_temp.book('q7', array[pg_temp.slot('a1', 10)], m => pg_temp.queued('m-5', 'c', 'PORTAL')), '201/0 slots=1', 'Q1: of a queue it is its id that counts, whoever the sender');

-- reads
select is(pg_temp.read_once(pg_temp.queued('r-1', 'q'), 'slots of today'), 'answer', 'Q1: a read is remembered');
select is((select array_agg(direction || ' ' || coalesce(status, '-') || ' ' || convert_from(body, 'UTF8') order by direction) from data.journal where journal_id = (select journal_id from data.message_seen where message_id = 'r-1')),
    array['in - q', 'out error 0 slots of today'], 'J1: and journalled with its answer');
select is(pg_temp.read_once(pg_temp.queued('r-1', 'q'), 'slots of tomorrow'), 'stored slots of today', 'B6: who asks again gets the answer of the first time');
select is(pg_temp.read_once(pg_temp.queued('r-1', 'z'), 'slots of tomorrow'), 'reused', 'B6: another question under its id gets none');
select is((select count(*) from data.journal where message_id = 'r-1'), 1::bigint, 'B6: neither is journalled here');
select is(pg_temp.read_once(pg_temp.queued('r-2', 'q'), 'slots of tomorrow'), 'answer', 'Q1: the same question under another id is asked anew');
select is(pg_temp.read_once(pg_temp.queued('m-1', 'c'), 'slots'), 'stored the first', 'B6: one id is one message, whatever it asks');
select is(pg_temp.read_once(pg_temp.queued('x-' || n, 'poison'), 'rejected'), 'answer', 'Q1: equal poison is journalled each time') from generate_series(1, 2) as n;
select throws_ok($$select * from api.journal_answer(pg_temp.queued(''), '0', 'x')$$, '23514', null, 'B6: a message has an id');

set local role zapisd_daemon;
select is(pg_temp.read_once(pg_temp.queued('r-3', 'q'), 'slots'), 'answer', 'the daemon may');
reset role;
set local role zapisd_operator;
select throws_ok($$select * from api.journal_answer(row('l', 'portal', '', 'S', 'TEST00001', 'r-4', 'getSlots', 'good', null, null, '', now(), false, '', true)::api.message, '0', 'x')$$, '42501', null, 'an operator may not');
reset role;
select * from finish();
rollback;
