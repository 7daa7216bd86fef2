/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Spans and the growing buffer. Owns nothing: the memory is the arena's, and an outgrown piece stays until it goes. */
#include "buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define CAP_LEAST 64

struct span span_of(const char *cstr)
{
    return cstr == NULL ? (struct span){0} : (struct span){cstr, strlen(cstr)};
}

bool span_equals(struct span a, struct span b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool span_is(struct span a, const char *cstr)
{
    return span_equals(a, span_of(cstr));
}

static void buf_grow(struct buf *b, size_t n)
{
    size_t need;
    if (__builtin_add_overflow(b->n, n, &need) || need == SIZE_MAX)
        need = SIZE_MAX; /* the arena refuses this one for us */
    else if (++need <= b->cap)
        return;
    size_t cap = b->cap < CAP_LEAST ? CAP_LEAST : b->cap > SIZE_MAX / 2 ? need : b->cap * 2;
    if (cap < need)
        cap = need;
    char *p = arena_room(b->arena, cap);
    if (b->n > 0)
        memcpy(p, b->p, b->n);
    p[b->n] = '\0';
    b->p = p;
    b->cap = cap;
}

/* Room for n more bytes and the NUL behind them. */
static inline void buf_reserve(struct buf *b, size_t n)
{
    if (n >= b->cap - b->n)
        buf_grow(b, n);
}

void buf_init(struct buf *b, struct arena *a, size_t reserve)
{
    *b = (struct buf){.arena = a};
    if (reserve > 0)
        buf_reserve(b, reserve);
}

void buf_reset(struct buf *b)
{
    b->n = 0;
    if (b->p != NULL)
        b->p[0] = '\0';
}

void buf_add(struct buf *b, const void *p, size_t n)
{
    buf_reserve(b, n);
    if (n > 0)
        memcpy(b->p + b->n, p, n);
    b->n += n;
    b->p[b->n] = '\0';
}

char *buf_room(struct buf *b, size_t n)
{
    buf_reserve(b, n);
    return b->p + b->n;
}

void buf_taken(struct buf *b, char *end)
{
    b->n = (size_t)(end - b->p);
    *end = '\0';
}

void buf_add_span(struct buf *b, struct span s)
{
    buf_add(b, s.p, s.n);
}

void buf_add_str(struct buf *b, const char *cstr)
{
    buf_add_span(b, span_of(cstr));
}

void buf_add_strs(struct buf *b, const char *first, ...)
{
    va_list ap;
    va_start(ap, first);
    for (const char *s = first; s != NULL; s = va_arg(ap, const char *))
        buf_add_str(b, s);
    va_end(ap);
}

void buf_add_char(struct buf *b, char c)
{
    buf_reserve(b, 1);
    b->p[b->n++] = c;
    b->p[b->n] = '\0';
}

void buf_add_utf8(struct buf *b, uint32_t code)
{
    char s[4];
    size_t n = 0;
    if (code < 0x80) {
        s[n++] = (char)code;
    } else if (code < 0x800) {
        s[n++] = (char)(0xC0 | code >> 6);
    } else if (code < 0x10000) {
        s[n++] = (char)(0xE0 | code >> 12);
        s[n++] = (char)(0x80 | (code >> 6 & 0x3F));
    } else {
        s[n++] = (char)(0xF0 | code >> 18);
        s[n++] = (char)(0x80 | (code >> 12 & 0x3F));
        s[n++] = (char)(0x80 | (code >> 6 & 0x3F));
    }
    if (code >= 0x80)
        s[n++] = (char)(0x80 | (code & 0x3F));
    buf_add(b, s, n);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    if (n > 0) {
        buf_reserve(b, (size_t)n);
        vsnprintf(b->p + b->n, (size_t)n + 1, fmt, ap);
        b->n += (size_t)n;
    }
    va_end(ap);
}

struct span buf_span(const struct buf *b)
{
    return (struct span){b->p, b->n};
}
