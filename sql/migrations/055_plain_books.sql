-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- As 045 for what it left out: reference books, the comment beside the hours, and names and reasons that clerks read. What is there
-- already gets the character that answers told in its place. Codes of items are left alone, for others refer to them;
-- items of built-in books (those with agencies) are as plain as the tables they follow.

do $$
begin
    if exists (select from data.agency where name ~ '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]') then
        update data.agency set name = regexp_replace(name, '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]', U&'\FFFD', 'g')
        where name ~ '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]';
    end if;
    if exists (select from data.calendar where name ~ '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]') then
        update data.calendar set name = regexp_replace(name, '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]', U&'\FFFD', 'g')
        where name ~ '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]';
    end if;
    if exists (select from data.calendar_day where name ~ '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]') then
        update data.calendar_day set name = regexp_replace(name, '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]', U&'\FFFD', 'g')
        where name ~ '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]';
    end if;
    if exists (select from data.day_off where comment ~ '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]') then
        update data.day_off set comment = regexp_replace(comment, '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]', U&'\FFFD', 'g')
        where comment ~ '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]';
    end if;
    if exists (select from data.special_day where comment ~ '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]') then
        update data.special_day set comment = regexp_replace(comment, '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]', U&'\FFFD', 'g')
        where comment ~ '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]';
    end if;
    if exists (select from data.organization where timetable_comment ~ '[\u0001-\u0008\u000b-\u001f\u007f-\u009f\ufffe\uffff]') then
        update data.organization set timetable_comment = regexp_replace(timetable_comment, '[\u0001-\u0008\u000b-\u001f\u007f-\u009f\ufffe\uffff]', U&'\FFFD', 'g')
        where timetable_comment ~ '[\u0001-\u0008\u000b-\u001f\u007f-\u009f\ufffe\uffff]';
    end if;
    if exists (select from data.ref_book where title ~ '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]') then
        update data.ref_book set title = regexp_replace(title, '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]', U&'\FFFD', 'g')
        where title ~ '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]';
    end if;
    if exists (select from data.ref_attribute where title ~ '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]') then
        update data.ref_attribute set title = regexp_replace(title, '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]', U&'\FFFD', 'g')
        where title ~ '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]';
    end if;
    if exists (select from data.ref_item where title ~ '[\u0001-\u0008\u000b-\u001f\u007f-\u009f\ufffe\uffff]') then
        update data.ref_item set title = regexp_replace(title, '[\u0001-\u0008\u000b-\u001f\u007f-\u009f\ufffe\uffff]', U&'\FFFD', 'g')
        where title ~ '[\u0001-\u0008\u000b-\u001f\u007f-\u009f\ufffe\uffff]';
    end if;
    if exists (select from data.ref_item as i cross join lateral jsonb_each_text(i.attributes) as v where v.value ~ '[\u0001-\u0008\u000b-\u001f\u007f-\u009f\ufffe\uffff]') then
        update data.ref_item as i set attributes = (
            select jsonb_object_agg(v.key, case when v.value #>> '{}' ~ '[\u0001-\u0008\u000b-\u001f\u007f-\u009f\ufffe\uffff]'
                then to_jsonb(regexp_replace(v.value #>> '{}', '[\u0001-\u0008\u000b-\u001f\u007f-\u009f\ufffe\uffff]', U&'\FFFD', 'g')) else v.value end)
            from jsonb_each(i.attributes) as v)
        where exists (select from jsonb_each_text(i.attributes) as v where v.value ~ '[\u0001-\u0008\u000b-\u001f\u007f-\u009f\ufffe\uffff]');
    end if;
end $$;

create function data.values_plain(p_values jsonb) returns boolean
language sql immutable parallel safe as $$
    select jsonb_typeof(p_values) is distinct from 'object' or not exists (
        select from jsonb_each_text(case jsonb_typeof(p_values) when 'object' then p_values else '{}' end) as v (name, value)
        where v.value ~ E'[\\u0001-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\ufffe\\uffff]')
$$;
alter function data.values_plain(jsonb) owner to zapisd_owner;
revoke all on function data.values_plain(jsonb) from public;
grant execute on function data.values_plain(jsonb) to zapisd_operator; -- who writes to data.ref_item with his own rights
comment on function data.values_plain(jsonb) is
    'Whether the values of an item have no control characters but the end of a line and the tab; another form is judged elsewhere';

alter table data.agency add constraint agency_plain check (name !~ '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]');
alter table data.calendar add constraint calendar_plain check (name !~ '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]');
alter table data.calendar_day add constraint calendar_day_plain check (name !~ '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]');
alter table data.day_off add constraint day_off_plain check (comment !~ '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]');
alter table data.special_day add constraint special_day_plain check (comment !~ '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]');
alter table data.organization add constraint organization_timetable_comment_plain check (timetable_comment !~ '[\u0001-\u0008\u000b-\u001f\u007f-\u009f\ufffe\uffff]');
alter table data.ref_book add constraint ref_book_plain check (title !~ '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]');
alter table data.ref_attribute add constraint ref_attribute_plain check (title !~ '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]');
alter table data.ref_item add constraint ref_item_plain check (agencies is not null or title !~ '[\u0001-\u0008\u000b-\u001f\u007f-\u009f\ufffe\uffff]');
alter table data.ref_item add constraint ref_item_attributes_plain check (agencies is not null or data.values_plain(attributes));
alter table data.ref_item add constraint ref_item_code_plain check (agencies is not null or code !~ '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]') not valid;
do $$
begin
    if not exists (select from data.ref_item where agencies is null and code ~ '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]') then
        alter table data.ref_item validate constraint ref_item_code_plain;
    end if;
end $$;
comment on constraint agency_plain on data.agency is 'No control characters in its name';
comment on constraint calendar_plain on data.calendar is 'No control characters in its name';
comment on constraint calendar_day_plain on data.calendar_day is 'No control characters in its name';
comment on constraint day_off_plain on data.day_off is 'No control characters in the reason';
comment on constraint special_day_plain on data.special_day is 'No control characters in the reason';
comment on constraint organization_timetable_comment_plain on data.organization is 'No control characters but the end of a line and the tab in what is told beside its hours';
comment on constraint ref_book_plain on data.ref_book is 'No control characters in its title';
comment on constraint ref_attribute_plain on data.ref_attribute is 'No control characters in its title';
comment on constraint ref_item_plain on data.ref_item is 'No control characters but the end of a line and the tab in its title, in books of one''s own';
comment on constraint ref_item_attributes_plain on data.ref_item is 'No control characters but the end of a line and the tab in its values, in books of one''s own';
comment on constraint ref_item_code_plain on data.ref_item is 'No control characters in its code, in books of one''s own';
