-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Whether an index has an entry for every row: the rows are counted in the table, and once more by nothing but the index.
-- Both counts are of one snapshot: bookings made meanwhile are in both or in neither.

create or replace function data.index_question(p_index regclass) returns text
language sql stable as $$
    select format('select count(*) from (select from %s where %s order by %s) as t', i.indrelid::regclass,
        coalesce(pg_get_expr(i.indpred, i.indrelid), 'true'),
        string_agg(pg_get_indexdef(i.indexrelid, k, true), ', ' order by k))
    from pg_index as i, generate_series(1, i.indnkeyatts) as k
    where i.indexrelid = p_index
    group by i.indexrelid, i.indrelid, i.indpred
$$;
comment on function data.index_question(regclass) is
    'Query that counts the rows an index is of, in its order: with sorting and other scans off that index alone answers it';

create or replace function data.rows_by_table(p_index regclass) returns bigint
language plpgsql stable set enable_indexscan = off set enable_indexonlyscan = off set enable_bitmapscan = off as $$
declare
    n bigint;
begin
    execute data.index_question(p_index) into n;
    return n;
end $$;
comment on function data.rows_by_table(regclass) is 'Rows an index should have, counted without any index';

create or replace function data.rows_by_index(p_index regclass) returns bigint
language plpgsql stable set enable_seqscan = off set enable_sort = off set enable_incremental_sort = off
    set enable_bitmapscan = off
    set enable_indexscan = on set enable_indexonlyscan = on set max_parallel_workers_per_gather = 0 as $$
declare
    n bigint;
begin
    execute data.index_question(p_index) into n;
    return n;
end $$;
comment on function data.rows_by_index(regclass) is 'Rows an index has';

create or replace function data.asked_indexes() returns setof regclass
language sql stable as $$
    select i.indexrelid::regclass
    from pg_index as i
    join pg_class as c on c.oid = i.indexrelid
    join pg_am as m on m.oid = c.relam
    where i.indrelid = any (array['data.place', 'data.occupancy', 'data.slot', 'data.booking']::regclass[])
        and m.amname = 'btree' and i.indisvalid
        and not exists (select from unnest(i.indclass::oid[]) as k (id) join pg_opclass as o on o.oid = k.id
            where not o.opcdefault)
$$;
comment on function data.asked_indexes() is
    'Indexes that tell whether a place is free: those of places, occupancies, slots and bookings';
