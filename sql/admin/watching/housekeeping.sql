-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What the daemon does by itself, seen from the console (L4).

create or replace function admin.housekeeping_lags(task text) returns text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select string_agg(g.title || ': ' || g.what, '; ') from data.lags() as g where g.task = housekeeping_lags.task
$$;
grant execute on function admin.housekeeping_lags(text) to zapisd_operator, zapisd_auditor;
comment on function admin.housekeeping_lags(text) is
    'housekeeping_lags(задача): в чём программа отстала; пусто — ни в чём. Пример: select admin.housekeeping_lags(''generate'')';

create or replace view admin.housekeeping with (security_barrier) as
select h.task, h.title, exists (
        select from pg_locks as l
        where l.locktype = 'advisory' and l.classid = 3290006 -- data.housekeeping_lock_class()
            and l.objid = h.number::oid and l.objsubid = 2
            and l.database = (select d.oid from pg_database as d where d.datname = current_database())) as is_running,
    h.last_run, h.last_success, h.last_did, h.last_ms::numeric(10, 1) as last_ms, h.runs, h.failures,
        h.last_failure, h.last_error,
    greatest(h.not_before, h.last_run + make_interval(secs => h.every_s)) as next_run, admin.housekeeping_lags(h.task) as behind
from data.housekeeping as h
order by h.number;
grant select on admin.housekeeping to zapisd_operator, zapisd_auditor;
comment on view admin.housekeeping is
    'Что программа делает сама: когда в последний раз, с какой ошибкой, когда снова, в чём отстала. '
    'Пример: select * from admin.housekeeping';
comment on column admin.housekeeping.task is 'Задача: sweep, outcomes, closure, generate, journal';
comment on column admin.housekeeping.title is 'Она же словами';
comment on column admin.housekeeping.is_running is 'Выполняется прямо сейчас';
comment on column admin.housekeeping.last_run is 'Последний раз';
comment on column admin.housekeeping.last_success is 'Последний раз без ошибки';
comment on column admin.housekeeping.last_did is 'Что тогда сделано';
comment on column admin.housekeeping.last_ms is 'Сколько это заняло, мс';
comment on column admin.housekeeping.runs is 'Сколько раз выполнялась';
comment on column admin.housekeeping.failures is 'Из них с ошибкой';
comment on column admin.housekeeping.last_failure is 'Когда была последняя ошибка';
comment on column admin.housekeeping.last_error is 'Какая; без данных о людях';
comment on column admin.housekeeping.next_run is 'Не раньше; после ошибки пауза растёт до 10 минут';
comment on column admin.housekeeping.behind is 'В чём отстала; пусто — ни в чём';
