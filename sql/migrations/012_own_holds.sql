-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Whether getSlots shows a person the intervals he holds himself (item 18, edge case 20). Off: what is held is held.

alter table data.organization add column show_own_holds boolean not null default false;
comment on column data.organization.show_own_holds is
    'Показывать ли человеку в расписании то время, которое он сам предварительно удерживает; другие его не видят';
