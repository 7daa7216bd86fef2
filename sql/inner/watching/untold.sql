-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What the order wants told of each office and service and nobody has filled in (Appendix 2, item 24; items 9.2 and 9.5):
-- the portal is sent the books as they are, and shows a place without a map; and texts of an office's own that leave out what
-- the order wants said. By admin.check().

create or replace function data.untold_named(p_ids text[]) returns text
language sql immutable
return array_to_string(p_ids[1:5], ', ') || case when cardinality(p_ids) > 5 then format(' и ещё %s', cardinality(p_ids) - 5)
    else '' end;
comment on function data.untold_named(text[]) is 'The first of many, and how many there are beside';

create or replace function data.untold_facts() returns table (title text, what text)
language sql stable as $$
    with office as (
        select o.organization_id, v.fact, v.advice
        from data.organization as o
        cross join lateral (values
            (o.latitude is null or o.longitude is null, 'широты и долготы',
                'admin.add_organization(код, ведомство, название, часовой пояс, адрес, телефон, широта, долгота)'),
            (data.visible(o.address) is null, 'адреса', 'admin.add_organization(код, ведомство, название, часовой пояс, адрес)'),
            (data.visible(o.phone) is null, 'телефона',
                'admin.add_organization(код, ведомство, название, часовой пояс, адрес, телефон)'),
            (btrim(o.timetable_comment) = '' and not exists (
                select from data.timetable as t join data.area as a using (area_key)
                where a.organization_id = o.organization_id), 'расписания', 'admin.set_hours')
        ) as v (is_missing, fact, advice)
        where o.is_active and v.is_missing and data.may_see(o.organization_id)
    ), service as (
        select s.service_id from data.service as s
        where btrim(s.frgu_number) = '' and exists (
            select from data.organization_service as t join data.organization as o using (organization_id)
            where t.service_id = s.service_id and o.is_active and data.may_see(o.organization_id))
    )
    select 'порталу не передаётся то, чего требует приказ', format('у организаций нет %s (%s); задайте: %s', f.fact,
        data.untold_named(array_agg(f.organization_id order by f.organization_id)), f.advice)
    from office as f group by f.fact, f.advice
    union all
    select 'порталу не передаётся то, чего требует приказ', format('у услуг нет номера ФРГУ (%s); задайте: '
        'admin.add_service(организация, услуга, название, номер)',
        data.untold_named(array_agg(s.service_id order by s.service_id)))
    from service as s having count(*) > 0
    union all
    select 'услугу негде оказать', format('организация %s, услуги: %s; назначьте помещению: admin.add_area(организация, код, '
        'название, мест, услуги), или уберите услугу: delete from data.organization_service where …', o.organization_id,
        data.untold_named(array_agg(v.service_id order by v.service_id)))
    from data.organization as o
    join data.organization_service as v using (organization_id)
    where o.is_active and data.may_see(o.organization_id) and not exists (
        select from data.area_service as t join data.area as a using (area_key)
        where a.organization_id = o.organization_id and a.removed_at is null and t.service_id = v.service_id)
        and not exists (select from data.timetable as h where h.organization_id = o.organization_id
            and h.service_id = v.service_id)
        and not exists (select from data.special_hours as h where h.organization_id = o.organization_id
            and h.service_id = v.service_id)
    group by o.organization_id
$$;
comment on function data.untold_facts() is
    'What the order wants told of offices and services and is not filled in: one row a fact, for people';

create or replace function data.texts_unsaid() returns table (title text, what text)
language sql stable as $$
    select 'в своём тексте нет того, чего требует приказ', format('организация %s, статус %s: при отправке добавляется %s; '
        'задайте текст заново: admin.set_text', t.organization_id, t.code, string_agg(format('«%s»', btrim(u.says, '[]. ')), ', '
        order by u.n))
    from data.organization_status as t
    cross join lateral data.text_unsaid(t.code, t.comment) as u
    where data.may_see(t.organization_id)
    group by t.organization_id, t.code
$$;
comment on function data.texts_unsaid() is
    'Texts of one''s own that were written past admin.set_text, or before it knew: what of Appendix 1 they leave out';
