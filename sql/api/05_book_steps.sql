-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Steps of data.book_effect and of api.cancel_booking, each small enough to be read at once.

create or replace function data.plain_status_text(p_code text) returns text
language plpgsql stable parallel safe as $$
begin
    return (
        select s.message from data.status as s where s.code = p_code
    );
end $$;
alter function data.plain_status_text(text) owner to zapisd_owner;
revoke all on function data.plain_status_text(text) from public;
comment on function data.plain_status_text(text) is 'Text of a status when the organization is not known';

create or replace function data.expired_text() returns text
language sql immutable parallel safe return 'Срок предварительного бронирования истёк';
alter function data.expired_text() owner to zapisd_owner;
revoke all on function data.expired_text() from public;
comment on function data.expired_text() is 'Text of status 303 for a hold that ran out (A24)';

create or replace function data.is_addressed(p_recipient_code text, p_organization_id text) returns boolean
language plpgsql stable parallel safe as $$
begin
    return (
        select coalesce(p_recipient_code, '') = ''
            or exists (select from data.organization as o
                       where o.organization_id = p_organization_id and o.agency_code = p_recipient_code)
    );
end $$;
alter function data.is_addressed(text, text) owner to zapisd_owner;
revoke all on function data.is_addressed(text, text) from public;
comment on function data.is_addressed(text, text) is 'Whether the agency addressed owns the organization; the empty code means any (C6)';

-- From here to the end of the transaction nobody takes a lapsed place away or over.
create or replace function data.lock_places(p_book_key text) returns uuid[]
language plpgsql as $$
declare
    p record;
begin
    for p in select t.slot_id, t.place_no from data.place as t where t.book_key = p_book_key order by t.slot_id, t.place_no loop
        if not pg_try_advisory_xact_lock(data.place_lock_key(p.slot_id, p.place_no)) then
            perform data.stand_back('0');
            perform pg_advisory_xact_lock(data.place_lock_key(p.slot_id, p.place_no));
        end if;
    end loop;
    return array(select t.slot_id from data.place as t where t.book_key = p_book_key order by t.slot_id);
end $$;
alter function data.lock_places(text) owner to zapisd_owner;
revoke all on function data.lock_places(text) from public;
comment on function data.lock_places(text) is 'Locks the places of a booking and names their slots, in slot_id order';

create or replace function data.set_state(b data.booking, p_state data.booking_state, p_at timestamptz, p_message text,
    p_hold_until timestamptz)
returns data.booking language plpgsql as $$
begin
    b.state := p_state;
    b.status_code := data.state_code(p_state);
    b.status_message := p_message;
    b.hold_until := p_hold_until;
    b.changed_at := p_at;
    update data.booking as t set state = b.state, status_code = b.status_code, status_message = b.status_message,
        hold_until = b.hold_until, changed_at = b.changed_at
    where t.book_key = b.book_key;
    return b;
end $$;
alter function data.set_state(data.booking, data.booking_state, timestamptz, text, timestamptz) owner to zapisd_owner;
revoke all on function data.set_state(data.booking, data.booking_state, timestamptz, text, timestamptz) from public;
comment on function data.set_state(data.booking, data.booking_state, timestamptz, text, timestamptz) is
    'Puts a booking into a state and returns it as it now stands; history is the caller''s duty';

create or replace function data.take_visit(o data.organization, p_slots data.slot[], p_is_blind boolean, p_service_ids text[],
    p_area_keys integer[], b data.booking, p_now timestamptz)
returns boolean language plpgsql as $$
begin
    -- A lapsed hold of its own may still stand somewhere.
    delete from data.place as p where p.book_key = b.book_key;
    if p_is_blind then
        return data.take_blind(o, p_service_ids, p_area_keys, b.book_key, b.hold_until, p_now) is not null;
    end if;
    return data.take_slots(p_slots, b.book_key, b.hold_until, p_now);
end $$;
alter function data.take_visit(data.organization, data.slot[], boolean, text[], integer[], data.booking, timestamptz)
    owner to zapisd_owner;
revoke all on function data.take_visit(data.organization, data.slot[], boolean, text[], integer[], data.booking, timestamptz)
    from public;
comment on function data.take_visit(data.organization, data.slot[], boolean, text[], integer[], data.booking, timestamptz) is
    'Takes the places of a visit, named or blind';

-- The old places go first, so that a move to an overlapping slot of the same area does not stand in its own way; when the
-- new ones cannot be had, the subtransaction puts the old ones back. Their locks are held since data.lock_places.
create or replace function data.move_places(o data.organization, p_slots data.slot[], p_is_blind boolean, p_service_ids text[],
    p_area_keys integer[], b data.booking, p_now timestamptz)
returns boolean language plpgsql as $$
begin
    if not data.take_visit(o, p_slots, p_is_blind, p_service_ids, p_area_keys, b, p_now) then
        raise exception 'the new places are taken' using errcode = 'ZB208';
    end if;
    return true;
exception when sqlstate 'ZB208' then
    return false;
end $$;
alter function data.move_places(data.organization, data.slot[], boolean, text[], integer[], data.booking, timestamptz)
    owner to zapisd_owner;
revoke all on function data.move_places(data.organization, data.slot[], boolean, text[], integer[], data.booking, timestamptz)
    from public;
comment on function data.move_places(data.organization, data.slot[], boolean, text[], integer[], data.booking, timestamptz) is
    'New places for old ones; when that fails the old ones stay';

create or replace function data.book_refused(was data.booking, b data.booking, p_is_there boolean, p_is_alive boolean,
    p_refusal text, m api.message, p_journal_id bigint)
returns api.answer[] language plpgsql as $$
declare
    reason text := coalesce(p_refusal, 'Интервал времени занят');
    wanted text := b.organization_id;
    message text := data.status_text('208', wanted);
    clock timestamptz := b.changed_at;
begin
    if p_is_alive then
        was.changed_at := clock;
        perform data.add_history(was, was.state, was.status_code, 'A', 'изменение отклонено: ' || reason, m, p_journal_id);
    else
        b.hold_until := null;
        b.hold_count := 0;
        b.state := 'REFUSED';
        b.status_code := '208';
        b.status_message := message;
        if not p_is_there then
            -- Stood in this transaction only, so that its places had something to refer to.
            delete from data.booking as t where t.book_key = b.book_key;
            perform data.insert_booking(b);
        else
            b := data.set_state(was, 'REFUSED', clock, message, null);
        end if;
        perform data.add_history(b, was.state, was.status_code, 'A', reason, m, p_journal_id);
    end if;
    return array[data.answer_row('208', message, 4, 'Отказ в бронировании: ' || reason)];
end $$;
alter function data.book_refused(data.booking, data.booking, boolean, boolean, text, api.message, bigint) owner to zapisd_owner;
revoke all on function data.book_refused(data.booking, data.booking, boolean, boolean, text, api.message, bigint) from public;
comment on function data.book_refused(data.booking, data.booking, boolean, boolean, text, api.message, bigint) is
    'Writes down that a time could not be booked: status 208 and error 4 (A32)';

create or replace function data.insert_booking(b data.booking) returns boolean
language plpgsql as $$
begin
    insert into data.booking (book_key, book_id, esia_id, organization_id, state, status_code, status_message, hold_until,
        hold_count, content_hash, user_type, user_kind, service_ids, case_number, attributes, channel, portal_created,
        created_at, changed_at)
    values (b.book_key, b.book_id, b.esia_id, b.organization_id, b.state, b.status_code, b.status_message, b.hold_until,
        b.hold_count, b.content_hash, b.user_type, b.user_kind, b.service_ids, b.case_number, b.attributes, b.channel,
        b.portal_created, b.created_at, b.changed_at)
    on conflict do nothing;
    return found;
end $$;
alter function data.insert_booking(data.booking) owner to zapisd_owner;
revoke all on function data.insert_booking(data.booking) from public;
comment on function data.insert_booking(data.booking) is 'Adds a booking; false when the bookId is there already';
