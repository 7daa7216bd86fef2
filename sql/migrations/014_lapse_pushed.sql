-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Whether the portal is told of holds that ran out (A24). Off: it counts the time itself.

alter table data.organization add column push_lapsed boolean not null default false;
comment on column data.organization.push_lapsed is
    'Сообщать ли порталу (303), что предварительная запись истекла; обычно он считает время сам';
