-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Messages in SMEV 3's queue that cannot be read or believed, for a person to decide about; and messages whose section is
-- gone, for another.

create or replace view admin.inbox_unread with (security_barrier) as
select u.message_id, u.agency_code, u.source, u.error, u.first_at, u.last_at, u.times, u.given_up_at, u.given_up_by, u.reason,
    u.said_at, u.operation, u.original_id, x.outbox_id
from data.my_inbox_unread as u
left join data.my_outbox as x on x.agency_code = u.agency_code and x.message_id = u.original_id
order by u.last_at desc, u.message_id;
grant select on admin.inbox_unread to zapisd_operator, zapisd_auditor;
comment on view admin.inbox_unread is 'Что стоит в очереди СМЭВ 3 и не читается или не проходит проверку: не принято и не '
    'отвергнуто, СМЭВ присылает снова. Пример: select * from admin.inbox_unread where given_up_at is null';
comment on column admin.inbox_unread.message_id is 'MessageID, найденный в сообщении: никем не подтверждён; пусто — не найден';
comment on column admin.inbox_unread.agency_code is 'Ведомство, в чьей очереди стоит';
comment on column admin.inbox_unread.source is 'Раздел [smev3 …] настроек, которым получено в последний раз';
comment on column admin.inbox_unread.error is 'Что с ним не так: LIMIT сверх пределов, MALFORMED и ENVELOPE не читается, '
    'CHECK и SECURITY подпись СМЭВ неверна; FOREIGN — верно, но отвечает на то, чего эта программа не передавала';
comment on column admin.inbox_unread.first_at is 'Когда пришло впервые';
comment on column admin.inbox_unread.last_at is 'Когда приходило в последний раз';
comment on column admin.inbox_unread.times is 'Сколько раз приходило';
comment on column admin.inbox_unread.given_up_at is 'Когда решено, что больше не нужно';
comment on column admin.inbox_unread.given_up_by is 'Кто решил';
comment on column admin.inbox_unread.reason is 'Почему';
comment on column admin.inbox_unread.said_at is 'Когда об этом узнала СМЭВ';
comment on column admin.inbox_unread.operation is 'GetRequest обращение к ведомству, GetResponse ответ портала на исходящее, '
    'GetStatus сообщение СМЭВ об ошибке';
comment on column admin.inbox_unread.original_id is 'На какое наше сообщение отвечает, по его словам: никем не подтверждено';
comment on column admin.inbox_unread.outbox_id is 'Исходящее с этим сообщением (admin.outbox)';

create or replace function admin.inbox_unread_give_up(message_id text, reason text) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    u data.inbox_unread;
    good bigint;
    why constant text := data.inbox_reason(reason);
    x data.outbox;
begin
    select t.* into u from data.my_inbox_unread as t
    where t.message_id = lower(data.visible(inbox_unread_give_up.message_id)) and t.message_id <> ''
    order by t.last_at desc limit 1 for no key update;
    if not found and data.visible(inbox_unread_give_up.message_id) is null then
        raise exception 'Без MessageID отказаться от сообщения нельзя: сказать СМЭВ, о каком речь, нечем'
            using errcode = 'invalid_parameter_value',
            hint = 'Убрать его из очереди может только оператор СМЭВ; у которых MessageID есть: select * from '
                'admin.inbox_unread where message_id <> '''' and given_up_at is null';
    end if;
    if not found then
        raise exception 'Сообщения с таким MessageID среди непрочитанных нет' using errcode = 'no_data_found',
            hint = 'Какие есть: select * from admin.inbox_unread where message_id <> '''' and given_up_at is null';
    end if;
    select min(i.inbox_id) into good
    from data.inbox as i where i.agency_code = u.agency_code and i.message_id = u.message_id; -- seen
    if good is not null then
        raise exception 'Обращение с этим MessageID принято (№ %): отвергать его нельзя', good
            using errcode = 'object_not_in_prerequisite_state',
                hint = 'Испорченной копии ничего не нужно: СМЭВ знает, что оно получено';
    end if;
    if exists (select from data.outbox as t where t.agency_code = u.agency_code and t.answer_id = u.message_id) then -- seen
        raise exception 'Ответ портала с этим MessageID принят: отвергать его нельзя'
            using errcode = 'object_not_in_prerequisite_state',
                hint = 'Испорченной копии ничего не нужно: СМЭВ знает, что он получен';
    end if;
    if u.said_at is not null and u.last_at < u.said_at then
        raise exception 'СМЭВ уже сказано: %', to_char(u.said_at, 'DD.MM.YYYY HH24:MI')
            using errcode = 'object_not_in_prerequisite_state';
    end if;
    update data.my_inbox_unread as t set given_up_at = clock_timestamp(), given_up_by = session_user,
        reason = why, say_at = clock_timestamp(), said_at = null
    where t.agency_code = u.agency_code and t.message_id = u.message_id;
    x := data.outbox_unanswered(u, why);
    return 'СМЭВ будет сказано, что сообщение не принято (Ack accepted=false)' || case when x.outbox_id is null then '' else
        format('; исходящее № %1$s %2$s: передать снова — select admin.outbox_requeue(%1$s), сообщено иначе — '
            'select admin.outbox_done(%1$s)', x.outbox_id, case x.state when 'held' then 'задержано'
                else 'сейчас передаётся и будет задержано, когда попытка кончится' end) end;
end $$;
grant execute on function admin.inbox_unread_give_up(text, text) to zapisd_operator;
comment on function admin.inbox_unread_give_up(text, text) is
    'inbox_unread_give_up(MessageID, причина): больше не присылать то, что не читается, не проходит проверку или '
        'отвечает на чужое (FOREIGN: другая программа его тогда не получит); '
        'заявитель ответа не получит, а исходящее, на которое портал так ответил, задерживается до решения. '
        'MessageID никем не подтверждён: сначала сверьте его с оператором СМЭВ. Кто и почему, '
        'записывается. Пример: select admin.inbox_unread_give_up(''6f5b3d2e-cc01-11f0-8a3b-000000000001'', ''испорчено'')';

create or replace function admin.inbox_move(source text, to_source text) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    moved bigint;
    unread bigint;
    stay bigint;
begin
    if not exists (select from data.my_inbox_section as t where t.source = to_source) then
        raise exception 'Раздела [smev3 %] в настройках нет', coalesce(to_source, 'null') using errcode = 'no_data_found',
            hint = 'Сначала перечитайте настройки, в которых он есть: systemctl reload zapisd';
    end if;
    with target as ( -- daemons may have sections of that name for different agencies
        select distinct on (t.agency_code) t.agency_code, t.source, t.version from data.my_inbox_section as t
        where t.source = to_source order by t.agency_code, t.said_at desc
    ), ours as (
        select i.inbox_id, s.source, s.version from data.my_inbox as i join target as s on s.agency_code = i.agency_code
        where i.source = inbox_move.source and (i.source, i.version) <> (s.source, s.version)
            and i.state in ('stored', 'parked', 'answered') and (i.answer is null or i.version = s.version)
        order by i.inbox_id for no key update of i skip locked
    )
    update data.my_inbox as t set source = o.source, version = o.version, attempts = t.attempts + 1
    from ours as o where t.inbox_id = o.inbox_id;
    get diagnostics moved = row_count;
    update data.my_inbox_unread as t set source = s.source
    from data.my_inbox_section as s
    where t.source = inbox_move.source and s.source = to_source and s.agency_code = t.agency_code
        and not data.inbox_has_section(t.source, t.agency_code);
    get diagnostics unread = row_count;
    select count(*) into stay from data.my_inbox as i
    where i.source = inbox_move.source and i.state in ('stored', 'working', 'answered', 'sending', 'parked')
        and not exists (select from data.my_inbox_section as s
            where s.source = to_source and (s.source, s.agency_code, s.version) = (i.source, i.agency_code, i.version));
    return format('Передано: %s', moved + unread) || case when stay = 0 then '' else 
        format('; осталось: %s — они в работе, другого ведомства, или ответ готов в другой версии схем', stay) end;
end $$;
grant execute on function admin.inbox_move(text, text) to zapisd_operator;
comment on function admin.inbox_move(text, text) is
    'inbox_move(раздел, куда): передать обращения раздела [smev3 …], которого в настройках больше нет или который изменён, '
        'другому разделу того же ведомства; с ними и то, что под ним не прочитано, если его нет. '
        'Пример: select admin.inbox_move(''old'', ''epgu'')';
