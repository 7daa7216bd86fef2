-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Services in the words of those who come for them.

create or replace function data.service_names(p_service_ids text[]) returns text
language sql stable parallel safe as $$
    select string_agg(btrim(s.name), ', ' order by array_position(p_service_ids, s.service_id))
    from data.service as s where s.service_id = any (p_service_ids)
$$;
comment on function data.service_names(text[]) is 'Names of services in their order; null when there are none';
