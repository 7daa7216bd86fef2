-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- The bounds of an applicant (L2) are the same; but the server reads the whole text of a check anew for each statement, and of
-- twelve terms that was as dear as storing the row. A function is read once a session.

create function data.applicant_fits(a data.applicant) returns boolean
language plpgsql immutable parallel safe as $$
begin
    return coalesce(length(a.last_name) <= 200, true) and coalesce(length(a.first_name) <= 200, true)
        and coalesce(length(a.middle_name) <= 200, true) and coalesce(length(a.email) <= 255, true)
        and coalesce(length(a.mobile_phone) <= 255, true) and coalesce(length(a.user_snils) <= 255, true)
        and coalesce(length(a.user_login) <= 255, true) and coalesce(octet_length(a.user_doc::text) <= 32768, true)
        and coalesce(length(a.user_inn) <= 255, true) and coalesce(length(a.business_inn) <= 255, true)
        and coalesce(length(a.business_ogrn) <= 255, true) and coalesce(length(a.business_name) <= 600, true);
end $$;
alter function data.applicant_fits(data.applicant) owner to zapisd_owner;
revoke all on function data.applicant_fits(data.applicant) from public;
comment on function data.applicant_fits(data.applicant) is 'Whether what is stored of an applicant has the lengths of docs/limits.md (L2)';

alter table data.applicant drop constraint applicant_bounds,
    add constraint applicant_bounds check (data.applicant_fits(applicant)) not valid;
comment on constraint applicant_bounds on data.applicant is 'The lengths of docs/limits.md (L2); rows from before may be longer';
