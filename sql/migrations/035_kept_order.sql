-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- The kept order of a long list (A16) is written as an array is sent, which one function does. What is kept in the form of before
-- is given up: its next page puts the list in order again.

update data.ref_paging set ids = null where ids is not null;
comment on column data.ref_paging.ids is 'Top items in order, twelve octets each (data.ids_pack): a page is cut out without reading the rest';
