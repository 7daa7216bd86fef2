-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- A partition of the journal for this month and the next ones, so that a month can later leave as a table (J2).
-- A month whose rows already went to the default partition cannot be split off while they are there: it is skipped and named.

create or replace function admin.journal_partitions(months_ahead integer default 3)
returns table (partition_name text, outcome text)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    first_day date;
begin
    if months_ahead is null or months_ahead not between 0 and 60 then
        raise exception 'Месяцев вперёд — от 0 до 60, а не %', coalesce(months_ahead::text, 'null') using errcode = 'invalid_parameter_value';
    end if;
    for n in 0 .. months_ahead loop
        first_day := date_trunc('month', now() at time zone 'UTC')::date + make_interval(months => n);
        partition_name := 'journal_' || to_char(first_day, 'YYYY_MM');
        if to_regclass('data.' || partition_name) is not null then
            outcome := 'exists';
        elsif exists (select from data.journal_default as j
                      where j.at >= first_day::timestamp at time zone 'UTC'
                          and j.at < (first_day + interval '1 month') at time zone 'UTC') then
            outcome := 'skipped: journal_default holds rows of that month';
        else
            execute format('create table data.%I partition of data.journal for values from (%L) to (%L)', partition_name,
                first_day || ' 00:00:00+00', (first_day + interval '1 month')::date || ' 00:00:00+00');
            execute format('comment on table data.%I is %L', partition_name, 'Journal of ' || to_char(first_day, 'YYYY-MM'));
            execute format('create trigger journal_append_only before update or delete or truncate on data.%I
                for each statement execute function data.refuse_change()', partition_name);
            execute format('comment on trigger journal_append_only on data.%I is %L', partition_name,
                'Not even the owner rewrites the journal by accident (J2)');
            outcome := 'created';
        end if;
        return next;
    end loop;
end $$;
alter function admin.journal_partitions(integer) owner to zapisd_owner;
revoke all on function admin.journal_partitions(integer) from public;
grant execute on function admin.journal_partitions(integer) to zapisd_operator;
comment on function admin.journal_partitions(integer) is 
    'journal_partitions([месяцев вперёд]): разделы журнала на будущее; раз в месяц. Пример: select * from admin.journal_partitions()';
