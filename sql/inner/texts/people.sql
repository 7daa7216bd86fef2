-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- How a person is named to somebody who may see him, and to everybody else (J3).

create or replace function data.full_name(n data.applicant) returns text
language sql immutable parallel safe
return nullif(coalesce(nullif(concat_ws(' ', nullif(n.last_name, ''), nullif(n.first_name, ''), nullif(n.middle_name, '')), ''),
    n.business_name), '');
comment on function data.full_name(data.applicant) is 'PERSONAL DATA: name of the applicant, a person''s before a firm''s';

create or replace function data.shown_name(n data.applicant, p_sees boolean) returns text
language sql immutable parallel safe as $$
    select case when p_sees then data.full_name(n)
        else coalesce(admin.mask_name((n).last_name, (n).first_name, (n).middle_name), left(nullif(btrim((n).business_name), ''),
            1) || '***') end
$$;
comment on function data.shown_name(data.applicant, boolean) is
    'The applicant as a caller may see him: the name, or initials (J3)';
