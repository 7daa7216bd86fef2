/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * A strict reading: the bare element against the table of fields. All that is wrong with it is told in one walk (M10):
 * what is missing, what does not belong there or stands in the wrong place, what is no value of its type. The schema
 * says the same, but of a request with one wrong child not what is wrong behind it.
 */
#pragma once

#include "booking_fields.h"
#include "xml.h"

struct structure {
    bool is_wrong;
};

/*
 * Adds each wrong field to f once, in document order, what is missing where it should stand; at most 100 in all. The
 * document, which settle_request() has seen, stays as it is. Costs grow as the number of elements does.
 */
void structure_check(struct xml_node *bare, enum booking_method method, struct field_errors *f, struct structure *out);
