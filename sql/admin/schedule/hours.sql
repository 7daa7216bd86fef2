-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Weekly hours (T2, O3). Each command may be repeated; the last word counts. What is no longer offered is closed at once, and
-- who stays booked there is told.

create or replace function admin.set_hours(organization_id text, area_id text, days text, hours text, slot_min integer,
    service_id text default null, capacity integer default null)
returns integer language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    violated text;
    missing text;
    key constant integer := data.known_area(organization_id, area_id);
    o constant data.organization := data.known_organization(organization_id);
    made integer;
begin
    made := data.put_hours(o.organization_id, key, days, hours, slot_min, service_id, capacity, null, null);
    perform data.schedule_said(o, (now() at time zone o.time_zone)::date, data.horizon_day(o));
    return made;
exception when integrity_constraint_violation then
    get stacked diagnostics violated = constraint_name, missing = column_name;
    perform data.say_violation(sqlstate, violated, missing, sqlerrm);
end $$;
grant execute on function admin.set_hours(text, text, text, text, integer, text, integer) to zapisd_operator;
comment on function admin.set_hours(text, text, text, text, integer, text, integer) is
    'set_hours(организация, помещение, дни, часы, минут на приём [, услуга [, мест]]): недельное расписание вместо прежнего на '
        'эти дни, и того, что на срок; часы через запятую; за полночь: ''22:00-2:00''; ''нет'' — убрать. Новые интервалы делает '
        'generate, лишние закрываются сразу; записи остаются, команда скажет, сколько их вне часов, покажет off_schedule. '
        'Пример: select admin.set_hours(''R7700099'', ''window-1'', ''пн-пт'', ''9:00-13:00, 14:00-18:00'', 15)';

create or replace function admin.set_hours_for(organization_id text, area_id text, from_day date, to_day date, days text,
    hours text, slot_min integer, service_id text default null, capacity integer default null)
returns integer language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    violated text;
    missing text;
    key constant integer := data.known_area(organization_id, area_id);
    o constant data.organization := data.known_organization(organization_id);
    made integer;
begin
    if from_day > to_day or from_day is null and to_day is null or not isfinite(from_day) or not isfinite(to_day) then
        raise exception 'С % по %: нужен срок', coalesce(data.day_text(from_day), '?'), coalesce(data.day_text(to_day), '?')
            using errcode = 'invalid_parameter_value', hint = 'Без срока: admin.set_hours; без конца: второй день null';
    end if;
    perform data.say_days('часы на срок', from_day, to_day, data.today_of(o.organization_id));
    made := data.put_hours(o.organization_id, key, days, hours, slot_min, service_id, capacity, from_day, to_day);
    perform data.schedule_said(o, greatest((now() at time zone o.time_zone)::date, from_day),
        least(data.horizon_day(o), to_day));
    return made;
exception when integrity_constraint_violation then
    get stacked diagnostics violated = constraint_name, missing = column_name;
    perform data.say_violation(sqlstate, violated, missing, sqlerrm);
end $$;
grant execute on function admin.set_hours_for(text, text, date, date, text, text, integer, text, integer) to zapisd_operator;
comment on function admin.set_hours_for(text, text, date, date, text, text, integer, text, integer) is
    'set_hours_for(организация, помещение, с дня, по день или null, дни, часы, минут на приём [, услуга [, мест]]): недельное '
        'расписание на срок; прежнее действует до и после него; об остальном — как set_hours. '
        'Пример: select admin.set_hours_for(''R7700018'', ''room-11'', ''2027-06-01'', ''2027-08-31'', ''пн-пт'', '
        '''9:00-15:00'', 15)';
