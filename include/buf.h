/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Growing byte buffer, and views of bytes. A buf lives in an arena; a span owns nothing. */
#pragma once

#include "arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct span {
    const char *p; /* not NUL-terminated; NULL only together with n == 0 */
    size_t n;
};

#define SPAN_LIT(s) ((struct span){(s), sizeof(s) - 1})
struct span span_of(const char *cstr); /* NULL gives the empty span */
bool span_equals(struct span a, struct span b);
bool span_is(struct span a, const char *cstr);

struct buf {
    struct arena *arena;
    char *p; /* always NUL-terminated behind n once anything was added; may be NULL while n == 0 */
    size_t n;
    size_t cap;
};

void buf_init(struct buf *b, struct arena *a, size_t reserve);
void buf_reset(struct buf *b); /* n = 0; the memory stays */
void buf_add(struct buf *b, const void *p, size_t n);
/* For who writes many short pieces: where at least n bytes have room; what was written there up to `end` is added by
 * buf_taken(). Nothing else may be done to b in between. */
char *buf_room(struct buf *b, size_t n);
void buf_taken(struct buf *b, char *end);
void buf_add_span(struct buf *b, struct span s);
void buf_add_str(struct buf *b, const char *cstr);
void buf_add_strs(struct buf *b, const char *first, ...)
    __attribute__((sentinel)); /* one behind the other, up to NULL */
void buf_add_char(struct buf *b, char c);
void buf_add_utf8(struct buf *b, uint32_t code); /* of one character, up to U+10FFFF */
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
struct span buf_span(const struct buf *b);

/*
 * Text of an XML element in canonical form: & < > and CR escaped. Attribute values: & < " TAB LF CR escaped. What XML
 * 1.0 forbids becomes U+FFFD: the result is well-formed whatever s is.
 */
void buf_add_xml_text(struct buf *b, struct span s);
void buf_add_xml_attr(struct buf *b, struct span s);
/* A JSON string with its quotes. */
void buf_add_json(struct buf *b, struct span s);
/* Lower-case hexadecimal. */
void buf_add_hex(struct buf *b, const void *p, size_t n);
/* Base64 without line breaks. */
void buf_add_base64(struct buf *b, const void *p, size_t n);
/*
 * Strict base64 (RFC 4648, white space allowed between characters, padding required, nothing else).
 * Returns false on any other character, bad padding or non-zero spare bits.
 */
bool base64_decode(struct arena *a, struct span in, struct span *out);
