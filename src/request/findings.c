/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* A list of what was found about parties, and its words. */
#include "request.h"

#include <string.h>

const char *const finding_words[] = {"good", "soon", "warn", "BAD"};
const char *const finding_abouts[] = {"agency", "sender", "trust", "listener", "official of smev3"};

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

const char *findings_kept(struct arena *a, const struct findings *all)
{
    const char *kept = NULL;
    const struct finding *last = NULL;
    for (unsigned i = 0; i < all->n; i++) {
        const struct finding *f = &all->items[i];
        if (!f->is_mistake || (last != NULL && last->about == f->about && strcmp(last->code, f->code) == 0))
            continue;
        last = f;
        kept =
            arena_printf(a, "%s%s%s %s%s", kept != NULL ? kept : "", kept != NULL ? ", " : "", finding_abouts[f->about],
                         f->code, f->is_stopped ? " (nothing was there before: nothing is signed by it)" : "");
    }
    return kept;
}
