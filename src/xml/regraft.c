/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Taking the children of one element into a document of their own. The names they use stay bound as they were: what
 * the lost ancestors declared is declared again on the new root, under the same prefixes, so that even prefixes in
 * content (xsi:type) keep their meaning.
 *
 * libxml2's own xmlReconciliateNs() invents prefixes and looks each namespace up in a growing list; this is one pass
 * with at most as many look-ups as prefixes in scope.
 */
#include "xml_private.h"

#include <string.h>

/* One declaration of a lost ancestor, and what stands for it now. */
struct binding {
    const xmlNs *old;
    xmlNs *kept; /* on the new root; NULL: on each child, since the root uses the prefix itself */
};

struct bindings {
    struct binding *items;
    size_t n;
};

static bool is_same_prefix(const xmlChar *a, const xmlChar *b)
{
    return xmlStrEqual(a, b) != 0;
}

static bool is_shadowed(const struct bindings *b, const xmlChar *prefix)
{
    for (size_t i = 0; i < b->n; i++)
        if (is_same_prefix(b->items[i].old->prefix, prefix))
            return true;
    return false;
}

/* All that is in scope at n, nearest first. */
static struct bindings bindings_of(struct arena *a, const xmlNode *n)
{
    size_t max = 0;
    for (const xmlNode *up = n; up != NULL && up->type == XML_ELEMENT_NODE; up = up->parent)
        for (const xmlNs *ns = up->nsDef; ns != NULL; ns = ns->next)
            max++;
    struct bindings b = {.items = arena_array(a, max + 1, sizeof(struct binding))};
    for (const xmlNode *up = n; up != NULL && up->type == XML_ELEMENT_NODE; up = up->parent)
        for (const xmlNs *ns = up->nsDef; ns != NULL; ns = ns->next)
            if (!is_shadowed(&b, ns->prefix))
                b.items[b.n++].old = ns;
    return b;
}

static void bindings_declare(struct bindings *b, xmlNode *root)
{
    for (size_t i = 0; i < b->n; i++) {
        const xmlNs *old = b->items[i].old;
        if (old->href == NULL || *old->href == '\0')
            continue; /* xmlns="": nothing is bound at the root either */
        if (root->ns->prefix != NULL && is_same_prefix(old->prefix, root->ns->prefix))
            b->items[i].kept = xmlStrEqual(old->href, root->ns->href) ? root->ns : NULL;
        else
            b->items[i].kept = xmlNewNs(root, old->href, old->prefix);
    }
}

/* The namespace a moved element or attribute has from now on; top: the moved child of the root it is in. */
static xmlNs *rebind(const struct bindings *b, xmlNode *top, xmlNs *old)
{
    if (old == NULL)
        return NULL;
    if (old->prefix != NULL && strcmp(text_of(old->prefix), "xml") == 0)
        return xmlSearchNs(top->doc, top, old->prefix); /* each document has its own */
    for (size_t i = 0; i < b->n; i++) {
        if (b->items[i].old != old)
            continue;
        if (b->items[i].kept != NULL)
            return b->items[i].kept;
        for (xmlNs *ns = top->nsDef; ns != NULL; ns = ns->next)
            if (is_same_prefix(ns->prefix, old->prefix))
                return ns;
        return xmlNewNs(top, old->href, old->prefix);
    }
    return old; /* declared below, and moved along */
}

static void rebind_tree(const struct bindings *b, xmlNode *top)
{
    struct xml_node *at = node_as(top);
    for (; at != NULL; at = xml_walk(node_as(top), at)) {
        xmlNode *n = node_of_mutable(at);
        n->ns = rebind(b, top, n->ns);
        for (xmlAttr *attr = n->properties; attr != NULL; attr = attr->next)
            attr->ns = rebind(b, top, attr->ns);
    }
}

enum err xml_regraft(struct arena *a, struct xml_node *content, const char *ns, const char *local, struct xml_doc **out,
                     struct error *e)
{
    struct xml_doc *doc;
    enum err err = xml_build(a, content, ns, local, &doc, e);
    if (err != ERR_OK)
        return err;
    xmlNode *root = node_of_mutable(xml_root(doc));
    struct bindings bindings = bindings_of(a, node_of(content));
    bindings_declare(&bindings, root);
    struct xml_node *next;
    for (struct xml_node *child = xml_first(content, NULL, NULL); child != NULL; child = next) {
        next = xml_next(child, NULL, NULL);
        xmlNode *moved = node_of_mutable(child);
        xmlUnlinkNode(moved);
        xmlAddChild(root, moved);
        rebind_tree(&bindings, moved);
    }
    *out = doc;
    return ERR_OK;
}
