/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Who may open a file on behalf of libxml2: the compiler of schemas, in one directory, in its own thread. */
#pragma once

#include <libxml/parser.h>

/* From now on this thread may read the files of the directory; NULL: none, as at the beginning. */
void schema_loader_allow(const char *directory);

xmlParserInputPtr schema_loader_open(const char *url, const char *id, xmlParserCtxtPtr ctxt);
