-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What admin.help() puts together, and in which order.

create or replace function data.help_topics() returns table (n integer, topic text, names text[])
language sql immutable parallel safe as $$
    values (1, 'день', '{today,offices,office_day,visited,no_show,turned_away,correct,waiting,confirm,reject}'::text[]),
        (2, 'запись', '{find,why,history,free,move,cancel,invite,v_booking}'),
        (3, 'занятость', '{load,schedule,off_schedule}'),
        (4, 'закрытие', '{close_day,close_area,close_office,absence,go_on,reopen,closures}'),
        (5, 'порталу', '{outbox,outbox_done,outbox_hold,outbox_release,outbox_requeue,outbox_drop,outbox_resend}'),
        (6, 'организация', '{add_agency,add_organization,add_service,add_area,remove_area,set_hours,generate,'
            'slot_attribute,queue_numbers,set_text,add_status}'),
        (7, 'календарь', '{set_hours_for,special_day,add_calendar,calendar_day,use_calendar,zone_check,zone_move}'),
        (8, 'справочник', '{ref_new,ref_attribute,ref_put,ref_delete,ref_csv,ref_import,ref_drop}'),
        (9, 'надзор', '{my_offices,grant_office,revoke_office,office_members,readings,arrows,check,housekeeping,'
            'housekeeping_lags,sweep,locks,lock_end,refused,journal_partitions,slot_decode,mask_name,state_title,help}'),
        (10, 'из СМЭВ', '{inbox,inbox_calls,inbox_files,inbox_retry,inbox_resign,inbox_give_up,inbox_unread,'
            'inbox_unread_give_up,inbox_move}')
$$;
comment on function data.help_topics() is 'The order in which admin.help() tells things';

-- However a word is inflected: очередь finds очереди.
create or replace function data.help_stems_meet(p_text text, p_words text) returns boolean
language sql immutable parallel safe
return (select cardinality(s.stems) > 0 and s.stems <@ tsvector_to_array(to_tsvector('pg_catalog.russian', p_text))
    from (select tsvector_to_array(to_tsvector('pg_catalog.russian', p_words)) as stems) as s);
comment on function data.help_stems_meet(text, text) is 'Whether a text has all of these words in some form, of Russian';

-- What people type instead of our words, by the beginnings of theirs (ё as е). No command is found by another's name.
create or replace function data.help_words() returns table (beginnings text[], names text[])
language sql immutable parallel safe as $$
    values
        ('{печат,распечат,список,посетител,очеред}'::text[], '{today,waiting}'::text[]),
        ('{перенос,сдвин,другое время}', '{move,free,close_day}'),
        ('{отпуск,больнич,болезн,болеет,заболел,командировк,отгул,отсутств}', '{absence,close_area,reopen}'),
        ('{ремонт,авари,санитарн,закры,эвакуац}', '{close_area,close_day,close_office,special_day,reopen,closures}'),
        ('{открыт,отменить закрыт}', '{reopen,generate}'),
        ('{праздник,выходн,каникул,предпраздн,рабочая суббота}', '{calendar_day,special_day,use_calendar,add_calendar}'),
        ('{график,часы,режим,расписан,обед,перерыв,смен,ноч}', '{set_hours,set_hours_for,special_day,schedule,generate}'),
        ('{удал,убрат,снят,стерет,ликвид}', '{remove_area,ref_delete,ref_drop,cancel}'),
        ('{фамил,имя,снилс,телефон,искат,поиск,найти}', '{find,why,today}'),
        ('{опозда,пришел,явк,принят}', '{visited,no_show,correct}'), ('{неявк,не приш}', '{no_show,correct}'),
        ('{отказ,отклон,вернут}', '{reject,turned_away}'), ('{отмен}', '{cancel,confirm,reject,reopen}'),
        ('{ошиб,исправ,перепута}', '{correct,check,refused}'),
        ('{выгруз,загруз,excel,эксел,импорт,экспорт}', '{ref_csv,ref_import}'),
        ('{текст,сообщен,смс,sms,письм,уведомл}', '{set_text,outbox,outbox_done,outbox_resend}'),
        ('{исходящ,портал не знает,передать снова,не ушло}', '{outbox,outbox_requeue,outbox_hold,outbox_drop,outbox_done}'),
        ('{отчет,статистик,загруж,сколько}', '{load,offices,off_schedule}'),
        ('{журнал,лог}', '{refused,journal_partitions,why,readings}'),
        ('{окно,кабинет,зал,комнат,специалист,врач,инспектор}', '{add_area,remove_area,close_area,absence}'),
        ('{филиал,отдел,офис}', '{add_organization,offices,close_office}'), ('{номерок,талон,номер в очеред}', '{queue_numbers}'),
        ('{часовой,пояс,зона}', '{zone_check,zone_move}'), ('{кто смотрел,доступ,просмотр}', '{readings,why}'),
        ('{сертификат,ключ,подпис}', '{inbox_resign,inbox,refused}'),
        ('{смэв,очеред,входящ,отложен}', '{inbox,inbox_calls,inbox_files,inbox_retry,inbox_resign,'
            'inbox_give_up,inbox_unread,inbox_unread_give_up,inbox_move}'),
        ('{завис,блокиров,тормоз}', '{locks,lock_end,check}'), ('{свободн}', '{free,load}')
$$;
-- What is no command but a column or a table: a row or an update of the operator's.
create or replace function data.help_settings()
    returns table (n integer, beginnings text[], command text, what text, example text)
language sql immutable parallel safe as $$
    values
        (1, '{подряд,два окна,два интервала,смежн,длинн,дольше,долг,adjacency}'::text[], 'set_hours(…, минут, услуга)',
            'Услуга, которой нужно больше времени: дайте ей часы с её длиной, и у остальных услуг помещения — свои, а общих '
                'часов не оставляйте, иначе её предложат и в коротких интервалах. Указать «эта услуга занимает два интервала» '
                'нельзя; но тот, кто записывает, может назвать несколько интервалов сразу: пока adjacency_required включён, '
                'они должны идти один за другим в одном помещении',
            'select admin.set_hours(''R7700018'', ''room-11'', ''пн-пт'', ''9:00-13:00'', 40, ''10000593394'')'),
        (2, '{канал,дол,киоск,квот}', 'data.channel_share', 'Доля мест каждого дня, больше которой канал не займёт: portal, '
            'kiosk, call-centre, walk-in; у организации или у помещения; нет строки — без предела',
            'insert into data.channel_share (organization_id, channel, percent) values (''R7700018'', ''kiosk'', 20)'),
        (3, '{огранич,лимит,предел,правил,не более,не больше}', 'data.booking_limit', 'Сколько записей может иметь один человек '
            '(esiaId, userSnils и другое) — действующих, в день, в месяц; на услугу или на все. Имя ограничения из ошибки — '
            'тоже слово для help',
            'insert into data.booking_limit (organization_id, person, period, max_bookings) values (''R7700018'', ''esiaId'', '
                '''live'', 2)')
$$;
comment on function data.help_settings() is 'What an operator sets in a table, and by which beginnings of words he looks for it';
comment on function data.help_words() is 'Other words for what the commands of admin do, and which commands are meant';
