/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* getSlots (item 18): free intervals. A visitor who has not signed in may look: esiaId may be empty here (A10). */
#include "booking_private.h"
#include "call.h"
#include "check.h"
#include "listing.h"
#include "reply.h"

#include <string.h>
#include <strings.h>

#define SERVICE_ID_BYTES  400 /* of 100 characters (data.service) */
#define SLOTS_MAX_DEFAULT 20000

void get_slots_check(const struct booking_request *r, struct field_errors *f, struct arena *a)
{
    (void)a;
    check_applicant(r, f);
    check_filter(r, f);
}

/* The portal names the service among the attributes as well; which of the values are services is known to SQL. */
static void add_named_services(struct call *c, const struct booking_request *r, struct arena *a)
{
    struct strings named = {arena_array(a, r->attributes.n + 1, sizeof *named.items), 0};
    for (unsigned i = 0; i < r->attributes.n; i++) {
        const struct attribute *attribute = &r->attributes.items[i];
        if (attribute->name != NULL && attribute->value != NULL && strcasecmp(attribute->name, "serviceId") == 0 &&
            strlen(attribute->value) <= SERVICE_ID_BYTES)
            named.items[named.n++] = attribute->value;
    }
    call_add_list(c, &named);
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
    add_named_services(c, r, a);
    return call_end(c, "select * from api.get_slots($1::text, $2::text[], $3::text[], $4::text[], $5::text, $6::text, "
                       "$7::text, $8::int, $9::jsonb, $10::text, $11::text[])");
}

enum err get_slots_result(const struct booking_request *r, const struct db_result *res, struct booking_reply *out,
                          struct arena *a, struct error *e)
{
    reply_begin(r, out, a);
    return listing_read(res, out, a, e);
}
