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
    typed constant text[] := regexp_split_to_array(name, ' ');
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
    words text[];
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
    -- «Борис Образцов» is looked for as «Образцов Борис» where nobody bears it as it was typed.
    words := case when sees and is_name and cardinality(typed) > 1 and not exists (select from data.persons_named(typed, 1))
        then typed[cardinality(typed):] || typed[:cardinality(typed) - 1] else typed end;
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
            select k from data.persons_named(words, most) as k where sees and is_name
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
        visit := coalesce(to_char(r.at at time zone r.time_zone, 'DD.MM.YYYY HH24:MI'), (
            select 'было ' || to_char((data.visit_was(h.slot_ids)).at at time zone r.time_zone, 'DD.MM.YYYY HH24:MI')
            from data.booking_history as h where h.book_key = (r.b).book_key and h.slot_ids <> '{}' -- seen
            order by h.history_id desc limit 1));
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
    if not found then
        raise notice 'Ничего не нашлось. Искалось: начало номера записи, номер дела%', case
            when not sees then '' when is_number then ', телефон или СНИЛС целиком'
            when is_name then ', начало фамилии и за ней имени и отчества (или имя, отчество и фамилия), начало названия фирмы'
            else '' end
            using hint = case when sees and is_name and not is_number
                then 'По одному имени, по середине и с опиской не ищется. Попробуйте первые буквы фамилии, в которых Вы уверены, '
                    'телефон или день: select * from admin.find(''Обр''); select * from admin.today(''организация'', день)'
                else 'Начало номера записи — от 4 знаков, номер дела и телефон — целиком' end;
    end if;
    if found_many then
        raise notice 'Нашлось больше ста, показаны не все. Уточните: фамилия и имя, номер целиком';
    end if;
    perform data.note_reading(keys, 'find');
end $$;
grant execute on function admin.find(text) to zapisd_operator, zapisd_registrar;
comment on function admin.find(text) is
    'find(что): записи по номеру (можно начало, от 4 знаков) или номеру дела, регистратору и по фамилии с именем, названию '
        'фирмы, телефону, СНИЛС (буквы, дефисы, ё и порядок имени и фамилии не важны, описки важны); не больше ста, последние '
        'сверху; у отменённой — какое время было. '
        'Пример: select * from admin.find(''Тестов Т'')';
