-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- O3, T1: what the console answers does not depend on how the session of whoever asks has its zone, dates, intervals or numbers. Each example of
-- admin.help() is answered under settings as far apart as there are; values are compared as values, and texts made inside as they are.
\ir lib/helpers.psql
select no_plan();
\ir lib/examples.psql
-- Names of days, months and the comma of numbers: of another language when the machine has one.
create temp table setting as select v.n, v.pairs || case v.n when 1 then '{lc_time,C,lc_numeric,C,lc_monetary,C,xmloption,content}'::text[]
    else array['lc_time', l.name, 'lc_numeric', l.name, 'lc_monetary', l.name, 'xmloption', case v.n when 2 then 'document' else 'content' end] end as pairs
from (select coalesce((select min(c.collcollate) from pg_collation as c where c.collprovider = 'c' and c.collencoding in (-1, 6) and c.collcollate ~ '^(ru|de|fr|es|it)_.*[uU][tT][fF]'), 'C.UTF-8') as name) as l, (values
    (1, '{TimeZone,UTC,DateStyle,"ISO, YMD",IntervalStyle,postgres,extra_float_digits,1,bytea_output,hex,lc_messages,C}'::text[]),
    (2, '{TimeZone,Pacific/Kiritimati,DateStyle,"German, DMY",IntervalStyle,sql_standard,extra_float_digits,-15,bytea_output,escape,lc_messages,C.UTF-8}'),
    (3, '{TimeZone,Pacific/Pago_Pago,DateStyle,"SQL, MDY",IntervalStyle,iso_8601,extra_float_digits,3,bytea_output,hex,lc_messages,POSIX}')) as v (n, pairs);
create function pg_temp.take_on(p_n integer) returns void language sql as $$
    select set_config(s.pairs[i], s.pairs[i + 1], true) from setting as s, generate_series(1, cardinality(s.pairs), 2) as i where s.n = p_n
$$;
-- Numbers that a sequence gives, and the second that has just passed, are another matter.
create function pg_temp.answered(p_name text, p_example text, p_n integer) returns text language plpgsql as $$
declare
    said text;
    q text;
begin
    begin
        execute coalesce((select b.sql from before as b where b.name = p_name), 'select 1');
        q := pg_temp.meant(p_example);
        q := replace(q, 'current_date', quote_literal(now()::date) || '::date');
        perform pg_temp.take_on(p_n);
        execute 'create temp table answer_of as ' || q;
        perform pg_temp.take_on(1);
        execute 'select coalesce(string_agg(t::text, chr(10) order by t::text), ''nothing'') from answer_of as t' into said;
        raise exception 'tried' using errcode = 'ZT004', detail = said;
    exception
        when sqlstate 'ZT004' then
            get stacked diagnostics said = pg_exception_detail;
        when others then
            perform pg_temp.take_on(1);
            said := sqlstate || ' ' || sqlerrm;
    end;
    if p_name = 'outbox_resend' then -- the number of a new row
        said := regexp_replace(said, '^\([0-9]+\)$', '(#)');
    end if;
    said := regexp_replace(said, '[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?', 'hh:mm:ss', 'g');
    return regexp_replace(regexp_replace(said, '№ [^" ,]+', '№', 'g'), '^\([0-9]+,|,[0-9]+\)$|(?<=\}),[0-9]+(?=,)', '#', 'gn');
end $$;
create temp table telling as select g.name, g.example, s.n, pg_temp.answered(g.name, g.example, s.n) as said
from given as g, setting as s where g.name not in ('lock_end', 'locks', 'housekeeping', 'journal_partitions', 'help');
-- and refusals and notices that name days
insert into telling select v.name, v.example, s.n, pg_temp.answered(v.name, v.example, s.n) from setting as s, (values
    ('generate', $$select admin.generate('R7700018', date '2027-01-02', date '2027-01-01')$$), ('schedule', $$select * from admin.schedule('R7700018', date '2027-01-02', date '2027-01-01')$$),
    ('load', $$select * from admin.load('R7700018', date '2027-01-02', date '2027-01-01')$$), ('off_schedule', $$select * from admin.off_schedule('R7700018', date '2027-01-02', date '2027-01-01')$$),
    ('set_hours_for', $$select admin.set_hours_for('R7700018', 'room-11', date '2027-01-02', date '2027-01-01', 'пн', '9:00-10:00', 30)$$), ('absence', $$select * from admin.absence('R7700018', 'room-11', timestamp '2026-01-02 10:00', timestamp '2026-01-01 9:00', 'x')$$),
    ('close_day', $$select * from admin.close_day('R7700018', date '2020-01-02', 'x')$$), ('close_area', $$select * from admin.close_area('R7700018', 'room-11', date '2027-01-02', date '2027-01-01', 'x')$$)) as v (name, example);
select pg_temp.take_on(1);
select cmp_ok((select count(*) from telling), '>', 150::bigint, 'O3: many');
select is(other.said, one.said, format('O3: under settings %s: %s', other.n, other.example))
from telling as one join telling as other using (name, example) where one.n = 1 and other.n > 1 order by other.name, other.n;
select * from finish();
rollback;
