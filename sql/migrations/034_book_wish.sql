-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What a book request asks for, in one hand: the steps of book pass it on.

create type data.book_wish as (
    book_key text, book_id text, slot_ids text[], organization_id text, user_type text, user_kind text, esia_id text, applicant jsonb,
    service_ids text[], area_ids text[], preliminary boolean, period_min integer, attributes jsonb, is_wrong boolean, content bytea
);
alter type data.book_wish owner to zapisd_owner;
revoke all on type data.book_wish from public;
comment on type data.book_wish is 'A book request (item 19) with its lists put in order';
comment on column data.book_wish.book_key is 'bookId in lower case';
comment on column data.book_wish.book_id is 'bookId';
comment on column data.book_wish.slot_ids is 'slotId, or the one word blind_request';
comment on column data.book_wish.organization_id is 'organizationId';
comment on column data.book_wish.user_type is 'userType';
comment on column data.book_wish.user_kind is 'userKind';
comment on column data.book_wish.esia_id is 'esiaId';
comment on column data.book_wish.applicant is 'The applicant block under its wire names';
comment on column data.book_wish.service_ids is 'serviceId, empty ones left out';
comment on column data.book_wish.area_ids is 'areaId, empty ones left out, and those that only repeat the slotId';
comment on column data.book_wish.preliminary is 'preliminaryReservation';
comment on column data.book_wish.period_min is 'preliminaryReservationPeriod';
comment on column data.book_wish.attributes is 'attributes';
comment on column data.book_wish.is_wrong is 'The daemon has found fields that are wrong by themselves';
comment on column data.book_wish.content is 'SHA-256 of all of it: the same again has no second effect (B6)';
