-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Hours that were said and give no slots, or fewer than they seem to: told to whoever says them.

-- Hours without minutes only cut the usual ones: what reaches beyond them is none. An hour of ends that do not fit is no matter.
create or replace function data.say_uncut(o data.organization, p_special_day_id integer) returns void
language plpgsql as $$
declare
    d data.special_day;
    said timestamp[];
    made timestamp[];
begin
    select * into d from data.special_day as t where t.special_day_id = p_special_day_id;
    if d.kind <> 'hours' or exists (
        select from data.special_hours as h where h.special_day_id = p_special_day_id and h.slot_min is not null) then
        return;
    end if;
    select array[min(d.day + h.from_evening::integer + h.starts), max(d.day + h.from_evening::integer + h.ends)] into said
    from data.special_hours as h where h.special_day_id = p_special_day_id;
    select array[min(g.wall_at), max(g.wall_end)] into made
    from data.hours_grid(o.organization_id, d.day, d.day + 1) as g
    where g.special_day_id = p_special_day_id and not g.gives_way;
    if made[1] is null then
        raise notice 'Часы без минут на приём только урезают обычные, а обычных в это время нет: приёма не будет. '
            'Свои часы: с помещением и минутами на приём';
    elsif made[1] - said[1] >= interval '1 hour' or said[2] - made[2] >= interval '1 hour' then
        raise notice 'Часы без минут на приём только урезают обычные: приём с % до %, не с % до %. Дольше обычного: с помещением '
            'и минутами на приём', to_char(made[1], 'HH24:MI'), to_char(made[2], 'HH24:MI'), to_char(said[1], 'HH24:MI'),
            to_char(said[2], 'HH24:MI');
    end if;
end $$;
comment on function data.say_uncut(data.organization, integer) is
    'Tells the operator that hours of a special day reach beyond the usual ones, which they only cut';

create or replace function data.say_lost(p_hours text, p_slot_min integer) returns void
language plpgsql as $$
declare
    lost text;
begin
    select string_agg(format('%s-%s: %s', to_char(p.starts, 'HH24:MI'), case p.ends when '24:00' then '24:00'
        else to_char(p.ends, 'HH24:MI') end, case when m.whole < p_slot_min then 'ни одного интервала'
            else m.whole % p_slot_min || ' мин. в конце без приёма' end), '; ' order by p.from_evening, p.starts)
    into lost
    from data.parse_hours(p_hours) as p
    cross join lateral (select extract(epoch from p.ends - p.starts)::integer / 60 as whole) as m
    where p_slot_min > 0 and m.whole % p_slot_min > 0
        and not (p.ends = '24:00' and exists (
            select from data.parse_hours(p_hours) as n where n.from_evening and n.starts = '00:00'));
    if lost is not null then
        raise notice 'Интервалы по % мин. не ложатся в часы ровно: %', p_slot_min, lost;
    end if;
end $$;
comment on function data.say_lost(text, integer) is
    'Tells the operator of minutes at the end of hours in which no slot fits; those before midnight are told by data.put_hours';

-- Hours, a room that comes back and slots made by hand do not open what was closed for good.
create or replace function data.say_closed(p_area_key integer) returns void
language plpgsql as $$
declare
    c record;
begin
    for c in
        select t.closure_id, t.reason
        from data.closure as t
        join data.area as a on a.area_key = p_area_key and a.organization_id = t.organization_id
        where t.state <> 'lifted' and t.to_at is null
            and (t.area_key is null or t.area_key in (
                select u.up_key from data.area_up(a.organization_id) as u where u.area_key = p_area_key))
        order by t.closure_id
    loop
        raise notice 'Помещение остаётся закрытым насовсем: закрытие № %, %. Открыть: select admin.reopen(%)', c.closure_id,
            c.reason, c.closure_id;
    end loop;
end $$;
comment on function data.say_closed(integer) is
    'Tells the operator that an area is closed until further notice, and how to open it';
