-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Rows of api.answer and the texts in them, in one place so that every method words them alike.

create or replace function data.answer_row(status_code text, status_message text, error_code integer,
    error_message text default null)
returns api.answer language sql immutable parallel safe
return row('answer', status_code, status_message, error_code,
    coalesce(error_message, case error_code
        when 0 then 'ОК'
        when 1 then 'Внутренняя ошибка системы'
        when 2 then 'Ошибка во входных параметрах'
        when 3 then 'Необходимая информация не найдена'
        when 4 then 'Отказ в бронировании'
        when 5 then 'Справочник имеет актуальную версию' end),
    null, null, null, null, null, null, null, null, null, null, null, null, null)::api.answer;
alter function data.answer_row(text, text, integer, text) owner to zapisd_owner;
revoke all on function data.answer_row(text, text, integer, text) from public;
comment on function data.answer_row(text, text, integer, text) is 'A row of kind answer; the texts of codes 0-5 are those of Appendix 2, item 2';

create or replace function data.field_row(field text, error_code integer)
returns api.answer language sql immutable parallel safe
return row('field', null, null, error_code,
    case error_code when 1 then 'Недопустимое значение поля' else 'Значение не найдено в справочнике' end,
    field, null, null, null, null, null, null, null, null, null, null, null, null)::api.answer;
alter function data.field_row(text, integer) owner to zapisd_owner;
revoke all on function data.field_row(text, integer) from public;
comment on function data.field_row(text, integer) is 'A row of kind field; the texts are those of Appendix 2, item 3';

create or replace function data.slot_rows(p_book_key text, p_hold_until timestamptz, p_service_id text)
returns api.answer[] language plpgsql stable parallel safe as $$
begin
    return (
        select array_agg(row('slot', null, null, null, null, null, s.slot_id::text, coalesce(s.service_id, p_service_id),
                s.organization_id, a.area_id, data.wire_time(s.starts_at, o.time_zone), data.wire_time(p_hold_until, o.time_zone),
                null, extract(epoch from s.ends_at - s.starts_at)::integer / 60, null, null, null, null)::api.answer
            order by s.starts_at, s.slot_id)
        from data.place as p
        join data.slot as s using (slot_id)
        join data.area as a on a.area_key = s.area_key
        join data.organization as o on o.organization_id = s.organization_id
        where p.book_key = p_book_key
    );
end $$;
alter function data.slot_rows(text, timestamptz, text) owner to zapisd_owner;
revoke all on function data.slot_rows(text, timestamptz, text) from public;
comment on function data.slot_rows(text, timestamptz, text) is 'Rows of kind slot: the places of a booking in time order (A6)';

-- A part in [ ] goes when a placeholder in it has no value; values themselves are never read as placeholders of the ones
-- before them, nor as parts.
create or replace function data.fill_text(t text, keys text[], vals text[]) returns text
language plpgsql immutable parallel safe as $$
declare
    part text;
    is_empty boolean;
begin
    loop
        part := substring(t from '\[[^][]*\]');
        exit when part is null;
        is_empty := false;
        for i in 1 .. cardinality(keys) loop
            is_empty := is_empty or coalesce(vals[i], '') = '' and position('{' || keys[i] || '}' in part) > 0;
        end loop;
        t := overlay(t placing case when is_empty then '' else substr(part, 2, length(part) - 2) end
            from position(part in t) for length(part));
    end loop;
    for i in 1 .. cardinality(keys) loop
        t := replace(t, '{' || keys[i] || '}', coalesce(vals[i], ''));
    end loop;
    return t;
end $$;
alter function data.fill_text(text, text[], text[]) owner to zapisd_owner;
revoke all on function data.fill_text(text, text[], text[]) from public;
comment on function data.fill_text(text, text[], text[]) is 'A text with its placeholders filled in and its optional parts kept or dropped (S4)';

-- Never longer than a text of the schema may be, whatever a person wrote.
create or replace function data.status_text(p_code text, p_organization_id text, p_at timestamptz default null,
    p_reason text default null, p_specialists text default null, p_contacts text default null) returns text
language plpgsql stable parallel safe as $$
declare
    t text;
    o data.organization;
begin
    t := coalesce(
        (select c.comment from data.organization_status as c
         where c.organization_id = p_organization_id and c.code in (p_code, left(p_code, 3))
         order by length(c.code) desc limit 1),
        (select s.template from data.status as s where s.code = left(p_code, 3)));
    if position('{' in t) = 0 and position('[' in t) = 0 then
        return left(t, 4000);
    end if;
    select * into o from data.organization as x where x.organization_id = p_organization_id;
    return left(data.fill_text(t, array['organization', 'address', 'phone', 'contacts', 'date', 'time', 'specialists', 'reason'],
        array[o.name, o.address, o.phone,
            coalesce(nullif(btrim(p_contacts), ''), concat_ws(', ', nullif(o.phone, ''), nullif(o.address, ''))),
            to_char(p_at at time zone o.time_zone, 'DD.MM.YYYY'), to_char(p_at at time zone o.time_zone, 'HH24:MI'),
            btrim(p_specialists), rtrim(btrim(p_reason), '.')]), 4000);
end $$;
alter function data.status_text(text, text, timestamptz, text, text, text) owner to zapisd_owner;
revoke all on function data.status_text(text, text, timestamptz, text, text, text) from public;
comment on function data.status_text(text, text, timestamptz, text, text, text) is
    'Text of a status: the organization''s own, else that of Appendix 1, filled in (S4)';
