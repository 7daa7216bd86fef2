-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Makes lapsed holds what every reader already takes them for (A24): EXPIRED, with history, their places freed.
-- Nothing depends on its running (B3). A booking somebody is at is left for the next time.

create or replace function admin.sweep(at_most integer default 1000) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    b data.booking;
    was data.booking;
    clock timestamptz := clock_timestamp();
    swept bigint := 0;
begin
    for b in
        select * from data.booking as t where t.state = 'HELD' and t.hold_until <= clock
        order by t.hold_until limit at_most for update skip locked
    loop
        perform data.lock_places(b.book_key);
        was := b;
        delete from data.place as p where p.book_key = b.book_key;
        b := data.set_state(b, 'EXPIRED', clock, data.expired_text(), null);
        perform data.add_history(b, was.state, was.status_code, 'T', 'срок предварительного бронирования истёк', null, null);
        swept := swept + 1;
    end loop;
    return swept;
end $$;
alter function admin.sweep(integer) owner to zapisd_owner;
revoke all on function admin.sweep(integer) from public;
grant execute on function admin.sweep(integer) to zapisd_operator;
comment on function admin.sweep(integer) is 'sweep([at_most]): records lapsed holds as EXPIRED; returns how many';
