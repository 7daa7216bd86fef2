-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Citizens are offered at least 14 days (item 9.7): slots that are made ahead reach as far, too. Only 0 is left below: there
-- a person makes them, with admin.generate. Offices that had less are put right here, by name.

alter table data.organization drop constraint organization_horizon_range;

do $$
declare
    o record;
begin
    for o in select organization_id, horizon_days from data.organization where horizon_days between 1 and 13 order by organization_id loop
        raise warning 'организация %: horizon_days было %, стало 14: меньше не допускает приказ № 329, пункт 9.7', o.organization_id, o.horizon_days;
    end loop;
    update data.organization set horizon_days = 14 where horizon_days between 1 and 13;
end $$;

alter table data.organization add constraint organization_horizon_range check (horizon_days = 0 or horizon_days between 14 and 400);
comment on column data.organization.horizon_days is
    'На сколько дней вперёд интервалы делаются сами, не меньше 14 (приказ № 329, пункт 9.7); пусто: на день дальше окна записи; 0: только admin.generate';
comment on constraint organization_horizon_range on data.organization is 'Not under 14 days (item 9.7); 0 is by hand';
