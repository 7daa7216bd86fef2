/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The state of one pass over a message (prescan.c), and the small steps that its parts share. Each step returns false
 * after a failure; code and e say which.
 */
#pragma once

#include "chars.h"
#include "xml.h"

#include <string.h>

#define DEPTH_CAP 256 /* the parser's own limit; depth_max beyond it has no effect */

struct level {
    unsigned attributes, namespaces; /* of one start tag; attributes count xmlns too */
};

struct scan {
    const unsigned char *begin, *p, *end;
    const struct xml_limits *limits;
    unsigned nodes;      /* elements, comments and sections so far */
    unsigned attributes; /* so far */
    struct level open;   /* of all open elements together */
    struct level levels[DEPTH_CAP];
    unsigned depth;
    bool has_root;
    struct error *e;
    enum err code;
};

/* Here, so that the compiler knows how long each literal is. */
static inline bool scan_is_at(const struct scan *s, const char *literal)
{
    size_t n = strlen(literal);
    return (size_t)(s->end - s->p) >= n && memcmp(s->p, literal, n) == 0;
}

/* False: it is not there, and nothing was taken. */
static inline bool scan_take(struct scan *s, const char *literal)
{
    if (!scan_is_at(s, literal))
        return false;
    s->p += strlen(literal);
    return true;
}

bool scan_fail(struct scan *s, enum err code, const char *what); /* always false; adds where */
bool scan_take_blanks(struct scan *s);                           /* false: there are none */

/* prescan_declaration.c: byte order mark and XML declaration, at the very beginning only */
bool scan_beginning(struct scan *s);
