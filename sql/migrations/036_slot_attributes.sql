-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- attributes and queueNumber of TimeSlot (Appendix 2, item 18): what an organization wants to say of the intervals of an area. They
-- are the area's, not each slot's: getSlots reads the area of a slot anyway, and thousands of slots are not written for a word.

create function data.slot_attributes_fit(p_attributes jsonb) returns boolean
language plpgsql immutable parallel safe as $$
begin
    if p_attributes is null then
        return true;
    end if;
    if jsonb_typeof(p_attributes) <> 'array' or jsonb_array_length(p_attributes) not between 1 and 100
        or octet_length(p_attributes::text) > 4096 then
        return false;
    end if;
    return not exists (
        select from jsonb_array_elements(p_attributes) as t (item)
        where jsonb_typeof(item) <> 'object' or item - '{name,value}'::text[] <> '{}'
            or jsonb_typeof(item -> 'name') is distinct from 'string' or jsonb_typeof(item -> 'value') is distinct from 'string'
            or length(item ->> 'name') not between 1 and 255 or length(item ->> 'value') not between 1 and 4000);
end $$;
alter function data.slot_attributes_fit(jsonb) owner to zapisd_owner;
revoke all on function data.slot_attributes_fit(jsonb) from public;
grant execute on function data.slot_attributes_fit(jsonb) to zapisd_operator; -- who writes to data.area with his own rights
comment on function data.slot_attributes_fit(jsonb) is 'Whether it is a list of one to a hundred names with values, of the lengths of docs/limits.md (L2), 4,096 octets in all: every slot of an answer bears them; null is none';

alter table data.area
    add column slot_attributes jsonb,
    add column queue_prefix text,
    add constraint area_slot_attributes_form check (data.slot_attributes_fit(slot_attributes)),
    add constraint area_queue_prefix_length check (length(queue_prefix) <= 20);
comment on column data.area.slot_attributes is 'Attributes of its slots on the wire: [{"name", "value"}]; null: none (item 18)';
comment on column data.area.queue_prefix is 'What stands before a visit''s number in the queue of its interval (item 18); null: visits have no number';
comment on constraint area_slot_attributes_form on data.area is 'Names with values, no other form: the daemon reads no other';
comment on constraint area_queue_prefix_length on data.area is 'A few letters before a number';
