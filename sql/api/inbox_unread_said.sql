-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- SMEV knows that a message is not accepted (O3).

create or replace function api.inbox_unread_said(p_agency text, p_message_id text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform from data.inbox_unread as u
    where u.agency_code = p_agency and u.message_id = p_message_id and u.given_up_at is not null for no key update nowait;
    update data.inbox_unread as u set said_at = clock_timestamp(), say_at = null
    where u.agency_code = p_agency and u.message_id = p_message_id and u.given_up_at is not null;
end $$;
grant execute on function api.inbox_unread_said(text, text) to zapisd_daemon;
comment on function api.inbox_unread_said(text, text) is 'Notes that SMEV knows that a message is not accepted';
