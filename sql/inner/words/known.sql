-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What a clerk has named and is not there, told with what there is instead (O3). It tells nothing about people.

create or replace function data.known_organization(p_organization_id text) returns data.organization
language plpgsql stable as $$
declare
    o data.organization;
    there text;
begin
    if p_organization_id is null and (select count(*) = 1 from data.my_organization) then
        select * into o from data.my_organization;
        return o;
    end if;
    select * into o from data.my_organization as t where t.organization_id = p_organization_id;
    if not found then
        there := coalesce((select string_agg(t.organization_id, ', ' order by t.organization_id)
            || case when (select count(*) from data.my_organization) > 8 then ' …' else '' end
            from (select x.organization_id from data.my_organization as x order by 1 limit 8) as t),
            'пока ни одной, заводит admin.add_organization');
        raise exception '%', case when p_organization_id is null then 'Какая организация?'
            else format('Организации %s нет', p_organization_id) end
            using errcode = 'no_data_found', hint = format('Есть: %s. Все: select * from admin.offices()', there);
    end if;
    return o;
end $$;
comment on function data.known_organization(text) is
    'The organization, the only one there is when none is named; an error that says which there are';

create or replace function data.known_area(p_organization_id text, p_area_id text) returns integer
language plpgsql stable as $$
declare
    o constant data.organization := data.known_organization(p_organization_id);
    key integer;
begin
    select a.area_key into key from data.area as a where a.organization_id = o.organization_id and a.area_id = p_area_id
        and a.removed_at is null;
    if not found then
        raise exception 'Помещения % в организации % нет', coalesce(p_area_id, 'null'), o.organization_id
            using errcode = 'no_data_found', hint = coalesce((select 'Есть: ' || string_agg(t.area_id, ', ' order by t.area_id)
                from (select x.area_id from data.area as x where x.organization_id = o.organization_id
                    and x.removed_at is null order by 1 limit 20) as t),
                'Помещений пока нет, заводит admin.add_area');
    end if;
    return key;
end $$;
comment on function data.known_area(text, text) is 'Key of an area; an error that says which there are';

create or replace function data.days_in_order(p_from date, p_to date) returns void
language plpgsql stable as $$
begin
    if p_from is null or p_to is null or not isfinite(p_from) or not isfinite(p_to) or p_to < p_from or p_to - p_from > 400 then
        raise exception 'Дни с % по %: первый не позже последнего и не больше 400 дней', coalesce(data.day_text(p_from), '?'),
            coalesce(data.day_text(p_to), '?')
            using errcode = 'invalid_parameter_value', hint = 'День пишется так: ''2026-12-31'' или current_date + 7';
    end if;
end $$;
comment on function data.days_in_order(date, date) is 'Refuses days that are not a span of at most 400';

create or replace function data.plain_words(variadic p_texts text[]) returns void
language plpgsql immutable as $$
begin
    if exists (select from unnest(p_texts) as t where data.is_turned(t)) then
        raise exception 'В тексте знак, меняющий направление письма: прочтут не то, что написано'
            using errcode = 'invalid_parameter_value', hint = 'Наберите текст заново, не вставкой из другой программы';
    end if;
    if exists (select from unnest(p_texts) as t where t ~ E'[\\u0001-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\ufffe\\uffff]') then
        raise exception 'В тексте управляющий знак: он не виден, и порталу его не передать'
            using errcode = 'invalid_parameter_value', hint = 'Наберите текст заново, не вставкой из другой программы';
    end if;
end $$;
comment on function data.plain_words(text[]) is
    'Refuses words for a citizen with control characters in them, but for the end of a line and the tab, or with such as turn '
        'the direction of what is written';
