-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Days that are not what their weekday says: in a calendar that many organizations keep, or in one organization or area
-- (T2, O3). Each command may be repeated; the last word counts. Slots follow within a minute, or at once by generate.

create or replace function admin.add_calendar(calendar_id text, name text, parent_id text default null) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    violated text;
    missing text;
begin
    perform data.need_calendar(calendar_id);
    insert into data.calendar as c (calendar_id, name, parent_id)
        values (add_calendar.calendar_id, add_calendar.name, add_calendar.parent_id)
    on conflict on constraint calendar_pkey do update set name = excluded.name,
        parent_id = coalesce(excluded.parent_id, c.parent_id);
    return calendar_id;
exception when integrity_constraint_violation then
    get stacked diagnostics violated = constraint_name, missing = column_name;
    perform data.say_violation(sqlstate, violated, missing, sqlerrm);
end $$;
grant execute on function admin.add_calendar(text, text, text) to zapisd_operator;
comment on function admin.add_calendar(text, text, text) is
    'add_calendar(код, название [, на каком основан]): производственный календарь, например региона. '
        'Пример: select admin.add_calendar(''ru-77'', ''Город Примерск'', ''ru'')';

create or replace function admin.calendar_day(calendar_id text, day date, what text, name text default '') returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    violated text;
    missing text;
    w constant text := lower(btrim(coalesce(what, '')));
    d data.calendar_day;
    concerned data.organization[];
    o data.organization;
begin
    if day is null or not isfinite(day) then
        raise exception 'Не указан день' using errcode = 'invalid_parameter_value';
    end if;
    d.kind := case when w = 'праздник' then 'holiday' when w = 'обычный' then 'usual' when w ~ '^как [а-я]{2}$' then 'workday'
        when w ~ '^короче на [0-9]{1,3}$' then 'short' end;
    if d.kind is null and w <> 'убрать' then
        raise exception 'Что за день: %', coalesce(what, 'null') using errcode = 'invalid_parameter_value',
            hint = 'праздник; как пт (рабочая суббота как пятница); короче на 60 (минут); обычный (вопреки вышестоящему '
                'календарю); убрать';
    end if;
    perform data.need_calendar(calendar_id);
    -- Over in all of Russia.
    perform data.say_days(w, day, day, (now() at time zone 'Europe/Kaliningrad')::date);
    if w <> 'убрать' then
        insert into data.calendar_day (calendar_id, day, kind, as_weekday, cut_min, name)
        values (calendar_day.calendar_id, calendar_day.day, d.kind,
            case d.kind when 'workday' then data.weekday_number(substr(w, 5)) end,
            case d.kind when 'short' then substr(w, 11)::smallint end, coalesce(calendar_day.name, ''))
        on conflict on constraint calendar_day_pkey do update set kind = excluded.kind, as_weekday = excluded.as_weekday,
            cut_min = excluded.cut_min, name = excluded.name;
    end if;
    -- While the day is there: it tells who keeps it.
    concerned := array(select t from data.day_keepers(calendar_day.calendar_id, calendar_day.day) as t);
    if w = 'убрать' then
        delete from data.my_calendar_day as t where t.calendar_id = calendar_day.calendar_id and t.day = calendar_day.day;
    end if;
    foreach o in array concerned loop
        perform data.schedule_said(o, calendar_day.day, calendar_day.day);
    end loop;
    return case w when 'убрать' then 'убран' else w end;
exception when integrity_constraint_violation then
    get stacked diagnostics violated = constraint_name, missing = column_name;
    perform data.say_violation(sqlstate, violated, missing, sqlerrm);
end $$;
grant execute on function admin.calendar_day(text, date, text, text) to zapisd_operator;
comment on function admin.calendar_day(text, date, text, text) is
    'calendar_day(календарь, день, ''праздник'' | ''как пт'' | ''короче на 60'' | ''обычный'' | ''убрать'' [, название]): день '
        'производственного календаря для всех, кто по нему работает: праздник — приёма нет, «как пт» — рабочая суббота. Записи '
        'на этот день остаются; команда скажет, сколько их и где, показывает off_schedule, переносит close_day. '
        'Пример: select admin.calendar_day(''ru'', ''2027-01-01'', ''праздник'', ''Новый год'')';

create or replace function admin.use_calendar(agency_or_organization text, calendar_id text) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    violated text;
    missing text;
    o data.organization;
    is_organization boolean;
begin
    update data.my_organization as t set calendar_id = nullif(use_calendar.calendar_id, 'нет'),
        observes_calendar = use_calendar.calendar_id is distinct from 'нет'
    where t.organization_id = agency_or_organization;
    is_organization := found;
    if not is_organization then
        update data.my_agency as a set calendar_id = nullif(use_calendar.calendar_id, 'нет')
        where a.agency_code = agency_or_organization and a.agency_code in (select data.whole_agencies());
        if not found then
            raise exception 'Ни организации, ни ведомства % нет', coalesce(agency_or_organization, 'null')
                using errcode = 'no_data_found', hint = 'Есть: select * from admin.offices()';
        end if;
    end if;
    for o in
        select t.* from data.my_organization as t
        where t.is_active and case when is_organization then t.organization_id = agency_or_organization
            else t.agency_code = agency_or_organization and t.calendar_id is null and t.observes_calendar end
        order by t.organization_id
    loop
        perform data.schedule_said(o, (now() at time zone o.time_zone)::date, data.horizon_day(o));
    end loop;
    return coalesce(calendar_id, case when is_organization then 'как у ведомства' else 'нет' end);
exception when integrity_constraint_violation then
    get stacked diagnostics violated = constraint_name, missing = column_name;
    perform data.say_violation(sqlstate, violated, missing, sqlerrm);
end $$;
grant execute on function admin.use_calendar(text, text) to zapisd_operator;
comment on function admin.use_calendar(text, text) is
    'use_calendar(ведомство или организация, календарь | ''нет'' | null): по какому календарю работать; null у организации — как '
        'у ведомства. Пример: select admin.use_calendar(''AAAA00001'', ''ru'')';

create or replace function admin.special_day(organization_id text, day date, hours text, area_id text default null,
    slot_min integer default null, as_weekday text default null, comment text default '')
returns text language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    violated text;
    missing text;
    h constant text := lower(btrim(coalesce(hours, '')));
    key integer;
    id integer;
begin
    perform data.known_organization(coalesce(organization_id, ''));
    if area_id is not null then
        key := data.known_area(organization_id, area_id);
    end if;
    if day is null or not isfinite(day) then
        raise exception 'Не указан день' using errcode = 'invalid_parameter_value';
    end if;
    if slot_min is not null and (area_id is null or h in ('закрыто', 'обычный', 'убрать')) then
        raise exception 'Минут на приём указывают вместе с помещением и часами' using errcode = 'invalid_parameter_value',
            hint = 'Без минут часы урезают обычное расписание';
    end if;
    perform data.say_days(coalesce(nullif(h, ''), '?'), day, day, data.today_of(organization_id));
    delete from data.my_special_day as t
    where t.organization_id = special_day.organization_id and t.area_key is not distinct from key and t.day = special_day.day;
    if h = 'убрать' then
        perform data.schedule_said(data.known_organization(organization_id), day, day);
        return 'убран';
    end if;
    insert into data.special_day (organization_id, area_key, day, kind, as_weekday, comment)
    values (special_day.organization_id, key, special_day.day, case h when 'закрыто' then 'closed' when 'обычный' then 'usual'
        else 'hours' end, case when as_weekday is not null then data.weekday_number(as_weekday) end,
            coalesce(special_day.comment, ''))
    returning special_day_id into id;
    if h not in ('закрыто', 'обычный') then
        insert into data.special_hours (special_day_id, organization_id, starts, ends, from_evening, slot_min)
        select id, special_day.organization_id, p.starts, p.ends, p.from_evening, special_day.slot_min
        from data.parse_hours(hours) as p;
        perform data.say_lost(hours, slot_min);
    end if;
    perform data.refuse_clash(data.known_organization(organization_id), day, id);
    perform data.say_uncut(data.known_organization(organization_id), id);
    perform data.schedule_said(data.known_organization(organization_id), day, day);
    return h;
exception when integrity_constraint_violation then
    get stacked diagnostics violated = constraint_name, missing = column_name;
    perform data.say_violation(sqlstate, violated, missing, sqlerrm);
end $$;
grant execute on function admin.special_day(text, date, text, text, integer, text, text) to zapisd_operator;
comment on function admin.special_day(text, date, text, text, integer, text, text) is
    'special_day(организация, день, ''10:00-14:00'' | ''закрыто'' | ''обычный'' | ''убрать'' [, помещение [, минут на приём]] [, '
        'as_weekday => ''пт''] [, comment => …]): особый день; важнее календаря. Часы без минут урезают обычное расписание. '
        'Записи не трогает: для этого close_day. '
        'Пример: select admin.special_day(''R7700018'', ''2027-03-06'', ''9:00-13:00'', as_weekday => ''пт'')';

create or replace function admin.schedule(organization_id text, from_day date default null, to_day date default null)
returns table (day date, weekday text, area_id text, hours text, slots bigint, taken bigint, why text)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    o data.organization;
    first_day date;
    last_day date;
begin
    o := data.known_organization(organization_id);
    first_day := coalesce(from_day, data.office_day(o.organization_id, o.time_zone));
    last_day := coalesce(to_day, first_day + 6);
    perform data.days_in_order(first_day, last_day);
    return query
        select r.day, (array['пн', 'вт', 'ср', 'чт', 'пт', 'сб', 'вс'])[extract(isodow from r.day)::integer], a.area_id,
            coalesce(h.hours, '—'), coalesce(h.slots, 0), k.taken,
            concat_ws('; ', r.why, case when r.weekday <> extract(isodow from r.day)::integer
                    then 'как ' || (array['пн', 'вт', 'ср', 'чт', 'пт', 'сб', 'вс'])[r.weekday] end, c.reason,
                (select 'выходной' || coalesce(': ' || nullif(f.comment, ''), '') from data.day_off as f -- seen
                 where f.organization_id = o.organization_id and f.day = r.day))
        from data.day_rules(o.organization_id, first_day, last_day) as r
        join data.area as a on a.area_key = r.area_key -- seen
        left join lateral (
            select string_agg(to_char(lower(x), 'HH24:MI') || '-' || to_char(upper(x), 'HH24:MI'), ', ' order by x) as hours,
                sum(m.n)::bigint / greatest(count(*), 1) as slots
            from (select range_agg(tsrange(f.wall_at, f.wall_end)) as mr, count(*) as n
                  from data.offered_slots(o.organization_id, r.day, r.day + 1) as f
                  where f.area_key = r.area_key and f.wall_at::date - f.is_night::integer = r.day) as m,
                      unnest(m.mr) as x
        ) as h on true
        cross join lateral (
            select count(*) as taken from data.slot as s join data.place as p on p.slot_id = s.slot_id -- seen
            where s.area_key = r.area_key and s.starts_at >= r.day::timestamp at time zone o.time_zone
                and s.starts_at < (r.day + 1 + interval '12 hours') at time zone o.time_zone
                and (s.starts_at at time zone o.time_zone)::date - s.is_night::integer = r.day
        ) as k
        left join lateral (
            select string_agg(distinct format('закрытие № %s: %s', t.closure_id, t.reason), '; ') as reason
            from data.closure as t -- seen
            where t.organization_id = o.organization_id and t.state <> 'lifted' and t.from_at < r.day + 1
                and (t.to_at is null or t.to_at > r.day)
                and (t.area_key is null or exists (select from data.area_up(o.organization_id) as u where u.area_key = r.area_key
                    and u.up_key = t.area_key))
        ) as c on true
        where h.hours is not null or k.taken > 0 or r.why is not null or c.reason is not null
        order by 1, 3;
end $$;
grant execute on function admin.schedule(text, date, date) to zapisd_operator, zapisd_registrar, zapisd_auditor;
comment on function admin.schedule(text, date, date) is
    'schedule(организация [, с дня [, по день]]): часы приёма по дням (ночь — за днём, в который началась), как их даёт '
        'расписание, и почему они такие. '
        'Пример: select * from admin.schedule(''R7700018'')';
