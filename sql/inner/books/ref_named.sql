-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Which book a caller means (items 23 and 24). The order gives the books no names; callers write Organizations where getRefsList
-- says organizations. For a lenient reading a name in another case is taken when only one book can be meant.

create or replace function data.ref_named(p_recipient text, p_name text, p_any_case boolean) returns text
language sql stable parallel safe as $$
    select case when bool_or(b.ref_name = p_name) then p_name when p_any_case and count(*) = 1 then min(b.ref_name) end
    from data.ref_book as b
    where (b.ref_name = p_name or p_any_case and lower(b.ref_name) = lower(p_name))
        and (b.agency_code is null or p_recipient in ('', b.agency_code))
$$;
comment on function data.ref_named(text, text, boolean) is
    'The name of the reference book a caller means, in any case of its letters if so wished; null when there is none';
