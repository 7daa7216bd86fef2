-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Who may see whose a booking is, and the note that somebody did (J3). The right is membership of zapisd_registrar, given
-- by name: a superuser without it gets masks like anybody, so that nobody sees people by habit.

create or replace function data.caller() returns name
language sql stable
return case current_setting('role') when 'none' then session_user else current_setting('role')::name end;
alter function data.caller() owner to zapisd_owner;
revoke all on function data.caller() from public;
comment on function data.caller() is 'Role the session acts as; inside a function of the owner current_user would be the owner';

create or replace function data.sees_people() returns boolean
language sql stable as $$
    with recursive mine as (
        select r.oid from pg_catalog.pg_roles as r where r.rolname = data.caller()
        union
        select m.roleid from pg_catalog.pg_auth_members as m join mine on m.member = mine.oid
    )
    select exists (select from mine join pg_catalog.pg_roles as r on r.oid = mine.oid where r.rolname = 'zapisd_registrar')
$$;
alter function data.sees_people() owner to zapisd_owner;
revoke all on function data.sees_people() from public;
comment on function data.sees_people() is 'Whether the caller may see personal data: a member of zapisd_registrar, however far up (J3)';

create or replace function data.note_reading(p_book_keys text[], p_what text) returns void
language sql as $$
    insert into data.personal_reading (db_user, db_role, book_key, what)
    select session_user, data.caller(), k, p_what from unnest(p_book_keys) as k
$$;
alter function data.note_reading(text[], text) owner to zapisd_owner;
revoke all on function data.note_reading(text[], text) from public;
comment on function data.note_reading(text[], text) is 'Writes down that the caller is shown whose these bookings are (J3)';

create or replace function data.full_name(n data.applicant) returns text
language sql immutable parallel safe
return nullif(coalesce(nullif(concat_ws(' ', nullif(n.last_name, ''), nullif(n.first_name, ''), nullif(n.middle_name, '')), ''), n.business_name), '');
alter function data.full_name(data.applicant) owner to zapisd_owner;
revoke all on function data.full_name(data.applicant) from public;
comment on function data.full_name(data.applicant) is 'PERSONAL DATA: name of the applicant, a person''s before a firm''s';

create or replace function admin.mask_name(last_name text, first_name text, middle_name text) returns text
language sql immutable parallel safe
return nullif(concat_ws(' ', left(nullif(last_name, ''), 1) || '***', left(nullif(first_name, ''), 1) || '.',
    left(nullif(middle_name, ''), 1) || '.'), '');
alter function admin.mask_name(text, text, text) owner to zapisd_owner;
revoke all on function admin.mask_name(text, text, text) from public;
grant execute on function admin.mask_name(text, text, text) to zapisd_operator, zapisd_registrar;
comment on function admin.mask_name(text, text, text) is 'mask_name(фамилия, имя, отчество): инициалы вместо имени. Пример: select admin.mask_name(''Тестов'', ''Тест'', ''Тестович'')';

create or replace function data.shown_name(n data.applicant, p_sees boolean) returns text
language sql immutable parallel safe
return case when p_sees then data.full_name(n)
    else coalesce(admin.mask_name((n).last_name, (n).first_name, (n).middle_name), left(nullif(btrim((n).business_name), ''), 1) || '***') end;
alter function data.shown_name(data.applicant, boolean) owner to zapisd_owner;
revoke all on function data.shown_name(data.applicant, boolean) from public;
comment on function data.shown_name(data.applicant, boolean) is 'The applicant as a caller may see him: the name, or initials (J3)';
