-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- People at the inbox (O3): the message they mean, and why they do it.

create or replace function data.inbox_lock(p_inbox_id bigint) returns data.inbox
language plpgsql as $$
declare
    i data.inbox;
begin
    select t.* into i from data.my_inbox as t where t.inbox_id = p_inbox_id for no key update;
    if not found then
        raise exception 'Входящего № % нет', coalesce(p_inbox_id::text, 'null') using errcode = 'no_data_found',
            hint = 'Отложенные: select * from admin.inbox where state = ''parked''';
    end if;
    return i;
end $$;
comment on function data.inbox_lock(bigint) is 'Locks a message of the inbox; one that is not there, or not theirs, is refused';

create or replace function data.inbox_reason(p_reason text) returns text
language plpgsql as $$
begin
    perform data.plain_words(p_reason);
    if data.visible(p_reason) is null then
        raise exception 'Нужна причина: заявитель ответа не получит' using errcode = 'invalid_parameter_value';
    end if;
    return left(data.visible(p_reason), 500);
end $$;
comment on function data.inbox_reason(text) is 'Why somebody is to have no answer, as it is kept; it must be said';
