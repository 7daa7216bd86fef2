-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- Q1, Q3, Q7: messages out of SMEV 3's queue: stored once however often they are delivered, acknowledged any number of times, worked on by
-- whoever has the lease, answered once in effect, sent until SMEV has it. J1: each call a pair of the journal. O3: by hand.
\ir lib/helpers.psql
select no_plan();
create function pg_temp.store(message text, digest text default 'd', source text default 'a', kind text default 'request', closed text default null, agency text default 'TEST00001', sender text default 'PORTAL')
returns text language sql as $$
    select outcome from api.inbox_store(source, agency, sender, message, kind, '1.2', 'reply/to', 'code', '', null, false, 'octets', convert_to(digest, 'UTF8'), 'http://core', 'good', 'asked', 'answered', closed)
$$;
create function pg_temp.id(message text) returns bigint language sql as $$ select inbox_id from data.inbox where message_id = message and sender_code = 'PORTAL' and agency_code = 'TEST00001' $$;
create function pg_temp.is_in(message text) returns text language sql as $$ select concat_ws(' ', state, attempts, owner, last_error, answer_id, status, octets is not null, answer is not null) from data.inbox where inbox_id = pg_temp.id(message) $$;
-- As if so much time had gone by.
create function pg_temp.later(message text, t interval) returns void language sql as $$ update data.inbox set due_at = due_at - t, ack_at = ack_at - t where inbox_id = pg_temp.id(message) $$;
create function pg_temp.take(who text, wanted integer default 10, source text default 'a', agency text default 'TEST00001', version text default '1.2') returns text language sql as $$
    select string_agg(message_id || '/' || attempt, ' ') from api.inbox_take(source, agency, version, wanted, who, '1 min')
$$;
create function pg_temp.take_unsent(who text, wanted integer default 10) returns text language sql as $$
    select string_agg(message_id || '/' || attempt || '/' || answer_id || '/' || convert_from(answer, 'UTF8'), ' ') from api.inbox_unsent_take('a', 'TEST00001', '1.2', wanted, who, '1 min')
$$;
create function pg_temp.sent(message text, attempt integer, outcome text, reason text default null, again interval default '1 min') returns boolean language sql as $$
    select api.inbox_sent(pg_temp.id(message), attempt, outcome, reason, again, 'http://core', 'good', 'asked', 'answered')
$$;

-- ---- stored once ----
select is(pg_temp.store('m1'), 'new', 'Q3: a message is stored');
select is((select verdict from admin.inbox where message_id = 'm1'), 'good', 'C4: what was found of its signatures is seen');
select is(pg_temp.store('m1'), 'known', 'Q3: delivered again it is known');
select is(pg_temp.store('m1', source => 'b'), 'known', 'Q3: by another source of the agency, too: another version of the exchange is the same message');
select is(pg_temp.store('m1', 'other'), 'other', 'Q3: the same id with another business element is another message');
select is((select others from admin.inbox where message_id = 'm1'), 1, 'O3: which is counted,');
select is((select what ~ 'на другое не отвечено' from admin.check() where problem = 'под номером известного обращения пришло другое'), true, 'O3: and told');
select is((select digest from data.inbox where inbox_id = pg_temp.id('m1')), 'd'::bytea, 'Q3: and changes nothing');
select is(pg_temp.store('m1', sender => 'OTHER'), 'new', 'Q3: another sender''s id is another''s');
select is(pg_temp.store('m1', agency => 'TEST00002', source => 'c'), 'new', 'C6: so is another agency''s');
select is((select string_agg(operation || ' ' || outcome, ', ' order by at) from admin.inbox_calls(pg_temp.id('m1'))), 'GetRequest new, GetRequest known, GetRequest known, GetRequest other', 'J1: each call it came by is noted');
select is((select string_agg(concat_ws(' ', j.direction, convert_from(j.body, 'UTF8'), j.recipient_code, j.message_id), ', ' order by j.direction) from admin.inbox_calls(pg_temp.id('m1')) as c join data.journal as j using (journal_id) where c.outcome = 'new'),
    'in answered TEST00001 m1, out asked TEST00001 m1', 'J1: as a pair: our call is out, what SMEV said is in');
select is(pg_temp.store('gone', closed => 'cancel without effect', kind => 'cancel'), 'new', 'Q3: what is owed nothing is stored, too,');
select is(pg_temp.is_in('gone'), 'closed 0 cancel without effect f f', 'Q3: and is over');
select throws_ok($$select pg_temp.store('')$$, '23514', null, 'Q3: no message without an id');

-- ---- files (Q6) ----
create function pg_temp.store_files(message text, files jsonb, parked text default null, refusal text default null) returns text language sql as $$
    select outcome from api.inbox_store('f', 'TEST00001', 'PORTAL', message, 'request', '1.2', 'r', null, '', null, false, 'octets', 'd', 'http://core', 'good', 'asked', 'answered', null, refusal, parked, files)
$$;
select is(api.inbox_known('TEST00001', 'PORTAL', 'f1'), false, 'Q6: nobody has stored it');
select is(pg_temp.store_files('f1', jsonb_build_array(jsonb_build_object('place', 'message', 'id', '_a', 'type', 'application/pdf', 'signed', true),
    jsonb_build_object('place', 'store', 'id', 'u-1', 'name', '/u-1.zip', 'type', repeat('т', 600), 'hash', 'aGFzaA==', 'signed', false, 'content', repeat('0a', 32), 'size', 5000000000))), 'new', 'Q6: a message with files');
select is(api.inbox_known('TEST00001', 'PORTAL', 'f1'), true, 'Q3, Q6: it is known');
select is(api.inbox_known('TEST00002', 'PORTAL', 'f1') or api.inbox_known('TEST00001', 'OTHER', 'f1'), false, 'C6: another''s is not');
select results_eq($$select number, place, file_id, length(mime_type), hash, is_signed, size, left(content, 4) from admin.inbox_files(pg_temp.id('f1'))$$,
    $$values (1, 'message', '_a', 15, null, true, null::bigint, null), (2, 'store', 'u-1', 500, 'aGFzaA==', false, 5000000000, '0a0a')$$, 'Q6: their headers are seen, and what was fetched');
select is(pg_temp.store_files('f1', '[{"place": "store", "id": "u-2", "signed": true}]'), 'known', 'Q3: delivered again');
select is((select files from admin.inbox where message_id = 'f1'), 2::bigint, 'Q6: its files are those of the first time');
select is((select count(*) from admin.inbox_files(-1)), 0::bigint, 'Q6: no message, no files');
select throws_ok($$select pg_temp.store_files('f2', '[{"place": "store", "signed": true}]')$$, '23502', null, 'Q6: no file without a name');
select throws_ok($$select pg_temp.store_files('f2', '[{"place": "store", "id": "x", "signed": true, "content": "../../etc/passwd", "size": 1}]')$$, '23514', null, 'Q6: what is kept is named by a digest');
select is(api.inbox_known('TEST00001', 'PORTAL', 'f2'), false, 'Q6: both, or neither: nothing is stored without its files');
select is(pg_temp.store_files('f3', '[]', 'файлы не получены'), 'new', 'Q6: its files could not be had');
select is(pg_temp.is_in('f3'), 'parked 0 t f', 'Q6, O3: it waits for a person');
select is((select what ~ 'файлы не получены' from admin.check() where problem = 'обращение из СМЭВ отложено: ответа нет'), true, 'O3: who is told why');
select is((select count(*) from api.inbox_take('f', 'TEST00001', '1.2', 10, 'files', '1 min') where message_id = 'f3'), 0::bigint, 'Q6: nobody takes it meanwhile');
select admin.inbox_retry(pg_temp.id('f3'));
select is((select count(*) from api.inbox_take('f', 'TEST00001', '1.2', 10, 'files', '1 min') where message_id = 'f3'), 1::bigint, 'O3: by hand it goes on without them');
-- and each asking is an exchange
create function pg_temp.store_called(message text, calls jsonb) returns text language sql as $$
    select outcome from api.inbox_store('f', 'TEST00001', 'PORTAL', message, 'request', '1.2', 'r', null, '', null, false, 'octets', 'd', 'http://core', 'good', 'asked', 'answered', p_calls => calls)
$$;
create function pg_temp.called(message text) returns table (direction text, method text, outcome text, verdict text, digest text, peer text, body text) language sql as $$
    select j.direction, j.method, c.outcome, j.verdict, encode(j.digest, 'hex'), j.peer, convert_from(j.body, 'UTF8')
    from admin.inbox_calls(pg_temp.id(message)) as c join data.journal as j using (journal_id) where c.operation = 'GetFile' and j.message_id = message order by c.journal_id, j.direction
$$;
select is(pg_temp.store_called('f4', jsonb_build_array(jsonb_build_object('url', 'ftp://store:21/u-1/%D1%8F.zip', 'outcome', 'TIMEOUT'),
    jsonb_build_object('url', 'ftp://store:21/u-1/%D1%8F.zip', 'outcome', 'OK', 'verdict', 'hash: good', 'content', repeat('0a', 32), 'size', 5000000000))), 'new', 'J1: a file was had at the second try');
select results_eq($$select * from pg_temp.called('f4')$$, $$values ('in', 'GetFile', 'TIMEOUT', null, null, 'ftp://store:21', null),
    ('out', 'GetFile', 'TIMEOUT', null, null, null, 'ftp://store:21/u-1/%D1%8F.zip'), ('in', 'GetFile', 'OK', 'hash: good', repeat('0a', 32), 'ftp://store:21', '5000000000 octets, SHA-256 ' || repeat('0a', 32)),
    ('out', 'GetFile', 'OK', null, null, null, 'ftp://store:21/u-1/%D1%8F.zip')$$, 'J1: what was asked and what came of it, a pair each, with its message');
select is((select string_agg(operation, ' ' order by at, journal_id) from admin.inbox_calls(pg_temp.id('f4'))), 'GetRequest GetFile GetFile', 'J1: beside the call that the message came by');
select is(pg_temp.store_called('f4', '[{"url": "ftp://store:21/u-1/x", "outcome": "550"}]') || (select count(*) from pg_temp.called('f4')), 'known6', 'J1: of a redelivery, too');
select is(pg_temp.store_called('f5', '[]') || (select count(*) from pg_temp.called('f5')), 'new0', 'J1: what has no files has none');
select throws_ok($$delete from data.inbox_file$$, '42501', null, 'J2: what came with it stays');
select throws_ok($$update data.inbox_file set hash = 'x'$$, null, null, 'J2: as it was told');

-- ---- acknowledged ----
select is((select count(*) from api.inbox_unacked('a', 'TEST00001', 10, '1 min')), 0::bigint, 'Q3: whoever stores acknowledges: for a while nobody else does');
select pg_temp.later('m1', '31 s');
select is((select string_agg(ack_id, ' ') from api.inbox_unacked('a', 'TEST00001', 10, '1 min')), 'm1', 'Q3: then whoever looks');
select is((select count(*) from api.inbox_unacked('a', 'TEST00001', 10, '1 min')), 0::bigint, 'Q3: one after the other');
select api.inbox_acked(pg_temp.id('m1'), false, 'SMEVFailure', 'http://core', 'ack', 'fault');
select is((select acked_at from admin.inbox where inbox_id = pg_temp.id('m1')), null, 'Q3: a failure is no Ack');
select api.inbox_acked(pg_temp.id('m1'), true, 'TargetMessageIsNotFound', 'http://core', 'ack', 'fault') from generate_series(1, 2);
select isnt((select acked_at from admin.inbox where inbox_id = pg_temp.id('m1')), null, 'Q3: SMEV knows already: that is success, any number of times');
select pg_temp.later('m1', '1 day');
select is((select count(*) from api.inbox_unacked('a', 'TEST00001', 10, '1 min')), 0::bigint, 'Q3: and nothing is due any more');

create function pg_temp.store_named(message text, ack text, digest text default 'd') returns text language sql as $$
    select outcome from api.inbox_store('ack', 'TEST00001', 'PORTAL', message, 'request', '1.3', 'r', null, '', null, false, 'octets', convert_to(digest, 'UTF8'), 'http://core', 'good', 'asked', 'answered', p_ack_id => ack)
$$;
create function pg_temp.names() returns text language sql as $$
    update data.inbox set ack_at = now() where source = 'ack';
    select string_agg(ack_id, ' ' order by ack_id) from api.inbox_unacked('ack', 'TEST00001', 10, '1 min')
$$;
select pg_temp.store_named('k1', 'k1'), pg_temp.store_named('k2', 'smev-2'), pg_temp.store_named('k3', null);
select is(pg_temp.names(), 'k1 k3 smev-2', 'Q3: an Ack that is said again names what the first one named');
select is(pg_temp.store_named('k2', 'smev-4', 'other') || ' ' || pg_temp.names(), 'other k1 k3 smev-2', 'Q3: another message of that id changes nothing of it');
select is(pg_temp.store_named('k2', 'smev-3') || ' ' || pg_temp.names(), 'known k1 k3 smev-3', 'Q3: a redelivery may be named otherwise');
select api.inbox_acked(inbox_id, true, 'OK', 'p', 'a', 'b') from data.inbox where source = 'ack';
select is(pg_temp.store_named('k2', 'smev-5') || ' ' || (select ack_id from data.inbox where message_id = 'k2'), 'known smev-3', 'Q3: what SMEV knows is said no more');
update data.inbox set state = 'closed', ended_at = now() where source = 'ack';

-- ---- worked on ----
select pg_temp.store('m2'), pg_temp.store('m3');
select is(pg_temp.take('one', 1), 'm1/1', 'Q3: the longest first, as many as are wanted');
select is(pg_temp.take('two', 10), 'm1/1 m2/1 m3/1', 'Q3: the others are another''s, from whomever they are');
select is(pg_temp.take('three', 10), null, 'Q3: what somebody is at is nobody else''s');
select is((select owner from data.inbox where inbox_id = pg_temp.id('m2')), 'two', 'Q7: it is said whose');
select pg_temp.later('m1', '2 min');
select is(pg_temp.take('three'), 'm1/2', 'Q7: a lease that outlived its owner is taken over');
select is(api.inbox_answered(pg_temp.id('m1'), 1, 'id', 'late', '201'), false, 'Q7: who was late does not answer');
select is(api.inbox_again(pg_temp.id('m1'), 1, 'late', '1 min') or api.inbox_park(pg_temp.id('m1'), 1, 'late'), false, 'Q7: nor give back, nor park');
select is(pg_temp.is_in('m1'), 'working 2 three t f', 'Q7: it is whose it is');
select is(api.inbox_again(pg_temp.id('m1'), 2, 'DATABASE', '1 min'), true, 'L1: a failure of ours gives it back');
select is(pg_temp.is_in('m1'), 'stored 2 DATABASE t f', 'L1: and is kept');
select is(pg_temp.take('three'), null, 'L1: not at once');
select pg_temp.later('m1', '2 min');
select is(pg_temp.take('one'), 'm1/3', 'L1: but in time');
select is(api.inbox_answered(pg_temp.id('m1'), 3, 'id-1', 'answer 1', '201'), true, 'Q3: answered');
select is(api.inbox_answered(pg_temp.id('m1'), 3, 'id-2', 'answer 2', '201'), false, 'Q3: once');
select is(api.inbox_answered(-1, 1, 'id', 'x', '201'), false, 'Q3: there is no such message');
select pg_temp.later('m1', '1 day');
select is(pg_temp.take('one'), null, 'Q3: what is answered is worked on no more');

-- ---- sent ----
select is(pg_temp.take_unsent('one'), 'm1/4/id-1/answer 1', 'Q3: the answer kept is the answer sent');
select is(pg_temp.take_unsent('two'), null, 'Q7: by one');
select is(pg_temp.sent('m1', 4, 'again', 'SMEVFailure'), true, 'Q3: not yet');
select is(pg_temp.is_in('m1'), 'answered 4 SMEVFailure id-1 201 t t', 'Q3: it stays the same');
select pg_temp.later('m1', '2 min');
select is(pg_temp.take_unsent('one'), 'm1/5/id-1/answer 1', 'Q3: and is sent again');
select pg_temp.later('m1', '2 min');
select is(pg_temp.take_unsent('two'), 'm1/6/id-1/answer 1', 'Q7: by whoever finds the lease run out');
select is(pg_temp.sent('m1', 5, 'again', 'late'), false, 'Q7: who was late does not bring it back');
select is(api.inbox_renewed(pg_temp.id('m1'), 5, 'id-x', 'x'), false, 'Q3: nor gives it another id');
select is(api.inbox_renewed(pg_temp.id('m1'), 6, 'id-3', 'answer 1 as id-3'), true, 'Q3: the one who has it does');
select is(pg_temp.sent('m1', 5, 'sent'), true, 'Q3: SMEV has it, whoever sent it');
select is(pg_temp.is_in('m1'), 'sent 6 id-3 201 f f', 'J3: what it was about leaves with it');
select is(pg_temp.sent('m1', 6, 'sent'), false, 'Q3: it is over once');
select is(pg_temp.sent('m1', 6, 'again', 'x') or pg_temp.sent('m1', 6, 'park', 'x'), false, 'Q3: and stays so');
select is((select string_agg(outcome, ' ' order by at, journal_id) from admin.inbox_calls(pg_temp.id('m1')) where operation = 'SendResponse'), 'SMEVFailure late renewed sent sent x x', 'J1: all that was said is noted');
select throws_ok($$select pg_temp.sent('m1', 6, 'perhaps')$$, '22023', null, 'Q3: there is no other outcome');
select is((select api.inbox_answered(pg_temp.id('m2'), 1, 'id-m2', 'x', 'RequestRejected') and true), true, 'another answered');
select is(pg_temp.take_unsent('one'), 'm2/2/id-m2/x', 'another sent');
select is(pg_temp.sent('m2', 2, 'park', 'RecipientIsNotFound'), true, 'Q3: what SMEV will never take is put aside');

-- ---- signed anew ----
select pg_temp.store('sa', source => 's', sender => 'PORTAL');
select is(pg_temp.take('one', 1, 's'), 'sa/1', 'another message');
select is(api.inbox_answered(pg_temp.id('sa'), 1, 'id-sa', 'by the old key', '201'), true, 'answered with the key of then');
update data.inbox set answered_at = answered_at - interval '20 hours' where inbox_id = pg_temp.id('sa');
create function pg_temp.resend(who text) returns text language sql as $$
    select concat_ws(' ', attempt, answer_id, convert_from(answer, 'UTF8'), afresh) from api.inbox_unsent_take('s', 'TEST00001', '1.2', 1, who, '1 min')
$$;
select is(pg_temp.resend('one'), '2 id-sa by the old key f', 'C5: it is sent as it was kept');
select is(api.inbox_renewed(pg_temp.id('sa'), 1, 'id-sa', 'late') or api.inbox_renewed(-1, 2, 'id-sa', 'x'), false, 'C5: nobody but who has it signs it anew');
select is(api.inbox_renewed(pg_temp.id('sa'), 2, 'id-sa', 'by the new key'), true, 'C5: he does,');
select is(pg_temp.sent('sa', 2, 'again', 'SMEVFailure'), true, 'C5: and is killed, or not heard');
select pg_temp.later('sa', '2 min');
select is(pg_temp.resend('two'), '3 id-sa by the new key f', 'Q3: kept under the id it has, which is as old as it is');
select is((select string_agg(convert_from(j.body, 'UTF8'), ', ' order by j.at, j.journal_id) from data.inbox_call as c join data.journal as j using (journal_id) where c.inbox_id = pg_temp.id('sa') and c.outcome = 'renewed' and j.direction = 'out'), 'by the old key', 'J1, J4: what was kept before may have been sent: it is in the journal');
select throws_ok(format('select admin.inbox_resign(%s)', pg_temp.id('sa')), '55000', null, 'O3: nobody''s hand is in what is at work');
select is(pg_temp.sent('sa', 3, 'park', 'InvalidContent'), true, 'it is put aside');
select is(admin.inbox_resign(pg_temp.id('sa')), 'Готовый ответ будет подписан заново и передан; содержание и номер прежние', 'O3: somebody wants it signed anew');
select is((select concat_ws(' ', state, reason) from admin.inbox where message_id = 'sa'), 'answered', 'O3: and it is no longer aside');
select is(pg_temp.resend('one'), '4 id-sa by the new key t', 'O3: who takes it knows');
select is(api.inbox_renewed(pg_temp.id('sa'), 4, 'id-sb', 'under another id') and pg_temp.sent('sa', 4, 'again', 'SMEVFailure'), true, 'Q3: under another id,');
select is(admin.inbox_resign(pg_temp.id('sa')) ~ 'заново', true, 'O3: what waits can be wanted anew as well');
update data.inbox set afresh = false where inbox_id = pg_temp.id('sa');
select is(pg_temp.resend('one'), '5 id-sb under another id f', 'Q3: which is new; and once is enough');
select is(pg_temp.sent('sa', 5, 'sent'), true, 'it is over');
select throws_ok(format('select admin.inbox_resign(%s)', a), s, null, 'O3: not signed anew: ' || w) from (values (pg_temp.id('sa')::text, '55000', 'what is over'), (pg_temp.id('m3')::text, '55000', 'what is at work'), ('-1', 'P0002', 'nothing'), ('null', 'P0002', 'null')) as v (a, s, w);
delete from data.inbox_source where source = 's';

-- ---- without an answer ----
select pg_temp.store('cast', kind => 'broadcast', closed => 'broadcast');
select is(pg_temp.take('one', 10), null, 'Q3: a broadcast is not worked on');
select throws_ok($$update data.inbox set state = 'answered', answer_id = 'x', answer = 'x', answered_at = now(), ended_at = null, octets = 'x' where message_id = 'cast'$$, '23514', null, 'Q3: and not answered');
select is(pg_temp.is_in('cast'), 'closed 0 broadcast f f', 'Q3: without a trace of whom it was about');

-- ---- by hand ----
select is(admin.inbox_retry(pg_temp.id('m2')) ~ 'Будет взято, когда .*раздел .smev3 a. ведомства TEST00001 версии 1.2', true, 'O3: nobody has it: nothing is promised');
update data.inbox set state = 'parked', reason = 'RecipientIsNotFound' where message_id = 'm2';
select api.inbox_sections('me', '1 min', '{a,b,other}', '{TEST00001,TEST00001,TEST00001}', '{1.2,1.2,1.2}');
select is((select what ~ format('№ %s, ведомство TEST00001, .* RecipientIsNotFound; .*inbox_retry[(]%1$s[)].*inbox_give_up[(]%1$s,', pg_temp.id('m2')) from admin.check() where problem = 'обращение из СМЭВ отложено: ответа нет'), true, 'O3: what is put aside is told, and what to do');
select is((select reason || ' ' || state from admin.inbox where message_id = 'm2'), 'RecipientIsNotFound parked', 'O3: and seen');
select is(admin.inbox_retry(pg_temp.id('m2')), 'Готовый ответ будет передан снова', 'O3: tried again by hand');
select is(pg_temp.take_unsent('one'), 'm2/3/id-m2/x', 'O3: at once');
select throws_ok(format('select %s(%s)', f, a), '55000', null, 'O3: nobody''s hand is in what is at work: ' || f) from (values ('admin.inbox_retry', pg_temp.id('m2')::text), ('admin.inbox_give_up', pg_temp.id('m2') || ', ''x''')) as v (f, a);
select pg_temp.later('m2', '2 min');
select throws_ok(format('select admin.inbox_give_up(%s, %L)', pg_temp.id('m2'), w), '22023', 'Нужна причина: заявитель ответа не получит', 'O3: a reason that nobody sees is none') from unnest(array[null, '', E' \n', E'\u00a0', E'\u200b\u3000', E'\ufeff']) as w;
select throws_ok(format('select admin.inbox_give_up(%s, %L)', pg_temp.id('m2'), E'без\u202eответа'), '22023', null, 'O3: nor one that is read as another');
select is(admin.inbox_give_up(pg_temp.id('m2'), E'\u00a0больше не нужно\u200b '), 'Снято; готовый ответ не передаётся', 'O3: given up when the lease is over');
select is(pg_temp.sent('m2', 3, 'again', 'x'), false, 'O3: who had it has it no more');
select is((select concat_ws(' ', state, ended_by = session_user, reason) from admin.inbox where message_id = 'm2'), 'given_up t больше не нужно', 'O3: with who and why');
select throws_ok(format('select %s(%s)', f, a), s, null, 'O3: refused: ' || f || '(' || a || ')') from (values ('admin.inbox_retry', pg_temp.id('m2')::text, '55000'), ('admin.inbox_give_up', pg_temp.id('m2') || ', ''x''', '55000'), ('admin.inbox_retry', pg_temp.id('m1')::text, '55000'),
    ('admin.inbox_give_up', pg_temp.id('m1') || ', ''x''', '55000'), ('admin.inbox_retry', '-1', 'P0002'), ('admin.inbox_retry', 'null', 'P0002'), ('admin.inbox_give_up', '-1, ''x''', 'P0002'), ('admin.inbox_give_up', pg_temp.id('m3') || ', '' ''', '22023'), ('admin.inbox_give_up', pg_temp.id('m3') || ', null', '22023')) as v (f, a, s);
select is(api.inbox_park(pg_temp.id('m3'), 1, ''), true, 'Q3: parked without a word');
select throws_ok(format('select admin.inbox_resign(%s)', pg_temp.id('m3')), '55000', 'Ответа ещё нет', 'O3: nothing to sign');
select is(admin.inbox_retry(pg_temp.id('m3')), 'Будет обработано снова', 'O3: without an answer it is worked on again');
select is(pg_temp.take('one'), 'm3/2', 'O3: at once');
select is(api.inbox_again(pg_temp.id('m3'), 2, 'x', '1 hour'), true, 'it waits');
select is(admin.inbox_retry(pg_temp.id('m3')), 'Будет обработано снова', 'O3: what waits is taken at once, too');
select is(pg_temp.take('one'), 'm3/3', 'O3: it is');
-- one that names another: compared again, and ours by a person's word alone
select pg_temp.store(m, source => 'other') from unnest('{n1,n2,n3}'::text[]) as m;
update data.inbox set state = 'parked', reason = 'x', refusal = case message_id when 'n1' then 'RECIPIENT 777777' when 'n2' then 'RECIPIENT 777777 CHECK' else 'RECIPIENT' end where source = 'other';
create function pg_temp.refusals() returns text language sql as $$ select string_agg(concat_ws(' ', message_id, state, refusal), ', ' order by message_id) from data.inbox where source = 'other' $$;
select is((select what ~ format('исправив mnemonic: .*inbox_retry[(]%1$s[)].*inbox_give_up[(]%1$s,.*inbox_retry[(]%1$s, true[)]', pg_temp.id('n1')) from admin.check() where what ~ format('^№ %s,', pg_temp.id('n1'))), true, 'C5: what may be done is told');
select is(admin.inbox_retry(pg_temp.id('n1')) ~ '777777.*true', true, 'C5: who is named, and how it is done all the same');
select admin.inbox_retry(pg_temp.id('n2'), null), admin.inbox_retry(pg_temp.id('n3'), false);
select is(pg_temp.refusals(), 'n1 stored RECIPIENT 777777, n2 stored RECIPIENT 777777 CHECK, n3 stored RECIPIENT', 'C5: it is still another''s');
select admin.inbox_retry(pg_temp.id(m), true) from unnest('{n1,n2,n3}'::text[]) as m;
select is(pg_temp.refusals(), 'n1 stored, n2 stored CHECK, n3 stored', 'C5: a person has said that it is ours; what else is the matter stays');
select throws_ok(format('select admin.inbox_retry(%s, true)', pg_temp.id('n1')), '55000', 'В нём не назван другой получатель', 'O3: nothing to be said');
update data.inbox set state = 'parked', reason = 'x', refusal = 'REPLY_TO' where message_id = 'n1';
select throws_ok(format('select admin.inbox_retry(%s)', pg_temp.id('n1')), '55000', null, 'O3: who cannot be answered is not tried in vain');
select is((select what ~ 'ответить нельзя' and what !~ 'inbox_retry' from admin.check() where what ~ format('^№ %s,', pg_temp.id('n1'))), true, 'O3: nor advised');
update data.inbox set state = 'closed', ended_at = now(), owner = null where source = 'other';

-- ---- told ----
select api.inbox_sections('me', '1 min', '{a,b,c,f,s}', '{TEST00001,TEST00001,TEST00002,TEST00001,TEST00001}', '{1.2,1.2,1.2,1.2,1.2}'), api.inbox_polled('c', 'TEST00002', null);
select is((select concat_ws(' ', unacked, unanswered, unsent, parked, good_s is null) from api.inbox_state() where source = 'a'), '5 2 0 0 t', 'L4: what stands where');
update data.inbox set received_at = now() - interval '2 hours', answered_at = now() - interval '2 hours' where agency_code = 'TEST00001' and ended_at is null;
select set_eq($$select problem from admin.check() where problem ~ 'СМЭВ'$$, array['обращения из СМЭВ давно без ответа', 'СМЭВ не узнала, что обращения получены'], 'O3: what is late is told');
select is((select unacked_s > 7000 and unanswered_s > 7000 from api.inbox_state() where source = 'a'), true, 'L4: and since when');
select is(api.inbox_answered(pg_temp.id('m3'), 3, 'id-m3', 'x', '201'), true, 'it is answered');
update data.inbox set answered_at = now() - interval '2 hours' where inbox_id = pg_temp.id('m3');
select is((select what ~ '1, первый — на №' from admin.check() where problem = 'ответы давно не переданы в СМЭВ'), true, 'O3: an answer that stays is told');
select api.inbox_polled('a', 'TEST00001', f) from unnest(array[null, 'AccessDenied', 'SMEVFailure']) as f;
select is((select concat_ws(' ', fault, good_at is not null, fault_at is not null) from data.inbox_source where source = 'a'), 'SMEVFailure t t', 'L4: how asking goes');
select is((select count(*)::int from admin.check() where problem = 'очередь СМЭВ стоит'), 0, 'O3: one fault is no news,');
update data.inbox_source set fault_at = now() - interval '2 minutes' where source = 'a';
select is((select what ~ 'источник a: SMEVFailure' from admin.check() where problem = 'очередь СМЭВ стоит'), true, 'O3: one that lasts is told at once');
update data.inbox_source set good_at = now() - interval '2 hours' where source = 'a';
select is((select what ~ 'источник a: .*; сейчас: SMEVFailure' from admin.check() where problem = 'СМЭВ давно не отвечает на запросы очереди'), true, 'O3: a queue that is silent is told');
select is((select good_s > 7000 from api.inbox_state() where source = 'a'), true, 'L4: since when');
select api.inbox_polled('a', 'TEST00001', null);
select is((select fault from data.inbox_source where source = 'a'), null, 'L4: and that it goes again');

-- ---- with very many that are over, the few that are not are found by an index ----
insert into data.inbox (source, agency_code, sender_code, message_id, version, digest, state, acked_at, ended_at)
select 'many', 'TEST00001', 'PORTAL', 'many-' || n, '1.2', 'd', 'sent', now(), now() from generate_series(1, 30000) as n;
select pg_temp.store('few', source => 'many');
analyze data.inbox;
create function pg_temp.pages(q text) returns integer language plpgsql as $$
declare
    j json;
begin
    execute 'explain (analyze, buffers, format json) ' || q into j;
    return (j -> 0 -> 'Plan' ->> 'Shared Hit Blocks')::integer + (j -> 0 -> 'Plan' ->> 'Shared Read Blocks')::integer;
end $$;
-- pages of the catalog are no rows
select count(*) as warm from api.inbox_take('many', 'TEST00001', '1.2', 0, 'x', '1 min') \gset
select cmp_ok(pg_temp.pages(q), '<', 150, 'L1: hardly a page is read: ' || q) from unnest(array['select * from api.inbox_take(''many'', ''TEST00001'', ''1.2'', 5, ''x'', ''1 min'')', 'select * from api.inbox_unsent_take(''many'', ''TEST00001'', ''1.2'', 5, ''x'', ''1 min'')',
    'select * from api.inbox_unacked(''many'', ''TEST00001'', 5, ''1 min'')']) as q;
select count(*) as warm from api.inbox_state() \gset
select cmp_ok(pg_temp.pages('select * from api.inbox_state()'), '<', 300, 'L1: hardly a page is read for the metrics');
-- ---- a thousand messages, and a model of what must be: seeded ----
\set seed `echo "${ZAPISD_SEED:-20261130}"`
create function pg_temp.walk(seed double precision, steps integer) returns text language plpgsql as $$
declare
    n integer;
    r record;
    ok boolean;
    m text;
    answered jsonb := '{}'; -- id of the message: number of effects
    sent jsonb := '{}';
    told text := '';
begin
    perform setseed(seed);
    for i in 1 .. steps loop
        n := floor(random() * 9);
        m := 'w' || floor(random() * 60)::text;
        if n in (0, 1) then
            perform pg_temp.store(m, source => 'w', digest => case when random() < 0.1 then 'other' else 'd' end);
        elsif n = 2 then -- time goes by: leases and pauses end
            update data.inbox set due_at = due_at - make_interval(secs => random() * 90) where source = 'w';
        elsif n in (3, 4) then
            for r in select * from api.inbox_take('w', 'TEST00001', '1.2', 1 + floor(random() * 4)::integer, 'w' || i, '1 min') loop
                insert into pg_temp.held values (r.inbox_id, r.attempt, r.message_id);
            end loop;
        elsif n in (5, 6) then -- somebody who holds one, or thinks so, says a word
            select * into r from pg_temp.held order by random() limit 1;
            continue when not found;
            delete from pg_temp.held where inbox_id = r.inbox_id and attempt = r.attempt;
            if random() < 0.5 then
                ok := api.inbox_answered(r.inbox_id, r.attempt, 'id' || i, convert_to('answer ' || i, 'UTF8'), '201');
                if ok then
                    answered := answered || jsonb_build_object(r.message_id, coalesce((answered ->> r.message_id)::integer, 0) + 1);
                end if;
            elsif random() < 0.8 then
                perform api.inbox_again(r.inbox_id, r.attempt, 'x', '10 s');
            else
                perform api.inbox_park(r.inbox_id, r.attempt, 'x');
            end if;
        elsif n = 7 then
            for r in select * from api.inbox_unsent_take('w', 'TEST00001', '1.2', 2, 's' || i, '1 min') loop
                if random() < 0.5 then
                    if api.inbox_sent(r.inbox_id, r.attempt, 'sent', null, null, 'p', 'good', 'a', 'b') then
                        sent := sent || jsonb_build_object(r.message_id, coalesce((sent ->> r.message_id)::integer, 0) + 1);
                    end if;
                elsif random() < 0.5 then
                    perform api.inbox_sent(r.inbox_id, r.attempt, 'again', 'x', '5 s', 'p', null, 'a', 'b');
                end if;
            end loop;
        else
            perform admin.inbox_retry(i.inbox_id) from admin.inbox as i where i.source = 'w' and i.state = 'parked';
        end if;
    end loop;
    select string_agg(format('%s answered %s times', key, value), ', ') into told from jsonb_each_text(answered) where value <> '1';
    select concat_ws(', ', told, string_agg(format('%s sent %s times', key, value), ', ')) into told from jsonb_each_text(sent) where value <> '1';
    select concat_ws(', ', nullif(told, ''), string_agg(format('%s is %s', i.message_id, i.state), ', ')) into told from data.inbox as i
    where i.source = 'w' and ((answered ? i.message_id) <> (i.answer_id is not null) or (sent ? i.message_id) <> (i.state = 'sent'));
    return concat_ws(' ', nullif(told, ''), case when (select count(*) from jsonb_object_keys(sent)) < 20 then 'hardly anything was sent' end);
end $$;
-- ---- who waits long ----
create function pg_temp.slow(after interval default '1 min', wanted integer default 10) returns text language sql as $$
    select string_agg(i.message_id || ' ' || t.reply_to, ', ' order by i.message_id) from api.inbox_slow_take('slow', 'TEST00001', '1.2', wanted, after) as t join data.inbox as i using (inbox_id)
$$;
select pg_temp.store(m, source => 'slow') from unnest('{s1,s2,s3,s4}'::text[]) as m;
select pg_temp.store('s5', source => 'slow', kind => 'broadcast', closed => 'broadcast'), pg_temp.store('s6', source => 'not slow');
select is(pg_temp.slow(), null, 'Q4: who waits not long yet is told nothing');
update data.inbox set received_at = received_at - interval '2 min' where message_id in ('s1', 's2', 's3', 's5', 's6');
update data.inbox set reply_to = null where message_id = 's3';
select api.inbox_answered(t.inbox_id, t.attempt, 'a1', 'answer', '201') from api.inbox_take('slow', 'TEST00001', '1.2', 1, 'me', '1 min') as t;
select is((select message_id from data.inbox where source = 'slow' and state = 'answered'), 's1', 'Q4: and who has an answer');
select is(pg_temp.slow(), 's2 reply/to', 'Q4: who has none, and can be told, is told,');
select is(pg_temp.slow(), null, 'Q4: once');
update data.inbox set received_at = received_at - interval '2 min' where message_id = 's4';
select count(*) as taken from api.inbox_take('slow', 'TEST00001', '1.2', 3, 'me', '1 min') \gset
select is(pg_temp.slow(), 's4 reply/to', 'Q4: who is worked on, too');
select api.inbox_slow_said(pg_temp.id('s2'), 'status', 'http://core', 'good', 'asked', 'answered');
select is((select operation || ' ' || outcome from admin.inbox_calls(pg_temp.id('s2')) order by at desc limit 1), 'SendResponse status', 'J1: that he was told is noted');
select is(pg_temp.is_in('s2'), 'working 1 me t f', 'Q4: and changes nothing of it');
select is((select string_agg(concat_ws(' ', j.direction, j.verdict, convert_from(j.body, 'UTF8')), ', ' order by j.direction) from admin.inbox_calls(pg_temp.id('s2')) as c join data.journal as j using (journal_id) where c.outcome = 'status'), 'in good answered, out asked', 'J1: as a pair, with the verdict of what SMEV said');
-- what was put aside: a person may take days
select pg_temp.store(m, source => 'slow') from unnest('{p0,p1,p2,p3,p4}'::text[]) as m;
update data.inbox set refusal = 'RECIPIENT 777777', state = 'parked', reason = 'x', received_at = received_at - interval '2 min' where message_id = 'p0';
select is(pg_temp.slow(), null, 'Q4: of what may be somebody else''s nothing is said in our name');
update data.inbox set state = 'closed', ended_at = now() where message_id = 'p0';
select api.inbox_park(t.inbox_id, t.attempt, 'x') from api.inbox_take('slow', 'TEST00001', '1.2', 3, 'me', '1 min') as t where t.message_id in ('p1', 'p2', 'p3');
update data.inbox set reply_to = null where message_id = 'p3';
select is((select string_agg(message_id, ' ' order by message_id) from data.inbox where source = 'slow' and state = 'parked'), 'p1 p2 p3', 'put aside');
select is(pg_temp.slow(), null, 'Q4: nor is who was put aside told before his time');
update data.inbox set received_at = received_at - interval '2 min' where message_id in ('p1', 'p2', 'p3', 'p4');
select is(pg_temp.slow(wanted => 2), 'p1 reply/to, p4 reply/to', 'Q4: he is told that it takes longer, no more at once than are wanted,');
select is(pg_temp.slow(), 'p2 reply/to', 'Q4: who can be told,');
select is(pg_temp.slow(), null, 'Q4: once');
select admin.inbox_retry(pg_temp.id('p1'));
select is(pg_temp.slow(), null, 'Q4: and not once more when somebody goes on with it');
-- the last look before it leaves
create function pg_temp.told(message text) returns boolean language sql as $$ select status_at is not null from data.inbox where inbox_id = pg_temp.id(message) $$;
select is(api.inbox_slow_still(pg_temp.id(m)) and pg_temp.told(m), true, 'Q4: still without an answer: ' || m) from unnest('{p1,p2,p4}'::text[]) as m;
select api.inbox_answered(t.inbox_id, t.attempt, 'a-' || t.message_id, 'answer', '201') from api.inbox_take('slow', 'TEST00001', '1.2', 9, 'me', '1 min') as t where t.message_id in ('p1', 'p4');
select is(api.inbox_slow_still(pg_temp.id(m)) or pg_temp.told(m), false, 'Q4: behind its answer nothing is said, nor noted: ' || m) from unnest('{p1,p4}'::text[]) as m;
select is((select bool_or(api.inbox_slow_still(t.inbox_id) or api.inbox_sent(t.inbox_id, t.attempt, 'sent', null, null, 'p', 'good', 'a', 'b') and api.inbox_slow_still(t.inbox_id)) from api.inbox_unsent_take('slow', 'TEST00001', '1.2', 9, 'me', '1 min') as t), false, 'Q4: while it is sent, and when it was');
select is(pg_temp.slow(), null, 'Q4: who has his answer is told nothing');
select admin.inbox_give_up(pg_temp.id('p2'), 'x');
select is(api.inbox_slow_still(pg_temp.id('p2')) or api.inbox_slow_still(-1) or pg_temp.told('p2'), false, 'Q4: nor of what was given up');
update data.inbox set state = 'closed', ended_at = now(), owner = null where source in ('slow', 'not slow');

-- ---- what SMEV has not signed ----
select api.inbox_sections('stranger', '1 min', '{strange}', '{TEST00001}', '{1.2}');
select api.inbox_polled('strange', 'TEST00001', f) from unnest('{SENDER,TOKEN,TOKEN_UNAVAILABLE,ALGORITHM}'::text[]) as f;
select is((select what ~ 'strange' from admin.check() where problem ~ 'подписаны не тем'), true, 'L4: that nobody here believes who has signed is told at once');
select api.inbox_sections('stranger', '1 min', '{strange}', '{TEST00001}', '{1.2}');
select api.inbox_polled('strange', 'TEST00001', null);
select is((select count(*) from admin.check() where problem ~ 'подписаны не тем'), 0::bigint, 'L4: until it is over');
select api.inbox_sections('stranger', '1 min', '{strange}', '{TEST00001}', '{1.2}');
select api.inbox_polled('strange', 'TEST00001', 'CHECK');
select is((select count(*) from admin.check() where problem ~ 'подписаны не тем'), 0::bigint, 'L4: a broken message is not that');

-- ---- what nobody can read or believe: known by an id for which nobody vouches, refused by hand alone ----
create function pg_temp.unread(id text, error text default 'LIMIT') returns void language sql as $$ select api.inbox_unread('a', 'TEST00001', id, error) $$;
create function pg_temp.to_say(agency text default 'TEST00001') returns text language sql as $$ select string_agg(message_id, ' ' order by message_id) from api.inbox_unread_take(agency, 10, '1 min') $$;
select pg_temp.unread('u-1'), pg_temp.unread('u-1', 'CHECK'), pg_temp.unread(null), pg_temp.unread(null);
select results_eq($$select message_id, error, times from admin.inbox_unread order by message_id$$, $$values ('', 'LIMIT', 2::bigint), ('u-1', 'CHECK', 2)$$, 'Q1: it is noted by its id, once; those without one together');
select is((select concat_ws(' ', unread, unread_id, to_say) from api.inbox_state() where source = 'a'), '2 u-1 0', 'L4: and told');
select is((select what ~ 'TEST00001.*: 2, .*никем не подтверждён[)] u-1 .*inbox_unread_give_up[(]''u-1''' from admin.check() where problem ~ 'не удалось прочесть'), true, 'O3: people, too, with what to do');
update data.inbox_unread set last_at = last_at - interval '25 hours';
select is((select count(*) from admin.check() where problem ~ 'не удалось прочесть'), 0::bigint, 'O3: until it comes no more');
select is(pg_temp.to_say(), null, 'Q1: whatever comes, nothing is refused by itself');
select pg_temp.unread('u-1') from generate_series(1, 20);
select is(pg_temp.to_say(), null, 'Q1: however often');
select throws_ok(format('select admin.inbox_unread_give_up(%L, %L)', m, r), s, null, 'O3: refused: ' || coalesce(m, 'null') || ', ' || coalesce(r, 'null')) from (values ('u-1', '', '22023'), ('u-1', null, '22023'), ('u-1', ' ', '22023'), ('u-2', 'x', 'P0002'), ('', 'x', '22023'), (null, 'x', '22023'), ('m1', 'x', 'P0002')) as v (m, r, s);
select throws_ok(format('select admin.inbox_unread_give_up(''u-1'', %L)', E'\u00a0\u2060'), '22023', null, 'O3: nor with a reason that nobody sees');
select is(admin.inbox_unread_give_up(E' U-1\u00a0', E'\u2003оператор СМЭВ согласен'), 'СМЭВ будет сказано, что сообщение не принято (Ack accepted=false)', 'O3: given up by hand');
select is((select concat_ws(' ', given_up_by = session_user, reason, said_at) from admin.inbox_unread where message_id = 'u-1'), 't оператор СМЭВ согласен', 'O3: with who and why');
select is((select concat_ws(' ', unread, to_say) from api.inbox_state() where source = 'a'), '0 1', 'L4: which is no alarm, and to be said');
select is(pg_temp.to_say('TEST00002'), null, 'C6: not by another agency');
select is(pg_temp.to_say(), 'u-1', 'Q3: it is said');
select is(pg_temp.to_say(), null, 'Q3: not twice at once');
update data.inbox_unread set say_at = say_at - interval '2 min';
select is(pg_temp.to_say(), 'u-1', 'Q3: but again, until SMEV has heard it');
select api.inbox_unread_said('TEST00001', 'u-1');
select is(pg_temp.to_say(), null, 'Q3: it has');
select throws_ok($$select admin.inbox_unread_give_up('u-1', 'x')$$, '55000', null, 'O3: once');
select pg_temp.unread('u-1');
select is(pg_temp.to_say(), 'u-1', 'Q3: SMEV comes with it again: it has not');
-- of a message that is here, whole, nothing but accepted=true is said: whoever can write into our connection knows its id
select pg_temp.store('u-3', source => 'slow'), pg_temp.unread('u-3'), pg_temp.unread('u-4'), admin.inbox_unread_give_up('u-4', 'x');
select is((select count(*) from admin.inbox_unread where message_id = 'u-3'), 0::bigint, 'Q1: a broken copy of a message that we have is nothing');
select throws_ok($$select admin.inbox_unread_give_up('u-3', 'x')$$, 'P0002', null, 'Q1: and cannot be refused');
select is((select outcome from api.inbox_store('slow', 'TEST00001', 'OTHER', 'u-4', 'request', '1.2', 'r', null, null, null, false, 'x', 'd', 'p', 'good', 'q', 'a')), 'new', 'Q1: one that was given up comes whole, from whomever:');
select is(pg_temp.to_say(), null, 'Q1: it is not refused any more');
select is((select count(*) from admin.inbox_unread where message_id = 'u-4'), 0::bigint, 'Q1: it is a request like others');
insert into data.inbox_unread (source, agency_code, message_id, error, given_up_at, given_up_by, reason, say_at) values ('a', 'TEST00001', 'u-3', 'LIMIT', now(), 'x', 'x', '-infinity');
select is(pg_temp.to_say(), null, 'Q1: not even when a row says so');
delete from data.inbox_unread;
select pg_temp.unread('x-' || n) from generate_series(1, 150) as n;
select results_eq($$select count(*), max(times) from data.inbox_unread$$, 'values (101::bigint, 50::bigint)', 'L1: with any number of ids there are a hundred rows, and one for the others');
update data.inbox_unread set last_at = now() - interval '8 days';
select pg_temp.unread('x-200');
select is((select string_agg(message_id, ' ') from data.inbox_unread), 'x-200', 'L1: what comes no more is forgotten in a week');

-- ---- whose a message is says its row ----
select pg_temp.store('own-1', source => 'own'), pg_temp.store('own-2', source => 'own');
select api.inbox_answered(t.inbox_id, t.attempt, 'own-a', 'x', '201') from api.inbox_take('own', 'TEST00001', '1.2', 1, 'me', '1 min') as t;
select is(pg_temp.take('one', source => 'own', agency => a, version => v), null, format('Q1: nothing for %s in %s', a, v)) from (values ('TEST00002', '1.2'), ('TEST00001', '1.3'), ('TEST00001', '1.1')) as w (a, v);
select is((select count(*) from api.inbox_unsent_take('own', a, v, 10, 'me', '1 min')), 0::bigint, format('Q1: nor to send, for %s in %s', a, v)) from (values ('TEST00002', '1.2'), ('TEST00001', '1.3')) as w (a, v);
select pg_temp.later('own-1', '31 s');
select is((select count(*) from api.inbox_unacked('own', 'TEST00002', 10, '1 min')), 0::bigint, 'Q1: nor to acknowledge');
select is((select string_agg(ack_id, ' ') from api.inbox_unacked('own', 'TEST00001', 10, '1 min')), 'own-1', 'Q3: in whatever version, the queue is one');
select api.inbox_sections('me', '1 min', '{a,own}', '{TEST00001,TEST00001}', '{1.2,1.2}');
select is((select sum(unserved)::bigint from api.inbox_state() where source = 'own'), 0::bigint, 'L4: the section is there');
create function pg_temp.unserved_with(s text[], a text[], v text[]) returns bigint language plpgsql as $$
begin
    perform api.inbox_sections('me', '1 min', s, a, v);
    return (select sum(unserved)::bigint from api.inbox_state() where source = 'own');
end $$;
select is(pg_temp.unserved_with(s, a, v), 2::bigint, 'L4: told at once: ' || why) from (values ('{a}'::text[], '{TEST00001}'::text[], '{1.2}'::text[], 'it is gone'), ('{a,own}', '{TEST00001,TEST00002}', '{1.2,1.2}', 'it is another agency''s'), ('{a,own}', '{TEST00001,TEST00001}', '{1.2,1.3}', 'it speaks another version'), ('{}', '{}', '{}', 'there is none')) as w (s, a, v, why);
select is((select what ~ 'own.*TEST00001.*1.2: 2, первое № .*inbox_move[(]''own''' from admin.check() where problem ~ 'некому обработать' and what ~ 'источник own'), true, 'O3: people, too');
select is((select string_agg(c, ' ') from api.inbox_concerns('{a,own}', '{TEST00001,TEST00001}', v) as c where c ~ 'own') ~ 'TEST00001 with version 1.2 is there: 2 messages', said, 'C5: asked before: ' || v::text) from (values ('{1.2,1.2}'::text[], null::boolean), ('{1.2,1.3}', true)) as w (v, said);
select api.inbox_polled('own', 'TEST00001', null);
select is((select sum(unserved)::bigint from api.inbox_state() where source = 'own'), 2::bigint, 'Q7: that somebody has asked it makes no section of it');
-- several daemons, whose configurations need not be the same
create function pg_temp.say(who text, s text[], a text[], v text[] default '{1.2,1.2,1.2}') returns text language plpgsql as $$
begin
    perform api.inbox_sections(who, '1 min', s, a, v[:cardinality(s)]);
    return (select sum(unserved)::bigint from api.inbox_state() where source = 'own')::text;
end $$;
create function pg_temp.silent(who text) returns void language sql as $$ update data.inbox_section set until = clock_timestamp() - interval '1 s' where owner = who $$;
select is(pg_temp.say('one', '{a}', '{TEST00001}') || pg_temp.say('two', '{own,a}', '{TEST00001,TEST00001}'), '20', 'Q7: another daemon has the section');
select is(pg_temp.say('one', '{a}', '{TEST00001}') || pg_temp.say('me', '{a}', '{TEST00001}') || pg_temp.say('one', '{}', '{}'), '000', 'L4: and it stays so, whatever the others have and however often they say it');
select is(pg_temp.say('one', '{own}', '{TEST00001}', '{1.3}'), '0', 'Q7: of one name two daemons may have two versions');
select is(pg_temp.say('one', '{own}', '{TEST00002}'), '0', 'Q7: and two agencies');
select pg_temp.silent('two');
select is((select sum(unserved)::bigint from api.inbox_state() where source = 'own'), 0::bigint, 'L4: while nobody says anything all is as it was: a restart of all of them is no change of configuration');
select is(pg_temp.say('two', '{own,a}', '{TEST00001,TEST00001}') || pg_temp.say('one', '{}', '{}'), '00', 'Q7: who comes back in time has never been away');
select pg_temp.silent('two');
select is(pg_temp.say('one', '{}', '{}'), '2', 'L4: what nobody has said for a while, when another does, nobody has');
select is((select string_agg(owner, ' ' order by owner) from data.inbox_section where source in ('own', 'a')), 'me', 'L1: and no row of it is left');
select is(pg_temp.say('two', '{own,a}', '{TEST00001,TEST00001}') || pg_temp.say('two', '{a}', '{TEST00001}'), '02', 'L4: its own a daemon takes back at once');
select throws_ok($$select api.inbox_sections('', '1 min', '{a}', '{TEST00001}', '{1.2}')$$, '23514', null, 'Q7: it is said whose');
select api.inbox_sections(who, '1 min', '{}', '{}', '{}') from unnest('{one,two}'::text[]) as who;
select api.inbox_sections('me', '1 min', '{a,next,later,c}', '{TEST00001,TEST00001,TEST00001,TEST00002}', '{1.2,1.2,1.3,1.2}');
select throws_ok(format('select admin.inbox_move(%L, %L)', 'own', t), 'P0002', null, 'O3: there is no such section: ' || coalesce(t, 'null')) from unnest(array['own', 'none', null]) as t;
select is(admin.inbox_move('own', 'c'), 'Передано: 0; осталось: 2 — они в работе, другого ведомства, или ответ готов в другой версии схем', 'C6: not to another agency''s');
select is(admin.inbox_move('own', 'later'), 'Передано: 1; осталось: 1 — они в работе, другого ведомства, или ответ готов в другой версии схем', 'O3: what has no answer yet goes to another version, too');
select is((select string_agg(concat_ws(' ', message_id, source, version), ', ' order by message_id) from data.inbox where message_id ~ '^own'), 'own-1 own 1.2, own-2 later 1.3', 'O3: and is answered in it');
select is(admin.inbox_move('own', 'next'), 'Передано: 1', 'O3: an answer in its own');
select is((select string_agg(answer_id, ' ') from api.inbox_unsent_take('next', 'TEST00001', '1.2', 10, 'me', '1 min')), 'own-a', 'O3: and is sent');
select is(admin.inbox_move('next', 'later'), 'Передано: 0; осталось: 1 — они в работе, другого ведомства, или ответ готов в другой версии схем', 'Q7: what somebody is at stays');
select is((select sum(unserved) from api.inbox_state() where source in ('own', 'next', 'later')), 0::numeric, 'L4: all have a section');
update data.inbox set state = 'closed', ended_at = now(), owner = null where source in ('own', 'next', 'later', 'slow') and ended_at is null;

create temp table held (inbox_id bigint, attempt integer, message_id text);
select is(pg_temp.walk(((:seed + n) % 1000000) / 1000000.0, 700), '', format('Q3: however it goes, each is answered once and sent once (seed %s)', :seed + n)) from generate_series(1, 1) as n;
-- and all of it ends when somebody goes on
do $$
begin
    perform setseed(0.5);
    for n in 1 .. 400 loop
        update data.inbox set due_at = '-infinity' where source = 'w' and state in ('stored', 'working', 'answered', 'sending');
        perform admin.inbox_retry(i.inbox_id) from admin.inbox as i where i.source = 'w' and i.state = 'parked';
        perform api.inbox_answered(t.inbox_id, t.attempt, 'end', 'x', '201') from api.inbox_take('w', 'TEST00001', '1.2', 10, 'end', '1 min') as t;
        perform api.inbox_sent(t.inbox_id, t.attempt, 'sent', null, null, 'p', 'good', 'a', 'b') from api.inbox_unsent_take('w', 'TEST00001', '1.2', 10, 'end', '1 min') as t;
        exit when not exists (select from data.inbox where source = 'w' and ended_at is null);
    end loop;
end $$;
select is_empty($$select message_id, state from data.inbox where source = 'w' and state <> 'sent'$$, 'Q3: nothing is lost');
-- ---- what SMEV refuses of ours ----
create function pg_temp.refused() returns text language sql as $$ select string_agg(what, '; ') from admin.check() where problem = 'СМЭВ не принимает подписанное ведомством' $$;
select api.inbox_refused('r', 'TEST00001', 'SendResponse', null);
select is((select count(*) from data.inbox_refusal where source = 'r'), 0::bigint, 'L4: that nothing is refused needs no row');
select api.inbox_refused('r', 'TEST00001', 'SendResponse', 'CertificateIsExpired');
select is(pg_temp.refused(), null, 'L4: a section that is gone tells nothing to anybody');
select api.inbox_sections('r', '1 min', '{r}', '{TEST00001}', '{1.2}'), api.inbox_sections('r-2', '1 min', '{r}', '{TEST00002}', '{1.2}');
select is(pg_temp.refused(), null, 'L4: nor does a refusal for which nobody waits');
select pg_temp.store('r-1', source => 'r'), pg_temp.store('r-2', source => 'r', agency => 'TEST00002');
select is(pg_temp.refused() ~ ('ведомство TEST00001, источник r: ответы — CertificateIsExpired, с .*заявители ждут: 1, первый — № ' || pg_temp.id('r-1') || ';.*inbox_resign.' || pg_temp.id('r-1') || '.*select inbox_id from admin.inbox where source = ''r'' and state = ''answered'''), true, 'L4: what SMEV refuses is told at once, and of whom');
update data.inbox_refusal set since_at = now() - interval '1 hour' where source = 'r';
select api.inbox_refused('r', 'TEST00001', 'SendResponse', 'CertificateIsExpired');
select is((select since_at < now() - interval '50 min' and last_at > now() - interval '1 min' from data.inbox_refusal where source = 'r'), true, 'L4: and since when');
select api.inbox_refused('r', 'TEST00001', 'Ack', null);
select is(pg_temp.refused() is not null, true, 'L4: that Acks are taken says nothing of answers');
select api.inbox_polled('r', 'TEST00001', null);
select is(pg_temp.refused() is not null, true, 'L4: nor that it gives messages');
select api.inbox_refused('r', 'TEST00001', 'Ack', 'SenderIsNotRegistered');
select is(pg_temp.refused() ~ 'подтверждения получения — SenderIsNotRegistered', true, 'L4: Acks too');
update data.inbox_refusal set last_at = now() - interval '16 min' where source = 'r';
select is(pg_temp.refused(), null, 'L4: what was not refused again for a while is told no more');
select api.inbox_refused('r', 'TEST00001', 'Ack', null);
select is((select string_agg(operation || ' ' || fault, ', ') from data.inbox_refusal where source = 'r'), 'SendResponse CertificateIsExpired', 'L4: nor what is taken; what is not taken beside it is told still');
select api.inbox_refused('r', 'TEST00001', 'GetStatus', f) from unnest(array['SenderIsNotRegistered', null]) as f;
update data.inbox_refusal set last_at = now() where source = 'r';
select is(pg_temp.refused() ~ 'ответы — CertificateIsExpired', true, 'L4: one operation that comes and goes hides no other');
select api.inbox_refused('r', 'TEST00002', 'SendResponse', 'AccessDenied');
select api.inbox_refused('r', 'TEST00001', 'SendResponse', null);
select is(pg_temp.refused() ~ 'ведомство TEST00002, источник r: ответы — AccessDenied' and pg_temp.refused() !~ 'TEST00001, источник r', true, 'L4: of two agencies with a section of one name each has its own');
update data.inbox set state = 'closed', ended_at = now(), owner = null, acked_at = now() where source = 'r';
select is(pg_temp.refused(), null, 'L4: when nobody waits any more it is over');
delete from data.inbox_refusal where source = 'r';

-- ---- two daemons, one name, two agencies ----
select api.inbox_sections('one', '1 min', '{twin}', '{TEST00001}', '{1.2}'), api.inbox_sections('two', '1 min', '{twin}', '{TEST00002}', '{1.2}');
select api.inbox_polled('twin', 'TEST00001', null), api.inbox_polled('twin', 'TEST00001', 'SenderIsNotRegistered'), api.inbox_polled('twin', 'TEST00002', null);
update data.inbox_source set fault_at = fault_at - interval '2 minutes' where source = 'twin';
select api.inbox_polled('twin', 'TEST00001', 'SenderIsNotRegistered'), api.inbox_polled('twin', 'TEST00002', null);
select is((select string_agg(what, '; ') from admin.check() where what ~ 'twin') ~ '^ведомство TEST00001, источник twin: SenderIsNotRegistered, с [^;]*; обращения ждут в СМЭВ[^;]*$', true, 'L4: the trouble of one is told as his, however well the other is');
update data.inbox_source set good_at = now() - interval '2 hours' where source = 'twin' and agency_code = 'TEST00001';
select is((select string_agg(what, '; ') from admin.check() where problem ~ 'давно не отвечает' and what ~ 'twin') ~ 'ведомство TEST00001, источник twin', true, 'L4: that one is silent, too');
select pg_temp.store('twin-1', source => 'twin');
select is((select string_agg(concat_ws(' ', agency_code, unanswered), ', ' order by agency_code) from api.inbox_state() where source = 'twin'), 'TEST00001 1, TEST00002 0', 'L4: each counts his own');
update data.inbox set source = 'twin-old' where message_id = 'twin-1';
select is(admin.inbox_move('twin-old', 'twin'), 'Передано: 1', 'Q7: messages go to the section of their agency, whoever spoke last');
update data.inbox set state = 'closed', ended_at = now(), owner = null, acked_at = now() where message_id = 'twin-1';
select api.inbox_sections(o, '1 min', '{}', '{}', '{}') from unnest('{one,two}'::text[]) as o;
select throws_ok($$select api.inbox_refused('r', 'TEST00001', 'GetRequest', 'x')$$, '23514', null, 'L4: of what we tell, not of what we ask');

-- ---- two counts ----
select pg_temp.store('c1', source => 'count');
create function pg_temp.counts() returns text language sql as $$ select concat_ws(' ', attempts, sendings) from admin.inbox where message_id = 'c1' $$;
create function pg_temp.again(what text) returns void language sql as $$
    select api.inbox_again(inbox_id, attempts, 'DATABASE', '0 s') from data.inbox where message_id = 'c1' and state = what
$$;
do $$ begin for n in 1 .. 5 loop perform api.inbox_take('count', 'TEST00001', '1.2', 1, 'me', '0 s'); perform pg_temp.again('working'); end loop; end $$;
select is(pg_temp.counts(), '5 0', 'Q3: what was tried of the work');
select from (select api.inbox_answered(inbox_id, attempt, 'c1-answer', 'x', '201') from api.inbox_take('count', 'TEST00001', '1.2', 1, 'me', '0 s')) as x;
select is((select concat_ws(' ', attempt, sending) from api.inbox_unsent_take('count', 'TEST00001', '1.2', 1, 'me', '0 s')), '7 1', 'Q3: is no failure of sending: that begins anew');
select pg_temp.again('sending');
select is((select concat_ws(' ', attempt, sending) from api.inbox_unsent_take('count', 'TEST00001', '1.2', 1, 'me', '0 s')), '8 2', 'Q3: and has its own count');
select is(pg_temp.counts(), '8 2', 'O3: which people see');
select api.inbox_sent(inbox_id, attempts, 'sent', null, null, 'p', 'good', 'a', 'b') from data.inbox where message_id = 'c1';

-- ---- the end (J3) ----
select is(api.inbox_acked(inbox_id, true, 'OK', 'p', 'a', 'b'), true, 'acked') from data.inbox where message_id = 'c1' or source = 'w' and acked_at is null;
select throws_ok($$delete from data.inbox_call where inbox_id = (select inbox_id from data.inbox where message_id = 'c1')$$, '42501', null, 'J1: its exchanges are not taken away');
select data.inbox_files_came(inbox_id, '[{"place": "store", "id": "x", "signed": true}]') from data.inbox where message_id = 'c1';
select throws_ok($$update data.inbox_call set outcome = 'OK'$$, '42501', null, 'J2: nor rewritten');
update data.inbox set ended_at = now() - interval '59 days' where message_id = 'c1';
select throws_ok($$delete from data.inbox_call where inbox_id = (select inbox_id from data.inbox where message_id = 'c1')$$, '42501', null, 'Q3: not while SMEV may deliver it again');
select is(data.inbox_expire(100), 0::bigint, 'J3: nothing leaves that was not over for long');
-- open, not acknowledged, over just now: they stay however old
select pg_temp.store('o1', source => 'old'), pg_temp.store('o2', source => 'old', closed => 'broadcast', kind => 'broadcast'), pg_temp.store('o3', source => 'old');
update data.inbox set received_at = now() - interval '1 year', due_at = 'infinity' where source = 'old';
update data.inbox set ended_at = now() - interval '1 year' where message_id = 'o2' or message_id = 'c1' or source = 'w' and ended_at is not null;
update data.inbox set state = 'parked', reason = 'x' where message_id = 'o3';
create temp table before_end as select count(*) as n from data.inbox;
create temp table calls_before as select count(distinct c.journal_id) as pairs from data.inbox_call as c join data.journal as j using (journal_id);
select is((select did from api.housekeeping('ended')), (select count(*) || ' messages of SMEV' from data.inbox where source in ('w', 'count')), 'J3: what was over long ago leaves, and says so');
select is((select string_agg(message_id, ' ' order by message_id) from data.inbox where source in ('w', 'count', 'old')), 'o1 o2 o3', 'J3: what is not over, or SMEV has not heard of, never');
select is_empty($$select c.inbox_id from (select inbox_id from data.inbox_call union select inbox_id from data.inbox_file) as c where not exists (select from data.inbox as i where i.inbox_id = c.inbox_id)$$, 'J3: with its exchanges and files');
select is((select count(distinct j.journal_id) from data.journal as j where j.message_id = 'c1' and j.method in ('GetRequest', 'SendResponse', 'Ack')), 3::bigint, 'J1: which the journal keeps');
select is((select count(*) from api.housekeeping('ended')), 0::bigint, 'J3: then there is nothing to do');
select is(pg_temp.store('c1', source => 'count'), 'new', 'Q3: delivered after that, it is worked on again: message_seen has its answer');

-- ---- what SMEV says of an answer of ours after it has taken it (Q3, Q5, L4; decision 0347) ----
create function pg_temp.heard_late(original text, outcome text default 'stopped', note text default 'n-1', smevs boolean default true, operation text default 'GetResponse', agency text default 'TEST00001') returns text language sql as $$
    select api.outbox_answer(agency, original, outcome, 'СМЭВ отказала: responseIsRejectedBySmev: не по схеме', null, null, 'late', operation, note, 'http://core', 'question', 'word', null, 'good', smevs)
$$;
create function pg_temp.sent_late(attempt integer, outcome text, answer text) returns boolean language sql as $$ select api.inbox_sent(pg_temp.id('l1'), attempt, outcome, null, '1 min', 'p', 'good', convert_to(answer, 'UTF8'), 'yes') $$;
create function pg_temp.late() returns text language sql as $$ select concat_ws(' ', state, answer_id, convert_from(answer, 'UTF8'), refused_ids, ended_at is not null, reason is not null) from data.inbox where inbox_id = pg_temp.id('l1') $$;
create function pg_temp.late_take() returns text language sql as $$ select string_agg(concat_ws(' ', attempt, answer_id, convert_from(answer, 'UTF8'), is_spent), ', ') from api.inbox_unsent_take('late', 'TEST00001', '1.2', 9, 'me', '0 s') $$;
delete from data.inbox_unread;
select api.inbox_sections('later', '1 hour', '{late}', '{TEST00001}', '{1.2}');
select pg_temp.store('l1', source => 'late');
select api.inbox_answered(t.inbox_id, t.attempt, 'A-1', 'A-1 first', '201') from api.inbox_take('late', 'TEST00001', '1.2', 1, 'me', '1 min') as t;
select is(pg_temp.late_take(), '2 A-1 A-1 first f', 'Q3: an answer is sent');
select api.inbox_slow_said(pg_temp.id('l1'), 'OK', 'p', 'good', 'RequestStatus S-1', 'yes');
select is(pg_temp.sent_late(2, 'sent', 'A-1 first'), true, 'Q3: and SMEV has it');
select is(pg_temp.heard_late('A-1', 'in_work'), 'noted', 'Q5: SMEV says how it is');
select is(pg_temp.late(), 'sent A-1 t f', 'Q5: which changes nothing');
select is(pg_temp.heard_late('A-1', smevs => false), 'late', 'Q5: an answer of somebody else''s to it is none');
select is(pg_temp.heard_late('A-1', agency => 'TEST00002', note => 'n-9'), 'unknown', 'Q5: another agency''s word about it is none');
select is(pg_temp.late(), 'sent A-1 t f', 'Q5: and changes nothing');
select is(pg_temp.heard_late('A-1', note => 'n-2'), 'parked', 'Q5: SMEV refuses it');
select is(pg_temp.late(), 'parked A-1 A-1 first {A-1} f t', 'Q5: it waits for a person, with the octets that left last');
select is(pg_temp.sent_late(2, 'sent', 'A-1 first'), false, 'Q3: who has sent it and says so later changes nothing');
select is(pg_temp.heard_late('A-1', note => 'n-2'), 'late', 'Q3: once, however often it is told');
select is(pg_temp.late(), 'parked A-1 A-1 first {A-1} f t', 'Q3: without a second effect');
select is((select what ~ '№ [0-9]+, ведомство TEST00001.*не по схеме.*inbox_retry.*inbox_give_up' from admin.check() where problem ~ 'отвергла ответ, который взяла'), true, 'O3: people are told');
select is((select count(*) from admin.check() where problem = 'обращение из СМЭВ отложено: ответа нет' and what ~ ('№ ' || pg_temp.id('l1') || ',')), 0::bigint, 'O3: once');
select is((select concat_ws(' ', parked, refused_answers, foreign_answers) from api.inbox_state() where source = 'late' and agency_code = 'TEST00001'), '1 1 0', 'L4: and readyz');
select is((select string_agg(operation || ' ' || outcome, ', ' order by at, journal_id) from admin.inbox_calls(pg_temp.id('l1')) where operation = 'GetResponse'),
    'GetResponse СМЭВ отказала: responseIsRejectedBySmev: не по схеме, GetResponse late, GetResponse СМЭВ отказала: responseIsRejectedBySmev: не по схеме, GetResponse late', 'J1: each word is with its message');
select is((select count(*) from data.journal where message_id = 'n-2' and direction = 'in' and status in ('parked', 'late')), 2::bigint, 'J1: and in the journal');
select is(admin.inbox_retry(pg_temp.id('l1')) ~ 'под новым номером', true, 'O3: a person has it sent anew');
select is(pg_temp.late_take(), '4 A-1 A-1 first t', 'Q3: the old id is over');
select is(api.inbox_renewed(pg_temp.id('l1'), 4, 'A-2', 'A-2 second'), true, 'Q3: it gets another');
select is(pg_temp.heard_late('A-1', note => 'n-2'), 'late', 'Q3: what is said of the old one is over');
select is(pg_temp.sent_late(2, 'sent', 'A-1 first'), false, 'Q3: so is a late yes to it');
select is(pg_temp.late(), 'sending A-2 A-2 second {A-1} f f', 'Q3: the new one is on its way');
select is(pg_temp.sent_late(4, 'sent', 'A-2 second'), true, 'Q3: and SMEV has it');
select is(pg_temp.heard_late('A-2', note => 'n-3'), 'parked', 'Q5: refused, too');
select is(pg_temp.late(), 'parked A-2 A-2 second {A-1,A-2} f t', 'Q5: by its own id');
select is(admin.inbox_resign(pg_temp.id('l1')) ~ 'номер новый', true, 'O3: signing it anew makes another id as well');
select is(pg_temp.late_take() ~ 'A-2 A-2 second t$', true, 'Q3: of which the daemon hears');
update data.inbox set state = 'sending', owner = 'x' where inbox_id = pg_temp.id('l1');
select is(api.inbox_renewed(pg_temp.id('l1'), (select attempts from data.inbox where inbox_id = pg_temp.id('l1')), 'A-3', 'A-3 third'), true, 'Q3: and makes it');
select is(pg_temp.heard_late('A-3', note => 'n-4'), 'parked', 'Q5: refused before we know that SMEV has it');
select is(pg_temp.late(), 'parked A-3 A-3 third {A-1,A-2,A-3} f t', 'Q5: with what was kept');
select admin.inbox_give_up(pg_temp.id('l1'), 'не нужно');
select is(pg_temp.heard_late('A-3', note => 'n-4'), 'late', 'Q3: what was given up is over');
select is((select state from data.inbox where inbox_id = pg_temp.id('l1')), 'given_up', 'O3: by hand');
-- its octets are in the journal no more
select pg_temp.store('l2', source => 'late');
select api.inbox_answered(t.inbox_id, t.attempt, 'B-1', 'B-1', '201') from api.inbox_take('late', 'TEST00001', '1.2', 1, 'me', '1 min') as t;
update data.inbox set state = 'sent', ended_at = now(), octets = null, answer = null where inbox_id = pg_temp.id('l2');
select is(pg_temp.heard_late('B-1', note => 'n-5'), 'parked', 'Q5: of one whose octets are lost people hear, too');
select throws_ok(format('select admin.%s(%s)', v, pg_temp.id('l2')), '55000', null, 'O3: but there is nothing to send: ' || v) from unnest(array['inbox_retry', 'inbox_resign']) as v;
select admin.inbox_give_up(pg_temp.id('l2'), 'не нужно');
-- another program's
delete from data.inbox_unread;
select is(pg_temp.heard_late('X-1', note => 'x-1'), 'unknown', 'Q5: to nothing of ours') from generate_series(1, 3);
select is((select concat_ws(' ', error, operation, original_id, times) from admin.inbox_unread), 'FOREIGN GetResponse X-1 3', 'O3: it stands in the list');
select is((select count(*) from data.journal where message_id = 'x-1' and direction = 'in'), 1::bigint, 'J1: whole it is kept once');
select is((select concat_ws(' ', unread, unread_answers, foreign_answers, foreign_id) from api.inbox_state() where source = 'late' and agency_code = 'TEST00001'), '0 0 1 x-1', 'L4: readyz says so, and not that it cannot be read');
select is((select count(*) from admin.check() where problem ~ 'выходит не наше' and what ~ 'x-1'), 1::bigint, 'O3: people, too');
select is((select count(*) from admin.check() where problem ~ 'не удалось прочесть' and what ~ 'late'), 0::bigint, 'O3: it can be read');
select pg_temp.heard_late('X-' || n, note => 'y-' || n) from generate_series(1, 150) as n;
select is((select count(*) from data.inbox_unread where error = 'FOREIGN'), 101::bigint, 'L1: any number of them is a hundred rows and one');
select is((select count(*) from data.journal where message_id ~ '^y-' and direction = 'in'), 99::bigint, 'L1: and so many are kept whole');
select pg_temp.unread('u-8');
select is((select error from data.inbox_unread where message_id = 'u-8'), 'LIMIT', 'O3: what cannot be read has room beside them');
select is(pg_temp.to_say(), null, 'Q5: nothing is refused by itself');
-- What waits for a key of ours is told at once, and whose it is; with the key it is due, and nothing else is.
select is(string_agg(pg_temp.store('key' || n, source => 'key'), ' '), 'new new new new', 'Q3: stored') from generate_series(1, 4) as n;
select is(length(pg_temp.take('me', source => 'key')) > 0, true, 'Q7: taken');
select is(bool_and(api.inbox_again(pg_temp.id('key' || n), 1, (array['AGENCY: official of smev3 key', 'AGENCY', 'AGENCY: agency TEST00001', 'DATABASE'])[n], '5 min')), true, 'L1: given back') from generate_series(1, 4) as n;
select is((select string_agg(substring(what from 'источник key: \d+') || ' ' || substring(what from 'чей ключ: ([^;]*)'), ', ' order by what) from admin.check() where problem ~ 'подписать нечем'), 'источник key: 1 official of smev3 key, источник key: 2 agency TEST00001', 'L4: whose key, at once');
select is(api.inbox_signed('key', 'TEST00002') + api.inbox_signed('other', 'TEST00001'), 0::bigint, 'L5: another section''s key is no matter');
select is(api.inbox_signed('key', 'TEST00001'), 3::bigint, 'L5: what waited for it is due');
select is((select string_agg(message_id, ' ' order by message_id) from data.inbox where source = 'key' and due_at <= clock_timestamp()), 'key1 key2 key3', 'L5: at once, and nothing else');
select is(api.inbox_signed('key', 'TEST00001'), 0::bigint, 'L5: once');
select admin.inbox_unread_give_up('x-1', 'ничьё');
select is(pg_temp.to_say(), 'x-1', 'O3: a person ends it');
select api.inbox_unread_said('TEST00001', 'x-1');
select is(pg_temp.heard_late('X-1', note => 'x-1') || ' ' || pg_temp.to_say(), 'unknown x-1', 'O3: it comes again: SMEV has not heard it');
update data.inbox_unread set last_at = now() - interval '25 hours' where given_up_at is null;
select pg_temp.heard_late('X-2', note => 'z-1');
select is((select string_agg(message_id, ' ' order by message_id) from data.inbox_unread where error = 'FOREIGN'), 'x-1 z-1', 'L1: whose it is has the others: they are forgotten after a day');
select is(pg_temp.heard_late('E-1', note => 'e-1', outcome => 'unclear', operation => 'GetStatus'), 'unknown', 'Q5: an error of a notification is SMEV''s own word to us:');
select is((select count(*) from data.inbox_unread where message_id = 'e-1'), 0::bigint, 'Q5: no other program''s');
delete from data.inbox_unread;
select * from finish();
rollback;
