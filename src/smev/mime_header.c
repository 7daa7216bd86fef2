/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* The header of a part (RFC 2045, 3; lines folded as in RFC 5322, 2.2.3), and what is written in MIME's encodings. */
#include "mime.h"

#include "ascii.h"

#include <string.h>

/* ---- small steps ---- */

struct span mime_trim(struct span s)
{
    while (s.n > 0 && ascii_is_blank(*s.p))
        s.p++, s.n--;
    while (s.n > 0 && ascii_is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool mime_is(struct span s, const char *text)
{
    size_t i = 0;
    while (i < s.n && text[i] != '\0' && lower(s.p[i]) == text[i])
        i++;
    return i == s.n && text[i] == '\0';
}

const char *mime_lower(struct arena *a, struct span s)
{
    char *out = arena_strndup(a, s.n > 0 ? s.p : "", s.n);
    for (char *p = out; *p != '\0'; p++)
        *p = lower(*p);
    return out;
}

struct span mime_unbracket(struct span s)
{
    s = mime_trim(s);
    if (s.n >= 2 && s.p[0] == '<' && s.p[s.n - 1] == '>')
        return (struct span){s.p + 1, s.n - 2};
    return s;
}

/* ---- decodings ---- */

bool mime_percent_decode(struct arena *a, struct span in, struct span *out)
{
    char *to = arena_room(a, in.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < in.n; i++) {
        to[n] = in.p[i];
        if (in.p[i] == '%') {
            int high = i + 2 < in.n ? ascii_hex(in.p[i + 1]) : -1;
            int low = high >= 0 ? ascii_hex(in.p[i + 2]) : -1;
            if (low < 0 || (high == 0 && low == 0))
                return false;
            to[n] = (char)(high * 16 + low);
            i += 2;
        }
        n++;
    }
    to[n] = '\0';
    *out = (struct span){to, n};
    return true;
}

/* Behind '=': the blanks and the end of the line that a soft break takes; 0: it is none. */
static size_t soft_break(struct span rest)
{
    size_t n = 0;
    while (n < rest.n && (rest.p[n] == ' ' || rest.p[n] == '\t'))
        n++;
    if (n == rest.n)
        return n;
    if (rest.p[n] == '\r')
        n++;
    return n < rest.n && rest.p[n] == '\n' ? n + 1 : 0;
}

bool mime_quoted_printable_decode(struct arena *a, struct span in, struct span *out)
{
    char *to = arena_room(a, in.n + 1);
    size_t n = 0, kept = 0; /* kept: what blanks at the end of a line may not take away */
    for (size_t i = 0; i < in.n;) {
        char c = in.p[i];
        if (c == '=') {
            int high = i + 2 < in.n ? ascii_hex(in.p[i + 1]) : -1;
            int low = high >= 0 ? ascii_hex(in.p[i + 2]) : -1;
            size_t skip = low >= 0 ? 0 : soft_break((struct span){in.p + i + 1, in.n - i - 1});
            if (low < 0 && skip == 0 && i + 1 < in.n)
                return false;
            if (low >= 0)
                to[n++] = (char)(high * 16 + low);
            i += low >= 0 ? 3 : 1 + skip;
            kept = n;
            continue;
        }
        bool is_end = c == '\n' || (c == '\r' && i + 1 < in.n && in.p[i + 1] == '\n');
        if (is_end)
            n = kept;
        to[n++] = c;
        if (c != ' ' && c != '\t')
            kept = n;
        i++;
    }
    *out = (struct span){to, kept};
    return true;
}

/* ---- the lines ---- */

struct lines {
    struct span rest; /* of the part */
    size_t read, max; /* bytes of the header */
};

/* The next line without its end; false: there is no more. */
static bool next_line(struct lines *l, struct span *line)
{
    if (l->rest.n == 0)
        return false;
    const char *lf = memchr(l->rest.p, '\n', l->rest.n);
    size_t n = lf != NULL ? (size_t)(lf - l->rest.p) : l->rest.n, whole = lf != NULL ? n + 1 : n;
    *line = (struct span){l->rest.p, n};
    if (n > 0 && line->p[n - 1] == '\r')
        line->n--;
    l->rest.p += whole;
    l->rest.n -= whole;
    l->read += whole;
    return true;
}

static bool is_folded(const struct lines *l)
{
    return l->rest.n > 0 && (*l->rest.p == ' ' || *l->rest.p == '\t');
}

static bool has_controls(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (((unsigned char)s.p[i] < 0x20 && s.p[i] != '\t') || s.p[i] == 0x7F)
            return true;
    return false;
}

static struct span *member_of(struct mime_header *h, struct span name)
{
    if (mime_is(name, "content-type"))
        return &h->type;
    if (mime_is(name, "content-transfer-encoding"))
        return &h->encoding;
    return mime_is(name, "content-id") ? &h->id : NULL;
}

/* One field, its further lines included. Only what is of use is kept: there may be very many. */
static enum err read_field(struct arena *a, struct lines *l, struct span line, struct mime_header *out, struct error *e)
{
    const char *colon = memchr(line.p, ':', line.n);
    if (colon == NULL || colon == line.p || ascii_is_blank(*line.p))
        return error_set(e, ERR_MALFORMED, "a header of a MIME part without a name");
    struct span *member = member_of(out, mime_trim((struct span){line.p, (size_t)(colon - line.p)}));
    struct buf value = {0};
    if (member != NULL && member->p != NULL)
        return error_set(e, ERR_MALFORMED, "a header of a MIME part is there twice");
    if (member != NULL)
        buf_init(&value, a, 128);
    struct span piece = {colon + 1, line.n - (size_t)(colon + 1 - line.p)};
    for (;;) {
        if (has_controls(line))
            return error_set(e, ERR_MALFORMED, "a control character in a header of a MIME part");
        if (member != NULL)
            buf_add_span(&value, piece);
        if (!is_folded(l) || l->read > l->max || !next_line(l, &line))
            break;
        piece = line;
    }
    if (member != NULL)
        *member = mime_trim((struct span){value.p != NULL ? value.p : "", value.n});
    return ERR_OK;
}

enum err mime_header_read(struct arena *a, struct span part, const struct mime_limits *limits, struct mime_header *out,
                          struct error *e)
{
    struct lines l = {.rest = part, .max = limits->header_max_bytes};
    struct span line;
    *out = (struct mime_header){0};
    while (next_line(&l, &line) && line.n > 0) {
        enum err err = l.read > l.max ? ERR_OK : read_field(a, &l, line, out, e);
        if (err != ERR_OK)
            return err;
        if (l.read > l.max)
            return error_set(e, ERR_LIMIT, "the header of a MIME part is longer than %zu bytes", l.max);
    }
    out->body = l.rest;
    return ERR_OK;
}
