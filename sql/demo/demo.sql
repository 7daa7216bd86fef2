-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Two made-up agencies at both ends of the country, for trying things out and for tests. May be applied again at any
-- time: what is there stays, and slots for the next 28 days are added.

insert into data.agency (agency_code, name) values
('AAAA00001', 'Демонстрационное агентство (Москва)'),
('BBBB00002', 'Демонстрационное агентство (Камчатка)')
on conflict do nothing;

insert into data.organization (organization_id, agency_code, number, name, address, phone, time_zone, latitude, longitude,
    timetable_comment) values
('R7700018', 'AAAA00001', 77018, 'Демонстрационный отдел № 18', 'Москва, Примерная улица, дом 1', '+7 000 000-00-01',
    'Europe/Moscow', 55.751244, 37.618423, 'Обед с 13:00 до 14:00'),
('R4100001', 'BBBB00002', 41001, 'Демонстрационный отдел № 1', 'Петропавловск-Камчатский, Примерная улица, дом 2',
    '+7 000 000-00-02', 'Asia/Kamchatka', 53.024265, 158.643503, 'Обед с 12:30 до 13:15')
on conflict do nothing;

insert into data.service (service_id, name, frgu_number) values
('10000593393', 'Демонстрационная услуга: подача заявления', '7700000010000593393'),
('10000593394', 'Демонстрационная услуга: получение документа', '7700000010000593394')
on conflict do nothing;

insert into data.organization_service (organization_id, service_id) values
('R7700018', '10000593393'), ('R7700018', '10000593394'), ('R4100001', '10000593393')
on conflict do nothing;

insert into data.area (organization_id, area_id, number, name, capacity, kind) values
('R7700018', 'hall-1', 1, 'Зал 1', 3, 'hall'),
('R4100001', 'window-1', 1, 'Окно 1', 1, 'window')
on conflict do nothing;
insert into data.area (organization_id, area_id, number, parent_key, name, capacity, kind)
select h.organization_id, r.area_id, r.number, h.area_key, r.name, 1, 'room'
from data.area as h, (values ('room-11', 11, 'Кабинет 11'), ('room-12', 12, 'Кабинет 12')) as r (area_id, number, name)
where h.organization_id = 'R7700018' and h.area_id = 'hall-1'
on conflict do nothing;

insert into data.area_service (area_key, organization_id, service_id)
select a.area_key, a.organization_id, s.service_id
from data.area as a
join (values ('hall-1', '10000593393'), ('hall-1', '10000593394'), ('room-11', '10000593393'), ('room-12', '10000593394'),
    ('window-1', '10000593393')) as s (area_id, service_id) using (area_id)
where a.organization_id in ('R7700018', 'R4100001')
on conflict do nothing;

-- Monday to Friday with a lunch break, a short Saturday in the hall only.
insert into data.timetable (area_key, organization_id, weekday, starts, ends, slot_min)
select a.area_key, a.organization_id, d.weekday, t.starts::time, t.ends::time, t.slot_min
from data.area as a
join (values
    ('hall-1', 1, 5, '09:00', '13:00', 30), ('hall-1', 1, 5, '14:00', '18:00', 30), ('hall-1', 6, 6, '10:00', '14:00', 30),
    ('room-11', 1, 5, '09:00', '13:00', 15), ('room-11', 1, 5, '14:00', '18:00', 15),
    ('room-12', 1, 5, '09:00', '13:00', 20), ('room-12', 1, 5, '14:00', '18:00', 20),
    ('window-1', 1, 5, '08:30', '12:30', 20), ('window-1', 1, 5, '13:15', '17:15', 20)
) as t (area_id, from_weekday, to_weekday, starts, ends, slot_min) using (area_id)
cross join lateral generate_series(t.from_weekday, t.to_weekday) as d (weekday)
where a.organization_id in ('R7700018', 'R4100001')
    and not exists (select from data.timetable as x where x.area_key = a.area_key);

select organization_id, admin.generate(organization_id, (now() at time zone time_zone)::date,
    (now() at time zone time_zone)::date + 28) as new_slots
from data.organization where organization_id in ('R7700018', 'R4100001') order by 1;
