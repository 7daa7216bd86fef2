-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- A transaction that somebody left open in psql (L1): who it is, since when, what it holds and who waits for it; and its end. An
-- advisory lock may be a session's, which has no transaction then and stands in the way all the same.
-- The query of a session is not shown, it may name a person (J3). Needs the owner to be in pg_read_all_stats and
-- pg_signal_backend.

create or replace function admin.locks()
returns table (pid integer, who text, program text, since timestamptz, is_idle boolean, holds text, waiting bigint, waits text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    with blocked as (
        select b.pid, l.pid as waiter, w.usename::text as who
        from (select distinct t.pid from pg_locks as t where not t.granted) as l
        join pg_stat_activity as w on w.pid = l.pid and w.datname = current_database()
        cross join lateral (select distinct x as pid from unnest(pg_blocking_pids(l.pid)) as x) as b
    ), mine as (
        select k.* from pg_locks as k
        where k.granted and k.database = (select d.oid from pg_database as d where d.datname = current_database())
    )
    select h.pid, coalesce(h.usename::text, '—'), nullif(h.application_name, ''),
        coalesce(h.xact_start, h.state_change),
        coalesce(h.state like 'idle%', false),
        coalesce((select string_agg(distinct c.relname, ', ') from mine as k
            join pg_class as c on c.oid = k.relation and c.relkind in ('r', 'p')
            where k.pid = h.pid and k.locktype = 'relation' and k.mode not in ('AccessShareLock')),
            (select 'именованная блокировка' from mine as k where k.pid = h.pid and k.locktype = 'advisory' limit 1)),
        (select count(*) from blocked as b where b.pid = h.pid),
        (select string_agg(distinct b.who, ', ') from blocked as b where b.pid = h.pid)
    from pg_stat_activity as h
    where h.datname = current_database() and h.pid <> pg_backend_pid()
        and (exists (select from blocked as b where b.pid = h.pid)
            or h.xact_start is null and exists (select from mine as k where k.pid = h.pid and k.locktype = 'advisory')
            -- Who waits gives up and comes again: a table that is held is in the way in between, too.
            or clock_timestamp() - h.xact_start > interval '1 second' and h.backend_type = 'client backend'
                and exists (select from mine as k join pg_class as c on c.oid = k.relation and c.relkind in ('r', 'p')
                    where k.pid = h.pid
                        and k.mode in ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
                        and c.relnamespace = 'data'::regnamespace)
            or h.state like 'idle in transaction%' and clock_timestamp() - h.state_change > interval '1 second')
    order by 7 desc, 4
$$;
grant execute on function admin.locks() to zapisd_operator, zapisd_registrar, zapisd_auditor;
comment on function admin.locks() is
    'locks(): блокировка: чей сеанс держит строки, таблицы или именованную блокировку (who — роль, program — программа, с '
        'какого времени, is_idle — открыл и забыл), и кто его ждёт. Забытый завершает lock_end. '
        'Пример: select * from admin.locks()';

create or replace function admin.lock_end(pid integer) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    h record;
begin
    perform data.need_all();
    select l.* into h from admin.locks() as l where l.pid = lock_end.pid;
    if not found then
        raise exception 'Сеанс % никого не держит, или его уже нет', coalesce(pid::text, 'null') using errcode = 'no_data_found',
            hint = 'Есть: select * from admin.locks()';
    end if;
    if h.who in ('zapisd_daemon', '—') or not h.is_idle then
        raise exception 'Сеанс % (%) не забыт, а работает', pid, h.who using errcode = 'object_not_in_prerequisite_state',
            hint = 'Завершают забытый: is_idle в admin.locks(). Работающий кончится сам или завершит администратор базы: select '
                'pg_terminate_backend(номер)';
    end if;
    begin
        if not pg_terminate_backend(pid) then
            raise exception 'Сеанс % не удалось завершить', pid using errcode = 'no_data_found',
                hint = 'Остался ли: select * from admin.locks()';
        end if;
    exception when insufficient_privilege then
        raise exception 'Сеанс % (%) завершит только администратор базы', pid, h.who using errcode = 'insufficient_privilege',
            hint = format('select pg_terminate_backend(%s)', pid);
    end;
    return format('завершён: %s (%s), что он менял и не сохранил, не сделано', h.who,
        coalesce(h.program, 'программа не названа'));
end $$;
grant execute on function admin.lock_end(integer) to zapisd_operator;
comment on function admin.lock_end(integer) is
    'lock_end(номер сеанса из locks): завершить забытый сеанс, который держит блокировку; не сохранённое им пропадает. '
        'Пример: select admin.lock_end(12345)';
