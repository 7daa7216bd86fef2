/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Walking through UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the character that starts at s (n > 0 bytes are there), 0 when it is not valid; *out gets its code point. */
size_t utf8_next(const char *s, size_t n, uint32_t *out);

/*
 * Whether it acts on the reader's screen instead of standing there: controls, line and direction marks, and what nobody
 * can see (soft hyphens, zero widths, tags).
 */
bool utf8_is_active(uint32_t c);

/* The largest length <= n at which valid text s can be cut without halving a character. */
size_t utf8_cut(const char *s, size_t n);
