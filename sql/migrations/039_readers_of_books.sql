-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Whoever changes an attribute of a book has the book to himself among those who change it. "for update" kept out readers by page, too:
-- they remember the version they read, in a row that refers to the book.

create or replace function data.ref_attribute_changed() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    item text;
begin
    perform from data.ref_book as b where b.ref_name = old.ref_name for no key update;
    select i.code into item from data.ref_item as i
    where i.ref_name = old.ref_name and i.attributes ? old.name
        and (tg_op = 'DELETE' or new.name <> old.name or new.ref_name <> old.ref_name
            or not data.ref_value_fits(new.type, i.attributes ->> old.name)
            or new.attr_ref_name is not null and not exists (
                select from data.ref_item as t where t.ref_name = new.attr_ref_name and t.code = i.attributes ->> old.name))
    limit 1;
    if found then
        raise exception 'book %, attribute %: item % has a value that would not fit', old.ref_name, old.name, item
            using errcode = 'check_violation', constraint = 'ref_attribute_in_use';
    end if;
    return null;
end $$;
