-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- O3, B5: a name (telephone, SNILS, number of an application or a booking) is found however it is typed: letter case, й and ё in one code
-- point or two, blanks and hyphens of every kind, apostrophes and quotes, accents, what nobody sees; and different names stay different.
\ir lib/helpers.psql
select no_plan();
select setseed(0.20261129);
grant usage on schema public to zapisd_operator, zapisd_registrar;

create temp table person as select * from (values
    (1, 'Тер-Петросян', 'Левон', 'Акопович', ''), (2, 'де ла Крус', 'Хуан', '', ''), (3, 'Ли', 'Сын Мин', '', ''), (4, 'Йёжиков', 'Андрей', 'Фёдорович', ''),
    (5, 'Д’Арк', 'Жанна', '', ''), (6, 'Ежиков', 'Андрей', 'Петрович', ''), (7, 'Тер-Петров', 'Левон', 'Акопович', ''), (8, 'де ла Круз', 'Хуан', '', ''),
    (9, 'Ли', 'Сын Мён', '', ''), (10, 'Иежиков', 'Андреи', 'Фёдорович', ''), (11, 'Дорк', 'Жанна', '', ''), (12, 'Оглы', 'Али Ага', 'Гусейн', ''),
    (13, 'Крус', 'Хуан', '', ''), (14, 'Ö''Нил-Браун', 'Мэри Энн', '', ''), (15, '', 'Мононим', '', ''),
    (16, '', '', '', 'ООО «Ёлки-Палки»'), (17, '', '', '', 'ООО «Елки и Палки»'), (18, '', '', '', '1С-Пример')) as v (n, last, first, middle, firm);

-- What writing may change without another name coming of it. The lists are from the Unicode data: white space, dashes, apostrophes, quotes, format characters.
create function pg_temp.one_of(codes integer[]) returns text language sql volatile as $$
    select chr(codes[1 + floor(random() * cardinality(codes))::integer])
$$;
create function pg_temp.spelling(name text) returns text language plpgsql volatile as $$
declare
    said text := '';
    ch text;
begin
    foreach ch in array string_to_array(name, null) loop
        if random() < 0.1 then
            said := said || pg_temp.one_of('{173,8203,8204,8205,8206,8207,8288,65279,65039,847}');
        end if;
        said := said || case
            when ch = ' ' then pg_temp.one_of('{32,160,8201,8239,9,12288,8195}') || case when random() < 0.5 then pg_temp.one_of('{32,160,8239}') else '' end
            when ch = '-' then pg_temp.one_of('{45,8208,8209,8211,8212,8722,32}')
            when ch in ('’', '''') then pg_temp.one_of('{39,8217,700,96,8242,180}')
            when ch in ('«', '»') then pg_temp.one_of('{34,171,187,8220,8221,8222}')
            when ch in ('ё', 'Ё') and random() < 0.3 then case ch when 'ё' then 'е' else 'Е' end
            when random() < 0.3 then normalize(upper(ch collate "und-x-icu"), NFD) when random() < 0.5 then normalize(ch, NFD) when random() < 0.2 then lower(ch collate "und-x-icu") else ch end;
        if ch in ('о', 'е') and random() < 0.05 then
            said := said || chr(769);
        end if;
    end loop;
    return case when random() < 0.2 then pg_temp.one_of('{32,160,9}') else '' end || said || case when random() < 0.2 then pg_temp.one_of('{32,160,8203}') else '' end;
end $$;

-- Each person is booked in a spelling of his own, and looked for in forty others.
select is(left(pg_temp.book('name-' || n, array[pg_temp.slot('a3', 1 + (n - 1) % 20)], esia => 'e' || n, applicant => jsonb_strip_nulls(jsonb_build_object(
    'lastName', nullif(pg_temp.spelling(last), ''), 'firstName', nullif(pg_temp.spelling(first), ''), 'middleName', nullif(pg_temp.spelling(middle), ''),
    'businessName', nullif(pg_temp.spelling(firm), '')))), 5), '201/0', format('person %s is booked', n)) from person;
create temp table asked as
select p.n, k, pg_temp.spelling(nullif(concat_ws(' ', nullif(last, ''), nullif(first, ''), nullif(middle, ''), nullif(firm, '')), '')) as what
from person as p, generate_series(1, 40) as k;
select cmp_ok((select count(distinct what) from asked), '>', 700::bigint, 'the spellings are many');
create temp table found (n integer, k integer, book_id text);
grant all on asked, found to zapisd_registrar;
set local role zapisd_registrar;
insert into found select a.n, a.k, f.book_id from asked as a, lateral admin.find(a.what) as f;
reset role;
select is_empty($$select n, count(*) from asked as a where not exists (select from found as f where f.n = a.n and f.k = a.k and f.book_id = 'name-' || a.n) group by n$$,
    'O3: every spelling finds');
select is_empty($$select n, book_id, count(*) from found where book_id <> 'name-' || n group by 1, 2$$, 'O3: and nobody else');
-- Plain names and numbers have a short way; a character that nobody sees sends the same ones the long way.
select is_empty($$select name from (select string_agg(substr('АБЙЁЕЯабвйёеяъьABIKZabikz', 1 + floor(random() * 26)::integer, 1), '') as name
    from generate_series(1, 3000) as n, generate_series(1, 9) group by n) as v
    where data.name_key(name) is distinct from data.name_key(name || chr(8203))$$, 'O3: the short way to a name''s key leads to the same');
select is_empty($$select v from (values ('Ёж', 'Ян', 'Я'), ('', 'Ян', ''), (null, 'ЯН', null), ('Ян', null, ''), ('', '', ''), (null, '', 'я'), ('Z', null, 'я')) as v (l, f, m)
    where data.whole_name_key(l, f, m) is distinct from data.whole_name_key(l || chr(8203), f || chr(8203), m || chr(8203))$$, 'O3: nor to a person''s');
select is_empty($$select number from (select string_agg(substr('0123456789 ()+-', 1 + floor(random() * 15)::integer, 1), '') as number
    from generate_series(1, 3000) as n, generate_series(1, 12) group by n) as v
    where data.number_key(number) is distinct from data.number_key(number || chr(8203))$$, 'O3: and to a number''s');
select is((select count(distinct data.whole_name_key(last, first, middle)) from person where firm = ''), 15::bigint, 'O3: different names have different keys');

-- Words as clerks type them
create function pg_temp.finds(what text) returns text language plpgsql as $$
declare
    t text;
begin
    perform set_config('role', 'zapisd_registrar', true);
    t := (select string_agg(substr(book_id, 6), ' ' order by book_id) from admin.find(what));
    perform set_config('role', 'none', true);
    return coalesce(t, '');
end $$;
select is(pg_temp.finds(q), answer, format('O3: «%s»', q)) from (values
    ('Тер Петросян Левон', '1'), ('Тер-Петросян', '1'), ('тер петр лев', '1 7'), ('тер левон', '1 7'), ('Тер Петросян Акоп', ''), ('Петросян', ''),
    ('де ла Крус Хуан', '2'), ('де ла', '2 8'), ('де хуан', '2 8'), ('Крус Хуан', '13'), ('Ли Сын Мин', '3'), ('ли сын', '3 9'), ('ли мин', ''), ('Ли С.М.', '3 9'),
    ('д арк', ''), ('дарк', '5'), ('Д''Арк, Жанна', '5'), ('Али-Ага', ''), ('Оглы Али-Ага', '12'), ('мононим', '15'), ('елки-палки', ''), ('"ООО" елки палки', '16'), ('1с', '18'), ('1С пример', '18'),
    ('.*', ''), ('тер [', ''), ('тер %', ''), ('тер _', ''), ('(тер|ли)', ''), ('тер\', ''), ('тер.*', '')) as v (q, answer);
-- O3: the wrong keyboard: letters that look Cyrillic, in the booking or in what is typed; and the name before the surname.
select is(left(pg_temp.book('name-' || n, array[pg_temp.slot('a3', n)], esia => 'l' || n, applicant => jsonb_build_object('lastName', l, 'firstName', f)), 5), '201/0', 'booked: ' || l) from (values
    (31, 'Щeрбaкoв', 'Борис'), (32, 'Щербаков', 'Bорис'), (33, 'Cooper', 'Tom'), (34, 'Хохмачёв', 'Xарьк')) as v (n, l, f);
select is(pg_temp.finds(q), answer, format('O3: «%s»', q)) from (values
    ('Щербаков', '31 32'), ('Щepбaкoв Бopиc', '31'), ('щербакoв вор', '32'), ('Cooper', '33'), ('Сooper', ''), ('Cooper Tom', '33'), ('Tom Cooper', '33'), ('XОXМАЧЕB', '34'),
    ('Борис Щербаков', '31'), ('борис щерб', '31'), ('Левон Акопович Тер', '1 7'), ('Хуан Крус', '13'), ('Сын Мин Ли', '3'), ('Левон Сын', '')) as v (q, answer);
-- Letter by letter: what the order of letters in the two alphabets says looks the same (Unicode confusables, of small and capital letters)
select is(data.name_key('ж' || l), 'ж' || lower(c), format('O3: %s is %s', l, c)) from (values ('a', 'а'), ('A', 'А'), ('e', 'е'), ('E', 'Е'), ('o', 'о'), ('O', 'О'), ('p', 'р'), ('P', 'Р'), ('c', 'с'), ('C', 'С'),
    ('y', 'у'), ('x', 'х'), ('X', 'Х'), ('K', 'К'), ('M', 'М'), ('T', 'Т'), ('B', 'В'), ('H', 'Н'), ('Z', 'z'), ('w', 'w')) as v (l, c);
select is(data.name_key('OOO Cooper'), 'ooo cooper', 'O3: a name of Latin letters is one');
select is(data.whole_name_key('Xаритонов', 'Тom', 'Cooper'), 'харитонов,том,cooper', 'O3: word by word');
select throws_ok($$select * from admin.find(U&' \00A0\200B')$$, '22023', null, 'O3: nothing is nothing to look for');

-- Composed as it comes in, whoever writes; and so shown
insert into data.applicant (book_key, last_name, first_name) select book_key, U&'\0418\0306\043E\0436', 'Т' from data.booking where book_id = 'name-1'
on conflict (book_key) do update set last_name = excluded.last_name, first_name = excluded.first_name;
select is((select last_name from data.applicant where book_key = 'name-1'), 'Йож', 'M9: one letter й');
select is(admin.mask_name(last_name, first_name, middle_name), 'Й*** Т. А.', 'J3: and its initial') from data.applicant where book_key = 'name-1' and middle_name is not null;
select is_empty($$select book_key from data.applicant where last_name is not normalized or first_name is not normalized or middle_name is not normalized or business_name is not normalized$$, 'M9: nobody is stored in pieces');

-- Telephones, SNILS, applications, numbers of bookings: as they are pasted
update data.applicant set mobile_phone = '+7 (900) 123-45-67', user_snils = '112-233-445 95' where book_key = 'name-2';
update data.booking set case_number = 'Дело № 7-К' where book_key = 'name-3';
select is(pg_temp.finds(q), answer, format('O3: «%s»', q)) from (values
    (U&'8\00A0(900)\00A0123\201145\201167', '2'), (U&'+7\2009900\2009123\200945\200967', '2'), ('7.900.123.45.67', '2'), ('79001234567', '2'), ('９００１２３４５６７', '2'), ('79001234568', ''),
    (U&'112\2011233\2011445\00A095', '2'), ('11223344595', '2'), (U&'112\2013233\2013445\200B 95', '2'), ('11223344596', ''),
    ('дело №7-к', '3'), (U&'Дело\00A0№\00A07-К', '3'), ('Дело № 7-Л', ''), (U&'\FEFFNAME-4\00A0', '4'), (U&' name\200B-4 ', '4')) as v (q, answer);
select is((select count(*) from admin.why(U&'\00A0NAME-4\200B') where kind = 'сейчас') > 0, true, 'O3: why, of what was pasted');
insert into data.booking_limit (organization_id, person, period, max_bookings) values ('T1', 'userSnils', 'live', 1);
select is(left(pg_temp.book('snils-' || row_number() over (), array[pg_temp.slot('a2', 30)], esia => 's', applicant => jsonb_build_object('userSnils', q)), 5), answer, format('B5: «%s» is counted', q)) from (values
    ('11223344595', '208/4'), ('112 233 445 95', '208/4'), (U&'112\2011233\2011445\00A095', '208/4'), (U&'112\2013233\2212445\200B95', '208/4')) as v (q, answer);

-- Speed: an index for each question, however many people there are
set local enable_seqscan = off;
create function pg_temp.plan(query text) returns text language plpgsql as $$
declare
    line text;
    said text := '';
begin
    for line in execute 'explain ' || query loop
        said := said || line || ' ';
    end loop;
    return said;
end $$;
select matches(pg_temp.plan(q), 'Index Cond: .*(name_key|number_key|person_key|regexp_replace|lower)', format('O3: index for %s', q)) from (values
    ($$select from data.applicant where (last_name is not null or first_name is not null) and data.whole_name_key(last_name, first_name, middle_name) ~>=~ 'те' and data.whole_name_key(last_name, first_name, middle_name) ~<~ 'тж'$$),
    ($$select from data.applicant where business_name is not null and data.name_key(business_name) ~>=~ 'те' and data.name_key(business_name) ~<~ 'тж'$$),
    ($$select from data.applicant where mobile_phone is not null and right(data.number_key(mobile_phone), 10) = '9001234567'$$),
    ($$select from data.applicant where user_snils is not null and data.number_key(user_snils) = '11223344595'$$),
    ($$select from data.booking where case_number is not null and data.person_key(case_number) = '7'$$)) as v (q);
-- One way to meet a typed name: no function of ours folds the words of the applicant by another.
select is_empty($$select p.oid::regprocedure from pg_proc as p where p.pronamespace in ('data'::regnamespace, 'api'::regnamespace, 'admin'::regnamespace)
    and p.prosrc ~ '(lower|translate|upper)\(\s*(lower\()?\s*([a-z]+\.)?(last_name|first_name|middle_name|business_name|mobile_phone|user_snils)'$$, 'O3: names and numbers are compared in one way');
select is_empty($$select p.oid::regprocedure from pg_proc as p where p.pronamespace in ('data'::regnamespace, 'admin'::regnamespace)
    and p.prosrc ~ 'lower\(btrim\([a-z_.]*book_id'$$, 'O3: numbers of bookings, too');
select * from finish();
rollback;
