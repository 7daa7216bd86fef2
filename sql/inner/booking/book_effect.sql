-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- The state machine of book (M2, S2). One booking row is locked first, then its own places, then the clock is read: from
-- there on "now" is one instant, and a hold is alive or lapsed by it (B3). Slots come last.
--
--   nothing yet, or dead (EXPIRED, CANCELLED*, REFUSED, RETURNED)  -> a new one: HELD, BOOKED, ACCEPTED, or REFUSED
--   HELD, BOOKED, ACCEPTED, INVITED, same slots                   -> confirmed, renewed or corrected in place
--   HELD, BOOKED, ACCEPTED, INVITED, other slots                  -> moved; when that fails the old slots stay
--       in both cases a final one is what data.promised_state says of it: an office confirms itself
--   anything else, and a visit that has begun                     -> 208 and error 4; it stays as it is

-- The steps, in their order; data.book_at_once goes the same way in a straight line.
create or replace function data.book_effect(m api.message, p_journal_id bigint, w data.book_wish) returns api.answer[]
language plpgsql as $$
declare
    b data.booking;
    was data.booking;
    own uuid[];
    had text[];
    clock timestamptz;
    c record;
    is_there boolean;
    is_alive boolean;
    refusal text;
    settled api.answer[];
begin
    loop
        select * into b from data.booking as t where t.book_key = w.book_key for no key update;
        is_there := found;
        if is_there then
            if data.person_key(b.esia_id) <> data.person_key(w.esia_id) or not data.is_addressed(m.recipient_code,
                b.organization_id) then
                return data.book_wrong(w, array[data.field_row('bookId', 2)], null);
            end if;
            own := data.lock_places(w.book_key);
        end if;
        clock := clock_timestamp();
        was := b;
        is_alive := is_there and (b.state in ('BOOKED', 'ACCEPTED', 'INVITED') or b.state = 'HELD' and b.hold_until > clock);
        if is_there then
            settled := data.book_settled(b, w, is_alive, clock, m, p_journal_id);
            if settled is not null then
                return settled;
            end if;
        end if;

        had := case when is_alive then data.visit_services(b.book_key, b.service_ids) end;
        c := data.book_check_all(m, b, own, w, is_alive, clock);
        -- A hold that ran out is said so in the history before anything else happens to it.
        if is_there and b.state = 'HELD' and not is_alive then
            b := data.let_lapse(b, clock, p_journal_id);
            was := b;
        end if;
        if cardinality(c.fields) > 0 or w.is_wrong then
            settled := data.book_returned(m, p_journal_id, w, b, is_there, is_alive, c.is_same, c.fields, clock);
            continue when settled is null; -- the same bookId came by another message meanwhile
            return settled;
        end if;

        b := data.book_values(b, w, c.o, c.first_start, is_alive, clock, m);
        if not is_there then
            b.created_at := clock;
            b.portal_created := m.portal_time;
            continue when not data.insert_booking(b); -- the same bookId came by another message meanwhile
        end if;
        refusal := c.refusal;
        if c.is_same then
            refusal := data.book_kept(c.o, was, b, w, case when not c.is_blind then c.area_keys end, clock);
        elsif refusal is null and is_alive then
            refusal := data.change_visit(c.o, c.slots, c.is_blind, w.service_ids, c.area_keys, b, w.applicant, clock);
        elsif refusal is null then
            refusal := data.first_visit(c.o, c.slots, c.is_blind, w.service_ids, c.area_keys, b, w.applicant, clock);
        end if;
        exit;
    end loop;

    if refusal is null then
        b := data.book_promised(b, was, had, w.applicant, (c.o).confirm_booking);
        return data.book_written(b, was, w, not is_there, c.is_blind, m, p_journal_id);
    end if;
    -- A hold whose final booking is refused has come to its end (Appendix 3, alternative 3).
    if c.is_same and was.state = 'HELD' and not w.preliminary then
        delete from data.place as p where p.book_key = w.book_key;
        is_alive := false;
    end if;
    return data.book_refused(was, b, is_there, is_alive, refusal, m, p_journal_id);
end $$;
comment on function data.book_effect(api.message, bigint, data.book_wish) is
    'What book does to a booking; the answer as rows (M2)';

-- Before its parameters were one.
drop function if exists data.book_effect(api.message, bigint, text, text[], text, text, text, text, jsonb, text[], text[],
    boolean, integer,
    jsonb, text[]);

-- Before what is wrong came in words, and some of it waited for the final booking.
drop function if exists data.book_wish_of(text, text[], text, text, text, text, jsonb, text[], text[], boolean, integer, jsonb,
    text[]);
drop function if exists data.book_wish_of(text, text[], text, text, text, text, jsonb, text[], text[], boolean, integer, jsonb,
    text[], text[]);
create or replace function data.book_wish_of(p_book_id text, p_slot_ids text[], p_organization_id text, p_user_type text,
    p_user_kind text,
    p_esia_id text, p_applicant jsonb, p_service_ids text[], p_area_ids text[], p_preliminary boolean, p_period_min integer,
    p_attributes jsonb, p_bad_fields text[], p_bad_words text[] default null,
    p_later_fields text[] default '{}', p_later_words text[] default null)
returns data.book_wish language plpgsql immutable parallel safe as $$
declare
    area_ids text[] := array_remove(array_remove(coalesce(p_area_ids, '{}'), ''), null);
begin
    if area_ids && p_slot_ids then -- old pages of the portal repeat the slotId as areaId: that says nothing about areas
        area_ids := array(select t.id from unnest(area_ids) as t (id) where t.id <> all (p_slot_ids));
    end if;
    return row(lower(p_book_id), p_book_id, coalesce(p_slot_ids, '{}'), p_organization_id, p_user_type, p_user_kind, p_esia_id,
        -- what is wrong with the person is not kept of a hold: the final booking brings it again
        case when coalesce(cardinality(p_later_fields), 0) = 0 then p_applicant
            else p_applicant - p_later_fields
                - case when p_later_fields && '{docType,docNumber,issueDate,validDate}' then 'userDoc' else '' end end,
        case when cardinality(p_service_ids) between 2 and 500 then data.distinct_texts(p_service_ids)
            else array_remove(array_remove(coalesce(p_service_ids, '{}'), ''), null) end,
        area_ids, p_preliminary, p_period_min, p_attributes, coalesce(cardinality(p_bad_fields) > 0, false),
        sha256(convert_to(row(lower(p_book_id), p_slot_ids, p_organization_id, p_user_type, p_user_kind, p_esia_id,
            p_applicant, p_service_ids, p_area_ids, p_preliminary, p_period_min, p_attributes, p_bad_fields)::text,
                'UTF8')), coalesce(p_bad_fields, '{}'), p_bad_words,
        coalesce(p_later_fields, '{}'), p_later_words)::data.book_wish;
end $$;
comment on function data.book_wish_of(text, text[], text, text, text, text, jsonb, text[], text[], boolean, integer, jsonb,
    text[], text[], text[], text[]) is
    'The parameters of api.book in one hand, lists put in order';

create or replace function data.book_bounds(w data.book_wish) returns api.answer[]
language plpgsql stable parallel safe as $$
declare
    fit constant boolean[] := array[
        coalesce(length(w.book_id) <= 255, true), coalesce(length(w.esia_id) <= 255, true),
        coalesce(length(w.organization_id) <= 255, true),
        coalesce(length(w.user_type) <= 255, true), coalesce(length(w.user_kind) <= 255, true),
        data.list_fits(w.slot_ids, 50), data.list_fits(w.service_ids, 500), data.list_fits(w.area_ids, 500),
        coalesce(pg_column_size(w.applicant) <= 65536, true), coalesce(pg_column_size(w.attributes) <= 2097152, true)];
begin
    if false = any (fit) then
        return data.beyond_rows('{bookId,esiaId,organizationId,userType,userKind,slotId,serviceId,areaId,applicant,attributes}',
            fit);
    elsif coalesce(w.book_id, '') = '' then
        return array[data.field_row('bookId', 1, 'Не заполнено обязательное поле')];
    elsif coalesce(data.person_key(w.esia_id), '') = '' then
        return array[data.field_row('esiaId', 1, 'Не заполнено обязательное поле')];
    end if;
    return null;
end $$;
comment on function data.book_bounds(data.book_wish) is
    'Field errors of a request nothing can be made of: values beyond their bounds (L2), nobody''s, no booking''s; null: none';
drop function if exists data.book_bounds(text, text[], text, text, text, text, jsonb, text[], text[], jsonb);

create or replace function data.book_answer(m api.message, p_journal_id bigint, w data.book_wish) returns api.answer[]
language plpgsql as $$
declare
    rows api.answer[];
begin
    if w.service_ids = '{}' and w.attributes <> '[]' then
        w.service_ids := data.attribute_services(w.organization_id, w.attributes);
    end if;
    if cardinality(w.slot_ids) = 1 and cardinality(w.service_ids) <= 1 and not w.is_wrong and data.is_uuid(w.slot_ids[1]) then
        rows := data.book_at_once(m, p_journal_id, w, w.slot_ids[1]::uuid);
        if rows is not null then
            return rows;
        end if;
    end if;
    return data.book_effect(m, p_journal_id, w);
end $$;
comment on function data.book_answer(api.message, bigint, data.book_wish) is
    'A book request carried out, the straight way where that leads to its end';
