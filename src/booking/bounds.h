/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Lengths and numbers of a request's values, judged before SQL sees them (L2). Private to booking. */
#pragma once

#include "booking_fields.h"

/* UAX #15, Stream-Safe Text Format: no writing has more; putting more in order is quadratic. */
#define BOUNDS_MARKS_MAX 30

/* Everything but the filter, whose tree check_filter() walks. */
void bounds_check(const struct booking_request *r, struct field_errors *f);
/* One structure, which stands at `of`. told_as: the field that is told of in place of its own; NULL: they are. */
void bounds_check_shape(const struct shape *shape, const void *of, const char *told_as, struct field_errors *f);
