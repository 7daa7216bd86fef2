-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- A stored name meets a typed one by one key, and so do telephones and SNILS, of find and of limits alike (O3, B5). Names come
-- in composed (NFC); those that are there already are composed here.

-- Part of an index, as data.person_key is: whoever makes these functions say something else builds the indexes anew. They are
-- run for each booking, so what nearly every name and number is comes first, with what it would come to below; and in plpgsql,
-- for SQL would be read, and written into the index's expression, again at each of them.
create function data.name_key(value text) returns text
language plpgsql immutable parallel safe as $$
begin
    if value ~ '^[A-Za-zА-Яа-яЁё]*$' then
        return replace(lower(value collate "und-x-icu"), 'ё', 'е');
    end if;
    return btrim(regexp_replace(
        regexp_replace(
            replace(lower(case when value collate "und-x-icu" ~ '[^[:alnum:][:space:][:punct:]]{31}' then value
                else normalize(translate(value, U&'''"`\00B4\02B9\02BB\02BC\02BD\2018\2019\201A\201B\201C\201D\201E\201F\2032\2033\00AB\00BB\2039\203A\FF02\FF07', ''), NFKC) end
                collate "und-x-icu"), 'ё', 'е'),
            U&'[\0001-\0008\000E-\001F\007F-\0084\0086-\009F\00AD\0300-\036F\061C\115F\1160\17B4\17B5\180B-\180F\200B-\200F\202A-\202E\2060-\206F\3164\FE00-\FE0F\FEFF\FFA0\+0E0000-\+0E0FFF]+', '', 'g'),
        U&'[\0009-\000D\0020\0085\00A0\1680\2000-\200A\2028\2029\202F\205F\3000.,\02D7\058A\05BE\2010-\2015\2043\2053\2212\2E3A\2E3B\301C\FE58\FE63\FF0D-]+', ' ', 'g'));
end $$;
alter function data.name_key(text) owner to zapisd_owner;
revoke all on function data.name_key(text) from public;
comment on function data.name_key(text) is
    'A name as it is searched: small letters, ё as е, composed; words with one blank between them, whatever blanks, hyphens, stops and commas were there; without quotes, apostrophes, accents and what nobody sees (O3)';

create function data.whole_name_key(last_name text, first_name text, middle_name text) returns text
language plpgsql immutable parallel safe as $$
begin
    if concat(last_name, first_name, middle_name) ~ '^[A-Za-zА-Яа-яЁё]+$' then
        return replace(lower(concat_ws(',', nullif(last_name, ''), nullif(first_name, ''), nullif(middle_name, ''))
            collate "und-x-icu"), 'ё', 'е');
    end if;
    return nullif(btrim(coalesce(data.name_key(last_name), '') || coalesce(',' || nullif(data.name_key(first_name), ''), '')
        || coalesce(',' || nullif(data.name_key(middle_name), ''), ''), ','), '');
end $$;
alter function data.whole_name_key(text, text, text) owner to zapisd_owner;
revoke all on function data.whole_name_key(text, text, text) from public;
comment on function data.whole_name_key(text, text, text) is
    'The keys of the names of a person, those that there are, with commas between them; null when there are none';

create function data.number_key(value text) returns text
language plpgsql immutable parallel safe as $$
begin
    if value ~ '^[0-9 ()+-]*$' then
        return translate(value, ' ()+-', '');
    end if;
    return regexp_replace(normalize(value, NFKC), '[^0-9]+', '', 'g');
end $$;
alter function data.number_key(text) owner to zapisd_owner;
revoke all on function data.number_key(text) from public;
comment on function data.number_key(text) is 'A telephone or SNILS as it is searched and counted: its digits (O3, B5)';

create function data.names_composed() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    new.last_name := normalize(new.last_name);
    new.first_name := normalize(new.first_name);
    new.middle_name := normalize(new.middle_name);
    new.business_name := normalize(new.business_name);
    return new;
end $$;
alter function data.names_composed() owner to zapisd_owner;
revoke all on function data.names_composed() from public;
comment on function data.names_composed() is 'Trigger: й and ё are one letter each, however they were sent (NFC)';
create trigger applicant_composed before insert or update of last_name, first_name, middle_name, business_name on data.applicant
    for each row when (concat_ws(' ', new.last_name, new.first_name, new.middle_name, new.business_name) is not normalized)
    execute function data.names_composed();
comment on trigger applicant_composed on data.applicant is 'Names are composed (NFC) as they come in';
update data.applicant set last_name = last_name
where last_name is not normalized or first_name is not normalized or middle_name is not normalized or business_name is not normalized;

drop index data.applicant_name;
drop index data.applicant_firm;
drop index data.applicant_phone;
drop index data.applicant_snils_digits;
create index applicant_name on data.applicant (data.whole_name_key(last_name, first_name, middle_name) text_pattern_ops)
    where last_name is not null or first_name is not null;
create index applicant_firm on data.applicant (data.name_key(business_name) text_pattern_ops) where business_name is not null;
create index applicant_phone on data.applicant (right(data.number_key(mobile_phone), 10)) where mobile_phone is not null;
create index applicant_snils on data.applicant (data.number_key(user_snils)) where user_snils is not null;
comment on index data.applicant_name is 'admin.find: the whole name, however it is written (O3)';
comment on index data.applicant_firm is 'admin.find: name of a firm, however it is written (O3)';
comment on index data.applicant_phone is 'admin.find: telephone, however it is written (O3)';
comment on index data.applicant_snils is 'admin.find and limits: SNILS, however it is written (O3, B5)';
