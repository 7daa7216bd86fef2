-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- The day of an organization, or of each of them; and what waits for a clerk's word. Names are initials unless the caller
-- is a registrar; then each of them is noted as read (J3).

-- From the offices to the slots of the day, and from each to its visitor: whatever the statistics say, never past them all.
create or replace function admin.today(organization_id text default null, day date default null)
returns table (visit text, area_id text, minutes integer, place_no integer, applicant text, phone text, services text,
    status text, state text, book_id text, organization text)
language plpgsql security definer set search_path = pg_catalog, pg_temp set enable_seqscan = off set enable_hashjoin = off
    set enable_mergejoin = off set jit = off as $$
declare
    sees constant boolean := data.sees_people();
    r record;
    keys text[] := '{}';
begin
    if organization_id is not null then
        perform data.known_organization(organization_id);
    end if;
    if day is not null then
        raise notice 'посетители: %', data.day_words(day);
    end if;
    for r in
        select o.organization_id as office, to_char(s.starts_at at time zone o.time_zone, 'HH24:MI') as visit, a.area_id,
            date_part('epoch', s.ends_at - s.starts_at)::integer / 60 as minutes, p.place_no::integer,
            data.shown_name(n, sees) as applicant, case when sees then n.mobile_phone end as phone,
            case when sees then n.book_key end as read_key, b.book_id, b.status_code, x.state,
            case when cardinality(b.service_ids) = 1 then coalesce((
                select v.name from data.my_service as v where v.service_id = b.service_ids[1]), b.service_ids[1])
            else (
                select string_agg(coalesce(v.name, t.id), ', ' order by t.n)
                from unnest(b.service_ids) with ordinality as t (id, n)
                left join data.my_service as v on v.service_id = t.id) end as services
        from data.my_organization as o
        cross join lateral (
            select coalesce(today.day, data.office_day(o.organization_id, o.time_zone)) as day) as d
        cross join lateral (
            select t.slot_id, t.area_key, t.starts_at, t.ends_at from data.slot as t -- seen
            where t.organization_id = o.organization_id and t.starts_at >= d.day::timestamp at time zone o.time_zone
                and t.starts_at < (d.day + 1 + interval '12 hours') at time zone o.time_zone
                and (t.starts_at at time zone o.time_zone)::date - t.is_night::integer = d.day
            offset 0) as s
        join data.place as p on p.slot_id = s.slot_id -- seen
        join data.booking as b on b.book_key = p.book_key -- seen
        cross join lateral (
            select case when b.state = 'HELD' and b.hold_until <= clock_timestamp() then 'EXPIRED' else b.state end as state) as x
        join data.area as a on a.area_key = s.area_key -- seen
        left join data.applicant as n on n.book_key = b.book_key -- seen
        where today.organization_id is null or o.organization_id = today.organization_id
        order by o.organization_id, s.starts_at, a.area_id, p.place_no
    loop
        visit := r.visit;
        area_id := r.area_id;
        minutes := r.minutes;
        place_no := r.place_no;
        applicant := r.applicant;
        phone := r.phone;
        services := r.services;
        state := r.state;
        status := concat_ws(' ', case r.state when 'EXPIRED' then '303' else r.status_code end, data.state_title(r.state));
        book_id := r.book_id;
        organization := r.office;
        if r.read_key is not null then
            keys := keys || r.read_key;
        end if;
        return next;
    end loop;
    perform data.note_reading(array(select distinct k from unnest(keys) as k), 'today');
end $$;
grant execute on function admin.today(text, date) to zapisd_operator, zapisd_registrar;
comment on function admin.today(text, date) is
    'today([организация [, день]]): посетители дня по времени, с ночью после него; без организации — всех по очереди; имена и '
        'телефоны — только регистратору. Пример: select * from admin.today(''R7700018'')';

create or replace function admin.waiting(organization_id text default null)
returns table (asked text, visit text, applicant text, phone text, status text, book_id text, organization text)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    sees constant boolean := data.sees_people();
    r record;
    keys text[] := '{}';
begin
    if organization_id is not null then
        perform data.known_organization(organization_id);
    end if;
    for r in
        select b, n as person, o.organization_id as office, o.time_zone, v.at, v.until
        from data.booking as b -- seen
        join data.my_organization as o on o.organization_id = b.organization_id
        left join data.applicant as n on n.book_key = b.book_key -- seen
        left join lateral (select min(p.starts_at) as at, max(p.ends_at) as until from data.place as p -- seen
            where p.book_key = b.book_key) as v on true
        where b.state in ('ACCEPTED', 'CANCELLING')
            and (waiting.organization_id is null or b.organization_id = waiting.organization_id)
        order by o.organization_id, v.at, b.book_key
    loop
        asked := case (r.b).state when 'CANCELLING' then 'отменить' else 'записать' end
            || case when r.until <= clock_timestamp() then ', время прошло' else '' end;
        visit := to_char(r.at at time zone r.time_zone, 'DD.MM.YYYY HH24:MI');
        applicant := data.shown_name(r.person, sees);
        phone := case when sees then (r.person).mobile_phone end;
        status := concat_ws(' ', (r.b).status_code, data.state_title((r.b).state));
        book_id := (r.b).book_id;
        organization := r.office;
        if sees and r.person is distinct from null then
            keys := keys || (r.b).book_key;
        end if;
        return next;
    end loop;
    perform data.note_reading(keys, 'waiting');
end $$;
grant execute on function admin.waiting(text) to zapisd_operator, zapisd_registrar;
comment on function admin.waiting(text) is
    'waiting([организация]): что ждёт решения — подтвердить (confirm) или отклонить (reject) запись либо её отмену; '
        'когда время прошло — отметить итог (visited, no_show, turned_away). '
        'Пример: select * from admin.waiting(''R7700018'')';
