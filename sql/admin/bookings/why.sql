-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- The whole story of a booking on one screen: as it stands, what came by the wire and how it was answered, what was exchanged
-- with SMEV 3 for that, what happened, what the portal was told or waits to be told, who looked at the person. Times are the
-- organization's.

create or replace function admin.why(book_id text) returns table (at text, kind text, what text)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    sees constant boolean := data.sees_people();
    key constant text := data.typed_book_key(book_id);
    b data.booking;
    o data.organization;
    n data.applicant;
    r record;
begin
    select * into b from data.my_booking as t where t.book_key = key;
    if not found then
        raise exception 'Запись % не найдена', coalesce(book_id, 'null') using errcode = 'no_data_found',
            hint = 'Ищите так: select * from admin.find(''начало номера, номер дела'')';
    end if;
    select * into o from data.organization as t where t.organization_id = b.organization_id; -- seen
    select * into n from data.applicant as t where t.book_key = key; -- seen

    kind := 'сейчас';
    at := to_char(clock_timestamp() at time zone o.time_zone, 'DD.MM.YYYY HH24:MI:SS');
    what := case when b.state = 'HELD' and b.hold_until <= clock_timestamp() then '303 ' || data.state_title('EXPIRED') || ': '
        || data.lapsed_text(b)
        else concat_ws(': ', b.status_code || ' ' || data.state_title(b.state), b.status_message) end;
    return next;
    what := format('%s, %s; %s', o.name, o.organization_id,
        case when sees then concat_ws(', ', coalesce(data.full_name(n), 'имя не указано'), n.mobile_phone, n.email)
            else coalesce(data.shown_name(n, false), 'имя не указано') end)
        || coalesce('; дело ' || b.case_number, '')
            || coalesce('; держится до ' || to_char(b.hold_until at time zone o.time_zone, 'DD.MM HH24:MI'), '');
    return next;
    for r in select s.starts_at, s.ends_at, a.area_id, a.name, p.place_no, s.capacity from data.place as p -- seen
        join data.slot as s using (slot_id) join data.area as a on a.area_key = s.area_key -- seen
        where p.book_key = key order by s.starts_at
    loop
        what := format('%s–%s, %s (%s)', to_char(r.starts_at at time zone o.time_zone, 'DD.MM.YYYY HH24:MI'),
            to_char(r.ends_at at time zone o.time_zone, 'HH24:MI'), r.name, r.area_id)
            || case when r.capacity > 1 then format(', место %s из %s', r.place_no, r.capacity) else '' end;
        return next;
    end loop;

    for r in
        select x.t, x.k, x.w from (
            select j.at as t, 1 as rank, 0::bigint as n, 'сообщение' as k,
                format('%s от %s, %s, подпись: %s, № %s', j.method, coalesce(nullif(j.sender_code, ''), j.listener), j.channel,
                    coalesce(j.verdict, '—'), j.message_id) || coalesce('; ответ: ' || q.status, '') as w
            from (select distinct h.journal_id from data.booking_history as h where h.book_key = key -- seen
                and h.journal_id is not null) as h
            join lateral (select * from data.journal as x where x.journal_id = h.journal_id -- seen
                and x.direction = 'in' offset 0) as j on true
            left join lateral (select x.status from data.journal as x where x.journal_id = j.journal_id and x.at = j.at -- seen
                and x.direction = 'out' offset 0) as q on true
            union all
            select c.at, 1, c.journal_id, 'СМЭВ', format('%s: %s; сообщение № %s', c.operation, c.outcome, i.message_id)
                    || case when c.operation = 'GetRequest' and c.outcome = 'new' then coalesce((
                        select format('; файлов: %s, сохранено: %s', count(*), count(f.content))
                        from data.inbox_file as f where f.inbox_id = i.inbox_id having count(*) > 0), '') else '' end -- seen
            from (select distinct j.sender_code, j.recipient_code, j.message_id
                from (select distinct h.journal_id from data.booking_history as h where h.book_key = key -- seen
                    and h.journal_id is not null) as h
                join lateral (select * from data.journal as x where x.journal_id = h.journal_id -- seen
                    and x.direction = 'in' offset 0) as j on true) as m
            join data.inbox as i on i.agency_code = m.recipient_code and i.sender_code = m.sender_code -- seen
                and i.message_id = m.message_id
            join data.inbox_call as c on c.inbox_id = i.inbox_id -- seen
            union all
            select h.at, 2, h.history_id, 'история',
                case h.actor when 'A' then 'заявитель' when 'P' then 'портал' when 'G' then 'ведомство, ' || h.db_user
                    else 'таймер' end
                || ': ' || case when h.old_state is null then '' when h.old_state = h.new_state then ''
                    else data.state_title(h.old_state) || ' → ' end
                || data.state_title(h.new_state) || ' (' || h.new_status || ')' || coalesce('; ' || h.reason, '')
                || coalesce('; ' || case when h.old_state is not null then data.visit_change(h.before, h.slot_ids) end, '')
            from (select x.*, lag(x.slot_ids) over (order by x.history_id) as before
                from data.booking_history as x where x.book_key = key) as h -- seen
            union all
            select x.created_at, 3, x.outbox_id, 'порталу',
                format('№ %s: статус %s', x.outbox_id, x.payload #>> '{status,statusCode}')
                || coalesce(', время ' || (x.payload #>> '{timeslot,visitTime}'), '')
                || '; ' || data.outbox_title(x)
                || coalesce(' ' || to_char(x.done_at at time zone o.time_zone, 'DD.MM HH24:MI'), '')
                || coalesce(', ' || x.done_by, '') || coalesce('; ' || x.last_error, '')
            from data.outbox as x where x.book_key = key -- seen
            union all
            select e.at, 3, e.event_id, 'порталу', format('№ %s: ', e.outbox_id) || data.outbox_event_words(e)
            from data.outbox_event as e where e.book_key = key -- seen
            union all
            select g.at, 4, g.reading_id, 'просмотр', format('%s (роль %s) видел данные заявителя: %s', g.db_user,
                g.db_role, g.what)
            from data.personal_reading as g where g.book_key = key -- seen
        ) as x order by x.t, x.rank, x.n
    loop
        at := to_char(r.t at time zone o.time_zone, 'DD.MM.YYYY HH24:MI:SS');
        kind := r.k;
        what := r.w;
        return next;
    end loop;
    if sees and n.book_key is not null then
        perform data.note_reading(array[key], 'why');
    end if;
end $$;
grant execute on function admin.why(text) to zapisd_operator, zapisd_registrar;
comment on function admin.why(text) is
    'why(номер записи): вся её жизнь — что сейчас, сообщения и подписи, обмен со СМЭВ 3, история, что передано порталу, кто '
        'смотрел. '
        'Пример: select * from admin.why(''6b1c…'')';
