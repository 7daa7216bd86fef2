/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* What the files of MIME share: a type with its parameters, and the decodings. */
#pragma once

#include "smev_mime.h"

struct mime_segment;
struct mime_type {
    const char *name; /* lower case: "multipart/related" */
    const struct mime_segment *segments;
    unsigned nsegments;
};
/*
 * The value of a Content-Type header (RFC 2045, 5.1). Looser than it in what senders do: a value without quotes goes on
 * to the next blank or ';', whatever is in it; empty parameters. Comments are refused.
 */
MUST_CHECK enum err mime_type_read(struct arena *a, struct span value, struct mime_type *out, struct error *e);
/*
 * A parameter, put together (RFC 2231: name*0=, name*1*=, name*=); *out is NULL when it is not there. ERR_MALFORMED for
 * one that is there twice, in both forms, or with a piece missing.
 */
MUST_CHECK enum err mime_type_parameter(struct arena *a, const struct mime_type *type, const char *name,
                                        const char **out, struct error *e);

/* %41 is A. False: a % that is no such thing, or one that stands for NUL. */
bool mime_percent_decode(struct arena *a, struct span in, struct span *out);
bool mime_quoted_printable_decode(struct arena *a, struct span in, struct span *out); /* RFC 2045, 6.7 */

struct mime_header { /* of a part: what is of use; empty spans: absent */
    struct span type, encoding, id;
    struct span body; /* what follows */
};
MUST_CHECK enum err mime_header_read(struct arena *a, struct span part, const struct mime_limits *limits,
                                     struct mime_header *out, struct error *e);

struct span mime_trim(struct span s);                   /* without blanks at either end */
bool mime_is(struct span s, const char *lower);         /* the same in any case of ASCII */
struct span mime_unbracket(struct span s);              /* what is between < and >, if it is */
const char *mime_lower(struct arena *a, struct span s); /* ASCII in lower case */
