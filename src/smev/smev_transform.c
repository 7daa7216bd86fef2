/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * urn://smev-gov-ru/xmldsig/transform (recommendations for SMEV 3, rules 1 to 9): comments, processing instructions and
 * blank text go, prefixes are numbered anew in document order, attributes are sorted, and text is escaped the way the
 * writer of the reference implementation does it. Works on text that is well formed already; needs no parser's tree.
 */
#include "ascii.h"
#include "smev.h"
#include "smev_text.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 256

struct ns_binding { /* of the input: prefix to URI */
    struct span prefix, uri;
};

struct start_attribute {
    struct span prefix, local, ns, value; /* value: decoded */
};

struct open_element {
    struct span local;
    unsigned number;           /* its prefix is ns<number> */
    size_t nbindings, nissued; /* how many there were before it */
};

struct issued { /* of the output: URI to number */
    struct span uri;
    unsigned number;
};

struct transform {
    struct arena *arena;
    struct buf *out;
    struct error *e;
    const char *p, *end;
    struct ns_binding *bindings;
    size_t nbindings, bindings_cap;
    struct issued *issued;
    size_t nissued, issued_cap;
    struct start_attribute *attrs;
    size_t nattrs, attrs_cap;
    struct open_element stack[DEPTH_MAX];
    size_t depth;
    unsigned last_number;
    bool seen_root;
};

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

static enum err malformed(struct transform *t)
{
    return error_set(t->e, ERR_MALFORMED, "the SMEV transform was given text that is not canonical XML");
}

/* ---- namespaces ---- */

static bool find_namespace(const struct transform *t, struct span prefix, struct span *out)
{
    for (size_t i = t->nbindings; i-- > 0;) {
        if (span_equals(t->bindings[i].prefix, prefix)) {
            *out = t->bindings[i].uri;
            return out->n > 0;
        }
    }
    return false;
}

static unsigned find_number(const struct transform *t, struct span uri)
{
    for (size_t i = t->nissued; i-- > 0;) {
        if (span_equals(t->issued[i].uri, uri))
            return t->issued[i].number;
    }
    return 0;
}

/* The number of a namespace; declares it on the element being written when it is not in scope. */
static unsigned use_namespace(struct transform *t, struct span uri, struct buf *declarations)
{
    unsigned number = find_number(t, uri);
    if (number)
        return number;
    number = ++t->last_number;
    t->issued = grow(t->arena, t->issued, t->nissued, &t->issued_cap, sizeof *t->issued);
    t->issued[t->nissued++] = (struct issued){uri, number};
    buf_printf(declarations, " xmlns:ns%u=\"", number);
    smev_text_write_attr(declarations, uri);
    buf_add_char(declarations, '"');
    return number;
}

static int compare_attributes(const void *l, const void *r)
{
    const struct start_attribute *a = l, *b = r;
    if (!a->ns.n != !b->ns.n)
        return a->ns.n ? -1 : 1;
    int c = smev_text_compare(a->ns, b->ns);
    return c ? c : smev_text_compare(a->local, b->local);
}

/* ---- reading ---- */

static struct span read_name(struct transform *t)
{
    const char *start = t->p;
    while (t->p < t->end && !ascii_is_blank(*t->p) && !strchr("/>=<\"'&", *t->p))
        t->p++;
    return (struct span){start, (size_t)(t->p - start)};
}

static void split_name(struct span qname, struct span *prefix, struct span *local)
{
    const char *colon = qname.n ? memchr(qname.p, ':', qname.n) : NULL;
    *prefix = colon ? (struct span){qname.p, (size_t)(colon - qname.p)} : (struct span){"", 0};
    *local = colon ? (struct span){colon + 1, qname.n - prefix->n - 1} : qname;
}

static void skip_spaces(struct transform *t)
{
    while (t->p < t->end && ascii_is_blank(*t->p))
        t->p++;
}

static enum err read_attribute(struct transform *t)
{
    struct span qname = read_name(t), raw, value;
    skip_spaces(t);
    if (!qname.n || t->p >= t->end || *t->p++ != '=')
        return malformed(t);
    skip_spaces(t);
    if (t->p >= t->end || (*t->p != '"' && *t->p != '\''))
        return malformed(t);
    char quote = *t->p++;
    const char *stop = memchr(t->p, quote, (size_t)(t->end - t->p));
    if (!stop)
        return malformed(t);
    raw = (struct span){t->p, (size_t)(stop - t->p)};
    t->p = stop + 1;
    if (!smev_text_decode(t->arena, raw, &value))
        return malformed(t);

    struct span prefix, local;
    split_name(qname, &prefix, &local);
    if (span_is(prefix, "xmlns") || span_is(qname, "xmlns")) {
        struct span bound = span_is(qname, "xmlns") ? (struct span){"", 0} : local;
        t->bindings = grow(t->arena, t->bindings, t->nbindings, &t->bindings_cap, sizeof *t->bindings);
        t->bindings[t->nbindings++] = (struct ns_binding){bound, value};
        return ERR_OK;
    }
    t->attrs = grow(t->arena, t->attrs, t->nattrs, &t->attrs_cap, sizeof *t->attrs);
    t->attrs[t->nattrs++] = (struct start_attribute){prefix, local, {NULL, 0}, value};
    return ERR_OK;
}

static enum err resolve_attributes(struct transform *t)
{
    for (size_t i = 0; i < t->nattrs; i++) {
        struct start_attribute *attr = &t->attrs[i];
        if (attr->prefix.n && !find_namespace(t, attr->prefix, &attr->ns))
            return error_set(t->e, ERR_SECURITY, "the SMEV transform has no form for an attribute with prefix %.*s",
                             (int)attr->prefix.n, attr->prefix.p);
    }
    if (t->nattrs)
        qsort(t->attrs, t->nattrs, sizeof *t->attrs, compare_attributes);
    return ERR_OK;
}

static void write_start_tag(struct transform *t, struct span local, struct span ns, struct open_element *element)
{
    struct buf declarations, attributes;
    buf_init(&declarations, t->arena, 128);
    buf_init(&attributes, t->arena, 128);
    element->number = use_namespace(t, ns, &declarations);
    for (size_t i = 0; i < t->nattrs; i++) {
        const struct start_attribute *attr = &t->attrs[i];
        buf_add_char(&attributes, ' ');
        if (attr->ns.n)
            buf_printf(&attributes, "ns%u:", use_namespace(t, attr->ns, &declarations));
        buf_add_span(&attributes, attr->local);
        buf_add_str(&attributes, "=\"");
        smev_text_write_attr(&attributes, attr->value);
        buf_add_char(&attributes, '"');
    }
    buf_printf(t->out, "<ns%u:", element->number);
    buf_add_span(t->out, local);
    buf_add_span(t->out, buf_span(&declarations));
    buf_add_span(t->out, buf_span(&attributes));
    buf_add_char(t->out, '>');
}

static void close_element(struct transform *t)
{
    const struct open_element *element = &t->stack[--t->depth];
    buf_printf(t->out, "</ns%u:", element->number);
    buf_add_span(t->out, element->local);
    buf_add_char(t->out, '>');
    t->nbindings = element->nbindings;
    t->nissued = element->nissued;
}

static enum err read_start_tag(struct transform *t)
{
    if (t->depth == DEPTH_MAX)
        return error_set(t->e, ERR_LIMIT, "elements nested too deep");
    if (t->depth == 0 && t->seen_root)
        return malformed(t);
    t->seen_root = true;
    t->p++;
    struct span prefix, local, ns;
    split_name(read_name(t), &prefix, &local);
    struct open_element *element = &t->stack[t->depth];
    *element = (struct open_element){local, 0, t->nbindings, t->nissued};
    t->nattrs = 0;
    for (;;) {
        skip_spaces(t);
        if (t->p >= t->end)
            return malformed(t);
        if (*t->p == '>' || *t->p == '/')
            break;
        enum err err = read_attribute(t);
        if (err)
            return err;
    }
    bool is_empty = *t->p == '/';
    t->p += is_empty ? 2 : 1;
    if (t->p > t->end || t->p[-1] != '>' || !local.n)
        return malformed(t);
    if (!find_namespace(t, prefix, &ns))
        return error_set(t->e, ERR_SECURITY, "the SMEV transform has no form for an element without namespace");
    enum err err = resolve_attributes(t);
    if (err)
        return err;
    write_start_tag(t, local, ns, element);
    t->depth++;
    if (is_empty)
        close_element(t);
    return ERR_OK;
}

static enum err read_end_tag(struct transform *t)
{
    const char *stop = memchr(t->p, '>', (size_t)(t->end - t->p));
    if (!stop || t->depth == 0)
        return malformed(t);
    t->p = stop + 1;
    close_element(t);
    return ERR_OK;
}

static bool is_blank_text(struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] > 0x20)
            return false;
    }
    return true;
}

static enum err read_text(struct transform *t)
{
    const char *stop = memchr(t->p, '<', (size_t)(t->end - t->p));
    stop = stop ? stop : t->end;
    struct span text;
    if (!smev_text_decode(t->arena, (struct span){t->p, (size_t)(stop - t->p)}, &text))
        return malformed(t);
    t->p = stop;
    if (is_blank_text(text))
        return ERR_OK;
    if (t->depth == 0)
        return malformed(t);
    smev_text_write(t->out, text);
    return ERR_OK;
}

static bool at(const struct transform *t, const char *what)
{
    size_t n = strlen(what);
    return (size_t)(t->end - t->p) >= n && memcmp(t->p, what, n) == 0;
}

/* Moves behind the next `what`; false when there is none. */
static bool skip_past(struct transform *t, const char *what)
{
    const char *found = memmem(t->p, (size_t)(t->end - t->p), what, strlen(what));
    if (found)
        t->p = found + strlen(what);
    return found != NULL;
}

static enum err read_markup(struct transform *t)
{
    if (at(t, "<!--"))
        return skip_past(t, "-->") ? ERR_OK : malformed(t);
    if (at(t, "<?"))
        return skip_past(t, "?>") ? ERR_OK : malformed(t);
    if (at(t, "<![CDATA[")) { /* exclusive C14N leaves none; the reference writer keeps them */
        const char *start = t->p;
        if (!skip_past(t, "]]>") || t->depth == 0)
            return malformed(t);
        buf_add(t->out, start, (size_t)(t->p - start));
        return ERR_OK;
    }
    if (at(t, "<!"))
        return error_set(t->e, ERR_DOCTYPE, "DOCTYPE in front of the SMEV transform");
    return at(t, "</") ? read_end_tag(t) : read_start_tag(t);
}

enum err smev_transform(struct arena *a, struct span octets, struct buf *out, struct error *e)
{
    struct transform *t = arena_alloc(a, sizeof *t);
    t->arena = a;
    t->out = out;
    t->e = e;
    t->p = octets.p;
    t->end = octets.p + octets.n;
    while (t->p < t->end) {
        enum err err = *t->p == '<' ? read_markup(t) : read_text(t);
        if (err)
            return err;
    }
    return t->depth || !t->seen_root ? malformed(t) : ERR_OK;
}
