-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- The filter of getSlots. Everything it may name is either the local time of a visit, by the hour (P3, A22), or a property of
-- the slot's kind: its area and its services. So the predicate is worked out once for the hours of the booking window, not
-- for every slot: an hour is a bit, and a slot then costs one look at its hour.

-- The attributes; one list for checking and for the message. A slot that names no service serves those of its area.
create or replace function data.slot_attributes(out names text[], out types text[], out allowed boolean[])
language sql immutable parallel safe
return row('{DATE,DAYOFWEEK,HOUR,DAY,MONTH,YEAR,areaId,serviceId}'::text[],
    '{DATE,WEEKDAY,HOUR,DAY,MONTH,YEAR,STRING,STRING}'::text[], array_fill(true, array[8]));
comment on function data.slot_attributes() is 'What the filter of getSlots may name (item 11), and areaId and serviceId';

create or replace function data.slot_filter_errors(p_filter jsonb) returns api.answer[]
language sql immutable parallel safe as $$
    select data.predicate_errors(p_filter, a.names, a.types, a.allowed) from data.slot_attributes() as a
$$;
comment on function data.slot_filter_errors(jsonb) is 'What is wrong with the filter of getSlots';

-- Bits of one condition on time: 24 for each day from p_from.
create or replace function data.hours_bits(p_name text, p_condition text, p_check_all boolean, p_wanted text, p_from date,
    p_days integer)
returns bit varying language plpgsql stable parallel safe as $$
declare
    days text;
begin
    if p_name = 'HOUR' then
        return repeat(data.predicate_bits('LONG', p_condition, p_check_all, p_wanted, array(select h::text
            from generate_series(0, 23) as h))::text,
            p_days)::bit varying;
    end if;
    days := data.predicate_bits(case p_name when 'DATE' then 'DATE' when 'DAYOFWEEK' then 'WEEKDAY' else 'LONG' end,
        p_condition, p_check_all, p_wanted, array(
            select to_char((p_from + n)::timestamp, case p_name when 'DATE' then 'YYYY-MM-DD' when 'DAYOFWEEK' then 'ID'
                when 'DAY' then 'FMDDD' when 'MONTH' then 'FMMM' else 'FMYYYY' end)
            from generate_series(0, p_days - 1) as n))::text;
    return replace(replace(days, '0', repeat('0', 24)), '1', repeat('1', 24))::bit varying;
end $$;
comment on function data.hours_bits(text, text, boolean, text, date, integer) is
    'The hours of p_days days that meet a condition on local time (P3)';

-- Slots are of one kind when they meet the same conditions on areaId and serviceId: marks and service_marks tell which, in the
-- order of the conditions. Those that name a service are the ones of named_keys and service_ids, others those of bare_keys.
create or replace function data.slot_kinds(p_organizations text[], p_names text[], p_conditions text[], p_checks boolean[],
    p_wanted text[])
returns table (organization_id text, marks text, service_marks text, named_keys integer[], service_ids text[],
    bare_keys integer[])
language plpgsql stable rows 5 as $$
#variable_conflict use_column
declare
    areas text[];
    services text[];
    area_bits bit varying[] := '{}';
    service_bits bit varying[] := '{}';
    needs_all text := ''; -- a one for each condition on services: of several all must meet it, not one
begin
    areas := array(select distinct a.area_id from data.area as a where a.organization_id = any (p_organizations)
        order by a.area_id);
    services := array(select distinct s.service_id from data.organization_service as s
        where s.organization_id = any (p_organizations)
        order by s.service_id);
    for i in 1 .. cardinality(p_names) loop
        if p_names[i] = 'areaId' then
            area_bits := area_bits || data.predicate_bits('STRING', p_conditions[i], p_checks[i], p_wanted[i], areas);
        elsif p_names[i] = 'serviceId' then
            service_bits := service_bits || data.predicate_bits('STRING', p_conditions[i], p_checks[i], p_wanted[i], services);
            needs_all := needs_all || case when case when p_wanted[i] is null then not p_checks[i]
                else p_conditions[i] = 'notequals' end
                then '1' else '0' end;
        end if;
    end loop;
    return query
        with place as materialized (
            select k.area_id, (
                select coalesce(string_agg(get_bit(b.bits, k.no::integer - 1)::text, '' order by b.no), '')
                from unnest(area_bits) with ordinality as b (bits, no)) as marks
            from unnest(areas) with ordinality as k (area_id, no)
        ), area as materialized (
            select a.area_key, a.organization_id, p.marks
            from data.area as a join place as p using (area_id)
            where a.organization_id = any (p_organizations)
        ), service as materialized (
            select k.service_id, (
                select coalesce(string_agg(get_bit(b.bits, k.no::integer - 1)::text, '' order by b.no), '')
                from unnest(service_bits) with ordinality as b (bits, no)) as marks
            from unnest(services) with ordinality as k (service_id, no)
        ), served as materialized (
            select t.area_key, bit_and(s.marks::bit varying) as every, bit_or(s.marks::bit varying) as some
            from area as a join data.area_service as t on t.area_key = a.area_key join service as s on s.service_id = t.service_id
            where needs_all <> ''
            group by t.area_key
        ), bare as (
            select a.area_key, a.organization_id, a.marks,
                coalesce(((v.every & needs_all::bit varying) | (v.some & ~needs_all::bit varying))::text,
                    needs_all) as service_marks
            from area as a left join served as v using (area_key)
        ), named_part as (
            select a.organization_id, a.marks, s.marks as service_marks, array_agg(distinct a.area_key) as named_keys,
                array_agg(distinct s.service_id) as service_ids
            from area as a
            join data.organization_service as t on t.organization_id = a.organization_id
            join service as s on s.service_id = t.service_id
            group by 1, 2, 3
        ), bare_part as (
            select b.organization_id, b.marks, b.service_marks, array_agg(b.area_key) as bare_keys from bare as b group by 1, 2, 3
        )
        select organization_id, marks, service_marks, coalesce(p.named_keys, '{}'), coalesce(p.service_ids, '{}'),
            coalesce(b.bare_keys, '{}')
        from named_part as p
        full join bare_part as b using (organization_id, marks, service_marks);
end $$;
comment on function data.slot_kinds(text[], text[], text[], boolean[], text[]) is
    'Slots of organizations by the conditions on areaId and serviceId that they meet';

-- Each condition on areaId or serviceId is compared with each of their names once: 50,000 take a tenth of a second.
create or replace function data.slot_filter_beyond(p_filter jsonb, p_organizations text[]) returns api.answer[]
language plpgsql stable as $$
declare
    n integer := (select count(*) from unnest((data.predicate_nodes(p_filter)).names) as t (name)
        where t.name in ('areaId', 'serviceId'));
    r api.answer;
begin
    if n <= 10 or n * (
        (select count(distinct a.area_id) from data.area as a where a.organization_id = any (p_organizations))
        + (select count(distinct s.service_id) from data.organization_service as s
            where s.organization_id = any (p_organizations))) <= 50000 then
        return '{}';
    end if;
    r := data.field_row('filter', 1);
    r.error_message := 'Слишком много условий на помещения и услуги для стольких организаций';
    return array[r];
end $$;
comment on function data.slot_filter_beyond(jsonb, text[]) is
    'The field error of a filter of getSlots that asks more of these organizations than one request may (L2); none: empty';

-- Where to look: of each organization the hours at which slots can meet the predicate, as bits; those of kind k begin behind bit
-- k * width. Bit 1 is base_hour, in hours of local time since 1970; not_before and not_after enclose the ones. kinds tells
-- the kind of a slot by its area_key, with a blank and the service behind it when the slot names one; those it does not have meet
-- the predicate never. No kinds: all are of kind 0.
drop function if exists data.slot_filter(jsonb, text[], timestamptz);
create function data.slot_filter(p_filter jsonb, p_organizations text[], p_now timestamptz)
returns table (organization_id text, kinds jsonb, width integer, base_hour integer, cells bit varying, not_before timestamp,
    not_after timestamp)
language plpgsql stable rows 5 as $$
#variable_conflict use_column
declare
    n record;
    first_day date := (p_now at time zone 'UTC')::date - 1; -- somewhere it is yesterday still
    days integer;
    all_hours bit varying;
    sets bit varying[];
    part record;
    seen text;
    met bit varying;
    kind integer;
    area_no integer;
    service_no integer;
    known bit varying[] := '{}';
    part_kinds jsonb[] := '{}';
    one jsonb;
    part_organizations text[] := '{}';
begin
    n := data.predicate_nodes(p_filter);
    days := (select max(greatest(o.booking_window_days, case when o.has_rules then (
                select max(s.booking_window_days) from data.organization_service as s
                    where s.organization_id = o.organization_id) end)) + 4
        from data.organization as o where o.organization_id = any (p_organizations));
    width := days * 24;
    base_hour := (first_day - date '1970-01-01') * 24;
    all_hours := repeat('1', width)::bit varying;
    sets := array_fill(all_hours, array[cardinality(n.parents)]);
    for i in 1 .. cardinality(n.parents) loop
        if n.unions[i] is null and n.names[i] not in ('areaId', 'serviceId') then
            sets[i] := data.hours_bits(n.names[i], n.conditions[i], n.checks[i], n.wanted[i], first_day, days);
        end if;
    end loop;
    if not n.names && '{areaId,serviceId}' then
        met := data.predicate_fold(n.parents, n.unions, sets, all_hours);
        if position(B'1' in met) > 0 then
            return query select distinct o, null::jsonb, width, base_hour, met,
                first_day + make_interval(hours => position(B'1' in met) - 1),
                first_day + make_interval(hours => length(rtrim(met::text, '0')))
            from unnest(p_organizations) as o;
        end if;
        return;
    end if;
    for part in
        select k.* from data.slot_kinds(p_organizations, n.names, n.conditions, n.checks, n.wanted) as k
        order by k.marks, k.service_marks
    loop
        if seen is distinct from part.marks || '/' || part.service_marks then
            seen := part.marks || '/' || part.service_marks;
            area_no := 0;
            service_no := 0;
            for i in 1 .. cardinality(n.parents) loop
                if n.names[i] = 'areaId' then
                    area_no := area_no + 1;
                    sets[i] := case substr(part.marks, area_no, 1) when '1' then all_hours else ~all_hours end;
                elsif n.names[i] = 'serviceId' then
                    service_no := service_no + 1;
                    sets[i] := case substr(part.service_marks, service_no, 1) when '1' then all_hours else ~all_hours end;
                end if;
            end loop;
            met := data.predicate_fold(n.parents, n.unions, sets, all_hours);
            kind := coalesce(array_position(known, met), cardinality(known) + 1);
            known[kind] := met;
        end if;
        if position(B'1' in met) > 0 then
            part_organizations := part_organizations || part.organization_id;
            select jsonb_object_agg(k.key, kind - 1) into one
            from (
                select b::text as key from unnest(part.bare_keys) as b
                union all
                select a || ' ' || s from unnest(part.named_keys) as a, unnest(part.service_ids) as s) as k;
            part_kinds := part_kinds || one; -- plainly, or the whole list is copied each time
        end if;
    end loop;
    met := ~all_hours;
    for i in 1 .. cardinality(known) loop
        met := met | known[i];
    end loop;
    return query
        select k.organization_id, jsonb_object_agg(e.key, e.value), width, base_hour, array_to_string(known, '')::bit varying,
            first_day + make_interval(hours => position(B'1' in met) - 1),
            first_day + make_interval(hours => length(rtrim(met::text, '0')))
        from unnest(part_organizations, part_kinds) as k (organization_id, kinds)
        cross join lateral jsonb_each(k.kinds) as e
        group by k.organization_id;
end $$;
comment on function data.slot_filter(jsonb, text[], timestamptz) is
    'Where the slots can be that meet a predicate: hours of local time, by kind of slot (P1-P4)';
