/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* A compiled schema, and the question libxml2 does not answer: which element is missing? */
#pragma once

#include "internal.h"

#include <libxml/xmlschemas.h>

struct xml_schema {
    xmlSchemaPtr compiled; /* read only once compiled: threads share it */
};

/* Told of each element that is missing from, or too much in, the children of the element asked about. */
typedef void (*schema_children_fn)(void *arg, const char *local, bool is_missing);

/*
 * Plays the children of parent through the content model of its type. budget: how many steps may still be made in this
 * validation (repairs are tried out, and the input is hostile). False when nothing could be said.
 */
bool schema_explain_children(const struct xml_schema *s, const xmlNode *parent, unsigned *budget, schema_children_fn fn,
                             void *arg);
