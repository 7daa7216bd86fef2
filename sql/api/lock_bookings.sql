-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- The one order of locks (B4, L1): bookings by their keys; then, booking by booking, its own places, the slots it wants and
-- places in them in slot_id order; then limits and shares. A transaction of one booking keeps it by itself. One that carries
-- several calls this first: its members come in the order of their slots, which is not that of their keys. From here on it waits
-- for no place below one it has taken (data.stand_back).

create or replace function api.lock_bookings(book_ids text[]) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan
    set enable_seqscan = off as $$
begin
    perform set_config('zapisd.highest_place', '0', true); -- below all (data.stand_back)
    perform from data.booking as b
    where b.book_key in (select lower(u) from unnest(book_ids) as u) order by b.book_key for no key update of b;
end $$;
grant execute on function api.lock_bookings(text[]) to zapisd_daemon;
comment on function api.lock_bookings(text[]) is
    'Locks the bookings of a transaction that changes several, in one order; unknown ones are passed over';
