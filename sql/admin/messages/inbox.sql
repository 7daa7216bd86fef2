-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Messages of SMEV 3, without whom they are about; and what a person may do with one.

create or replace view admin.inbox with (security_barrier) as
select i.inbox_id, i.source, i.agency_code, i.sender_code, i.message_id, i.kind, i.version, i.is_test, i.state, i.received_at,
    i.acked_at, i.attempts, case when i.state in ('stored', 'working', 'answered', 'sending') then i.due_at end as due_at,
    i.last_error, i.answered_at, i.status, i.ended_at, i.ended_by, i.reason, i.others, i.verdict, i.sendings,
    (select count(*) from data.inbox_file as f where f.inbox_id = i.inbox_id) as files -- seen
from data.my_inbox as i
order by i.inbox_id;
grant select on admin.inbox to zapisd_operator, zapisd_auditor;
comment on view admin.inbox is 'Входящие из очереди СМЭВ 3: что получено, на что отвечено, что отложено. '
    'Пример: select * from admin.inbox where state = ''parked''';
comment on column admin.inbox.inbox_id is 'Номер';
comment on column admin.inbox.source is 'Раздел [smev3 …] настроек, которым получено';
comment on column admin.inbox.agency_code is 'Ведомство, в чьей очереди стояло';
comment on column admin.inbox.sender_code is 'Мнемоника отправителя';
comment on column admin.inbox.message_id is 'Номер сообщения в СМЭВ (MessageID)';
comment on column admin.inbox.kind is 'request запрос, broadcast рассылка, cancel отзыв (на два последних не отвечают)';
comment on column admin.inbox.version is 'Версия схем СМЭВ 3';
comment on column admin.inbox.is_test is 'Проверочное: данные не меняются';
comment on column admin.inbox.state is 'stored ждёт, working в работе, answered ответ готов, sending передаётся, sent ответ '
    'передан, '
    'closed ответа не требует, parked отложено до решения человека, given_up снято человеком';
comment on column admin.inbox.received_at is 'Когда получено';
comment on column admin.inbox.acked_at is 'Когда СМЭВ узнала об этом';
comment on column admin.inbox.attempts is 'Сколько раз брались';
comment on column admin.inbox.due_at is 'Когда возьмутся снова';
comment on column admin.inbox.last_error is 'Почему не удалось в прошлый раз';
comment on column admin.inbox.answered_at is 'Когда готов ответ';
comment on column admin.inbox.status is 'Чем кончилось: статус, ошибка или отказ';
comment on column admin.inbox.ended_at is 'Когда всё закончено';
comment on column admin.inbox.ended_by is 'Кто снял';
comment on column admin.inbox.reason is 'Почему отложено или снято; «СМЭВ отказала: …» — ответ она взяла, а потом отвергла';
comment on column admin.inbox.others is 'Сколько раз под тем же номером пришло другое';
comment on column admin.inbox.verdict is 'Подписи: СМЭВ; sender — отправителя (ЭП-ОВ), person — должностного лица (ЭП-СП): '
    'good верна, tolerated верна, но оформлена не по правилам, none нет, иначе — что с ней не так';
comment on column admin.inbox.sendings is 'Сколько раз из них — чтобы передать готовый ответ';
comment on column admin.inbox.files is 'Сколько файлов при нём: admin.inbox_files';

create or replace function admin.inbox_files(inbox_id bigint)
returns table (number integer, place text, file_id text, mime_type text, hash text, is_signed boolean, size bigint, content text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select f.number, f.place, f.file_id, f.mime_type, f.hash, f.is_signed, f.size, f.content
    from data.my_inbox as i
    join data.inbox_file as f on f.inbox_id = i.inbox_id -- seen
    where i.inbox_id = inbox_files.inbox_id
    order by f.number
$$;
grant execute on function admin.inbox_files(bigint) to zapisd_operator, zapisd_auditor;
comment on function admin.inbox_files(bigint) is
    'inbox_files(номер входящего): какие файлы при нём; place: message пришёл в сообщении, store лежал в хранилище СМЭВ; content '
        '— имя файла в каталоге files_dir (пусто: не получали). Пример: select * from admin.inbox_files(17)';

create or replace function admin.inbox_calls(inbox_id bigint)
returns table (at timestamptz, operation text, outcome text, journal_id bigint)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select c.at, c.operation, c.outcome, c.journal_id
    from data.my_inbox as i
    join data.inbox_call as c on c.inbox_id = i.inbox_id -- seen
    where i.inbox_id = inbox_calls.inbox_id
    order by c.at, c.journal_id
$$;
grant execute on function admin.inbox_calls(bigint) to zapisd_operator, zapisd_auditor;
comment on function admin.inbox_calls(bigint) is
    'inbox_calls(номер входящего): когда и чем это сообщение обменивались со СМЭВ и что она ответила. '
        'Пример: select * from admin.inbox_calls(17)';

-- Which other agency SMEV names is compared with our mnemonic when it is worked on: what is still another's is put aside again,
-- unless a person says that it is ours.
drop function if exists admin.inbox_retry(bigint); -- it took all of them for ours
create or replace function admin.inbox_retry(inbox_id bigint, is_ours boolean default false) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    i constant data.inbox := data.inbox_lock(inbox_retry.inbox_id);
    named constant text := case when i.answer is null and i.refusal ~ '^RECIPIENT( |$)'
        then coalesce(nullif(split_part(i.refusal, ' ', 2), ''), '?') end;
begin
    if coalesce(inbox_retry.is_ours, false) and named is null then
        raise exception 'В нём не назван другой получатель' using errcode = 'object_not_in_prerequisite_state',
            hint = format('Взяться снова: select admin.inbox_retry(%s)', i.inbox_id);
    end if;
    if i.state not in ('parked', 'stored', 'answered') then
        raise exception '%', case when i.state in ('working', 'sending') then 'Оно сейчас в работе'
            else 'С ним уже закончено: ' || i.state end using errcode = 'object_not_in_prerequisite_state',
            hint = format('Подробно: select * from admin.inbox_calls(%s)', i.inbox_id);
    end if;
    if i.answer is null and i.refusal = 'REPLY_TO' then
        raise exception 'Отвечать некуда: в обращении нет адреса для ответа (ReplyTo)'
            using errcode = 'object_not_in_prerequisite_state',
            hint = format('Снять: select admin.inbox_give_up(%s, ''отвечать некуда'')', i.inbox_id);
    end if;
    if i.answer is null and i.octets is null then
        perform data.inbox_answer_is_gone(i);
    end if;
    update data.my_inbox as t set state = case when i.answer is null then 'stored' else 'answered' end, due_at =
        clock_timestamp(),
        reason = null,
        refusal = case when named is not null and inbox_retry.is_ours
            then nullif(split_part(t.refusal, ' ', 3), '') else t.refusal end
    where t.inbox_id = i.inbox_id;
    if not data.inbox_is_served(i.source, i.agency_code, i.version) then
        return format('Будет взято, когда в настройках будет раздел [smev3 %s] ведомства %s версии %s; сейчас его нет', i.source,
            i.agency_code, i.version);
    elsif data.inbox_is_spent(i.answer_id, i.refused_ids) then
        return 'Ответ будет подписан заново и передан под новым номером: прежний СМЭВ отвергла';
    elsif i.answer is not null then
        return 'Готовый ответ будет передан снова';
    elsif named is null then
        return 'Будет обработано снова' || case when data.inbox_is_fileless(i.reason) then ', без файлов: СМЭВ знает, что оно '
            'получено, и их больше не взять' else '' end;
    elsif inbox_retry.is_ours then
        return format('Будет обработано, хотя получателем назван %s: так решили вы', named);
    end if;
    return format('Будет обработано, если mnemonic теперь %s; иначе откладывается снова. Выполнить, кто бы ни был назван: '
        'select admin.inbox_retry(%s, true)', named, i.inbox_id);
end $$;
grant execute on function admin.inbox_retry(bigint, boolean) to zapisd_operator;
comment on function admin.inbox_retry(bigint, boolean) is
    'inbox_retry(номер входящего[, true]): взяться снова и сейчас же — обработать, а если ответ уже готов, передать его '
        '(тот, что СМЭВ взяла и потом отвергла, — под новым номером). '
        'Обращение, где получателем назван не mnemonic раздела, откладывается снова; true — выполнить и его, оно наше. '
        'Пример: select admin.inbox_retry(17)';

create or replace function admin.inbox_resign(inbox_id bigint) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    i constant data.inbox := data.inbox_lock(inbox_resign.inbox_id);
begin
    if i.answer is null and i.octets is null and i.state = 'parked' then
        perform data.inbox_answer_is_gone(i);
    end if;
    if i.answer is null or i.state not in ('parked', 'answered') then
        raise exception '%', case when i.state in ('sent', 'closed', 'given_up') then 'С ним уже закончено: ' || i.state
            when i.state in ('working', 'sending') then 'Оно сейчас в работе' else 'Ответа ещё нет' end
            using errcode = 'object_not_in_prerequisite_state',
            hint = format(case when i.state in ('parked', 'stored') then 'Обработать его: select admin.inbox_retry(%s)'
                else 'Подробно: select * from admin.inbox_calls(%s)' end, i.inbox_id);
    end if;
    update data.my_inbox as t set state = 'answered', due_at = clock_timestamp(), afresh = true, reason = null
    where t.inbox_id = i.inbox_id;
    return 'Готовый ответ будет подписан заново и передан; содержание '
        || case when data.inbox_is_spent(i.answer_id, i.refused_ids) then 'прежнее, номер новый: прежний СМЭВ отвергла'
            else 'и номер прежние' end;
end $$;
grant execute on function admin.inbox_resign(bigint) to zapisd_operator;
comment on function admin.inbox_resign(bigint) is
    'inbox_resign(номер входящего): подписать готовый ответ заново действующим ключом и передать; содержание и номер прежние. '
        'Если ключ сменился, ответ подписывается заново и без этого. Пример: select admin.inbox_resign(17)';

create or replace function admin.inbox_give_up(inbox_id bigint, reason text) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    why constant text := data.inbox_reason(reason);
    i constant data.inbox := data.inbox_lock(inbox_give_up.inbox_id);
begin
    if i.state in ('sent', 'closed', 'given_up') then
        raise exception 'С ним уже закончено: %', i.state using errcode = 'object_not_in_prerequisite_state',
            hint = format('Подробно: select * from admin.inbox_calls(%s)', i.inbox_id);
    end if;
    if i.state in ('working', 'sending') and i.due_at > clock_timestamp() then
        raise exception 'Оно сейчас в работе' using errcode = 'object_not_in_prerequisite_state',
            hint = format('Повторите после %s', to_char(i.due_at, 'HH24:MI:SS'));
    end if;
    update data.my_inbox as t set state = 'given_up', owner = null, reason = why,
        ended_at = clock_timestamp(), ended_by = session_user, attempts = i.attempts + 1
    where t.inbox_id = i.inbox_id;
    return case when i.answer is null then 'Снято без ответа' else 'Снято; готовый ответ не передаётся' end;
end $$;
grant execute on function admin.inbox_give_up(bigint, text) to zapisd_operator;
comment on function admin.inbox_give_up(bigint, text) is
    'inbox_give_up(номер входящего, причина): больше не браться; заявитель ответа не получит. Кто и почему, записывается. '
        'Пример: select admin.inbox_give_up(17, ''отправитель просит не отвечать'')';
