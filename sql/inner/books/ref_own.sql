-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Whether a reference book is the operator's own (R1).

create or replace function data.ref_own(p_ref_name text) returns data.ref_book
language plpgsql as $$
declare
    book data.ref_book;
begin
    -- Whoever reads it by page, and remembers its version, is not kept out.
    select * into book from data.my_ref_book as b where b.ref_name = p_ref_name for no key update;
    if not found then
        raise exception 'Справочник % не найден', coalesce(p_ref_name, 'null') using errcode = 'no_data_found',
            hint = 'Есть: select ref_name, title from data.ref_book; завести: admin.ref_new';
    elsif book.is_derived then
        raise exception 'Справочник % следует за другими таблицами: изменения вносятся в них', p_ref_name
            using errcode = 'insufficient_privilege';
    end if;
    perform data.need_book(book);
    return book;
end $$;
comment on function data.ref_own(text) is 'A book that may be changed, held to the end of the transaction';
