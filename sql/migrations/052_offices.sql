-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Each agency's own rooms (C6): which login works for which agency or organization. Rows are read by data.sees_all() and
-- data.my_offices(), which views, policies and functions ask (sql/inner/scope; docs/decisions/0202).

create table data.office_member (
    membership_id integer not null generated always as identity,
    member name not null,
    agency_code text,
    organization_id text,
    granted_at timestamptz not null default clock_timestamp(),
    granted_by name not null default session_user,
    revoked_at timestamptz,
    revoked_by name,
    constraint office_member_pkey primary key (membership_id),
    constraint office_member_one check (agency_code is null or organization_id is null),
    constraint office_member_revoked check ((revoked_at is null) = (revoked_by is null))
);
alter table data.office_member owner to zapisd_owner;
create unique index office_member_once on data.office_member (member, agency_code, organization_id) nulls not distinct
    where revoked_at is null;
revoke all on data.office_member from public;
comment on table data.office_member is 'Which agencies and organizations a login of the database works for; a row stays when it is taken back: who ever had one is judged by his rows alone';
comment on column data.office_member.membership_id is 'Order';
comment on column data.office_member.member is 'Login, or a group of logins';
comment on column data.office_member.agency_code is 'A whole agency, organizations of tomorrow too; with organization_id empty as well: all there are';
comment on column data.office_member.organization_id is 'One organization';
comment on column data.office_member.granted_at is 'When it was given';
comment on column data.office_member.granted_by is 'Login that gave it';
comment on column data.office_member.revoked_at is 'When it was taken back; none: it holds';
comment on column data.office_member.revoked_by is 'Login that took it back';
comment on constraint office_member_pkey on data.office_member is 'Order';
comment on constraint office_member_one on data.office_member is 'An agency or an organization, not both';
comment on constraint office_member_revoked on data.office_member is 'Taken back by somebody, at some time';
comment on index data.office_member_once is 'What holds is there once';

-- Policies and row security are among what our files make, and what is told when it is gone.
alter table data.built drop constraint built_kind;
alter table data.built add constraint built_kind check (kind in ('routine', 'view', 'trigger', 'policy', 'row security'));
comment on column data.built.kind is 'routine, view, trigger, policy, row security';
comment on column data.built.object is 'Name with its schema; a routine with the types of its arguments, a trigger and a policy with their table';
comment on constraint built_kind on data.built is 'One of the five';

-- Whoever reads this view reads the tables behind it, not their owner.
alter view data.ref_value set (security_invoker = true);

-- With one agency in the database there was nobody to be kept apart from, and nobody is to be locked out: its clerks and auditors
-- of today get what they had. With several it cannot be known whose a clerk is: the operator says so.
do $$
declare
    agencies constant text[] := array(select a.agency_code from data.agency as a order by 1);
    people constant name[] := array(
        select r.rolname from pg_roles as r
        where r.rolcanlogin and not r.rolsuper and not pg_has_role(r.oid, 'zapisd_operator', 'member')
            and (pg_has_role(r.oid, 'zapisd_registrar', 'member') or pg_has_role(r.oid, 'zapisd_auditor', 'member'))
        order by 1);
begin
    if cardinality(people) = 0 then
        return;
    end if;
    if cardinality(agencies) = 1 then
        insert into data.office_member (member, agency_code) select p, agencies[1] from unnest(people) as p;
        raise warning 'each login works for the agencies it was given: %, the only one, is given to %', agencies[1],
            array_to_string(people, ', ');
    else
        raise warning 'each login works for the agencies it was given, and these see nothing until then: %; to give one: select '
            'admin.grant_office(login, agency)', array_to_string(people, ', ');
    end if;
end $$;
