/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* The one JSON shape that comes back from SQL: [{"name": text, "value": scalar}, ...]. Private to booking. */
#pragma once

#include "booking.h"

/* NULL or empty text is an empty list; a null value is "". ERR_INTERNAL when it is anything else. */
MUST_CHECK enum err json_read_attributes(struct arena *a, const char *text, struct attributes *out, struct error *e);
