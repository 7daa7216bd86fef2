-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- A filter over items of a reference book (P1, P2): whole columns of values at a time, as the evaluator of predicates takes them.

-- Three conditions may cost what the book costs. More of them: as much as 600,000 comparisons do, and reading and folding a
-- value is twenty (L2).
create or replace function data.ref_filter_fits(p_filter jsonb, p_items integer) returns boolean
language plpgsql immutable parallel safe as $$
begin
    return (
        select count(*) <= 3 or (count(*) + 20 * count(distinct t.name)) * p_items <= 600000
        from unnest((data.predicate_nodes(p_filter)).names) as t (name) where t.name is not null);
end $$;
comment on function data.ref_filter_fits(jsonb, integer) is 'Whether so many items may be asked for a filter in one request (L2)';

create or replace function data.ref_filter(p_ref_name text, p_ids bigint[], p_filter jsonb) returns bigint[]
language plpgsql stable parallel safe as $$
declare
    n record;
    a record;
    vals text[];
    folds text[];
    sets bit varying[];
    everything bit varying := repeat('1', cardinality(p_ids))::bit varying;
    met bit varying;
begin
    if cardinality(p_ids) = 0 then
        return p_ids;
    end if;
    n := data.predicate_nodes(p_filter);
    sets := array_fill(null::bit varying, array[cardinality(n.parents)]);
    -- The values of an attribute are read once, and folded once, however many conditions name it.
    for a in select t.name, t.type from data.ref_attribute as t where t.ref_name = p_ref_name and t.name = any (n.names) loop
        vals := array(
            select data.ref_text(a.name, t.code collate "default", t.title, t.attributes)
            from unnest(p_ids) with ordinality as u (id, no) join data.ref_item as t on t.item_id = u.id
            order by u.no);
        folds := null;
        for i in 1 .. cardinality(n.parents) loop
            continue when n.names[i] is distinct from a.name;
            if folds is null and n.wanted[i] is not null
                and (n.conditions[i] in ('contains', 'startswith', 'endswith', 'wordstarts')
                or a.type = 'STRING' and n.conditions[i] not in ('equals', 'notequals')) then
                folds := array(select data.fold(v) from unnest(vals) with ordinality as u (v, no) order by u.no);
            end if;
            sets[i] := data.predicate_bits(a.type, n.conditions[i], n.checks[i], n.wanted[i], vals, folds);
        end loop;
    end loop;
    met := data.predicate_fold(n.parents, n.unions, sets, everything);
    return array(
        select u.id from unnest(p_ids) with ordinality as u (id, no)
        join unnest(string_to_array(met::text, null)) with ordinality as b (bit, no) using (no)
        where b.bit = '1' order by u.no);
end $$;
comment on function data.ref_filter(text, bigint[], jsonb) is 'Those of the items that meet a filter, in the same order (P1)';
