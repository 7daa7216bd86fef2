/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Every value of a bound request, as text: two readings that bound the same are told by it. Driven by the table of
 * fields. */
#pragma once

#include "booking_fields.h"
#include "buf.h"
#include "soap.h"

#include <string.h>

static inline void bound_text(struct buf *b, const char *s)
{
    buf_printf(b, "%s|", s == NULL ? "~" : s);
}

static inline void bound_struct(struct buf *b, const struct shape *shape, const char *base);

/* Of a predicate its kind is not a field. */
static inline void bound_predicate(struct buf *b, const struct predicate *p)
{
    buf_printf(b, "(%d ", (int)p->kind);
    bound_text(b, p->attribute_name);
    bound_text(b, p->condition);
    bound_text(b, p->value);
    bound_text(b, p->union_kind);
    buf_printf(b, "%d", p->check_all_values);
    for (unsigned i = 0; i < p->nsubs; i++)
        bound_predicate(b, &p->subs[i]);
    buf_add_str(b, ")");
}

static inline void bound_part(struct buf *b, const struct shape *shape, const char *base)
{
    if (base == NULL)
        buf_add_str(b, "-|");
    else if (shape == &shape_Predicate)
        bound_predicate(b, (const struct predicate *)(const void *)base);
    else
        bound_struct(b, shape, base);
}

static inline void bound_field(struct buf *b, const struct field *c, const char *base)
{
    const void *at = base + c->offset;
    const struct strings *list = at;
    const struct attributes *items = at;
    switch (c->place) {
    case FIELD_TEXT:
    case FIELD_EITHER:
        bound_text(b, *(const char *const *)at);
        break;
    case FIELD_FLAG:
        bound_text(b, *(const bool *)at ? "yes" : "no");
        break;
    case FIELD_LIST:
    case FIELD_ONE:
        for (unsigned i = 0; i < list->n; i++)
            bound_text(b, list->items[i]);
        buf_printf(b, "%u|", list->n);
        break;
    case FIELD_PART:
        bound_part(b, c->shape, *(const char *const *)at);
        break;
    case FIELD_SAME:
        bound_struct(b, c->shape, base);
        break;
    case FIELD_INSIDE:
        for (unsigned i = 0; i < items->n; i++) {
            bound_text(b, items->items[i].name);
            bound_text(b, items->items[i].value);
        }
        break;
    case FIELD_ITEMS: /* of attributes: above; of predicates: by themselves */
        break;
    }
}

static inline void bound_struct(struct buf *b, const struct shape *shape, const char *base)
{
    for (unsigned i = 0; i < shape->n; i++)
        bound_field(b, &shape->fields[i], base);
}

/* What the binding makes of canonical octets; NULL: they do not fit. Kept in a. */
static inline const char *bound_request(struct arena *a, enum booking_method method, struct span octets)
{
    struct booking_request r;
    struct error e = {.code = ERR_OK};
    struct buf b;
    buf_init(&b, a, 1024);
    if (soap_bind_request(a, method, octets, &r, &e) != ERR_OK)
        return NULL;
    bound_struct(&b, shape_of_request(method), (const char *)&r);
    return b.p == NULL ? "" : b.p;
}
