/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Characters of the SMEV 3 transform: references read, order of names, and the escapes of the reference writer (rules 7
 * and 9).
 */
#include "smev_text.h"

#include "ascii.h"

#include <stdint.h>
#include <string.h>

/* ---- reading ---- */

static size_t utf8_length(unsigned char lead)
{
    return lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

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

void smev_text_write_attr(struct buf *out, struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        switch (s.p[i]) {
        case '<':
            buf_add_str(out, "&lt;");
            break;
        case '&':
            buf_add_str(out, "&amp;");
            break;
        case '"':
            buf_add_str(out, "&quot;");
            break;
        case '\r':
            buf_add_str(out, "&#xd;");
            break;
        case '\n':
            buf_add_str(out, "&#xa;");
            break;
        case '\t':
            buf_add_str(out, "&#x9;");
            break;
        default:
            buf_add_char(out, s.p[i]);
        }
    }
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
void smev_text_write(struct buf *out, struct span s)
{
    enum { SHORT_UNITS = 11, PIECE_UNITS = 512 };
    bool is_short = utf16_units(s) <= SHORT_UNITS;
    size_t unit = 0;
    bool was_escaped = false, was_bracket = false;
    for (size_t i = 0; i < s.n;) {
        unsigned char c = (unsigned char)s.p[i];
        size_t n = utf8_length(c);
        n = n > s.n - i ? s.n - i : n;
        bool starts_piece = is_short ? unit == 0 : unit % PIECE_UNITS == 0;
        if (starts_piece)
            was_escaped = was_bracket = false;
        const char *escape = NULL;
        if (c == '<')
            escape = "&lt;";
        else if (c == '&')
            escape = "&amp;";
        else if (c == '\r')
            escape = "&#xd;";
        else if (c == '>' && (starts_piece || was_bracket || (was_escaped && !is_short)))
            escape = "&gt;";
        if (escape)
            buf_add_str(out, escape);
        else
            buf_add(out, s.p + i, n);
        was_escaped = escape != NULL;
        was_bracket = c == ']';
        unit += n == 4 ? 2 : 1;
        i += n;
    }
}
