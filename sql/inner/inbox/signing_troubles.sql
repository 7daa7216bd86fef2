-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What is the matter with what we sign (O3, L4): there is nothing to sign with, or SMEV does not take what was signed.

create or replace function data.inbox_signing_troubles() returns table (title text, what text)
language sql stable as $$
    select 'подписать нечем: обращения из СМЭВ ждут ответа', format('ведомство %s, источник %s: %s, первое № %s от %s; чей ключ: '
        '%s; что с ним: zapisd check; новые файлы, перечитать настройки, и всё пойдёт само', i.agency_code, i.source, count(*),
        min(i.inbox_id), to_char(min(i.received_at), 'DD.MM.YYYY HH24:MI'), k.whose)
    from data.my_inbox as i
    cross join lateral (
        select coalesce(nullif(substring(i.last_error from '^AGENCY: *(.*)'), ''), 'agency ' || i.agency_code) as whose) as k
    where i.state in ('stored', 'working', 'answered', 'sending') and data.lacks_key(i.last_error)
    group by i.agency_code, i.source, k.whose
    union all
    -- Whose answers they are: when nobody waits any more, nothing is the matter.
    select 'СМЭВ не принимает подписанное ведомством', format('ведомство %s, источник %s: ответы — %s, с %s, последний раз в %s; '
        'заявители ждут: %s, первый — № %s; проверьте сертификат и регистрацию ведомства в СМЭВ; после замены ключа готовые '
        'ответы подписываются заново сами, а тотчас — select admin.inbox_resign(%7$s), номера прочих: '
        'select inbox_id from admin.inbox where source = %2$L and state = ''answered''', s.agency_code, s.source, s.fault,
        to_char(s.since_at, 'DD.MM.YYYY HH24:MI'), to_char(s.last_at, 'HH24:MI'), w.n, w.first_id)
    from data.my_inbox_refusal as s
    cross join lateral (
        select count(*) as n,
            coalesce(min(i.inbox_id) filter (where i.state in ('answered', 'sending')), min(i.inbox_id)) as first_id
        from data.my_inbox as i where i.source = s.source and i.agency_code = s.agency_code
            and i.state in ('stored', 'working', 'answered', 'sending')) as w
    where s.operation = 'SendResponse' and w.n > 0 and s.last_at > now() - interval '15 minutes' and s.fault <> 'StaleMessageId'
        and data.inbox_has_section(s.source, s.agency_code)
    union all
    select 'СМЭВ не принимает подписанное ведомством', format('ведомство %s, источник %s: %s — %s, с %s, последний раз в %s; '
        'она присылает одно и то же или молчит об ошибках: проверьте сертификат и регистрацию ведомства в СМЭВ',
        s.agency_code, s.source, case s.operation when 'Ack' then 'подтверждения получения'
            when 'Ack of an answer' then 'подтверждения ответов портала' else 'запросы сообщений об ошибках' end, s.fault,
        to_char(s.since_at, 'DD.MM.YYYY HH24:MI'), to_char(s.last_at, 'HH24:MI'))
    from data.my_inbox_refusal as s
    where s.operation <> 'SendResponse' and s.last_at > now() - interval '15 minutes' and s.fault <> 'StaleMessageId'
        and data.inbox_has_section(s.source, s.agency_code)
$$;
comment on function data.inbox_signing_troubles() is
    'Keys of ours that are missing, and what SMEV refuses of what we sign, for people';
