/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Bytes to requests, by a grammar that is narrower than the standard's (http_head.c, http_chunk.c): whatever two
 * readers might read differently is let in by neither of its rules. That a reader of the whole standard finds the same
 * message in what is let in, to the same last byte, is tested with llhttp (docs/decisions/0318).
 */
#include "http.h"

#include "log.h"

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
    bool is_refused_head; /* what was refused asked for a head alone */
    int empty_line;       /* of the one empty line allowed before a request: 0 none, 1 CR, 2 CR LF */
    size_t line_start;
    unsigned lines;
    bool after_cr;
    struct http_chunk chunk;
    http_grow_fn may_grow; /* NULL: always */
    void *may_grow_arg;
};

/* ---- events ---- */

/* Read off the line itself, which may be refused before anything is made of it. */
bool http_parser_is_head(const struct http_parser *p)
{
    static const char begins[] = "HEAD ";
    if (p->message == NULL)
        return p->is_refused_head;
    const struct buf *head = &p->message->head;
    return head->n >= sizeof(begins) - 1 && memcmp(head->p, begins, sizeof(begins) - 1) == 0;
}

static enum http_event refused(struct http_parser *p, int status, const char *reason)
{
    p->is_refused_head = http_parser_is_head(p);
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
    if (room == 0 && p->lines == 0) /* RFC 9112 section 3 */
        return refused(p, 414, "the request line is too long");
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

static bool body_take(struct http_parser *p, struct span piece)
{
    struct buf *body = &p->message->body;
    size_t more = body_capacity_for(body, piece.n) - body->cap;
    if (more > 0 && p->may_grow != NULL && !p->may_grow(p->may_grow_arg, more))
        return false;
    body_add(body, piece.p, piece.n);
    return true;
}

static enum http_event feed_body(struct http_parser *p, const char *data, size_t n, size_t *used)
{
    const struct http_message *m = p->message;
    struct span piece = {data, n};
    bool done = false;
    if (m->chunked) {
        if (!http_chunk_walk(&p->chunk, data, n, p->limits->body_max_bytes, used, &piece, &done, &p->refusal))
            return refused_as_said(p);
    } else {
        uint64_t left = m->length - m->body.n;
        done = n >= left;
        *used = piece.n = done ? (size_t)left : n;
    }
    if (!body_take(p, piece))
        return refused(p, 503, HTTP_REASON_NO_ROOM);
    return done ? HTTP_EV_REQUEST : HTTP_EV_MORE;
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
