-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- A partition of the journals for this month and the next ones, so that a month can later leave as a table (J2).
-- A month whose rows already went to the default partition cannot be split off while they are there: it is skipped and named.

create or replace function admin.journal_partitions(months_ahead integer default 3)
returns table (partition_name text, outcome text)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if months_ahead is null or months_ahead not between 0 and 60 then
        raise exception 'Месяцев вперёд — от 0 до 60, а не %', coalesce(months_ahead::text, 'null')
            using errcode = 'invalid_parameter_value';
    end if;
    perform data.need_all();
    return query select * from data.journal_months(months_ahead);
end $$;
grant execute on function admin.journal_partitions(integer) to zapisd_operator;
comment on function admin.journal_partitions(integer) is
    'journal_partitions([месяцев вперёд]): разделы журналов на будущее; раз в месяц. '
        'Пример: select * from admin.journal_partitions()';
