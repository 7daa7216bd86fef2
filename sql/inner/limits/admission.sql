-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Whom a service admits, and until when it lets a visit be changed (B5, B7).

create or replace function data.admission_fields(o data.organization, p_service_ids text[], p_user_type text, p_user_kind text)
returns api.answer[] language plpgsql stable as $$
declare
    fields api.answer[] := '{}';
    s record;
begin
    select bool_or(p_user_type <> all (t.user_types)) as is_wrong_type,
        bool_or(p_user_kind <> all (t.user_kinds)) as is_wrong_kind
    into s
    from data.organization_service as t
    where t.organization_id = o.organization_id and t.service_id = any (p_service_ids);
    if s.is_wrong_type then
        fields := fields || data.field_row('userType', 1, 'Для записи на эту услугу требуется другой тип учётной записи');
    end if;
    if s.is_wrong_kind then
        fields := fields || data.field_row('userKind', 1, 'Эта услуга не предоставляется заявителям этой категории');
    end if;
    return fields;
end $$;
comment on function data.admission_fields(data.organization, text[], text, text) is
    'Field errors of an applicant whom a service does not admit (edge case 24)';

-- Before it looked itself which services a visit is for.
drop function if exists data.deadline_min(text, text[], text);
create or replace function data.deadline_min(b data.booking, p_what text) returns integer
language plpgsql stable as $$
declare
    o data.organization;
begin
    select * into o from data.organization as t where t.organization_id = b.organization_id;
    if o.has_rules then
        o := data.with_service_rules(o, data.visit_services(b.book_key, b.service_ids));
    end if;
    return case p_what when 'move' then o.move_deadline_min else o.cancel_deadline_min end;
end $$;
comment on function data.deadline_min(data.booking, text) is
    'Minutes before a visit that has its places when moving or cancelling it ends';
