/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The table of operations (order 329, Appendix 2, parts II and III). To add one: a file of its own with check, call
 * and result, a line in booking_private.h, a row here, its types in schemas/, its function in sql/api/.
 */
#include "booking_private.h"
#include "bounds.h"
#include "check.h"

#include <string.h>

const struct booking_op booking_ops[BOOKING_METHOD_COUNT] = {
    [BOOKING_GET_SLOTS] = {"getSlots", false, true, true, get_slots_check, get_slots_call, get_slots_result},
    [BOOKING_BOOK] = {"book", true, true, false, book_check, book_call, book_result},
    [BOOKING_GET_BOOKING_STATUS] = {"getBookingStatus", false, true, false, NULL, get_booking_status_call,
                                    get_booking_status_result},
    [BOOKING_CANCEL_BOOKING] = {"cancelBooking", true, true, false, NULL, cancel_booking_call, cancel_booking_result},
    [BOOKING_GET_REFS_LIST] = {"getRefsList", false, true, false, NULL, get_refs_list_call, get_refs_list_result},
    [BOOKING_GET_REF_ATTRIBUTES_LIST] = {"getRefAttributesList", false, true, true, NULL, get_ref_attributes_list_call,
                                         get_ref_attributes_list_result},
    [BOOKING_GET_REF_ITEMS_LIST] = {"getRefItemsList", false, true, true, get_ref_items_list_check,
                                    get_ref_items_list_call, get_ref_items_list_result},
    /* By the order ours to call at the portal; served where the configuration says so (A2). */
    [BOOKING_UPDATE_BOOKING_DETAILS] = {"updateBookingDetails", true, false, false, update_booking_details_check,
                                        update_booking_details_call, update_booking_details_result},
};

const struct booking_op *booking_op_by_name(const char *name, enum booking_method *method)
{
    for (unsigned i = 0; name != NULL && i < BOOKING_METHOD_COUNT; i++) {
        if (strcmp(booking_ops[i].name, name) != 0)
            continue;
        if (method != NULL)
            *method = (enum booking_method)i;
        return &booking_ops[i];
    }
    return NULL;
}

void booking_check(const struct booking_request *r, struct field_errors *f, struct arena *a)
{
    bounds_check(r, f);
    check_book_id(r, f);
    check_fields(shape_of_request(r->method), r, f);
    if (booking_ops[r->method].check != NULL)
        booking_ops[r->method].check(r, f, a);
}
