-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- For the property test: one operation as one call, and everything there is to see as one value. Slots go by their numbers.
create schema prop;
create table prop.slot_no (slot_id uuid primary key, organization text not null, n integer not null, unique (organization, n));

create function prop.line(rows api.answer[]) returns text language sql as $$
    select string_agg(t, ' ' order by n, t) from (
        select 1 as n, case when r.kind = 'answer' then coalesce(r.status_code, '-') || '/' || r.error_code else r.kind end as t
        from unnest(rows) as r where r.kind in ('answer', 'stored', 'reused')
        union all
        select 2, r.field || ':' || r.error_code from unnest(rows) as r where r.kind = 'field'
        union all
        select 3, string_agg(s.n::text, ',' order by s.n) from unnest(rows) as r join prop.slot_no as s on s.slot_id = r.slot_id::uuid
        where r.kind = 'slot' having count(*) > 0
    ) as x
$$;
create function prop.slots(o text, names jsonb) returns text[] language sql as $$
    select coalesce(array_agg(case jsonb_typeof(v) when 'number' then (select slot_id::text from prop.slot_no where organization = o and n = v::integer)
        when 'null' then gen_random_uuid()::text else case v #>> '{}' when 'blind' then 'blind_request' else v #>> '{}' end end order by i), '{}')
    from jsonb_array_elements(names) with ordinality as e (v, i)
$$;
create function prop.texts(a jsonb) returns text[] language sql as $$ select array(select jsonb_array_elements_text(a)) $$;

create function prop.step(o text, op jsonb) returns text language plpgsql as $$
declare
    m api.message := row('l', op ->> 'channel', 'p', 'PROP', 'PROP00001', o || (op ->> 'message'), op ->> 'do', 'good', null, null,
        sha256(convert_to(concat(o, op ->> 'message', op ->> 'digest'), 'UTF8')), now(), coalesce((op ->> 'test')::boolean, false), '', false)::api.message;
    book text := o || (op ->> 'book');
    what text;
begin
    case op ->> 'do'
    when 'book' then
        return prop.line(array(select r from api.book(m, book, prop.slots(o, op -> 'slots'), o, op ->> 'type', 'PHYSIC', op ->> 'esia',
            jsonb_strip_nulls(jsonb_build_object('lastName', 'Тестов', 'userSnils', op -> 'snils', 'caseNumber', op -> 'case',
                'email', op -> 'bad' ->> 0)), -- what is wrong is in the request too: without it the request is another
            prop.texts(op -> 'services'), case when op ->> 'area' is null then '{}' else array[op ->> 'area'] end,
            (op ->> 'preliminary')::boolean, (op ->> 'period')::integer, '[]', case when (op ->> 'preliminary')::boolean then '{}' else prop.texts(op -> 'bad') end,
            null, case when (op ->> 'preliminary')::boolean then prop.texts(op -> 'bad') else '{}' end) as r));
    when 'cancel' then
        return prop.line(array(select r from api.cancel_booking(m, book, op ->> 'esia', '{}') as r));
    when 'status' then
        return prop.line(array(select r from api.get_booking_status('PROP00001', book, op ->> 'esia') as r));
    when 'agency' then
        if not exists (select from data.booking as b where b.book_key = lower(book)) then
            return 'unknown';
        end if;
        what := case op ->> 'event'
            when 'confirm' then (select a.result from admin.confirm(book) as a) when 'reject' then (select a.result from admin.reject(book, 'x') as a)
            when 'invite' then (select a.result from admin.invite(book) as a) when 'cancel' then (select a.result from admin.cancel(book, 'x', 'y') as a)
            when 'visited' then (select a.result from admin.visited(book) as a) when 'no_show' then (select a.result from admin.no_show(book) as a)
            when 'turned_away' then (select a.result from admin.turned_away(book, '', 'x') as a)
            when 'correct' then (select a.result from admin.correct(book, '203', 'x') as a)
            when 'move' then (select a.result from admin.move(book, (prop.slots(o, op -> 'slots'))[1]) as a) end;
        return case what when 'сделано' then 'yes' else 'no' end;
    when 'lapse' then
        update data.booking set hold_until = now() - interval '1 second' where book_key = lower(book) and state = 'HELD';
        update data.place set hold_until = now() - interval '1 second' where book_key = lower(book) and hold_until is not null;
    when 'comes' then
        update data.slot as s set starts_at = starts_at - interval '5 days', ends_at = ends_at - interval '5 days'
        where s.slot_id in (select slot_id from data.place where book_key = lower(book));
    when 'sweep' then
        perform admin.sweep(1000);
    when 'close' then
        update data.slot set is_closed = (op ->> 'closed')::boolean where slot_id = (prop.slots(o, op -> 'slots'))[1]::uuid;
    end case;
    return 'ok';
end $$;

create function prop.picture(o text, channel text) returns jsonb language sql as $$
    select jsonb_build_object(
        'bookings', (select coalesce(jsonb_object_agg(substr(b.book_key, length(o) + 1), jsonb_build_array(b.state, b.status_code,
                b.state = 'HELD' and b.hold_until <= clock_timestamp(), case when b.state = 'HELD' then b.hold_count else 0 end,
                (select coalesce(jsonb_agg(s.n order by s.n), '[]') from data.place p join prop.slot_no s using (slot_id)
                 where p.book_key = b.book_key and (p.hold_until is null or p.hold_until > clock_timestamp())),
                (select count(*) from data.booking_history h where h.book_key = b.book_key),
                (select jsonb_agg(jsonb_build_array(h.actor, h.old_state, h.new_state,
                        (select coalesce(jsonb_agg(s.n order by s.n), '[]') from prop.slot_no s where s.slot_id = any (h.slot_ids))) order by h.history_id)
                 from (select * from data.booking_history h where h.book_key = b.book_key order by h.history_id desc limit 3) h))), '{}')
            from data.booking b where b.organization_id = o),
        'free', (select coalesce(jsonb_agg(s.n order by s.n), '[]')
            from api.get_slots('PROP00001', array[o], '{}', '{}', 'QUALIFIED', 'PHYSIC', '', 1000, null, channel) r
            cross join unnest(r.slot_ids) as offered (slot_id) join prop.slot_no s using (slot_id)))
$$;
