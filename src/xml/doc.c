/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Bytes to a document. Stricter than libxml2 by itself: a name with an undeclared prefix is an error, and so is any
 * DOCTYPE, should one come this far. Loads nothing, expands nothing, says nothing of the content.
 */
#include "xml_private.h"

#include <libxml/parser.h>

#include <limits.h>
#include <string.h>

/*
 * No XML_PARSE_COMPACT: such a tree must not be changed, and xml_regraft() moves nodes.
 *
 * XML_PARSE_NOENT: without it "&amp;" in the name of a namespace stays a reference ("&#38;"), and two of them are no
 * URI any more. There are no other entities: whatever could declare one is in a DOCTYPE, and that ends the parsing
 * unread.
 */
#define PARSE_OPTIONS                                                                                                  \
    (XML_PARSE_IGNORE_ENC | XML_PARSE_NOENT | XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING)

void xml_doc_cleanup(void *doc)
{
    xmlFreeDoc(doc);
}

void xml_docs_free(struct arena *a)
{
    arena_run_deferred(a, xml_doc_cleanup);
}

/* The parser's handler of "<!DOCTYPE name": nothing behind it is read any more. */
static void stop_at_doctype(void *ctx, const xmlChar *name, const xmlChar *public_id, const xmlChar *system_id)
{
    (void)name;
    (void)public_id;
    (void)system_id;
    xmlParserCtxtPtr parser = ctx;
    *(bool *)parser->_private = true;
    xmlStopParser(parser);
}

static enum err doc_check(xmlParserCtxtPtr parser, const xmlDoc *doc, bool has_doctype, struct error *e)
{
    if (has_doctype)
        return error_set(e, ERR_DOCTYPE, "DOCTYPE");
    if (doc == NULL || !parser->wellFormed || !parser->nsWellFormed)
        return xml_error(e, xmlCtxtGetLastError(parser), "parse");
    if (doc->intSubset != NULL || doc->extSubset != NULL)
        return error_set(e, ERR_DOCTYPE, "document type");
    if (xmlDocGetRootElement(doc) == NULL)
        return error_set(e, ERR_MALFORMED, "no root element");
    return ERR_OK;
}

/*
 * Whether libxml2 would take it for another encoding than UTF-8 by its first bytes. It is not told the encoding
 * instead: then it would convert UTF-8 into UTF-8. What the document declares is ignored (XML_PARSE_IGNORE_ENC).
 */
static bool is_foreign(struct span bytes)
{
    unsigned char first = (unsigned char)bytes.p[0];
    return first == 0x4C || first >= 0xFE || memchr(bytes.p, 0, bytes.n < 4 ? bytes.n : 4) != NULL;
}

enum err xml_parse(struct arena *a, struct span bytes, struct xml_doc **out, struct error *e)
{
    if (bytes.n == 0 || bytes.n > INT_MAX)
        return error_set(e, bytes.n == 0 ? ERR_MALFORMED : ERR_LIMIT, "document of %zu bytes", bytes.n);
    if (is_foreign(bytes))
        return error_set(e, ERR_MALFORMED, "parse: not UTF-8");
    xmlParserCtxtPtr parser = xmlNewParserCtxt();
    if (parser == NULL)
        return error_set(e, ERR_INTERNAL, "parse: out of memory");
    bool has_doctype = false;
    parser->_private = &has_doctype;
    parser->sax->internalSubset = stop_at_doctype;
    xmlDoc *doc = xmlCtxtReadMemory(parser, bytes.p, (int)bytes.n, NULL, NULL, PARSE_OPTIONS);
    enum err rc = doc_check(parser, doc, has_doctype, e);
    xmlFreeParserCtxt(parser);
    if (rc != ERR_OK) {
        xmlFreeDoc(doc);
        return rc;
    }
    doc->_private = (void *)(uintptr_t)bytes.n;
    arena_defer(a, xml_doc_cleanup, doc);
    *out = (struct xml_doc *)doc;
    return ERR_OK;
}

size_t xml_parsed_bytes(const struct xml_node *node)
{
    return (size_t)(uintptr_t)node_of(node)->doc->_private;
}
