/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Order 329 wants all wrong fields in one answer (Appendix 2, item 1), but libxml2 looks at nothing behind the first
 * child that does not fit. So an invalid document is copied, and in the copy the children of every element are put
 * right: empty elements stand in for the missing ones, those that do not belong there are taken out. Such a copy is
 * looked at to its end.
 *
 * What was taken out but has a place somewhere in its parent (an element given twice, or too late) may hold wrong
 * fields of its own: it gets a document in which it stands alone, with nothing but stand-ins around it.
 *
 * Each element is in one of the documents only, and their number is bounded.
 */
#include "schema.h"

#include <string.h>

#define DOCS_MAX     16
/* Steps of playing: far more than a message of the service needs, a few milliseconds at the most. */
#define REPAIR_STEPS 200000

struct schema_repair {
    struct arena *arena;
    const struct xml_schema *schema;
    schema_tell_fn fn;
    void *arg;
    struct schema_play play;
    xmlDoc *docs[DOCS_MAX];
    size_t n_docs, n_given;
};

static char ours; /* its address marks our elements */

bool schema_repair_is_ours(const xmlNode *n)
{
    return n->_private == &ours;
}

/* NULL when there are enough of them. */
static xmlDoc *doc_add(struct schema_repair *r, const xmlDoc *beside)
{
    if (r->n_docs == DOCS_MAX)
        return NULL;
    xmlDoc *doc = xml_doc_beside(beside);
    if (doc == NULL)
        return NULL;
    arena_defer(r->arena, xml_doc_cleanup, doc);
    r->docs[r->n_docs++] = doc;
    return doc;
}

/* ---- putting in ---- */

static xmlNode *stand_in_new(xmlDoc *doc, const xmlChar *token)
{
    const char *bar = strchr(text_of(token), '|');
    xmlNode *n = xmlNewDocNode(doc, NULL, token, NULL);
    if (n == NULL)
        return NULL;
    if (bar != NULL) {
        xmlChar *local = xmlStrndup(token, (int)(bar - text_of(token)));
        xmlNodeSetName(n, local);
        xmlFree(local);
        n->ns = xmlNewNs(n, XML_CHARS(bar + 1), NULL);
    }
    n->_private = &ours;
    return n;
}

static void on_missing(void *arg, xmlNode *parent, xmlNode *next, const xmlChar *token, bool is_choice)
{
    struct schema_repair *r = arg;
    xmlNode *n = stand_in_new(parent->doc, token);
    if (n == NULL)
        return;
    if (!schema_repair_is_ours(parent)) /* a choice has no name of its own */
        r->fn(r->arg, text_of(is_choice ? parent->name : n->name), !is_choice, "is missing", parent->line);
    if (next != NULL)
        xmlAddPrevSibling(next, n);
    else
        xmlAddChild(parent, n);
}

/* ---- taking out ---- */

/* A document of empty ancestors down to the element, which goes into it. */
static void set_apart(struct schema_repair *r, xmlNode *parent, xmlNode *element)
{
    xmlDoc *doc = doc_add(r, parent->doc);
    if (doc == NULL) {
        xmlFreeNode(element);
        return;
    }
    xmlNode *top = element;
    for (const xmlNode *up = parent; up != NULL && up->type == XML_ELEMENT_NODE; up = up->parent) {
        xmlNode *n =
            xmlNewDocNode(doc, up->ns, up->name, NULL); /* the namespace is freed with its own document, later */
        if (n == NULL)
            break;
        n->_private = &ours;
        xmlAddChild(n, top);
        top = n;
    }
    xmlDocSetRootElement(doc, top);
}

static void on_unexpected(void *arg, xmlNode *child, bool is_known)
{
    struct schema_repair *r = arg;
    xmlNode *parent = child->parent;
    bool is_apart = schema_repair_is_ours(parent);
    if (!is_apart)
        r->fn(r->arg, text_of(child->name), false, "is not expected here", child->line);
    xmlUnlinkNode(child);
    if (is_known && !is_apart && xml_first(node_as(child), NULL, NULL) != NULL)
        set_apart(r, parent, child);
    else
        xmlFreeNode(child);
}

/* ---- the documents ---- */

struct schema_repair *schema_repair_new(const struct xml_schema *s, const xmlDoc *doc, schema_tell_fn fn, void *arg)
{
    struct arena *a = arena_new();
    struct schema_repair *r = arena_alloc(a, sizeof *r);
    *r = (struct schema_repair){.arena = a, .schema = s, .fn = fn, .arg = arg};
    r->play = (struct schema_play){
        .budget = REPAIR_STEPS, .on_missing = on_missing, .on_unexpected = on_unexpected, .arg = r};
    xmlDoc *copy = doc_add(r, doc);
    xmlNode *root = copy == NULL ? NULL : xmlDocCopyNode(xmlDocGetRootElement(doc), copy, 1);
    if (root == NULL) {
        arena_free(a);
        return NULL;
    }
    xmlDocSetRootElement(copy, root);
    return r;
}

void schema_repair_free(struct schema_repair *r)
{
    if (r != NULL)
        arena_free(r->arena);
}

/* Nobody mends it any more: libxml2 need not stumble over it once more. The next element behind it. */
static struct xml_node *give_up(struct schema_repair *r, struct xml_node *root, xmlNode *n)
{
    if (!schema_repair_is_ours(n))
        r->fn(r->arg, text_of(n->name), false, "wrong elements inside", n->line);
    xmlFreeNodeList(n->children);
    n->children = n->last = NULL;
    struct xml_node *next = xml_walk(root, node_as(n));
    if (node_as(n) != root) {
        xmlUnlinkNode(n);
        xmlFreeNode(n);
    }
    return next;
}

xmlDoc *schema_repair_next(struct schema_repair *r)
{
    if (r->n_given == r->n_docs)
        return NULL;
    xmlDoc *doc = r->docs[r->n_given++];
    struct xml_node *root = node_as(xmlDocGetRootElement(doc));
    schema_play_root(r->schema, node_of_mutable(root));
    struct xml_node *at = root;
    while (at != NULL) {
        bool goes = schema_play_children(&r->play, node_of_mutable(at));
        at = goes ? xml_walk(root, at) : give_up(r, root, node_of_mutable(at));
    }
    return doc;
}
