-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What the other writes ask for, each in one hand as book has it: one function carries them all out (data.carry_out).

create type data.cancel_wish as (book_id text, esia_id text, bad_fields text[]);
alter type data.cancel_wish owner to zapisd_owner;
revoke all on type data.cancel_wish from public;
comment on type data.cancel_wish is 'A cancelBooking request (item 21)';
comment on column data.cancel_wish.book_id is 'bookId';
comment on column data.cancel_wish.esia_id is 'esiaId';
comment on column data.cancel_wish.bad_fields is 'Fields that the daemon has found wrong by themselves';

create type data.update_wish as (
    book_id text, esia_id text, slot jsonb, status_code text, status_message text, bad_fields text[]
);
alter type data.update_wish owner to zapisd_owner;
revoke all on type data.update_wish from public;
comment on type data.update_wish is 'An updateBookingDetails request (item 17)';
comment on column data.update_wish.book_id is 'bookId';
comment on column data.update_wish.esia_id is 'esiaId';
comment on column data.update_wish.slot is 'timeslot under its wire names, what is empty left out';
comment on column data.update_wish.status_code is 'statusCode';
comment on column data.update_wish.status_message is 'statusMessage';
comment on column data.update_wish.bad_fields is 'Fields that the daemon has found wrong by themselves';
