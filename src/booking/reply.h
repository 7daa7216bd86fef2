/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Rows to answers: what several operations share. Private to booking. */
#pragma once

#include "booking.h"

/* Looks columns up once; -1 where the function does not return one. */
struct answer_columns {
    int kind, status_code, status_message, error_code, error_message, field;
    int slot_id, service_id, organization_id, area_id, queue_number, duration, attributes;
    int visit_at, visit_offset, book_end_at, book_end_offset;
};

/* What every reply has from its request: method, echoes, the arena of its fields. Keeps the fields found before. */
void reply_begin(const struct booking_request *r, struct booking_reply *out, struct arena *a);
/* "answer", "field" and "slot" rows of api.answer. */
MUST_CHECK enum err reply_read_rows(const struct db_result *res, struct booking_reply *out, struct arena *a,
                                    struct error *e);
/* "answer" and "field" rows of the functions that return a table of their own; ERR_INTERNAL for success with bad
 * fields. */
MUST_CHECK enum err reply_read_answer(const struct db_result *res, unsigned row, struct booking_reply *out,
                                      struct arena *a, struct error *e);
MUST_CHECK enum err reply_read_field(const struct db_result *res, unsigned row, struct booking_reply *out,
                                     struct arena *a, struct error *e);
MUST_CHECK enum err reply_end(struct booking_reply *out, struct error *e);

/* An instant as the wire has it, offset_min ahead of UTC; ERR_INTERNAL for one that the wire cannot tell. */
MUST_CHECK enum err reply_instant(int64_t at_s, int64_t offset_min, const char **text, struct arena *a,
                                  struct error *e);

/* Text of a column copied into a; NULL for SQL NULL, for an empty text and for a column that is not there. */
const char *reply_text(struct arena *a, const struct db_result *res, unsigned row, int col);
const char *reply_error_text(int error_code); /* item 2 */
