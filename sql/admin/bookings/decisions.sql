-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- The agency's own word on a visit that is still to come: confirm, reject (B10, A28), invite, move, cancel.

create or replace function admin.confirm(book_id text)
returns admin.result language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    return data.agency_step('confirm', book_id, p_note => 'подтверждено');
end $$;
grant execute on function admin.confirm(text) to zapisd_operator, zapisd_registrar;
comment on function admin.confirm(text) is
    'confirm(номер записи): подтвердить то, что ждёт решения: запись (100 → 201) или её отмену (300 → 301). '
        'Пример: select * from admin.confirm(''6b1c…'')';

create or replace function admin.reject(book_id text, reason text default null, status_code text default '207')
returns admin.result language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    code constant text := btrim(coalesce(status_code, ''));
    b data.booking;
    was record;
begin
    perform data.plain_words(reason);
    if data.visible(reason) is null then
        raise exception 'Нужна причина отказа' using errcode = 'invalid_parameter_value',
            hint = 'Её увидит заявитель: ''не оплачена пошлина''';
    end if;
    if left(code, 3) not in ('207', '208') then
        raise exception 'Отказ — это 207 (ошибки в данных) или 208 (время занять нельзя), а не %', coalesce(status_code, 'null')
            using errcode = 'invalid_parameter_value';
    end if;
    -- Locked here already, so that the state cannot change before the step.
    b := data.agency_lock(book_id);
    if b.state = 'CANCELLING' then
        select * into was from data.before_cancelling(b.book_key);
        if was.state is null then
            return data.agency_refuse(b, 'reject', 'какой запись была до отмены, история не говорит; подтвердите отмену: '
                'admin.confirm');
        end if;
        return data.agency_apply(b, 'reject', was.state, was.tail, reason, p_note => 'отмена отклонена');
    end if;
    return data.agency_apply(b, 'reject', case when code like '208%' then 'REFUSED' else 'RETURNED' end::data.booking_state,
        substr(code, 4), reason, p_note => 'отказ');
end $$;
grant execute on function admin.reject(text, text, text) to zapisd_operator, zapisd_registrar;
comment on function admin.reject(text, text, text) is
    'reject(номер записи, причина [, ''207'' или ''208'']): отклонить ждущую запись (место освобождается) или ждущую отмену '
        '(запись снова такая, какой была). Пример: select * from admin.reject(''6b1c…'', ''не оплачена пошлина'')';

create or replace function admin.invite(book_id text)
returns admin.result language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    office text;
begin
    -- Order 329, status 201: the applicant is told where and when.
    select o.organization_id into office from data.my_booking as b join data.my_organization as o using (organization_id)
    where b.book_key = data.typed_book_key(invite.book_id) and data.visible(o.address) is null;
    if office is not null then
        raise exception 'Куда приглашать: у организации % нет адреса', office using errcode = 'invalid_parameter_value',
            hint = 'Задайте адрес: admin.add_organization(код, ведомство, название, часовой пояс, адрес), и пригласите снова';
    end if;
    return data.agency_step('invite', book_id, p_note => 'приглашён за результатом');
end $$;
grant execute on function admin.invite(text) to zapisd_operator, zapisd_registrar;
comment on function admin.invite(text) is
    'invite(номер записи): пригласить за результатом к забронированному времени, 201; заявителю называются адрес организации и '
        'время. '
        'Пример: select * from admin.invite(''6b1c…'')';

create or replace function admin.move(book_id text, slot_id text, reason text default null)
returns admin.result language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    ids constant text[] := regexp_split_to_array(btrim(coalesce(slot_id, ''), E' ,{}\t'), E'[\\s,]+');
begin
    perform data.plain_words(reason);
    if exists (select from unnest(ids) as t where t !~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$') then
        raise exception 'Не номер интервала: %', coalesce(slot_id, 'null') using errcode = 'invalid_parameter_value',
            hint = 'Свободные, номер в последнем столбце: select * from admin.free(''организация'', ''день'')';
    end if;
    return data.agency_move(book_id, ids::uuid[], reason);
end $$;
grant execute on function admin.move(text, text, text) to zapisd_operator, zapisd_registrar;
comment on function admin.move(text, text, text) is
    'move(номер записи, номер интервала или несколько через запятую [, причина]): перенести визит; порталу уходит новое время. '
        'Визит из нескольких интервалов переносится целиком: к названному добавляются следующие за ним, той же длины. '
        'Пример: select * from admin.move(''6b1c…'', (select slot_id from admin.free(''R7700018'', '
        'admin.office_day(''R7700018'') + 1) limit 1), ''специалист болен'')';

create or replace function admin.cancel(book_id text, reason text default null, contact text default null,
    status_code text default '302')
returns admin.result language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    code constant text := btrim(coalesce(status_code, ''));
begin
    perform data.plain_words(reason, contact);
    if data.visible(reason) is null then
        raise exception 'Нужна причина отмены' using errcode = 'invalid_parameter_value',
            hint = 'Её увидит заявитель: ''авария в здании''';
    end if;
    if left(code, 3) not in ('302', '303') then
        raise exception 'Отмена ведомством — это 302 (или 303), а не %', coalesce(status_code, 'null')
            using errcode = 'invalid_parameter_value';
    end if;
    -- Order 329, status 302: the applicant is told where to turn.
    if code like '302%' and data.visible(contact) is null and exists (
        select from data.my_booking as b join data.my_organization as o using (organization_id)
        where b.book_key = data.typed_book_key(cancel.book_id)
            and data.visible(o.phone) is null and data.visible(o.address) is null) then
        raise exception 'Куда обращаться заявителю: у организации нет ни телефона, ни адреса, укажите contact'
            using errcode = 'invalid_parameter_value', hint = 'Третье слово: admin.cancel(номер, причина, ''телефон …'')';
    end if;
    return data.agency_step(case when code like '302%' then 'cancel' else 'withdraw' end, book_id, null, substr(code, 4), reason,
        p_contacts => contact, p_note => 'отмена ведомством');
end $$;
grant execute on function admin.cancel(text, text, text, text) to zapisd_operator, zapisd_registrar;
comment on function admin.cancel(text, text, text, text) is
    'cancel(номер записи, причина [, контакт [, ''302'' или ''303'']]): отменить по инициативе ведомства; место освобождается, '
        'заявителю уходит контакт (иначе телефон и адрес организации). '
        'Пример: select * from admin.cancel(''6b1c…'', ''авария в здании'', ''телефон +7 000 000-00-01'')';

create or replace function admin.free(organization_id text, day date default null, service_id text default null)
returns table (visit text, area_id text, minutes integer, free integer, slot_id text)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    o constant data.organization := data.known_organization(organization_id);
    on_day constant date := coalesce(free.day, data.office_day(o.organization_id, o.time_zone));
    midnight constant timestamp := on_day::timestamp;
begin
    if day is not null then
        perform data.say_days('свободно', day, day, data.office_day(o.organization_id, o.time_zone));
    end if;
    if not o.is_active then
        raise notice 'Организация % выключена: в неё не записывают', o.organization_id;
        return;
    end if;
    return query
        select to_char(s.starts_at at time zone o.time_zone, 'DD.MM HH24:MI'), a.area_id,
            extract(epoch from s.ends_at - s.starts_at)::integer / 60,
            s.capacity - (select count(*) from data.place as p -- seen
                          where p.slot_id = s.slot_id and (p.hold_until is null or p.hold_until > clock_timestamp()))::integer,
            s.slot_id::text
        from data.free_slots(o.organization_id, greatest(midnight at time zone o.time_zone - interval '1 microsecond',
            clock_timestamp()),
            (midnight + interval '1 day 12 hours') at time zone o.time_zone - interval '1 microsecond',
            case when free.service_id is null then '{}'::text[] else array[free.service_id] end, null, clock_timestamp(),
            o.has_rules) as s
        join data.area as a on a.area_key = s.area_key -- seen
        where (s.starts_at at time zone o.time_zone)::date - s.is_night::integer = on_day
        order by s.starts_at, a.area_id;
end $$;
grant execute on function admin.free(text, date, text) to zapisd_operator, zapisd_registrar;
comment on function admin.free(text, date, text) is
    'free(организация [, день [, услуга]]): свободные интервалы дня, с ночью после него, с номерами, для move. '
        'Пример: select * from admin.free(''R7700018'', admin.office_day(''R7700018'') + 1)';
