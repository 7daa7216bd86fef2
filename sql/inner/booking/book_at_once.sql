-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Nearly every booking is the first of its bookId, of one named slot that is open and free. All that must be so stands in one
-- question; where it is, four rows are written with what that question read. Anything else, and whatever somebody else is at
-- meanwhile, is data.book_effect's: it says what is wrong, and waits. Locks come in the same order.

create or replace function data.is_uuid(p_text text) returns boolean
language sql immutable parallel safe
return p_text like '________-____-____-____-____________' and length(replace(p_text, '-', '')) = 32
    and translate(lower(p_text), '0123456789abcdef-', '') = '';
comment on function data.is_uuid(text) is 'Whether a text has the form of a UUID; a regular expression would cost more';

create or replace function data.book_at_once(m api.message, p_journal_id bigint, w data.book_wish, p_slot_id uuid)
returns api.answer[] language plpgsql set zapisd.asking = on as $$
declare
    clock constant timestamptz := clock_timestamp();
    v record;
    state data.booking_state;
    hold_end timestamptz;
    place integer := 0;
begin
    select s.area_key, s.capacity, s.starts_at, s.ends_at, a.area_id,
        coalesce(s.service_id, w.service_ids[1], data.only_service(s.area_key)) as service_id, a.slot_attributes, a.queue_prefix,
        o.time_zone, o.confirm_booking, o.hold_default_min, o.hold_min_min, o.hold_max_min, t.code as status,
        coalesce((select data.text_said(c.code, c.comment) from data.organization_status as c
            where c.organization_id = o.organization_id
                and c.code in (t.code, case when w.preliminary then 'HELD' when not o.confirm_booking then 'BOOKED' end)
            order by length(c.code) desc limit 1), t.template) as message
    into v
    from data.slot as s
    join data.organization as o on o.organization_id = s.organization_id
    join data.area as a on a.area_key = s.area_key
    join data.status as t on t.code = case when o.confirm_booking and not w.preliminary then '100' else '201' end
    where s.slot_id = p_slot_id and s.organization_id = w.organization_id and not s.is_closed and o.is_active and not o.has_rules
        and (coalesce(m.recipient_code, '') = '' or o.agency_code = m.recipient_code)
        and s.starts_at > clock + make_interval(mins => o.notice_min)
        and s.starts_at <= clock + make_interval(days => o.booking_window_days)
        and w.area_ids <@ array[a.area_id]
        and (cardinality(w.service_ids) = 0 or s.service_id = w.service_ids[1] or s.service_id is null and exists (
            select from data.area_service as x where x.area_key = s.area_key and x.service_id = w.service_ids[1]))
        and (s.capacity > 1 or not exists (select from data.place as p where p.slot_id = p_slot_id and p.place_no = 1))
        and not exists (select from data.booking as b where b.book_key = w.book_key)
    for share of s;
    -- What names the number in the queue can be written when the place is taken.
    if not found or v.capacity > 1 and v.queue_prefix is not null and position('{queue}' in v.message) > 0 then
        return null;
    end if;

    state := case when w.preliminary then 'HELD' when v.confirm_booking then 'ACCEPTED' else 'BOOKED' end;
    if w.preliminary then
        hold_end := least(v.starts_at, data.hold_end(clock, w.period_min, v.hold_default_min, v.hold_min_min, v.hold_max_min));
    end if;
    if v.message ~ '[[{]' then
        v.message := data.text_filled(v.message, w.organization_id, v.starts_at, p_area => data.area_path(v.area_key),
            p_service => data.service_names(case when cardinality(w.service_ids) > 0 then w.service_ids
                else array[v.service_id] end),
            p_queue => v.queue_prefix || '1');
    end if;
    insert into data.booking (book_key, book_id, esia_id, organization_id, state, status_code, status_message, hold_until,
        hold_count, content_hash, user_type, user_kind, service_ids, case_number, attributes, channel, portal_created,
        created_at, changed_at)
    values (w.book_key, w.book_id, w.esia_id, w.organization_id, state, v.status, left(v.message, 4000), hold_end,
        w.preliminary::integer, w.content, w.user_type, w.user_kind, w.service_ids, coalesce(w.applicant ->> 'caseNumber',
            m.case_number), w.attributes, m.channel, m.portal_time, clock, clock)
    on conflict do nothing;
    if not found then -- it came by another message meanwhile
        return null;
    end if;
    if v.capacity > 1 then
        place := data.take_place((select t from data.slot as t where t.slot_id = p_slot_id), w.book_key, hold_end, clock, true);
    elsif pg_try_advisory_xact_lock(data.place_lock_key(p_slot_id, 1)) then
        insert into data.place (slot_id, place_no, book_key, hold_until, capacity, area_key, starts_at, ends_at)
        values (p_slot_id, 1, w.book_key, hold_end, 1, v.area_key, v.starts_at, v.ends_at);
        if found then
            place := 1;
            perform data.note_place(p_slot_id, 1);
        end if;
    end if;
    if place < 1 then
        delete from data.booking as b where b.book_key = w.book_key;
        return null;
    end if;
    insert into data.applicant (book_key, last_name, first_name, middle_name, email, mobile_phone, user_snils, user_login,
        user_doc, user_inn, business_inn, business_ogrn, business_name)
    values (w.book_key, w.applicant ->> 'lastName', w.applicant ->> 'firstName', w.applicant ->> 'middleName',
        w.applicant ->> 'email', w.applicant ->> 'mobilePhone', w.applicant ->> 'userSnils', w.applicant ->> 'userLogin',
        w.applicant -> 'userDoc', w.applicant ->> 'userINN', w.applicant ->> 'businessINN', w.applicant ->> 'businessOGRN',
        w.applicant ->> 'businessName');
    insert into data.booking_history (book_key, at, actor, db_user, new_state, new_status, portal_time, portal_at,
        organization_id, slot_ids, journal_id)
    values (w.book_key, clock, 'A', session_user, state, v.status, m.portal_time, data.parse_time(m.portal_time),
        w.organization_id, array[p_slot_id], p_journal_id);
    return array[data.answer_row(v.status, left(v.message, 4000), 0),
        row('slot', null, null, null, null, null, p_slot_id::text, v.service_id, w.organization_id, v.area_id,
            data.unix_seconds(v.starts_at), data.unix_seconds(hold_end),
            v.queue_prefix || place, extract(epoch from v.ends_at - v.starts_at)::integer / 60, v.slot_attributes,
            null, null, null, data.utc_offset(v.starts_at, v.starts_at at time zone v.time_zone),
            data.utc_offset(hold_end, hold_end at time zone v.time_zone))::api.answer];
end $$;
comment on function data.book_at_once(api.message, bigint, data.book_wish, uuid) is
    'A first booking of one named slot, where nothing is in its way: the answer as rows; null: nothing is done yet';
