/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* getSlots (item 18): free intervals. A visitor who has not signed in may look: esiaId may be empty here (A10). */
#include "booking_private.h"
#include "call.h"
#include "check.h"
#include "listing.h"
#include "reply.h"

#define SLOTS_MAX_DEFAULT 20000

void get_slots_check(const struct booking_request *r, struct field_errors *f, struct arena *a)
{
    (void)a;
    check_applicant(r, f);
    check_filter(r, f);
}

struct db_call get_slots_call(const struct booking_request *r, const struct booking_message *m,
                              const struct field_errors *bad, struct arena *a)
{
    (void)bad; /* a read with bad fields is answered without asking */
    struct call *c = call_new(a);
    call_add_text(c, m->recipient_code);
    call_add_list(c, &r->organization_ids);
    call_add_list(c, &r->service_ids);
    call_add_list(c, &r->area_ids);
    call_add_text(c, r->user_type);
    call_add_text(c, r->user_kind);
    call_add_text(c, r->esia_id);
    call_add_text(c, arena_printf(a, "%u", m->slots_max == 0 ? SLOTS_MAX_DEFAULT : m->slots_max));
    call_add_filter(c, r->filter);
    call_add_text(c, m->channel);
    call_add_named_services(c, &r->attributes);
    return call_end(c, "select * from api.get_slots($1::text, $2::text[], $3::text[], $4::text[], $5::text, $6::text, "
                       "$7::text, $8::int, $9::jsonb, $10::text, $11::text[])");
}

enum err get_slots_result(const struct booking_request *r, const struct db_result *res, struct booking_reply *out,
                          struct arena *a, struct error *e)
{
    reply_begin(r, out, a);
    return listing_read(res, out, a, e);
}
