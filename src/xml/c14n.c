/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Exclusive XML Canonicalization 1.0 of a sub-tree, without comments: its sections 2 and 3, and sections 2.1 to 2.3
 * of Canonical XML 1.0. Inclusive canonicalisation is not here on purpose: nobody we talk to uses it.
 *
 * Of our own, and not xmlC14NExecute(): that one builds two lists for each element and asks back for every node whether
 * it is to be seen, and was a tenth of what a signed message costs (docs/decisions/0315-canonical-form.md). It is the
 * oracle of the test instead. One pass, no recursion.
 */
#include "xml_private.h"

#include <libxml/uri.h>

#include <stdlib.h>
#include <string.h>

/* Each listed prefix is looked up again at every element. */
#define PREFIXES_MAX   32
#define RENDERED_LEAST 32
#define ATTRS_LEAST    32
#define SORTED_BY_HAND 12

/* A namespace node that is written, on this element or above it. */
struct rendered {
    const char *prefix, *href; /* "": the default one; none */
    const xmlNode *owner;
};

struct writer {
    struct buf *out;
    const char *const *prefixes; /* that are treated as Canonical XML has it; NULL: none */
    struct rendered *rendered;
    size_t nrendered, rendered_cap;
    const xmlAttr **attrs; /* of one element, sorted */
    size_t attrs_cap;
};

static const char *text_or_empty(const xmlChar *s)
{
    return s == NULL ? "" : text_of(s);
}

static void *grown(struct arena *a, const void *items, size_t n, size_t size)
{
    void *bigger = arena_array(a, 2 * n, size);
    memcpy(bigger, items, n * size);
    return bigger;
}

/* ---- text ---- */

static const char *escape(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\t':
        return "&#x9;";
    case '\n':
        return "&#xA;";
    default:
        return "&#xD;";
    }
}

/* escaped: the bytes that are not written as they are; all of them are ASCII. */
static void write_text(struct buf *out, const char *s, const char *escaped)
{
    for (;;) {
        size_t n = strcspn(s, escaped);
        buf_add(out, s, n);
        s += n;
        if (*s == '\0')
            return;
        buf_add_str(out, escape(*s++));
    }
}

static void write_namespace_name(struct buf *out, const char *s)
{
    buf_add(out, "=\"", 2);
    write_text(out, s, "&<\"\t\n\r");
    buf_add_char(out, '"');
}

/* ---- namespaces ---- */

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Of the usual make, which needs no parser: urn:..., http://host/... of letters, digits and a few others. */
static bool is_plainly_absolute(const char *uri)
{
    const char *p = uri;
    while ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z'))
        p++;
    if (p == uri || *p++ != ':')
        return false;
    p += strncmp(p, "//", 2) == 0 ? 2 : 0;
    if (!is_alnum(*p))
        return false;
    while (is_alnum(*p) || *p == '/' || *p == '.' || *p == '-' || *p == '_')
        p++;
    return *p == '\0';
}

static bool is_relative(const xmlChar *href)
{
    if (href == NULL || *href == '\0' || is_plainly_absolute(text_of(href)))
        return false;
    xmlURI *uri = xmlParseURI(text_of(href));
    bool is = uri == NULL || uri->scheme == NULL;
    xmlFreeURI(uri);
    return is;
}

/* The next one in document order; NULL behind the last. */
static const xmlNode *step(const xmlNode *n)
{
    if (n->type == XML_ELEMENT_NODE && n->children != NULL)
        return n->children;
    while (n != NULL && n->next == NULL)
        n = n->parent;
    return n == NULL ? NULL : n->next;
}

/* Section 2.1 of Canonical XML: a document with a relative name has no canonical form, nor has any part of it. */
static bool has_relative_names(const xmlDoc *doc)
{
    for (const xmlNode *n = xmlDocGetRootElement(doc); n != NULL; n = step(n))
        for (const xmlNs *ns = n->type == XML_ELEMENT_NODE ? n->nsDef : NULL; ns != NULL; ns = ns->next)
            if (is_relative(ns->href))
                return true;
    return false;
}

/* A parser keeps each name once, so the same one mostly is the same pointer. */
static bool is_same_name(const char *a, const char *b)
{
    return a == b || strcmp(a, b) == 0;
}

/* Whether what is written already binds the prefix so; where nothing is, the default namespace is none. */
static bool is_rendered(const struct writer *w, const char *prefix, const char *href)
{
    for (size_t i = w->nrendered; i-- > 0;)
        if (is_same_name(w->rendered[i].prefix, prefix))
            return is_same_name(w->rendered[i].href, href);
    return *prefix == '\0' && *href == '\0';
}

static void use_namespace(struct writer *w, const xmlNode *owner, const xmlNs *ns)
{
    const char *prefix = ns == NULL ? "" : text_or_empty(ns->prefix), *href = ns == NULL ? "" : text_or_empty(ns->href);
    if (strcmp(prefix, "xml") == 0 || is_rendered(w, prefix, href))
        return;
    if (w->nrendered == w->rendered_cap) {
        w->rendered = grown(w->out->arena, w->rendered, w->nrendered, sizeof *w->rendered);
        w->rendered_cap *= 2;
    }
    w->rendered[w->nrendered++] = (struct rendered){prefix, href, owner};
}

static xmlNs *in_scope(const xmlNode *n, const char *prefix)
{
    return xmlSearchNs(n->doc, (xmlNode *)(uintptr_t)n, *prefix == '\0' ? NULL : XML_CHARS(prefix));
}

/* Section 3: those the element and its attributes use, and of the list those in scope. */
static void collect_namespaces(struct writer *w, const xmlNode *n)
{
    for (unsigned i = 0; w->prefixes != NULL && w->prefixes[i] != NULL; i++) {
        const char *prefix = strcmp(w->prefixes[i], "#default") == 0 ? "" : w->prefixes[i];
        const xmlNs *ns = in_scope(n, prefix);
        if (ns != NULL)
            use_namespace(w, n, ns);
    }
    use_namespace(w, n, n->ns != NULL ? n->ns : in_scope(n, ""));
    for (const xmlAttr *attr = n->properties; attr != NULL; attr = attr->next)
        if (attr->ns != NULL)
            use_namespace(w, n, attr->ns);
}

static void write_namespaces(struct writer *w, size_t first)
{
    struct rendered *r = w->rendered;
    for (size_t i = first + 1; i < w->nrendered; i++)
        for (size_t j = i; j > first && strcmp(r[j - 1].prefix, r[j].prefix) > 0; j--) {
            struct rendered swapped = r[j];
            r[j] = r[j - 1];
            r[j - 1] = swapped;
        }
    for (size_t i = first; i < w->nrendered; i++) {
        buf_add_str(w->out, *r[i].prefix == '\0' ? " xmlns" : " xmlns:");
        buf_add_str(w->out, r[i].prefix);
        write_namespace_name(w->out, r[i].href);
    }
}

/* ---- attributes ---- */

/* By the name of the namespace, those without one first; then by their own. */
static int compare_attrs(const void *left, const void *right)
{
    const xmlAttr *a = *(const xmlAttr *const *)left, *b = *(const xmlAttr *const *)right;
    if (a->ns != b->ns) {
        int c =
            strcmp(a->ns == NULL ? "" : text_or_empty(a->ns->href), b->ns == NULL ? "" : text_or_empty(b->ns->href));
        if (c != 0)
            return c;
    }
    return strcmp(text_of(a->name), text_of(b->name));
}

static size_t sort_attrs(struct writer *w, const xmlNode *n)
{
    size_t count = 0;
    for (const xmlAttr *attr = n->properties; attr != NULL; attr = attr->next) {
        if (count == w->attrs_cap) {
            w->attrs = grown(w->out->arena, w->attrs, count, sizeof *w->attrs);
            w->attrs_cap *= 2;
        }
        w->attrs[count++] = attr;
    }
    if (count > SORTED_BY_HAND) {
        qsort(w->attrs, count, sizeof *w->attrs, compare_attrs);
        return count;
    }
    for (size_t i = 1; i < count; i++)
        for (size_t j = i; j > 0 && compare_attrs(&w->attrs[j - 1], &w->attrs[j]) > 0; j--) {
            const xmlAttr *swapped = w->attrs[j];
            w->attrs[j] = w->attrs[j - 1];
            w->attrs[j - 1] = swapped;
        }
    return count;
}

static void write_name(struct buf *out, const xmlNs *ns, const xmlChar *name)
{
    if (ns != NULL && ns->prefix != NULL && *ns->prefix != '\0') {
        buf_add_str(out, text_of(ns->prefix));
        buf_add_char(out, ':');
    }
    buf_add_str(out, text_of(name));
}

/* False: a value holds something else than text. */
static bool write_attrs(struct writer *w, const xmlNode *n)
{
    size_t count = sort_attrs(w, n);
    for (size_t i = 0; i < count; i++) {
        const xmlAttr *attr = w->attrs[i];
        buf_add_char(w->out, ' ');
        write_name(w->out, attr->ns, attr->name);
        buf_add(w->out, "=\"", 2);
        for (const xmlNode *t = attr->children; t != NULL; t = t->next) {
            if (t->type != XML_TEXT_NODE)
                return false;
            write_text(w->out, text_or_empty(t->content), "&<\"\t\n\r");
        }
        buf_add_char(w->out, '"');
    }
    return true;
}

/* ---- nodes ---- */

static bool open_element(struct writer *w, const xmlNode *n)
{
    size_t first = w->nrendered;
    buf_add_char(w->out, '<');
    write_name(w->out, n->ns, n->name);
    collect_namespaces(w, n);
    write_namespaces(w, first);
    if (n->properties != NULL && !write_attrs(w, n))
        return false;
    buf_add_char(w->out, '>');
    return true;
}

static void close_element(struct writer *w, const xmlNode *n)
{
    buf_add(w->out, "</", 2);
    write_name(w->out, n->ns, n->name);
    buf_add_char(w->out, '>');
    while (w->nrendered > 0 && w->rendered[w->nrendered - 1].owner == n)
        w->nrendered--;
}

static void write_instruction(struct buf *out, const xmlNode *n)
{
    buf_add(out, "<?", 2);
    buf_add_str(out, text_of(n->name));
    if (n->content != NULL && *n->content != '\0') {
        buf_add_char(out, ' ');
        write_text(out, text_of(n->content), "\r");
    }
    buf_add(out, "?>", 2);
}

/* False: there is no canonical form of such a node. */
static bool write_node(struct writer *w, const xmlNode *n)
{
    switch (n->type) {
    case XML_ELEMENT_NODE:
        return open_element(w, n);
    case XML_TEXT_NODE:
    case XML_CDATA_SECTION_NODE:
        write_text(w->out, text_or_empty(n->content), "&<>\r");
        return true;
    case XML_PI_NODE:
        write_instruction(w->out, n);
        return true;
    case XML_COMMENT_NODE:
        return true;
    default:
        return false;
    }
}

static bool write_subtree(struct writer *w, const xmlNode *top)
{
    const xmlNode *n = top;
    while (write_node(w, n)) {
        if (n->type == XML_ELEMENT_NODE && n->children != NULL) {
            n = n->children;
            continue;
        }
        if (n->type == XML_ELEMENT_NODE)
            close_element(w, n);
        while (n != top && n->next == NULL) {
            n = n->parent;
            close_element(w, n);
        }
        if (n == top)
            return true;
        n = n->next;
    }
    return false;
}

enum err xml_c14n(const struct xml_node *node, const char *const *inclusive_prefixes, struct buf *out, struct error *e)
{
    struct rendered rendered[RENDERED_LEAST];
    const xmlAttr *attrs[ATTRS_LEAST];
    struct writer w = {.out = out,
                       .prefixes = inclusive_prefixes,
                       .rendered = rendered,
                       .rendered_cap = RENDERED_LEAST,
                       .attrs = attrs,
                       .attrs_cap = ATTRS_LEAST};
    size_t n_before = out->n;
    for (unsigned n = 0; inclusive_prefixes != NULL && inclusive_prefixes[n] != NULL; n++)
        if (n == PREFIXES_MAX)
            return error_set(e, ERR_LIMIT, "more than %d prefixes in a PrefixList", PREFIXES_MAX);
    if (!has_relative_names(node_of(node)->doc) && write_subtree(&w, node_of(node)))
        return ERR_OK;
    out->n = n_before;
    return error_set(e, ERR_MALFORMED, "no canonical form: a relative namespace name, or the like");
}
