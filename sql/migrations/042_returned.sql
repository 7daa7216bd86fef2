-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- A request returned with 207 says what is wrong with it, and is remembered when it is the first of its booking: whoever held
-- with it, too (Appendix 1; items 15.1 and 20).

alter type data.book_wish add attribute bad_fields text[], add attribute bad_words text[];
comment on column data.book_wish.bad_fields is 'Fields that the daemon has found wrong by themselves';
comment on column data.book_wish.bad_words is 'What is wrong with each of them, in words for the applicant';
comment on column data.book_wish.service_ids is 'serviceId, each once, empty ones left out';

insert into data.booking_arrow (event, old_state, new_state, actors, place, is_pushed)
select 'hold', o, 'RETURNED', 'A', 'none', false
from unnest(array[null, 'EXPIRED', 'CANCELLED_APPLICANT', 'CANCELLED_AGENCY', 'CANCELLED', 'REFUSED', 'RETURNED']::data.booking_state[]) as o;
