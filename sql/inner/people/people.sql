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

-- The row goes with the transaction, the line in the server's log does not: who looks and then rolls back has been seen.
-- Nothing is shown before both are there: whoever calls this has not given back a row yet.
create or replace function data.note_reading(p_book_keys text[], p_what text) returns void
language plpgsql as $$
begin
    if coalesce(cardinality(p_book_keys), 0) = 0 then
        return;
    end if;
    if current_setting('transaction_read_only') = 'on' then
        raise exception 'Имена показываются, только когда это можно записать, а транзакция — только для чтения'
            using errcode = 'read_only_sql_transaction',
                hint = 'Наберите: set default_transaction_read_only = off; если транзакция начата командой begin — сперва '
                    'rollback, затем begin read write. На резервном сервере имён не видно';
    end if;
    raise log 'zapisd: % as % is shown whose % bookings are, by admin.%', quote_ident(session_user), quote_ident(data.caller()),
        cardinality(p_book_keys), p_what;
    insert into data.personal_reading (db_user, db_role, book_key, what)
    select session_user, data.caller(), k, p_what from unnest(p_book_keys) as k;
end $$;
comment on function data.note_reading(text[], text) is
    'Writes down that the caller is shown whose these bookings are (J3): a row for each, and a line in the server''s log, which '
        'tells whom, by what and how many and stays when the transaction is rolled back';
