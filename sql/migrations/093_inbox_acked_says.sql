-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Whoever notes an Ack hears whether somebody holds the message (decision 0353): its result is another.

drop function if exists api.inbox_acked(bigint, boolean, text, text, bytea, bytea);
