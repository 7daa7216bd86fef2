/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * One operation a file, three functions each; booking.c puts them into the table. Private to booking.
 *   <operation>_check: every bad field, without a database; <operation>_call: the SQL call; <operation>_result: rows
 *   to the answer.
 */
#pragma once

#include "booking.h"

#define OPERATION_CHECK(name)                                                                                          \
    void name##_check(const struct booking_request *r, struct field_errors *f, struct arena *a)
#define OPERATION_CALL(name)                                                                                           \
    struct db_call name##_call(const struct booking_request *r, const struct booking_message *m,                       \
                               const struct field_errors *bad, struct arena *a)
#define OPERATION_RESULT(name)                                                                                         \
    enum err name##_result(const struct booking_request *r, const struct db_result *res, struct booking_reply *out,    \
                           struct arena *a, struct error *e)
#define OPERATION(name)                                                                                                \
    OPERATION_CHECK(name);                                                                                             \
    OPERATION_CALL(name);                                                                                              \
    OPERATION_RESULT(name)

OPERATION(get_slots);
OPERATION(book);
OPERATION(get_booking_status);
OPERATION(cancel_booking);
OPERATION(get_refs_list);
OPERATION(get_ref_attributes_list);
OPERATION(get_ref_items_list);
OPERATION(update_booking_details);
