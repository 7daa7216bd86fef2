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

-- Of the queue of answers: what SMEV has refused of ours after it had taken it, and what is to nothing of ours.
create or replace function data.inbox_answer_troubles() returns table (title text, what text)
language sql stable as $$
    select 'СМЭВ отвергла ответ, который взяла: заявитель его не получит', format('№ %s, ведомство %s, получено %s: %s; '
        'исправьте с её оператором; снова, под новым номером: select admin.inbox_retry(%s), не нужно: '
        'select admin.inbox_give_up(%1$s, ''почему'')', i.inbox_id, i.agency_code,
        to_char(i.received_at, 'DD.MM.YYYY HH24:MI'), i.reason, i.inbox_id) from data.my_inbox as i
    where i.state = 'parked' and data.inbox_is_spent(i.answer_id, i.refused_ids)
    union all
    select 'из очереди ответов СМЭВ выходит не наше', format('ведомство %s, источник %s: %s, дольше всех с %s, MessageID %s: '
        'ответы на то, чего эта программа не передавала, скорее всего другой программы ведомства; они не подтверждены, СМЭВ '
        'выдаст их и ей. Получите для одной из них свой NodeID; подробно: admin.inbox_unread; ничьё — чтобы не приходило: '
        'select admin.inbox_unread_give_up(%L, ''почему'')', u.agency_code, max(u.source), count(*),
        to_char(min(u.first_at), 'DD.MM.YYYY HH24:MI'), coalesce(min(nullif(u.message_id, '')), 'не найден'),
        coalesce(min(nullif(u.message_id, '')), '…')) from data.my_inbox_unread as u
    where u.given_up_at is null and u.last_at > now() - interval '1 day' and u.error = 'FOREIGN' group by u.agency_code
$$;
comment on function data.inbox_answer_troubles() is
    'Answers of ours that SMEV refused late, and answers to nothing of ours, for people';

create or replace function data.inbox_troubles() returns table (title text, what text)
language sql stable as $$
    select t.title, t.what from data.inbox_answer_troubles() as t
    union all
    select 'обращение из СМЭВ отложено: ответа нет', format('№ %s, ведомство %s, получено %s: %s; ', i.inbox_id,
        i.agency_code, to_char(i.received_at, 'DD.MM.YYYY HH24:MI'), i.reason)
        || format(case when i.answer is null and i.refusal = 'REPLY_TO'
            then 'ответить нельзя, снять: select admin.inbox_give_up(%s, ''почему'')'
            when i.answer is null and i.refusal ~ '^RECIPIENT( |$)' then 'исправив mnemonic: select admin.inbox_retry(%s), чужое '
            'снять: select admin.inbox_give_up(%1$s, ''почему''), выполнить, хотя назван другой: '
            'select admin.inbox_retry(%1$s, true)'
            else 'устранив причину: select admin.inbox_retry(%s), а если отвечать не нужно: '
            'select admin.inbox_give_up(%1$s, ''почему'')' end, i.inbox_id)
    from data.my_inbox as i where i.state = 'parked' and not data.inbox_is_spent(i.answer_id, i.refused_ids)
    union all
    select 'обращения из СМЭВ давно без ответа', format('ведомство %s, источник %s: %s, первое № %s от %s (%s); подробно: '
        'select * from admin.inbox where state in (''stored'', ''working'')', i.agency_code, i.source, count(*), min(i.inbox_id),
        to_char(min(i.received_at), 'DD.MM.YYYY HH24:MI'), coalesce(min(i.last_error), 'причина неизвестна'))
    from data.my_inbox as i where i.state in ('stored', 'working') and data.inbox_late(i.received_at)
    group by i.agency_code, i.source
    union all
    select 'ответы давно не переданы в СМЭВ', format('ведомство %s, источник %s: %s, первый — на № %s от %s (%s); подробно: '
        'select * from admin.inbox where state in (''answered'', ''sending'')', i.agency_code, i.source, count(*),
            min(i.inbox_id),
        to_char(min(i.answered_at), 'DD.MM.YYYY HH24:MI'), coalesce(min(i.last_error), 'причина неизвестна'))
    from data.my_inbox as i where i.state in ('answered', 'sending') and data.inbox_late(i.answered_at)
    group by i.agency_code, i.source
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
    select 'в очереди СМЭВ сообщения, которые не удалось прочесть или проверить', format('ведомство %s, источник %s: %s, дольше '
        'всех с %s, MessageID (никем не подтверждён) %s (%s); СМЭВ присылает их снова, заявители ждут; сообщите её оператору; '
        'подробно: select * from admin.inbox_unread; чтобы не приходило: select admin.inbox_unread_give_up(%L, ''почему'')',
        u.agency_code, max(u.source), count(*), to_char(min(u.first_at), 'DD.MM.YYYY HH24:MI'),
        coalesce(min(nullif(u.message_id, '')), 'не найден'), min(u.error), coalesce(min(nullif(u.message_id, '')), '…'))
    from data.my_inbox_unread as u
    where u.given_up_at is null and u.last_at > now() - interval '1 day' and u.operation = 'GetRequest'
    group by u.agency_code
    union all
    select 'в очереди СМЭВ ответы портала, которые не удалось прочесть или проверить', format('ведомство %s, источник %s: %s, '
        'дольше всех с %s, MessageID (никем не подтверждён) %s (%s), исходящее № %s; СМЭВ присылает их снова, исходящие ждут; '
        'сообщите её оператору; подробно: select * from admin.inbox_unread; чтобы не приходило и исходящее передать снова: '
        'select admin.inbox_unread_give_up(%L, ''почему'')', g.agency_code, g.source, g.n,
        to_char(g.since, 'DD.MM.YYYY HH24:MI'), coalesce(g.id, 'не найден'), g.error,
        coalesce((select min(x.outbox_id) from data.my_outbox as x
            where x.agency_code = g.agency_code and x.message_id = g.original_id)::text, 'неизвестно'), coalesce(g.id, '…'))
    from (select distinct on (u.agency_code) u.agency_code, u.source, nullif(u.message_id, '') as id, u.error, u.original_id,
            count(*) over w as n, min(u.first_at) over w as since
        from data.my_inbox_unread as u
        where u.given_up_at is null and u.last_at > now() - interval '1 day' and u.operation <> 'GetRequest'
            and u.error <> 'FOREIGN'
        window w as (partition by u.agency_code)
        order by u.agency_code, u.message_id = '', u.first_at, u.message_id) as g
    union all
    select 'обращения из СМЭВ некому обработать: нет такого раздела настроек', format('источник %s, ведомство %s, версия %s: %s, '
        'первое № %s от %s; верните раздел [smev3 %1$s] с этим ведомством и этой версией и перечитайте настройки или передайте '
        'их другому разделу того же ведомства: select admin.inbox_move(%1$L, ''куда'')', g.source,
        g.agency_code, g.version, g.n, g.id, to_char(g.since, 'DD.MM.YYYY HH24:MI'))
    from (select i.source, i.agency_code, i.version, count(*) as n, min(i.inbox_id) as id, min(i.received_at) as since
        from data.my_inbox as i where i.state in ('stored', 'working', 'answered', 'sending')
        group by i.source, i.agency_code, i.version) as g
    where not data.inbox_is_served(g.source, g.agency_code, g.version)
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
    select 'СМЭВ не принимает подписанное ведомством', format('ведомство %s, источник %s: %s — %s, с %s, последний раз в %s; '
        '%s: проверьте сертификат и регистрацию ведомства в СМЭВ; '
        'после замены ключа готовые ответы подписываются заново сами, '
        'а тотчас — select admin.inbox_resign(номер)', s.agency_code, s.source,
        case s.operation when 'Ack' then 'подтверждения получения' when 'Ack of an answer' then
            'подтверждения ответов портала' when 'GetStatus' then 'запросы сообщений об ошибках' else 'ответы' end, s.fault,
        to_char(s.since_at, 'DD.MM.YYYY HH24:MI'), to_char(s.last_at, 'HH24:MI'),
        case when s.operation in ('Ack of an answer', 'GetStatus') then 'она присылает одно и то же или молчит об ошибках'
            else 'заявители ждут' end)
    from data.my_inbox_refusal as s
    where s.last_at > now() - interval '15 minutes' and data.inbox_has_section(s.source, s.agency_code)
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
