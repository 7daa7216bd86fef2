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
comment on function data.fill_text(text, text[], text[]) is
    'A text with its placeholders filled in and its optional parts kept or dropped (S4)';

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
comment on function data.status_text(text, text, timestamptz, text, text, text) is
    'Text of a status: the organization''s own, else that of Appendix 1, filled in (S4)';

create or replace function data.plain_status_text(p_code text) returns text
language plpgsql stable parallel safe as $$
begin
    return (
        select s.message from data.status as s where s.code = p_code
    );
end $$;
comment on function data.plain_status_text(text) is 'Text of a status when the organization is not known';

create or replace function data.expired_text() returns text
language sql immutable parallel safe return 'Срок предварительного бронирования истёк';
comment on function data.expired_text() is 'Text of status 303 for a hold that ran out (A24)';

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
