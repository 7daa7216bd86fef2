/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Characters of the SMEV 3 transform: references read, order of names, and the escapes of the reference writer (rules 7
 * and 9).
 */
#include "smev_text.h"

#include "ascii.h"

#include <stdint.h>
#include <string.h>

/* clang-format off */
#define NAME  SMEV_ENDS_NAME
#define TEXT  SMEV_ESCAPED_IN_TEXT
#define VALUE SMEV_ESCAPED_IN_VALUE
const unsigned char smev_text_classes[256] = {
    ['\0'] = NAME, [' '] = NAME, ['\t'] = NAME | VALUE, ['\n'] = NAME | VALUE, ['\r'] = NAME | TEXT | VALUE,
    ['/'] = NAME, ['='] = NAME, ['\''] = NAME, ['"'] = NAME | VALUE,
    ['<'] = NAME | TEXT | VALUE, ['>'] = NAME | TEXT, ['&'] = NAME | TEXT | VALUE,
};
/* clang-format on */

/* ---- reading ---- */

static bool decode_number(struct span digits, uint32_t *out)
{
    int base = 10;
    size_t i = 0;
    if (digits.n && digits.p[0] == 'x') {
        base = 16;
        i = 1;
    }
    uint32_t c = 0;
    if (i == digits.n)
        return false;
    for (; i < digits.n; i++) {
        int d = ascii_hex(digits.p[i]);
        if (d < 0 || d >= base || c > 0x10FFFF)
            return false;
        c = c * (uint32_t)base + (uint32_t)d;
    }
    *out = c;
    return c > 0 && c <= 0x10FFFF;
}

static bool decode_reference(struct span name, struct buf *out)
{
    static const struct {
        const char *name;
        char c;
    } known[] = {{"lt", '<'}, {"gt", '>'}, {"amp", '&'}, {"quot", '"'}, {"apos", '\''}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (span_is(name, known[i].name)) {
            buf_add_char(out, known[i].c);
            return true;
        }
    }
    uint32_t c;
    if (name.n < 2 || name.p[0] != '#' || !decode_number((struct span){name.p + 1, name.n - 1}, &c))
        return false;
    buf_add_utf8(out, c);
    return true;
}

bool smev_text_decode(struct arena *a, struct span in, struct span *out)
{
    if (!in.n || !memchr(in.p, '&', in.n)) {
        *out = in;
        return true;
    }
    struct buf b;
    buf_init(&b, a, in.n);
    const char *end = in.p + in.n;
    for (const char *p = in.p; p < end;) {
        const char *amp = memchr(p, '&', (size_t)(end - p));
        if (!amp) {
            buf_add(&b, p, (size_t)(end - p));
            break;
        }
        buf_add(&b, p, (size_t)(amp - p));
        const char *semicolon = memchr(amp, ';', (size_t)(end - amp));
        if (!semicolon || !decode_reference((struct span){amp + 1, (size_t)(semicolon - amp - 1)}, &b))
            return false;
        p = semicolon + 1;
    }
    *out = buf_span(&b);
    return true;
}

/* Order of UTF-16 code units, which is not that of code points: surrogates (U+10000 and up) come before U+E000. */
int smev_text_compare(struct span a, struct span b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    for (size_t i = 0; i < n; i++) {
        unsigned char x = (unsigned char)a.p[i], y = (unsigned char)b.p[i];
        if (x == y)
            continue;
        if (x >= 0xEE && y >= 0xEE && (x >= 0xF0) != (y >= 0xF0))
            return x >= 0xF0 ? -1 : 1;
        return x < y ? -1 : 1;
    }
    return a.n == b.n ? 0 : a.n < b.n ? -1 : 1;
}

/* ---- writing ---- */

static const char *escape_in_value(char c)
{
    switch (c) {
    case '<':
        return "&lt;";
    case '&':
        return "&amp;";
    case '"':
        return "&quot;";
    case '\r':
        return "&#xd;";
    case '\n':
        return "&#xa;";
    default:
        return "&#x9;"; /* a tabulator */
    }
}

void smev_text_write_attr(struct buf *out, struct span s)
{
    size_t run = 0; /* where what is not written yet begins */
    for (size_t i = 0; i < s.n; i++) {
        if (!smev_text_is(s.p[i], SMEV_ESCAPED_IN_VALUE))
            continue;
        buf_add(out, s.p + run, i - run);
        buf_add_str(out, escape_in_value(s.p[i]));
        run = i + 1;
    }
    buf_add(out, s.p + run, s.n - run);
}

static size_t utf16_units(struct span s)
{
    size_t units = 0;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        units += (c & 0xC0) != 0x80;
        units += c >= 0xF0;
    }
    return units;
}

/*
 * The reference writer escapes '>' only where "]]>" could come about by its way of cutting the text: at the start of a
 * piece, behind ']', and behind a character that was itself escaped. Short texts are one piece, and forget the last
 * rule.
 */
struct text_place {
    size_t unit;      /* of UTF-16, from the start of the text */
    const char *last; /* what was escaped last; NULL: nothing yet */
    bool is_short;
};

static bool escapes_gt(const struct text_place *at, struct span s, size_t i)
{
    enum { PIECE_UNITS = 512 };
    if (at->is_short ? i == 0 : at->unit % PIECE_UNITS == 0)
        return true;
    return s.p[i - 1] == ']' || (!at->is_short && at->last == s.p + i - 1);
}

static const char *escape_in_text(const struct text_place *at, struct span s, size_t i)
{
    switch (s.p[i]) {
    case '<':
        return "&lt;";
    case '&':
        return "&amp;";
    case '\r':
        return "&#xd;";
    default:
        return escapes_gt(at, s, i) ? "&gt;" : NULL;
    }
}

void smev_text_write(struct buf *out, struct span s)
{
    enum { SHORT_UNITS = 11 };
    struct text_place at = {.is_short = s.n <= SHORT_UNITS || utf16_units(s) <= SHORT_UNITS};
    size_t run = 0, counted = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (!smev_text_is(s.p[i], SMEV_ESCAPED_IN_TEXT))
            continue;
        at.unit += utf16_units((struct span){s.p + counted, i - counted});
        counted = i;
        const char *escape = escape_in_text(&at, s, i);
        if (!escape)
            continue;
        buf_add(out, s.p + run, i - run);
        buf_add_str(out, escape);
        at.last = s.p + i;
        run = i + 1;
    }
    buf_add(out, s.p + run, s.n - run);
}
