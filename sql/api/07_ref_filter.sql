-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- A filter over items of a reference book (P1, P2): whole columns of values at a time, as the evaluator of predicates takes them.

create or replace function data.ref_filter(p_ref_name text, p_ids bigint[], p_filter jsonb) returns bigint[]
language plpgsql stable parallel safe as $$
declare
    n record;
    sets bit varying[] := '{}';
    everything bit varying := repeat('1', cardinality(p_ids))::bit varying;
    met bit varying;
begin
    if cardinality(p_ids) = 0 then
        return p_ids;
    end if;
    n := data.predicate_nodes(p_filter);
    for i in 1 .. cardinality(n.parents) loop
        sets[i] := case when n.unions[i] is null then (
            select data.predicate_bits(a.type, n.conditions[i], n.checks[i], n.wanted[i], array(
                select data.ref_text(a.name, t.code collate "default", t.title, t.attributes)
                from unnest(p_ids) with ordinality as u (id, no) join data.ref_item as t on t.item_id = u.id
                order by u.no))
            from data.ref_attribute as a
            where a.ref_name = p_ref_name and a.name = n.names[i]) end;
    end loop;
    met := data.predicate_fold(n.parents, n.unions, sets, everything);
    return array(
        select u.id from unnest(p_ids) with ordinality as u (id, no)
        join unnest(string_to_array(met::text, null)) with ordinality as b (bit, no) using (no)
        where b.bit = '1' order by u.no);
end $$;
alter function data.ref_filter(text, bigint[], jsonb) owner to zapisd_owner;
revoke all on function data.ref_filter(text, bigint[], jsonb) from public;
comment on function data.ref_filter(text, bigint[], jsonb) is 'Those of the items that meet a filter, in the same order (P1)';
