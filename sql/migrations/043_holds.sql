-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- A preliminary reservation asks for a time alone: what is wrong with the applicant's data is told by the final one (Appendix 3, note).

alter type data.book_wish add attribute later_fields text[], add attribute later_words text[];
comment on column data.book_wish.later_fields is 'Fields of the applicant that are wrong by themselves, of a preliminary reservation: wrong when it is to be final';
comment on column data.book_wish.later_words is 'What is wrong with each of them, in words for the applicant';
