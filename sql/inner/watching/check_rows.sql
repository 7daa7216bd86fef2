-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- The invariants once more, as a question: a healthy database answers with no row. The constraints make most of these
-- impossible; this is what to run after a restore, and what tests run after every storm. No index is believed: tables are
-- read whole, and indexes are compared with them. And what housekeeping is behind with.

-- Each visit beside an earlier one that lasts into it; only the few that are late are looked at pair by pair.
create or replace function data.double_uses() returns table (kind text, area_key integer, one text, other text)
language sql stable set enable_indexscan = off set enable_indexonlyscan = off set enable_bitmapscan = off as $$
    with used as materialized (
        select 'place' as kind, p.area_key, p.busy_from, p.busy_to, p.slot_id, p.place_no, p.book_key
        from data.place as p
        where p.capacity = 1 and (p.hold_until is null or p.hold_until > clock_timestamp())
        union all
        select 'occupancy', q.area_key, q.busy_from, q.busy_to, p.slot_id, p.place_no, p.book_key
        from data.occupancy as q join data.place as p on p.slot_id = q.slot_id and p.place_no = q.place_no
        where p.hold_until is null or p.hold_until > clock_timestamp()
    ), ordered as (
        select u.*, max(u.busy_to) over w as reached, row_number() over w as n
        from used as u
        window w as (partition by u.kind, u.area_key order by u.busy_from, u.slot_id, u.place_no rows between unbounded preceding
            and 1 preceding)
    ), late as (
        select * from ordered as o where o.busy_from < o.reached and o.busy_to > clock_timestamp()
    )
    select l.kind, l.area_key, e.book_key, l.book_key
    from late as l
    join used as e on e.kind = l.kind and e.area_key = l.area_key and e.busy_from < l.busy_to and e.busy_to > l.busy_from
        and (e.busy_from, e.slot_id, e.place_no) < (l.busy_from, l.slot_id, l.place_no)
$$;
comment on function data.double_uses() is
    'Pairs of bookings, not both over, that use an area for one or an exclusive one at the same time; lapsed holds do not count '
        '(B2, B9)';

-- Somebody asked and was told neither yes nor no, and the time for it is over: by then nobody else looks at it.
create or replace function data.waited_in_vain() returns table (title text, what text)
language sql stable as $$
    select 'время посещения прошло, а запись ждёт решения', format('запись %s (%s), организация %s, время %s; %s', b.book_id,
        b.status_code, b.organization_id, to_char(p.starts_at at time zone o.time_zone, 'DD.MM.YYYY HH24:MI'),
        case b.state when 'ACCEPTED' then 'откажите: admin.reject, или отметьте итог: admin.visited, admin.no_show, '
            'admin.turned_away' else 'подтвердите отмену: admin.confirm, или отметьте итог посещения' end)
    from data.my_booking as b
    join data.my_organization as o using (organization_id)
    join (select t.book_key, min(t.starts_at) as starts_at, max(t.ends_at) as ends_at from data.place as t group by t.book_key)
        as p on p.book_key = b.book_key
    where b.state in ('ACCEPTED', 'CANCELLING') and p.ends_at < clock_timestamp()
    order by p.starts_at, b.book_id
$$;
comment on function data.waited_in_vain() is
    'Bookings and cancellations that wait for a decision though the visit''s time is over';

create or replace function data.check_rows() returns table (problem text, what text)
language sql stable
set enable_indexscan = off set enable_indexonlyscan = off set enable_bitmapscan = off as $$
    select 'занято больше мест, чем есть', format('интервал %s: занято %s из %s; перенесите лишние записи: admin.move', s.slot_id,
        p.taken, s.capacity)
    from data.my_slot as s
    join (select p.slot_id, count(*) as taken from data.place as p group by p.slot_id) as p on p.slot_id = s.slot_id
    where p.taken > s.capacity
    union all
    select case d.kind when 'place' then 'помещение на одного занято дважды' else 'общее помещение занято дважды' end,
        format('организация %s, помещение %s: записи %s (%s) и %s (%s); перенесите одну: admin.move',
            a.organization_id, a.area_id, b.book_id, to_char(v.starts_at at time zone o.time_zone, 'DD.MM.YYYY HH24:MI'),
            c.book_id, to_char(w.starts_at at time zone o.time_zone, 'DD.MM.YYYY HH24:MI'))
    from data.double_uses() as d
    join data.my_area as a on a.area_key = d.area_key
    join data.organization as o on o.organization_id = a.organization_id
    join data.booking as b on b.book_key = d.one
    join data.booking as c on c.book_key = d.other
    join (select p.book_key, min(p.starts_at) as starts_at from data.place as p group by p.book_key) as v on v.book_key = d.one
    join (select p.book_key, min(p.starts_at) as starts_at from data.place as p group by p.book_key) as w on w.book_key = d.other
    union all
    select 'часы приёма пересекаются',
        format('организация %s, помещение %s, день недели %s: с %s и с %s; лишние удалите: delete from data.timetable where '
        'timetable_id = %s',
        a.organization_id, a.area_id, t.weekday, to_char(t.starts, 'HH24:MI'), to_char(u.starts, 'HH24:MI'), u.timetable_id)
    from data.timetable as t
    join data.timetable as u on u.area_key = t.area_key and u.weekday = t.weekday and u.serial = t.serial
        and u.timetable_id > t.timetable_id
        and u.starts < t.ends and u.ends > t.starts
        and coalesce(u.valid_from, '-infinity') <= coalesce(t.valid_to, 'infinity')
        and coalesce(u.valid_to, 'infinity') >= coalesce(t.valid_from, '-infinity')
    join data.my_area as a on a.area_key = t.area_key
    union all
    select 'часы особого дня пересекаются',
        format('организация %s, %s: с %s и с %s; лишние удалите: delete from data.special_hours where special_hours_id = %s',
        d.organization_id, to_char(d.day, 'DD.MM.YYYY'), to_char(t.starts, 'HH24:MI'), to_char(u.starts, 'HH24:MI'),
        u.special_hours_id)
    from data.special_hours as t
    join data.special_hours as u on u.special_day_id = t.special_day_id and u.serial = t.serial
        and u.special_hours_id > t.special_hours_id
        and u.starts < t.ends and u.ends > t.starts
    join data.my_special_day as d on d.special_day_id = t.special_day_id
    union all
    select 'у действующей записи нет места',
        format('запись %s; дайте ей время: admin.move, или отмените: admin.cancel', b.book_id)
    from data.my_booking as b
    where (b.state in ('BOOKED', 'ACCEPTED', 'INVITED', 'CANCELLING') or b.state = 'HELD' and b.hold_until > clock_timestamp())
        and not exists (select from data.place as p where p.book_key = b.book_key)
    union all
    select 'место занято записью, которой больше нет',
        format('запись %s; освободит владелец базы: delete from data.place where book_key = %L', b.book_id, b.book_key)
    from data.my_booking as b
    where b.state in ('RETURNED', 'REFUSED', 'CANCELLED_APPLICANT', 'CANCELLED_AGENCY', 'CANCELLED', 'EXPIRED')
        and exists (select from data.place as p where p.book_key = b.book_key)
    union all
    select 'срок предварительной записи у места и у записи разный',
        format('запись %s; исправит владелец базы: update data.place set hold_until = %L where book_key = %L', b.book_id,
            b.hold_until, b.book_key)
    from data.my_booking as b
    where exists (select from data.place as p where p.book_key = b.book_key and p.hold_until is distinct from b.hold_until)
    union all
    select 'место не в той организации, что запись',
        format('запись %s; перенесите: admin.move, или отмените: admin.cancel', b.book_id)
    from data.my_booking as b
    join data.place as p on p.book_key = b.book_key
    join data.slot as s on s.slot_id = p.slot_id
    where s.organization_id <> b.organization_id
    union all
    select 'последняя строка истории говорит о другом состоянии',
        format('запись %s, состояние %s; сравните с admin.history(%L) и с резервной копией: строки писали мимо программы',
            b.book_id, b.state, b.book_id)
    from data.my_booking as b
    left join (select distinct on (h.book_key) h.book_key, h.new_state from data.booking_history as h
               order by h.book_key, h.history_id desc) as h on h.book_key = b.book_key
    where b.state is distinct from h.new_state
    union all
    select 'индекс знает не все строки таблицы',
        format('%s: строк %s, в индексе %s; исправит владелец базы: reindex index concurrently %s', i.name, r.there,
        r.seen, i.name)
    from (select x::text as name, x as id from data.asked_indexes() as x) as i
    cross join lateral (select data.rows_by_table(i.id) as there, data.rows_by_index(i.id) as seen) as r
    where r.there <> r.seen and data.sees_all()
    union all
    select 'право, которого программа не давала', format('роль %s: %s; отнять: revoke %s from %s', f.grantee,
        data.rights_phrase(f), data.rights_phrase(f), f.grantee)
    from data.rights_foreign() as f where data.sees_all()
    union all
    select 'изменено вручную', case when w.object = '' then 'в базе не записано, что ставила программа; исправит zapisd migrate'
        else format('%s %s: %s; исправит zapisd migrate', w.kind, w.object, case w.trouble when 'missing' then 'нет в базе'
            else 'не то, что ставит программа' end) end
    from data.built_wrong() as w where data.sees_all()
    union all
    select 'то, чего программа не ставила', format('%s %s; если не нужно, удалит владелец базы: drop %s %s', b.kind, b.object,
        b.kind, b.object)
    from data.built_foreign() as b where data.sees_all()
    union all
    select l.problem, l.what from data.lost_members() as l where data.sees_all()
    union all
    select w.problem, w.what from data.over_rows() as w
    union all
    select h.title, h.what from data.held_open() as h where data.sees_all()
    union all
    select m.title, m.what from data.misnumbered() as m
    union all
    select s.title, s.what from data.silent_settings() as s
    union all
    select v.title, v.what from data.waited_in_vain() as v
    union all
    select u.title, u.what from data.untold_facts() as u
    union all
    select u.title, u.what from data.texts_unsaid() as u
    union all
    select g.title, g.what from data.lags() as g
    union all
    select n.title, n.what from data.inbox_troubles() as n
$$;
comment on function data.check_rows() is 'What admin.check() tells, without a bound on waiting';
