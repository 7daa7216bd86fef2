-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Numbers of organizations and areas are part of each slotId (B8): the program gives them, nobody takes one ahead, none changes.
-- What is not said is told from what is: the number of an organization comes by a trigger, no longer by a default.

do $$
declare
    last bigint;
begin
    last := coalesce((select pg_sequence_last_value('data.organization_number_seq'::regclass)), 0);
    alter table data.organization alter column number drop identity;
    execute format('create sequence data.organization_number_seq as integer start with %s', last + 1);
end $$;
alter sequence data.organization_number_seq owner to zapisd_owner;
alter sequence data.organization_number_seq owned by data.organization.number;
comment on sequence data.organization_number_seq is 'Numbers of organizations: given once, also when nothing came of it (B8)';

create function data.number_is_ours() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if tg_op = 'UPDATE' then
        if new.number is distinct from old.number then
            raise exception 'Номер % не меняется: он входит в номера интервалов, которые уже у портала', old.number
                using errcode = 'object_not_in_prerequisite_state', schema = 'data', table = tg_table_name, column = 'number';
        end if;
    elsif new.number is not null and not pg_has_role('zapisd_owner', 'usage') then
        raise exception 'Номер даёт программа: он входит в номера интервалов'
            using errcode = 'insufficient_privilege', schema = 'data', table = tg_table_name, column = 'number',
                hint = 'То же без столбца number, или admin.add_organization, admin.add_area';
    end if;
    return new;
end $$;
alter function data.number_is_ours() owner to zapisd_owner;
revoke all on function data.number_is_ours() from public;
comment on function data.number_is_ours() is
    'Trigger: a number of an organization or area never changes, and is chosen by nobody but the owner''s functions and a restore (B8)';

-- A number that somebody has taken ahead is passed over.
create function data.organization_numbered() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    while new.number is null or exists (select from data.organization as o where o.number = new.number) loop
        new.number := nextval('data.organization_number_seq');
    end loop;
    return new;
end $$;
alter function data.organization_numbered() owner to zapisd_owner;
revoke all on function data.organization_numbered() from public;
comment on function data.organization_numbered() is 'Trigger: gives an organization the next number that nobody has (B8)';

create function data.area_numbered() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform from data.organization as o where o.organization_id = new.organization_id for no key update;
    new.number := (select coalesce(max(a.number), 0) + 1 from data.area as a where a.organization_id = new.organization_id);
    return new;
end $$;
alter function data.area_numbered() owner to zapisd_owner;
revoke all on function data.area_numbered() from public;
comment on function data.area_numbered() is 'Trigger: gives an area the next number of its organization (B8)';

-- In the order of their names: first whether one was said who may not, then the number itself.
create trigger number_is_ours before insert or update of number on data.organization
    for each row execute function data.number_is_ours();
comment on trigger number_is_ours on data.organization is 'The number is the program''s (B8)';
create trigger numbered before insert on data.organization
    for each row when (new.number is null) execute function data.organization_numbered();
comment on trigger numbered on data.organization is 'The next number that nobody has (B8)';
create trigger number_is_ours before insert or update of number on data.area
    for each row execute function data.number_is_ours();
comment on trigger number_is_ours on data.area is 'The number is the program''s (B8)';
create trigger numbered before insert on data.area
    for each row when (new.number is null) execute function data.area_numbered();
comment on trigger numbered on data.area is 'The next number of the organization (B8)';
