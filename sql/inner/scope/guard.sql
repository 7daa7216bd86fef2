-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Which rows of which table are of which agency, said once (C6). From this list are made: the view data.my_<table>, by which
-- functions of the owner read what the caller may see; and row security with its policies, for whoever reads the table itself.
-- The owner is not kept back by policies: the daemon's functions have nothing to evaluate. A table that is not here is either
-- the same for all agencies or read by no office role: tests/sql/offices.sql wants to know which.

create or replace function data.office_rules() returns table (relation text, reads text, writes text)
language sql immutable set search_path = pg_catalog, pg_temp as $$
    with rule (name, words) as (values
        ('nobody', 'false'),
        ('everybody', 'true'),
        ('organization', '{t}.organization_id in (select data.my_offices())'),
        ('home', '({t}.agency_code in (select data.whole_agencies()) or {t}.agency_code in (select data.my_agencies()) '
            'and {t}.organization_id in (select data.my_offices()))'),
        ('area', '{t}.area_key in (select a.area_key from data.area as a where a.organization_id in (select data.my_offices()))'),
        ('booking', 'exists (select from data.booking as b where b.book_key = {t}.book_key '
            'and b.organization_id in (select data.my_offices()))'),
        ('closure', '{t}.closure_id in (select c.closure_id from data.closure as c '
            'where c.organization_id in (select data.my_offices()))'),
        ('agency', '{t}.agency_code in (select data.my_agencies())'),
        ('whole agency', '{t}.agency_code in (select data.whole_agencies())'),
        ('service', 'data.is_my_service({t}.service_id)'),
        ('calendar', 'data.is_my_calendar({t}.calendar_id)'),
        ('message', 'coalesce({t}.recipient_code, data.journal_agency({t}.journal_id, {t}.at)) '
            'in (select data.whole_agencies())'),
        ('book', '({t}.agency_code is null or {t}.agency_code in (select data.my_agencies()))'),
        ('of book', '{t}.ref_name in (select k.ref_name from data.ref_book as k '
            'where k.agency_code is null or k.agency_code in (select data.my_agencies()))'),
        ('of own book', '{t}.ref_name in (select k.ref_name from data.ref_book as k '
            'where k.agency_code in (select data.whole_agencies()))'),
        ('item', '(({t}.agencies is null or {t}.agencies && array(select data.my_agencies())) '
            'and {t}.ref_name in (select k.ref_name from data.ref_book as k '
            'where k.agency_code is null or k.agency_code in (select data.my_agencies())))'),
        ('mark', '({t}.ref_name in (select k.ref_name from data.ref_book as k where k.agency_code is null and not k.is_derived '
            'or k.agency_code in (select data.my_agencies())) or exists (select from data.ref_item as i '
            'where i.item_id = {t}.item_id and i.agencies && array(select data.my_agencies())))')
    ), listed (relation, reads, writes) as (values
        ('agency', 'agency', 'whole agency'), ('status_detail', 'agency', 'whole agency'),
        ('organization', 'organization', 'home'), ('organization_status', 'organization', 'organization'),
        ('organization_service', 'organization', 'organization'), ('service', 'everybody', 'service'),
        ('area', 'organization', 'organization'), ('area_service', 'organization', 'organization'),
        ('area_use', 'organization', 'organization'), ('timetable', 'organization', 'organization'),
        ('day_off', 'organization', 'organization'), ('special_day', 'organization', 'organization'),
        ('special_hours', 'organization', 'organization'), ('calendar', 'everybody', 'calendar'),
        ('calendar_day', 'everybody', 'calendar'), ('booking_limit', 'organization', 'organization'),
        ('channel_share', 'organization', 'organization'), ('schedule_state', 'organization', null),
        ('slot', 'organization', 'organization'), ('place', 'area', null), ('occupancy', 'area', null),
        ('closure', 'organization', null), ('closure_booking', 'closure', null), ('closure_progress', 'closure', null),
        ('booking', 'organization', null), ('applicant', 'booking', null), ('booking_history', 'booking', null),
        ('outbox', 'booking', null), ('outbox_event', 'booking', null), ('outbox_road', 'agency', null),
        ('personal_reading', 'booking', null), ('journal', 'message', null),
        ('journal_refused', 'nobody', null), ('message_seen', 'nobody', null), ('office_member', 'nobody', null),
        ('ref_book', 'book', null), ('ref_attribute', 'of book', null), ('ref_item', 'item', 'of own book'),
        ('ref_mark', 'mark', null), ('inbox', 'whole agency', null), ('inbox_source', 'whole agency', null),
        ('inbox_unread', 'whole agency', null), ('inbox_section', 'whole agency', null),
        ('inbox_refusal', 'whole agency', null)
    )
    select l.relation, replace(r.words, '{t}', l.relation), replace(w.words, '{t}', l.relation)
    from listed as l join rule as r on r.name = l.reads left join rule as w on w.name = l.writes
$$;
comment on function data.office_rules() is
    'Tables that have rows of agencies, and for whoever does not see all: which of them he reads, and which he may write as '
    'far as he was granted it (null: none is written but by functions)';

create or replace function data.office_policy(p_relation text, p_policy text, p_for text, p_rule text, p_wrong text[])
    returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    said constant text := format('(select data.sees_all()) or %s', p_rule);
begin
    if exists (select from pg_policy as p where p.polrelid = to_regclass('data.' || p_relation) and p.polname = p_policy
            and obj_description(p.oid, 'pg_policy') = said)
        and format('%I on data.%I', p_policy, p_relation) <> all (p_wrong) then
        return;
    end if;
    execute format('drop policy if exists %I on data.%I', p_policy, p_relation);
    execute format('create policy %I on data.%I for %s using (%s)', p_policy, p_relation, p_for, said);
    execute format('comment on policy %I on data.%I is %L', p_policy, p_relation, said);
end $$;
comment on function data.office_policy(text, text, text, text, text[]) is
    'Makes a policy of a table anew, unless it is as it should be: neither of another rule nor among the wrong ones';

-- A view that has other columns than its table has now is made anew; a migration that changes a column of the table drops it.
create or replace function data.office_view(p_relation text, p_rule text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    c record;
    what constant text := format('view data.%I as select %I.* from data.%I where (select data.sees_all()) or %s',
        'my_' || p_relation, p_relation, p_relation, p_rule);
begin
    -- Columns are added at the end; by any other change the view is another one.
    if exists (
        select from pg_attribute as v
        left join pg_attribute as t on t.attrelid = to_regclass('data.' || p_relation) and t.attname = v.attname
            and t.atttypid = v.atttypid and t.atttypmod = v.atttypmod
        where v.attrelid = to_regclass('data.my_' || p_relation) and v.attnum > 0 and t.attname is null) then
        execute format('drop view data.%I', 'my_' || p_relation);
    end if;
    execute 'create or replace ' || what;
    execute format('comment on view data.%I is %L', 'my_' || p_relation,
        format('What the caller may see of data.%s (C6)', p_relation));
    for c in
        select a.attname, col_description(a.attrelid, a.attnum) as words from pg_attribute as a
        where a.attrelid = to_regclass('data.' || p_relation) and a.attnum > 0 and not a.attisdropped
    loop
        execute format('comment on column data.%I.%I is %L', 'my_' || p_relation, c.attname, c.words);
    end loop;
end $$;
comment on function data.office_view(text, text) is 'Makes the view of a table by which functions see what their caller may see';

create or replace function data.office_guard() returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    r record;
    wrong constant text[] := array(select w.object from data.built_wrong() as w where w.kind = 'policy');
begin
    for r in select g.* from data.office_rules() as g order by g.relation loop
        perform data.office_view(r.relation, r.reads);
        if (select c.relforcerowsecurity from pg_class as c where c.oid = to_regclass('data.' || r.relation)) then
            execute format('alter table data.%I no force row level security', r.relation); -- the daemon's functions
        end if;
        if not (select c.relrowsecurity from pg_class as c where c.oid = to_regclass('data.' || r.relation)) then
            execute format('alter table data.%I enable row level security', r.relation);
        end if;
        perform data.office_policy(r.relation, 'offices_read', 'select', r.reads, wrong);
        if r.writes is not null then
            perform data.office_policy(r.relation, 'offices_write', 'all', r.writes, wrong);
        end if;
    end loop;
end $$;
comment on function data.office_guard() is
    'Makes what data.office_rules() asks for: a view, row security and policies a table; what is as it should be stays';
