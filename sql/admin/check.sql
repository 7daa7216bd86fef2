-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- The invariants once more, as a question: a healthy database answers with no row. The constraints make most of these
-- impossible; this is what to run after a restore, and what tests run after every storm. And what housekeeping is behind with.

create or replace function admin.check() returns table (problem text, what text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select 'slot holds more than its capacity', s.slot_id::text
    from data.slot as s
    where (select count(*) from data.place as p where p.slot_id = s.slot_id) > s.capacity
    union all
    select 'area for one is used twice at once', p.slot_id::text || ' and ' || q.slot_id::text
    from data.place as p
    join data.place as q on q.area_key = p.area_key and q.slot_id > p.slot_id and q.starts_at < p.ends_at and q.ends_at > p.starts_at
    where p.capacity = 1 and q.capacity = 1
    union all
    select 'live booking without a place', b.book_key
    from data.booking as b
    where (b.state in ('BOOKED', 'ACCEPTED', 'INVITED', 'CANCELLING') or b.state = 'HELD' and b.hold_until > clock_timestamp())
        and not exists (select from data.place as p where p.book_key = b.book_key)
    union all
    select 'place of a booking that is over', b.book_key
    from data.booking as b
    where b.state in ('RETURNED', 'REFUSED', 'CANCELLED_APPLICANT', 'CANCELLED_AGENCY', 'CANCELLED', 'EXPIRED')
        and exists (select from data.place as p where p.book_key = b.book_key)
    union all
    select 'place and booking disagree on the end of the hold', b.book_key
    from data.booking as b
    where exists (select from data.place as p where p.book_key = b.book_key and p.hold_until is distinct from b.hold_until)
    union all
    select 'place in another organization than its booking', b.book_key
    from data.booking as b
    join data.place as p on p.book_key = b.book_key
    join data.slot as s on s.slot_id = p.slot_id
    where s.organization_id <> b.organization_id
    union all
    select 'last row of history tells another state', b.book_key
    from data.booking as b
    where b.state is distinct from (select h.new_state from data.booking_history as h
                                    where h.book_key = b.book_key order by h.history_id desc limit 1)
    union all
    select g.problem, g.what from data.lags() as g
$$;
alter function admin.check() owner to zapisd_owner;
revoke all on function admin.check() from public;
grant execute on function admin.check() to zapisd_operator, zapisd_auditor;
comment on function admin.check() is 'check(): что в базе не так; ни строки, когда всё в порядке. Пример: select * from admin.check()';
