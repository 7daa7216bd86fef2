-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- States and events of the outbox in the words of admin.why.

drop function if exists data.outbox_title(text); -- it did not know who had said that the portal knows
create or replace function data.outbox_title(x data.outbox) returns text
language sql immutable parallel safe
return case x.state when 'waiting' then 'ждёт отправки' when 'sending' then 'передаётся'
    when 'sent' then 'ждём ответа портала'
    when 'answered' then case when x.done_by is null then 'передано' else 'отмечено как сообщённое другим путём' end
    when 'stopped' then 'остановлено' when 'held' then 'задержано' when 'dropped' then 'снято' end;
comment on function data.outbox_title(data.outbox) is 'The state of a row of the outbox for people';

-- By the beginnings of what a daemon keeps (src/push/): whose no it is. Older rows have no words of their own.
create or replace function data.outbox_refuser(p_error text) returns text
language sql immutable parallel safe
return case when p_error ~ '^(СМЭВ|нет регистрации в СМЭВ)' then 'СМЭВ отказала'
    when p_error ~ '^(сообщение не составить|строка исходящих)' then 'сообщение не составить' else 'портал отказал' end;
comment on function data.outbox_refuser(text) is 'Who has stopped a row, by its last_error, for people';

-- Nothing is the matter with the message, and none of the others will be taken either.
create or replace function data.outbox_is_unregistered(p_error text) returns boolean
language sql immutable parallel safe
return coalesce(p_error ~ '^(нет регистрации в СМЭВ|СМЭВ не принимает от нас ничего)', false);
comment on function data.outbox_is_unregistered(text) is
    'Whether an attempt failed because SMEV does not know us, or what we send';

-- Its id was new: what is the matter is no message's.
create or replace function data.outbox_is_clock(p_error text) returns boolean
language sql immutable parallel safe
return coalesce(p_error ~ '^СМЭВ называет устаревшим номер, созданный только что', false);
comment on function data.outbox_is_clock(text) is 'Whether an attempt failed because the clocks of SMEV and this machine differ';

-- Faults of SMEV's that are about the message alone, not about who sends it.
create or replace function data.outbox_unfit() returns text
language sql immutable parallel safe
return 'InvalidContent|RecipientIsNotFound|EndOfLifeReached|TransactionCodeInvalid|Attachment(ContentMiscoordination|Size)';
comment on function data.outbox_unfit() is 'A pattern of last_error: SMEV does not take the message as it is';

create or replace function data.outbox_event_words(e data.outbox_event) returns text
language sql immutable parallel safe
return case e.event
        when 'again' then format('попытка %s не удалась', e.attempt)
        when 'taken_over' then format('об исходе попытки %s ничего не известно, будет повторена', e.attempt)
        when 'queued' then format('попытка %s: принято СМЭВ', e.attempt)
        when 'in_work' then 'портал сообщил, что занят этим'
        when 'unread' then 'пришёл ответ, который не читается или не проходит проверку'
        when 'other' then 'пришёл ответ о другой записи'
        when 'answered' then 'портал ответил: принято'
        when 'stopped' then 'остановлено'
        when 'overdue' then case when e.reason is null then 'ответа портала в срок не получено, задержано'
            else 'срок вышел, задержано' end
        when 'held' then 'задержано' when 'released' then 'больше не задерживается'
        when 'requeued' then 'передать снова' when 'dropped' then 'снято'
        when 'done' then 'сообщено другим путём' when 'resent' then 'сообщить ещё раз' end
    || coalesce(', ' || e.db_user, '') || coalesce(': ' || e.reason, '') || coalesce('; обмен № ' || e.journal_id, '');
comment on function data.outbox_event_words(data.outbox_event) is 'What became of a row of the outbox, for people';
