/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Prefixes of the SMEV 3 transform. Few are in scope at once: they are searched from the innermost one. */
#include "smev_prefixes.h"

#include "smev_text.h"

#include <string.h>

static void *grow(struct arena *a, void *items, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return items;
    size_t wanted = *cap ? *cap * 2 : 16;
    void *bigger = arena_array(a, wanted, size);
    if (n)
        memcpy(bigger, items, n * size);
    *cap = wanted;
    return bigger;
}

struct smev_prefixes_mark smev_prefixes_enter(const struct smev_prefixes *p)
{
    return (struct smev_prefixes_mark){p->nbindings, p->nissued};
}

void smev_prefixes_leave(struct smev_prefixes *p, struct smev_prefixes_mark mark)
{
    p->nbindings = mark.nbindings;
    p->nissued = mark.nissued;
}

void smev_prefixes_bind(struct smev_prefixes *p, struct span prefix, struct span uri)
{
    p->bindings = grow(p->arena, p->bindings, p->nbindings, &p->bindings_cap, sizeof *p->bindings);
    p->bindings[p->nbindings++] = (struct ns_binding){prefix, uri, 0, 0};
}

struct ns_binding *smev_prefixes_find(struct smev_prefixes *p, struct span prefix)
{
    for (size_t i = p->nbindings; i-- > 0;) {
        struct ns_binding *b = &p->bindings[i];
        if (b->prefix.n == prefix.n && memcmp(b->prefix.p, prefix.p, prefix.n) == 0)
            return b->uri.n ? b : NULL;
    }
    return NULL;
}

static struct issued issue(struct span uri, unsigned id)
{
    struct issued it = {.uri = uri, .id = id};
    char digits[10];
    size_t n = 0;
    for (unsigned left = id; left; left /= 10)
        digits[n++] = (char)('0' + left % 10);
    it.text[it.n++] = 'n';
    it.text[it.n++] = 's';
    while (n)
        it.text[it.n++] = digits[--n];
    it.text[it.n++] = ':';
    return it;
}

bool smev_prefixes_number(struct smev_prefixes *p, struct ns_binding *ns, size_t *number)
{
    bool is_known = ns->id && ns->number < p->nissued && p->issued[ns->number].id == ns->id;
    for (size_t i = is_known ? 0 : p->nissued; i-- > 0 && !is_known;) { /* under another prefix, maybe */
        is_known = span_equals(p->issued[i].uri, ns->uri);
        if (is_known)
            ns->number = i;
    }
    if (!is_known) {
        p->issued = grow(p->arena, p->issued, p->nissued, &p->issued_cap, sizeof *p->issued);
        ns->number = p->nissued++;
        p->issued[ns->number] = issue(ns->uri, ++p->last_id);
    }
    ns->id = p->issued[ns->number].id;
    *number = ns->number;
    return !is_known;
}

void smev_prefixes_declare(const struct smev_prefixes *p, size_t number, struct buf *out)
{
    const struct issued *it = &p->issued[number];
    buf_add_str(out, " xmlns:");
    buf_add(out, it->text, it->n - 1);
    buf_add_str(out, "=\"");
    smev_text_write_attr(out, it->uri);
    buf_add_char(out, '"');
}

size_t smev_prefixes_use(struct smev_prefixes *p, struct ns_binding *ns, struct buf *out)
{
    size_t number;
    if (smev_prefixes_number(p, ns, &number))
        smev_prefixes_declare(p, number, out);
    return number;
}
