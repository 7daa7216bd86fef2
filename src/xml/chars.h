/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Bytes and characters as XML 1.0 (production 2, Char) and RFC 3629 see them. */
#pragma once

#include "ascii.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum char_class {
    CHAR_BAD = 1,       /* a control character that XML does not have; NUL too */
    CHAR_WIDE = 2,      /* part of a character of several bytes */
    CHAR_TEXT_END = 4,  /* < & */
    CHAR_QUOT_END = 8,  /* " < & */
    CHAR_APOS_END = 16, /* ' < & */
    CHAR_HYPHEN = 32,   /* - */
    CHAR_BRACKET = 64,  /* ] */
    CHAR_NAME = 128,    /* may stand in a name; wide characters are left to the parser */
};
extern const unsigned char xml_char_class[256];

static inline bool xml_char_is(unsigned char c, unsigned classes)
{
    return (xml_char_class[c] & classes) != 0;
}

static inline bool xml_is_blank(unsigned char c)
{
    return ascii_is_blank((char)c);
}

/* Production 2: is this code point an XML character? */
bool xml_is_char(uint32_t code);

/* Bytes of the character of several bytes that starts at p; 0 when these bytes are not UTF-8. *code: what it is. */
size_t xml_wide_char(const unsigned char *p, const unsigned char *end, uint32_t *code);
