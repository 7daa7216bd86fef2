-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Which order a book is in (R2): orderBy by type, several attributes, then the code, so that it is always the same one.

create or replace function data.ref_text(p_name text, p_code text, p_title text, p_attributes jsonb) returns text
language sql immutable parallel safe
return case p_name when 'code' then p_code when 'title' then p_title when 'isDeleted' then 'false'
    else p_attributes ->> p_name end;
comment on function data.ref_text(text, text, text, jsonb) is 'Value of an attribute of an item, as it is sent';

create or replace function data.ref_keys(p_names text[], p_types text[], p_code text, p_title text, p_attributes jsonb)
returns data.ref_key[] language sql immutable parallel safe as $$
    select array(
        select case
            when a.type = 'STRING' then row(null, v.value)::data.ref_key
            when a.type in ('LONG', 'DECIMAL') then row(v.value::numeric, null)::data.ref_key
            when a.type = 'DATETIME' then row(extract(epoch from v.value::timestamptz), null)::data.ref_key
            else row(case v.value when 'true' then 1 when 'false' then 0 end, null)::data.ref_key end
        from unnest(p_names, p_types) with ordinality as a (name, type, n)
        cross join lateral (select data.ref_text(a.name, p_code collate "default", p_title, p_attributes)) as v (value)
        order by a.n)
$$;
comment on function data.ref_keys(text[], text[], text, text, jsonb) is
    'What an item is ordered by; what has no value comes last (R2)';

-- The first key of an order plainly, which is many times faster than a list of one.
create or replace function data.ref_number(p_type text, p_value text) returns numeric
language sql stable parallel safe
return case when p_type in ('LONG', 'DECIMAL') then p_value::numeric when p_type = 'BOOLEAN' then p_value::boolean::integer
    when p_type = 'DATETIME' then extract(epoch from p_value::timestamptz) end;
comment on function data.ref_number(text, text) is 'What a value is ordered by that is no STRING';

create or replace function data.ref_word(p_type text, p_value text) returns text
language sql immutable parallel safe
return case when p_type = 'STRING' then p_value end;
comment on function data.ref_word(text, text) is 'What a STRING is ordered by';

-- Nobody needs an order beyond the code: it is unique.
create or replace function data.ref_order(p_order_by text[]) returns text[]
language sql immutable parallel safe
return (
    select coalesce(array_agg(u.name order by u.n), '{}')
    from (select o.name, min(o.n) as n from unnest(p_order_by) with ordinality as o (name, n) group by o.name) as u
    where u.name <> 'isDeleted' and u.n < coalesce(array_position(p_order_by, 'code'), 2147483647));
comment on function data.ref_order(text[]) is 'orderBy without what cannot change the order';

-- A long order as octets, twelve each (a length and the key, as an array is sent): of a value stored apart and not compressed
-- the server reads only what is cut out, and one function of its own writes it all.
create or replace function data.ids_pack(p_ids bigint[]) returns bytea
language sql immutable parallel safe
return substr(array_send(p_ids), 21);
comment on function data.ids_pack(bigint[]) is 'Inner keys as octets';

create or replace function data.ids_unpack(p_octets bytea, p_skip bigint default 0, p_n bigint default null) returns bigint[]
language sql immutable parallel safe
return array(select ('x' || encode(substr(o.part, 12 * n + 5, 8), 'hex'))::bit(64)::bigint
    from (select case when p_n is null then p_octets
        else substr(p_octets, (12 * least(p_skip, length(p_octets) / 12) + 1)::integer, (12 * p_n)::integer) end as part) as o
    cross join lateral generate_series(0, length(o.part) / 12 - 1) as n order by n);
comment on function data.ids_unpack(bytea, bigint, bigint) is 'And back: all of them, or so many behind some';

-- Before a part could be asked for.
drop function if exists data.ids_unpack(bytea);
