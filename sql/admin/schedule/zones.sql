-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Zone rules change under slots that are made already: by a new tzdata, or because an organization was given another zone.
-- A slot remembers the wall time it was made for; where its instant no longer reads so, it is listed here, and until
-- admin.zone_move() nothing is moved. People come by the wall clock: moving keeps the wall time and changes the instant.

create or replace function admin.zone_check(organization_id text default null)
returns table (organization text, area_id text, slot_id uuid, made_for text, reads_now text, is_closed boolean, book_ids text[])
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select o.organization_id, a.area_id, s.slot_id, to_char(s.wall_at, 'DD.MM.YYYY HH24:MI'),
        data.wire_time(s.starts_at, o.time_zone), s.is_closed, array(select b.book_id from data.my_place as p
            join data.my_booking as b on b.book_key = p.book_key where p.slot_id = s.slot_id order by p.place_no)
    from data.off_slots(zone_check.organization_id) as s
    join data.my_organization as o on o.organization_id = s.organization_id
    join data.my_area as a on a.area_key = s.area_key
    order by o.organization_id, s.starts_at, a.area_id
$$;
grant execute on function admin.zone_check(text) to zapisd_operator, zapisd_auditor;
comment on function admin.zone_check(text) is
    'zone_check([организация]): интервалы и записи, чьё местное время больше не то, что в расписании: сменились правила часового '
        'пояса. Ничего не меняет; переносит zone_move. Пример: select * from admin.zone_check()';

create or replace function admin.zone_move(organization_id text, apply boolean default false)
returns setof admin.closing language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    o data.organization;
    b data.booking;
    s data.slot;
    k record;
    r admin.result;
    ids uuid[];
    at timestamptz;
    id uuid;
    why text;
    by_hand data.slot[];
begin
    o := data.known_organization(coalesce(organization_id, ''));
    if apply is null then
        raise exception 'apply не может быть пустым' using errcode = 'invalid_parameter_value';
    end if;
    if apply then
        perform data.zone_lock(o.organization_id);
        by_hand := array(select f from data.off_slots(o.organization_id) as f where f.is_closed and not f.is_withdrawn);
        perform data.zone_clear(o.organization_id);
    end if;
    -- Those first that nobody has to make way for: the latest when clocks make visits later, else the earliest.
    for k in
        select p.book_key, array_agg(f.slot_id order by f.starts_at, f.slot_id) as slot_ids
        from data.off_slots(o.organization_id) as f join data.my_place as p on p.slot_id = f.slot_id
        group by p.book_key
        order by min(extract(epoch from f.starts_at) * case when f.wall_at at time zone o.time_zone > f.starts_at then -1
            else 1 end), p.book_key
    loop
        select * into b from data.my_booking as t where t.book_key = k.book_key;
        continue when b.state = 'HELD' and b.hold_until <= clock_timestamp();
        if not apply then
            return next row(b.book_id, to_char((select min(f.wall_at) from data.off_slots(o.organization_id) as f
                where f.slot_id = any (k.slot_ids)), 'DD.MM.YYYY HH24:MI'),
                (select a.area_id from data.my_slot as x join data.my_area as a using (area_key)
                    where x.slot_id = k.slot_ids[1]), b.state,
                'сейчас показана как ' || (select data.wire_time(x.starts_at, o.time_zone) from data.my_slot as x
                    where x.slot_id = k.slot_ids[1]),
                null, null, null)::admin.closing;
            continue;
        end if;
        ids := array(select p.slot_id from data.my_place as p where p.book_key = k.book_key and p.slot_id <> all (k.slot_ids));
        why := null;
        begin
            for s in select * from data.my_slot as t where t.slot_id = any (k.slot_ids) order by t.starts_at loop
                at := s.wall_at at time zone o.time_zone;
                if at at time zone o.time_zone <> s.wall_at then
                    raise exception 'такого местного времени в этот день нет' using errcode = 'ZB208';
                end if;
                id := data.zone_target(s, at, k.book_key);
                if id is null then
                    raise exception 'новое время занято' using errcode = 'ZB208';
                end if;
                ids := ids || id;
            end loop;
            if not data.may_be_moved(b.state) then
                raise exception 'запись в этом состоянии не переносят' using errcode = 'ZB208';
            end if;
            r := data.zone_transfer(b.book_key, ids);
            if r.result <> 'сделано' then
                raise exception '%', r.comment using errcode = 'ZB208';
            end if;
        exception
            when sqlstate 'ZB208' then
                why := sqlerrm;
                ids := null;
            when lock_not_available or deadlock_detected then
                why := 'новое время сейчас меняет кто-то другой';
                ids := null;
        end;
        select * into b from data.my_booking as t where t.book_key = k.book_key;
        return next data.closure_row(b, k.slot_ids, ids, case when ids is null then 'осталась' else 'перенесена' end, why);
    end loop;
    if apply then
        perform data.zone_clear(o.organization_id);
        perform data.sync_slots(o, (now() at time zone o.time_zone)::date, data.horizon_day(o));
        -- What an operator closed was a time of the day, too.
        update data.my_slot as t set is_closed = true, is_withdrawn = false
        from unnest(by_hand) as h
        where t.area_key = h.area_key and t.serial = h.serial and t.wall_at = h.wall_at;
        perform data.schedule_touch(o.organization_id);
    else
        raise notice 'Ничего не изменено. Чтобы перенести: то же с apply => true';
    end if;
end $$;
grant execute on function admin.zone_move(text, boolean) to zapisd_operator;
comment on function admin.zone_move(text, boolean) is
    'zone_move(организация [, apply => true]): после смены правил часового пояса вернуть интервалам и записям их местное время; '
        'порталу уходит новое. Без apply только показывает. Пример: select * from admin.zone_move(''R7700018'')';
