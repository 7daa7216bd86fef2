-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What admin.help() puts together, and in which order.

create or replace function data.help_topics() returns table (n integer, topic text, names text[])
language sql immutable parallel safe as $$
    values (1, 'день', '{today,offices,visited,no_show,turned_away,correct,waiting,confirm,reject}'::text[]),
        (2, 'запись', '{find,why,history,free,move,cancel,invite,v_booking}'),
        (3, 'занятость', '{load,schedule,off_schedule}'),
        (4, 'закрытие', '{close_day,close_area,close_office,absence,go_on,reopen,closures}'),
        (5, 'порталу', '{outbox,outbox_done}'),
        (6, 'организация', '{add_agency,add_organization,add_service,add_area,remove_area,set_hours,generate,'
            'slot_attribute,queue_numbers,set_text,add_status}'),
        (7, 'календарь', '{set_hours_for,special_day,add_calendar,calendar_day,use_calendar,zone_check,zone_move}'),
        (8, 'справочник', '{ref_new,ref_attribute,ref_put,ref_delete,ref_csv,ref_import,ref_drop}'),
        (9, 'надзор', '{my_offices,grant_office,revoke_office,office_members,readings,arrows,check,housekeeping,'
            'housekeeping_lags,sweep,locks,lock_end,refused,journal_partitions,slot_decode,mask_name,state_title,help}')
$$;
comment on function data.help_topics() is 'The order in which admin.help() tells things';
