/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Rows of api.get_slots to an answer. Private to booking. */
#pragma once

#include "booking.h"

/* "answer", "field", "slots" and "area" rows; texts are copied into a, those that intervals share once. ERR_INTERNAL
 * for rows that api.get_slots does not make. */
MUST_CHECK enum err listing_read(const struct db_result *res, struct booking_reply *out, struct arena *a,
                                 struct error *e);
