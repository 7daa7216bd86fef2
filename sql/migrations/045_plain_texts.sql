-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What citizens and the portal read has no control characters: XML has no place for most of them, answers told them as U+FFFD
-- (docs/decisions/0001). They are refused where they are typed; what is there already gets the character that was told. Identifiers are
-- left alone, for others refer to them: a table with such a one keeps it until somebody changes the row. Ends of lines and tabs, which
-- were told as they are, become blanks.

update data.organization set name = regexp_replace(translate(name, E'\t\n\r', '   '), '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]', U&'\FFFD', 'g'),
    address = regexp_replace(translate(address, E'\t\n\r', '   '), '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]', U&'\FFFD', 'g'),
    phone = regexp_replace(translate(phone, E'\t\n\r', '   '), '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]', U&'\FFFD', 'g')
where name ~ '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]' or address ~ '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]'
    or phone ~ '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]';
update data.service set name = regexp_replace(translate(name, E'\t\n\r', '   '), '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]', U&'\FFFD', 'g'),
    frgu_number = regexp_replace(translate(frgu_number, E'\t\n\r', '   '), '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]', U&'\FFFD', 'g')
where name ~ '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]' or frgu_number ~ '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]';
update data.area set name = regexp_replace(translate(name, E'\t\n\r', '   '), '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]', U&'\FFFD', 'g'),
    queue_prefix = regexp_replace(translate(queue_prefix, E'\t\n\r', '   '), '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]', U&'\FFFD', 'g')
where name ~ '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]' or queue_prefix ~ '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]';
update data.area as a set slot_attributes = (
    select jsonb_agg(jsonb_build_object('name', regexp_replace(translate(t.item ->> 'name', E'\t\n\r', '   '), '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]', U&'\FFFD', 'g'),
        'value', regexp_replace(translate(t.item ->> 'value', E'\t\n\r', '   '), '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]', U&'\FFFD', 'g')) order by t.n)
    from jsonb_array_elements(a.slot_attributes) with ordinality as t (item, n))
where exists (select from jsonb_array_elements(a.slot_attributes) as t (item)
    where t.item ->> 'name' ~ '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]' or t.item ->> 'value' ~ '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]');
update data.organization_status set comment = regexp_replace(comment, '[\u0001-\u0008\u000b-\u001f\u007f-\u009f\ufffe\uffff]', U&'\FFFD', 'g')
where comment ~ '[\u0001-\u0008\u000b-\u001f\u007f-\u009f\ufffe\uffff]';
update data.status_detail set reason = regexp_replace(reason, '[\u0001-\u0008\u000b-\u001f\u007f-\u009f\ufffe\uffff]', U&'\FFFD', 'g')
where reason ~ '[\u0001-\u0008\u000b-\u001f\u007f-\u009f\ufffe\uffff]';

create function data.attributes_plain(p_attributes jsonb) returns boolean
language sql immutable parallel safe as $$
    select p_attributes is null or jsonb_typeof(p_attributes) <> 'array' or not exists (
        select from jsonb_array_elements(case jsonb_typeof(p_attributes) when 'array' then p_attributes else '[]' end) as t (item)
        where t.item ->> 'name' ~ E'[\\u0001-\\u001f\\u007f-\\u009f\\ufffe\\uffff]' or t.item ->> 'value' ~ E'[\\u0001-\\u001f\\u007f-\\u009f\\ufffe\\uffff]')
$$;
alter function data.attributes_plain(jsonb) owner to zapisd_owner;
revoke all on function data.attributes_plain(jsonb) from public;
grant execute on function data.attributes_plain(jsonb) to zapisd_operator; -- who writes to data.area with his own rights
comment on function data.attributes_plain(jsonb) is 'Whether names and values of attributes have no control characters; another form is judged elsewhere';

alter table data.organization add constraint organization_plain check (organization_id !~ '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]'
    and name !~ '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]' and address !~ '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]'
    and phone !~ '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]') not valid;
alter table data.service add constraint service_plain check (service_id !~ '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]'
    and name !~ '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]' and frgu_number !~ '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]') not valid;
alter table data.area
    add constraint area_plain check (area_id !~ '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]' and name !~ '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]'
        and queue_prefix !~ '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]') not valid,
    add constraint area_slot_attributes_plain check (data.attributes_plain(slot_attributes));
alter table data.organization_status
    add constraint organization_status_plain check (comment !~ '[\u0001-\u0008\u000b-\u001f\u007f-\u009f\ufffe\uffff]');
alter table data.status_detail
    add constraint status_detail_plain check (reason !~ '[\u0001-\u0008\u000b-\u001f\u007f-\u009f\ufffe\uffff]');
do $$
begin
    if not exists (select from data.organization where organization_id ~ E'[\\u0001-\\u001f\\u007f-\\u009f\\ufffe\\uffff]') then
        alter table data.organization validate constraint organization_plain;
    end if;
    if not exists (select from data.service where service_id ~ E'[\\u0001-\\u001f\\u007f-\\u009f\\ufffe\\uffff]') then
        alter table data.service validate constraint service_plain;
    end if;
    if not exists (select from data.area where area_id ~ E'[\\u0001-\\u001f\\u007f-\\u009f\\ufffe\\uffff]') then
        alter table data.area validate constraint area_plain;
    end if;
end $$;
comment on constraint organization_plain on data.organization is 'No control characters in what is told of it';
comment on constraint service_plain on data.service is 'No control characters in what is told of it';
comment on constraint area_plain on data.area is 'No control characters in what is told of it';
comment on constraint area_slot_attributes_plain on data.area is 'No control characters in what its intervals bear';
comment on constraint organization_status_plain on data.organization_status is 'No control characters but the end of a line and the tab';
comment on constraint status_detail_plain on data.status_detail is 'No control characters but the end of a line and the tab';
