-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Slots that are no longer what the schedule says are few, and housekeeping asks each minute which of them are free (T2).

create index slot_outdated on data.slot (starts_at) where is_outdated;
comment on index data.slot_outdated is 'Slots to come that are not what the schedule says (T2)';
