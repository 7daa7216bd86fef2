/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * One operation a file, with up to three functions; booking.c puts them into the table. Private to booking.
 *   <operation>_check: every bad field, without a database, where it has rules of its own; <operation>_call: the SQL
 *   call; <operation>_result: rows to the answer.
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

#define X(METHOD, file, name, Type, flags, check) OPERATION(file);
BOOKING_METHODS(X)
#undef X
