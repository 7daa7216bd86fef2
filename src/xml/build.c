/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Documents made here, not parsed: what a reading writes anew need not become octets first. */
#include "xml_private.h"

#include <libxml/dict.h>

#include <limits.h>
#include <string.h>

#define ROOT_PREFIX "eq"

/* An empty document that shares the names of another one: nodes may go from this to that. NULL: out of memory. */
static xmlDoc *doc_beside(const xmlDoc *other)
{
    xmlDoc *doc = xmlNewDoc(XML_CHARS("1.0"));
    if (doc == NULL || other->dict == NULL)
        return doc;
    doc->dict = other->dict;
    xmlDictReference(doc->dict);
    return doc;
}

enum err xml_build(struct arena *a, const struct xml_node *beside, const char *ns, const char *local,
                   struct xml_doc **out, struct error *e)
{
    xmlDoc *doc = doc_beside(node_of(beside)->doc);
    if (doc == NULL)
        return error_set(e, ERR_INTERNAL, "document: out of memory");
    arena_defer(a, xml_doc_cleanup, doc);
    xmlNode *root = xmlNewDocNode(doc, NULL, XML_CHARS(local), NULL);
    if (root == NULL)
        return error_set(e, ERR_INTERNAL, "document: out of memory");
    xmlDocSetRootElement(doc, root);
    xmlSetNs(root, xmlNewNs(root, XML_CHARS(ns), XML_CHARS(ROOT_PREFIX)));
    if (root->ns == NULL)
        return error_set(e, ERR_INTERNAL, "document: out of memory");
    *out = (struct xml_doc *)doc;
    return ERR_OK;
}

struct xml_node *xml_add(struct xml_node *parent, const char *local, const char *text)
{
    size_t n = text == NULL ? 0 : strlen(text);
    if (parent == NULL || n > INT_MAX)
        return NULL;
    xmlNode *up = node_of_mutable(parent);
    xmlNode *node = xmlNewDocNode(up->doc, up->ns, XML_CHARS(local), NULL);
    if (node == NULL)
        return NULL;
    (void)xmlAddChild(up, node);
    if (n == 0)
        return node_as(node);
    xmlNode *words = xmlNewDocTextLen(up->doc, XML_CHARS(text), (int)n);
    if (words == NULL)
        return NULL;
    (void)xmlAddChild(node, words);
    return node_as(node);
}

struct xml_node *xml_enclose(struct xml_node *parent, const char *local)
{
    struct xml_node *inside = xml_add(parent, local, NULL), *next;
    if (inside == NULL)
        return NULL;
    for (struct xml_node *child = xml_first(parent, NULL, NULL); child != inside; child = next) {
        next = xml_next(child, NULL, NULL);
        xmlUnlinkNode(node_of_mutable(child));
        (void)xmlAddChild(node_of_mutable(inside), node_of_mutable(child));
    }
    return inside;
}

bool xml_put_text(struct xml_node *node, struct span text)
{
    xmlNode *n = node_of_mutable(node);
    xmlNode *words = text.n <= INT_MAX ? xmlNewDocTextLen(n->doc, XML_CHARS(text.p), (int)text.n) : NULL;
    if (words == NULL)
        return false;
    xmlFreeNodeList(n->children);
    n->children = n->last = words;
    words->parent = n;
    return true;
}

void xml_drop(struct xml_node *node)
{
    if (node == NULL)
        return;
    xmlUnlinkNode(node_of_mutable(node));
    xmlFreeNode(node_of_mutable(node));
}

void xml_drop_attr(struct xml_node *node, const char *ns, const char *local)
{
    xmlNode *n = node_of_mutable(node);
    xmlAttr *attr = xmlHasNsProp(n, XML_CHARS(local), XML_CHARS(ns));
    if (attr != NULL)
        (void)xmlRemoveProp(attr);
}

void xml_rename(struct xml_node *node, const char *local)
{
    xmlNodeSetName(node_of_mutable(node), XML_CHARS(local));
}
