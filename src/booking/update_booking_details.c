/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * updateBookingDetails (item 17): by the order the agency calls it at the portal; some portals call it here as well
 * (A2). This version knows its shape and its field rules only: booking_op_by_name() does not offer it.
 */
#include "check.h"
#include "op.h"

#include <string.h>

/* The statuses item 17 lists; the agency's own digits may follow (Appendix 1, note 2). */
static bool is_known_status(const char *code)
{
    static const char *const known[] = {"201", "202", "203", "205", "206", "207", "208", "301", "302"};
    size_t n = strlen(code);
    if (!text_is_digits(code) || n < 3 || n > 9)
        return false;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strncmp(code, known[i], 3) == 0)
            return true;
    }
    return false;
}

void update_booking_details_check(const struct booking_request *r, struct field_errors *f, struct arena *a)
{
    (void)a;
    check_book_key(r, f);
    if (r->timeslot != NULL && r->timeslot->slot_id == NULL)
        field_errors_add(f, "slotId", 1, FIELD_REQUIRED);
    if (r->status_code == NULL)
        field_errors_add(f, "status", 1, FIELD_REQUIRED);
    else if (!is_known_status(r->status_code)) /* A25: the words of Appendix 1, note 3 */
        field_errors_add(f, "status", 1, "Данный статус заявления не поддерживается в текущей версии");
}
