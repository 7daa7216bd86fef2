/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* From gSOAP's generated structs to booking types. Private to soap. */
#pragma once

#include "booking.h"

struct soap;

/* Reads the element soap stands before into *out, whose strings are copied into a. False: soap->error tells why. */
typedef bool (*typemap_read_fn)(struct soap *soap, struct arena *a, struct booking_request *out);
extern const typemap_read_fn typemap_readers[BOOKING_METHOD_COUNT];
