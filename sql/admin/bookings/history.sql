-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What happened to a booking, oldest first (S3). No personal data.

drop function if exists admin.history(text); -- it had no column visit
create or replace function admin.history(book_id text)
returns table (at timestamptz, actor text, db_user name, old_state data.booking_state, new_state data.booking_state,
    old_status text, new_status text, reason text, portal_time text, slot_ids uuid[], journal_id bigint,
    visit text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select h.at, h.actor::text, h.db_user, h.old_state, h.new_state, h.old_status, h.new_status, h.reason, h.portal_time,
        h.slot_ids, h.journal_id,
        data.visit_change(lag(h.slot_ids) over (order by h.history_id), h.slot_ids)
    from data.my_booking_history as h
    where h.book_key = data.typed_book_key(history.book_id)
    order by h.history_id
$$;
grant execute on function admin.history(text) to zapisd_operator, zapisd_registrar, zapisd_auditor;
comment on function admin.history(text) is
    'history(номер записи): что с ней было, по порядку; visit — на какое время и с какого перенесена, какое было у '
        'отменённой. Пример: select * from admin.history(''6b1c…'')';
