/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * urn://smev-gov-ru/xmldsig/transform (recommendations for SMEV 3, rules 1 to 9): comments, processing instructions and
 * blank text go, prefixes are numbered anew in document order, attributes are sorted, and text is escaped the way the
 * writer of the reference implementation does it. Works on text that is well formed already; needs no parser's tree.
 *
 * Every signed octet comes through here, so it is one pass that copies in runs; what a namespace's number is is
 * remembered with the declaration it was asked by.
 */
#include "ascii.h"
#include "smev.h"
#include "smev_prefixes.h"
#include "smev_text.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX  256
#define FEW_SORTED 16 /* attributes that are sorted by hand: they are nearly in order */

struct start_attribute {
    struct span prefix, local, value; /* value: decoded */
    bool is_plain;                    /* nothing in it is escaped */
    struct ns_binding *ns;            /* NULL: in no namespace */
    size_t number;
};

struct open_element {
    struct span qname; /* as the input has it */
    size_t local_at;   /* of the local name in it */
    size_t number;     /* which of the issued prefixes is its own */
    struct smev_prefixes_mark before;
};

struct transform {
    struct arena *arena;
    struct error *e;
    const char *p, *end;
    struct buf *out;
    struct smev_prefixes prefixes;
    struct start_attribute *attrs;
    size_t nattrs, attrs_cap;
    size_t depth;
    bool seen_root;
    struct open_element stack[DEPTH_MAX];
};

static enum err malformed(struct transform *t)
{
    return error_set(t->e, ERR_MALFORMED, "the SMEV transform was given text that is not canonical XML");
}

/* ---- start tags, read ---- */

/* A name, and where its local part begins. */
static struct span read_name(struct transform *t, size_t *local_at)
{
    const char *start = t->p, *p = t->p, *colon = NULL;
    for (; p < t->end && !smev_text_is(*p, SMEV_ENDS_NAME); p++)
        if (*p == ':' && !colon)
            colon = p;
    t->p = p;
    *local_at = colon ? (size_t)(colon - start) + 1 : 0;
    return (struct span){start, (size_t)(p - start)};
}

static struct span prefix_of(struct span qname, size_t local_at)
{
    return (struct span){qname.p, local_at ? local_at - 1 : 0};
}

static struct span local_of(struct span qname, size_t local_at)
{
    return (struct span){qname.p + local_at, qname.n - local_at};
}

static void skip_spaces(struct transform *t)
{
    while (t->p < t->end && ascii_is_blank(*t->p))
        t->p++;
}

/* What stands between quotes, decoded. */
static enum err read_value(struct transform *t, struct span *value, bool *is_plain)
{
    skip_spaces(t);
    if (t->p >= t->end || *t->p++ != '=')
        return malformed(t);
    skip_spaces(t);
    if (t->p >= t->end || (*t->p != '"' && *t->p != '\''))
        return malformed(t);
    char quote = *t->p++;
    const char *p = t->p;
    unsigned seen = 0;
    for (; p < t->end && *p != quote; p++)
        seen |= smev_text_class(*p);
    if (p == t->end)
        return malformed(t);
    *value = (struct span){t->p, (size_t)(p - t->p)};
    *is_plain = !(seen & SMEV_ESCAPED_IN_VALUE);
    t->p = p + 1;
    return *is_plain || smev_text_decode(t->arena, *value, value) ? ERR_OK : malformed(t);
}

static struct start_attribute *new_attribute(struct transform *t)
{
    if (t->nattrs == t->attrs_cap) {
        size_t cap = t->attrs_cap ? t->attrs_cap * 2 : 16;
        struct start_attribute *bigger = arena_array(t->arena, cap, sizeof *bigger);
        if (t->nattrs)
            memcpy(bigger, t->attrs, t->nattrs * sizeof *bigger);
        t->attrs = bigger;
        t->attrs_cap = cap;
    }
    return &t->attrs[t->nattrs++];
}

static enum err read_attribute(struct transform *t)
{
    size_t local_at;
    struct span qname = read_name(t, &local_at), value;
    bool is_plain = false;
    if (!qname.n)
        return malformed(t);
    enum err err = read_value(t, &value, &is_plain);
    if (err)
        return err;
    struct span prefix = prefix_of(qname, local_at), local = local_of(qname, local_at);
    if (span_is(qname, "xmlns"))
        smev_prefixes_bind(&t->prefixes, (struct span){"", 0}, value);
    else if (prefix.n == 5 && span_is(prefix, "xmlns"))
        smev_prefixes_bind(&t->prefixes, local, value);
    else
        *new_attribute(t) = (struct start_attribute){prefix, local, value, is_plain, NULL, 0};
    return ERR_OK;
}

/* ---- attributes, in order ---- */

static int compare_attributes(const void *l, const void *r)
{
    const struct start_attribute *a = l, *b = r;
    if (!a->ns != !b->ns)
        return a->ns ? -1 : 1;
    int c = a->ns ? smev_text_compare(a->ns->uri, b->ns->uri) : 0;
    return c ? c : smev_text_compare(a->local, b->local);
}

static void sort_attributes(struct start_attribute *attrs, size_t n)
{
    if (n > FEW_SORTED) {
        qsort(attrs, n, sizeof *attrs, compare_attributes);
        return;
    }
    for (size_t i = 1; i < n; i++)
        for (size_t j = i; j > 0 && compare_attributes(&attrs[j - 1], &attrs[j]) > 0; j--) {
            struct start_attribute other = attrs[j];
            attrs[j] = attrs[j - 1];
            attrs[j - 1] = other;
        }
}

static enum err resolve_attributes(struct transform *t)
{
    for (size_t i = 0; i < t->nattrs; i++) {
        struct start_attribute *attr = &t->attrs[i];
        if (!attr->prefix.n)
            continue;
        attr->ns = smev_prefixes_find(&t->prefixes, attr->prefix);
        if (!attr->ns)
            return error_set(t->e, ERR_SECURITY, "the SMEV transform has no form for an attribute with prefix %.*s",
                             (int)attr->prefix.n, attr->prefix.p);
    }
    if (t->nattrs > 1)
        sort_attributes(t->attrs, t->nattrs);
    return ERR_OK;
}

/* ---- tags, written ---- */

static void write_attributes(struct transform *t)
{
    for (size_t i = 0; i < t->nattrs; i++) /* all that is declared stands before them */
        if (t->attrs[i].ns)
            t->attrs[i].number = smev_prefixes_use(&t->prefixes, t->attrs[i].ns, t->out);
    for (size_t i = 0; i < t->nattrs; i++) {
        const struct start_attribute *attr = &t->attrs[i];
        const struct issued *prefix = attr->ns ? &t->prefixes.issued[attr->number] : NULL;
        char *to = buf_room(t->out, (prefix ? prefix->n : 0) + attr->local.n + 4);
        *to++ = ' ';
        if (prefix)
            to = smev_text_put(to, prefix->text, prefix->n);
        to = smev_text_put(to, attr->local.p, attr->local.n);
        to = smev_text_put(to, "=\"", 2);
        buf_taken(t->out, to);
        if (attr->is_plain)
            buf_add_span(t->out, attr->value);
        else
            smev_text_write_attr(t->out, attr->value);
        buf_add_char(t->out, '"');
    }
}

static void write_tag(struct transform *t, const char *opening, size_t opening_n, const struct open_element *element)
{
    const struct issued *prefix = &t->prefixes.issued[element->number];
    struct span local = local_of(element->qname, element->local_at);
    char *to = buf_room(t->out, opening_n + prefix->n + local.n);
    to = smev_text_put(to, opening, opening_n);
    to = smev_text_put(to, prefix->text, prefix->n);
    buf_taken(t->out, smev_text_put(to, local.p, local.n));
}

static void close_element(struct transform *t)
{
    const struct open_element *element = &t->stack[--t->depth];
    write_tag(t, "</", 2, element);
    buf_add_char(t->out, '>');
    smev_prefixes_leave(&t->prefixes, element->before);
}

/* ---- elements ---- */

static enum err read_attributes(struct transform *t)
{
    for (t->nattrs = 0;;) {
        skip_spaces(t);
        if (t->p >= t->end)
            return malformed(t);
        if (*t->p == '>' || *t->p == '/')
            return ERR_OK;
        enum err err = read_attribute(t);
        if (err)
            return err;
    }
}

static enum err read_start_tag(struct transform *t)
{
    if (t->depth == DEPTH_MAX)
        return error_set(t->e, ERR_LIMIT, "elements nested too deep");
    if (t->depth == 0 && t->seen_root)
        return malformed(t);
    t->seen_root = true;
    t->p++;
    struct open_element *element = &t->stack[t->depth];
    element->before = smev_prefixes_enter(&t->prefixes);
    element->qname = read_name(t, &element->local_at);
    enum err err = read_attributes(t);
    if (err)
        return err;
    bool is_empty = *t->p == '/';
    t->p += is_empty ? 2 : 1;
    if (t->p > t->end || t->p[-1] != '>' || element->qname.n == element->local_at)
        return malformed(t);
    struct ns_binding *ns = smev_prefixes_find(&t->prefixes, prefix_of(element->qname, element->local_at));
    if (!ns)
        return error_set(t->e, ERR_SECURITY, "the SMEV transform has no form for an element without namespace");
    if (t->nattrs)
        err = resolve_attributes(t);
    if (err)
        return err;
    bool is_new = smev_prefixes_number(&t->prefixes, ns, &element->number);
    write_tag(t, "<", 1, element);
    if (is_new)
        smev_prefixes_declare(&t->prefixes, element->number, t->out);
    if (t->nattrs)
        write_attributes(t);
    buf_add_char(t->out, '>');
    t->depth++;
    if (is_empty)
        close_element(t);
    return ERR_OK;
}

static enum err read_end_tag(struct transform *t)
{
    if (t->depth == 0)
        return malformed(t);
    struct span name = t->stack[t->depth - 1].qname;
    t->p += strlen("</");
    size_t left = (size_t)(t->end - t->p);
    const char *stop = left > name.n && t->p[name.n] == '>' && memcmp(t->p, name.p, name.n) == 0
                           ? t->p + name.n
                           : memchr(t->p, '>', left); /* there may be blanks */
    if (!stop)
        return malformed(t);
    t->p = stop + 1;
    close_element(t);
    return ERR_OK;
}

/* ---- what is between tags ---- */

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
    const char *p = t->p;
    unsigned seen = 0;
    for (; p < t->end && *p != '<'; p++)
        seen |= smev_text_class(*p);
    struct span text = {t->p, (size_t)(p - t->p)};
    bool is_plain = !(seen & SMEV_ESCAPED_IN_TEXT);
    t->p = p;
    if (!is_plain && !smev_text_decode(t->arena, text, &text))
        return malformed(t);
    if (is_blank_text(text))
        return ERR_OK;
    if (t->depth == 0)
        return malformed(t);
    if (is_plain)
        buf_add_span(t->out, text);
    else
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

static enum err read_no_element(struct transform *t)
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
    return error_set(t->e, ERR_DOCTYPE, "DOCTYPE in front of the SMEV transform");
}

static enum err read_markup(struct transform *t)
{
    char kind = t->p + 1 < t->end ? t->p[1] : '\0';
    if (kind == '/')
        return read_end_tag(t);
    return kind == '!' || kind == '?' ? read_no_element(t) : read_start_tag(t);
}

enum err smev_transform(struct arena *a, struct span octets, struct buf *out, struct error *e)
{
    struct transform *t = arena_room(a, sizeof *t);
    memset(t, 0, offsetof(struct transform, stack));
    t->arena = a;
    t->out = out;
    t->e = e;
    t->p = octets.p;
    t->end = octets.p + octets.n;
    t->prefixes.arena = a;
    while (t->p < t->end) {
        enum err err = *t->p == '<' ? read_markup(t) : read_text(t);
        if (err)
            return err;
    }
    return t->depth || !t->seen_root ? malformed(t) : ERR_OK;
}
