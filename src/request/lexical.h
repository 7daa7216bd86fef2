/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Whether a text is a value of its type, by XML Schema 1.0 part 2 and the facets of the table of fields. */
#pragma once

#include "booking_fields.h"

/* text: as it stands in the element, blanks and all; UTF-8. */
bool lexical_is_good(const struct field_type *type, const char *text);
