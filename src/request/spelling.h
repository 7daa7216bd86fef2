/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Names as lenient callers spell them, looked up in the table of fields. */
#pragma once

#include "booking_fields.h"

/* Another spelling in use beside the field's name; NULL: none. */
const char *spelling_alias(const struct field *c);
/* The field of this name, in any case of its letters; -1: none. *is_exact: in this spelling. */
int spelling_find(const struct shape *shape, const char *name, bool *is_exact);
/* ASCII letters in any case. */
bool spelling_is_same(const char *a, const char *b);
