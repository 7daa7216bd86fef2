/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The head of a request: request line and fields (RFC 9112 sections 3 and 5), and what they say about the body
 * (section 6). Reads only what has already been cut into lines; never looks at the body.
 *
 * The fields that decide where a message ends are taken literally: no list, no second copy, no white space but blanks
 * around the value. What else the standard lets a recipient forgive, and why we do not: docs/decisions/0323.
 */
#include "http.h"

#include "ascii.h"

#include <string.h>

static bool refuse(struct http_refusal *r, int status, const char *reason)
{
    r->status = status;
    r->reason = reason;
    return false;
}

static bool is_alnum(char c)
{
    return ascii_is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool http_is_token_char(char c)
{
    return is_alnum(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* RFC 3986: unreserved, sub-delims, and what path and query add; '%' is looked at on its own. */
static bool is_target_char(char c)
{
    return is_alnum(c) || (c != '\0' && strchr("-._~!$&'()*+,;=:@/?%", c) != NULL);
}

static char to_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool equals_nocase(const char *p, size_t n, const char *word)
{
    if (strlen(word) != n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (to_lower(p[i]) != to_lower(word[i]))
            return false;
    return true;
}

/*
 * A host and its port (RFC 3986 sections 3.2.2 and 3.2.3), nobody's name before them. Of names no escapes and none of
 * the signs that only lists of hosts have; of an address in brackets the characters alone are looked at.
 */
static bool is_authority(struct span s)
{
    bool is_bracketed = s.n > 0 && s.p[0] == '[';
    size_t from = is_bracketed ? 1 : 0, i = from;
    while (i < s.n && (is_alnum(s.p[i]) || memchr("-._~", s.p[i], 4) != NULL || (is_bracketed && s.p[i] == ':')))
        i++;
    if (i == from || (is_bracketed && (i == s.n || s.p[i++] != ']')))
        return false;
    if (i < s.n && s.p[i++] != ':')
        return false;
    while (i < s.n && ascii_is_digit(s.p[i]))
        i++;
    return i == s.n;
}

/* ---- request line ---- */

static bool method_settle(struct http_message *m, struct span method, struct http_refusal *r)
{
    static const char *const served[] = {"GET", "HEAD", "POST"};
    static const char *const known[] = {"PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"};
    for (size_t i = 0; i < sizeof(served) / sizeof(served[0]); i++) {
        if (span_is(method, served[i])) {
            m->method = served[i];
            return true;
        }
    }
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (span_is(method, known[i]))
            return refuse(r, 405, "method not allowed");
    return refuse(r, 501, "method not implemented");
}

/* An escaped slash or control character has no honest use here and is read differently by every proxy. */
static bool path_decode(struct http_message *m, struct span path, struct http_refusal *r)
{
    char *out = arena_alloc(m->arena, path.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < path.n; i++) {
        char c = path.p[i];
        if (c == '%') {
            int high = i + 2 < path.n ? ascii_hex(path.p[i + 1]) : -1;
            int low = i + 2 < path.n ? ascii_hex(path.p[i + 2]) : -1;
            if (high < 0 || low < 0)
                return refuse(r, 400, "bad escape in the request target");
            int value = high * 16 + low;
            if (value < 0x20 || value == 0x7f || value == '/' || value == '\\')
                return refuse(r, 400, "bad escape in the request target");
            c = (char)value;
            i += 2;
        }
        out[n++] = c;
    }
    m->path = out;
    return true;
}

/* How much of the target goes before its path: nothing, or "http://host". RFC 9112 section 3.2.2 wants both taken. */
static bool origin_skip(struct http_message *m, struct span *target)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        size_t n = strlen(schemes[i]), end = n;
        if (target->n < n || !equals_nocase(target->p, n, schemes[i]))
            continue;
        while (end < target->n && target->p[end] != '/' && target->p[end] != '?')
            end++;
        if (!is_authority((struct span){target->p + n, end - n}))
            return false;
        m->authority = arena_strndup(m->arena, target->p + n, end - n);
        *target = (struct span){target->p + end, target->n - end};
        return true;
    }
    return target->n > 0 && target->p[0] == '/';
}

/* Whose host a target names decides nothing, and neither does Host: there is one of us at an address. */
static bool target_settle(struct http_message *m, struct span target, struct http_refusal *r)
{
    if (!origin_skip(m, &target))
        return refuse(r, 400, "the request target must be a path");
    for (size_t i = 0; i < target.n; i++)
        if (!is_target_char(target.p[i]))
            return refuse(r, 400, "bad character in the request target");
    const char *mark = memchr(target.p, '?', target.n);
    size_t path_n = mark == NULL ? target.n : (size_t)(mark - target.p);
    m->query = mark == NULL ? "" : arena_strndup(m->arena, mark + 1, target.n - path_n - 1);
    return path_decode(m, path_n == 0 ? SPAN_LIT("/") : (struct span){target.p, path_n}, r);
}

static bool version_settle(struct http_message *m, struct span version, struct http_refusal *r)
{
    const char *v = version.p;
    if (version.n != 8 || memcmp(v, "HTTP/", 5) != 0 || !ascii_is_digit(v[5]) || v[6] != '.' || !ascii_is_digit(v[7]))
        return refuse(r, 400, "bad request line");
    if (v[5] != '1')
        return refuse(r, 505, "only HTTP/1.1 and HTTP/1.0");
    m->version_minor = v[7] == '0' ? 0 : 1; /* RFC 9110 section 2.5: a later one is read as the highest we know */
    return true;
}

bool http_head_request_line(struct http_message *m, size_t start, size_t n, struct http_refusal *r)
{
    const char *line = m->head.p + start;
    const char *end = line + n;
    const char *first = memchr(line, ' ', n);
    if (first == NULL || first == line)
        return refuse(r, 400, "bad request line");
    for (const char *p = line; p < first; p++)
        if (!http_is_token_char(*p))
            return refuse(r, 400, "bad request line");
    const char *second = memchr(first + 1, ' ', (size_t)(end - first - 1));
    if (second == NULL || second == first + 1)
        return refuse(r, 400, "bad request line");
    if (!version_settle(m, (struct span){second + 1, (size_t)(end - second - 1)}, r))
        return false;
    if (!method_settle(m, (struct span){line, (size_t)(first - line)}, r))
        return false;
    return target_settle(m, (struct span){first + 1, (size_t)(second - first - 1)}, r);
}

/* ---- fields ---- */

/* Not "found twice, first one wins": a second copy is either a mistake or an attempt. */
static bool is_single(const char *name, size_t n)
{
    static const char *const single[] = {"host",         "content-length",   "transfer-encoding",
                                         "content-type", "content-encoding", "soapaction",
                                         "expect",       "authorization"};
    for (size_t i = 0; i < sizeof(single) / sizeof(single[0]); i++)
        if (equals_nocase(name, n, single[i]))
            return true;
    return false;
}

static const struct http_field *field_find(const struct http_message *m, const char *name, size_t n)
{
    for (unsigned i = 0; i < m->field_count; i++) {
        const struct http_field *f = &m->fields[i];
        if (f->name_n != n)
            continue;
        size_t k = 0;
        while (k < n && to_lower(m->head.p[f->name + k]) == to_lower(name[k]))
            k++;
        if (k == n)
            return f;
    }
    return NULL;
}

bool http_head_field_line(struct http_message *m, size_t start, size_t n, const struct http_limits *limits,
                          struct http_refusal *r)
{
    const char *line = m->head.p + start;
    if (line[0] == ' ' || line[0] == '\t')
        return refuse(r, 400, "folded header line");
    const char *colon = memchr(line, ':', n);
    if (colon == NULL || colon == line)
        return refuse(r, 400, "bad header line");
    size_t name_n = (size_t)(colon - line);
    for (size_t i = 0; i < name_n; i++)
        if (!http_is_token_char(line[i]))
            return refuse(r, 400, "bad character in a header name");
    if (m->field_count >= limits->headers_max)
        return refuse(r, 431, "too many headers");
    if (is_single(line, name_n) && field_find(m, line, name_n) != NULL)
        return refuse(r, 400, "repeated header");
    if (m->fields == NULL)
        m->fields = arena_array(m->arena, limits->headers_max, sizeof(*m->fields));
    size_t from = name_n + 1;
    size_t to = n;
    while (from < to && (line[from] == ' ' || line[from] == '\t'))
        from++;
    while (to > from && (line[to - 1] == ' ' || line[to - 1] == '\t'))
        to--;
    m->fields[m->field_count++] = (struct http_field){start, name_n, start + from, to - from};
    return true;
}

/* ---- what they mean ---- */

static const struct http_field *field_named(const struct http_message *m, const char *name)
{
    return field_find(m, name, strlen(name));
}

static struct span value_of(const struct http_message *m, const struct http_field *f)
{
    return (struct span){m->head.p + f->value, f->value_n};
}

/* Nothing around the value but blanks: a tab there is what readers have disagreed about. */
static bool is_written_plainly(const struct http_message *m, const struct http_field *f)
{
    const char *from = m->head.p + f->name + f->name_n + 1,
               *end = memchr(from, '\r', m->head.n - (size_t)(from - m->head.p));
    return memchr(from, '\t', (size_t)(end - from)) == NULL;
}

static bool host_settle(const struct http_message *m, struct http_refusal *r)
{
    const struct http_field *f = field_named(m, "Host");
    if (f == NULL)
        return m->version_minor == 0 || refuse(r, 400, "Host is missing");
    struct span host = value_of(m, f);
    if (host.n == 0)
        return refuse(r, 400, "Host is empty");
    return is_authority(host) || refuse(r, 400, "bad Host");
}

static bool length_settle(struct http_message *m, const struct http_field *f, const struct http_limits *limits,
                          struct http_refusal *r)
{
    struct span text = value_of(m, f);
    if (text.n == 0 || text.n > 18 || !is_written_plainly(m, f))
        return refuse(r, 400, "bad Content-Length");
    uint64_t length = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (!ascii_is_digit(text.p[i]))
            return refuse(r, 400, "bad Content-Length");
        length = length * 10 + (uint64_t)(text.p[i] - '0');
    }
    if (length > limits->body_max_bytes)
        return refuse(r, 413, "the body is too large");
    m->has_length = true;
    m->length = length;
    return true;
}

static bool coding_settle(struct http_message *m, const struct http_field *f, struct http_refusal *r)
{
    struct span text = value_of(m, f);
    if (m->version_minor == 0)
        return refuse(r, 400, "Transfer-Encoding in HTTP/1.0");
    if (!equals_nocase(text.p, text.n, "chunked") || !is_written_plainly(m, f))
        return refuse(r, 501, "unknown Transfer-Encoding");
    m->chunked = true;
    return true;
}

static bool framing_settle(struct http_message *m, const struct http_limits *limits, struct http_refusal *r)
{
    const struct http_field *length = field_named(m, "Content-Length");
    const struct http_field *coding = field_named(m, "Transfer-Encoding");
    if (length != NULL && coding != NULL)
        return refuse(r, 400, "Content-Length and Transfer-Encoding together");
    if (length != NULL && !length_settle(m, length, limits, r))
        return false;
    if (coding != NULL && !coding_settle(m, coding, r))
        return false;
    bool is_post = strcmp(m->method, "POST") == 0;
    if (is_post && length == NULL && coding == NULL)
        return refuse(r, 411, "Content-Length is required");
    if (!is_post && (m->chunked || m->length > 0))
        return refuse(r, 400, "this method takes no body");
    return true;
}

/* The Connection fields are the only ones read as a list, over all their copies. */
static bool connection_says_close(const struct http_message *m)
{
    for (unsigned i = 0; i < m->field_count; i++) {
        const struct http_field *f = &m->fields[i];
        if (!equals_nocase(m->head.p + f->name, f->name_n, "Connection"))
            continue;
        const char *p = m->head.p + f->value;
        const char *end = p + f->value_n;
        while (p < end) {
            const char *comma = memchr(p, ',', (size_t)(end - p));
            const char *stop = comma == NULL ? end : comma;
            const char *last = stop;
            while (p < last && (*p == ' ' || *p == '\t'))
                p++;
            while (last > p && (last[-1] == ' ' || last[-1] == '\t'))
                last--;
            if (equals_nocase(p, (size_t)(last - p), "close"))
                return true;
            p = stop + 1;
        }
    }
    return false;
}

bool http_head_settle(struct http_message *m, const struct http_limits *limits, struct http_refusal *r)
{
    if (!host_settle(m, r) || !framing_settle(m, limits, r))
        return false;
    const struct http_field *encoding = field_named(m, "Content-Encoding");
    if (encoding != NULL && !equals_nocase(m->head.p + encoding->value, encoding->value_n, "identity"))
        return refuse(r, 415, "compressed bodies are not taken");
    const struct http_field *expect = field_named(m, "Expect");
    if (expect != NULL && !equals_nocase(m->head.p + expect->value, expect->value_n, "100-continue"))
        return refuse(r, 417, "unknown expectation");
    /* RFC 9110 section 10.1.1: a 1.0 client does not know what a 100 is */
    m->expects_continue = expect != NULL && m->version_minor == 1 && (m->chunked || m->length > 0);
    m->keep_alive = m->version_minor == 1 && !connection_says_close(m);
    return true;
}

void http_head_terminate(struct http_message *m)
{
    for (unsigned i = 0; i < m->field_count; i++) {
        m->head.p[m->fields[i].name + m->fields[i].name_n] = '\0';
        m->head.p[m->fields[i].value + m->fields[i].value_n] = '\0';
    }
}

const char *http_message_header(const struct http_message *m, const char *name)
{
    const struct http_field *f = field_named(m, name);
    return f == NULL ? NULL : m->head.p + f->value;
}
