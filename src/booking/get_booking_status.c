/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* getBookingStatus (item 20). An unknown bookId and somebody else's look alike (A26), which is api's business. */
#include "booking_private.h"
#include "call.h"
#include "reply.h"

struct db_call get_booking_status_call(const struct booking_request *r, const struct booking_message *m,
                                       const struct field_errors *bad, struct arena *a)
{
    (void)bad;
    struct call *c = call_new(a);
    call_add_text(c, m->recipient_code);
    call_add_text(c, r->book_id);
    call_add_text(c, r->esia_id);
    return call_end(c, "select * from api.get_booking_status($1::text, $2::text, $3::text)");
}

enum err get_booking_status_result(const struct booking_request *r, const struct db_result *res,
                                   struct booking_reply *out, struct arena *a, struct error *e)
{
    reply_begin(r, out, a);
    return reply_read_rows(res, out, a, e);
}
