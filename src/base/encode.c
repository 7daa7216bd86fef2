/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * What buf.h promises about notations: XML text and attributes (Canonical XML 1.0 section 2.3), JSON strings (RFC
 * 8259), hexadecimal and base64 (RFC 4648). Decoding is strict: bytes that could be read two ways are refused.
 */
#include "ascii.h"
#include "buf.h"
#include "utf8.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

/* What XML 1.0 (production 2) has no place for, by reference neither: most C0 controls, U+FFFE, U+FFFF, stray bytes. */
static bool is_forbidden(const char *p, size_t n, size_t *len)
{
    uint32_t c = 0;
    *len = utf8_next(p, n, &c);
    if (*len == 0) {
        *len = 1;
        return true;
    }
    return (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0xFFFE || c == 0xFFFF;
}

/* Of which nothing in XML is escaped: most of what is written. */
static inline bool is_ordinary(char c)
{
    return (c >= '0' && c <= ';') || (c >= '@' && c < 0x7F) || c == ' ' || (c >= '(' && c <= '/');
}

/* Copies s, putting escape(c) in the place of every byte that has one, U+FFFD in that of what XML forbids. */
static void add_escaped(struct buf *b, struct span s, const char *(*escape)(char c))
{
    size_t from = 0;
    for (size_t i = 0, len; i < s.n; i += len) {
        len = 1;
        if (is_ordinary(s.p[i]))
            continue;
        const char *e = is_forbidden(s.p + i, s.n - i, &len) ? REPLACEMENT : escape(s.p[i]);
        if (e == NULL)
            continue;
        buf_add(b, s.p + from, i - from);
        buf_add_str(b, e);
        from = i + len;
    }
    if (s.n > from)
        buf_add(b, s.p + from, s.n - from);
}

static const char *escape_text(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '\r':
        return "&#xD;";
    default:
        return NULL;
    }
}

static const char *escape_attr(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '"':
        return "&quot;";
    case '\t':
        return "&#x9;";
    case '\n':
        return "&#xA;";
    case '\r':
        return "&#xD;";
    default:
        return NULL;
    }
}

void buf_add_xml_text(struct buf *b, struct span s)
{
    add_escaped(b, s, escape_text);
}

void buf_add_xml_attr(struct buf *b, struct span s)
{
    add_escaped(b, s, escape_attr);
}

void buf_add_json(struct buf *b, struct span s)
{
    buf_add_char(b, '"');
    for (size_t i = 0, len; i < s.n; i += len) {
        uint32_t c = 0;
        len = utf8_next(s.p + i, s.n - i, &c);
        if (len == 0) { /* JSON is UTF-8: a stray byte becomes the replacement character */
            buf_add_str(b, REPLACEMENT);
            len = 1;
        } else if (c == '"' || c == '\\') {
            buf_add_char(b, '\\');
            buf_add_char(b, (char)c);
        } else if (c < 0x20 || c == 0x7F) {
            buf_printf(b, "\\u%04x", (unsigned)c);
        } else {
            buf_add(b, s.p + i, len);
        }
    }
    buf_add_char(b, '"');
}

void buf_add_hex(struct buf *b, const void *p, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *in = p;
    for (size_t i = 0; i < n; i++) {
        char pair[2] = {digits[in[i] >> 4], digits[in[i] & 15]};
        buf_add(b, pair, sizeof pair);
    }
}

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#define BASE64_STEP 768 /* bytes at a time */

void buf_add_base64(struct buf *b, const void *p, size_t n)
{
    const unsigned char *in = p;
    char out[BASE64_STEP / 3 * 4];
    size_t at = 0;
    for (size_t i = 0; i < n; i += 3) {
        size_t have = n - i < 3 ? n - i : 3;
        uint32_t bits = (uint32_t)in[i] << 16;
        if (have > 1)
            bits |= (uint32_t)in[i + 1] << 8;
        if (have > 2)
            bits |= in[i + 2];
        out[at++] = base64_digits[bits >> 18];
        out[at++] = base64_digits[bits >> 12 & 63];
        out[at++] = have > 1 ? base64_digits[bits >> 6 & 63] : '=';
        out[at++] = have > 2 ? base64_digits[bits & 63] : '=';
        if (at == sizeof out) {
            buf_add(b, out, at);
            at = 0;
        }
    }
    buf_add(b, out, at);
}

/* 0..63 and one more; 0: it is no digit */
/* clang-format off */
static const unsigned char base64_values[256] = {
    ['A'] = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26,
    ['a'] = 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52,
    ['0'] = 53, 54, 55, 56, 57, 58, 59, 60, 61, 62,
    ['+'] = 63, ['/'] = 64,
};
/* clang-format on */

bool base64_decode(struct arena *a, struct span in, struct span *out)
{
    *out = (struct span){0};
    unsigned char *to = arena_room(a, in.n / 4 * 3 + 3);
    size_t n = 0, digits = 0, pads = 0;
    uint32_t bits = 0;
    for (size_t i = 0; i < in.n; i++) {
        char c = in.p[i];
        unsigned v = base64_values[(unsigned char)c];
        if (v == 0 && ascii_is_blank(c))
            continue;
        if (c == '=') {
            pads++;
            continue;
        }
        if (v == 0 || pads > 0)
            return false;
        bits = bits << 6 | (v - 1);
        if (++digits % 4 == 0) {
            to[n++] = (unsigned char)(bits >> 16);
            to[n++] = (unsigned char)(bits >> 8);
            to[n++] = (unsigned char)bits;
            bits = 0;
        }
    }
    size_t left = digits % 4;
    if (left == 1 || pads != (left == 0 ? 0 : 4 - left))
        return false;
    if (left == 2) {
        if ((bits & 0x0F) != 0)
            return false;
        to[n++] = (unsigned char)(bits >> 4);
    } else if (left == 3) {
        if ((bits & 0x03) != 0)
            return false;
        to[n++] = (unsigned char)(bits >> 10);
        to[n++] = (unsigned char)(bits >> 2);
    }
    *out = (struct span){(const char *)to, n};
    return true;
}
