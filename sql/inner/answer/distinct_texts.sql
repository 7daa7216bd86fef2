-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- A list as a door takes it.

create or replace function data.distinct_texts(p_list text[]) returns text[]
language plpgsql immutable parallel safe as $$
begin
    if cardinality(p_list) > 1 then
        return array(select distinct t from unnest(p_list) as t where t <> '');
    end if;
    return array_remove(array_remove(coalesce(p_list, '{}'), ''), null);
end $$;
comment on function data.distinct_texts(text[]) is 'The values of a list, each once, empty ones left out';
