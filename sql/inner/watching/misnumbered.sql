-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Intervals to come whose numbers say another organization or area than theirs (B8): the number was changed before that was
-- refused, or past the trigger. The portal has these slotIds; so the number goes back, not the slots.

create or replace function data.misnumbered() returns table (title text, what text)
language sql stable as $$
    with said as (
        select s.organization_id, o.number as organization_number, a.area_id, a.area_key, a.number as area_number,
            ('x' || right(s.slot_id::text, 8))::bit(32)::integer as organization_said,
            ('x' || substr(s.slot_id::text, 20, 4))::bit(16)::integer & 16383 as area_said
        from data.my_slot as s
        join data.organization as o on o.organization_id = s.organization_id
        join data.area as a on a.area_key = s.area_key
        where s.starts_at > clock_timestamp() and s.slot_id::text ~ '^.{14}1.{4}[89ab].{4}01'
    )
    select 'номер интервала не того помещения', format('организация %s (номер %s), интервалов: %s; их номера говорят о номере '
        '%s. Вернёт владелец базы, одной транзакцией: alter table data.organization disable trigger number_is_ours; update '
        'data.organization set number = %s where organization_id = %L; alter table data.organization enable trigger '
        'number_is_ours',
        t.organization_id, t.organization_number, count(*), t.organization_said, t.organization_said, t.organization_id)
    from said as t where t.organization_said <> t.organization_number
    group by t.organization_id, t.organization_number, t.organization_said
    union all
    select 'номер интервала не того помещения', format('организация %s, помещение %s (номер %s), интервалов: %s; их номера '
        'говорят о номере %s. Вернёт владелец базы, одной транзакцией: alter table data.area disable trigger '
        'number_is_ours; update data.area set number = %s where area_key = %s; alter table data.area enable trigger '
        'number_is_ours',
        t.organization_id, t.area_id, t.area_number, count(*), t.area_said, t.area_said, t.area_key)
    from said as t where t.area_said <> t.area_number
    group by t.organization_id, t.area_id, t.area_key, t.area_number, t.area_said
$$;
comment on function data.misnumbered() is
    'Intervals to come whose slotId names another organization or area than theirs: as admin.check() tells them (B8)';
