-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Makes lapsed holds what every reader already takes them for (A24): EXPIRED, with history, their places freed; and, where
-- an organization has asked for it, sets visits without outcome to 203 or 205 (A29). Nothing depends on its running (B3).
-- A booking somebody is at is left for the next time. Visits older than 31 days are left to people.

create or replace function data.sweep_outcomes(at_most bigint) returns bigint
language plpgsql as $$
declare
    r record;
    clock timestamptz := clock_timestamp();
    swept bigint := 0;
    done admin.result;
begin
    if at_most <= 0 then
        return 0;
    end if;
    for r in
        select v.book_key, case when clock >= v.no_show then 'no_show' else 'no_data' end as event
        from data.organization as o
        cross join lateral (
            select p.book_key, min(s.starts_at) + make_interval(mins => o.no_show_after_min) as no_show,
                max(s.ends_at) + make_interval(hours => o.no_data_after_hours) as no_data
            from data.slot as s
            join data.place as p on p.slot_id = s.slot_id
            where s.organization_id = o.organization_id and s.starts_at > clock - interval '31 days' and s.starts_at <= clock
            group by p.book_key
        ) as v
        join data.booking as b on b.book_key = v.book_key and b.state in ('BOOKED', 'INVITED')
        where (o.no_show_after_min is not null or o.no_data_after_hours is not null) and (clock >= v.no_show or clock >= v.no_data)
        order by v.book_key limit at_most
    loop
        perform from data.booking as b
        where b.book_key = r.book_key and b.state in ('BOOKED', 'INVITED') for update skip locked;
        continue when not found;
        done := data.agency_step(r.event, r.book_key, p_note => 'без отметки о приёме', p_actor => 'T');
        swept := swept + (done.result = 'сделано')::integer;
    end loop;
    return swept;
end $$;
alter function data.sweep_outcomes(bigint) owner to zapisd_owner;
revoke all on function data.sweep_outcomes(bigint) from public;
comment on function data.sweep_outcomes(bigint) is 'Sets visits without outcome to 203 or 205 where the organization has asked for it; returns how many (A29)';

create or replace function admin.sweep(at_most integer default 1000) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    b data.booking;
    clock timestamptz := clock_timestamp();
    swept bigint := 0;
begin
    for b in
        select * from data.booking as t where t.state = 'HELD' and t.hold_until <= clock
        order by t.hold_until limit at_most for update skip locked
    loop
        perform data.lock_places(b.book_key);
        perform data.let_lapse(b, clock, null);
        swept := swept + 1;
    end loop;
    return swept + data.sweep_outcomes(at_most - swept);
end $$;
alter function admin.sweep(integer) owner to zapisd_owner;
revoke all on function admin.sweep(integer) from public;
grant execute on function admin.sweep(integer) to zapisd_operator;
comment on function admin.sweep(integer) is 
    'sweep([не больше]): записать истёкшие удержания и, где настроено, итоги 203 и 205; возвращает, сколько. Пример: select admin.sweep()';
