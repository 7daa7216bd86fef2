/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Bytes to requests. Two readers look at every message: our own narrow grammar (http_head.c, http_chunk.c) decides what
 * is let in and where the message ends; llhttp then reads the same bytes and hands out the body. When the two
 * do not agree about length or end, the message is refused: whoever is wrong, nothing slips in between.
 */
#include "http.h"

#include "log.h"

#include <llhttp.h>
#include <stdlib.h>
#include <string.h>

#define HEAD_FIRST_BYTES   1024
#define REFUSED_PATH_BYTES 200 /* of the path of a refused request, for the log */

struct http_parser {
    const struct http_limits *limits;
    struct http_message *message; /* NULL while idle: an idle connection keeps nothing */
    enum http_phase phase;
    struct http_refusal refusal;
    char *refused_path;
    int empty_line; /* of the one empty line allowed before a request: 0 none, 1 CR, 2 CR LF */
    size_t line_start;
    unsigned lines;
    bool after_cr;
    struct http_chunk chunk;
    llhttp_t witness;
    bool witness_done;
    http_grow_fn may_grow; /* NULL: always */
    void *may_grow_arg;
    bool is_denied;
};

/* ---- the second reader ---- */

static int witness_on_headers(llhttp_t *w)
{
    w->upgrade = 0; /* Upgrade is ignored, as RFC 9110 section 7.8 allows */
    return 0;
}

static int witness_on_body(llhttp_t *w, const char *at, size_t n)
{
    struct http_parser *p = w->data;
    struct buf *body = &p->message->body;
    size_t more = body_capacity_for(body, n) - body->cap;
    if (more > 0 && p->may_grow != NULL && !p->may_grow(p->may_grow_arg, more)) {
        p->is_denied = true;
        return -1;
    }
    body_add(body, at, n);
    return 0;
}

static int witness_on_end(llhttp_t *w)
{
    ((struct http_parser *)w->data)->witness_done = true;
    return 0;
}

static const llhttp_settings_t witness_settings = {
    .on_headers_complete = witness_on_headers,
    .on_body = witness_on_body,
    .on_message_complete = witness_on_end,
};

static void witness_begin(struct http_parser *p)
{
    llhttp_init(&p->witness, HTTP_REQUEST, &witness_settings);
    p->witness.data = p;
    p->witness_done = false;
}

static bool witness_reads(struct http_parser *p, const char *data, size_t n)
{
    return llhttp_execute(&p->witness, data, n) == HPE_OK;
}

static bool witness_agrees_on_head(const struct http_parser *p)
{
    const struct http_message *m = p->message;
    if (m->chunked)
        return (p->witness.flags & F_CHUNKED) != 0 && !p->witness_done;
    if (m->length > 0)
        return p->witness.content_length == m->length && !p->witness_done;
    return p->witness_done;
}

/* ---- events ---- */

static enum http_event refused(struct http_parser *p, int status, const char *reason)
{
    const char *path = p->message != NULL ? p->message->path : NULL;
    if (path != NULL && p->refused_path == NULL)
        p->refused_path = strndup(path, REFUSED_PATH_BYTES);
    p->refusal = (struct http_refusal){status, reason, p->refused_path};
    p->phase = HTTP_PHASE_REFUSED;
    http_message_free(p->message);
    p->message = NULL;
    return HTTP_EV_REFUSED;
}

static enum http_event refused_as_said(struct http_parser *p)
{
    return refused(p, p->refusal.status, p->refusal.reason);
}

static void message_begin(struct http_parser *p)
{
    struct arena *a = arena_new_small();
    p->message = arena_alloc(a, sizeof(*p->message));
    p->message->arena = a;
    buf_init(&p->message->head, a, HEAD_FIRST_BYTES);
    p->phase = HTTP_PHASE_HEAD;
    p->line_start = 0;
    p->lines = 0;
    p->after_cr = false;
    p->chunk = (struct http_chunk){0};
}

static enum http_event head_done(struct http_parser *p)
{
    struct http_message *m = p->message;
    if (!http_head_settle(m, p->limits, &p->refusal))
        return refused_as_said(p);
    witness_begin(p);
    if (!witness_reads(p, m->head.p, m->head.n) || !witness_agrees_on_head(p))
        return refused(p, 400, "ambiguous request");
    http_head_terminate(m);
    p->phase = HTTP_PHASE_BODY;
    if (!m->chunked && m->length == 0)
        return HTTP_EV_REQUEST;
    return HTTP_EV_HEAD;
}

static enum http_event line_done(struct http_parser *p)
{
    struct http_message *m = p->message;
    size_t start = p->line_start;
    size_t n = m->head.n - start - 2;
    p->line_start = m->head.n;
    if (p->lines++ == 0)
        return http_head_request_line(m, start, n, &p->refusal) ? HTTP_EV_MORE : refused_as_said(p);
    if (n == 0)
        return head_done(p);
    return http_head_field_line(m, start, n, p->limits, &p->refusal) ? HTTP_EV_MORE : refused_as_said(p);
}

/* Control characters, bare CR and bare LF have no place anywhere in a head. */
static bool byte_is_in_order(const struct http_parser *p, char byte)
{
    unsigned char c = (unsigned char)byte;
    if (p->after_cr)
        return c == '\n';
    return (c >= 0x20 && c != 0x7f) || c == '\t' || c == '\r';
}

/* Takes bytes up to the end of a line at most. */
static enum http_event feed_head(struct http_parser *p, const char *data, size_t n, size_t *used)
{
    struct buf *head = &p->message->head;
    size_t room = p->limits->head_max_bytes - head->n;
    if (room == 0)
        return refused(p, 431, "the request head is too large");
    size_t end = n < room ? n : room;
    for (size_t i = 0; i < end; i++) {
        if (!byte_is_in_order(p, data[i]))
            return refused(p, 400, "bad character in the request head");
        p->after_cr = data[i] == '\r';
        if (data[i] == '\n') {
            buf_add(head, data, i + 1);
            *used = i + 1;
            return line_done(p);
        }
    }
    buf_add(head, data, end);
    *used = end;
    return HTTP_EV_MORE;
}

/* RFC 9112 section 2.2: one empty line before a request is forgiven. */
static enum http_event feed_idle(struct http_parser *p, const char *data, size_t *used)
{
    *used = 1;
    if (p->empty_line == 0 && data[0] == '\r') {
        p->empty_line = 1;
        return HTTP_EV_MORE;
    }
    if (p->empty_line == 1) {
        p->empty_line = 2;
        return data[0] == '\n' ? HTTP_EV_MORE : refused(p, 400, "bad character in the request head");
    }
    message_begin(p);
    *used = 0;
    return HTTP_EV_MORE;
}

static enum http_event feed_body(struct http_parser *p, const char *data, size_t n, size_t *used)
{
    struct http_message *m = p->message;
    bool done = false;
    if (m->chunked) {
        if (!http_chunk_walk(&p->chunk, data, n, p->limits->body_max_bytes, used, &done, &p->refusal))
            return refused_as_said(p);
    } else {
        uint64_t left = m->length - m->body.n;
        done = n >= left;
        *used = done ? (size_t)left : n;
    }
    bool is_read = witness_reads(p, data, *used);
    if (p->is_denied)
        return refused(p, 503, HTTP_REASON_NO_ROOM);
    if (!is_read || p->witness_done != done)
        return refused(p, 400, "ambiguous request");
    if (!done)
        return HTTP_EV_MORE;
    if (m->body.n != (m->chunked ? p->chunk.total : m->length))
        return refused(p, 400, "ambiguous request");
    return HTTP_EV_REQUEST;
}

enum http_event http_parser_feed(struct http_parser *p, const char *data, size_t n, size_t *used)
{
    enum http_event event = HTTP_EV_MORE;
    size_t done = 0;
    while (done < n && event == HTTP_EV_MORE) {
        size_t step = 0;
        if (p->phase == HTTP_PHASE_IDLE)
            event = feed_idle(p, data + done, &step);
        else if (p->phase == HTTP_PHASE_HEAD)
            event = feed_head(p, data + done, n - done, &step);
        else if (p->phase == HTTP_PHASE_BODY)
            event = feed_body(p, data + done, n - done, &step);
        else
            event = HTTP_EV_REFUSED;
        done += step;
    }
    *used = done;
    return event;
}

/* ---- life ---- */

struct http_parser *http_parser_new(const struct http_limits *limits)
{
    struct http_parser *p = calloc(1, sizeof(*p));
    if (p == NULL) {
        log_event(LOG_LEVEL_ERROR, "out-of-memory", "where", "http_parser_new", NULL);
        abort();
    }
    p->limits = limits;
    return p;
}

void http_parser_free(struct http_parser *p)
{
    if (p == NULL)
        return;
    http_message_free(p->message);
    free(p->refused_path);
    free(p);
}

void http_parser_ask(struct http_parser *p, http_grow_fn may_grow, void *arg)
{
    p->may_grow = may_grow;
    p->may_grow_arg = arg;
}

void http_parser_give_up(struct http_parser *p, int status, const char *reason)
{
    (void)refused(p, status, reason);
}

size_t http_parser_bytes(const struct http_parser *p)
{
    return p->message == NULL ? 0 : http_message_bytes(p->message);
}

struct http_message *http_parser_take(struct http_parser *p)
{
    struct http_message *m = p->message;
    p->message = NULL;
    p->phase = HTTP_PHASE_IDLE;
    p->empty_line = 0;
    return m;
}

const struct http_message *http_parser_message(const struct http_parser *p)
{
    return p->message;
}

struct http_refusal http_parser_refusal(const struct http_parser *p)
{
    return p->refusal;
}

enum http_phase http_parser_phase(const struct http_parser *p)
{
    return p->phase;
}

void http_message_free(struct http_message *m)
{
    if (m == NULL)
        return;
    body_free(&m->body);
    arena_free(m->arena);
}

size_t http_message_bytes(const struct http_message *m)
{
    return arena_size(m->arena) + m->body.cap;
}
