/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Before either reading: what a request may say in two ways is said in one (docs/decisions/0107). Whatever is taken
 * here is taken from every caller, strict or lenient, and is no departure.
 */
#pragma once

#include "booking_fields.h"
#include "xml.h"

#define NS_XSI "http://www.w3.org/2001/XMLSchema-instance"

/*
 * In the fields of the method, wherever they stand: the order's other spellings become the name of the table, what
 * stands in userDoc itself stands in userDoc/Document; xsi:type
 * and soap:encodingStyle, which cannot change what a field is, are taken off; an empty field marked xsi:nil is taken
 * out, and the mark off one that is not nil. Of a single field that is there more than once nothing is taken out: that
 * is told by the reading. Changes the document; a is for passing values.
 */
void settle_request(struct arena *a, struct xml_node *bare, enum booking_method method);
