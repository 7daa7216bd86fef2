/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Lengths and numbers of a request's values, judged before SQL sees them (L2). Private to booking. */
#pragma once

#include "booking.h"

/* UAX #15, Stream-Safe Text Format: no writing has more; putting more in order is quadratic. */
#define BOUNDS_MARKS_MAX 30

/* Everything but the filter, whose tree check_filter() walks. */
void bounds_check(const struct booking_request *r, struct field_errors *f);
void bounds_check_text(const struct booking_bound *bound, const char *field, const char *value, struct field_errors *f);
void bounds_check_simple(const struct predicate *p, struct field_errors *f);
void bounds_check_union(const struct predicate *p, struct field_errors *f);
