/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The parts of multipart/related (RFC 2046, 5.1; RFC 2387), in one pass over the body. What could be read in two ways
 * is refused: the peer is a bus that writes by one library, and a part that two readers cut differently is how a
 * signature comes to stand over something else than what is read.
 */
#include "mime.h"

#include "told.h"

#include <stdlib.h>
#include <string.h>

#define BOUNDARY_MAX 200 /* RFC 2046 has 70 */

const struct mime_limits mime_limits_default = {
    .size_max_bytes = (size_t)12 * 1024 * 1024,
    .parts_max = 4096,
    .header_max_bytes = 8192,
    .content_id_max_bytes = 512,
};

struct scan {
    struct arena *a;
    const struct mime_limits *limits;
    struct span dashes; /* "--" and the boundary */
    const char *p, *end;
    bool is_crlf; /* how the first delimiter's line ends; the others are asked the same */
    struct error *e;
};

struct delimiter {
    const char *before; /* end of what stands before it: without the end of that line */
    const char *behind; /* what stands after its line */
    bool is_close;
};

/* ---- delimiters ---- */

/* At the end of a line, or of all: what follows it; NULL: something else stands there. */
static const char *line_end(const char *p, const char *end, bool *is_crlf)
{
    *is_crlf = false;
    while (p < end && (*p == ' ' || *p == '\t'))
        p++;
    if (p == end)
        return p;
    if (*p == '\r' && p + 1 < end && p[1] == '\n') {
        *is_crlf = true;
        return p + 2;
    }
    return *p == '\n' ? p + 1 : NULL;
}

/* At a line that begins like one. */
static enum err read_delimiter(struct scan *s, const char *line, bool is_first, struct delimiter *out)
{
    const char *p = line + s->dashes.n;
    bool is_crlf;
    out->is_close = s->end - p >= 2 && p[0] == '-' && p[1] == '-';
    out->behind = line_end(out->is_close ? p + 2 : p, s->end, &is_crlf);
    if (out->behind == NULL || (!out->is_close && out->behind == s->end && !is_crlf && s->end[-1] != '\n'))
        return error_set(s->e, ERR_MALFORMED, "multipart: a line begins like the boundary and %s",
                         out->behind == NULL ? "goes on" : "is cut off");
    out->before = line;
    if (is_first)
        s->is_crlf = is_crlf;
    else if (line > s->p)
        out->before = line - (s->is_crlf ? 2 : 1);
    return ERR_OK;
}

/* Whether a line that begins here may hold a delimiter: the line before ends as the first delimiter's does. */
static bool is_line_start(const struct scan *s, const char *line, bool is_first)
{
    if (line == s->p || is_first || !s->is_crlf)
        return true;
    return line - s->p >= 2 && line[-2] == '\r';
}

/* The next delimiter from s->p, which is the beginning of a line; *found false: there is none. */
static enum err find_delimiter(struct scan *s, bool is_first, struct delimiter *out, bool *found)
{
    for (const char *line = s->p; line != NULL && (size_t)(s->end - line) >= s->dashes.n;) {
        if (memcmp(line, s->dashes.p, s->dashes.n) == 0 && is_line_start(s, line, is_first)) {
            *found = true;
            return read_delimiter(s, line, is_first, out);
        }
        line = memchr(line, '\n', (size_t)(s->end - line));
        line = line != NULL ? line + 1 : NULL;
    }
    *found = false;
    return ERR_OK;
}

/* ---- parts ---- */

struct raw_part {
    struct mime_part part;
    struct span type;
};

static enum err decode_part(struct scan *s, const struct mime_header *h, struct span *out)
{
    *out = h->body;
    if (h->encoding.p == NULL || mime_is(h->encoding, "binary") || mime_is(h->encoding, "8bit") ||
        mime_is(h->encoding, "7bit"))
        return ERR_OK;
    bool is_good;
    if (mime_is(h->encoding, "base64"))
        is_good = base64_decode(s->a, h->body, out);
    else if (mime_is(h->encoding, "quoted-printable"))
        is_good = mime_quoted_printable_decode(s->a, h->body, out);
    else
        return error_set(s->e, ERR_MALFORMED, "multipart: a Content-Transfer-Encoding that is not known");
    if (!is_good)
        return error_set(s->e, ERR_MALFORMED, "multipart: a part is not in the encoding its header tells");
    return ERR_OK;
}

static enum err read_part(struct scan *s, struct span octets, struct raw_part *out)
{
    struct mime_header h = {0};
    enum err err = mime_header_read(s->a, octets, s->limits, &h, s->e);
    if (err != ERR_OK)
        return err;
    struct span id = mime_unbracket(h.id);
    if (id.n > s->limits->content_id_max_bytes)
        return error_set(s->e, ERR_LIMIT, "multipart: a Content-ID of %zu bytes", id.n);
    out->type = h.type;
    out->part.id = id.n > 0 ? arena_strndup(s->a, id.p, id.n) : NULL;
    return decode_part(s, &h, &out->part.octets);
}

static struct raw_part *grow(struct arena *a, struct raw_part *parts, unsigned n, unsigned *cap)
{
    if (n < *cap)
        return parts;
    unsigned wanted = *cap == 0 ? 8 : *cap * 2;
    struct raw_part *bigger = arena_array(a, wanted, sizeof *bigger);
    if (n > 0)
        memcpy(bigger, parts, n * sizeof *parts);
    *cap = wanted;
    return bigger;
}

static enum err read_parts(struct scan *s, struct raw_part **parts, unsigned *n)
{
    struct delimiter at = {0}, next = {0};
    bool found;
    unsigned cap = 0;
    enum err err = find_delimiter(s, true, &at, &found);
    while (err == ERR_OK && found && !at.is_close) {
        if (*n == s->limits->parts_max)
            return error_set(s->e, ERR_LIMIT, "multipart: more than %u parts", s->limits->parts_max);
        s->p = at.behind;
        err = find_delimiter(s, false, &next, &found);
        if (err != ERR_OK || !found)
            break;
        *parts = grow(s->a, *parts, *n, &cap);
        struct span octets = {s->p, next.before > s->p ? (size_t)(next.before - s->p) : 0};
        err = read_part(s, octets, &(*parts)[(*n)++]);
        at = next;
    }
    if (err != ERR_OK)
        return err;
    if (!found)
        return error_set(s->e, ERR_MALFORMED, "multipart: no %s boundary: the message was cut off",
                         *n > 0 ? "closing" : "such");
    s->p = at.behind;
    err = find_delimiter(s, false, &next, &found);
    if (err == ERR_OK && found)
        return error_set(s->e, ERR_MALFORMED, "multipart: a second message behind the closing boundary");
    return err;
}

/* ---- the root ---- */

static enum err check_charset(struct arena *a, const struct mime_type *type, struct error *e)
{
    const char *charset;
    enum err err = mime_type_parameter(a, type, "charset", &charset, e);
    if (err != ERR_OK || charset == NULL)
        return err;
    struct span s = mime_trim(span_of(charset));
    if (mime_is(s, "utf-8") || mime_is(s, "utf8") || mime_is(s, "us-ascii"))
        return ERR_OK;
    return error_set(e, ERR_ENCODING, "Content-Type: charset is not UTF-8");
}

static bool is_xml_type(const char *name)
{
    return strcmp(name, "text/xml") == 0 || strcmp(name, "application/xml") == 0;
}

static enum err take_root(struct scan *s, const struct mime_type *whole, const struct raw_part *root,
                          struct mime_message *out)
{
    struct mime_type type = {0};
    const char *named = NULL;
    enum err err = ERR_OK;
    if (root->type.n > 0)
        err = mime_type_read(s->a, root->type, &type, s->e);
    else
        err = mime_type_parameter(s->a, whole, "type", &named, s->e);
    if (err != ERR_OK)
        return err;
    const char *name = type.name != NULL ? type.name : mime_lower(s->a, span_of(named));
    out->is_xop = strcmp(name, "application/xop+xml") == 0;
    if (!out->is_xop && !is_xml_type(name) && *name != '\0')
        return error_set(s->e, ERR_MALFORMED, "multipart: the root part is %s and no XML", told_path(name));
    out->root = root->part.octets;
    if (mime_trim(out->root).n == 0)
        return error_set(s->e, ERR_MALFORMED, "multipart: the root part is empty");
    return type.name != NULL ? check_charset(s->a, &type, s->e) : ERR_OK;
}

static enum err find_root(struct scan *s, const struct mime_type *type, const struct raw_part *parts, unsigned n,
                          unsigned *out)
{
    const char *start;
    enum err err = mime_type_parameter(s->a, type, "start", &start, s->e);
    *out = 0;
    if (err != ERR_OK || start == NULL)
        return err;
    struct span id = mime_unbracket(span_of(start));
    while (*out < n && (parts[*out].part.id == NULL || !span_is(id, parts[*out].part.id)))
        (*out)++;
    return *out < n ? ERR_OK : error_set(s->e, ERR_MALFORMED, "multipart: there is no part that 'start' names");
}

/* ---- all parts but the root, to be found by name ---- */

static int compare_parts(const void *l, const void *r)
{
    return strcmp(((const struct mime_part *)l)->id, ((const struct mime_part *)r)->id);
}

static enum err index_parts(struct scan *s, const struct raw_part *parts, unsigned n, unsigned root,
                            struct mime_message *out)
{
    struct mime_part *index = arena_array(s->a, n, sizeof *index);
    unsigned found = 0;
    for (unsigned i = 0; i < n; i++)
        if (parts[i].part.id != NULL)
            index[found++] = parts[i].part;
    qsort(index, found, sizeof *index, compare_parts);
    for (unsigned i = 1; i < found; i++)
        if (strcmp(index[i - 1].id, index[i].id) == 0)
            return error_set(s->e, ERR_MALFORMED, "multipart: two parts have one Content-ID");
    unsigned kept = 0;
    for (unsigned i = 0; i < found; i++)
        if (parts[root].part.id == NULL || strcmp(index[i].id, parts[root].part.id) != 0)
            index[kept++] = index[i];
    out->parts = index;
    out->nparts = kept;
    return ERR_OK;
}

const struct mime_part *mime_find(struct arena *a, const struct mime_message *m, const char *href)
{
    struct span id = span_of(href);
    if (id.n < 4 || !mime_is((struct span){id.p, 4}, "cid:"))
        return NULL;
    id.p += 4, id.n -= 4;
    if (m->nparts == 0 || !mime_percent_decode(a, id, &id))
        return NULL;
    struct mime_part wanted = {.id = id.p};
    return bsearch(&wanted, m->parts, m->nparts, sizeof *m->parts, compare_parts);
}

/* ---- the whole ---- */

static enum err read_multipart(struct scan *s, const struct mime_type *type, struct mime_message *out)
{
    const char *boundary;
    enum err err = mime_type_parameter(s->a, type, "boundary", &boundary, s->e);
    if (err != ERR_OK)
        return err;
    size_t n = boundary != NULL ? strlen(boundary) : 0;
    if (n == 0 || n > BOUNDARY_MAX || boundary[n - 1] == ' ' || strpbrk(boundary, "\r\n") != NULL)
        return error_set(s->e, ERR_MALFORMED, "Content-Type: %s", n == 0 ? "no boundary" : "a boundary that is none");
    s->dashes = span_of(arena_printf(s->a, "--%s", boundary));
    struct raw_part *parts = NULL;
    unsigned nparts = 0, root;
    err = read_parts(s, &parts, &nparts);
    if (err != ERR_OK)
        return err;
    if (nparts == 0)
        return error_set(s->e, ERR_MALFORMED, "multipart: not one part");
    err = find_root(s, type, parts, nparts, &root);
    if (err == ERR_OK)
        err = take_root(s, type, &parts[root], out);
    return err != ERR_OK ? err : index_parts(s, parts, nparts, root, out);
}

static enum err read_one(struct arena *a, const struct mime_type *type, struct span body, struct mime_message *out,
                         struct error *e)
{
    if (strcmp(type->name, "text/html") == 0)
        return error_set(e, ERR_MALFORMED, "an HTML page and no message");
    if (!is_xml_type(type->name))
        return error_set(e, ERR_MALFORMED, "a body of type %s and no message", told_path(type->name));
    out->root = body;
    return check_charset(a, type, e);
}

enum err mime_read(struct arena *a, const char *content_type, struct span body, const struct mime_limits *limits,
                   struct mime_message *out, struct error *e)
{
    *out = (struct mime_message){0};
    struct span value = span_of(content_type);
    if (body.n > limits->size_max_bytes)
        return error_set(e, ERR_LIMIT, "a body of %zu bytes", body.n);
    if (value.n > limits->header_max_bytes)
        return error_set(e, ERR_LIMIT, "a Content-Type of %zu bytes", value.n);
    if (mime_trim(body).n == 0)
        return error_set(e, ERR_MALFORMED, "an empty body");
    struct mime_type type = {.name = "text/xml"};
    enum err err = mime_trim(value).n > 0 ? mime_type_read(a, value, &type, e) : ERR_OK;
    struct scan s = {.a = a, .limits = limits, .p = body.p, .end = body.p + body.n, .e = e};
    if (err == ERR_OK)
        err = strcmp(type.name, "multipart/related") == 0 ? read_multipart(&s, &type, out)
                                                          : read_one(a, &type, body, out, e);
    if (err != ERR_OK)
        *out = (struct mime_message){0};
    return err;
}
