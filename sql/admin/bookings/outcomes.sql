-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What became of the visit: 202, 203, 206, and a wrong one put right within the organization's hours (S2). The second of
-- two clerks who mark the same visitor is refused and told who was first; correcting is a command of its own.

-- Before a visit had a length of its own.
drop function if exists admin.visited(text, time, text, text);
create or replace function admin.visited(book_id text, at time default null, specialists text default null,
    detail text default '', minutes integer default null)
returns admin.result language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    began timestamptz;
begin
    perform data.plain_words(specialists);
    if minutes not between 1 and 1440 then
        raise exception 'Длительность приёма — от 1 до 1440 минут, а не %', minutes using errcode = 'invalid_parameter_value',
            hint = 'Принят в 10:05, приём занял 20 минут: admin.visited(номер, ''10:05'', minutes => 20)';
    end if;
    if at is not null then
        select (((min(p.starts_at) at time zone o.time_zone)::date) + visited.at) at time zone o.time_zone into began
        from data.my_booking as b
        join data.my_organization as o using (organization_id)
        join data.my_place as p on p.book_key = b.book_key
        where b.book_key = data.typed_book_key(visited.book_id)
        group by o.time_zone;
    end if;
    return data.agency_step('visited', book_id, p_tail => detail, p_began => began, p_specialists => specialists,
        p_note => 'принят' || coalesce(to_char(visited.at, '" в "HH24:MI'), '') || coalesce(', ' || minutes || ' мин', ''),
        p_minutes => minutes);
end $$;
grant execute on function admin.visited(text, time, text, text, integer) to zapisd_operator, zapisd_registrar;
comment on function admin.visited(text, time, text, text, integer) is
    'visited(номер записи [, время начала приёма [, специалисты [, код ведомства [, минут приёма]]]]): принят, 202. '
        'Пример: select * from admin.visited(''6b1c…'', ''10:05'', ''Примерова А. А.'', minutes => 20)';

create or replace function admin.no_show(book_id text, detail text default '')
returns admin.result language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    return data.agency_step('no_show', book_id, p_tail => detail);
end $$;
grant execute on function admin.no_show(text, text) to zapisd_operator, zapisd_registrar;
comment on function admin.no_show(text, text) is
    'no_show(номер записи [, код ведомства]): не пришёл, 203; не раньше времени приёма. '
        'Пример: select * from admin.no_show(''6b1c…'')';

create or replace function admin.turned_away(book_id text, detail text default '', reason text default null)
returns admin.result language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform data.plain_words(reason);
    if data.visible(reason) is null and not exists (
        select from data.my_status_detail as d
        join data.my_organization as o on o.agency_code = d.agency_code
        join data.my_booking as b on b.organization_id = o.organization_id
            and b.book_key = data.typed_book_key(turned_away.book_id)
        where d.code = '206' || coalesce(detail, '')) then
        raise exception 'Нужна причина: её увидит заявитель' using errcode = 'invalid_parameter_value',
            hint = 'Без причины можно с кодом, заведённым admin.add_status: 206001 — Нет документа';
    end if;
    return data.agency_step('turned_away', book_id, p_tail => detail, p_reason => reason);
end $$;
grant execute on function admin.turned_away(text, text, text) to zapisd_operator, zapisd_registrar;
comment on function admin.turned_away(text, text, text) is
    'turned_away(номер записи, код ведомства или '''' [, причина]): пришёл, но не принят, 206; причину видит заявитель. '
        'Пример: select * from admin.turned_away(''6b1c…'', ''001'', ''Нет документа, удостоверяющего личность'')';

create or replace function admin.correct(book_id text, status_code text default null, reason text default null)
returns admin.result language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    code constant text := btrim(coalesce(status_code, ''));
    new_state constant data.booking_state := case left(code, 3)
        when '202' then 'SERVED' when '203' then 'NO_SHOW' when '205' then 'NO_DATA' when '206' then 'NOT_SERVED' end;
begin
    perform data.plain_words(reason);
    if new_state is null then
        raise exception 'Итог посещения — 202, 203, 205 или 206, а не %', coalesce(status_code, 'null')
            using errcode = 'invalid_parameter_value';
    end if;
    if data.visible(reason) is null then
        raise exception 'Нужна причина исправления' using errcode = 'invalid_parameter_value',
            hint = 'Например: ''отмечен не тот посетитель''';
    end if;
    return data.agency_step('correct', book_id, new_state, substr(code, 4), reason, p_note => 'исправление');
end $$;
grant execute on function admin.correct(text, text, text) to zapisd_operator, zapisd_registrar;
comment on function admin.correct(text, text, text) is
    'correct(номер записи, верный статус, причина): исправить ошибочный итог, пока не вышел срок исправления; при 206 причину '
        'видит заявитель. Пример: select * from admin.correct(''6b1c…'', ''202'', ''отмечен не тот посетитель'')';
