-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What housekeeping is behind with (L4): asked by the daemon for /readyz and metrics, by admin.check() and
-- admin.housekeeping. An hour is allowed for anything: after an installation, a change, a night without the daemon.

-- What was kept of a failure, for people: data.error_words and the daemon's words are for the log.
create or replace function data.failure_words(p_error text) returns text
language sql immutable parallel safe
return case
    when p_error is null then null
    when p_error ~ '^the clock was set back' then 'часы базы переведены назад'
    when p_error ~ '^the clock was ahead' then 'часы базы уходили вперёд: сроки исправлены'
    when p_error = 'somebody is at what is left' then 'остальное сейчас кто-то меняет'
    when p_error ~ '\([0-9A-Z?]{5}\)$' then coalesce(case substring(p_error from '\(([0-9A-Z?]{5})\)$')
        when '57014' then 'не хватило времени' when '55P03' then 'нужное не освободили вовремя' when '40P01' then
            'взаимная блокировка'
        when '40001' then 'помешала другая транзакция' when '53100' then 'нет места на диске' when '53200' then
            'не хватило памяти'
        when '25006' then 'сервер только для чтения' when '42501' then 'не хватает прав' when '42P01' then 'нет таблицы'
    end, 'не удалось') || ' ' || substring(p_error from '\([0-9A-Z?]{5}\)$')
    else 'ошибка «' || p_error || '»' end;
comment on function data.failure_words(text) is 'A kept failure in words for the operator';

drop function if exists data.lags();
create or replace function data.lags() returns table (task text, problem text, title text, what text)
language sql stable as $$
    select 'journal', 'journal has no partition for next month', 'у журнала нет раздела на следующий месяц',
        format('раздел %s%s; создаёт select * from admin.journal_partitions()', data.journal_partition(1), case when exists (
            select from data.journal_default as j
            where j.at >= (date_trunc('month', now() at time zone 'UTC') + interval '1 month') at time zone 'UTC')
            then ': строки этого месяца уже в journal_default, и пока они там, раздел не создать' else '' end)
    where to_regclass('data.' || data.journal_partition(1)) is null
        and exists (select from data.schema_version as v where v.name = '018_housekeeping.sql'
            and v.applied_at < now() - interval '1 hour')
    union all
    select 'generate', 'slots are not made up to the horizon', 'интервалы не созданы до горизонта',
        format('организация %s: с %s%s; создаёт select admin.generate(%L)', s.organization_id,
            coalesce(to_char(s.due_from, 'DD.MM.YYYY'), 'сегодняшнего дня'), ', ' || data.failure_words(s.last_error),
            s.organization_id)
    from data.schedule_state as s
    join data.organization as o using (organization_id)
    where data.is_schedule_due(s, o) and data.may_see(o.organization_id)
        and (s.due_since < now() - interval '1 hour' or s.due_since is null and s.due_from < data.horizon_day(o))
    union all
    select 'closure', 'closure does not go on', 'закрытие не продвигается',
        format('закрытие № %s: %s; что осталось: select * from admin.closures, продолжает select * from admin.go_on()',
            c.closure_id, coalesce(data.failure_words(p.last_error), 'причина неизвестна'))
    from data.my_closure as c
    join data.closure_progress as p using (closure_id)
    where c.state = 'working' and p.failed_in_row >= 5
    union all
    select h.task, 'housekeeping fails', 'программе не удаётся её работа',
        format('%s (%s): %s; когда снова: select * from admin.housekeeping, причина подробнее — в журнале службы',
            h.title, h.task, coalesce(data.failure_words(h.last_error), 'причина неизвестна'))
    from data.housekeeping as h
    where h.failed_in_row >= 3
    union all
    -- From its first words on it is of no two minutes alike, and a line of the log each.
    select h.task, 'the clock of the database was wrong', 'часы базы данных были неверны', format('%s: %s; сверьте часы сервера '
        'базы с точным временем (NTP); сроки, записанные из будущего, программа исправляет сама', to_char(h.last_failure,
            'DD.MM.YYYY HH24:MI'), data.failure_words(h.last_error))
    from data.housekeeping as h
    where h.task = 'clock' and h.last_error ~ '^the clock was' and h.last_failure > now() - interval '1 hour'
        and h.last_failure < clock_timestamp() + interval '1 minute'
    union all
    select 'outbox', t.problem, t.title, t.what from data.outbox_troubles() as t
$$;
comment on function data.lags() is
    'What housekeeping is behind with, one row a trouble; none when all is well. problem is for the log, title and what to do '
    'are for people';
