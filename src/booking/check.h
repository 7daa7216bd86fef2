/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Checks that several operations share. Each adds what it finds and goes on (M10). Private to booking. */
#pragma once

#include "booking_fields.h"

/*
 * Of the fields of one structure, which stands at `of`: what must be filled is, not with blanks alone, and words are of
 * their list. Structures in it are not looked into.
 */
void check_fields(const struct shape *shape, const void *of, struct field_errors *f);
/* bookId, where a method has it: items 17 and 19 to 21. */
void check_book_id(const struct booking_request *r, struct field_errors *f);
/* The applicant's block of items 18 and 19: what is given must be right. */
void check_applicant(const struct booking_request *r, struct field_errors *f);
/* filter: items 4 to 6. What its attributes are and which values they take is known to SQL. */
void check_filter(const struct booking_request *r, struct field_errors *f);

bool text_is(const char *s, const char *expected);
bool text_is_digits(const char *s);
/* Decimal digits as a PostgreSQL integer, at most max; NULL for anything else. */
const char *text_integer(struct arena *a, const char *s, int max);
