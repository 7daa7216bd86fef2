-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Areas whose intervals bear attributes are few among thousands, and each getSlots asks for the longest of them.

create index area_slot_attributes on data.area (organization_id) where slot_attributes is not null;
comment on index data.area_slot_attributes is 'What areas of an organization say of their intervals (L2)';
