-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Bookings as people may see them: a lapsed hold reads EXPIRED, names are initials (J3).

create or replace function admin.mask_name(last_name text, first_name text, middle_name text) returns text
language sql immutable parallel safe security definer set search_path = pg_catalog, pg_temp
return data.masked_name(last_name, first_name, middle_name);
grant execute on function admin.mask_name(text, text, text) to zapisd_operator, zapisd_registrar;
comment on function admin.mask_name(text, text, text) is
    'mask_name(фамилия, имя, отчество): инициалы вместо имени. '
    'Пример: select admin.mask_name(''Тестов'', ''Тест'', ''Тестович'')';

create or replace view admin.v_booking with (security_barrier) as
select b.book_id, b.organization_id,
    case when b.state = 'HELD' and b.hold_until <= clock_timestamp() then 'EXPIRED' else b.state end as state,
    b.status_code, b.status_message, b.hold_until, b.service_ids, b.case_number, b.created_at, b.changed_at,
    admin.mask_name(n.last_name, n.first_name, n.middle_name) as applicant,
    (select min(p.starts_at) from data.place as p where p.book_key = b.book_key) as visit_at -- seen
from data.my_booking as b
left join data.applicant as n using (book_key); -- seen
grant select on admin.v_booking to zapisd_operator, zapisd_registrar;
comment on view admin.v_booking is
    'Записи с инициалами вместо имён. '
    'Пример: select * from admin.v_booking where organization_id = ''R7700018'' order by visit_at';
comment on column admin.v_booking.book_id is 'bookId';
comment on column admin.v_booking.organization_id is 'Organization';
comment on column admin.v_booking.state is 'Inner state; a lapsed hold reads EXPIRED';
comment on column admin.v_booking.status_code is 'Code on the wire';
comment on column admin.v_booking.status_message is 'Its text';
comment on column admin.v_booking.hold_until is 'End of the hold';
comment on column admin.v_booking.service_ids is 'Services';
comment on column admin.v_booking.case_number is 'Application';
comment on column admin.v_booking.created_at is 'Created';
comment on column admin.v_booking.changed_at is 'Last changed';
comment on column admin.v_booking.applicant is 'Initials';
comment on column admin.v_booking.visit_at is 'Visit';
