/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The chunked coding (RFC 9112 section 7.1): extensions are walked over, trailers refused. Says no, or which bytes are
 * data. An extension is let through by its grammar to the letter, so that it ends at the same CR LF for whoever skips
 * to the end of the line without a look at quotes (docs/decisions/0323).
 */
#include "http.h"

#include "ascii.h"

enum {
    SIZE,
    NAME,
    NAME_MORE,
    VALUE,
    VALUE_MORE,
    QUOTED,
    QUOTED_PAIR,
    QUOTED_END,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    END_CR,
    END_LF
};

/* Eight hexadecimal digits are 4 GiB: more than any limit, and no way to overflow. */
#define DIGITS_MAX     8
/* RFC 9112 section 7.1.1 wants a bound for all of a message: they cost the reader, and are no part of the body. */
#define EXTENSIONS_MAX 4096

static bool refuse(struct http_refusal *r, int status, const char *reason)
{
    r->status = status;
    r->reason = reason;
    return false;
}

static bool size_walk(struct http_chunk *c, char byte, struct http_refusal *r)
{
    int digit = ascii_hex(byte);
    if (digit >= 0) {
        if (++c->digits > DIGITS_MAX)
            return refuse(r, 400, "bad chunk size");
        c->left = c->left * 16 + (unsigned)digit;
        return true;
    }
    if (c->digits == 0)
        return refuse(r, 400, "bad chunk size");
    if (byte != ';' && byte != '\r')
        return refuse(r, 400, "bad chunk size");
    c->state = byte == ';' ? NAME : SIZE_LF;
    return true;
}

/* Inside quotes (RFC 9110 section 5.6.4). */
static bool is_quoted_char(char c)
{
    return c == '\t' || ((unsigned char)c >= 0x20 && c != 0x7f);
}

/* After a name or a value. */
static int extension_goes_on(char byte)
{
    return byte == ';' ? NAME : byte == '\r' ? SIZE_LF : -1;
}

/* The state behind this byte of *( ";" token [ "=" ( token / quoted-string ) ] ) CR; -1: it has no place there. */
static int extension_step(int state, char byte)
{
    switch (state) {
    case NAME:
        return http_is_token_char(byte) ? NAME_MORE : -1;
    case NAME_MORE:
        return http_is_token_char(byte) ? NAME_MORE : byte == '=' ? VALUE : extension_goes_on(byte);
    case VALUE:
        return http_is_token_char(byte) ? VALUE_MORE : byte == '"' ? QUOTED : -1;
    case VALUE_MORE:
        return http_is_token_char(byte) ? VALUE_MORE : extension_goes_on(byte);
    case QUOTED:
        return byte == '"' ? QUOTED_END : byte == '\\' ? QUOTED_PAIR : is_quoted_char(byte) ? QUOTED : -1;
    case QUOTED_PAIR:
        return is_quoted_char(byte) ? QUOTED : -1;
    default: /* QUOTED_END */
        return extension_goes_on(byte);
    }
}

static bool extension_walk(struct http_chunk *c, char byte, struct http_refusal *r)
{
    c->state = extension_step(c->state, byte);
    if (c->state < 0)
        return refuse(r, 400, "bad chunk extension");
    return ++c->extensions <= EXTENSIONS_MAX || refuse(r, 400, "too many chunk extensions");
}

static bool size_end(struct http_chunk *c, uint64_t total_max, struct http_refusal *r)
{
    c->digits = 0;
    c->total += c->left;
    if (c->total > total_max)
        return refuse(r, 413, "the body is too large");
    c->state = c->left == 0 ? END_CR : DATA;
    return true;
}

static bool byte_walk(struct http_chunk *c, char byte, uint64_t total_max, bool *done, struct http_refusal *r)
{
    if (c->state > SIZE && c->state < SIZE_LF)
        return extension_walk(c, byte, r);
    switch (c->state) {
    case SIZE:
        return size_walk(c, byte, r);
    case SIZE_LF:
        return byte == '\n' ? size_end(c, total_max, r) : refuse(r, 400, "bad chunk size");
    case DATA_CR:
        c->state = DATA_LF;
        return byte == '\r' || refuse(r, 400, "bad end of a chunk");
    case DATA_LF:
        c->state = SIZE;
        return byte == '\n' || refuse(r, 400, "bad end of a chunk");
    case END_CR:
        c->state = END_LF;
        return byte == '\r' || refuse(r, 400, "trailers are not taken");
    default: /* END_LF */
        *done = true;
        return byte == '\n' || refuse(r, 400, "bad end of the body");
    }
}

bool http_chunk_walk(struct http_chunk *c, const char *data, size_t n, uint64_t total_max, size_t *used,
                     struct span *piece, bool *done, struct http_refusal *r)
{
    size_t i = 0;
    *piece = (struct span){NULL, 0};
    *done = false;
    while (i < n && !*done && c->state != DATA) {
        if (!byte_walk(c, data[i], total_max, done, r))
            return false;
        i++;
    }
    if (i < n && c->state == DATA) {
        *piece = (struct span){data + i, n - i < c->left ? n - i : (size_t)c->left};
        c->left -= piece->n;
        i += piece->n;
        if (c->left == 0)
            c->state = DATA_CR;
    }
    *used = i;
    return true;
}
