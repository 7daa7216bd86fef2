/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Field errors (order 329, Appendix 2, item 3): all bad fields of a request are collected, each once (M10). */
#include "booking.h"

#include <string.h>

static bool is_generic(const char *message)
{
    return message == NULL || strcmp(message, FIELD_BAD_VALUE) == 0;
}

void field_errors_add(struct field_errors *f, const char *field, int code, const char *message)
{
    for (unsigned i = 0; i < f->n; i++) {
        struct field_error *known = &f->items[i];
        if (known->code != code || strcmp(known->field, field) != 0)
            continue;
        if (is_generic(known->message) && message != NULL)
            known->message = message;
        return;
    }
    if (f->n == f->cap) {
        unsigned cap = f->cap == 0 ? 8 : f->cap * 2;
        struct field_error *items = arena_array(f->arena, cap, sizeof *items);
        if (f->n > 0)
            memcpy(items, f->items, f->n * sizeof *items);
        f->items = items;
        f->cap = cap;
    }
    /* The name may be gone with whoever told it: a schema check reads it out of a passing text. */
    f->items[f->n++] = (struct field_error){arena_strdup(f->arena, field), code, message};
}

void field_errors_beyond(struct field_errors *f, const char *field, const char *message)
{
    f->is_beyond = true;
    field_errors_add(f, field, 1, message);
}

bool field_errors_name(const struct field_errors *f, const char *field)
{
    for (unsigned i = 0; f != NULL && i < f->n; i++)
        if (strcmp(f->items[i].field, field) == 0)
            return true;
    return false;
}
