-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- How a person is named to somebody who may see him, and to everybody else (J3).

create or replace function data.full_name(n data.applicant) returns text
language sql immutable parallel safe
return nullif(coalesce(nullif(concat_ws(' ', nullif(n.last_name, ''), nullif(n.first_name, ''), nullif(n.middle_name, '')), ''),
    n.business_name), '');
comment on function data.full_name(data.applicant) is 'PERSONAL DATA: name of the applicant, a person''s before a firm''s';

create or replace function data.masked_name(last_name text, first_name text, middle_name text) returns text
language sql immutable parallel safe
return nullif(concat_ws(' ', left(nullif(last_name, ''), 1) || '***', left(nullif(first_name, ''), 1) || '.',
    left(nullif(middle_name, ''), 1) || '.'), '');
comment on function data.masked_name(text, text, text) is 'Initials instead of a name (J3)';

create or replace function data.shown_name(n data.applicant, p_sees boolean) returns text
language sql immutable parallel safe
return case when p_sees then data.full_name(n)
    else coalesce(data.masked_name((n).last_name, (n).first_name, (n).middle_name),
        left(nullif(btrim((n).business_name), ''), 1) || '***') end;
comment on function data.shown_name(data.applicant, boolean) is
    'The applicant as a caller may see him: the name, or initials (J3)';
