-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- The state machine and its texts, to be read.

-- A view calls functions in the name of whoever reads it.
create or replace function admin.state_title(state text) returns text
language sql stable security definer set search_path = pg_catalog, pg_temp
return data.state_title(state::data.booking_state);
grant execute on function admin.state_title(text) to zapisd_operator, zapisd_registrar, zapisd_auditor;
comment on function admin.state_title(text) is
    'state_title(состояние): состояние словами. Пример: select admin.state_title(''BOOKED'')';

create or replace view admin.arrows with (security_barrier) as
select a.event, a.old_state, a.new_state, a.status, admin.state_title(a.new_state::text) as title,
    a.actors, a.place, a.is_pushed
from data.booking_arrow as a
order by array_position(array['hold', 'book', 'rebook', 'lapse', 'cancel_booking', 'confirm', 'reject', 'move',
    'invite', 'cancel', 'withdraw', 'visited', 'no_show', 'turned_away', 'no_data', 'correct'], a.event),
        a.old_state nulls first, a.new_state;
grant select on admin.arrows to zapisd_operator, zapisd_registrar, zapisd_auditor;
comment on view admin.arrows is 'Что с записью может случиться: событие, из какого состояния в какое, чьё слово. '
    'Пример: select * from admin.arrows where old_state = ''BOOKED''';
comment on column admin.arrows.event is
    'Событие; у событий ведомства так же называется функция admin (withdraw — это cancel с 303)';
comment on column admin.arrows.old_state is 'Откуда; пусто — записи ещё нет';
comment on column admin.arrows.new_state is 'Куда';
comment on column admin.arrows.status is 'Статус, который видит портал';
comment on column admin.arrows.title is 'То же словами';
comment on column admin.arrows.actors is 'Чьё слово: A заявитель, P портал, G ведомство, T таймер';
comment on column admin.arrows.place is
    'Что с местом: taken занято, kept остаётся, freed свободно, swapped заменено, used использовано, none не было';
comment on column admin.arrows.is_pushed is 'Сообщается ли порталу';
