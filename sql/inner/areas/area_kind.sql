-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception

create or replace function data.area_kind(p_word text) returns text
language plpgsql immutable parallel safe as $$
declare
    word constant text := lower(btrim(p_word));
    kind constant text := case word when 'здание' then 'building' when 'этаж' then 'floor' when 'зал' then 'hall'
        when 'кабинет' then 'room' when 'окно' then 'window' when 'специалист' then 'specialist' when 'нет' then ''
        else word end;
begin
    if kind not in ('', 'building', 'floor', 'hall', 'room', 'window', 'specialist') then
        raise exception 'Вид помещения: %', p_word using errcode = 'invalid_parameter_value',
            hint = 'Один из: здание, этаж, зал, кабинет, окно, специалист; building, floor, hall, room, window, specialist; '
                'нет — убрать';
    end if;
    return nullif(kind, '');
end $$;
comment on function data.area_kind(text) is
    'Kind of an area (data.area.kind) by its Russian word or its own; null for null, an empty text and "нет"; for others an '
        'error that names all';
