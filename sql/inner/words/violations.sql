-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- The constraints of data.* in an operator's language (O3). They tell nothing about people.

-- What stands in the tables themselves, and is met by whoever writes there without a command.
create or replace function data.table_words() returns table (name text, words text, advice text)
language sql immutable parallel safe as $$
    values
    ('organization_max_holds_range', 'max_holds — от 1', null),
    ('organization_number_key', 'Этот номер уже у другой организации', 'Номер даёт программа'),
    ('organization_number_range', 'Номер организации — от 1 до 2147483647', 'Номер даёт программа'),
    ('area_id_key', 'Помещение с таким кодом в организации уже есть', null),
    ('area_number_key', 'Этот номер уже у другого помещения организации', 'Номер даёт программа'),
    ('area_number_range', 'Номер помещения — от 0 до 16383', 'Номер даёт программа'),
    ('timetable_serial_range', 'Номер ряда часов (serial) — от 0 до 9999', null),
    ('timetable_weekday_range', 'День недели — от 1 (понедельник) до 7', null),
    ('area_use_other', 'Помещение не занимает само себя', null),
    ('calendar_day_kind', 'День календаря — holiday, workday, short или usual',
        'Праздник, рабочий, короче, как обычно: admin.calendar_day'),
    ('calendar_day_weekday', 'Рабочему дню указывают, как какой день недели он идёт (1–7), другим дням — нет',
        'Например: admin.calendar_day(''ru'', ''2026-11-07'', ''как пн'')'),
    ('special_day_key', 'На этот день здесь уже сказано другое', 'Сказать заново: admin.special_day'),
    ('special_day_kind', 'Особый день — closed, usual или hours', 'admin.special_day: ''закрыто'', ''как обычно'' или часы'),
    ('special_hours_capacity_range', 'Мест одновременно — от 1 до 1000', null),
    ('special_hours_order', 'Часы приёма начинаются раньше, чем кончаются', null),
    ('special_hours_serial_range', 'Номер ряда часов (serial) — от 0 до 9999', null),
    ('ref_item_code_form', 'Код элемента справочника — одна строка от 1 до 250 знаков', null),
    ('ref_item_title_length', 'Название — до 4000 знаков', null),
    ('ref_item_attributes_object', 'Атрибуты элемента — объект JSON: имена и значения', null),
    ('ref_item_book_fkey', 'Такого справочника нет', 'Есть: select ref_name, title from data.ref_book'),
    ('ref_item_code_key', 'Элемент с таким кодом в справочнике уже есть', 'Изменить его: admin.ref_put'),
    ('ref_item_book_key', 'Элемент с таким номером в справочнике уже есть', null),
    ('ref_item_parent_fkey', 'Родительского элемента в этом справочнике нет, или у элемента есть дочерние', null)
    union all
    select c.name, 'Такой организации нет, или она другая', 'Есть: select * from admin.offices()'
    from unnest('{organization_status_organization_fkey,day_off_organization_fkey,booking_limit_organization_fkey,'
        'channel_share_organization_fkey,special_day_organization_fkey,special_day_organization_key,'
        'area_organization_key}'::text[]) as c (name)
    union all
    select c.name, 'Такого помещения в этой организации нет', 'Есть: select area_id, name from data.area'
    from unnest('{area_parent_fkey,area_service_area_fkey,timetable_area_fkey,channel_share_area_fkey,area_use_area_fkey,'
        'area_use_used_fkey,special_day_area_fkey}'::text[]) as c (name)
    union all
    select c.name, 'Такой услуги в этой организации нет', 'Завести: admin.add_service'
    from unnest('{organization_service_service_fkey,special_hours_service_fkey}'::text[]) as c (name)
    union all
    values ('special_hours_day_fkey', 'Такого особого дня нет', 'Завести: admin.special_day')
$$;
comment on function data.table_words() is 'As data.constraint_words, for what commands never run into';

-- name of a constraint, what it says, and what to do
create or replace function data.constraint_words() returns table (name text, words text, advice text)
language sql immutable parallel safe as $$
    values
    ('agency_code_form', 'Код ведомства — его мнемоника в СМЭВ: латинские буквы, цифры, точка, тире, до 50 знаков',
        'Например: AAAA00001'),
    ('agency_name_filled', 'У ведомства должно быть видимое название, без знаков, меняющих направление письма', null),
    ('agency_calendar_fkey', 'Такого производственного календаря нет',
        'Есть: select * from data.calendar; завести: admin.add_calendar'),
    ('organization_calendar_fkey', 'Такого производственного календаря нет',
        'Есть: select * from data.calendar; завести: admin.add_calendar'),
    ('organization_agency_fkey', 'Такого ведомства нет', 'Есть: select * from data.agency; завести: admin.add_agency'),
    ('organization_id_form', 'Код организации — от 1 до 50 знаков', null),
    ('organization_name_filled', 'У организации должно быть видимое название, без знаков, меняющих направление письма', null),
    ('organization_latitude_range', 'Широта — от -90 до 90 градусов',
        'Десятичными градусами WGS-84, сперва широта: 55.751244, 37.618423'),
    ('organization_longitude_range', 'Долгота — от -180 до 180 градусов',
        'Десятичными градусами WGS-84, сперва широта: 55.751244, 37.618423'),
    ('organization_coordinates_whole', 'Широта и долгота указываются вместе',
        'Десятичными градусами WGS-84, сперва широта: 55.751244, 37.618423'),
    ('organization_time_zone_known', 'Такого часового пояса нет',
        'Например: Europe/Kaliningrad, Europe/Moscow, Europe/Samara, Asia/Yekaterinburg, Asia/Omsk, Asia/Krasnoyarsk, '
        'Asia/Irkutsk, Asia/Yakutsk, Asia/Vladivostok, Asia/Magadan, Asia/Kamchatka'),
    ('organization_booking_window_range', 'Окно записи — от 14 до 366 дней', 'Меньше 14 не допускает приказ № 329, пункт 9.7'),
    ('organization_service_window_range', 'Окно записи — от 14 до 366 дней', 'Меньше 14 не допускает приказ № 329, пункт 9.7'),
    ('organization_notice_range', 'notice_min — от 0 до 20160 минут', null),
    ('organization_service_notice_range', 'notice_min — от 0 до 20160 минут', null),
    ('organization_cancel_deadline_range', 'cancel_deadline_min — от 0 до 43200 минут (30 дней)', null),
    ('organization_service_cancel_deadline_range', 'cancel_deadline_min — от 0 до 43200 минут (30 дней)', null),
    ('organization_move_deadline_range', 'move_deadline_min — от 0 до 43200 минут (30 дней)', null),
    ('organization_service_move_deadline_range', 'move_deadline_min — от 0 до 43200 минут (30 дней)', null),
    ('organization_hold_bounds', 'Сроки предварительной записи идут по порядку: hold_min_min, hold_default_min, hold_max_min, до '
        '43200 минут', null),
    ('organization_horizon_range', 'horizon_days — от 14 до 400 дней, пусто (на день дальше окна записи) или 0 (интервалы делает '
        'только admin.generate)', 'Меньше 14 не допускает приказ № 329, пункт 9.7'),
    ('organization_offered_days', 'Самое короткое окно записи за вычетом самого большого notice_min — не меньше 14 дней',
        'Меньше не допускает приказ № 329, пункт 9.7. Считаются настройки организации и всех её услуг вместе'),
    ('organization_service_offered_days', 'Самое короткое окно записи за вычетом самого большого notice_min — не меньше 14 дней',
        'Меньше не допускает приказ № 329, пункт 9.7. Считаются настройки организации и всех её услуг вместе'),
    ('organization_correction_range', 'correction_hours — от 0 до 8760 часов', null),
    ('organization_no_show_range', 'no_show_after_min — от 1 до 1440 минут или пусто', null),
    ('organization_no_data_range', 'no_data_after_hours — от 0 до 8760 часов или пусто', null),
    ('organization_status_form', 'Статус — три цифры приказа и до шести своих, или состояние HELD, BOOKED, INVITED, CANCELLED, '
        'EXPIRED', null),
    ('organization_service_organization_fkey', 'Такой организации нет',
        'Есть: select * from admin.offices(); завести: admin.add_organization'),
    ('organization_service_user_types', 'user_types — {SIMPLE}, {QUALIFIED} или пусто', null),
    ('organization_service_user_kinds', 'user_kinds — {PHYSIC}, {BUSINESS}, {PERSBUSINESS} или пусто', null),
    ('organization_service_buffer_range', 'Перерыв — от 0 до 720 минут', null),
    ('service_id_form', 'Код услуги — от 1 до 100 знаков', null),
    ('service_name_filled', 'У услуги должно быть видимое название, без знаков, меняющих направление письма', null),
    ('area_organization_fkey', 'Такой организации нет', 'Есть: select * from admin.offices(); завести: admin.add_organization'),
    ('area_service_service_fkey', 'Такой услуги у организации нет', 'Завести: admin.add_service'),
    ('timetable_service_fkey', 'Такой услуги у организации нет', 'Завести: admin.add_service'),
    ('booking_limit_service_fkey', 'Такой услуги у организации нет', 'Завести: admin.add_service'),
    ('area_id_form', 'Код помещения — от 1 до 50 знаков', null),
    ('area_name_filled', 'У помещения должно быть видимое название, без знаков, меняющих направление письма', null),
    ('area_capacity_range', 'Мест — от 1 до 1000', null),
    ('area_slot_attributes_form', 'Атрибутов у помещения — не больше 100, всего до 4096 байт; имя — от 1 до 255 знаков', null),
    ('area_queue_prefix_length', 'Перед номером в очереди — не больше 20 знаков', null),
    ('area_exclusive', 'is_exclusive — только для помещения на одного', null),
    ('area_kind', 'Помещение бывает building, floor, hall, room, window, specialist', null),
    ('area_buffer_range', 'Перерыв — от 0 до 720 минут', null),
    ('area_tree', 'Помещение не может быть внутри самого себя', null),
    ('area_parent_other', 'Помещение не может быть внутри самого себя', null),
    ('timetable_order', 'Часы приёма начинаются раньше, чем кончаются, в пределах одного дня',
        'За полночь: 22:00-2:00, одной командой admin.set_hours'),
    ('timetable_slot_range', 'Минут на приём — от 1 до 1440', null),
    ('timetable_capacity_range', 'Мест — от 1 до 1000', null),
    ('timetable_row_once', 'Эти часы пересекаются с другими часами того же помещения',
        'Какие есть: select * from admin.schedule(''организация'')'),
    ('timetable_valid_order', 'Срок начинается раньше, чем кончается', null),
    ('calendar_id_form', 'Код календаря — латинские буквы, цифры, точка, тире, до 50 знаков', 'Например: ru-77'),
    ('calendar_name_filled', 'У календаря должно быть видимое название, без знаков, меняющих направление письма', null),
    ('calendar_parent_fkey', 'Календаря, на котором он основан, нет', 'Есть: select * from data.calendar'),
    ('calendar_parent_other', 'Календарь не может быть основан на самом себе', null),
    ('calendar_tree', 'Календарь не может быть основан на самом себе', null),
    ('calendar_day_calendar_fkey', 'Такого производственного календаря нет',
        'Есть: select * from data.calendar; завести: admin.add_calendar'),
    ('calendar_day_cut', 'Короче на 1–720 минут', null),
    ('special_day_weekday', 'У закрытого дня нет дня недели', null),
    ('special_hours_slot_range', 'Минут на приём — от 1 до 1440', null),
    ('special_hours_own', 'Услуга и места указываются вместе с минутами на приём', null),
    ('status_detail_form', 'Своё уточнение — статус приказа и от одной до шести своих цифр', 'Например: 206001'),
    ('status_detail_status_fkey', 'Данный статус заявления не поддерживается в текущей версии',
        'Есть: 001 100 101 200 201 202 203 205 206 207 208 300 301 302 303'),
    ('status_detail_agency_fkey', 'Такого ведомства нет', 'Есть: select * from data.agency; завести: admin.add_agency'),
    ('status_detail_reason_filled', 'Нужна причина: её читают люди', null),
    ('booking_limit_max_range', 'Не больше записей — от 1 до 1000', null),
    ('booking_limit_period', 'Срок ограничения: live, day, week, month, year', null),
    ('booking_limit_person', 'Считать по: esiaId, userSnils, userINN, businessINN, caseNumber', null),
    ('booking_limit_key', 'Такое ограничение уже есть', 'Изменить его: update data.booking_limit set max_bookings = …'),
    ('channel_share_percent_range', 'Доля — от 0 до 100 процентов', null),
    ('channel_share_channel', 'Канал: portal, kiosk, call-centre, walk-in', null),
    ('channel_share_key', 'Доля этого канала уже задана', 'Изменить её: update data.channel_share set percent = …'),
    ('slot_capacity_range', 'Мест — от 1 до 1000', null),
    ('ref_book_pkey', 'Такой справочник уже есть', 'Есть: select ref_name, title from data.ref_book'),
    ('ref_book_name_form', 'Имя справочника — латинские буквы, цифры, тире, первой буква', 'Например: doctors'),
    ('ref_book_title_filled', 'У справочника должно быть название', null),
    ('ref_book_kind', 'Справочник — P плоский или H дерево', null),
    ('ref_book_agency_fkey', 'Такого ведомства нет', 'Есть: select * from data.agency; завести: admin.add_agency'),
    ('ref_attribute_name_form', 'Имя атрибута — латинские буквы, цифры, точка, тире, первой буква', null),
    ('ref_attribute_type', 'Тип атрибута: STRING, LONG, DECIMAL, DATETIME, BOOLEAN', null),
    ('ref_attribute_link_fkey', 'Справочника, на который ссылается атрибут, нет',
        'Есть: select ref_name, title from data.ref_book'),
    ('place_within_capacity', 'Мест не меньше, чем уже занято', null)
    union all
    select c.name, 'В тексте управляющий знак: он не виден, и порталу его не передать',
        'Наберите текст заново, не вставкой из другой программы'
    from unnest(
        '{agency_plain,organization_plain,organization_timetable_comment_plain,organization_status_plain,'
            'service_plain,area_plain,area_slot_attributes_plain,calendar_plain,calendar_day_plain,'
            'special_day_plain,day_off_plain,status_detail_plain,ref_book_plain,ref_attribute_plain,ref_item_plain,'
            'ref_item_code_plain,ref_item_attributes_plain}'::text[]) as c (name)
    union all
    select * from data.table_words()
$$;
comment on function data.constraint_words() is 'What constraints say, for people; admin.help() looks here too';

-- Raises again what a constraint refused, under its own code and name.
create or replace function data.say_violation(p_state text, p_constraint text, p_missing text, p_message text) returns void
language plpgsql as $$
declare
    w record;
begin
    select * into w from data.constraint_words() as t where t.name = p_constraint;
    raise exception '%', coalesce(w.words, 'Не указано: ' || nullif(p_missing, ''),
        case when p_state = '23503' then 'Это ещё нужно другому, или того, на что оно ссылается, нет' end, p_message)
        using errcode = p_state, constraint = p_constraint, hint = coalesce(w.advice,
            case when p_state = '23503' then E'Что на что ссылается: \\d+ таблицы, ограничение ' || p_constraint end,
            E'Какие бывают значения: select * from admin.help(), \\d+ таблицы');
end $$;
comment on function data.say_violation(text, text, text, text) is 'The refusal of a constraint in words, with what to do';
