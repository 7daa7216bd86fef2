-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What a citizen reads of a status, in one place so that every method words it alike.

-- A part in [ ] goes when a placeholder in it has no value; values themselves are never read as placeholders of the ones
-- before them, nor as parts.
create or replace function data.fill_text(t text, keys text[], vals text[]) returns text
language plpgsql immutable parallel safe as $$
declare
    part text;
    is_empty boolean;
begin
    loop
        part := substring(t from E'\\[[^][]*\\]');
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
comment on function data.fill_text(text, text[], text[]) is
    'A text with its placeholders filled in and its optional parts kept or dropped (S4)';

-- Before what a text may name was a list, and a state had a text of its own.
drop function if exists data.status_text(text, text, timestamptz, text, text, text);

create or replace function data.text_placeholders() returns text[]
language sql immutable parallel safe
return '{organization,address,phone,contacts,date,time,area,service,queue,specialists,reason,began,duration}'::text[];
comment on function data.text_placeholders() is 'What a text of a status may name in { } (S4), in the order of data.text_filled';

create or replace function data.text_key(p_key text) returns text
language sql immutable parallel safe
return case when upper(btrim(p_key)) in ('HELD', 'BOOKED', 'INVITED', 'CANCELLED', 'EXPIRED') then upper(btrim(p_key))
    when btrim(p_key) ~ '^[0-9]{3,9}$' then btrim(p_key) end;
comment on function data.text_key(text) is 'What a text belongs to: a status, or a state that shares its own; null: neither (S4)';

-- Two states have words of the common text to themselves: an invitation, which is what Appendix 1 means by 201, and a hold that
-- ran out, which is nobody's decision. An organization's own text says what the order wants said, too, whatever was written
-- (data.text_duties).
create or replace function data.text_template(p_code text, p_organization_id text, p_state data.booking_state default null)
returns text language plpgsql stable parallel safe as $$
begin
    return coalesce(
        (select data.text_said(c.code, c.comment)
         from data.organization_status as c
         where c.organization_id = p_organization_id and c.code in (p_code, left(p_code, 3), p_state::text)
            and (p_state is distinct from 'INVITED' or c.code not like '201%') -- written for those who have booked
         order by c.code = p_code and length(p_code) > 3 desc, c.code = p_state::text desc nulls last limit 1),
        case p_state
            when 'INVITED' then 'Приглашаем Вас получить запрашиваемую услугу или функцию. '
                'Место: {organization}[, {address}][, {area}].[ Время: {date} в {time}.]'
            when 'EXPIRED' then data.expired_text() end,
        (select s.template from data.status as s where s.code = left(p_code, 3)));
end $$;
comment on function data.text_template(text, text, data.booking_state) is
    'Text of a status, or of a state where a status is several: the organization''s own, most precise first, else the common '
        'one; with what the order wants said (S4)';

-- Never longer than a text of the schema may be, whatever a person wrote. {time} is the time that was booked; when a visit really
-- began and how long it took are {began} and {duration} (Appendix 1, 202).
drop function if exists data.text_filled(text, text, timestamptz, text, text, text, text, text, text);
create or replace function data.text_filled(t text, p_organization_id text, p_at timestamptz default null,
    p_reason text default null, p_specialists text default null, p_contacts text default null, p_area text default null,
    p_service text default null, p_queue text default null, p_began timestamptz default null, p_minutes integer default null)
returns text language plpgsql stable parallel safe as $$
declare
    o data.organization;
begin
    if position('{' in t) = 0 and position('[' in t) = 0 then
        return left(t, 4000);
    end if;
    select * into o from data.organization as x where x.organization_id = p_organization_id;
    return left(data.fill_text(t, data.text_placeholders(),
        array[o.name, data.visible(o.address), data.visible(o.phone),
            coalesce(data.visible(p_contacts), concat_ws(', ', data.visible(o.phone), data.visible(o.address))),
            to_char(p_at at time zone o.time_zone, 'DD.MM.YYYY'), to_char(p_at at time zone o.time_zone, 'HH24:MI'),
            p_area, p_service, p_queue, data.visible(p_specialists), rtrim(data.visible(p_reason), '.'),
            to_char(p_began at time zone o.time_zone, 'HH24:MI'), p_minutes::text]), 4000);
end $$;
comment on function data.text_filled(text, text, timestamptz, text, text, text, text, text, text, timestamptz, integer) is
    'A text with what it names filled in (S4)';

create or replace function data.status_text(p_code text, p_organization_id text, p_at timestamptz default null,
    p_reason text default null, p_specialists text default null, p_contacts text default null,
    p_state data.booking_state default null)
returns text language plpgsql stable parallel safe as $$
begin
    return data.text_filled(data.text_template(p_code, p_organization_id, p_state), p_organization_id, p_at, p_reason,
        p_specialists, p_contacts);
end $$;
comment on function data.status_text(text, text, timestamptz, text, text, text, data.booking_state) is
    'Text of a status where no place is known: the organization''s own, else that of Appendix 1, filled in (S4)';

-- Before 207 told its reason.
drop function if exists data.plain_status_text(text);

create or replace function data.expired_text() returns text
language sql immutable parallel safe return 'Заявление отменено. Срок предварительного бронирования истёк';
comment on function data.expired_text() is 'Common text of status 303 for a hold that ran out (A24)';

create or replace function data.status_fault(p_agency_code text, p_code text) returns text
language sql stable as $$
    select 'Данный статус заявления не поддерживается в текущей версии'
    where coalesce(p_code, '') !~ '^[0-9]{3,9}$'
        or not exists (select from data.status as s where s.code = left(p_code, 3))
        or length(p_code) > 3
            and (select a.strict_sub_codes from data.agency as a where a.agency_code = p_agency_code)
            and not exists (select from data.status_detail as d where d.agency_code = p_agency_code and d.code = p_code)
$$;
comment on function data.status_fault(text, text) is
    'What is wrong with a status code of an agency, in the words of Appendix 1, note 3; null when nothing is (S1, A25)';
