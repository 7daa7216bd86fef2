-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Who may give an agency to whom (C6).

create or replace function data.known_member(p_member text) returns name
language plpgsql stable as $$
begin
    if not exists (select from pg_roles as r where r.rolname = p_member) then
        raise exception 'Пользователя базы % нет', coalesce(p_member, 'null') using errcode = 'no_data_found',
            hint = 'Заводит администратор: create role ivanova login in role zapisd_registrar';
    elsif p_member ~ '^(zapisd|pg)_' then
        raise exception '% — это все, кому она выдана', p_member using errcode = 'invalid_parameter_value',
            hint = E'Нужен пользователь (\\du) или своя группа пользователей';
    end if;
    return p_member;
end $$;
comment on function data.known_member(text) is 'A login, or a group of the administrator''s; an error that says what is wanted';

create or replace function data.need_over_all() returns void
language plpgsql stable as $$
begin
    if not data.is_over_all() then
        raise exception 'Кто за какое ведомство работает, решает оператор всех ведомств' using errcode = 'insufficient_privilege',
            hint = 'Ваши: select * from admin.my_offices()';
    end if;
end $$;
comment on function data.need_over_all() is 'Refuses whoever is not over all agencies, those of tomorrow too';

create or replace function data.known_room(p_agency_code text, p_organization_id text) returns void
language plpgsql stable as $$
begin
    if p_agency_code is null or lower(btrim(p_agency_code)) = 'все' and p_organization_id is not null
        or lower(btrim(p_agency_code)) <> 'все' and not exists (
            select from data.agency as a where a.agency_code = p_agency_code) then
        raise exception 'Ведомства % нет', coalesce(p_agency_code, 'null') using errcode = 'no_data_found',
            hint = 'Есть: select * from admin.my_offices(); за все, какие есть и будут: ''все'', без организации';
    end if;
    if p_organization_id is not null and not exists (select from data.organization as o
        where o.organization_id = p_organization_id and o.agency_code = p_agency_code) then
        raise exception 'Организации % в ведомстве % нет', p_organization_id, p_agency_code using errcode = 'no_data_found',
            hint = 'Есть: select * from admin.my_offices()';
    end if;
end $$;
comment on function data.known_room(text, text) is 'Refuses an agency, or an organization of it, that is not there';

create or replace function data.lost_members() returns table (problem text, what text)
language sql stable as $$
    select 'работает, но никого не видит', format('%s: не дано ни одного ведомства; дать: select admin.grant_office(%L, '
        '''ведомство''), а кто работает в одной организации, тому только её: третьим словом', r.rolname, r.rolname)
    from pg_roles as r
    where r.rolcanlogin and not r.rolsuper and not pg_has_role(r.oid, 'zapisd_operator', 'member')
        and (pg_has_role(r.oid, 'zapisd_registrar', 'member') or pg_has_role(r.oid, 'zapisd_auditor', 'member'))
        and has_database_privilege(r.oid, current_database(), 'connect')
        and not exists (select from data.office_member as m join pg_roles as g on g.rolname = m.member
            where m.revoked_at is null and pg_has_role(r.oid, g.oid, 'member'))
    union all
    select 'дано тому, кого нет', format('%s, дано %s: такого пользователя, ведомства или организации нет; отнять: '
        'select admin.revoke_office(%s)', m.member, to_char(m.granted_at, 'DD.MM.YYYY'),
        concat_ws(', ', quote_literal(m.member), quote_literal(coalesce(m.agency_code, case when m.organization_id is null
            then 'все' else '' end)), quote_literal(m.organization_id)))
    from data.office_member as m
    where m.revoked_at is null and (not exists (select from pg_roles as r where r.rolname = m.member)
        or m.agency_code is not null and not exists (select from data.agency as a where a.agency_code = m.agency_code)
        or m.organization_id is not null
            and not exists (select from data.organization as o where o.organization_id = m.organization_id))
$$;
comment on function data.lost_members() is
    'Logins that see nobody for want of an agency, and rows of data.office_member about what is not there';

create or replace function data.rooms_of(p_member text) returns text
language sql stable as $$
    select coalesce(string_agg(case when m.agency_code is null and m.organization_id is null then 'все ведомства'
        else coalesce(m.agency_code, m.organization_id) end, ', ' order by m.membership_id), 'никого')
    from data.office_member as m where m.member = p_member and m.revoked_at is null
$$;
comment on function data.rooms_of(text) is 'What a login was given by its own name, in words';
