-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- The views data.my_<table>, row security and policies: made here, before the functions that read by them.

do $$ begin perform data.office_guard(); end $$;
