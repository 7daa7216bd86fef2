/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * MIME as SMEV 3 and its dumps have it: multipart/related with a XOP root part, or one document (RFC 2045, 2046, 2231,
 * 2387, 2392; XML-binary Optimized Packaging 1.0). Safe on any thread.
 */
#pragma once

#include "arena.h"
#include "buf.h"
#include "error.h"

#include <stdbool.h>

struct mime_limits {
    size_t size_max_bytes;       /* of the body: 12 MiB (5 MB of content, 5 MB of attachments, what is around them) */
    unsigned parts_max;          /* 4,096 */
    size_t header_max_bytes;     /* of one part, and of the Content-Type of the message: 8 KiB */
    size_t content_id_max_bytes; /* 512 */
};
extern const struct mime_limits mime_limits_default;

struct mime_part {
    const char *id;     /* of Content-ID, without < >; NULL: none */
    struct span octets; /* decoded; in the message itself where nothing was to decode */
};
struct mime_message {
    struct span root;              /* the XML */
    bool is_xop;                   /* xop:Include means something in it */
    const struct mime_part *parts; /* the other ones that have a Content-ID, ordered by it; none has the same */
    unsigned nparts;
};
/*
 * Reads the body of an HTTP message. content_type: the header's value; NULL or "" is taken for text/xml. One XML
 * document (text/xml, application/xml) is a message of one part. Else RFC 2387: the root is the part `start` names, or
 * the first; parameters as RFC 2045 and RFC 2231 (continuations, percent) write them; Content-Transfer-Encoding binary,
 * 8bit, 7bit, base64, quoted-printable. Refused, and named in e: another type (an HTML page), an empty body, another
 * charset than UTF-8 (ERR_ENCODING), no closing boundary (ERR_MALFORMED: it was cut off), a part or header that is no
 * such thing, a header twice, a Content-ID twice, another encoding, and what is over a limit (ERR_LIMIT).
 * Costs: one pass over the body, n log n in the number of parts; memory besides the body: what is decoded (base64: 3/4
 * of it), the three fields of each header that are of use, 250 bytes a part.
 */
MUST_CHECK enum err mime_read(struct arena *a, const char *content_type, struct span body,
                              const struct mime_limits *limits, struct mime_message *out, struct error *e);
/* The part an href names: "cid:" and the percent-encoded Content-ID (RFC 2392). NULL: there is none, or it is no cid.
 */
const struct mime_part *mime_find(struct arena *a, const struct mime_message *m, const char *href);
