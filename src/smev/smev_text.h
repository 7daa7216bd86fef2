/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Text as the SMEV 3 transform reads and writes it. */
#pragma once

#include "arena.h"
#include "buf.h"

#include <stdbool.h>
#include <string.h>

/* What a byte may be, so that others are passed over in runs. */
enum {
    SMEV_ENDS_NAME = 1,
    SMEV_ESCAPED_IN_TEXT = 2, /* or a reference there */
    SMEV_ESCAPED_IN_VALUE = 4,
};
extern const unsigned char smev_text_classes[256];
static inline unsigned smev_text_class(char c)
{
    return smev_text_classes[(unsigned char)c];
}
static inline bool smev_text_is(char c, unsigned classes)
{
    return (smev_text_class(c) & classes) != 0;
}
/* Copies to where there is room; returns where to go on. */
static inline char *smev_text_put(char *to, const char *p, size_t n)
{
    memcpy(to, p, n);
    return to + n;
}

/* Text or an attribute value without its references; false when one is unknown or out of range. */
bool smev_text_decode(struct arena *a, struct span in, struct span *out);
/* Order by UTF-16 code units, less than 0, 0, more than 0. */
int smev_text_compare(struct span a, struct span b);
void smev_text_write_attr(struct buf *out, struct span s);
/* One text node, whole: where '>' is escaped depends on its length. */
void smev_text_write(struct buf *out, struct span s);
