-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- A stored name meets a typed one by one key, and so do telephones and SNILS, of find and of limits alike (O3, B5). Names come
-- in composed (NFC); those that are there already are composed here.

-- Part of an index, as data.person_key is: whoever makes these functions say something else builds the indexes anew. They are
-- run for each booking, so what nearly every name and number is comes first, with what it would come to below; and in plpgsql,
-- for SQL would be read, and written into the index's expression, again at each of them.
-- A Latin letter that looks like a Cyrillic one, in a word that has such, is taken for that: the wrong keyboard was on.
create function data.name_key(value text) returns text
language plpgsql immutable parallel safe as $$
declare
    key text;
begin
    if value ~ '^(?:[А-Яа-яЁё]*|[A-Za-z]*)$' then
        return replace(lower(value collate "und-x-icu"), 'ё', 'е');
    end if;
    key := btrim(regexp_replace(
        regexp_replace(
            replace(lower(case when value collate "und-x-icu" ~ '[^[:alnum:][:space:][:punct:]]{31}' then value
                else normalize(translate(value, E'''"`\u00B4\u02B9\u02BB\u02BC\u02BD\u2018\u2019\u201A\u201B\u201C\u201D\u201E\u201F\u2032\u2033\u00AB\u00BB\u2039\u203A\uFF02\uFF07', ''), NFKC) end
                collate "und-x-icu"), 'ё', 'е'),
            E'[\u0001-\u0008\u000E-\u001F\u007F-\u0084\u0086-\u009F\u00AD\u0300-\u036F\u061C\u115F\u1160\u17B4\u17B5\u180B-\u180F\u200B-\u200F\u202A-\u202E\u2060-\u206F\u3164\uFE00-\uFE0F\uFEFF\uFFA0\U000E0000-\U000E0FFF]+', '', 'g'),
        E'[\u0009-\u000D\u0020\u0085\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000.,\u02D7\u058A\u05BE\u2010-\u2015\u2043\u2053\u2212\u2E3A\u2E3B\u301C\uFE58\uFE63\uFF0D-]+', ' ', 'g'));
    if key ~ '[aeopcyxkmtbh]' and key ~ '[а-я]' then
        key := (select string_agg(case when w ~ '[а-я]' then translate(w, 'aeopcyxkmtbh', 'аеорсухкмтвн') else w end, ' ' order by n)
            from regexp_split_to_table(key, ' ') with ordinality as u (w, n));
    end if;
    return key;
end $$;
alter function data.name_key(text) owner to zapisd_owner;
revoke all on function data.name_key(text) from public;
comment on function data.name_key(text) is
    'A name as it is searched: small letters, ё as е, composed; words with one blank between them, whatever blanks, hyphens, stops and commas were there; without quotes, apostrophes, accents and what nobody sees; Latin letters that look Cyrillic are Cyrillic in a word that has such (O3)';

create function data.whole_name_key(last_name text, first_name text, middle_name text) returns text
language plpgsql immutable parallel safe as $$
begin
    if concat(last_name, first_name, middle_name) ~ '^(?:[А-Яа-яЁё]+|[A-Za-z]+)$' then
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
