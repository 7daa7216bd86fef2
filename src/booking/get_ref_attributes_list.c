/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* getRefAttributesList (item 23): what the items of the named reference books consist of. */
#include "booking_private.h"
#include "call.h"
#include "reply.h"

#include <string.h>

struct db_call get_ref_attributes_list_call(const struct booking_request *r, const struct booking_message *m,
                                            const struct field_errors *bad, struct arena *a)
{
    (void)bad;
    struct call *c = call_new(a);
    call_add_text(c, m->recipient_code);
    call_add_list(c, &r->ref_names);
    call_add_bool(c, r->in_any_case);
    return call_end(c, "select * from api.get_ref_attributes_list($1::text, $2::text[], $3::boolean)");
}

static enum err read_attribute(const struct db_result *res, unsigned row, struct ref_attribute_info *out,
                               struct arena *a, struct error *e)
{
    const char *allow = db_text(res, row, db_column(res, "allow_filtering"));
    *out = (struct ref_attribute_info){
        .ref_name = reply_text(a, res, row, db_column(res, "ref_name")),
        .name = reply_text(a, res, row, db_column(res, "name")),
        .title = reply_text(a, res, row, db_column(res, "title")),
        .type = reply_text(a, res, row, db_column(res, "type")),
        .attr_ref_name = reply_text(a, res, row, db_column(res, "attr_ref_name")),
        .allow_filtering = allow != NULL && strcmp(allow, "t") == 0,
    };
    if (out->ref_name == NULL || out->name == NULL || out->type == NULL)
        return error_set(e, ERR_INTERNAL, "an attribute without book, name or type");
    return ERR_OK;
}

enum err get_ref_attributes_list_result(const struct booking_request *r, const struct db_result *res,
                                        struct booking_reply *out, struct arena *a, struct error *e)
{
    reply_begin(r, out, a);
    unsigned n = db_rows(res);
    int kind_col = db_column(res, "kind");
    const char *first = n == 0 || kind_col < 0 ? NULL : db_text(res, 0, kind_col);
    if (first == NULL || strcmp(first, "answer") != 0)
        return error_set(e, ERR_INTERNAL, "no answer row from SQL");
    enum err err = reply_read_answer(res, 0, out, a, e);
    out->is_respelled = db_text(res, 0, db_column(res, "ref_name")) != NULL;
    out->ref_attributes = arena_array(a, n, sizeof *out->ref_attributes);
    for (unsigned row = 1; row < n && err == ERR_OK; row++) {
        const char *kind = db_text(res, row, kind_col);
        if (kind != NULL && strcmp(kind, "field") == 0)
            err = reply_read_field(res, row, out, a, e);
        else if (kind != NULL && strcmp(kind, "attribute") == 0)
            err = read_attribute(res, row, &out->ref_attributes[out->nref_attributes++], a, e);
        else
            err = error_set(e, ERR_INTERNAL, "a row of unknown kind from SQL");
    }
    return err != ERR_OK ? err : reply_end(out, e);
}
