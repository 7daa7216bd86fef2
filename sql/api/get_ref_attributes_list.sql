-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- getRefAttributesList (item 23): the attributes of the named books, in the order of the request. A book nobody knows is
-- error 3 and a field error, and then nothing is listed. in_any_case: names may be spelled in capitals; ref_name of the answer
-- itself is the first that was.

-- Before names in any case.
drop function if exists api.get_ref_attributes_list(text, text[]);
create or replace function api.get_ref_attributes_list(recipient_code text, ref_names text[], in_any_case boolean default false)
returns table (kind text, error_code integer, error_message text, field text, ref_name text, name text, title text, type text,
    attr_ref_name text, allow_filtering boolean)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    head api.answer := data.answer_row(null, null, 0);
    wrong api.answer;
    respelled text;
begin
    if coalesce(cardinality(ref_names), 0) = 0 then
        head := data.answer_row(null, null, 2);
        wrong := data.field_row('refNames', 1, 'Не заполнено обязательное поле');
    elsif not data.list_fits(ref_names, 100) then
        head := data.answer_row(null, null, 2);
        wrong := data.beyond_row('refNames');
    elsif exists (select from unnest(ref_names) as r (ref)
        where data.ref_named(coalesce(recipient_code, ''), r.ref, in_any_case) is null) then
        head := data.answer_row(null, null, 3, 'Справочник не найден');
        wrong := data.field_row('refNames', 2);
    else
        respelled := (select min(r.ref) from unnest(ref_names) as r (ref)
            where data.ref_named(coalesce(recipient_code, ''), r.ref, in_any_case) <> r.ref);
    end if;
    return query select head.kind, head.error_code, head.error_message, null::text, respelled, null::text, null::text,
        null::text, null::text, null::boolean;
    if wrong.kind is not null then
        return query select wrong.kind, wrong.error_code, wrong.error_message, wrong.field, null::text, null::text, null::text,
            null::text, null::text, null::boolean;
        return;
    end if;
    return query
        select 'attribute'::text, null::integer, null::text, null::text, a.ref_name, a.name, left(a.title, 4000), a.type,
            a.attr_ref_name, a.allow_filtering
        from (
            select b.book, min(r.n) as n
            from unnest(ref_names) with ordinality as r (ref, n)
            cross join lateral (select data.ref_named(coalesce(recipient_code, ''), r.ref, in_any_case)) as b (book)
            group by b.book) as w
        join data.ref_attribute as a on a.ref_name = w.book
        order by w.n, a.position;
end $$;
grant execute on function api.get_ref_attributes_list(text, text[], boolean) to zapisd_daemon;
comment on function api.get_ref_attributes_list(text, text[], boolean) is 'M6: attributes of reference books';
