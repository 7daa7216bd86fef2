-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Partitions of the journals, and the end of what was refused (J2).

create or replace function data.journal_partition(p_months_ahead integer) returns text
language sql stable
return 'journal_' || to_char((now() at time zone 'UTC') + make_interval(months => p_months_ahead), 'YYYY_MM');
comment on function data.journal_partition(integer) is 'Name of the partition of the journal for a month to come';

create or replace function data.journal_month(journal text, first_day date) returns text
language plpgsql as $$
declare
    partition_name constant text := journal || '_' || to_char(first_day, 'YYYY_MM');
    is_late boolean;
begin
    if to_regclass('data.' || partition_name) is not null then
        return 'exists';
    end if;
    execute format('select exists (select from data.%I as j where j.at >= $1 and j.at < $2)', journal || '_default') into is_late
        using first_day::timestamp at time zone 'UTC', (first_day + interval '1 month') at time zone 'UTC';
    if is_late then
        return format('skipped: %s_default holds rows of that month', journal);
    end if;
    execute format('create table data.%I partition of data.%I for values from (%L) to (%L)', partition_name, journal,
        first_day || ' 00:00:00+00', (first_day + interval '1 month')::date || ' 00:00:00+00');
    execute format('comment on table data.%I is %L', partition_name, initcap(replace(journal, '_', ' ')) || ' of '
        || to_char(first_day, 'YYYY-MM'));
    execute format('create trigger journal_append_only before update or delete or truncate on data.%I
        for each statement execute function data.refuse_change()', partition_name);
    execute format('comment on trigger journal_append_only on data.%I is %L', partition_name,
        'Not even the owner rewrites the journal by accident (J2)');
    return 'created';
end $$;
comment on function data.journal_month(text, date) is 'Makes the partition of a month that begins on this day, or says why not';

create or replace function data.journal_months(p_months_ahead integer) returns table (partition_name text, outcome text)
language plpgsql as $$
declare
    first_day date;
    journal text;
begin
    foreach journal in array array['journal', 'journal_refused'] loop
        for n in 0 .. p_months_ahead loop
            first_day := date_trunc('month', now() at time zone 'UTC')::date + make_interval(months => n);
            partition_name := journal || '_' || to_char(first_day, 'YYYY_MM');
            outcome := data.journal_month(journal, first_day);
            return next;
        end loop;
    end loop;
end $$;
comment on function data.journal_months(integer) is
    'A partition of each journal for this month and so many more; what became of each (J2)';

create or replace function data.journal_default(journal text) returns void
language plpgsql as $$
begin
    execute format('create table data.%I partition of data.%I default', journal || '_default', journal);
    execute format('alter table data.%I owner to zapisd_owner', journal || '_default');
    execute format('comment on table data.%I is %L', journal || '_default', 'Rows of months that have no partition yet');
    execute format('create trigger journal_append_only before update or delete or truncate on data.%I
        for each statement execute function data.refuse_change()', journal || '_default');
    execute format('comment on trigger journal_append_only on data.%I is %L', journal || '_default',
        'Rows are only added; they leave as a whole month (J2)');
end $$;
comment on function data.journal_default(text) is 'Makes the default partition of a journal';

-- What nobody vouches for leaves when it is of no more use; the journal of messages never does by itself.
create or replace function data.journal_refused_expire(keep interval default '3 months') returns text
language plpgsql as $$
declare
    old text;
begin
    select c.relname into old
    from pg_inherits as i join pg_class as c on c.oid = i.inhrelid
    where i.inhparent = 'data.journal_refused'::regclass and c.relname ~ '^journal_refused_[0-9]{4}_[0-9]{2}$'
        and to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month' <= (now() - keep) at time zone 'UTC'
    order by c.relname
    limit 1;
    if old is not null then
        execute format('drop table data.%I', old);
    end if;
    return old;
end $$;
comment on function data.journal_refused_expire(interval) is
    'Drops the oldest month of data.journal_refused that ended so long ago; its name, or null when there is none';

-- Months whose rows went to the default partition before they had one of their own leave as a whole, too: with what of it is
-- still of use in a new one, since rows are only added.
create or replace function data.journal_refused_expire_default(keep interval default '3 months') returns text
language plpgsql as $$
declare
    cutoff constant timestamptz := date_trunc('month', (now() - keep) at time zone 'UTC') at time zone 'UTC';
begin
    if not exists (select from data.journal_refused_default as j where j.at < cutoff) then
        return null;
    end if;
    alter table data.journal_refused detach partition data.journal_refused_default;
    alter table data.journal_refused_default rename to journal_refused_old;
    perform data.journal_default('journal_refused');
    insert into data.journal_refused select j.* from data.journal_refused_old as j where j.at >= cutoff;
    drop table data.journal_refused_old;
    return format('journal_refused_default before %s', to_char(cutoff at time zone 'UTC', 'YYYY-MM'));
end $$;
comment on function data.journal_refused_expire_default(interval) is
    'Leaves out of data.journal_refused_default the months that ended so long ago; which, or null when there is none';
