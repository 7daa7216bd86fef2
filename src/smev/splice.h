/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Where the elements of a document stand in its text: whoever adds to a signed message must not write it anew. */
#pragma once

#include "buf.h"
#include "xml.h"

#include <stdbool.h>

/* Offsets of an element's tags. Of <x/> there is no end tag: close and close_end are open_end. */
struct splice_place {
    size_t open, open_end, close, close_end;
    bool is_empty; /* <x/> */
};
/* text: what the document of root was parsed from, well formed and without DTD. False: it is not. */
bool splice_find(struct span text, struct xml_node *root, struct xml_node *node, struct splice_place *out);
/* The text with `what` at this offset. */
struct span splice_insert(struct arena *a, struct span text, size_t offset, const char *what);
/* The offset behind the name in a start tag: where an attribute may be put. */
size_t splice_name_end(struct span text, const struct splice_place *at);
