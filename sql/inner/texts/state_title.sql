-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- A state in the words of those who look at bookings.

create or replace function data.state_title(p_state data.booking_state) returns text
language sql immutable parallel safe
return case p_state
    when 'ACCEPTED' then 'ждёт подтверждения' when 'HELD' then 'удерживается' when 'BOOKED' then 'забронировано'
    when 'INVITED' then 'приглашён' when 'SERVED' then 'принят' when 'NO_SHOW' then 'не пришёл'
    when 'NO_DATA' then 'итог неизвестен' when 'NOT_SERVED' then 'пришёл, но не принят'
    when 'RETURNED' then 'возвращено' when 'REFUSED' then 'отказано во времени' when 'CANCELLING' then 'отменяется'
    when 'CANCELLED_APPLICANT' then 'отменено заявителем' when 'CANCELLED_AGENCY' then 'отменено ведомством'
    when 'CANCELLED' then 'отменено' when 'EXPIRED' then 'срок удержания истёк' end;
comment on function data.state_title(data.booking_state) is 'An inner state in words for the operator';
