-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- data.probe is a table like every other. Of an unlogged one that is truncated and rolled back, a crash within the next fraction of a second
-- leaves an empty file and, in the log, the making of its pattern: PostgreSQL means to copy the one onto the other, finds it there ("File exists")
-- and does not start. A second start succeeds, but nobody makes it at night.

alter table data.probe set logged;
