-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- When all functions stand: they are given to their owner, and what they make, and may make differently now, is made by them.

do $$ begin perform data.rights_own(); end $$;

-- All of the built-in reference books (R4).
do $$
begin
    perform data.ref_derive(b.ref_name, null) from data.ref_book as b where b.is_derived order by b.ref_name desc;
end $$;

-- A month of the journals for this month and the next ones (J2).
do $$ begin perform admin.journal_partitions(3); end $$;
