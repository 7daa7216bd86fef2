-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What a search for equal slots has found is given away one by one, without looking for it again (L1).

create type data.slot_found as (old_at timestamptz, starts_at timestamptz, slot_ids uuid[], area_keys integer[]);
alter type data.slot_found owner to zapisd_owner;
revoke all on type data.slot_found from public;
comment on type data.slot_found is 'Free slots that begin at the time nearest to an old one';
comment on column data.slot_found.old_at is 'The old time';
comment on column data.slot_found.starts_at is 'The time nearest to it at which something is left';
comment on column data.slot_found.slot_ids is 'The slots that begin then, in the order of their ids';
comment on column data.slot_found.area_keys is 'Their areas';

alter type data.slot_search add attribute found data.slot_found[];
comment on column data.slot_search.found is 'For each kind of visit what was found last; within one call only';
