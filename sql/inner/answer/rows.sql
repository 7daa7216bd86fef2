-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Rows of api.answer, in one place so that every method answers alike.

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
        when 5 then 'Ваш справочник имеет актуальную версию' end),
    null, null, null, null, null, null, null, null, null, null, null, null, null, null, null)::api.answer;
comment on function data.answer_row(text, text, integer, text) is
    'A row of kind answer; the texts of codes 0-4 are those of Appendix 2, item 2, that of 5 of item 24, which alone answers it';

create or replace function data.field_row(field text, error_code integer)
returns api.answer language sql immutable parallel safe
return row('field', null, null, error_code,
    case error_code when 1 then 'Недопустимое значение поля' else 'Значение не найдено в справочнике' end,
    field, null, null, null, null, null, null, null, null, null, null, null, null, null, null)::api.answer;
comment on function data.field_row(text, integer) is 'A row of kind field; the texts are those of Appendix 2, item 3';

create or replace function data.field_row(field text, error_code integer, words text)
returns api.answer language sql immutable parallel safe
return row('field', null, null, error_code, words,
    field, null, null, null, null, null, null, null, null, null, null, null, null, null, null)::api.answer;
comment on function data.field_row(text, integer, text) is
    'A row of kind field in words of its own: what is wrong with the value, where the words of item 3 would not help';

create or replace function data.slot_rows(p_book_key text, p_hold_until timestamptz, p_service_id text)
returns api.answer[] language plpgsql stable parallel safe as $$
begin
    return (
        select array_agg(row('slot', null, null, null, null, null, s.slot_id::text, coalesce(s.service_id, p_service_id,
                data.only_service(s.area_key)),
                s.organization_id, a.area_id, data.unix_seconds(s.starts_at), data.unix_seconds(p_hold_until),
                a.queue_prefix || p.place_no, extract(epoch from s.ends_at - s.starts_at)::integer / 60, a.slot_attributes,
                null, null, null, data.utc_offset(s.starts_at, s.starts_at at time zone o.time_zone),
                data.utc_offset(p_hold_until, p_hold_until at time zone o.time_zone))::api.answer
            order by s.starts_at, s.slot_id)
        from data.place as p
        join data.slot as s using (slot_id)
        join data.area as a on a.area_key = s.area_key
        join data.organization as o on o.organization_id = s.organization_id
        where p.book_key = p_book_key
    );
end $$;
comment on function data.slot_rows(text, timestamptz, text) is
    'Rows of kind slot: the places of a booking in time order (A6), each with the one service there is: its own, that asked for, '
        'the area''s (item 18)';
