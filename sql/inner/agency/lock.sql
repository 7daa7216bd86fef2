-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- A booking in the hands of the agency: locked first, then its places. Whoever waits at the console waits for seconds.

create or replace function data.agency_lock_now(p_book_key text) returns data.booking
language plpgsql as $$
declare
    b data.booking;
begin
    select * into b from data.my_booking as t where t.book_key = p_book_key for no key update;
    if found then
        perform data.lock_places(b.book_key);
        if b.state = 'HELD' and b.hold_until <= clock_timestamp() then
            b := data.let_lapse(b, clock_timestamp(), null);
        end if;
    end if;
    return b;
end $$;
comment on function data.agency_lock_now(text) is
    'Locks a booking and its places for the agency; a hold that ran out is said so first; null when there is none';

create or replace function data.agency_patience() returns interval language sql immutable return interval '15 seconds';
comment on function data.agency_patience() is 'How long a command of a clerk goes on asking for locks that others have';

create or replace function data.agency_wait(p_until timestamptz) returns void
language plpgsql as $$
begin
    if clock_timestamp() > p_until then
        raise exception 'Запись или интервал сейчас меняет кто-то другой' using errcode = 'lock_not_available',
            hint = 'Ничего не изменено. Повторите через минуту; кто держит: select * from admin.locks()';
    end if;
    perform pg_sleep(0.01 + random() * 0.05);
end $$;
comment on function data.agency_wait(timestamptz) is
    'A pause before the locks are asked for again; an error when that has gone on for too long';

-- Who cannot have the locks in a moment lets go of those it has and asks again: the subtransaction gives them back. So a
-- clerk never stands in a ring of waiters for as long as the server takes to find one (docs/architecture.md, the order of locks).
create or replace function data.agency_lock(p_book_id text) returns data.booking
language plpgsql set lock_timeout = '300ms' as $$
declare
    b data.booking;
    patience constant timestamptz := clock_timestamp() + data.agency_patience();
begin
    loop
        begin
            b := data.agency_lock_now(data.typed_book_key(p_book_id));
            exit;
        exception when lock_not_available or deadlock_detected then
            perform data.agency_wait(patience);
        end;
    end loop;
    if b.book_key is null then
        raise exception 'Запись % не найдена', coalesce(p_book_id, 'null') using errcode = 'no_data_found',
            hint = 'Ищите так: select * from admin.find(''номер записи или дела'')';
    end if;
    return b;
end $$;
comment on function data.agency_lock(text) is
    'As data.agency_lock_now, asking again while others are at the booking; unknown bookings are refused';
