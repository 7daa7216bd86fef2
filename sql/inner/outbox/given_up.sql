-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Of an answer that nobody can read and that a person gave up no other will come: SMEV is told accepted=false, and to the same
-- message sent again it says that it has it. So whatever the row is at, it is held for a person, not awaited for a day (M8, O3).

create or replace function data.outbox_given_up(x data.outbox) returns data.inbox_unread
language plpgsql stable as $$
declare
    u data.inbox_unread;
begin
    if x.message_id is not null then
        select t.* into u from data.inbox_unread as t
        where t.agency_code = x.agency_code and t.original_id = x.message_id and t.operation = 'GetResponse'
            and t.given_up_at is not null
        order by t.given_up_at desc limit 1;
    end if;
    return u;
end $$;
comment on function data.outbox_given_up(data.outbox) is
    'The answer to the message of a row that a person gave up last; null: none was';

create or replace function data.outbox_given_up_words(u data.inbox_unread) returns text
language sql immutable parallel safe
return 'от ответа портала, который не читается, отказались: ' || u.reason;
comment on function data.outbox_given_up_words(data.inbox_unread) is 'Why a row is held whose answer was given up, for people';

-- A daemon that is at it tells its outcome first: data.outbox_settle() asks again.
create or replace function data.outbox_hold_given_up(x data.outbox, u data.inbox_unread) returns void
language plpgsql as $$
begin
    perform data.outbox_put(x, 'held', null, x.last_error, data.outbox_given_up_words(u), u.given_up_by);
    perform data.outbox_note(x, 'held', data.outbox_given_up_words(u), u.given_up_by);
end $$;
comment on function data.outbox_hold_given_up(data.outbox, data.inbox_unread) is
    'Holds a row its caller has locked, since the answer to its message was given up';
