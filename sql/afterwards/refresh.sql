-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- When all functions stand: what is made by them, and may be made differently now.

-- All of the built-in reference books (R4).
do $$
begin
    perform data.ref_derive(b.ref_name, null) from data.ref_book as b where b.is_derived order by b.ref_name desc;
end $$;

-- A month of the journals for this month and the next ones (J2).
do $$ begin perform admin.journal_partitions(3); end $$;
