/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Exclusive XML Canonicalization 1.0 of a sub-tree, without comments. Inclusive canonicalisation is not here on
 * purpose: its cost in libxml2 is the square of the declarations times the elements.
 *
 * The sub-tree is named by a visibility callback rather than a node set: the same octets, linear instead of quadratic.
 */
#include "xml_private.h"

#include <libxml/c14n.h>
#include <libxml/xmlIO.h>

/* Each listed prefix is looked up again at every element. */
#define PREFIXES_MAX 32

struct subtree {
    const xmlNode *top;
    const xmlNode *parent; /* asked of last, with the answer: siblings share it */
    bool parent_inside;
};

static bool is_inside(struct subtree *t, const xmlNode *n)
{
    if (n == t->top)
        return true;
    if (n == NULL || n->parent == NULL)
        return false;
    if (n->parent != t->parent) {
        t->parent = n->parent;
        const xmlNode *up = n->parent;
        while (up != NULL && up != t->top)
            up = up->parent;
        t->parent_inside = up != NULL;
    }
    return t->parent_inside;
}

/* Attributes and namespaces go with their element. A namespace is no xmlNode but for the type: never look deeper. */
static int is_visible(void *arg, xmlNodePtr node, xmlNodePtr parent)
{
    bool is_owned = node->type == XML_NAMESPACE_DECL || node->type == XML_ATTRIBUTE_NODE;
    return is_inside(arg, is_owned ? parent : node);
}

static int write_out(void *arg, const char *p, int n)
{
    buf_add(arg, p, (size_t)n);
    return n;
}

/* The same list in the type libxml2 asks for; "#default" is known to it by that name. */
static enum err copy_prefixes(const char *const *from, xmlChar *to[PREFIXES_MAX + 1], struct arena *a, struct error *e)
{
    unsigned n = 0;
    for (; from != NULL && from[n] != NULL; n++) {
        if (n == PREFIXES_MAX)
            return error_set(e, ERR_LIMIT, "more than %d prefixes in a PrefixList", PREFIXES_MAX);
        to[n] = (xmlChar *)arena_strdup(a, from[n]);
    }
    to[n] = NULL;
    return ERR_OK;
}

enum err xml_c14n(const struct xml_node *node, const char *const *inclusive_prefixes, struct buf *out, struct error *e)
{
    const xmlNode *top = node_of(node);
    struct subtree subtree = {.top = top};
    xmlChar *prefixes[PREFIXES_MAX + 1];
    size_t n_before = out->n;
    enum err rc = copy_prefixes(inclusive_prefixes, prefixes, out->arena, e);
    if (rc != ERR_OK)
        return rc;
    xmlOutputBufferPtr io = xmlOutputBufferCreateIO(write_out, NULL, out, NULL);
    if (io == NULL)
        return error_set(e, ERR_INTERNAL, "canonical form: out of memory");
    int written = xmlC14NExecute(top->doc, is_visible, &subtree, XML_C14N_EXCLUSIVE_1_0, prefixes, 0, io);
    int closed = xmlOutputBufferClose(io);
    if (written >= 0 && closed >= 0)
        return ERR_OK;
    out->n = n_before;
    return error_set(e, ERR_MALFORMED, "no canonical form: a relative namespace name, or the like");
}
