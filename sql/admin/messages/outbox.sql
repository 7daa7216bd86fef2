-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What the portal is still to be told, without whom it is about; and the hands of people in it, in order per booking.

create or replace view admin.outbox with (security_barrier) as
select x.outbox_id, b.book_id, b.organization_id, x.agency_code, x.state,
    x.payload #>> '{status,statusCode}' as status, x.payload #>> '{status,statusMessage}' as comment,
    x.payload #>> '{timeslot,visitTime}' as visit_time, x.created_at, x.attempts, x.next_attempt_at, x.last_error,
    x.done_at, x.done_by,
    case when x.state in ('answered', 'dropped') then null
        when x.state = 'sending' then 'передаётся до ' || to_char(x.lease_until at time zone o.time_zone, 'DD.MM HH24:MI:SS')
        when x.state = 'sent' then 'ответа портала до ' || to_char(x.deadline at time zone o.time_zone, 'DD.MM HH24:MI')
            || coalesce('; ответ пришёл, но ' || u.words, '')
        when x.state = 'stopped' then 'решения человека: '
            || left(split_part(coalesce(x.last_error, 'портал отказал'), ':', 1), 60)
        when x.state = 'held' then 'решения человека: ' || x.reason
        when e.earlier is not null then 'своей очереди: сначала № ' || e.earlier
        when r.asked_at is null then 'дороги: для этого ведомства передача не настроена, нет [push ' || x.agency_code || ']'
        when r.asked_at < clock_timestamp() - interval '10 minutes' then 'дороги: программа не передаёт с '
            || to_char(r.asked_at at time zone o.time_zone, 'DD.MM HH24:MI')
        when x.last_error ~ '^AGENCY(:|$)' then 'нашего ключа: ' || left(x.last_error, 100)
        when x.next_attempt_at > clock_timestamp() then 'следующей попытки в '
            || to_char(x.next_attempt_at at time zone o.time_zone, 'DD.MM HH24:MI:SS')
        when f.last_error is not null then 'передачи: пробуют по одному, последняя попытка ведомства не удалась: '
            || left(f.last_error, 100)
        when r.asked_at < clock_timestamp() - interval '1 minute' then 'передачи: программа спрашивала об исходящих в '
            || to_char(r.asked_at at time zone o.time_zone, 'HH24:MI:SS') || ', с тех пор нет'
        else 'передачи' end as waits_for,
    coalesce(x.road, r.road) as road, x.sent_at, x.message_id, x.deadline, x.reason, x.changed_at, x.changed_by
from data.my_outbox as x
join data.booking as b using (book_key) -- seen
join data.organization as o on o.organization_id = b.organization_id -- seen
left join data.outbox_road as r on r.agency_code = x.agency_code -- seen
left join lateral (select min(q.outbox_id) as earlier from (
    select t.outbox_id from data.outbox as t -- seen
    where x.state = 'waiting' and t.book_key = x.book_key and t.outbox_id < x.outbox_id
        and t.state not in ('answered', 'dropped') offset 0) as q) as e on true
left join lateral (select case t.event when 'other' then 'о другой записи: '
        else 'не читается или не проходит проверку: ' end || t.reason || coalesce('; обмен № ' || t.journal_id, '') as words
    from data.outbox_event as t -- seen
    where x.state = 'sent' and t.outbox_id = x.outbox_id and t.event in ('unread', 'other') and t.message_id = x.message_id
    order by t.event_id desc limit 1) as u on true
-- What is due and is not taken waits for somebody else's attempt: of a road that fails one row at a time asks whether it is well.
left join lateral (select t.last_error from data.outbox as t -- seen
    where x.state = 'waiting' and x.next_attempt_at < clock_timestamp() - interval '5 seconds' and t.agency_code = x.agency_code
        and t.state = 'waiting' and not t.is_behind and t.next_attempt_at > clock_timestamp() and t.last_error is not null
    order by t.next_attempt_at desc limit 1) as f on true
order by x.outbox_id;
grant select on admin.outbox to zapisd_operator, zapisd_registrar, zapisd_auditor;
comment on view admin.outbox is 'Исходящие порталу (updateBookingDetails): что ждёт и чего, что передано, остановлено, снято. '
    'Пример: select outbox_id, book_id, status, state, waits_for from admin.outbox where state = ''waiting''';
comment on column admin.outbox.outbox_id is 'Номер; по одной записи передаются по порядку, следующее — когда портал '
    'ответил на предыдущее';
comment on column admin.outbox.book_id is 'Номер записи';
comment on column admin.outbox.organization_id is 'Организация';
comment on column admin.outbox.agency_code is 'Ведомство, от которого уйдёт сообщение';
comment on column admin.outbox.state is 'waiting ждёт, sending передаётся, sent передано и ждём ответа портала, '
    'answered портал знает, '
    'stopped отказ портала или СМЭВ, held задержано, dropped снято';
comment on column admin.outbox.status is 'Статус';
comment on column admin.outbox.comment is 'Текст для заявителя';
comment on column admin.outbox.visit_time is 'Время визита, если о нём сообщается';
comment on column admin.outbox.created_at is 'Когда решено';
comment on column admin.outbox.attempts is 'Сколько раз пробовали передать';
comment on column admin.outbox.next_attempt_at is 'Не раньше';
comment on column admin.outbox.last_error is 'Почему не удалось, или что ответил портал';
comment on column admin.outbox.done_at is 'Когда портал ответил, или снято';
comment on column admin.outbox.done_by is 'Кто отметил или снял; пусто — портал ответил сам';
comment on column admin.outbox.waits_for is 'Чего ждёт';
comment on column admin.outbox.road is 'По какой дороге: smev2, smev3; пусто — ни по какой';
comment on column admin.outbox.sent_at is 'Когда ушло в последний раз';
comment on column admin.outbox.message_id is 'Номер сообщения; при повторе тот же';
comment on column admin.outbox.deadline is 'До какого срока ждём ответа портала';
comment on column admin.outbox.reason is 'Почему задержано, снято или передаётся ещё раз';
comment on column admin.outbox.changed_at is 'Когда задержано, возвращено, снято, отказано';
comment on column admin.outbox.changed_by is 'Кем; пусто — порталом или по сроку';

create or replace function admin.outbox_done(outbox_id bigint) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    return data.outbox_hand(outbox_id, 'done', null);
end $$;
grant execute on function admin.outbox_done(bigint) to zapisd_operator;
comment on function admin.outbox_done(bigint) is
    'outbox_done(номер исходящего): порталу сообщено другим путём; по порядку в пределах записи. Пример: select '
    'admin.outbox_done(17)';

create or replace function admin.outbox_done(book_id text) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    return data.outbox_hand(book_id, 'done', null);
end $$;
grant execute on function admin.outbox_done(text) to zapisd_operator;
comment on function admin.outbox_done(text) is
    'outbox_done(номер записи): обо всём, что ждёт по этой записи, порталу сообщено; возвращает, сколько. Пример: '
    'select admin.outbox_done(''6b1c…'')';

create or replace function admin.outbox_hold(outbox_id bigint, reason text default null) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    return data.outbox_hand(outbox_id, 'hold', data.outbox_reason(reason));
end $$;
grant execute on function admin.outbox_hold(bigint, text) to zapisd_operator;
comment on function admin.outbox_hold(bigint, text) is
    'outbox_hold(номер исходящего [, причина]): задержать; следующие той же записи ждут за ним, другие записи идут. '
    'Пример: select admin.outbox_hold(17, ''проверяем адрес'')';

create or replace function admin.outbox_hold(book_id text, reason text default null) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    return data.outbox_hand(book_id, 'hold', data.outbox_reason(reason));
end $$;
grant execute on function admin.outbox_hold(text, text) to zapisd_operator;
comment on function admin.outbox_hold(text, text) is
    'outbox_hold(номер записи [, причина]): задержать всё, что ждёт по записи; возвращает, сколько. Пример: select '
    'admin.outbox_hold(''6b1c…'', ''проверяем адрес'')';

create or replace function admin.outbox_release(outbox_id bigint) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    return data.outbox_hand(outbox_id, 'release', null);
end $$;
grant execute on function admin.outbox_release(bigint) to zapisd_operator;
comment on function admin.outbox_release(bigint) is
    'outbox_release(номер исходящего): больше не задерживать; если уже передавалось, уйдёт то же самое сообщение. '
    'Пример: select admin.outbox_release(17)';

create or replace function admin.outbox_release(book_id text) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    return data.outbox_hand(book_id, 'release', null);
end $$;
grant execute on function admin.outbox_release(text) to zapisd_operator;
comment on function admin.outbox_release(text) is
    'outbox_release(номер записи): больше не задерживать ничего по записи; возвращает, сколько. Пример: select '
    'admin.outbox_release(''6b1c…'')';

create or replace function admin.outbox_requeue(outbox_id bigint) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    return data.outbox_hand(outbox_id, 'requeue', null);
end $$;
grant execute on function admin.outbox_requeue(bigint) to zapisd_operator;
comment on function admin.outbox_requeue(bigint) is
    'outbox_requeue(номер исходящего): передать снова и сейчас: то, что портал отклонил, на что не ответил в срок или '
    'что задержано, — новым сообщением; не дожидаясь следующей попытки. Пример: select admin.outbox_requeue(17)';

create or replace function admin.outbox_requeue(book_id text) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    return data.outbox_hand(book_id, 'requeue', null);
end $$;
grant execute on function admin.outbox_requeue(text) to zapisd_operator;
comment on function admin.outbox_requeue(text) is
    'outbox_requeue(номер записи): передать снова и сейчас всё, что стоит по записи; возвращает, сколько. Пример: '
    'select admin.outbox_requeue(''6b1c…'')';

create or replace function admin.outbox_drop(outbox_id bigint, reason text) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    return data.outbox_hand(outbox_id, 'drop', data.outbox_reason(reason, '17'));
end $$;
grant execute on function admin.outbox_drop(bigint, text) to zapisd_operator;
comment on function admin.outbox_drop(bigint, text) is
    'outbox_drop(номер исходящего, причина): снять, портал этого не узнает; следующие той же записи пойдут. Пример: '
    'select admin.outbox_drop(17, ''запись на портале удалена'')';

create or replace function admin.outbox_drop(book_id text, reason text) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    return data.outbox_hand(book_id, 'drop', data.outbox_reason(reason, '''номер записи'''));
end $$;
grant execute on function admin.outbox_drop(text, text) to zapisd_operator;
comment on function admin.outbox_drop(text, text) is
    'outbox_drop(номер записи, причина): снять всё, что ждёт по записи; возвращает, сколько. Пример: select '
    'admin.outbox_drop(''6b1c…'', ''запись на портале удалена'')';

create or replace function admin.outbox_resend(outbox_id bigint) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    book text;
begin
    select b.book_id into book from data.my_outbox as x join data.booking as b using (book_key) -- seen
    where x.outbox_id = outbox_resend.outbox_id;
    if not found then
        perform data.outbox_unknown(format('Исходящего № %s нет', coalesce(outbox_resend.outbox_id::text, 'null')));
    end if;
    return data.outbox_again(book);
end $$;
grant execute on function admin.outbox_resend(bigint) to zapisd_operator;
comment on function admin.outbox_resend(bigint) is
    'outbox_resend(номер исходящего): сообщить порталу о записи ещё раз, какой она стала теперь; возвращает номер '
    'нового исходящего. Пример: select admin.outbox_resend(17)';

create or replace function admin.outbox_resend(book_id text) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    return data.outbox_again(book_id);
end $$;
grant execute on function admin.outbox_resend(text) to zapisd_operator;
comment on function admin.outbox_resend(text) is
    'outbox_resend(номер записи): сообщить порталу о записи ещё раз, какой она стала теперь; возвращает номер нового '
    'исходящего. Пример: select admin.outbox_resend(''6b1c…'')';
