-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- The day of an organization as a clerk may see it: names masked, nothing that identifies a person (J3).

create or replace function admin.mask_name(last_name text, first_name text, middle_name text) returns text
language sql immutable parallel safe
return nullif(concat_ws(' ', left(last_name, 1) || '***', left(nullif(first_name, ''), 1) || '.',
    left(nullif(middle_name, ''), 1) || '.'), '');
alter function admin.mask_name(text, text, text) owner to zapisd_owner;
revoke all on function admin.mask_name(text, text, text) from public;
grant execute on function admin.mask_name(text, text, text) to zapisd_operator;
comment on function admin.mask_name(text, text, text) is 'A name as initials';

create or replace function admin.today(organization_id text, day date default null)
returns table (visit_time text, area_id text, duration integer, place_no integer, book_id text, state text, status_code text,
    applicant text, service_ids text[])
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select data.wire_time(s.starts_at, o.time_zone), a.area_id, extract(epoch from s.ends_at - s.starts_at)::integer / 60,
        p.place_no::integer, b.book_id,
        case when b.state = 'HELD' and b.hold_until <= clock_timestamp() then 'EXPIRED' else b.state::text end,
        b.status_code, admin.mask_name(n.last_name, n.first_name, n.middle_name), b.service_ids
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
$$;
alter function admin.today(text, date) owner to zapisd_owner;
revoke all on function admin.today(text, date) from public;
grant execute on function admin.today(text, date) to zapisd_operator;
comment on function admin.today(text, date) is 'today(organization_id [, day]): the bookings of a day in time order, names masked';
