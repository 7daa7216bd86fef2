/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The entity loader. Refuses everything but plain files that lie directly in the directory of the schema being
 * compiled; never follows a URL, a path upwards or into a folder below.
 */
#include "loader.h"

#include <libxml/parserInternals.h>
#include <libxml/uri.h>

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* libxml2 passes the loader no context, so the permission is the thread's, for the time of one compilation. */
static _Thread_local const char *allowed_directory;

void schema_loader_allow(const char *directory)
{
    allowed_directory = directory;
}

static bool is_beside(const char *path, const char *directory)
{
    const char *slash = strrchr(path, '/');
    size_t n = strlen(directory);
    if (slash == NULL || (size_t)(slash - path) != n || memcmp(path, directory, n) != 0)
        return false;
    return slash[1] != '\0' && slash[1] != '.';
}

xmlParserInputPtr schema_loader_open(const char *url, const char *id, xmlParserCtxtPtr ctxt)
{
    (void)id;
    if (allowed_directory == NULL || url == NULL)
        return NULL;
    char *path = xmlURIUnescapeString(url, 0, NULL);
    if (path == NULL)
        return NULL;
    xmlParserInputPtr input = is_beside(path, allowed_directory) ? xmlNewInputFromFile(ctxt, path) : NULL;
    xmlFree(path);
    return input;
}
