-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Instants of an answer keep their type from here to the wire: seconds since 1970 and the offset of the organization's zone
-- then, instead of a text that somebody would have to read again.

alter type api.answer rename attribute visit_time to visit_at;
alter type api.answer alter attribute visit_at type bigint;
alter type api.answer rename attribute book_end_time to book_end_at;
alter type api.answer alter attribute book_end_at type bigint;
alter type api.answer add attribute visit_offset integer;
alter type api.answer add attribute book_end_offset integer;
comment on column api.answer.visit_at is 'visitTime, seconds since 1970-01-01 00:00 UTC';
comment on column api.answer.book_end_at is 'bookEndTime, the same; of a hold';
comment on column api.answer.visit_offset is 'Minutes that the organization''s zone is ahead of UTC at visit_at (T1)';
comment on column api.answer.book_end_offset is 'The same at book_end_at';
