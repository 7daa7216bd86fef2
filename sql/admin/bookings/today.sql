-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- The day of an organization, or of each of them; and what waits for a clerk's word. Names are initials unless the caller
-- is a registrar; then each of them is noted as read (J3).

create or replace function admin.today(organization_id text default null, day date default null)
returns table (visit text, area_id text, minutes integer, place_no integer, applicant text, phone text, services text,
    status text, state text, book_id text, organization text)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    sees constant boolean := data.sees_people();
    r record;
    keys text[] := '{}';
    last text := '';
begin
    if organization_id is not null then
        perform data.known_organization(organization_id);
    end if;
    for r in
        select o.organization_id as office, to_char(s.starts_at at time zone o.time_zone, 'HH24:MI') as visit, a.area_id,
            extract(epoch from s.ends_at - s.starts_at)::integer / 60 as minutes, p.place_no::integer, n as person, b,
            case when b.state = 'HELD' and b.hold_until <= clock_timestamp() then 'EXPIRED' else b.state end as now_state,
            (select string_agg(coalesce(v.name, x.id), ', ' order by x.n) from unnest(b.service_ids) with ordinality as x (id, n)
             left join data.service as v on v.service_id = x.id) as services
        from data.organization as o
        join data.slot as s on s.organization_id = o.organization_id
            and s.starts_at >= coalesce(today.day, (now() at time zone o.time_zone)::date)::timestamp at time zone o.time_zone
            and s.starts_at < (coalesce(today.day, (now() at time zone o.time_zone)::date) + 1)::timestamp at time
                zone o.time_zone
        join data.place as p on p.slot_id = s.slot_id
        join data.booking as b on b.book_key = p.book_key
        join data.area as a on a.area_key = s.area_key
        left join data.applicant as n on n.book_key = b.book_key
        where today.organization_id is null or o.organization_id = today.organization_id
        order by o.organization_id, s.starts_at, a.area_id, p.place_no
    loop
        visit := r.visit;
        area_id := r.area_id;
        minutes := r.minutes;
        place_no := r.place_no;
        applicant := data.shown_name(r.person, sees);
        phone := case when sees then (r.person).mobile_phone end;
        services := r.services;
        state := r.now_state;
        status := concat_ws(' ', case r.now_state when 'EXPIRED' then '303' else (r.b).status_code end,
            data.state_title(r.now_state));
        book_id := (r.b).book_id;
        organization := r.office;
        if sees and r.person is distinct from null and (r.b).book_key <> last then
            keys := keys || (r.b).book_key;
            last := (r.b).book_key;
        end if;
        return next;
    end loop;
    perform data.note_reading(array(select distinct k from unnest(keys) as k), 'today');
end $$;
grant execute on function admin.today(text, date) to zapisd_operator, zapisd_registrar;
comment on function admin.today(text, date) is
    'today([организация [, день]]): посетители дня по времени, без организации — всех по очереди; имена и телефоны — только '
        'регистратору. Пример: select * from admin.today(''R7700018'')';

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
        select b, n as person, o.organization_id as office, o.time_zone, v.at
        from data.booking as b
        join data.organization as o on o.organization_id = b.organization_id
        left join data.applicant as n on n.book_key = b.book_key
        left join lateral (select min(p.starts_at) as at from data.place as p where p.book_key = b.book_key) as v on true
        where b.state in ('ACCEPTED', 'CANCELLING')
            and (waiting.organization_id is null or b.organization_id = waiting.organization_id)
        order by o.organization_id, v.at, b.book_key
    loop
        asked := case (r.b).state when 'ACCEPTED' then 'записать' else 'отменить' end;
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
    'waiting([организация]): что ждёт решения — подтвердить (confirm) или отклонить (reject) запись либо её отмену. '
        'Пример: select * from admin.waiting(''R7700018'')';
