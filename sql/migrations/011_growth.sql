-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What keeps getSlots as fast with five million slots as with ten thousand (M1).

create index area_service_organization on data.area_service (organization_id, service_id) include (area_key);
comment on index data.area_service_organization is 'Areas of one organization for a service, however many others offer it (getSlots)';
