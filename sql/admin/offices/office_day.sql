-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- The day it is in an office, for whoever asks from another zone, or after midnight (O3).

create or replace function admin.office_day(organization_id text) returns date
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    return data.today_of((data.known_organization(organization_id)).organization_id);
end $$;
grant execute on function admin.office_day(text) to zapisd_operator, zapisd_registrar, zapisd_auditor;
comment on function admin.office_day(text) is
    'office_day(организация): какой в ней рабочий день по её времени; после полуночи — вчерашний, пока идёт ночной приём и ещё '
        'два часа (но не дольше, чем до первого приёма нового дня). Завтра: + 1. Пример: select admin.office_day(''R7700018'')';
