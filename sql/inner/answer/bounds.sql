-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- The doors of api.* have bounds of their own (L2), for callers other than the daemon, which has judged every value by itself
-- before (docs/limits.md). These are wider and cost nothing: sizes that a value tells without being read. One row a list
-- or tree that is too large; nothing else is asked then.

create or replace function data.list_fits(p_list text[], p_most integer) returns boolean
language sql stable parallel safe
return p_list is null or cardinality(p_list) <= p_most and pg_column_size(p_list) <= 64 + 1032 * p_most;
comment on function data.list_fits(text[], integer) is
    'Whether a list has at most so many values, of 255 characters on the average (L2)';

-- Every predicate says checkAllValues or unionKind once; in a value the quotes would be escaped.
create or replace function data.filter_fits(p_filter jsonb) returns boolean
language sql immutable parallel safe
return p_filter is null or (octet_length(p_filter::text) <= 1048576
    and length(p_filter::text) - length(replace(p_filter::text, '"checkAllValues"', '')) <= 1000 * length('"checkAllValues"')
    and length(p_filter::text) - length(replace(p_filter::text, '"unionKind"', '')) <= 1000 * length('"unionKind"'));
comment on function data.filter_fits(jsonb) is
    'Whether a filter has at most 1,000 conditions and 1,000 unions in a mebibyte (L2)';

create or replace function data.beyond_row(p_field text) returns api.answer
language plpgsql immutable parallel safe as $$
declare
    r api.answer := data.field_row(p_field, 1);
begin
    r.error_message := 'Значение превышает допустимый размер';
    return r;
end $$;
comment on function data.beyond_row(text) is 'The field error of a value beyond its bound (L2)';

-- Each field by its name beside whether it fits.
create or replace function data.beyond_rows(p_fields text[], p_fit boolean[]) returns api.answer[]
language plpgsql immutable parallel safe as $$
declare
    rows api.answer[] := '{}';
begin
    if true = all (p_fit) then
        return rows;
    end if;
    for i in 1 .. cardinality(p_fields) loop
        if not p_fit[i] then
            rows := rows || data.beyond_row(p_fields[i]);
        end if;
    end loop;
    return rows;
end $$;
comment on function data.beyond_rows(text[], boolean[]) is 'Field errors of those that do not fit; none: empty (L2)';
