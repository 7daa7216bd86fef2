-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Lapsed holds and outcomes that are due, at once and not by the daemon's clock (A24, A29).

create or replace function admin.sweep(at_most integer default 1000) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    swept bigint;
begin
    perform data.need_all();
    swept := data.sweep_holds(at_most);
    return swept + data.sweep_outcomes(at_most - swept);
end $$;
grant execute on function admin.sweep(integer) to zapisd_operator;
comment on function admin.sweep(integer) is
    'sweep([не больше]): записать истёкшие удержания и, где настроено, итоги 203 и 205; возвращает, сколько. '
        'Пример: select admin.sweep()';
