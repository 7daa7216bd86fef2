-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- A booking by what a visitor has at hand. A hit on a name already tells that this person has a booking, so names,
-- telephones and SNILS are searched for registrars alone; a number of a booking or of a case is for everybody (J3).

create or replace function admin.find(what text)
returns table (visit text, organization_id text, applicant text, phone text, snils text, case_number text, status text,
    state text, book_id text)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    sees constant boolean := data.sees_people();
    wanted constant text := data.typed_book_key(what);
    name constant text := data.name_key(what);
    words constant text[] := regexp_split_to_array(name, ' ');
    person constant text := data.name_pattern(words);
    digits constant text := data.number_key(what);
    -- A telephone or SNILS is written in many ways, but with digits and signs only.
    is_number constant boolean := length(digits) between 10 and 11
        and data.name_key(translate(what, '()+', '')) ~ '^[0-9 ]+$';
    -- A name may hold digits, but numbers of bookings are written with letters of their own.
    is_name constant boolean := name collate "und-x-icu" ~ '[[:alpha:]]' and (name !~ '[0-9]' or name ~ '[а-я]');
    beyond constant text := chr(1114111); -- no character comes after it
    most constant integer := 1000;
    found_many boolean := false;
    r record;
    keys text[] := '{}';
begin
    if length(coalesce(wanted, '')) < 2 then
        raise exception 'Что искать: номер записи или его начало, номер дела, фамилия, телефон, СНИЛС'
            using errcode = 'invalid_parameter_value',
                hint = 'Не короче двух знаков. Например: select * from admin.find(''6b1c'')';
    end if;
    if not sees and (is_name or is_number) then
        raise notice 'По фамилии, телефону и СНИЛС ищет только регистратор (роль zapisd_registrar); ищу среди номеров записей и '
            'дел';
    end if;
    for r in
        select b, n as person, o.time_zone, v.at,
            case when b.state = 'HELD' and b.hold_until <= clock_timestamp() then 'EXPIRED' else b.state end as now_state,
            count(*) over () as hits
        from (
            select x.book_key from data.my_booking as x where x.book_key = wanted
            union
            select x.book_key from data.my_booking as x
            where length(wanted) between 4 and 35 and x.book_key ~>=~ wanted and x.book_key ~<~ (wanted || beyond)
            union
            select x.book_key from data.my_booking as x
            where x.case_number is not null and data.person_key(x.case_number) = data.person_key(what)
            union
            (select a.book_key from data.my_applicant as a
            where sees and is_name and (a.last_name is not null or a.first_name is not null)
                and data.whole_name_key(a.last_name, a.first_name, a.middle_name) ~>=~ words[1]
                and data.whole_name_key(a.last_name, a.first_name, a.middle_name) ~<~ (words[1] || beyond)
                and data.whole_name_key(a.last_name, a.first_name, a.middle_name) ~ person
            limit most)
            union
            (select a.book_key from data.my_applicant as a
            where sees and is_name and a.business_name is not null
                and data.name_key(a.business_name) ~>=~ name and data.name_key(a.business_name) ~<~ (name || beyond)
            limit most)
            union
            (select a.book_key from data.my_applicant as a
            where sees and is_number and a.mobile_phone is not null
                and right(data.number_key(a.mobile_phone), 10) = right(digits, 10)
            limit most)
            union
            (select a.book_key from data.my_applicant as a
            where sees and is_number and a.user_snils is not null and data.number_key(a.user_snils) = digits
            limit most)
        ) as hit
        join data.booking as b using (book_key) -- seen
        join data.organization as o on o.organization_id = b.organization_id -- seen
        left join data.applicant as n on n.book_key = b.book_key -- seen
        left join lateral (
            select min(p.starts_at) as at from data.place as p where p.book_key = b.book_key) as v on true -- seen
        order by v.at desc nulls last, b.changed_at desc
        limit 100
    loop
        found_many := r.hits > 100;
        visit := to_char(r.at at time zone r.time_zone, 'DD.MM.YYYY HH24:MI');
        organization_id := (r.b).organization_id;
        applicant := data.shown_name(r.person, sees);
        phone := case when sees then (r.person).mobile_phone end;
        snils := case when sees then (r.person).user_snils end;
        case_number := (r.b).case_number;
        state := r.now_state;
        status := concat_ws(' ', case r.now_state when 'EXPIRED' then '303' else (r.b).status_code end,
            data.state_title(r.now_state));
        book_id := (r.b).book_id;
        if sees and r.person is distinct from null then
            keys := keys || (r.b).book_key;
        end if;
        return next;
    end loop;
    if found_many then
        raise notice 'Нашлось больше ста, показаны не все. Уточните: фамилия и имя, номер целиком';
    end if;
    perform data.note_reading(keys, 'find');
end $$;
grant execute on function admin.find(text) to zapisd_operator, zapisd_registrar;
comment on function admin.find(text) is
    'find(что): записи по номеру (можно начало, от 4 знаков) или номеру дела, регистратору и по фамилии с именем, названию '
        'фирмы, телефону, СНИЛС, как бы их ни писали; не больше ста, последние сверху. '
        'Пример: select * from admin.find(''Тестов Т'')';
