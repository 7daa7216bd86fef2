/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* One operation a file; booking.c puts them into the table. Private to booking. */
#pragma once

#include "booking.h"

extern const struct booking_op op_get_slots;
extern const struct booking_op op_book;
extern const struct booking_op op_get_booking_status;
extern const struct booking_op op_cancel_booking;
extern const struct booking_op op_get_refs_list;
extern const struct booking_op op_get_ref_attributes_list;
extern const struct booking_op op_get_ref_items_list;
extern const struct booking_op op_update_booking_details;
