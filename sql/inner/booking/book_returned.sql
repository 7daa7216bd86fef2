-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- A request whose data are wrong (M10): status 207 that says what is to be put right (Appendix 1), error 2 with the fields, and
-- what is remembered of it (items 15.1 and 20; docs/decisions/0105).

drop function if exists data.book_wrong(api.answer[]);
drop function if exists data.book_returned(data.booking, data.book_wish, timestamptz, api.message, bigint);

create or replace function data.book_wrong_reason(w data.book_wish, p_fields api.answer[]) returns text
language plpgsql stable parallel safe as $$
declare
    names text[];
    words text[];
begin
    -- Of a field that the daemon has judged, its words are told, as in the answer.
    select array_agg(f.field), array_agg(f.error_message) into names, words
    from unnest(p_fields) as f where f.field <> all (w.bad_fields);
    return data.wrong_reason(w.bad_fields || names,
        coalesce(w.bad_words, array_fill(null::text, array[cardinality(w.bad_fields)])) || words);
end $$;
comment on function data.book_wrong_reason(data.book_wish, api.answer[]) is
    'What is wrong with a request, found by the daemon or here, as one text';

create or replace function data.book_wrong(w data.book_wish, p_fields api.answer[], p_organization_id text) returns api.answer[]
language plpgsql stable parallel safe as $$
declare
    reason constant text := data.book_wrong_reason(w, p_fields);
begin
    return data.answer_row('207',
        data.text_with_reason(data.status_text('207', p_organization_id, p_reason => reason), reason), 2) || p_fields;
end $$;
comment on function data.book_wrong(data.book_wish, api.answer[], text) is
    'The answer to a request with these fields wrong beside those the daemon has found, in an organization''s words; null: in '
        'the common ones (M10, S4)';

-- Kept of a first one: whose it is, when and how it came, and what was wrong. Nobody's data: they are wrong, and will come again.
create or replace function data.book_remembered(m api.message, p_journal_id bigint, w data.book_wish, p_organization_id text,
    p_text text, p_reason text, p_now timestamptz)
returns boolean language plpgsql as $$
declare
    b data.booking;
begin
    if p_organization_id is null or w.bad_fields && '{bookId,esiaId}' or length(w.book_id) > 100 then
        return true; -- nobody could ask for it
    end if;
    b.book_key := w.book_key;
    b.book_id := w.book_id;
    b.esia_id := w.esia_id;
    b.organization_id := p_organization_id;
    b.state := 'RETURNED';
    b.status_code := '207';
    b.status_message := p_text;
    b.hold_count := 0;
    b.content_hash := w.content;
    b.service_ids := '{}';
    b.channel := m.channel;
    b.portal_created := m.portal_time;
    b.created_at := p_now;
    b.changed_at := p_now;
    if not data.insert_booking(b) then
        return false;
    end if;
    perform data.add_history(b, null, null, 'A', 'ошибки в данных: ' || p_reason, m, p_journal_id);
    return true;
end $$;
comment on function data.book_remembered(api.message, bigint, data.book_wish, text, text, text, timestamptz) is
    'Writes a first request with wrong data down as RETURNED, where it has an owner and an organization; false when the bookId '
        'came by another message meanwhile';

create or replace function data.book_returned(m api.message, p_journal_id bigint, w data.book_wish, b data.booking,
    p_is_there boolean, p_is_alive boolean, p_is_same boolean, p_fields api.answer[], p_now timestamptz)
returns api.answer[] language plpgsql as $$
declare
    was constant data.booking := b;
    wanted constant text := (
        select o.organization_id from data.organization as o
        where o.organization_id = w.organization_id and data.is_addressed(m.recipient_code, o.organization_id)
            and not data.is_of_another_agency(b, o.organization_id));
    rows api.answer[] := data.book_wrong(w, p_fields, wanted);
    reason constant text := left(data.book_wrong_reason(w, p_fields), 1000);
begin
    if not p_is_there then
        return case when data.book_remembered(m, p_journal_id, w, wanted, rows[1].status_message, reason, p_now) then rows end;
    end if;
    if not p_is_alive and data.is_of_another_agency(b, w.organization_id) then
        return rows; -- whatever is wrong is another's, and what is over stays as its own agency knows it
    end if;
    -- Whoever has a time keeps it, but a hold whose final booking it was has come to its end (Appendix 3, alternative 3).
    if p_is_alive and not (p_is_same and b.state = 'HELD' and not w.preliminary) then
        b.changed_at := p_now;
        perform data.add_history(b, b.state, b.status_code, 'A', 'изменение отклонено, ошибки в данных: ' || reason, m,
            p_journal_id);
        return rows;
    end if;
    rows[1].status_message := data.text_with_reason(data.text_as(b, 'RETURNED', '', reason), reason);
    if b.state = 'RETURNED' and b.content_hash = w.content and b.status_message = rows[1].status_message then
        return rows; -- B6: the same again
    end if;
    delete from data.place as p where p.book_key = b.book_key;
    b := data.set_state(b, 'RETURNED', p_now, rows[1].status_message, null);
    update data.booking as t set content_hash = w.content where t.book_key = b.book_key;
    perform data.add_history(b, was.state, was.status_code, 'A', 'ошибки в данных'
        || case was.state when 'HELD' then ' при окончательном бронировании: ' else ': ' end || reason, m, p_journal_id);
    return rows;
end $$;
comment on function data.book_returned(api.message, bigint, data.book_wish, data.booking, boolean, boolean, boolean, api.answer[],
    timestamptz) is
    'The answer to a request with wrong data, and what it leaves: a first one and one of a booking that is over RETURNED, a '
        'change of one that lives a line in its history; null when the bookId came by another message meanwhile';
