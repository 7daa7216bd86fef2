-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What an operator may write, psql explains to him in his language (\d+); these tables and columns came after the others were told (013), or
-- were left out there.

comment on column data.area.slot_attributes is 'Что портал покажет об интервалах здесь: [{"name": …, "value": …}]; пусто: ничего; пишет admin.slot_attribute';
comment on column data.area.queue_prefix is 'Что стоит перед номером в очереди интервала; пусто: визиты без номеров; пишет admin.queue_numbers';
comment on table data.area_service is 'Какие услуги оказывает помещение в интервалах, где своя не названа; заводит admin.add_area';
comment on column data.area_service.area_key is 'Помещение';
comment on column data.area_service.organization_id is 'Организация помещения';
comment on column data.area_service.service_id is 'Услуга';
comment on table data.area_use is 'Визит в одном помещении занимает и другое: кабинет — своего специалиста, который бывает нужен и в другом месте';
comment on column data.area_use.area_key is 'Где визит';
comment on column data.area_use.organization_id is 'Организация обоих';
comment on column data.area_use.used_key is 'Что он занимает ещё; считается, когда там один посетитель одновременно (is_exclusive)';
comment on table data.slot is 'Интервалы приёма в помещении; делает admin.generate по расписанию';
comment on column data.slot.capacity is 'Сколько человек могут записаться';
comment on column data.slot.is_closed is 'true: больше не предлагается; сделанные записи остаются';
comment on table data.day_off is 'Дни без приёма: интервалы на них не делаются; проще — admin.special_day';
comment on column data.day_off.organization_id is 'Организация';
comment on column data.day_off.day is 'День по местному календарю';
comment on column data.day_off.comment is 'Почему';
comment on table data.calendar is 'Производственные календари; региональный опирается на общий; заводит admin.add_calendar';
comment on column data.calendar.calendar_id is 'Короткое имя: ru, ru-77';
comment on column data.calendar.name is 'Название';
comment on column data.calendar.parent_id is 'Чьи дни действуют там, где этот молчит';
comment on table data.calendar_day is 'Дни календаря, которые не таковы, как говорит их день недели; пишет admin.calendar_day';
comment on column data.calendar_day.calendar_id is 'Календарь';
comment on column data.calendar_day.day is 'День';
comment on column data.calendar_day.kind is 'holiday: приёма нет; workday: работают как в as_weekday; short: кончают на cut_min раньше; usual: снимает день общего календаря';
comment on column data.calendar_day.as_weekday is 'У перенесённого рабочего дня: 1 понедельник … 7 воскресенье; суббота, в которую работают как в пятницу, — 5';
comment on column data.calendar_day.cut_min is 'У короткого дня: на сколько минут раньше кончается приём';
comment on column data.calendar_day.name is 'Почему';
comment on table data.special_day is 'Особые дни организации или помещения; важнее календаря: день помещения важнее дня его зала, тот — дня организации; пишет admin.special_day';
comment on column data.special_day.special_day_id is 'Внутренний номер';
comment on column data.special_day.organization_id is 'Организация';
comment on column data.special_day.area_key is 'Помещение и всё, что в нём; пусто: вся организация';
comment on column data.special_day.day is 'День по местному календарю';
comment on column data.special_day.kind is 'closed: приёма нет; usual: недельные часы, что бы ни говорил календарь; hours: часы из data.special_hours';
comment on column data.special_day.as_weekday is 'Недельные часы какого дня действуют; пусто: своего';
comment on column data.special_day.comment is 'Почему';
comment on table data.special_hours is 'Часы особого дня. Без slot_min от недельных часов остаётся то, что в них попадает; с ним это часы самого помещения, на один день';
comment on column data.special_hours.special_hours_id is 'Внутренний номер';
comment on column data.special_hours.special_day_id is 'Особый день';
comment on column data.special_hours.organization_id is 'Его организация';
comment on column data.special_hours.starts is 'С какого времени, местного';
comment on column data.special_hours.ends is 'По какое';
comment on column data.special_hours.slot_min is 'Минут на приём, когда день — одного помещения; пусто или день шире: от недельных часов остаётся то, что в эти попадает';
comment on column data.special_hours.service_id is 'Интервалы только для этой услуги';
comment on column data.special_hours.capacity is 'Мест в интервале; пусто: как у помещения';
comment on column data.special_hours.serial is 'Различает интервалы, которые начинаются вместе';
comment on table data.ref_item is 'Строки справочников, как они есть сейчас; пишут admin.ref_put и admin.ref_import';
comment on column data.ref_item.ref_name is 'Справочник';
comment on column data.ref_item.code is 'Код строки; порядок побайтовый';
comment on column data.ref_item.title is 'Название строки';
comment on column data.ref_item.parent_id is 'Под какой она строкой; пусто: наверху';
comment on column data.ref_item.attributes is 'Прочие атрибуты, имя и текст, как их описывает data.ref_attribute';
