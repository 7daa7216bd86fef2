-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- The invariants once more, as a question: a healthy database answers with no row.

-- It asks for nearly every table: one that somebody has locked must not make the question itself hang (L1).
create or replace function admin.check() returns table (problem text, what text)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
begin
    return query select * from data.check_rows();
exception when lock_not_available then
    return query select 'проверить нельзя: таблица заблокирована',
        coalesce((select string_agg(format('держит %s (%s), сеанс %s, с %s', l.who,
            coalesce(l.program, 'программа не названа'), l.pid, to_char(l.since, 'DD.MM.YYYY HH24:MI')), '; ')
                from admin.locks() as l), 'кто, сейчас не видно: спросите снова')
        || '; подробнее: select * from admin.locks(), завершить забытый: admin.lock_end';
end $$;
grant execute on function admin.check() to zapisd_operator, zapisd_auditor;
comment on function admin.check() is
    'check(): что в базе не так; ни строки, когда всё в порядке. Индексам не верит: читает таблицы целиком и сверяет с ними '
    'индексы. Пример: select * from admin.check()';
