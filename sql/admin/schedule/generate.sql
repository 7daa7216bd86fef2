-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Slots from the schedule, in the organization's wall time (T2). Repeatable: what is as it should be is left as it is. The
-- daemon does the same every day by itself up to the horizon; this is for those who do not want to wait for it.

create or replace function admin.generate(organization_id text, from_day date default null, to_day date default null)
    returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    o data.organization;
    today date;
    first_day date;
    last_day date;
    r record;
begin
    o := data.known_organization(organization_id);
    today := (now() at time zone o.time_zone)::date;
    first_day := coalesce(from_day, today);
    last_day := coalesce(to_day, greatest(data.horizon_day(o), first_day));
    perform data.days_in_order(first_day, last_day);
    if from_day is not null or to_day is not null then
        perform data.say_days('интервалы', first_day, last_day, today);
    end if;
    -- What is over is over: nobody can be offered it.
    if last_day < today then
        return 0;
    end if;
    first_day := greatest(first_day, today);
    -- First, as the daemon has it.
    perform from data.my_schedule_state as s where s.organization_id = o.organization_id for no key update;
    r := data.sync_slots(o, first_day, last_day);
    if r.passed_over = 0 then
        perform data.schedule_done(o, first_day, last_day);
    else
        perform data.schedule_touch(o.organization_id);
    end if;
    if r.changed + r.opened + r.withdrawn > 0 then
        raise notice 'изменено: %, снова открыто: %, снято: %', r.changed, r.opened, r.withdrawn;
    end if;
    perform data.say_off_schedule(o, first_day, last_day);
    return r.made;
end $$;
grant execute on function admin.generate(text, date, date) to zapisd_operator;
comment on function admin.generate(text, date, date) is
    'generate(организация [, с дня [, по день]]): приводит интервалы к расписанию, по умолчанию от сегодня до горизонта; '
        'возвращает, сколько новых; занятое не трогает и говорит, сколько записей осталось вне расписания. '
        'Пример: select admin.generate(''R7700018'')';
