-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What a wrong clock has written is looked for (L1, L4).

insert into data.housekeeping (task, number, title, every_s) values ('clock', 8, 'сроки, записанные неверными часами', 30);
