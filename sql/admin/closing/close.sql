-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Closing (O3, edge case 29). Without apply => true each of these only lists the bookings concerned. With it the slots are
-- closed at once, and the bookings moved to equal free slots or cancelled (302), at_most of them in this transaction; the
-- rest by the same call again, by admin.go_on(), or by the daemon within minutes. Bookings are never handled twice.

create or replace function admin.close_day(organization_id text, day date, reason text, apply boolean default false,
    move boolean default true, at_most integer default 50)
returns setof admin.closing language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    return query select * from data.closure_run(organization_id, null, 'day', day::timestamp, (day + 1)::timestamp, reason, apply,
        move, at_most);
end $$;
grant execute on function admin.close_day(text, date, text, boolean, boolean, integer) to zapisd_operator;
comment on function admin.close_day(text, date, text, boolean, boolean, integer) is
    'close_day(организация, день, причина [, apply => true] [, move => false]): закрыть день; без apply только показывает, кого '
        'это коснётся, с ним переносит записи на равные свободные интервалы или отменяет (302). '
        'Пример: select * from admin.close_day(''R7700018'', admin.office_day(''R7700018'') + 3, ''санитарный день'')';

create or replace function admin.close_area(organization_id text, area_id text, from_day date, to_day date, reason text,
    apply boolean default false, move boolean default true, at_most integer default 50)
returns setof admin.closing language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    return query select * from data.closure_run(organization_id, area_id, 'area', from_day::timestamp, (to_day + 1)::timestamp,
        reason, apply, move, at_most);
end $$;
grant execute on function admin.close_area(text, text, date, date, text, boolean, boolean, integer) to zapisd_operator;
comment on function admin.close_area(text, text, date, date, text, boolean, boolean, integer) is
    'close_area(организация, помещение, с дня, по день или null (насовсем), причина [, apply => true] [, move => false]): '
        'закрыть помещение со всем, что в нём. '
        'Пример: select * from admin.close_area(''R7700018'', ''room-11'', admin.office_day(''R7700018''), '
        'admin.office_day(''R7700018'') + 7, ''ремонт'')';

create or replace function admin.close_office(organization_id text, from_day date, to_day date, reason text,
    apply boolean default false, move boolean default true, at_most integer default 50)
returns setof admin.closing language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    return query select * from data.closure_run(organization_id, null, 'office', from_day::timestamp, (to_day + 1)::timestamp,
        reason, apply, move, at_most);
end $$;
grant execute on function admin.close_office(text, date, date, text, boolean, boolean, integer) to zapisd_operator;
comment on function admin.close_office(text, date, date, text, boolean, boolean, integer) is
    'close_office(организация, с дня, по день или null (насовсем), причина [, apply => true] [, move => false]): закрыть весь '
        'офис. Пример: select * from admin.close_office(''R7700018'', admin.office_day(''R7700018'') + 30, null, '
        '''отдел закрывается'')';

create or replace function admin.absence(organization_id text, area_id text, from_at timestamp, to_at timestamp, reason text,
    apply boolean default false, move boolean default true, at_most integer default 50)
returns setof admin.closing language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if to_at is null then
        raise exception 'До какого времени специалиста не будет?' using errcode = 'invalid_parameter_value',
            hint = 'Насовсем: admin.close_area(организация, помещение, с дня, null, причина)';
    end if;
    return query select * from data.closure_run(organization_id, area_id, 'absence', from_at, to_at, reason, apply,
        move, at_most);
end $$;
grant execute on function admin.absence(text, text, timestamp, timestamp, text, boolean, boolean, integer) to zapisd_operator;
comment on function admin.absence(text, text, timestamp, timestamp, text, boolean, boolean, integer) is
    'absence(организация, специалист или помещение, с, до (местное время), причина [, apply => true] [, move => false]): '
        'специалиста не будет. '
        'Пример: select * from admin.absence(''R7700018'', ''room-11'', admin.office_day(''R7700018'') + 1 + time ''13:00'', '
        'admin.office_day(''R7700018'') + 1 + time ''18:00'', ''болезнь'')';

create or replace function admin.go_on(closure_id integer default null, at_most integer default 50)
returns setof admin.closing language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    c record;
    is_there boolean := false;
begin
    if at_most is null or at_most < 0 then
        raise exception 'at_most — сколько записей за раз, не меньше нуля' using errcode = 'invalid_parameter_value';
    end if;
    -- All of them before anything else, as whoever works at one has it first (docs/architecture.md, the order of locks).
    perform from data.my_closure as t
    where t.closure_id = go_on.closure_id and t.state <> 'lifted' or go_on.closure_id is null and t.state = 'working'
    order by t.closure_id for no key update;
    for c in
        select t.closure_id from data.my_closure as t
        where t.closure_id = go_on.closure_id and t.state <> 'lifted' or go_on.closure_id is null
            and t.state = 'working' order by 1
    loop
        is_there := true;
        perform data.closure_work(c.closure_id, at_most);
        return query select * from data.closure_report(c.closure_id);
    end loop;
    if not is_there and closure_id is not null then
        raise exception 'Закрытия № % нет, или оно отменено', closure_id using errcode = 'no_data_found',
            hint = 'Есть: select * from admin.closures';
    end if;
end $$;
grant execute on function admin.go_on(integer, integer) to zapisd_operator;
comment on function admin.go_on(integer, integer) is
    'go_on([номер закрытия]): продолжить прерванное закрытие (без номера — все); показывает, что стало с записями. '
        'Пример: select * from admin.go_on()';

create or replace function admin.reopen(closure_id integer) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    c data.closure;
    o data.organization;
    ids uuid[];
    opened bigint;
    r record;
    went record;
begin
    select * into c from data.my_closure as t where t.closure_id = reopen.closure_id for no key update;
    if not found or c.state = 'lifted' then
        raise exception 'Закрытия № % нет, или оно уже отменено', coalesce(closure_id::text, 'null')
            using errcode = 'no_data_found', hint = 'Есть: select * from admin.closures';
    end if;
    update data.my_closure as t set state = 'lifted', lifted_at = clock_timestamp(), lifted_by = session_user
        where t.closure_id = c.closure_id;
    select * into o from data.my_organization as t where t.organization_id = c.organization_id;
    ids := data.reopen_lock(c);
    r := data.sync_slots(o, greatest(c.from_at::date, (now() at time zone o.time_zone)::date),
        greatest(least(coalesce(c.to_at::date, data.horizon_day(o)), data.horizon_day(o)), c.from_at::date,
            (now() at time zone o.time_zone)::date));
    -- Slots that no timetable speaks for are open again when no other closure covers them.
    update data.my_slot as s set is_closed = false, is_withdrawn = false
    where s.slot_id = any (ids) and s.wall_at is null and s.is_withdrawn
        and not exists (select from data.closure as other -- seen
            where other.organization_id = c.organization_id
            and other.state <> 'lifted'
            and s.slot_id in (select t.slot_id
                from data.closure_slots(other, data.closure_areas(other), clock_timestamp()) as t));
    get diagnostics opened = row_count;
    if c.to_at is null then
        perform data.ref_derive('organizations', array[c.organization_id]);
    end if;
    perform data.schedule_touch(c.organization_id);
    select count(*) filter (where w.state = 'moved') as moved, count(*) filter (where w.state = 'cancelled') as cancelled
    into went from data.my_closure_booking as w where w.closure_id = c.closure_id;
    if went.moved + went.cancelled > 0 then
        raise notice 'Людей назад не перенесено: перенесённых закрытием записей %, отменённых %. Кто это: '
            'select b.book_id, w.state from data.closure_booking as w join data.booking '
            'as b using (book_key) where w.closure_id = %. Перенесённых можно вернуть по одному, с согласия человека: '
            'admin.move; отменённым нужна новая запись',
            went.moved, went.cancelled, c.closure_id;
    end if;
    return opened + r.opened + r.made;
end $$;
grant execute on function admin.reopen(integer) to zapisd_operator;
comment on function admin.reopen(integer) is
    'reopen(номер закрытия): отменить закрытие; интервалы снова открыты, перенесённые и отменённые записи остаются как есть. '
        'Возвращает, сколько интервалов открыто. Пример: select admin.reopen(7)';

create or replace view admin.closures with (security_barrier) as
select c.closure_id, c.organization_id, a.area_id, c.kind, c.from_at, c.to_at, c.reason, c.state, c.created_by, c.created_at,
    count(*) filter (where w.state = 'waiting') as waiting, count(*) filter (where w.state = 'moved') as moved,
    count(*) filter (where w.state = 'cancelled') as cancelled, count(*) filter (where w.state in ('gone', 'left')) as others,
    p.last_error, p.not_before as next_try
from data.my_closure as c
left join data.my_area as a using (area_key)
left join data.my_closure_progress as p using (closure_id)
left join data.my_closure_booking as w using (closure_id)
group by c.closure_id, c.organization_id, c.kind, c.from_at, c.to_at, c.reason, c.state, c.created_by, c.created_at, a.area_id,
    p.last_error, p.not_before;
grant select on admin.closures to zapisd_operator, zapisd_auditor;
comment on view admin.closures is
    'Закрытия и отсутствия, и сколько записей уже перенесено и отменено. '
    'Пример: select * from admin.closures where state <> ''lifted''';
comment on column admin.closures.closure_id is 'Number';
comment on column admin.closures.organization_id is 'Organization';
comment on column admin.closures.area_id is 'Area; none: the whole organization';
comment on column admin.closures.kind is 'day, area, office, absence';
comment on column admin.closures.from_at is 'From, local time';
comment on column admin.closures.to_at is 'To, local time; none: until further notice';
comment on column admin.closures.reason is 'Why';
comment on column admin.closures.state is 'working, done, lifted';
comment on column admin.closures.created_by is 'Who';
comment on column admin.closures.created_at is 'When';
comment on column admin.closures.waiting is 'Bookings left to do';
comment on column admin.closures.moved is 'Bookings moved';
comment on column admin.closures.cancelled is 'Bookings cancelled';
comment on column admin.closures.others is 'Bookings that were gone, or need a person';
comment on column admin.closures.last_error is 'Why the daemon could do nothing last time; none: all is well';
comment on column admin.closures.next_try is 'When it tries again after that';
