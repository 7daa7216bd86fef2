-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Who has looked at people (J3).

create or replace view admin.readings with (security_barrier) as
select g.at, g.db_user, g.db_role, g.what, b.book_id
from data.my_personal_reading as g
join data.my_booking as b using (book_key)
order by g.reading_id desc;
grant select on admin.readings to zapisd_operator, zapisd_auditor;
comment on view admin.readings is
    'Кто, когда и чьи персональные данные видел, последние сверху. Пример: select * from admin.readings limit 20';
comment on column admin.readings.at is 'Когда';
comment on column admin.readings.db_user is 'Пользователь базы';
comment on column admin.readings.db_role is 'В какой роли';
comment on column admin.readings.what is 'Какой функцией admin';
comment on column admin.readings.book_id is 'Номер записи';
