-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- A message that the queue gave and nobody can read, or believe (Q1, Q4, Q5): noted by the id it claims, once however often it
-- comes. Whoever can write into our connection can claim any: there is room for a hundred ids an agency and question, the others
-- are one row, and none of them is refused but by hand.

drop function if exists api.inbox_unread(text, text, text, text); -- it knew no answers
create or replace function api.inbox_unread(p_source text, p_agency text, p_message_id text, p_error text,
    p_operation text default 'GetRequest', p_original_id text default null) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    id text := coalesce(p_message_id, '');
    clock constant timestamptz := clock_timestamp();
begin
    if data.inbox_is_taken(p_agency, id) then
        return; -- whole it is here, and acknowledged as such
    end if;
    with old as (
        select u.agency_code, u.message_id, u.operation from data.inbox_unread as u
        where u.agency_code = p_agency and (u.last_at < clock - interval '7 days'
                and (u.given_up_at is null or u.last_at < clock - interval '60 days')
            or u.last_at < clock - interval '1 day' and u.given_up_at is null and u.error = 'FOREIGN') -- whose it is has it
        for no key update skip locked
    )
    delete from data.inbox_unread as u using old as o
    where u.agency_code = o.agency_code and u.message_id = o.message_id and u.operation = o.operation;
    if id <> '' and not exists (select from data.inbox_unread as u where u.agency_code = p_agency and u.message_id = id
            and u.operation = p_operation)
        and (select count(*) from data.inbox_unread as u where u.agency_code = p_agency and u.operation = p_operation
            and u.given_up_at is null and (u.error = 'FOREIGN') = (p_error = 'FOREIGN')) >= 100 then
        id := '';
    end if;
    perform from data.inbox_unread as u where u.agency_code = p_agency and u.message_id = id and u.operation = p_operation
    for no key update nowait;
    insert into data.inbox_unread as u (source, agency_code, message_id, error, first_at, last_at, operation, original_id)
    values (p_source, p_agency, id, left(p_error, 200), clock, clock, p_operation, case when id <> '' then p_original_id end)
    on conflict (agency_code, message_id, operation) do update set source = excluded.source, error = excluded.error,
        original_id = coalesce(excluded.original_id, u.original_id),
        last_at = excluded.last_at, times = u.times + 1, say_at = case when u.given_up_at is not null then excluded.last_at end,
        first_at = case when u.last_at < excluded.last_at - interval '1 day' then excluded.last_at else u.first_at end;
    if p_operation = 'GetResponse' and p_error <> 'FOREIGN' then
        perform data.outbox_came_unread(p_agency, p_original_id, p_message_id, p_error);
    end if;
end $$;
grant execute on function api.inbox_unread(text, text, text, text, text, text) to zapisd_daemon;
comment on function api.inbox_unread(text, text, text, text, text, text) is
    'Notes a message that cannot be read or is not SMEV''s word, by the id it claims (null: none was found); p_error: a '
        'name of ours (FOREIGN: it is good, and to nothing of ours); p_operation: the question to which '
        'it came; p_original_id: the message of ours that an answer claims to '
        'be to. One that was given up comes again when SMEV has not heard it: it is said again';
