/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* getRefsList (item 22): which reference books there are. No parameters. */
#include "booking_private.h"
#include "call.h"
#include "reply.h"

struct db_call get_refs_list_call(const struct booking_request *r, const struct booking_message *m,
                                  const struct field_errors *bad, struct arena *a)
{
    (void)r;
    (void)bad;
    struct call *c = call_new(a);
    call_add_text(c, m->recipient_code);
    return call_end(c, "select * from api.get_refs_list($1::text)");
}

enum err get_refs_list_result(const struct booking_request *r, const struct db_result *res, struct booking_reply *out,
                              struct arena *a, struct error *e)
{
    reply_begin(r, out, a);
    out->error_message = reply_error_text(0);
    int name = db_column(res, "name"), title = db_column(res, "title"), kind = db_column(res, "kind");
    unsigned n = db_rows(res);
    out->refs = arena_array(a, n, sizeof *out->refs);
    for (unsigned row = 0; row < n; row++) {
        struct ref_info *info = &out->refs[out->nrefs++];
        *info = (struct ref_info){reply_text(a, res, row, name), reply_text(a, res, row, title),
                                  reply_text(a, res, row, kind)};
        if (info->name == NULL || info->kind == NULL)
            return error_set(e, ERR_INTERNAL, "a reference book without name or kind");
    }
    return reply_end(out, e);
}
