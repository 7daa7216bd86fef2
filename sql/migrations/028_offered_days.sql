-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Citizens are offered at least 14 days (item 9.7): what is left between the notice and the end of the window, or of the slots
-- that are made ahead. A visit for several services has the longest notice and the shortest window of them, one for none those
-- of the organization and of the slot: so all of an organization are taken together. Offices that had less are put right here,
-- by name: their notice stays, the window is made wider.

create function data.offered_minutes(p_organization_id text) returns integer
language sql stable as $$
    select least(o.booking_window_days, nullif(o.horizon_days, 0), s.window_days) * 1440 - greatest(o.notice_min, s.notice_min)
    from data.organization as o
    cross join (
        select min(t.booking_window_days) as window_days, max(t.notice_min) as notice_min
        from data.organization_service as t where t.organization_id = p_organization_id) as s
    where o.organization_id = p_organization_id
$$;
alter function data.offered_minutes(text) owner to zapisd_owner;
revoke all on function data.offered_minutes(text) from public;
comment on function data.offered_minutes(text) is
    'From the longest notice of an organization to the end of its shortest window, or of the slots made ahead, in minutes';

do $$
declare
    o record;
    s record;
    days integer;
begin
    for o in
        select t.organization_id, t.booking_window_days, t.horizon_days,
            greatest(t.notice_min, (select max(x.notice_min) from data.organization_service as x where x.organization_id = t.organization_id)) as notice_min
        from data.organization as t where data.offered_minutes(t.organization_id) < 20160 order by t.organization_id
    loop
        days := 14 + ceil(o.notice_min / 1440.0);
        if o.booking_window_days < days then
            raise warning 'организация %: booking_window_days было %, стало %: за вычетом notice_min (%) оставалось меньше 14 дней (приказ № 329, пункт 9.7)',
                o.organization_id, o.booking_window_days, days, o.notice_min;
        end if;
        if o.horizon_days between 1 and days - 1 then
            raise warning 'организация %: horizon_days было %, стало %: за вычетом notice_min (%) оставалось меньше 14 дней (приказ № 329, пункт 9.7)',
                o.organization_id, o.horizon_days, days, o.notice_min;
        end if;
        update data.organization as t set booking_window_days = greatest(t.booking_window_days, days),
            horizon_days = case when t.horizon_days > 0 then greatest(t.horizon_days, days) else t.horizon_days end
        where t.organization_id = o.organization_id;
        for s in
            select t.service_id, t.booking_window_days from data.organization_service as t
            where t.organization_id = o.organization_id and t.booking_window_days < days order by t.service_id
        loop
            raise warning 'организация %, услуга %: booking_window_days было %, стало %: за вычетом notice_min (%) оставалось меньше 14 дней (приказ № 329, пункт 9.7)',
                o.organization_id, s.service_id, s.booking_window_days, days, o.notice_min;
        end loop;
        update data.organization_service as t set booking_window_days = days
        where t.organization_id = o.organization_id and t.booking_window_days < days;
    end loop;
end $$;

-- Two who change two services of one organization come one after the other, by its row.
create function data.offered_days_kept() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform data.refuse_old_snapshot();
    perform from data.organization as o where o.organization_id = new.organization_id for no key update;
    if data.offered_minutes(new.organization_id) < 20160 then
        raise exception 'Организация %: самое короткое окно записи (booking_window_days, horizon_days) за вычетом самого большого notice_min — меньше 14 дней',
            new.organization_id using errcode = 'check_violation', schema = 'data', table = tg_table_name, constraint = tg_name,
            hint = 'Меньше 14 дней не допускает приказ № 329, пункт 9.7. Считаются настройки организации и всех её услуг вместе; расширьте окно или уменьшите notice_min';
    end if;
    return null;
end $$;
alter function data.offered_days_kept() owner to zapisd_owner;
revoke all on function data.offered_days_kept() from public;
comment on function data.offered_days_kept() is 'Trigger: no setting leaves citizens less than 14 days to choose from (item 9.7)';
create constraint trigger organization_offered_days after insert or update of booking_window_days, notice_min, horizon_days on data.organization
    for each row execute function data.offered_days_kept();
create constraint trigger organization_service_offered_days after insert or update of organization_id, booking_window_days, notice_min on data.organization_service
    for each row execute function data.offered_days_kept();
comment on constraint organization_offered_days on data.organization is 'Window less notice: at least 14 days (item 9.7)';
comment on trigger organization_offered_days on data.organization is 'Window less notice: at least 14 days (item 9.7)';
comment on constraint organization_service_offered_days on data.organization_service is 'Window less notice, of all services together: at least 14 days (item 9.7)';
comment on trigger organization_service_offered_days on data.organization_service is 'Window less notice, of all services together: at least 14 days (item 9.7)';
comment on column data.organization.notice_min is
    'За сколько минут до начала интервал перестают предлагать; окно записи за вычетом этого — не меньше 14 дней (приказ № 329, пункт 9.7)';
comment on column data.organization_service.notice_min is
    'За сколько минут до начала интервал перестают предлагать; пусто: как у организации; окно записи за вычетом этого — не меньше 14 дней';
