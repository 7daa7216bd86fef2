-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- L4: every number and switch of an office, at the least and at the most that is accepted: an office lives with it (slots are
-- made, offered, booked, moved and cancelled), or data.silent_settings() tells. A new column is taken from the catalog, and must
-- live or tell as well, or be among those that say themselves what they do.
\ir lib/helpers.psql
select no_plan();
update data.organization set is_active = false where organization_id not in ('T1', 'T2');
delete from data.slot where organization_id = 'T1';
insert into data.timetable (area_key, organization_id, weekday, starts, ends, slot_min, capacity)
select area_key, 'T1', w, '09:00', '12:00', 30, 1 from data.area, generate_series(1, 7) as w where organization_id = 'T1' and area_id = 'a2';
insert into data.channel_share (organization_id, channel, percent) values ('T1', 'portal', 100);

-- Where a row of each is, and which columns mean nothing but themselves.
create temp table places as select * from (values
    ('organization', $$organization_id = 'T1'$$), ('organization_service', $$organization_id = 'T1' and service_id = 's1'$$),
    ('area', $$organization_id = 'T1' and area_id = 'a2'$$), ('timetable', $$organization_id = 'T1'$$), ('channel_share', $$organization_id = 'T1'$$),
    ('agency', $$agency_code = 'TEST00001'$$)) as t (tbl, at);
create temp table plain as select * from (values
    ('organization.is_active', 'false closes the office, which is what it says'), ('organization.number', 'a name'), ('organization.has_rules', 'kept by triggers'),
    ('organization.latitude', 'shown'), ('organization.longitude', 'shown'), ('area.area_key', 'a name'), ('area.number', 'a name'), ('area.parent_key', 'a reference'),
    ('timetable.timetable_id', 'a name'), ('timetable.area_key', 'a reference'), ('timetable.weekday', 'a day'), ('timetable.serial', 'a name'),
    ('channel_share.share_id', 'a name'), ('channel_share.area_key', 'a reference')) as t (name, why);
create temp table columns as
select c.relname as tbl, a.attname as col, p.at, a.atttypid::regtype as type
from pg_attribute as a join pg_class as c on c.oid = a.attrelid join places as p on p.tbl = c.relname
where c.relnamespace = 'data'::regnamespace and a.attnum > 0 and not a.attisdropped
    and a.atttypid::regtype in ('smallint', 'integer', 'bigint', 'numeric', 'boolean', 'interval', 'real', 'double precision')
    and not exists (select from plain where name = c.relname || '.' || a.attname);
select is_empty('select name from plain where not exists (select from pg_attribute where attrelid = (''data.'' || split_part(name, ''.'', 1))::regclass and attname = split_part(name, ''.'', 2))', 'each of the others is there');

-- A life of a visit, the whole of it: empty, or what did not happen.
create function pg_temp.life() returns text language plpgsql as $$
declare
    last uuid;
    other uuid;
    said text;
    m constant api.message := pg_temp.msg();
begin
    perform admin.generate('T1');
    select s.slot_id into last from data.slot as s join data.organization as o using (organization_id)
    where s.organization_id = 'T1' and s.starts_at < now() + make_interval(days => least(o.booking_window_days, (select v.booking_window_days from data.organization_service as v where v.organization_id = 'T1' and v.service_id = 's1'))) order by s.starts_at desc limit 1;
    if last is null then
        return 'no slot';
    end if;
    select s.slot_id into other from data.slot as s join data.slot as l on l.slot_id = last where s.organization_id = 'T1' and s.starts_at < l.starts_at - interval '20 hours' order by s.starts_at desc limit 1;
    said := pg_temp.book('life', array[last::text], services => array['s1']);
    if said !~ '^(201|100)/0' then
        return 'not booked: ' || said;
    end if;
    update data.booking set state = 'BOOKED' where book_key = 'life' and state <> 'BOOKED';
    said := pg_temp.book('life', array[other::text], services => array['s1']);
    if said !~ '^(201|100)/0' then
        return 'not moved: ' || said;
    end if;
    said := pg_temp.cancel('life');
    return case when said !~ '^(301|300)/0' then 'not cancelled: ' || said else '' end;
end $$;
-- What is accepted, from one end; and what comes of it.
create function pg_temp.extreme(c columns, is_most boolean) returns text language plpgsql as $$
declare
    v text;
    said text;
    ladder text[] := case when c.type = 'boolean'::regtype then array['false', 'true'] when c.type = 'interval'::regtype then array['-1 year', '0', '1 second', '1 hour', '1 day', '100 years']
        else array(select n::text from unnest(array[-32768, -1] || array(select generate_series(0, 2000)) || array[3000, 8760, 9999, 10000, 14400, 20160, 32767, 43200, 1000000, 2147483647]) as n) end;
begin
    for v in select t.v from unnest(ladder) with ordinality as t (v, n) order by case when is_most then -n else n end loop
        begin
            execute format('update data.%I set %I = %L where %s', c.tbl, c.col, v, c.at);
            set constraints all immediate;
            said := concat_ws(', ', v, coalesce(nullif(pg_temp.life(), ''), 'lives'), case when exists (select from data.silent_settings()) then 'told' end);
            raise exception 'undo' using errcode = 'ZB000';
        exception
            when check_violation or numeric_value_out_of_range or raise_exception or foreign_key_violation or invalid_parameter_value then null;
            when sqlstate 'ZB000' then return said;
        end;
    end loop;
    return 'nothing is accepted';
end $$;
select is(pg_temp.life(), '', 'an office lives');
create temp table seen as select tbl || '.' || col as name, m as is_most, pg_temp.extreme(columns, m) as said from columns, unnest(array[false, true]) as m;
select is_empty('select * from seen where said !~ '', (lives|.*, told)$'' ', 'L4: at either end an office lives, or it is told');
select set_eq('select name from seen where said ~ '', told$''', $$values ('channel_share.percent'), ('organization.cancel_deadline_min'), ('organization.horizon_days'), ('organization.move_deadline_min'),
    ('organization_service.cancel_deadline_min'), ('organization_service.move_deadline_min'), ('timetable.slot_min')$$, 'L4: told are these, at one end each');
select * from finish();
rollback;
