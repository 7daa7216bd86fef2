/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* A list of what was found about parties, and its words. */
#include "request.h"

#include <string.h>

const char *const finding_words[] = {"good", "soon", "warn", "BAD"};
const char *const finding_abouts[] = {"agency", "sender", "trust", "listener"};

void findings_add(struct arena *a, struct findings *f, struct finding item)
{
    if (f->n == f->room) {
        unsigned room = f->room * 2 + 16;
        struct finding *more = arena_array(a, room, sizeof *more);
        if (f->n > 0)
            memcpy(more, f->items, f->n * sizeof *more);
        f->items = more;
        f->room = room;
    }
    f->items[f->n++] = item;
}
