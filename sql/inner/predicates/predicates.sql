-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Predicates (items 4-6 and 11; P1-P4). A predicate comes as jsonb with the order's own names. A condition turns the
-- values of an attribute into a string of bits, one bit a candidate; AND and OR are & and |. So nothing is ever
-- compiled: the statements below are all there are, and what the caller wrote is only compared with, never run.

-- The tree as parallel arrays, the root first and each one before what is inside it. Conditions lose their case and
-- underscores: greaterThan and GREATER_THAN are one (A21).
create or replace function data.predicate_nodes(p_filter jsonb, out parents integer[], out unions text[], out names text[],
    out conditions text[], out checks boolean[], out wanted text[])
language plpgsql immutable parallel safe as $$
declare
    nodes jsonb[] := array[p_filter];
    node jsonb;
    i integer := 0;
begin
    parents := array[null::integer];
    while i < cardinality(nodes) loop
        i := i + 1;
        node := nodes[i];
        unions[i] := upper(node ->> 'unionKind');
        names[i] := node ->> 'attributeName';
        conditions[i] := lower(replace(node ->> 'condition', '_', ''));
        checks[i] := coalesce((node -> 'checkAllValues')::boolean, false);
        wanted[i] := node ->> 'value';
        if unions[i] is not null then
            nodes := nodes || array(select jsonb_array_elements(node -> 'subs'));
            parents := parents || array_fill(i, array[jsonb_array_length(node -> 'subs')]);
        end if;
    end loop;
end $$;
comment on function data.predicate_nodes(jsonb) is 'The tree of a predicate as parallel arrays (P1)';

-- What is wrong: at most one row a field and code, its text naming the attributes. A word that is no condition is told as the
-- field it stands in, as the schema does.
create or replace function data.predicate_errors(p_filter jsonb, p_names text[], p_types text[], p_allowed boolean[])
returns api.answer[] language plpgsql immutable parallel safe as $$
declare
    n record;
    p record;
    wrong api.answer[] := '{}';
    w api.answer;
begin
    if p_filter is null then
        return wrong;
    end if;
    n := data.predicate_nodes(p_filter);
    for p in
        select q.field, q.code, string_agg(q.what, '; ' order by q.no) as what
        from (
            select v.field, v.code, v.what, min(t.no) as no
            from unnest(n.unions, n.names, n.conditions, n.wanted) with ordinality as t (union_kind, name, condition, value, no)
            left join unnest(p_names, p_types, p_allowed) as k (name, type, is_allowed) on k.name = t.name
            cross join lateral (select not t.condition = any ('{equals,notequals,greaterthan,lessthan,greaterthanorequals,'
                'lessthanorequals,contains,startswith,endswith,wordstarts}'::text[]) as is_bad) as c
            cross join lateral (values (
                'filter',
                case when t.name is not null and k.name is null then 2 else 1 end,
                case
                    when t.name is null then 'Не указан атрибут фильтра'
                    when k.name is null then format('Атрибут «%s» не найден', t.name)
                    when not k.is_allowed then format('Фильтр по атрибуту «%s» не допускается', t.name)
                    when t.value is not null and t.condition is null then
                        format('Не указано условие для атрибута «%s»', t.name)
                    when not c.is_bad and not data.predicate_value_fits(k.type, t.condition, t.value) then
                        format('Недопустимое значение для атрибута «%s»: допускается %s', t.name,
                            data.predicate_value_told(k.type))
                end),
                ('condition', 1, case when c.is_bad then format('Недопустимое условие для атрибута «%s»', t.name) end)
            ) as v (field, code, what)
            where t.union_kind is null and v.what is not null
            group by v.field, v.code, v.what
        ) as q
        group by q.field, q.code
        order by q.field desc, q.code
    loop
        w := data.field_row(p.field, p.code);
        w.error_message := case when length(p.what) > 1000 then left(p.what, 999) || '…' else p.what end;
        wrong := wrong || w;
    end loop;
    return wrong;
end $$;
comment on function data.predicate_errors(jsonb, text[], text[], boolean[]) is
    'Field errors of a filter over attributes of these names and types: unknown, not to be filtered by, bad condition or value';

-- One condition over the values of all candidates; null is "has none". Order of texts: as they are searched, then as they
-- are, so that "not greater" and "not less" together are "equal", and equal is exact.
-- p_folded: the values as data.fold() has them, when they are known; that costs more than all the rest.
drop function if exists data.predicate_bits(text, text, boolean, text, text[]);
create or replace function data.predicate_bits(p_type text, p_condition text, p_check_all boolean, p_wanted text, p_values text[],
    p_folded text[] default null)
returns bit varying language plpgsql immutable parallel safe as $$
declare
    signs integer[] := case p_condition when 'equals' then '{0}' when 'notequals' then '{0}' when 'greaterthan' then '{1}'
        when 'lessthan' then '{-1}' when 'greaterthanorequals' then '{0,1}' when 'lessthanorequals' then '{-1,0}' end;
    folded text := data.fold(p_wanted);
    number numeric;
    instant timestamptz;
    truth boolean;
    word text;
    bits text;
    folds text[] := p_folded;
begin
    if folds is null and p_wanted is not null
        and (p_condition in ('contains', 'startswith', 'endswith', 'wordstarts') or p_type = 'STRING' and signs <> '{0}') then
        folds := array(select data.fold(v) from unnest(p_values) with ordinality as u (v, n) order by n);
    end if;
    if p_wanted is null then -- A17
        bits := (select string_agg(case when case when p_check_all then v is not null else coalesce(v, '') = '' end then '1'
            else '0' end, '')
                 from unnest(p_values) as u (v));
    elsif p_condition = 'contains' then
        bits := (select string_agg(case when position(folded in f) > 0 then '1' else '0' end, '') from unnest(folds) as u (f));
    elsif p_condition = 'startswith' then
        bits := (select string_agg(case when starts_with(f, folded) then '1' else '0' end, '') from unnest(folds) as u (f));
    elsif p_condition = 'endswith' then
        bits := (select string_agg(case when right(f, length(folded)) = folded then '1' else '0' end, '')
                 from unnest(folds) as u (f));
    elsif p_condition = 'wordstarts' then
        -- A word begins at the start, or after what is neither letter nor digit. The pattern is ours: it puts a mark
        -- before each beginning, in both texts.
        word := chr(1) || regexp_replace(folded collate "und-x-icu", '([^[:alnum:]])', E'\\1' || chr(1), 'g');
        bits := (select string_agg(case when position(folded in f) = 0 then '0' when position(word in chr(1)
                    || regexp_replace(f collate "und-x-icu", '([^[:alnum:]])', E'\\1' || chr(1), 'g')) > 0 then '1' else '0' end,
                        '')
                 from unnest(folds) as u (f));
    elsif p_type = 'STRING' and signs = '{0}' then
        bits := (select string_agg(case when v = p_wanted then '1' else '0' end, '') from unnest(p_values) as u (v));
    elsif p_type = 'STRING' then
        bits := (select string_agg(case when case when v is null then null when v = p_wanted then 0
                    when (f collate "C", v collate "C") < (folded collate "C", p_wanted collate "C") then -1
                        else 1 end = any (signs)
                    then '1' else '0' end, '')
                 from unnest(p_values, folds) as u (v, f));
    elsif p_type = 'DATE' then -- yyyy-MM-dd: the order of the texts is that of the days
        bits := (select string_agg(case when case when v = btrim(p_wanted, E' \t\r\n') then 0
                    when v collate "C" < btrim(p_wanted, E' \t\r\n') collate "C" then -1 when v is not null then
                        1 end = any (signs) then '1' else '0' end, '')
                 from unnest(p_values) as u (v));
    elsif p_type in ('LONG', 'DECIMAL', 'WEEKDAY') then
        number := coalesce(case when p_type = 'WEEKDAY' then array_position('{mon,tue,wed,thu,fri,sat,sun}'::text[],
            lower(btrim(p_wanted, E' \t\r\n'))) end,
            data.number_of(p_wanted));
        bits := (select string_agg(case when sign(data.number_of(v) - number)::integer = any (signs) then '1' else '0' end, '')
                 from unnest(p_values) as u (v));
    elsif p_type = 'DATETIME' then
        instant := data.instant_of(p_wanted);
        bits := (select string_agg(case when case when t = instant then 0 when t < instant then -1 when t > instant then
            1 end = any (signs)
                    then '1' else '0' end, '')
                 from unnest(p_values) as u (v) cross join lateral (select data.instant_of(v)) as x (t));
    else
        truth := data.boolean_of(p_wanted);
        bits := (select string_agg(case when case when t = truth then 0 when t < truth then -1 when t > truth then
            1 end = any (signs)
                    then '1' else '0' end, '')
                 from unnest(p_values) as u (v) cross join lateral (select data.boolean_of(v)) as x (t));
    end if;
    -- What has no value does not equal anything.
    return case when p_wanted is not null and p_condition = 'notequals' then ~coalesce(bits, '')::bit varying
        else coalesce(bits, '')::bit varying end;
end $$;
comment on function data.predicate_bits(text, text, boolean, text, text[], text[]) is
    'A bit for each value: whether it meets the condition (P2; A17). Values of the type only, see data.predicate_value_fits';

-- What is inside comes behind, so that from the end on every node is complete when its turn comes.
create or replace function data.predicate_fold(p_parents integer[], p_unions text[], p_sets bit varying[], p_all bit varying)
returns bit varying language plpgsql immutable parallel safe as $$
declare
    sets bit varying[] := p_sets;
begin
    for i in 1 .. cardinality(p_parents) loop
        if p_unions[i] is not null then
            sets[i] := case p_unions[i] when 'AND' then p_all else ~p_all end;
        end if;
    end loop;
    for i in reverse cardinality(p_parents) .. 2 loop
        if p_unions[p_parents[i]] = 'AND' then
            sets[p_parents[i]] := sets[p_parents[i]] & sets[i];
        else
            sets[p_parents[i]] := sets[p_parents[i]] | sets[i];
        end if;
    end loop;
    return sets[1];
end $$;
comment on function data.predicate_fold(integer[], text[], bit varying[], bit varying) is
    'The bits of the whole tree from those of its conditions (P1); p_all: as many ones as there are candidates';
