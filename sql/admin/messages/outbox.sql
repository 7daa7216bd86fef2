-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What the portal is still to be told, without whom it is about; and the way to empty it by hand, in order per booking.

create or replace view admin.outbox with (security_barrier) as
select x.outbox_id, b.book_id, b.organization_id, o.agency_code, x.state,
    x.payload #>> '{status,statusCode}' as status, x.payload #>> '{status,statusMessage}' as comment,
    x.payload #>> '{timeslot,visitTime}' as visit_time, x.created_at, x.attempts, x.next_attempt_at, x.last_error,
    x.done_at, x.done_by
from data.my_outbox as x
join data.booking as b using (book_key) -- seen
join data.organization as o on o.organization_id = b.organization_id -- seen
order by x.outbox_id;
grant select on admin.outbox to zapisd_operator, zapisd_registrar, zapisd_auditor;
comment on view admin.outbox is 'Исходящие порталу (updateBookingDetails): что ждёт, передано, остановлено. '
    'Пример: select * from admin.outbox where state = ''waiting''';
comment on column admin.outbox.outbox_id is 'Номер; по одной записи передаются по порядку';
comment on column admin.outbox.book_id is 'Номер записи';
comment on column admin.outbox.organization_id is 'Организация';
comment on column admin.outbox.agency_code is 'Ведомство, от которого уйдёт сообщение';
comment on column admin.outbox.state is 'waiting ждёт, sent передано, stopped остановлено ошибкой портала';
comment on column admin.outbox.status is 'Статус';
comment on column admin.outbox.comment is 'Текст для заявителя';
comment on column admin.outbox.visit_time is 'Время визита, если о нём сообщается';
comment on column admin.outbox.created_at is 'Когда решено';
comment on column admin.outbox.attempts is 'Сколько раз пробовали передать';
comment on column admin.outbox.next_attempt_at is 'Не раньше';
comment on column admin.outbox.last_error is 'Почему не удалось';
comment on column admin.outbox.done_at is 'Когда передано';
comment on column admin.outbox.done_by is 'Кто это отметил';

create or replace function admin.outbox_done(outbox_id bigint) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    x data.outbox;
    earlier bigint;
begin
    select * into x from data.my_outbox as t where t.outbox_id = outbox_done.outbox_id for no key update;
    if not found then
        raise exception 'Исходящего № % нет', coalesce(outbox_id::text, 'null') using errcode = 'no_data_found',
            hint = 'Ждут: select * from admin.outbox where state = ''waiting''';
    end if;
    if x.state = 'sent' then
        return 0;
    end if;
    earlier := (select min(t.outbox_id) from data.my_outbox as t
                where t.book_key = x.book_key and t.state <> 'sent' and t.outbox_id < x.outbox_id);
    if earlier is not null then
        raise exception 'Сначала № % той же записи: порталу сообщается по порядку', earlier
            using errcode = 'object_not_in_prerequisite_state';
    end if;
    update data.my_outbox as t set state = 'sent', done_at = clock_timestamp(), done_by = session_user
    where t.outbox_id = x.outbox_id;
    return 1;
end $$;
grant execute on function admin.outbox_done(bigint) to zapisd_operator;
comment on function admin.outbox_done(bigint) is
    'outbox_done(номер исходящего): порталу сообщено другим путём; по порядку в пределах записи. '
        'Пример: select admin.outbox_done(17)';

create or replace function admin.outbox_done(book_id text) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    n bigint;
begin
    if not exists (select from data.my_booking as b where b.book_key = data.typed_book_key(outbox_done.book_id)) then
        raise exception 'Запись % не найдена', coalesce(outbox_done.book_id, 'null') using errcode = 'no_data_found',
            hint = 'Ждут: select * from admin.outbox where state = ''waiting''';
    end if;
    update data.my_outbox as t set state = 'sent', done_at = clock_timestamp(), done_by = session_user
    where t.book_key = data.typed_book_key(outbox_done.book_id) and t.state <> 'sent';
    get diagnostics n = row_count;
    return n;
end $$;
grant execute on function admin.outbox_done(text) to zapisd_operator;
comment on function admin.outbox_done(text) is
    'outbox_done(номер записи): обо всём, что ждёт по этой записи, порталу сообщено; возвращает, сколько. '
        'Пример: select admin.outbox_done(''6b1c…'')';
