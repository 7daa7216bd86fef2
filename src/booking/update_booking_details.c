/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * updateBookingDetails (item 17): by the order the agency calls it at the portal; some portals call it here as well
 * (A2). Whether that is served, a listener of the configuration says. What the portal may say of which booking is
 * api.update_booking_details'; here stand the fields by themselves.
 */
#include "booking_private.h"
#include "call.h"
#include "check.h"
#include "reply.h"

#include <string.h>

#define BLIND_REQUEST    "blind_request"
#define DURATION_MAX_MIN 1000000 /* no visit is that long; this only keeps it an integer */

/* The statuses item 17 lists, and 303, whose initiator the portal may be (Appendix 1); the agency's own digits may
 * follow (Appendix 1, note 2). */
static bool is_known_status(const char *code)
{
    static const char *const known[] = {"201", "202", "203", "205", "206", "207", "208", "301", "302", "303"};
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
    if (r->timeslot != NULL && r->timeslot->slot_id == NULL)
        field_errors_add(f, "slotId", 1, FIELD_REQUIRED);
    else if (r->timeslot != NULL && text_is(r->timeslot->slot_id, BLIND_REQUEST))
        field_errors_add(f, "slotId", 1, "Требуется определённый интервал времени");
    if (r->status_code == NULL)
        field_errors_add(f, "status", 1, FIELD_REQUIRED);
    else if (!is_known_status(r->status_code)) /* A25: the words of Appendix 1, note 3 */
        field_errors_add(f, "status", 1, "Данный статус заявления не поддерживается в текущей версии");
}

struct db_call update_booking_details_call(const struct booking_request *r, const struct booking_message *m,
                                           const struct field_errors *bad, struct arena *a)
{
    static const struct time_slot none = {0};
    const struct time_slot *slot = r->timeslot == NULL ? &none : r->timeslot;
    struct call *c = call_new(a);
    call_add_message(c, m);
    call_add_text(c, r->book_id);
    call_add_text(c, r->esia_id);
    call_add_text(c, slot->slot_id);
    call_add_text(c, slot->organization_id);
    call_add_text(c, slot->area_id);
    call_add_text(c, slot->service_id);
    call_add_text(c, slot->visit_time);
    call_add_text(c, text_integer(a, slot->duration, DURATION_MAX_MIN));
    call_add_text(c, r->status_code);
    call_add_text(c, r->status_message);
    call_add_fields(c, bad);
    call_add_named_services(c, &slot->attributes);
    return call_end(
        c, "select * from api.update_booking_details(" CALL_MESSAGE ", $16::text, $17::text, $18::text, "
           "$19::text, $20::text, $21::text, $22::text, $23::int, $24::text, $25::text, $26::text[], $27::text[])");
}

enum err update_booking_details_result(const struct booking_request *r, const struct db_result *res,
                                       struct booking_reply *out, struct arena *a, struct error *e)
{
    reply_begin(r, out, a);
    enum err err = reply_read_rows(res, out, a, e);
    out->nslots = 0;                               /* item 17: the answer has no place for them, */
    out->status_code = out->status_message = NULL; /* nor for a status */
    return err;
}
