-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Hours of an area never lie over each other in what is offered (T2): what was made before is gone over once.

update data.schedule_state set due_from = null, not_before = null, due_since = coalesce(due_since, now());
