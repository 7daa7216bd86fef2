-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Rows that somebody may hold at a console for as long as he likes (L1, decision 0353): all queues write by one session, and
-- nothing in it waits for him. Locked here until the end of the transaction, or left.

create or replace function data.inbox_is_free(p_inbox_id bigint) returns boolean
language plpgsql as $$
begin
    perform from data.inbox as i where i.inbox_id = p_inbox_id for no key update skip locked;
    return found or not exists (select from data.inbox as i where i.inbox_id = p_inbox_id);
end $$;
comment on function data.inbox_is_free(bigint) is
    'Locks a message of the inbox, to be changed; false: somebody holds it. One that is not there is nobody''s';

-- Whoever only changes it at a console, as all of admin do, is not in the way of a call that is noted with it.
create or replace function data.inbox_may_be_called(p_inbox_id bigint) returns boolean
language plpgsql as $$
begin
    perform from data.inbox as i where i.inbox_id = p_inbox_id for key share skip locked;
    return found or not exists (select from data.inbox as i where i.inbox_id = p_inbox_id);
end $$;
comment on function data.inbox_may_be_called(bigint) is
    'Locks a message of the inbox for a call that is noted with it; false: somebody holds it';

create or replace function data.inbox_unread_is_free(p_agency text, p_message_id text) returns boolean
language plpgsql as $$
declare
    n bigint;
begin
    perform from data.inbox_unread as u where u.agency_code = p_agency and u.message_id = p_message_id
    for no key update skip locked;
    get diagnostics n = row_count;
    return n = (select count(*) from data.inbox_unread as u where u.agency_code = p_agency and u.message_id = p_message_id);
end $$;
comment on function data.inbox_unread_is_free(text, text) is
    'Locks what is noted of an id that cannot be read; false: somebody holds it';
