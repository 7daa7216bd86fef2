-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What of the inbox somebody must look at (O3, L4).

create or replace function data.inbox_late(p_since timestamptz) returns boolean
language sql stable
return p_since < now() - interval '1 hour';
comment on function data.inbox_late(timestamptz) is 'Whether what began then should have been over: an hour is allowed for '
    'anything';

create or replace function data.inbox_is_taken(p_agency text, p_message_id text) returns boolean
language plpgsql stable as $$
begin
    return p_message_id <> '' and (
        exists (select from data.inbox as i where i.agency_code = p_agency and i.message_id = p_message_id)
        or exists (select from data.outbox as x where x.agency_code = p_agency and x.answer_id = p_message_id));
end $$;
comment on function data.inbox_is_taken(text, text) is
    'Whether a good message of that id is here: a request, or an answer to a message of ours. Of such nothing but accepted=true '
        'may be said';

-- Whoever tells an example out of many takes all of it from one row: the first that came, and of what cannot be read one that a
-- person can name, if there is any.
create or replace function data.inbox_unread_examples(p_kind text)
returns table (agency_code text, source text, id text, error text, original_id text, n bigint, since timestamptz)
language sql stable as $$
    select distinct on (u.agency_code) u.agency_code, u.source, nullif(u.message_id, ''), u.error, u.original_id,
        count(*) over w, u.first_at
    from data.my_inbox_unread as u
    where u.given_up_at is null and u.last_at > now() - interval '1 day' and p_kind = case when u.error = 'FOREIGN' then 'foreign'
        when u.operation = 'GetRequest' then 'request' else 'answer' end
    window w as (partition by u.agency_code)
    order by u.agency_code, u.message_id = '', u.first_at, u.message_id
$$;
comment on function data.inbox_unread_examples(text) is
    'Of each agency one message that stands in the queue and is not taken, since when, and how many such there are; p_kind: '
        'request, answer, foreign';

create or replace function data.inbox_unread_way_out(p_id text, p_words text) returns text
language sql immutable as $$
    select case when p_id is null then 'без MessageID отказаться от него нельзя, убрать его из очереди может только '
        'оператор СМЭВ; через сутки после того, как перестанет приходить, о нём здесь не говорится'
        else format('%s: select admin.inbox_unread_give_up(%L, ''почему'')', p_words, p_id) end
$$;
comment on function data.inbox_unread_way_out(text, text) is
    'What a person may do about a message that is not taken, p_words saying what for; without an id nothing can be said of it';

create or replace function data.inbox_is_fileless(p_reason text) returns boolean
language sql immutable parallel safe
return coalesce(p_reason ~ '^файлы обращения не получены', false);
comment on function data.inbox_is_fileless(text) is
    'Whether a message was put aside because its files could not be had (src/queue/queue_files.c): it was acknowledged, and they '
        'are asked for no more';

-- Of answers: what SMEV has refused of ours after it had taken it, what is to nothing of ours, and numbers it calls too old.
create or replace function data.inbox_answer_troubles() returns table (title text, what text)
language sql stable as $$
    select 'СМЭВ отвергла ответ, который взяла: заявитель его не получит', format('№ %s, ведомство %s, получено %s: %s; '
        'исправьте с её оператором; снова, под новым номером: select admin.inbox_retry(%s), не нужно: '
        'select admin.inbox_give_up(%1$s, ''почему'')', i.inbox_id, i.agency_code,
        to_char(i.received_at, 'DD.MM.YYYY HH24:MI'), i.reason, i.inbox_id) from data.my_inbox as i
    where i.state = 'parked' and data.inbox_is_spent(i.answer_id, i.refused_ids)
    union all
    select 'из очереди ответов СМЭВ выходит не наше', format('ведомство %s, источник %s: %s, один из них с %s, MessageID %s: '
        'ответы на то, чего эта программа не передавала, скорее всего другой программы ведомства; они не подтверждены, СМЭВ '
        'выдаст их и ей. Получите для одной из них свой NodeID; подробно: admin.inbox_unread; %s',
        g.agency_code, g.source, g.n, to_char(g.since, 'DD.MM.YYYY HH24:MI'), coalesce(g.id, 'не найден'),
        data.inbox_unread_way_out(g.id, 'ничьё — чтобы не приходило')) from data.inbox_unread_examples('foreign') as g
    union all
    select 'СМЭВ называет устаревшими номера, созданные только что: неверны часы', format('ведомство %s, источник %s, с %s, '
        'последний раз в %s: ответов она не берёт, заявители ждут; сверьте часы этой машины с точным временем и с часами СМЭВ; '
        'когда они верны, программа передаст ответы сама', s.agency_code, s.source, to_char(s.since_at, 'DD.MM.YYYY HH24:MI'),
        to_char(s.last_at, 'HH24:MI'))
    from data.my_inbox_refusal as s
    where s.last_at > now() - interval '15 minutes' and s.fault = 'StaleMessageId'
        and data.inbox_has_section(s.source, s.agency_code)
$$;
comment on function data.inbox_answer_troubles() is
    'Answers of ours that SMEV refused late, or for their age alone, and answers to nothing of ours, for people';

create or replace function data.inbox_unserved_troubles() returns table (title text, what text)
language sql stable as $$
    select 'обращения из СМЭВ некому обработать: нет такого раздела настроек', format('источник %s, ведомство %s, версия %s: %s, '
        'первое № %s от %s; верните раздел [smev3 %1$s] с этим ведомством и этой версией и перечитайте настройки или передайте '
        'их другому разделу того же ведомства: select admin.inbox_move(%1$L, ''куда'')', g.source,
        g.agency_code, g.version, g.n, g.id, to_char(g.since, 'DD.MM.YYYY HH24:MI'))
    from (select distinct on (i.source, i.agency_code, i.version) i.source, i.agency_code, i.version, i.inbox_id as id,
            i.received_at as since, count(*) over (partition by i.source, i.agency_code, i.version) as n
        from data.my_inbox as i where i.state in ('stored', 'working', 'answered', 'sending', 'parked')
        order by i.source, i.agency_code, i.version, i.received_at, i.inbox_id) as g
    where not data.inbox_is_served(g.source, g.agency_code, g.version)
    union all
    select 'непрочитанное из очереди СМЭВ осталось за разделом, которого в настройках нет', format('источник %s, ведомство %s: '
        '%s; кто теперь спрашивает очередь, узнает о них, когда СМЭВ пришлёт их снова, а сразу — передайте их другому разделу '
        'того же ведомства: select admin.inbox_move(%1$L, ''куда'')', g.source, g.agency_code, g.n)
    from (select u.source, u.agency_code, count(*) as n from data.my_inbox_unread as u
        where u.given_up_at is null and u.last_at > now() - interval '1 day' group by u.source, u.agency_code) as g
    where not data.inbox_has_section(g.source, g.agency_code)
$$;
comment on function data.inbox_unserved_troubles() is
    'Messages that no section of a configuration in use has, and such as could not be read by a section that is gone, for people';

create or replace function data.inbox_troubles() returns table (title text, what text)
language sql stable as $$
    select t.title, t.what from data.inbox_answer_troubles() as t
    union all
    select t.title, t.what from data.inbox_signing_troubles() as t
    union all
    select 'обращение из СМЭВ отложено: ответа нет', format('№ %s, ведомство %s, получено %s: %s; ', i.inbox_id,
        i.agency_code, to_char(i.received_at, 'DD.MM.YYYY HH24:MI'), i.reason)
        || case when data.inbox_is_served(i.source, i.agency_code, i.version) then '' else
            format('раздела [smev3 %s] с этим ведомством и версией %s в настройках нет, сначала верните его или передайте '
                'обращение другому; ', i.source, i.version) end
        || case when i.answer is null and data.inbox_is_fileless(i.reason) then 'СМЭВ знает, что оно получено, и файлов больше '
            'не взять: выполняется без них; ' else '' end
        || format(case when i.answer is null and i.refusal = 'REPLY_TO'
            then 'ответить нельзя, снять: select admin.inbox_give_up(%s, ''почему'')'
            when i.answer is null and i.refusal ~ '^RECIPIENT( |$)' then 'исправив mnemonic: select admin.inbox_retry(%s), чужое '
            'снять: select admin.inbox_give_up(%1$s, ''почему''), выполнить, хотя назван другой: '
            'select admin.inbox_retry(%1$s, true)'
            when i.answer is null and data.inbox_is_fileless(i.reason) then 'выполнить без файлов: select admin.inbox_retry(%s), '
            'а если отвечать не нужно: select admin.inbox_give_up(%1$s, ''почему'')'
            else 'устранив причину: select admin.inbox_retry(%s), а если отвечать не нужно: '
            'select admin.inbox_give_up(%1$s, ''почему'')' end, i.inbox_id)
    from data.my_inbox as i where i.state = 'parked' and not data.inbox_is_spent(i.answer_id, i.refused_ids)
    union all
    select 'обращения из СМЭВ давно без ответа', format('ведомство %s, источник %s: %s, первое № %s от %s (%s); подробно: '
        'select * from admin.inbox where state in (''stored'', ''working'')', i.agency_code, i.source, i.n, i.inbox_id,
        to_char(i.received_at, 'DD.MM.YYYY HH24:MI'), coalesce(i.last_error, 'причина неизвестна'))
    from (select distinct on (t.agency_code, t.source) t.agency_code, t.source, t.inbox_id, t.received_at, t.last_error,
            count(*) over (partition by t.agency_code, t.source) as n
        from data.my_inbox as t where t.state in ('stored', 'working') and data.inbox_late(t.received_at)
        order by t.agency_code, t.source, t.received_at, t.inbox_id) as i
    union all
    select 'ответы давно не переданы в СМЭВ', format('ведомство %s, источник %s: %s, первый — на № %s от %s (%s); подробно: '
        'select * from admin.inbox where state in (''answered'', ''sending'')', i.agency_code, i.source, i.n, i.inbox_id,
        to_char(i.answered_at, 'DD.MM.YYYY HH24:MI'), coalesce(i.last_error, 'причина неизвестна'))
    from (select distinct on (t.agency_code, t.source) t.agency_code, t.source, t.inbox_id, t.answered_at, t.last_error,
            count(*) over (partition by t.agency_code, t.source) as n
        from data.my_inbox as t where t.state in ('answered', 'sending') and data.inbox_late(t.answered_at)
        order by t.agency_code, t.source, t.answered_at, t.inbox_id) as i
    union all
    select 'СМЭВ не узнала, что обращения получены', format('ведомство %s, источник %s: %s, первое № %s; она пришлёт их снова',
        i.agency_code, i.source, count(*), min(i.inbox_id))
    from data.my_inbox as i where i.acked_at is null and data.inbox_late(i.received_at)
    group by i.agency_code, i.source
    union all
    select 'под номером известного обращения пришло другое', format('№ %s, ведомство %s, отправитель %s: %s раз, последний — %s; '
        'на другое не отвечено: сообщите отправителю', i.inbox_id, i.agency_code, i.sender_code, i.others,
        to_char(i.other_at, 'DD.MM.YYYY HH24:MI'))
    from data.my_inbox as i where i.others > 0 and i.other_at > now() - interval '7 days'
    union all
    select 'в очереди СМЭВ сообщения, которые не удалось прочесть или проверить', format('ведомство %s, источник %s: %s, одно из '
        'них с %s, MessageID (никем не подтверждён) %s (%s); СМЭВ присылает их снова, заявители ждут; сообщите её оператору; '
        'подробно: select * from admin.inbox_unread; %s', g.agency_code, g.source, g.n,
        to_char(g.since, 'DD.MM.YYYY HH24:MI'), coalesce(g.id, 'не найден'), g.error,
        data.inbox_unread_way_out(g.id, 'чтобы не приходило'))
    from data.inbox_unread_examples('request') as g
    union all
    select 'в очереди СМЭВ ответы портала, которые не удалось прочесть или проверить', format('ведомство %s, источник %s: %s, '
        'один из них с %s, MessageID (никем не подтверждён) %s (%s), исходящее № %s; СМЭВ присылает их снова, исходящие ждут; '
        'сообщите её оператору; подробно: select * from admin.inbox_unread; %s', g.agency_code, g.source, g.n,
        to_char(g.since, 'DD.MM.YYYY HH24:MI'), coalesce(g.id, 'не найден'), g.error,
        coalesce((select min(x.outbox_id) from data.my_outbox as x
            where x.agency_code = g.agency_code and x.message_id = g.original_id)::text, 'неизвестно'),
        data.inbox_unread_way_out(g.id, 'чтобы не приходило и исходящее передать снова'))
    from data.inbox_unread_examples('answer') as g
    union all
    select t.title, t.what from data.inbox_unserved_troubles() as t
    union all
    select 'сообщения из очереди СМЭВ подписаны не тем, кому здесь верят', format('ведомство %s, источник %s (%s): они '
        'остаются в очереди; проверьте сертификаты СМЭВ, корни и списки отозванных, затем перечитайте настройки',
        s.agency_code, s.source, s.fault)
    from data.my_inbox_source as s
    where s.fault in ('SENDER', 'TOKEN', 'TOKEN_UNAVAILABLE', 'ALGORITHM') and s.tried_at > now() - interval '7 days'
        and data.inbox_has_section(s.source, s.agency_code)
    union all
    select 'ответы портала из очереди СМЭВ подписаны не тем, кому здесь верят', format('ведомство %s, источник %s (%s), '
        'последний раз в %s: они остаются в очереди, исходящие ждут; проверьте сертификаты СМЭВ, корни и списки отозванных, '
        'затем перечитайте настройки', r.agency_code, r.untrusted_by, r.untrusted, to_char(r.untrusted_at, 'HH24:MI'))
    from data.my_outbox_road as r where r.untrusted_at > now() - interval '20 minutes' -- SMEV brings it again after 15
    union all
    select case when s.fault ~ '^UnknownMessageType ' then 'вида обращений СМЭВ не знает' else 'очередь СМЭВ стоит' end,
        format('ведомство %s, источник %s: %s, с %s; %s: что значит это слово — в руководстве, «Очередь стоит»', s.agency_code,
            s.source, s.fault, to_char(s.fault_at, 'DD.MM.YYYY HH24:MI'), case when s.fault ~ '^UnknownMessageType '
                then 'остальные виды спрашиваются, этот ждёт в СМЭВ' else 'обращения ждут в СМЭВ' end)
    from data.my_inbox_source as s
    where s.fault_at < now() - interval '1 minute' and s.fault not in ('SENDER', 'TOKEN', 'TOKEN_UNAVAILABLE', 'ALGORITHM')
        and s.tried_at > now() - interval '1 hour' and data.inbox_has_section(s.source, s.agency_code)
        and not data.inbox_late(coalesce(s.good_at, s.fault_at, s.tried_at))
    union all
    select 'СМЭВ давно не отвечает на запросы очереди', format('ведомство %s, источник %s: последний раз %s; сейчас: %s',
        s.agency_code,
        s.source, coalesce(to_char(s.good_at, 'DD.MM.YYYY HH24:MI'), 'ни разу не отвечала'), coalesce(s.fault,
            'никто не спрашивает'))
    from data.my_inbox_source as s
    where data.inbox_late(coalesce(s.good_at, s.fault_at, s.tried_at)) and s.tried_at > now() - interval '7 days'
        and data.inbox_has_section(s.source, s.agency_code)
$$;
comment on function data.inbox_troubles() is 'What stands still between SMEV 3 and us, one row a trouble, for people';
