-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Whose rooms a session may enter (C6, docs/decisions/0202). The login decides (session_user), with all groups it is in:
-- SET ROLE makes nobody another person, and a function of the owner does not either. What is asked in views and policies is asked
-- once a statement.

-- A name that is no role's any more is nobody's: pg_has_role(…, null, …) is null.
create or replace function data.my_memberships() returns setof data.office_member
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select m.* from data.office_member as m
    where m.revoked_at is null and pg_has_role(session_user, to_regrole(quote_ident(m.member)), 'member')
$$;
comment on function data.my_memberships() is 'What the login, or a group it is in, was given and still has';

-- An operator who was never given anything is over all, as he was before there was anything to give. Whoever ever had a row is
-- judged by his rows: taking back the last one opens nothing.
create or replace function data.is_over_all() returns boolean
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    has_all boolean;
    had boolean;
begin
    if pg_has_role(session_user, 'zapisd_owner', 'member') or pg_has_role(session_user, 'zapisd_daemon', 'member') then
        return true;
    end if;
    select coalesce(bool_or(m.revoked_at is null and m.agency_code is null and m.organization_id is null), false), count(*) > 0
    into has_all, had
    from data.office_member as m where pg_has_role(session_user, to_regrole(quote_ident(m.member)), 'member');
    return has_all or not had and pg_has_role(session_user, 'zapisd_operator', 'member');
end $$;
comment on function data.is_over_all() is
    'Whether the login is over all agencies, those of tomorrow too: superusers, the owner, the daemon, operators who were never '
    'restricted, and whoever was given all';

create or replace function data.whole_agencies() returns setof text
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    if data.is_over_all() then
        return query select a.agency_code from data.agency as a;
    else
        return query select a.agency_code from data.agency as a
            where a.agency_code in (select m.agency_code from data.my_memberships() as m);
    end if;
end $$;
comment on function data.whole_agencies() is 'Agencies the login works for as a whole';

create or replace function data.sees_all() returns boolean
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    return data.is_over_all() or exists (select from data.agency) and not exists (select from data.agency as a
        where a.agency_code not in (select m.agency_code from data.my_memberships() as m where m.agency_code is not null));
end $$;
comment on function data.sees_all() is
    'Whether no row is to be kept from the login: it is over all, or has each agency there is at present, and with them what '
    'is of no agency';

create or replace function data.my_offices() returns setof text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select o.organization_id from data.organization as o
    where o.agency_code in (select data.whole_agencies())
        or o.organization_id in (select m.organization_id from data.my_memberships() as m)
$$;
comment on function data.my_offices() is 'Organizations the login works for';

create or replace function data.my_agencies() returns setof text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select w from data.whole_agencies() as w
    union
    select o.agency_code from data.organization as o where o.organization_id in (select data.my_offices())
$$;
comment on function data.my_agencies() is 'Agencies the login works for, as a whole or in one of their organizations';

create or replace function data.may_see(p_organization_id text) returns boolean
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    return data.sees_all() or exists (select from data.my_offices() as m where m = p_organization_id);
end $$;
comment on function data.may_see(text) is 'Whether the login works for that organization';

-- Services and calendars are shared: one that others use, too, is changed by who is over them all.
create or replace function data.is_my_service(p_service_id text) returns boolean
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    return data.sees_all() or not exists (select from data.organization_service as s
        where s.service_id = p_service_id and s.organization_id not in (select data.my_offices()));
end $$;
comment on function data.is_my_service(text) is 'Whether nobody offers a service but organizations of the login';

create or replace function data.is_my_calendar(p_calendar_id text) returns boolean
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    return data.sees_all() or not exists (
        with recursive below as (
            select p_calendar_id as id
            union
            select c.calendar_id from data.calendar as c join below as b on c.parent_id = b.id
        )
        select from below as b
        where exists (select from data.organization as o where o.calendar_id = b.id
                and o.organization_id not in (select data.my_offices()))
            or exists (select from data.agency as a where a.calendar_id = b.id
                and a.agency_code not in (select data.whole_agencies())));
end $$;
comment on function data.is_my_calendar(text) is
    'Whether nobody goes by a calendar, or by one that is based on it, but agencies and organizations of the login';

-- The rows of an answer name nobody: the request beside them does.
create or replace function data.journal_agency(p_journal_id bigint, p_at timestamptz) returns text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select min(case j.direction when 'in' then j.recipient_code else j.sender_code end) -- what we send has us as its sender
    from data.journal as j where j.journal_id = p_journal_id and j.at = p_at
$$;
comment on function data.journal_agency(bigint, timestamptz) is 'The agency that an exchange of the journal was for, or of';

-- Policies and views call these in the name of whoever reads.
grant execute on function data.sees_all(), data.my_offices(), data.my_agencies(), data.whole_agencies(),
    data.is_my_service(text), data.is_my_calendar(text), data.journal_agency(bigint, timestamptz)
    to zapisd_operator, zapisd_auditor, zapisd_registrar;

create or replace function data.need_all() returns void
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    if not data.sees_all() then
        raise exception 'Это делает тот, кто работает за все ведомства' using errcode = 'insufficient_privilege',
            hint = 'Ваши: select * from admin.my_offices()';
    end if;
end $$;
comment on function data.need_all() is 'Refuses whoever does not work for all agencies there are';

-- An agency of others and one that is not there look alike.
create or replace function data.known_agency(p_agency_code text) returns void
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    if data.sees_all() or p_agency_code in (select data.whole_agencies()) then
        return;
    end if;
    raise exception 'Ведомства % нет, или оно не Ваше целиком', coalesce(p_agency_code, 'null') using errcode = 'no_data_found',
        hint = 'Ваши: select * from admin.my_offices()';
end $$;
comment on function data.known_agency(text) is 'Refuses whoever does not work for the whole of that agency';

-- Whoever sees all is told by the constraints.
create or replace function data.known_office(p_organization_id text) returns void
language plpgsql stable as $$
begin
    if not data.may_see(p_organization_id) then
        raise exception 'Организации % нет', coalesce(p_organization_id, 'null') using errcode = 'no_data_found',
            hint = 'Ваши: select * from admin.my_offices()';
    end if;
end $$;
comment on function data.known_office(text) is 'Refuses an organization of others, and one that is not there alike';

create or replace function data.need_calendar(p_calendar_id text) returns void
language plpgsql stable as $$
begin
    if not data.is_my_calendar(p_calendar_id) then
        raise exception 'По календарю % работают и другие ведомства', p_calendar_id using errcode = 'insufficient_privilege',
            hint = 'Свой, на его основе: admin.add_calendar(код, название, основа), затем admin.use_calendar';
    end if;
end $$;
comment on function data.need_calendar(text) is 'Refuses to change a calendar that others go by, too';

create or replace function data.need_book(p_book data.ref_book) returns void
language plpgsql stable as $$
begin
    if p_book.agency_code is null then
        perform data.need_all();
    else
        perform data.known_agency(p_book.agency_code);
    end if;
end $$;
comment on function data.need_book(data.ref_book) is
    'Refuses to change a book of all agencies, or of one the login does not have';
