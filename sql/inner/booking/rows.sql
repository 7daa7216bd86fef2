-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What a change of a booking writes: the booking, its history (S3) and the applicant's data (M9).

create or replace function data.add_history(b data.booking, p_old_state data.booking_state, p_old_status text, p_actor "char",
    p_reason text, m api.message, p_journal_id bigint)
returns void language plpgsql as $$
begin
    insert into data.booking_history (book_key, at, actor, db_user, old_state, new_state, old_status, new_status, reason,
        portal_time, portal_at, organization_id, slot_ids, journal_id)
    values (b.book_key, b.changed_at, p_actor, session_user, p_old_state, b.state, p_old_status, b.status_code, p_reason,
        m.portal_time, data.parse_time(m.portal_time), b.organization_id,
        array(select p.slot_id from data.place as p where p.book_key = b.book_key order by p.starts_at, p.slot_id), p_journal_id);
end $$;
comment on function data.add_history(data.booking, data.booking_state, text, "char", text, api.message, bigint) is
    'Adds a row to the history of a booking as it now stands (S3)';

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
comment on function data.set_state(data.booking, data.booking_state, timestamptz, text, timestamptz) is
    'Puts a booking into a state and returns it as it now stands; history is the caller''s duty';

-- Whoever asks from outside learns it from the answer; when nobody asked, the portal is told only if it is to be.
create or replace function data.let_lapse(b data.booking, p_now timestamptz, p_journal_id bigint) returns data.booking
language plpgsql as $$
declare
    was data.booking := b;
begin
    b := data.set_state(b, 'EXPIRED', p_now, data.lapsed_text(b), null);
    delete from data.place as p where p.book_key = b.book_key;
    perform data.add_history(b, was.state, was.status_code, 'T', 'срок предварительного бронирования истёк', null, p_journal_id);
    if p_journal_id is null and exists (
        select from data.organization as o where o.organization_id = b.organization_id and o.push_lapsed) then
        perform data.push(b);
    end if;
    return b;
end $$;
comment on function data.let_lapse(data.booking, timestamptz, bigint) is
    'A hold that ran out is EXPIRED (A24): place freed, history, and the message to the portal where an organization wants it; '
        'the caller holds its locks';

create or replace function data.put_applicant(p_book_key text, p jsonb) returns void
language plpgsql as $$
begin
    insert into data.applicant as a (book_key, last_name, first_name, middle_name, email, mobile_phone, user_snils, user_login,
        user_doc, user_inn, business_inn, business_ogrn, business_name)
    values (p_book_key, p ->> 'lastName', p ->> 'firstName', p ->> 'middleName', p ->> 'email', p ->> 'mobilePhone',
        p ->> 'userSnils', p ->> 'userLogin', p -> 'userDoc', p ->> 'userINN', p ->> 'businessINN', p ->> 'businessOGRN',
        p ->> 'businessName')
    on conflict (book_key) do update set last_name = excluded.last_name, first_name = excluded.first_name,
        middle_name = excluded.middle_name, email = excluded.email, mobile_phone = excluded.mobile_phone,
        user_snils = excluded.user_snils, user_login = excluded.user_login, user_doc = excluded.user_doc,
        user_inn = excluded.user_inn, business_inn = excluded.business_inn, business_ogrn = excluded.business_ogrn,
        business_name = excluded.business_name;
end $$;
comment on function data.put_applicant(text, jsonb) is 'Stores the applicant block of book under its wire names (M9)';

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
comment on function data.insert_booking(data.booking) is 'Adds a booking; false when the bookId is there already';
