-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- People at the outbox (M8): hold, release, requeue, drop, done. What a daemon is at, or SMEV has and the portal may still
-- answer, is not touched: the word of a person and the answer of the portal would both count. Who comes is told until when.

create or replace function data.outbox_unknown(p_what text) returns void
language plpgsql as $$
begin
    raise exception '%', p_what using errcode = 'no_data_found',
        hint = 'Ждут: select * from admin.outbox where state not in (''answered'', ''dropped'')';
end $$;
comment on function data.outbox_unknown(text) is 'Refuses a number of which there is nothing';

create or replace function data.outbox_lock(p_outbox_id bigint) returns data.outbox
language plpgsql set lock_timeout = '300ms' as $$
declare
    x data.outbox;
    patience constant timestamptz := clock_timestamp() + data.agency_patience();
begin
    loop
        begin
            select * into x from data.my_outbox as t where t.outbox_id = p_outbox_id for no key update;
            exit;
        exception when lock_not_available or deadlock_detected then
            perform data.agency_wait(patience);
        end;
    end loop;
    if x.outbox_id is null then
        perform data.outbox_unknown(format('Исходящего № %s нет', coalesce(p_outbox_id::text, 'null')));
    end if;
    return x;
end $$;
comment on function data.outbox_lock(bigint) is
    'Locks a row of the outbox, asking again while others are at it; unknown ones are refused';

create or replace function data.outbox_words_for(x data.outbox, p_words text, p_at timestamptz default null) returns text
language sql stable as $$
    select format('Исходящее № %s %s', x.outbox_id, p_words)
        || coalesce(to_char(p_at at time zone o.time_zone, ' DD.MM.YYYY HH24:MI:SS'), '')
    from data.booking as b join data.organization as o on o.organization_id = b.organization_id where b.book_key = x.book_key
$$;
comment on function data.outbox_words_for(data.outbox, text, timestamptz) is 'A row of the outbox and what is the matter with it';

create or replace function data.outbox_refuse(x data.outbox, p_words text, p_hint text) returns void
language plpgsql as $$
begin
    raise exception '%', data.outbox_words_for(x, p_words) using errcode = 'object_not_in_prerequisite_state', hint = p_hint;
end $$;
comment on function data.outbox_refuse(data.outbox, text, text) is 'Refuses a command that makes no sense of a row as it is';

create or replace function data.outbox_not_in_flight(x data.outbox) returns void
language plpgsql as $$
begin
    if data.outbox_flies(x) then
        raise exception '%', data.outbox_words_for(x, case x.state when 'sending' then 'сейчас передаётся, до'
                else 'передано, ответа портала ждём до' end, coalesce(x.lease_until, x.deadline))
            using errcode = 'object_in_use', hint = 'Ничего не изменено. Позже этого срока — можно; как дела: '
                || 'select state, waits_for from admin.outbox where outbox_id = ' || x.outbox_id;
    end if;
end $$;
comment on function data.outbox_not_in_flight(data.outbox) is 'Refuses what is under way, and says until when';

-- Whether a command means anything to a row that is not under way: p_verb hold, release, requeue, drop, done.
create or replace function data.outbox_takes(x data.outbox, p_verb text) returns boolean
language sql stable
return case when x.state in ('answered', 'dropped') then false
    when p_verb = 'hold' then x.state in ('waiting', 'sending', 'sent')
    when p_verb = 'release' then x.state = 'held'
    when p_verb = 'requeue' then x.state <> 'waiting' or x.next_attempt_at > clock_timestamp()
    else true end;
comment on function data.outbox_takes(data.outbox, text) is 'Whether a command of people changes a row as it is';

-- An attempt of which nobody knows how it ended is tried again as the same message; what the portal refused, or did not answer in
-- time, goes as a new one: under the old number it would get the old answer, or none.
create or replace function data.outbox_do(x data.outbox, p_verb text, p_reason text) returns void
language plpgsql as $$
begin
    case p_verb
        when 'hold' then
            perform data.outbox_put(x, 'held', null, x.last_error, coalesce(p_reason, 'задержано вручную'), session_user);
            perform data.outbox_note(x, 'held', p_reason, session_user);
        when 'release' then
            perform data.outbox_put(x, 'waiting', clock_timestamp(), x.last_error, null, session_user);
            perform data.outbox_note(x, 'released', p_reason, session_user);
        when 'requeue' then
            perform data.outbox_put(x, 'waiting', clock_timestamp(), x.last_error, null, session_user);
            if x.state in ('stopped', 'held', 'sent') then
                perform data.outbox_forget(x);
            end if;
            perform data.outbox_note(x, 'requeued', p_reason, session_user);
        when 'drop' then
            perform data.outbox_end(x, 'dropped', p_reason, session_user);
            perform data.outbox_note(x, 'dropped', p_reason, session_user);
        when 'done' then
            perform data.outbox_end(x, 'answered', p_reason, session_user);
            perform data.outbox_note(x, 'done', p_reason, session_user);
    end case;
end $$;
comment on function data.outbox_do(data.outbox, text, text) is 'Does to a locked row that takes it what a person wants';

-- Let go as it is, it would be held again within a second; or SMEV, which has it, says that it does, gives the portal nothing,
-- and it waits anew for what did not come.
create or replace function data.outbox_may_release(x data.outbox) returns void
language plpgsql as $$
declare
    now_by text;
    given_up constant data.inbox_unread := data.outbox_given_up(x);
begin
    if x.state = 'held' and given_up.message_id is not null then
        perform data.outbox_refuse(x, 'СМЭВ уже взяла, а от ответа портала отказались: то же сообщение ответа не получит',
            format('Передать новым: select admin.outbox_requeue(%1$s), портал уже знает: select admin.outbox_done(%1$s)',
                x.outbox_id));
    end if;
    select r.road into now_by from data.outbox_road as r where r.agency_code = x.agency_code;
    if x.state = 'held' and now_by is not null
        and data.outbox_would_stray(x.road, x.octets is not null, x.is_unsure, x.state, now_by) then
        perform data.outbox_refuse(x, format('могло уйти по дороге %s, а теперь передаётся по %s', x.road, now_by),
            format('Передать по новой: select admin.outbox_requeue(%1$s), портал уже знает: select admin.outbox_done(%1$s)',
                x.outbox_id));
    end if;
    if x.state = 'held' and data.outbox_smev_has(x.outbox_id, x.attempts, x.road, x.octets is not null) then
        perform data.outbox_refuse(x, 'СМЭВ уже взяла: то же самое второй раз она порталу не передаст',
            format('Передать новым сообщением: select admin.outbox_requeue(%1$s), портал уже знает: select '
                'admin.outbox_done(%1$s); ответ портала, если придёт, засчитается и так', x.outbox_id));
    end if;
end $$;
comment on function data.outbox_may_release(data.outbox) is
    'Refuses to let go a row that may have left by a road that is no longer in use, whose message gets no answer any more, or '
        'that SMEV 3 has already';

create or replace function data.outbox_say_waits(x data.outbox) returns void
language plpgsql as $$
declare
    earlier constant bigint := data.outbox_front(x.book_key, x.outbox_id);
begin
    raise notice '%', data.outbox_words_for(x, case when earlier is null then 'и так передаётся при первой возможности'
            else format('ждёт своей очереди: сначала № %s той же записи', earlier) end)
        using hint = 'Чего ждёт: select state, waits_for from admin.outbox where outbox_id = ' || x.outbox_id;
end $$;
comment on function data.outbox_say_waits(data.outbox) is 'Tells who would have a waiting row go at once why nothing was changed';

create or replace function data.outbox_hand(p_outbox_id bigint, p_verb text, p_reason text) returns bigint
language plpgsql as $$
declare
    x constant data.outbox := data.outbox_lock(p_outbox_id);
    earlier bigint;
begin
    perform data.outbox_not_in_flight(x);
    if (p_verb, x.state) in (('hold', 'held'), ('done', 'answered'), ('drop', 'dropped')) then
        return 0;
    end if;
    if data.outbox_is_over(x.state) then
        perform data.outbox_refuse(x, case when x.state = 'answered' and x.done_by is null then 'уже передано'
                else data.outbox_title(x) || coalesce(', ' || x.done_by, '') end,
            format('Сказать порталу ещё раз, как есть сейчас: select admin.outbox_resend(%s)', x.outbox_id));
    elsif p_verb = 'hold' and x.state = 'stopped' then
        perform data.outbox_refuse(x, 'и так стоит: ' || data.outbox_refuser(x.last_error),
            format('Передать снова: select admin.outbox_requeue(%1$s), снять: select admin.outbox_drop(%1$s, ''причина'')',
                x.outbox_id));
    elsif p_verb = 'release' and x.state <> 'held' then
        perform data.outbox_refuse(x, 'не задержано',
            format('Передать снова: select admin.outbox_requeue(%s)', x.outbox_id));
    elsif not data.outbox_takes(x, p_verb) then
        perform data.outbox_say_waits(x);
        return 0;
    end if;
    if p_verb = 'release' then
        perform data.outbox_may_release(x);
    end if;
    if p_verb = 'done' then
        earlier := data.outbox_front(x.book_key, x.outbox_id);
        if earlier is not null then
            raise exception 'Сначала № % той же записи: порталу сообщается по порядку', earlier
                using errcode = 'object_not_in_prerequisite_state';
        end if;
    end if;
    perform data.outbox_do(x, p_verb, p_reason);
    return 1;
end $$;
comment on function data.outbox_hand(bigint, text, text) is
    'A command of a person for one row; how many it changed; refused while the row is under way, or where it makes no sense';

create or replace function data.outbox_hand(p_book_id text, p_verb text, p_reason text) returns bigint
language plpgsql as $$
declare
    key constant text := data.typed_book_key(p_book_id);
    id bigint;
    rows data.outbox[] := '{}';
    x data.outbox;
    n bigint := 0;
begin
    if not exists (select from data.my_booking as b where b.book_key = key) then
        perform data.outbox_unknown(format('Запись %s не найдена', coalesce(p_book_id, 'null')));
    end if;
    for id in
        select t.outbox_id from data.my_outbox as t
        where t.book_key = key and t.state not in ('answered', 'dropped') order by t.outbox_id
    loop
        x := data.outbox_lock(id);
        perform data.outbox_not_in_flight(x);
        if p_verb = 'release' then
            perform data.outbox_may_release(x);
        end if;
        rows := rows || x;
    end loop;
    foreach x in array rows loop
        if data.outbox_takes(x, p_verb) then
            perform data.outbox_do(x, p_verb, p_reason);
            n := n + 1;
        end if;
    end loop;
    if n = 0 and p_verb = 'requeue' and cardinality(rows) > 0 then
        perform data.outbox_say_waits(rows[1]);
    end if;
    return n;
end $$;
comment on function data.outbox_hand(text, text, text) is
    'A command of a person for all rows of a booking that have not ended; refused as a whole while one of them is under way';

create or replace function data.outbox_reason(p_reason text, p_example_of text default null) returns text
language plpgsql as $$
begin
    perform data.plain_words(p_reason);
    if p_example_of is not null and data.visible(p_reason) is null then
        raise exception 'Нужна причина: она останется в истории' using errcode = 'invalid_parameter_value',
            hint = format('Например: select admin.outbox_drop(%s, ''запись на портале удалена'')', p_example_of);
    end if;
    return data.visible(p_reason);
end $$;
comment on function data.outbox_reason(text, text) is
    'A reason as it is kept; one that must be given where p_example_of says of what: 17, or the number of a booking in quotes';

create or replace function data.outbox_again(p_book_id text) returns bigint
language plpgsql as $$
declare
    b constant data.booking := data.agency_lock(p_book_id);
    last data.outbox;
    x data.outbox;
    id bigint;
begin
    select * into last from data.outbox as t
    where t.outbox_id = (select max(o.outbox_id) from (
        select y.outbox_id from data.outbox as y where y.book_key = b.book_key offset 0) as o);
    id := data.push_row(b, clock_timestamp(), 'по просьбе', session_user);
    select * into x from data.outbox as t where t.outbox_id = id;
    if not data.outbox_is_over(last.state) and last.payload = x.payload then
        perform data.outbox_refuse(last, 'говорит то же и ещё не передано',
            format('Передать сейчас: select admin.outbox_requeue(%s)', last.outbox_id));
    end if;
    perform data.outbox_note(x, 'resent', null, session_user);
    return x.outbox_id;
end $$;
comment on function data.outbox_again(text) is
    'Puts the status of a booking as it is now into the outbox once more, unless the last row there says it and has not ended';

-- The answer that came is given up: no other will come, so it is not waited for any longer. One that comes whole after all still
-- ends the row.
create or replace function data.outbox_unanswered(u data.inbox_unread, p_reason text) returns data.outbox
language plpgsql as $$
declare
    id constant bigint := (select t.outbox_id from data.my_outbox as t
        where t.agency_code = u.agency_code and t.message_id = u.original_id and u.operation = 'GetResponse');
    x data.outbox;
begin
    if id is null then
        return null;
    end if;
    x := data.outbox_lock(id);
    if x.message_id is distinct from u.original_id or data.outbox_is_over(x.state) or x.state = 'stopped' then
        return null;
    end if;
    if x.state <> 'held' and (x.state <> 'sending' or not data.outbox_flies(x)) then
        u.reason := p_reason;
        u.given_up_by := session_user;
        perform data.outbox_hold_given_up(x, u);
        x.state := 'held';
    end if;
    return x;
end $$;
comment on function data.outbox_unanswered(data.inbox_unread, text) is
    'Holds the row to which an answer came that was given up by hand; one that a daemon is at is held when that has told its '
        'outcome: the row as it is then, null: there is no such';
