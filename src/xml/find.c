/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Finding one's way in a document, and reading names and values. Never changes a document and never recurses: the
 * stack does not depend on what was sent. Values are copied into the caller's arena.
 */
#include "chars.h"
#include "xml_private.h"

#include <string.h>

static bool is_same(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool is_match(const xmlNode *n, const char *ns, const char *local)
{
    if (n->type != XML_ELEMENT_NODE || (local != NULL && strcmp(text_of(n->name), local) != 0))
        return false;
    return ns == NULL || (n->ns != NULL && is_same(text_of(n->ns->href), ns));
}

static struct xml_node *match_from(xmlNode *n, const char *ns, const char *local)
{
    while (n != NULL && !is_match(n, ns, local))
        n = n->next;
    return node_as(n);
}

struct xml_node *xml_root(struct xml_doc *doc)
{
    return node_as(xmlDocGetRootElement((const xmlDoc *)doc));
}

struct xml_node *xml_first(struct xml_node *parent, const char *ns, const char *local)
{
    return parent == NULL ? NULL : match_from(node_of_mutable(parent)->children, ns, local);
}

struct xml_node *xml_next(struct xml_node *node, const char *ns, const char *local)
{
    return node == NULL ? NULL : match_from(node_of_mutable(node)->next, ns, local);
}

struct xml_node *xml_parent(struct xml_node *node)
{
    xmlNode *parent = node_of_mutable(node)->parent;
    return parent != NULL && parent->type == XML_ELEMENT_NODE ? node_as(parent) : NULL;
}

/* The next node of any kind in document order below top. */
static xmlNode *step(const xmlNode *top, xmlNode *at)
{
    if (at->children != NULL && at->type == XML_ELEMENT_NODE)
        return at->children;
    while (at != top && at->next == NULL)
        at = at->parent;
    return at == top ? NULL : at->next;
}

struct xml_node *xml_walk(struct xml_node *top, struct xml_node *at)
{
    xmlNode *n = step(node_of(top), node_of_mutable(at));
    while (n != NULL && n->type != XML_ELEMENT_NODE)
        n = step(node_of(top), n);
    return node_as(n);
}

unsigned xml_count(struct xml_node *parent, const char *ns, const char *local)
{
    unsigned n = 0;
    for (struct xml_node *child = xml_first(parent, ns, local); child != NULL; child = xml_next(child, ns, local))
        n++;
    return n;
}

bool xml_is(const struct xml_node *node, const char *ns, const char *local)
{
    return node != NULL && is_match(node_of(node), ns, local);
}

const char *xml_local(const struct xml_node *node)
{
    return text_of(node_of(node)->name);
}

/* xmlns="" leaves a namespace with an empty name behind: none, for us. */
static const char *name_of_ns(const xmlNs *ns)
{
    return ns == NULL || ns->href == NULL || *ns->href == '\0' ? NULL : text_of(ns->href);
}

const char *xml_ns(const struct xml_node *node)
{
    return name_of_ns(node_of(node)->ns);
}

const char *xml_prefix(const struct xml_node *node)
{
    const xmlNs *ns = node_of(node)->ns;
    return ns == NULL ? NULL : text_of(ns->prefix);
}

/* ---- attributes ---- */

static const char *attr_value(struct arena *a, const xmlAttr *attr)
{
    const xmlNode *text = attr->children;
    if (text == NULL)
        return "";
    if (text->next == NULL && text->type == XML_TEXT_NODE)
        return arena_strdup(a, text_of(text->content));
    xmlChar *whole = xmlNodeGetContent((const xmlNode *)attr);
    const char *copy = arena_strdup(a, whole == NULL ? "" : text_of(whole));
    xmlFree(whole);
    return copy;
}

const char *xml_attr(struct arena *a, const struct xml_node *node, const char *ns, const char *local)
{
    for (const xmlAttr *attr = node_of(node)->properties; attr != NULL; attr = attr->next)
        if (strcmp(text_of(attr->name), local) == 0 && is_same(name_of_ns(attr->ns), ns))
            return attr_value(a, attr);
    return NULL;
}

void xml_each_attr(const struct xml_node *node,
                   bool (*fn)(void *arg, const char *ns, const char *local, const char *value), void *arg)
{
    bool goes_on = true;
    for (const xmlAttr *attr = node_of(node)->properties; attr != NULL && goes_on; attr = attr->next) {
        xmlChar *value = xmlNodeGetContent((const xmlNode *)attr);
        goes_on = fn(arg, name_of_ns(attr->ns), text_of(attr->name), value == NULL ? "" : text_of(value));
        xmlFree(value);
    }
}

/* ---- text ---- */

static bool is_text(const xmlNode *n)
{
    return n->type == XML_TEXT_NODE || n->type == XML_CDATA_SECTION_NODE;
}

const char *xml_text(struct arena *a, const struct xml_node *node)
{
    struct buf all;
    buf_init(&all, a, 0);
    for (const xmlNode *n = node_of(node)->children; n != NULL; n = n->next) {
        if (!is_text(n))
            return NULL;
        if (n->content != NULL)
            buf_add_str(&all, text_of(n->content));
    }
    return all.n == 0 ? "" : all.p;
}

const char *xml_own_text(struct arena *a, const struct xml_node *node)
{
    struct buf all;
    buf_init(&all, a, 0);
    for (const xmlNode *n = node_of(node)->children; n != NULL; n = n->next)
        if (is_text(n) && n->content != NULL)
            buf_add_str(&all, text_of(n->content));
    return all.n == 0 ? "" : all.p;
}

const char *xml_peek_text(struct arena *a, const struct xml_node *node)
{
    const xmlNode *only = node_of(node)->children;
    if (only != NULL && only->next == NULL && is_text(only) && only->content != NULL)
        return text_of(only->content);
    return xml_own_text(a, node);
}

static bool is_blank(const xmlChar *s)
{
    while (s != NULL && xml_is_blank(*s))
        s++;
    return s == NULL || *s == '\0';
}

bool xml_has_stray_text(const struct xml_node *node)
{
    for (const xmlNode *n = node_of(node)->children; n != NULL; n = n->next) {
        if (n->type == XML_ELEMENT_NODE)
            continue;
        if (n->type != XML_TEXT_NODE || !is_blank(n->content))
            return true;
    }
    return false;
}

bool xml_has_words(const struct xml_node *node)
{
    for (const xmlNode *n = node_of(node)->children; n != NULL; n = n->next)
        if (n->type == XML_CDATA_SECTION_NODE || (n->type == XML_TEXT_NODE && !is_blank(n->content)))
            return true;
    return false;
}

bool xml_has_comments(const struct xml_node *node)
{
    const xmlNode *top = node_of(node);
    for (xmlNode *n = top->children; n != NULL; n = step(top, n))
        if (n->type == XML_COMMENT_NODE)
            return true;
    return false;
}

long xml_line(const struct xml_node *node)
{
    return xmlGetLineNo(node_of(node));
}
