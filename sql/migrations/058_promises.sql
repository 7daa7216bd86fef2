-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What comes out of a change has been promised by whom may promise it (Appendix 1, initiators; Appendix 3, notes; docs/decisions/0115):
-- a refused cancellation gives back what there was, a change waits for the office that confirms, an invitation is an office's
-- for a service and a person, a visit that is over has an outcome whatever it waited for.

delete from data.booking_arrow as a where a.event = 'cancel_booking' and a.old_state = 'HELD' and a.new_state = 'CANCELLING';
insert into data.booking_arrow (event, old_state, new_state, actors, place, is_pushed) values
('reject', 'CANCELLING', 'ACCEPTED', 'G', 'kept', true),
('reject', 'CANCELLING', 'INVITED', 'G', 'kept', true),
('rebook', 'BOOKED', 'ACCEPTED', 'A', 'swapped', false),
('rebook', 'ACCEPTED', 'BOOKED', 'A', 'swapped', false),
('rebook', 'INVITED', 'BOOKED', 'A', 'swapped', false),
('rebook', 'INVITED', 'ACCEPTED', 'A', 'swapped', false);
insert into data.booking_arrow (event, old_state, new_state, actors, place, is_pushed)
select v.event, o, v.new_state::data.booking_state, v.actors, 'used', true
from unnest(array['ACCEPTED', 'CANCELLING']::data.booking_state[]) as o,
    (values ('visited', 'SERVED', 'G'), ('no_show', 'NO_SHOW', 'G'), ('turned_away', 'NOT_SERVED', 'G'), ('no_data', 'NO_DATA', 'PT'))
        as v (event, new_state, actors);
comment on column data.booking_arrow.is_pushed is 'Whether the portal is told, unless it was the portal''s own word; 100 that came of the portal''s 201 is told too';
comment on column data.booking_arrow.place is 'What becomes of the place: none, taken, kept, freed, swapped (for another, or the same when only data change), used';

-- Holds whose cancellation waits for a clerk: their end is gone, and nobody keeps a hold that its applicant gives up.
do $$
declare
    b data.booking;
    message text;
begin
    for b in
        select t.* from data.booking as t
        where t.state = 'CANCELLING' and (
            select h.old_state from data.booking_history as h
            where h.book_key = t.book_key and h.new_state = 'CANCELLING' and h.old_state is distinct from h.new_state
            order by h.history_id desc limit 1) = 'HELD'
        order by t.book_key for update
    loop
        select coalesce((select s.comment from data.organization_status as s
                where s.organization_id = b.organization_id and s.code = '301' and s.comment !~ '[][{}]'), s.message) into message
        from data.status as s where s.code = '301';
        delete from data.place as p where p.book_key = b.book_key;
        update data.booking as t set state = 'CANCELLED_APPLICANT', status_code = '301', status_message = message,
            changed_at = clock_timestamp()
        where t.book_key = b.book_key;
        insert into data.booking_history (book_key, at, actor, db_user, old_state, new_state, old_status, new_status, reason, organization_id)
        values (b.book_key, clock_timestamp(), 'T', session_user, 'CANCELLING', 'CANCELLED_APPLICANT', b.status_code, '301',
            'отмена предварительной записи подтверждения не требует', b.organization_id);
        insert into data.outbox (book_key, created_at, next_attempt_at, payload)
        values (b.book_key, clock_timestamp(), clock_timestamp(), jsonb_build_object('bookId', b.book_id, 'esiaId', b.esia_id,
            'status', jsonb_build_object('statusCode', '301', 'statusMessage', message)));
    end loop;
end $$;
