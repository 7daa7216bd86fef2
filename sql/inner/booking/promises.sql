-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Whose word a booking is after its applicant has changed it (Appendix 1, initiators of statuses; Appendix 3, notes;
-- docs/decisions/0115). That a visit is confirmed, or somebody invited, an office has said of itself, a service, a person and an
-- application; it holds as long as these are the same, whatever the time. What an office has not said it is asked.

create or replace function data.promised_state(p_state data.booking_state, p_confirms boolean, p_same_office boolean,
    p_same_matter boolean)
returns data.booking_state language sql immutable parallel safe
return case
    when p_state in ('BOOKED', 'INVITED') and p_same_office and p_same_matter then p_state
    when p_state = 'ACCEPTED' and p_same_office then p_state
    when p_confirms then 'ACCEPTED' else 'BOOKED' end;
comment on function data.promised_state(data.booking_state, boolean, boolean, boolean) is
    'State of a BOOKED, ACCEPTED or INVITED booking that its applicant has changed: p_confirms is of the office it is in '
        'now (confirm_booking), p_same_office whether that is where it was, p_same_matter whether services, person and '
        'application are as they were (B10)';

create or replace function data.same_set(a text[], b text[]) returns boolean
language sql immutable parallel safe return a <@ b and b <@ a;
comment on function data.same_set(text[], text[]) is 'Whether two lists name the same';

-- How to reach somebody is no part of who he is.
create or replace function data.same_person(p_book_key text, p jsonb) returns boolean
language sql stable parallel safe as $$
    select exists (
        select from data.applicant as a
        where a.book_key = p_book_key
            and data.whole_name_key(a.last_name, a.first_name, a.middle_name)
                is not distinct from data.whole_name_key(p ->> 'lastName', p ->> 'firstName', p ->> 'middleName')
            and coalesce(data.name_key(a.business_name), '') = coalesce(data.name_key(p ->> 'businessName'), '')
            and data.number_key(coalesce(a.user_snils, '')) = data.number_key(coalesce(p ->> 'userSnils', ''))
            and data.person_key(coalesce(a.user_inn, '')) = data.person_key(coalesce(p ->> 'userINN', ''))
            and data.person_key(coalesce(a.business_inn, '')) = data.person_key(coalesce(p ->> 'businessINN', ''))
            and data.person_key(coalesce(a.business_ogrn, '')) = data.person_key(coalesce(p ->> 'businessOGRN', ''))
            and coalesce(a.user_doc, 'null') = coalesce(p -> 'userDoc', 'null'))
$$;
comment on function data.same_person(text, jsonb) is
    'Whether the applicant of a booking, as it is kept, and one who comes with a request are the same by name, numbers and '
        'document';

create or replace function data.book_promised(b data.booking, was data.booking, p_had text[], p_applicant jsonb,
    p_confirms boolean)
returns data.booking language plpgsql stable as $$
begin
    -- Of nothing yet, a hold, and what is over data.book_values has said it.
    if was.state in ('BOOKED', 'ACCEPTED', 'INVITED') is not true then
        return b;
    end if;
    b.state := data.promised_state(was.state, p_confirms, b.organization_id = was.organization_id,
        data.same_set(p_had, data.visit_services(b.book_key, b.service_ids))
        and b.user_kind is not distinct from was.user_kind
        and coalesce(data.person_key(b.case_number), '') = coalesce(data.person_key(was.case_number), '')
        and (p_applicant is null or data.same_person(b.book_key, p_applicant)));
    b.status_code := data.state_code(b.state);
    return b;
end $$;
comment on function data.book_promised(data.booking, data.booking, text[], jsonb, boolean) is
    'A final booking that has its new places, in the state of data.promised_state; p_had: services of the visit before, '
        'p_applicant: who comes with the request, null where nobody does';
