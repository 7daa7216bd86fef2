/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * libxml2 as a whole: started once, silenced, and cut off from files and network. The only files it may read are those
 * beside a schema while that schema is compiled (loader.h).
 */
#include "loader.h"
#include "memory.h"
#include "xml_private.h"

#include <libxml/parser.h>
#include <libxml/xmlschemastypes.h>
#include <libxml/xmlversion.h>

static void ignore_words(void *ctx, const char *fmt, ...)
{
    (void)ctx;
    (void)fmt;
}

static void ignore_error(void *ctx, xmlErrorPtr error)
{
    (void)ctx;
    (void)error;
}

void xml_init(void)
{
    xml_memory_init();
    LIBXML_TEST_VERSION
    xmlInitParser();
    xmlSchemaInitTypes();
    xmlSetExternalEntityLoader(schema_loader_open);
    /* Without these libxml2 quotes documents on stderr; each thread has handlers of its own. */
    xmlSetGenericErrorFunc(NULL, ignore_words);
    xmlThrDefSetGenericErrorFunc(NULL, ignore_words);
    xmlSetStructuredErrorFunc(NULL, ignore_error);
    xmlThrDefSetStructuredErrorFunc(NULL, ignore_error);
}

void xml_fini(void)
{
    xmlCleanupParser();
}

enum err xml_error(struct error *e, const xmlError *last, const char *what)
{
    if (last == NULL || last->code == XML_ERR_OK)
        return error_set(e, ERR_MALFORMED, "%s: no reason given", what);
    if (last->code == XML_ERR_NO_MEMORY)
        return error_set(e, ERR_INTERNAL, "%s: out of memory", what);
    return error_set(e, ERR_MALFORMED, "%s: libxml2 error %d in line %d", what, last->code, last->line);
}
