/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * What a byte is to the pre-scan, and strict decoding of UTF-8. Never allocates, never guesses: a form that RFC 3629
 * section 4 does not list is no character.
 */
#include "chars.h"

#define WIDE_NAME (CHAR_WIDE | CHAR_NAME)
#define TEN(from, what)                                                                                                \
    [from] = (what), [(from) + 1] = (what), [(from) + 2] = (what), [(from) + 3] = (what), [(from) + 4] = (what),       \
    [(from) + 5] = (what), [(from) + 6] = (what), [(from) + 7] = (what), [(from) + 8] = (what), [(from) + 9] = (what)
#define SIXTEEN(from, what)                                                                                            \
    TEN(from, what), [(from) + 10] = (what), [(from) + 11] = (what), [(from) + 12] = (what), [(from) + 13] = (what),   \
                               [(from) + 14] = (what), [(from) + 15] = (what)

/* clang-format off */
const unsigned char xml_char_class[256] = {
    /* 0x00 to 0x1f but TAB, LF and CR */
    [0x00] = CHAR_BAD, [0x01] = CHAR_BAD, [0x02] = CHAR_BAD, [0x03] = CHAR_BAD, [0x04] = CHAR_BAD, [0x05] = CHAR_BAD,
    [0x06] = CHAR_BAD, [0x07] = CHAR_BAD, [0x08] = CHAR_BAD, [0x0b] = CHAR_BAD, [0x0c] = CHAR_BAD, [0x0e] = CHAR_BAD,
    [0x0f] = CHAR_BAD, SIXTEEN(0x10, CHAR_BAD),
    ['<'] = CHAR_TEXT_END | CHAR_QUOT_END | CHAR_APOS_END,
    ['&'] = CHAR_TEXT_END | CHAR_QUOT_END | CHAR_APOS_END,
    ['"'] = CHAR_QUOT_END,
    ['\''] = CHAR_APOS_END,
    ['-'] = CHAR_HYPHEN | CHAR_NAME,
    [']'] = CHAR_BRACKET,
    ['.'] = CHAR_NAME, ['_'] = CHAR_NAME, [':'] = CHAR_NAME,
    TEN('0', CHAR_NAME),
    TEN('A', CHAR_NAME), TEN('K', CHAR_NAME), ['U'] = CHAR_NAME, ['V'] = CHAR_NAME, ['W'] = CHAR_NAME,
    ['X'] = CHAR_NAME, ['Y'] = CHAR_NAME, ['Z'] = CHAR_NAME,
    TEN('a', CHAR_NAME), TEN('k', CHAR_NAME), ['u'] = CHAR_NAME, ['v'] = CHAR_NAME, ['w'] = CHAR_NAME,
    ['x'] = CHAR_NAME, ['y'] = CHAR_NAME, ['z'] = CHAR_NAME,
    SIXTEEN(0x80, WIDE_NAME), SIXTEEN(0x90, WIDE_NAME), SIXTEEN(0xa0, WIDE_NAME), SIXTEEN(0xb0, WIDE_NAME),
    SIXTEEN(0xc0, WIDE_NAME), SIXTEEN(0xd0, WIDE_NAME), SIXTEEN(0xe0, WIDE_NAME), SIXTEEN(0xf0, WIDE_NAME),
};
/* clang-format on */

bool xml_is_char(uint32_t code)
{
    if (code < 0x20)
        return code == 0x09 || code == 0x0a || code == 0x0d;
    if (code >= 0xd800 && code <= 0xdfff)
        return false;
    return code <= 0x10ffff && code != 0xfffe && code != 0xffff;
}

size_t xml_wide_char(const unsigned char *p, const unsigned char *end, uint32_t *code)
{
    size_t n;
    uint32_t least, c;
    if (p[0] >= 0xc2 && p[0] <= 0xdf)
        n = 2, least = 0x80, c = p[0] & 0x1fU;
    else if (p[0] >= 0xe0 && p[0] <= 0xef)
        n = 3, least = 0x800, c = p[0] & 0x0fU;
    else if (p[0] >= 0xf0 && p[0] <= 0xf4)
        n = 4, least = 0x10000, c = p[0] & 0x07U;
    else
        return 0;
    if ((size_t)(end - p) < n)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0U) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3fU);
    }
    if (c < least || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    *code = c;
    return n;
}
