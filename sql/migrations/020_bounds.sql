-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What is stored of an applicant has the lengths of docs/limits.md, whoever stores it (L2). What is there already stays as it
-- is: it may be longer, and nobody is to lose a booking by it.

alter table data.applicant add constraint applicant_bounds check (
    coalesce(length(last_name) <= 200, true) and coalesce(length(first_name) <= 200, true) and coalesce(length(middle_name) <= 200, true)
    and coalesce(length(email) <= 255, true) and coalesce(length(mobile_phone) <= 255, true) and coalesce(length(user_snils) <= 255, true)
    and coalesce(length(user_login) <= 255, true) and coalesce(octet_length(user_doc::text) <= 32768, true)
    and coalesce(length(user_inn) <= 255, true) and coalesce(length(business_inn) <= 255, true)
    and coalesce(length(business_ogrn) <= 255, true) and coalesce(length(business_name) <= 600, true)) not valid;
comment on constraint applicant_bounds on data.applicant is 'The lengths of docs/limits.md (L2); rows from before may be longer';
