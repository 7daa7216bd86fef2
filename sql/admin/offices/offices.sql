-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Who works for which agency (C6): given and taken by whoever is over all of them. Nothing is deleted: what was taken back stays,
-- with who did it.

create or replace function admin.grant_office(who text, agency_code text, organization_id text default null) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    login name;
    is_all constant boolean := lower(btrim(coalesce(agency_code, ''))) = 'все';
begin
    perform data.need_over_all();
    login := data.known_member(who);
    perform data.known_room(agency_code, organization_id);
    insert into data.office_member (member, agency_code, organization_id, granted_by)
    values (login, case when not is_all and organization_id is null then grant_office.agency_code end,
        grant_office.organization_id, session_user)
    on conflict do nothing;
    return format('%s работает за: %s', login, data.rooms_of(login));
end $$;
grant execute on function admin.grant_office(text, text, text) to zapisd_operator;
comment on function admin.grant_office(text, text, text) is
    'grant_office(пользователь, ведомство | ''все'' [, организация]): за кого он работает; остальных для него нет. Операторов, '
        'которым не дано ничего, это не ограничивает, регистратор и аудитор без этого не видят никого. '
        'Пример: select admin.grant_office(''ivanova'', ''AAAA00001'')';

create or replace function admin.revoke_office(who text, agency_code text, organization_id text default null) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    is_all constant boolean := lower(btrim(coalesce(agency_code, ''))) = 'все';
begin
    perform data.need_over_all();
    update data.my_office_member as m set revoked_at = clock_timestamp(), revoked_by = session_user
    where m.member = who and m.revoked_at is null
        and m.agency_code is not distinct from case when not is_all and revoke_office.organization_id is null
            then revoke_office.agency_code end
        and m.organization_id is not distinct from revoke_office.organization_id;
    if not found then
        raise exception 'Этого % не давали', coalesce(who, 'null') using errcode = 'no_data_found',
            hint = 'Кому что дано: select * from admin.office_members';
    end if;
    return format('%s работает за: %s', who, data.rooms_of(who));
end $$;
grant execute on function admin.revoke_office(text, text, text) to zapisd_operator;
comment on function admin.revoke_office(text, text, text) is
    'revoke_office(пользователь, ведомство | ''все'' [, организация]): больше не работает за них; отнимается то, что дано, '
        'теми же словами. Пример: select admin.revoke_office(''ivanova'', ''AAAA00001'')';

create or replace function admin.my_offices()
returns table (agency_code text, agency text, organization_id text, organization text, is_whole boolean)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select a.agency_code, a.name, o.organization_id, o.name, a.agency_code in (select data.whole_agencies())
    from data.my_agency as a
    left join data.my_organization as o on o.agency_code = a.agency_code
    order by a.agency_code, o.organization_id
$$;
grant execute on function admin.my_offices() to zapisd_operator, zapisd_registrar, zapisd_auditor;
comment on function admin.my_offices() is
    'my_offices(): за какие ведомства и организации Вы работаете; is_whole — за ведомство целиком, с организациями, которые ещё '
        'появятся. Пример: select * from admin.my_offices()';

create or replace view admin.office_members with (security_barrier) as
select m.member, m.agency_code, m.organization_id, m.granted_at, m.granted_by, m.revoked_at, m.revoked_by
from data.my_office_member as m
order by m.member, m.membership_id;
grant select on admin.office_members to zapisd_operator, zapisd_auditor;
comment on view admin.office_members is
    'Кто за какое ведомство или организацию работает, кто и когда это дал и отнял; видит тот, кто работает за все. '
    'Пример: select * from admin.office_members where revoked_at is null';
comment on column admin.office_members.member is 'Пользователь базы или группа';
comment on column admin.office_members.agency_code is 'Ведомство целиком; вместе с пустой организацией пусто — все';
comment on column admin.office_members.organization_id is 'Только эта организация';
comment on column admin.office_members.granted_at is 'Когда дано';
comment on column admin.office_members.granted_by is 'Кем';
comment on column admin.office_members.revoked_at is 'Когда отнято; пусто — действует';
comment on column admin.office_members.revoked_by is 'Кем';
