/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * getRefItemsList (item 24; A12 to A20): items of a reference book, flat or as a tree, by page, in order, whole or as
 * the changes since a version. SQL answers in document order with depths; here the rows become a tree.
 */
#include "booking_private.h"
#include "call.h"
#include "check.h"
#include "reply.h"

#include <string.h>

#define PAGE_MAX          2000000000
#define ITEMS_MAX_DEFAULT 10000
#define DEPTH_MAX         32 /* of the answer's tree; the schema of a book is far shallower */

static void check_page(const char *value, const char *field, struct field_errors *f)
{
    if (value != NULL && !text_is_digits(value))
        field_errors_add(f, field, 1, "Указывается целым числом, 0 или больше");
}

void get_ref_items_list_check(const struct booking_request *r, struct field_errors *f, struct arena *a)
{
    (void)a;
    check_page(r->page_num, "pageNum", f);
    check_page(r->page_size, "pageSize", f);
    check_filter(r, f);
}

struct db_call get_ref_items_list_call(const struct booking_request *r, const struct booking_message *m,
                                       const struct field_errors *bad, struct arena *a)
{
    (void)bad;
    struct call *c = call_new(a);
    call_add_text(c, m->recipient_code);
    call_add_text(c, r->ref_names.n == 1 ? r->ref_names.items[0] : NULL);
    call_add_text(c, r->parent_ref_item_value);
    call_add_text(c, r->tree_filtering);
    call_add_list(c, &r->select_attributes);
    call_add_list(c, &r->order_by);
    call_add_text(c, text_integer(a, r->page_num, PAGE_MAX));
    call_add_text(c, text_integer(a, r->page_size, PAGE_MAX));
    call_add_text(c, r->version);
    call_add_filter(c, r->filter);
    call_add_bool(c, r->in_any_case);
    call_add_text(c, arena_printf(a, "%u", m->ref_items_max == 0 ? ITEMS_MAX_DEFAULT : m->ref_items_max));
    return call_end(c, "select * from api.get_ref_items_list($1::text, $2::text, $3::text, $4::text, $5::text[], "
                       "$6::text[], $7::int, $8::int, $9::text, $10::jsonb, $11::boolean, $12::int)");
}

struct items {
    const struct db_result *res;
    struct arena *arena;
    int kind, depth, parent_item, names, values;
    unsigned rows;
    int *depths; /* of each row; -1: not an item */
};

static enum err read_attributes(const struct items *in, unsigned row, struct attributes *out, struct error *e)
{
    const char **names = NULL, **values = NULL;
    unsigned nnames = 0, nvalues = 0;
    const char *names_text = db_text(in->res, row, in->names), *values_text = db_text(in->res, row, in->values);
    if (names_text == NULL || values_text == NULL)
        return error_set(e, ERR_INTERNAL, "an item without attributes");
    enum err err = db_parse_text_array(in->arena, names_text, &names, &nnames, e);
    if (err == ERR_OK)
        err = db_parse_text_array(in->arena, values_text, &values, &nvalues, e);
    if (err != ERR_OK)
        return err;
    if (nnames != nvalues)
        return error_set(e, ERR_INTERNAL, "an item with %u names and %u values", nnames, nvalues);
    out->items = arena_array(in->arena, nnames, sizeof *out->items);
    for (unsigned i = 0; i < nnames; i++) {
        if (names[i] != NULL && values[i] != NULL) /* an attribute without a value is left out */
            out->items[out->n++] = (struct attribute){names[i], values[i]};
    }
    return ERR_OK;
}

/* The rows from *row on that stand at this depth, each with its subtree; leaves *row at the first row above. */
static enum err read_level(const struct items *in, unsigned *row, int depth, struct ref_item **items, unsigned *n,
                           struct error *e)
{
    unsigned end = *row, count = 0;
    for (; end < in->rows && in->depths[end] >= depth; end++)
        count += in->depths[end] == depth;
    *items = arena_array(in->arena, count, sizeof **items);
    *n = 0;
    while (*row < end) {
        if (in->depths[*row] != depth)
            return error_set(e, ERR_INTERNAL, "an item at depth %d without a parent", in->depths[*row]);
        struct ref_item *item = &(*items)[(*n)++];
        item->parent_item = reply_text(in->arena, in->res, *row, in->parent_item);
        enum err err = read_attributes(in, *row, &item->attributes, e);
        ++*row;
        if (err == ERR_OK && *row < end && in->depths[*row] > depth)
            err = read_level(in, row, depth + 1, &item->children, &item->nchildren, e);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}

static enum err read_items(struct items *in, unsigned row, struct booking_reply *out, struct error *e)
{
    for (unsigned i = row; i < in->rows; i++) {
        const char *kind = db_text(in->res, i, in->kind);
        int64_t depth = 0;
        if (kind == NULL || strcmp(kind, "item") != 0)
            return error_set(e, ERR_INTERNAL, "a row of unknown kind from SQL");
        enum err err = db_int(in->res, i, in->depth, &depth, e);
        if (err != ERR_OK)
            return err;
        if (depth < 0 || depth > DEPTH_MAX)
            return error_set(e, ERR_INTERNAL, "an item at depth %lld", (long long)depth);
        in->depths[i] = (int)depth;
    }
    return read_level(in, &row, 0, &out->items, &out->nitems, e);
}

enum err get_ref_items_list_result(const struct booking_request *r, const struct db_result *res,
                                   struct booking_reply *out, struct arena *a, struct error *e)
{
    struct items in = {.res = res,
                       .arena = a,
                       .kind = db_column(res, "kind"),
                       .depth = db_column(res, "depth"),
                       .parent_item = db_column(res, "parent_item"),
                       .names = db_column(res, "names"),
                       .values = db_column(res, "values"),
                       .rows = db_rows(res)};
    reply_begin(r, out, a);
    const char *first = in.rows == 0 || in.kind < 0 ? NULL : db_text(res, 0, in.kind);
    if (first == NULL || strcmp(first, "answer") != 0)
        return error_set(e, ERR_INTERNAL, "no answer row from SQL");
    enum err err = reply_read_answer(res, 0, out, a, e);
    out->total_items = reply_text(a, res, 0, db_column(res, "total_items"));
    out->version = reply_text(a, res, 0, db_column(res, "version"));
    out->is_respelled = db_text(res, 0, in.parent_item) != NULL;
    unsigned row = 1;
    for (; row < in.rows && err == ERR_OK && text_is(db_text(res, row, in.kind), "field"); row++)
        err = reply_read_field(res, row, out, a, e);
    in.depths = arena_array(a, in.rows, sizeof *in.depths);
    if (err == ERR_OK)
        err = read_items(&in, row, out, e);
    return err != ERR_OK ? err : reply_end(out, e);
}
