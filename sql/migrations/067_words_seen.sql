-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What people read has something to be seen in it, and stands in the direction it was written in; the fields of the wire are held to
-- the same (docs/limits.md). A blank of whatever kind was a reason, a contact and a name.

create function data.is_turned(value text) returns boolean
language sql immutable parallel safe
return value ~ U&'[\202A-\202E\2066-\2069]';
alter function data.is_turned(text) owner to zapisd_owner;
revoke all on function data.is_turned(text) from public;
grant execute on function data.is_turned(text) to zapisd_operator;
comment on function data.is_turned(text) is 'Whether marks in a text turn the direction in which what follows is read (Unicode, bidi embeddings, overrides, isolates)';

create function data.is_name(value text) returns boolean
language sql immutable parallel safe
return value ~ U&'[^\0001-\0020\007F-\00A0\00AD\034F\061C\115F\1160\1680\17B4\17B5\180B-\180F\2000-\200F\2028-\202F\205F-\206F\2800\3000\3164\FE00-\FE0F\FEFF\FFA0\FFF0-\FFFB\FFFE\FFFF]'
    and not data.is_turned(value);
alter function data.is_name(text) owner to zapisd_owner;
revoke all on function data.is_name(text) from public;
grant execute on function data.is_name(text) to zapisd_operator; -- who writes names with his own rights
comment on function data.is_name(text) is 'Whether people can read something in a text, in the direction it was written';

do $$
declare
    t text;
    is_fit boolean;
begin
    foreach t in array '{agency,organization,service,area,calendar}'::text[] loop
        execute format('alter table data.%1$I drop constraint %1$s_name_filled', t);
        execute format('alter table data.%1$I add constraint %1$s_name_filled check (data.is_name(name)) not valid', t);
        execute format('comment on constraint %1$s_name_filled on data.%1$I is ''A name is shown to people: there is something to be seen, in the direction it was written''', t);
        execute format('select not exists (select from data.%I where not data.is_name(name))', t) into is_fit;
        if is_fit then
            execute format('alter table data.%1$I validate constraint %1$s_name_filled', t);
        end if;
    end loop;
end $$;
