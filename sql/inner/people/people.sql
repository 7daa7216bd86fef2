-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Who may see whose a booking is, and the note that somebody did (J3). The right is membership of zapisd_registrar, given
-- by name: a superuser without it gets masks like anybody, so that nobody sees people by habit.

create or replace function data.caller() returns name
language sql stable
return case current_setting('role') when 'none' then session_user else current_setting('role')::name end;
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
comment on function data.sees_people() is
    'Whether the caller may see personal data: a member of zapisd_registrar, however far up (J3)';

create or replace function data.note_reading(p_book_keys text[], p_what text) returns void
language sql as $$
    insert into data.personal_reading (db_user, db_role, book_key, what)
    select session_user, data.caller(), k, p_what from unnest(p_book_keys) as k
$$;
comment on function data.note_reading(text[], text) is 'Writes down that the caller is shown whose these bookings are (J3)';
