/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* cancelBooking (item 21; A26 to A28). */
#include "booking_private.h"
#include "call.h"
#include "reply.h"

struct db_call cancel_booking_call(const struct booking_request *r, const struct booking_message *m,
                                   const struct field_errors *bad, struct arena *a)
{
    struct call *c = call_new(a);
    call_add_message(c, m);
    call_add_text(c, r->book_id);
    call_add_text(c, r->esia_id);
    call_add_fields(c, bad);
    return call_end(c, "select * from api.cancel_booking(" CALL_MESSAGE ", $16::text, $17::text, $18::text[])");
}

enum err cancel_booking_result(const struct booking_request *r, const struct db_result *res, struct booking_reply *out,
                               struct arena *a, struct error *e)
{
    reply_begin(r, out, a);
    enum err err = reply_read_rows(res, out, a, e);
    out->nslots = 0; /* the answer has no place for them */
    return err;
}
