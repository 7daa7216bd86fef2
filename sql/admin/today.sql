-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- The day of an organization. Names are initials unless the caller is a registrar; then each of them is noted as read (J3).

create or replace function admin.today(organization_id text, day date default null)
returns table (visit text, area_id text, minutes integer, place_no integer, applicant text, phone text, services text,
    status text, state text, book_id text)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    sees constant boolean := data.sees_people();
    r record;
    keys text[] := '{}';
begin
    for r in
        select to_char(s.starts_at at time zone o.time_zone, 'HH24:MI') as visit, a.area_id,
            extract(epoch from s.ends_at - s.starts_at)::integer / 60 as minutes, p.place_no::integer, n as person, b,
            case when b.state = 'HELD' and b.hold_until <= clock_timestamp() then 'EXPIRED' else b.state end as now_state,
            (select string_agg(coalesce(v.name, x.id), ', ' order by x.n) from unnest(b.service_ids) with ordinality as x (id, n)
             left join data.service as v on v.service_id = x.id) as services
        from data.organization as o
        join data.slot as s on s.organization_id = o.organization_id
            and s.starts_at >= coalesce(today.day, (now() at time zone o.time_zone)::date)::timestamp at time zone o.time_zone
            and s.starts_at < (coalesce(today.day, (now() at time zone o.time_zone)::date) + 1)::timestamp at time zone o.time_zone
        join data.place as p on p.slot_id = s.slot_id
        join data.booking as b on b.book_key = p.book_key
        join data.area as a on a.area_key = s.area_key
        left join data.applicant as n on n.book_key = b.book_key
        where o.organization_id = today.organization_id
        order by s.starts_at, a.area_id, p.place_no
    loop
        visit := r.visit;
        area_id := r.area_id;
        minutes := r.minutes;
        place_no := r.place_no;
        applicant := case when sees then data.full_name(r.person)
            else admin.mask_name((r.person).last_name, (r.person).first_name, (r.person).middle_name) end;
        phone := case when sees then (r.person).mobile_phone end;
        services := r.services;
        state := r.now_state;
        status := concat_ws(' ', case r.now_state when 'EXPIRED' then '303' else (r.b).status_code end, data.state_title(r.now_state));
        book_id := (r.b).book_id;
        if sees and r.person is distinct from null and (r.b).book_key <> all (keys) then
            keys := keys || (r.b).book_key;
        end if;
        return next;
    end loop;
    perform data.note_reading(keys, 'today');
end $$;
alter function admin.today(text, date) owner to zapisd_owner;
revoke all on function admin.today(text, date) from public;
grant execute on function admin.today(text, date) to zapisd_operator, zapisd_registrar;
comment on function admin.today(text, date) is
    'today(организация [, день]): посетители дня по времени; имена и телефоны — только регистратору. Пример: select * from admin.today(''R7700018'')';
