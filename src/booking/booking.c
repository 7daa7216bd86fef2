/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* The operations (order 329, Appendix 2, parts II and III), made of BOOKING_METHODS. To add one: CONTRIBUTING.md. */
#include "booking_private.h"
#include "bounds.h"
#include "check.h"

#include <string.h>

const struct booking_op booking_ops[BOOKING_METHOD_COUNT] = {
#define X(METHOD, file, name_, Type, flags, check_)                                                                    \
    [BOOKING_##METHOD] = {.name = #name_,                                                                              \
                          .is_write = ((flags)&OP_WRITES) != 0,                                                        \
                          .is_served = ((flags)&OP_SERVED) != 0,                                                       \
                          .asks_books = ((flags)&OP_ASKS_BOOKS) != 0,                                                  \
                          .remembers = ((flags)&OP_REMEMBERS) != 0,                                                    \
                          .check = check_,                                                                             \
                          .call = file##_call,                                                                         \
                          .result = file##_result},
    BOOKING_METHODS(X)
#undef X
};

const struct booking_op *booking_op_by_name(const char *name, enum booking_method *method)
{
    for (unsigned i = 0; name != NULL && i < BOOKING_METHOD_COUNT; i++) {
        if (strcmp(booking_ops[i].name, name) != 0)
            continue;
        if (method != NULL)
            *method = (enum booking_method)i;
        return &booking_ops[i];
    }
    return NULL;
}

void booking_check(const struct booking_request *r, struct field_errors *f, struct arena *a)
{
    bounds_check(r, f);
    check_book_id(r, f);
    check_fields(shape_of_request(r->method), r, f);
    if (booking_ops[r->method].check != NULL)
        booking_ops[r->method].check(r, f, a);
}
