-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- getRefsList (item 22): the reference books there are. A book may be of one agency only (C6).

create or replace function api.get_refs_list(recipient_code text) returns table (name text, title text, kind text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select b.ref_name, left(b.title, 4000), b.kind from data.ref_book as b
    where b.agency_code is null or coalesce(recipient_code, '') in ('', b.agency_code)
    order by b.ref_name
$$;
grant execute on function api.get_refs_list(text) to zapisd_daemon;
comment on function api.get_refs_list(text) is 'M5: names, titles and kinds of the reference books';
