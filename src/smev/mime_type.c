/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Content-Type: a type and its parameters, whole or in pieces (RFC 2045, 5.1; RFC 2231, 3 and 4). */
#include "mime.h"

#include "ascii.h"

#include <string.h>

#define SEGMENTS_MAX 64

struct mime_segment { /* one `name*index*=value` */
    const char *name; /* lower case, without what begins with '*' */
    int index;        /* -1: the whole */
    bool is_encoded;
    struct span value; /* without quotes */
};

struct reading {
    struct arena *a;
    const char *p, *end;
    struct error *e;
};

static enum err malformed(const struct reading *r, const char *what)
{
    return error_set(r->e, ERR_MALFORMED, "Content-Type: %s", what);
}

static void skip_blanks(struct reading *r)
{
    while (r->p < r->end && ascii_is_blank(*r->p))
        r->p++;
}

static struct span take_until(struct reading *r, const char *stops)
{
    const char *from = r->p;
    while (r->p < r->end && *r->p != '\0' && strchr(stops, *r->p) == NULL)
        r->p++;
    return (struct span){from, (size_t)(r->p - from)};
}

static enum err read_quoted(struct reading *r, struct span *out)
{
    char *to = arena_room(r->a, (size_t)(r->end - r->p) + 1);
    size_t n = 0;
    for (r->p++; r->p < r->end && *r->p != '"'; r->p++) {
        if (*r->p == '\\' && ++r->p == r->end)
            break;
        to[n++] = *r->p;
    }
    if (r->p == r->end)
        return malformed(r, "a quote is not closed");
    r->p++;
    *out = (struct span){to, n};
    return ERR_OK;
}

/* "start*1*" to name, index and form. */
static bool read_name(struct arena *a, struct span name, struct mime_segment *s)
{
    s->index = -1;
    if (name.n > 1 && name.p[name.n - 1] == '*') {
        s->is_encoded = true;
        name.n--;
    }
    const char *star = memchr(name.p, '*', name.n);
    if (star != NULL) {
        size_t digits = name.n - (size_t)(star + 1 - name.p);
        if (digits == 0 || digits > 2 || (digits == 2 && star[1] == '0'))
            return false;
        s->index = 0;
        for (const char *d = star + 1; d < name.p + name.n; d++) {
            if (!ascii_is_digit(*d))
                return false;
            s->index = s->index * 10 + (*d - '0');
        }
        name.n = (size_t)(star - name.p);
    }
    s->name = mime_lower(a, name);
    return name.n > 0;
}

static enum err read_segment(struct reading *r, struct mime_segment *s)
{
    struct span name = mime_trim(take_until(r, "=;"));
    if (r->p == r->end || *r->p != '=' || !read_name(r->a, name, s))
        return malformed(r, "a parameter that is none");
    r->p++;
    skip_blanks(r);
    if (r->p < r->end && *r->p == '"') {
        enum err err = read_quoted(r, &s->value);
        if (err != ERR_OK)
            return err;
    } else {
        s->value = take_until(r, "; \t\r\n");
    }
    skip_blanks(r);
    if (r->p < r->end && *r->p != ';')
        return malformed(r, "no ';' behind a parameter");
    return ERR_OK;
}

static bool is_type_name(const char *s)
{
    const char *slash = strchr(s, '/');
    return slash != NULL && slash > s && slash[1] != '\0' &&
           s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789+-._/")] == '\0';
}

enum err mime_type_read(struct arena *a, struct span value, struct mime_type *out, struct error *e)
{
    struct reading r = {a, value.p, value.p + value.n, e};
    struct mime_segment *segments = arena_array(a, SEGMENTS_MAX, sizeof *segments);
    *out = (struct mime_type){.segments = segments};
    out->name = mime_lower(a, mime_trim(take_until(&r, ";")));
    if (!is_type_name(out->name))
        return malformed(&r, "no type");
    while (r.p < r.end) {
        r.p++; /* ';' */
        skip_blanks(&r);
        if (r.p == r.end || *r.p == ';')
            continue;
        if (out->nsegments == SEGMENTS_MAX)
            return error_set(e, ERR_LIMIT, "Content-Type: more than %d parameters", SEGMENTS_MAX);
        enum err err = read_segment(&r, &segments[out->nsegments++]);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}

/* RFC 2231, 4: charset'language'text, the text with percents. */
static bool decode_piece(struct arena *a, struct span piece, bool is_first, struct span *out)
{
    if (is_first) {
        const char *end = piece.p + piece.n, *one = piece.n > 0 ? memchr(piece.p, '\'', piece.n) : NULL;
        const char *two = one != NULL ? memchr(one + 1, '\'', (size_t)(end - one - 1)) : NULL;
        if (two == NULL)
            return false;
        struct span charset = {piece.p, (size_t)(one - piece.p)};
        if (charset.n > 0 && !mime_is(charset, "utf-8") && !mime_is(charset, "us-ascii"))
            return false;
        piece = (struct span){two + 1, (size_t)(end - two - 1)};
    }
    return mime_percent_decode(a, piece, out);
}

/* The segment of this name and index; more than one is told by *many. */
static const struct mime_segment *find_segment(const struct mime_type *type, const char *name, int index, bool *many)
{
    const struct mime_segment *found = NULL;
    for (unsigned i = 0; i < type->nsegments; i++) {
        const struct mime_segment *s = &type->segments[i];
        if (s->index != index || strcmp(s->name, name) != 0)
            continue;
        *many = *many || found != NULL;
        found = s;
    }
    return found;
}

static unsigned count_segments(const struct mime_type *type, const char *name)
{
    unsigned n = 0;
    for (unsigned i = 0; i < type->nsegments; i++)
        n += strcmp(type->segments[i].name, name) == 0;
    return n;
}

enum err mime_type_parameter(struct arena *a, const struct mime_type *type, const char *name, const char **out,
                             struct error *e)
{
    unsigned n = count_segments(type, name);
    bool many = false;
    *out = NULL;
    if (n == 0)
        return ERR_OK;
    int index = find_segment(type, name, -1, &many) != NULL ? -1 : 0;
    if (index == -1 && n > 1)
        return error_set(e, ERR_MALFORMED, "Content-Type: parameter %s is there twice", name);
    struct buf value;
    buf_init(&value, a, 64);
    for (unsigned i = 0; i < n; i++, index++) {
        const struct mime_segment *s = find_segment(type, name, index, &many);
        if (s == NULL || many)
            return error_set(e, ERR_MALFORMED, "Content-Type: a piece of parameter %s is %s", name,
                             many ? "there twice" : "missing");
        struct span piece = s->value;
        if (s->is_encoded && !decode_piece(a, s->value, i == 0, &piece))
            return error_set(e, ERR_MALFORMED, "Content-Type: parameter %s cannot be decoded", name);
        buf_add_span(&value, piece);
    }
    if (value.n > 0 && memchr(value.p, 0, value.n) != NULL)
        return error_set(e, ERR_MALFORMED, "Content-Type: NUL in parameter %s", name);
    *out = arena_strndup(a, value.n > 0 ? value.p : "", value.n);
    return ERR_OK;
}
