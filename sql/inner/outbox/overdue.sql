-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What time does to the outbox, and what of it people have to know (M8, L4): answers that did not come, rows left aside, and what
-- stands. A piece of housekeeping.

drop function if exists data.outbox_unread(data.outbox); -- strange.sql has it
create or replace function data.outbox_smev_has(p_outbox_id bigint, p_attempt integer, p_road text, has_octets boolean)
returns boolean language plpgsql stable as $$
begin
    return p_road = 'smev3' and has_octets and exists (
        select from data.outbox_event as e where e.outbox_id = p_outbox_id and e.event = 'queued' and e.attempt = p_attempt);
end $$;
comment on function data.outbox_smev_has(bigint, integer, text, boolean) is
    'Whether SMEV 3 has taken the message of a row as it is: under the same number it gives the portal nothing any more';

create or replace function data.outbox_overdue(at_most integer) returns bigint
language plpgsql as $$
declare
    x data.outbox;
    strange text;
    n bigint := 0;
begin
    for x in
        select t.* from data.outbox as t where t.state = 'sent' and t.deadline <= clock_timestamp()
        order by t.deadline limit at_most for no key update skip locked
    loop
        strange := data.outbox_strange(x);
        perform data.outbox_put(x, 'held', null, x.last_error, coalesce(strange, 'ответа портала в срок не получено'), null);
        perform data.outbox_note(x, 'overdue', strange);
        n := n + 1;
    end loop;
    return n;
end $$;
comment on function data.outbox_overdue(integer) is
    'Holds at most so many rows whose answer did not come in time: they are not skipped, somebody has to look';

-- Somebody had the row at the moment when the one before it ended.
create or replace function data.outbox_stray() returns bigint
language plpgsql as $$
declare
    key text;
    n bigint := 0;
begin
    for key in
        with recursive k (book_key) as (
            (select x.book_key from data.outbox as x where x.is_behind order by x.book_key limit 1)
            union all
            select (select x.book_key from data.outbox as x where x.is_behind and x.book_key > k.book_key
                order by x.book_key limit 1)
            from k where k.book_key is not null
        )
        select k.book_key from k
        join data.outbox as x on x.outbox_id = data.outbox_front(k.book_key)
        where k.book_key is not null and x.is_behind
    loop
        perform data.outbox_next(key);
        n := n + 1;
    end loop;
    return n;
end $$;
comment on function data.outbox_stray() is
    'Lets rows go that are set aside and have nothing before them any more; how many there were';

create or replace function data.keep_outbox() returns text
language sql as $$
    select nullif(concat_ws(', ', nullif(data.outbox_overdue(200), 0) || ' not answered in time',
        nullif(data.outbox_stray(), 0) || ' set free'), '')
$$;
comment on function data.keep_outbox() is 'A piece of the task outbox: what it did, null when there was nothing';

-- A year of rows that ended lies behind the index of the open ones, whatever the caller thinks of indexes.
create or replace function data.outbox_troubles() returns table (problem text, title text, what text)
language sql stable set enable_indexscan = on set enable_bitmapscan = on as $$
    with open as (
        select x.agency_code, x.outbox_id, x.created_at, case
            when x.state = 'stopped' then case data.outbox_refuser(x.last_error) when 'портал отказал' then 'stopped'
                when 'СМЭВ отказала' then case when x.last_error ~ data.outbox_unfit() then 'unfit' else 'stopped by smev' end
                else 'unmade' end
            when x.state = 'held' then case when r.road is not null
                and data.outbox_would_stray(x.road, x.octets is not null, x.is_unsure, x.state, r.road) then 'strayed'
                when data.outbox_smev_has(x.outbox_id, x.attempts, x.road, x.octets is not null) then 'unanswered' else 'held' end
            when x.state = 'sent' and exists (select from data.outbox_event as e
                where e.outbox_id = x.outbox_id and e.event = 'other' and e.message_id = x.message_id) then 'other'
            when x.state = 'sent' and x.road = 'smev3'
                and not exists (select from data.inbox_section as s where s.agency_code = x.agency_code) then 'unasked'
            when x.is_behind then 'behind' -- of one that is told already
            when r.asked_at is null or r.asked_at < clock_timestamp() - interval '10 minutes' then 'no road'
            when data.lacks_key(x.last_error) then 'unsigned'
            when data.outbox_is_unregistered(x.last_error) then 'unregistered'
            when data.outbox_is_clock(x.last_error) then 'clock'
            else 'road' end as kind
        from data.my_outbox as x
        left join data.outbox_road as r on r.agency_code = x.agency_code
        where x.state not in ('answered', 'dropped')
    ), told as (
        select o.agency_code, o.kind, count(*) as n, min(o.created_at) as since, min(o.outbox_id) as outbox_id
        from open as o group by o.agency_code, o.kind
    )
    select format(v.problem, t.agency_code, t.n), v.title,
        format('ведомство %s: %s, первое № %s (запись %s) от %s; ', t.agency_code, t.n, t.outbox_id, b.book_id,
            to_char(f.created_at, 'DD.MM.YYYY HH24:MI'))
        || format(v.advice, t.outbox_id, coalesce(f.last_error, 'причина не сказана'), coalesce(f.reason, '—'), t.agency_code,
            b.book_id)
    from told as t
    join data.outbox as f on f.outbox_id = t.outbox_id
    join data.booking as b on b.book_key = f.book_key
    join (values
        ('stopped', interval '0', 'agency %s: the portal refuses updates (%s)',
            'портал отказал, об этих записях он больше не узнает ничего',
            'ответ портала: %2$s; передать снова: select admin.outbox_requeue(%1$s), снять: select admin.outbox_drop(%1$s, '
            '''причина'')'),
        ('stopped by smev', interval '0', 'agency %s: SMEV refuses updates (%s)', 'СМЭВ не берёт исходящие порталу',
            '%2$s; проверьте регистрацию вида сведений и право отправлять его; передать снова: '
            'select admin.outbox_requeue(%1$s), снять: select admin.outbox_drop(%1$s, ''причина'')'),
        ('unfit', interval '0', 'agency %s: SMEV refuses updates (%s)', 'СМЭВ не берёт исходящие порталу',
            '%2$s; она не берёт самого сообщения: сверьте версию схем и получателя, покажите его оператору СМЭВ; передать снова: '
            'select admin.outbox_requeue(%1$s), снять: select admin.outbox_drop(%1$s, ''причина'')'),
        ('unmade', interval '0', 'agency %s: updates cannot be made (%s)', 'сообщение порталу не составить',
            '%2$s; исправив: select admin.outbox_requeue(%1$s), снять: select admin.outbox_drop(%1$s, ''причина'')'),
        ('unsigned', interval '0', 'agency %s: updates wait for a key of ours (%s)', 'подписать нечем: исходящие порталу ждут',
            '%2$s; новые файлы, перечитать настройки, и всё пойдёт само'),
        ('unregistered', interval '0', 'agency %s: SMEV does not know what we send, or us (%s)',
            'для исходящих порталу нет регистрации в СМЭВ',
            '%2$s; проверьте регистрацию у оператора СМЭВ: сертификат, вид сведений, право отправлять его, версию схем; '
            'программа пробует сама раз в пять минут, а сейчас: select admin.outbox_requeue(%1$s)'),
        ('clock', interval '0', 'agency %s: SMEV calls numbers of changes stale that are new (%s)',
            'СМЭВ называет устаревшими номера, созданные только что: неверны часы',
            '%2$s; сверьте часы этой машины с точным временем и с часами СМЭВ; когда они верны, программа передаст всё сама'),
        ('strayed', interval '0', 'agency %s: the road was changed, updates are held (%s)',
            'исходящие порталу задержаны: дорога сменилась',
            'портал мог получить их по прежней; спросите его; не получил — передать по новой: '
            'select admin.outbox_requeue(%1$s), знает — select admin.outbox_done(%1$s)'),
        ('unanswered', interval '0', 'agency %s: updates are held (%s)', 'исходящие порталу задержаны',
            'причина: %3$s; СМЭВ взяла, портал не ответил: передать новым сообщением: select admin.outbox_requeue(%1$s), портал '
            'уже знает: select admin.outbox_done(%1$s)'),
        ('unasked', interval '0', 'agency %s: changes wait for answers that nobody asks for (%s)',
            'ответы портала никто не забирает: нет раздела [smev3]',
            'переданы через СМЭВ 3, ответы придут в очередь ведомства; верните раздел [smev3 …] ведомства %4$s и перечитайте '
            'настройки; что ждёт: select outbox_id, waits_for from admin.outbox where state = ''sent'''),
        ('held', interval '0', 'agency %s: updates are held (%s)', 'исходящие порталу задержаны',
            'причина: %3$s; передать: select admin.outbox_release(%1$s), новым сообщением: select admin.outbox_requeue(%1$s)'),
        ('other', interval '0', 'agency %s: answers of the portal tell other bookings (%s)',
            'ответ портала — о другой записи',
            'узнал ли портал об этой записи, неизвестно: спросите его; что пришло: select * from admin.why(''%5$s''); верного '
            'ответа программа ждёт до срока, потом исходящее будет задержано'),
        ('road', interval '1 hour', 'agency %s: updates wait for more than an hour (%s)', 'порталу не передано дольше часа',
            'последняя попытка: %2$s; чего ждут: select outbox_id, waits_for from admin.outbox where state = ''waiting'''),
        ('no road', interval '1 day', 'agency %s: nobody sends its updates (%s)', 'исходящие порталу никто не передаёт',
            'в zapisd.conf нет [push %4$s], или программа не работает; сообщили сами — admin.outbox_done(%1$s)')
    ) as v (kind, patience, problem, title, advice) on v.kind = t.kind
    where t.since < clock_timestamp() - v.patience or v.patience = interval '0'
    order by t.agency_code, v.kind
$$;
comment on function data.outbox_troubles() is
    'What stands in the outbox, a row an agency and kind: refused, held, waiting for more than an hour, with nobody to send it';
