-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- A booking that came to nothing (A32).

create or replace function data.book_refused(was data.booking, b data.booking, p_is_there boolean, p_is_alive boolean,
    p_refusal text, m api.message, p_journal_id bigint)
returns api.answer[] language plpgsql as $$
declare
    reason text := coalesce(p_refusal, 'Интервал времени занят');
    wanted text := b.organization_id;
    -- Kept in the text: another time may not heal it, and getBookingStatus is asked, too (items 15.1 and 20).
    message text := data.status_text('208', wanted, p_reason => upper(left(reason, 1)) || substr(reason, 2));
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
comment on function data.book_refused(data.booking, data.booking, boolean, boolean, text, api.message, bigint) is
    'Writes down that a time could not be booked: status 208 and error 4 (A32)';
