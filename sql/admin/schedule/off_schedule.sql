-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Who is booked at a time the schedule no longer offers (T2): a holiday, a special day, other hours. Bookings are not touched
-- by any of these, so somebody has to be told of them.

create or replace function admin.off_schedule(organization_id text, from_day date default null, to_day date default null)
returns table (visit text, area_id text, applicant text, status text, book_id text)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    o constant data.organization := data.known_organization(organization_id);
    first_day constant date := coalesce(from_day, (now() at time zone o.time_zone)::date);
    last_day constant date := coalesce(to_day, greatest(data.horizon_day(o), first_day));
begin
    perform data.days_in_order(first_day, last_day);
    return query
        select to_char(f.wall_at, 'DD.MM.YYYY HH24:MI'), a.area_id, admin.mask_name(n.last_name, n.first_name, n.middle_name),
            concat_ws(' ', b.status_code, data.state_title(b.state)), b.book_id
        from data.off_schedule(o, first_day, last_day) as f
        join data.area as a on a.area_key = f.area_key -- seen
        join data.booking as b on b.book_key = f.book_key -- seen
        left join data.applicant as n on n.book_key = f.book_key -- seen
        order by f.wall_at, a.area_id, b.book_id;
end $$;
grant execute on function admin.off_schedule(text, date, date) to zapisd_operator, zapisd_registrar;
comment on function admin.off_schedule(text, date, date) is
    'off_schedule(организация [, с дня [, по день]]): кто записан на время, когда приёма больше нет: праздник, особый день, '
        'новые часы. Записи остаются, пока их не перенесут: close_day, move. '
        'Пример: select * from admin.off_schedule(''R7700018'')';
