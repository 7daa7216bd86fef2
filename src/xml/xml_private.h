/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* What the files of this folder share: the names of libxml2 behind our own, and its errors as ours. */
#pragma once

#include "xml.h"

#include <libxml/tree.h>
#include <libxml/xmlerror.h>

#define XML_CHARS(s) ((const xmlChar *)(s))

static inline const xmlNode *node_of(const struct xml_node *n)
{
    return (const xmlNode *)n;
}

static inline xmlNode *node_of_mutable(struct xml_node *n)
{
    return (xmlNode *)n;
}

static inline struct xml_node *node_as(xmlNode *n)
{
    return (struct xml_node *)n;
}

static inline const char *text_of(const xmlChar *s)
{
    return (const char *)s;
}

/* arena_defer() of a document. */
void xml_doc_cleanup(void *doc);

/*
 * Sets e from what libxml2 left behind: number and line only, for its words quote the document. last may be NULL.
 * Running out of memory is ours, everything else is the sender's.
 */
MUST_CHECK enum err xml_error(struct error *e, const xmlError *last, const char *what);
