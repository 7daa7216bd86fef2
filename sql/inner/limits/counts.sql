-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Limits per person and application (B5, B7), judged when the visit has its places: then its time is known, a blind one's too.
-- One lock for each person that is counted, held to the end of the transaction, makes two bookings at once count each other.

create or replace function data.visit_services(p_book_key text, p_service_ids text[]) returns text[]
language sql stable as $$
    select case when cardinality(p_service_ids) > 0 then p_service_ids
        else array(select distinct v.service_id from data.place as p join data.slot as s using (slot_id)
                   cross join lateral (select data.slot_service(s)) as v (service_id)
                   where p.book_key = p_book_key and v.service_id is not null) end
$$;
comment on function data.visit_services(text, text[]) is
    'Services of a visit: those named, else those its slots or their areas are for';

-- A visit that is over may have given its place to somebody else; history knows where it was.
create or replace function data.visit_slots(p_book_key text) returns uuid[]
language plpgsql stable as $$
declare
    ids uuid[] := array(select p.slot_id from data.place as p where p.book_key = p_book_key);
begin
    if cardinality(ids) = 0 then
        select h.slot_ids into ids from data.booking_history as h
        where h.book_key = p_book_key and h.slot_ids <> '{}' order by h.history_id desc limit 1;
    end if;
    return ids;
end $$;
comment on function data.visit_slots(text) is 'Slots of a booking, or those it had last';

create or replace function data.person_bookings(p_organization_id text, p_person text, p_value text) returns setof data.booking
language sql stable as $$
    select b.* from data.booking as b
    where p_person = 'esiaId' and data.person_key(b.esia_id) = data.person_key(p_value) and b.organization_id = p_organization_id
    union all
    select b.* from data.booking as b
    where p_person = 'caseNumber' and b.case_number is not null and data.person_key(b.case_number) = data.person_key(p_value)
        and b.organization_id = p_organization_id
    union all
    select b.* from data.applicant as a join data.booking as b using (book_key)
    where p_person = 'userSnils' and a.user_snils is not null and data.number_key(a.user_snils) = data.number_key(p_value)
        and b.organization_id = p_organization_id
    union all
    select b.* from data.applicant as a join data.booking as b using (book_key)
    where p_person = 'userINN' and a.user_inn = data.person_key(p_value) and b.organization_id = p_organization_id
    union all
    select b.* from data.applicant as a join data.booking as b using (book_key)
    where p_person = 'businessINN' and a.business_inn = data.person_key(p_value) and b.organization_id = p_organization_id
$$;
comment on function data.person_bookings(text, text, text) is
    'Bookings of a person or application in an organization, however written and in whatever state';

-- Before holds were counted apart: a hold asks for a time alone (Appendix 3, note), and is counted against holds, so that nobody
-- holds more times than he may book; bookings against bookings.
drop function if exists data.count_bookings(data.booking_limit, text, text, tstzrange, timestamptz);
create or replace function data.count_bookings(l data.booking_limit, p_value text, p_other_than text, p_span tstzrange,
    p_now timestamptz, p_holds boolean)
returns bigint language sql stable as $$
    select count(*)
    from data.person_bookings(l.organization_id, l.person, p_value) as b
    cross join lateral (
        select min(s.starts_at) as starts_at, max(s.ends_at) as ends_at,
            -- of a booking that names no service, what goes without saying (data.visit_services)
            array_agg(case when l.service_id is not null and b.service_ids = '{}' then data.slot_service(s) end) as service_ids
        from unnest(data.visit_slots(b.book_key)) as i (slot_id) join data.slot as s on s.slot_id = i.slot_id
    ) as v
    where b.book_key <> p_other_than
        and case when p_holds then b.state = 'HELD' and b.hold_until > p_now
            else b.state in ('BOOKED', 'ACCEPTED', 'INVITED', 'CANCELLING')
                or l.period <> 'live' and b.state in ('SERVED', 'NO_SHOW', 'NO_DATA', 'NOT_SERVED') end
        and (l.service_id is null or l.service_id = any (b.service_ids)
            or b.service_ids = '{}' and l.service_id = any (v.service_ids))
        and case l.period when 'live' then v.ends_at > p_now else v.starts_at <@ p_span end
$$;
comment on function data.count_bookings(data.booking_limit, text, text, tstzrange, timestamptz, boolean) is
    'How many bookings, or holds, count against a limit already, one of them left out';

drop function if exists data.limit_text(data.booking_limit);
create or replace function data.limit_text(l data.booking_limit, p_holds boolean) returns text
language sql stable
return format('превышено допустимое число %sзаписей %s%s: не более %s %s', case when p_holds then 'предварительных ' else '' end,
    case l.person when 'caseNumber' then 'по одному заявлению' when 'businessINN' then 'одной организации'
        else 'одного заявителя' end,
    case when l.service_id is not null then ' на эту услугу' else '' end, l.max_bookings,
    case l.period when 'live' then 'действующих одновременно' when 'day' then 'в день' when 'week' then 'в неделю'
        when 'month' then 'в месяц' else 'в год' end);
comment on function data.limit_text(data.booking_limit, boolean) is 'A limit in the words the applicant is told';

create or replace function data.limit_refusal(o data.organization, b data.booking, p_applicant jsonb, p_now timestamptz)
returns text language plpgsql as $$
declare
    l data.booking_limit;
    value text;
    services text[] := data.visit_services(b.book_key, b.service_ids);
    visit timestamp := (select min(p.starts_at) from data.place as p where p.book_key = b.book_key) at time zone o.time_zone;
    period tstzrange;
begin
    for l in
        select t.* from data.booking_limit as t
        where t.organization_id = o.organization_id and (t.service_id is null or t.service_id = any (services))
        order by t.person, t.limit_id
    loop
        value := case l.person when 'esiaId' then b.esia_id when 'caseNumber' then b.case_number
            else p_applicant ->> l.person end;
        value := data.person_key(value);
        continue when coalesce(value, '') = '';
        perform pg_advisory_xact_lock(3290002, hashtext(concat_ws(' ', o.organization_id, l.person, translate(value, '-', ''))));
        if l.period <> 'live' then
            period := tstzrange(date_trunc(l.period, visit) at time zone o.time_zone,
                (date_trunc(l.period, visit) + ('1 ' || l.period)::interval) at time zone o.time_zone);
        end if;
        if data.count_bookings(l, value, b.book_key, period, p_now, b.state = 'HELD') >= l.max_bookings then
            return data.limit_text(l, b.state = 'HELD');
        end if;
    end loop;
    return null;
end $$;
comment on function data.limit_refusal(data.organization, data.booking, jsonb, timestamptz) is
    'The limit a booking that has its places would break, in words; none: null (B5, B7)';

-- A change of a living booking that keeps its places: only what is new about it is judged. A hold promises the time; whether it
-- may be booked is judged when it is to be.
create or replace function data.correction_refusal(o data.organization, was data.booking, b data.booking, p_applicant jsonb,
    p_now timestamptz)
returns text language plpgsql as $$
begin
    if (was.state <> 'HELD' or b.state = 'HELD') and was.service_ids <@ b.service_ids and b.service_ids <@ was.service_ids
        and b.case_number is not distinct from was.case_number
        and exists (select from data.applicant as a
                    where a.book_key = b.book_key and a.user_snils is not distinct from p_applicant ->> 'userSnils'
                        and a.user_inn is not distinct from p_applicant ->> 'userINN'
                        and a.business_inn is not distinct from p_applicant ->> 'businessINN') then
        return null;
    end if;
    return data.limit_refusal(o, b, p_applicant, p_now);
end $$;
comment on function data.correction_refusal(data.organization, data.booking, data.booking, jsonb, timestamptz) is
    'The limit that a confirmed hold or corrected data of a booking would break, in words; none: null';
