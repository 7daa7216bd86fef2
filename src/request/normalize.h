/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* A lenient reading: the departures it knows, and the rewriting of a bare element into the form the schema wants. */
#pragma once

#include "booking.h"
#include "config.h"
#include "soap.h"
#include "wrong.h"
#include "xml.h"

struct normalized {
    unsigned used[LENIENCY_COUNT]; /* how often each was needed */
    enum soap_namespace children;  /* what the fields came in */
    const char *first_unknown;     /* name of the first element left out, when it is a plain one; NULL */
};

/*
 * *out becomes a document of its own, {SOAP_NS}<method>Request with what `bare` holds: names, namespaces, order and
 * shapes as the schema has them, unknown elements left out. A departure that is not allowed, a field that is there
 * twice and a shape that can be read in two ways are added to f; nothing of theirs is guessed. Values are not judged.
 */
MUST_CHECK enum err normalize(struct arena *a, struct xml_node *bare, enum booking_method method,
                              const struct config_reading *reading, struct xml_doc **out, struct field_errors *f,
                              struct normalized *result, struct error *e);
