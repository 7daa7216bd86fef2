-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What stands in others' way and does not end by itself, or may do so at any time (L1, L4): what admin.locks() cannot end, or
-- shows among much else.

create or replace function data.held_open() returns table (title text, what text)
language sql stable as $$
    select 'любой вход может остановить запись', format('функций именованных блокировок, открытых всем, — %s; закроет '
        'администратор базы: zapisd migrate от его имени', count(*))
    from data.advisory_functions() as f where f.is_public having count(*) > 0
    union all
    select 'подготовленная транзакция держит блокировки', format('%s, чья: %s, с %s; администратор базы: rollback prepared %L',
        p.gid, p.owner, to_char(p.prepared, 'DD.MM.YYYY HH24:MI'), p.gid)
    from pg_prepared_xacts as p
    where p.database = current_database() and p.prepared < clock_timestamp() - interval '1 minute'
    union all
    select 'транзакция открыта и забыта', format('сеанс %s, чей: %s (%s), ничего не делает с %s; пока она открыта, место '
        'удалённых строк не освобождается; завершить: select admin.lock_end(%s)', h.pid, h.usename,
        coalesce(nullif(h.application_name, ''), 'программа не названа'), to_char(h.state_change, 'DD.MM.YYYY HH24:MI'), h.pid)
    from pg_stat_activity as h
    where h.datname = current_database() and h.state like 'idle in transaction%'
        and h.state_change < clock_timestamp() - interval '1 hour'
$$;
comment on function data.held_open() is
    'Advisory locks that everybody may take, prepared transactions, transactions left open for more than an hour: as '
        'admin.check() tells them';
