/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Bytes into requests. Whole requests go to the handler at once, and what a request is refused for is answered here.
 * Not more are taken than may be in work at once (pipeline_max), and none while one is carried out that may change
 * something: what a client asks in a row happens in a row (RFC 9112 section 9.3.2). Bytes beyond are held meanwhile.
 */
#include "conn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what may be taken now ---- */

static bool conn_has_room(const struct conn *c)
{
    return c->state == CONN_SERVING && c->in_work < c->listener->limits.pipeline_max;
}

static bool conn_may_take_requests(const struct conn *c)
{
    return conn_has_room(c) && c->unsafe == NULL;
}

/* Behind an unsafe request they are only held, but a client that goes away is noticed. */
bool conn_may_take_bytes(const struct conn *c)
{
    return conn_has_room(c) && c->held == NULL && !c->eof;
}

/* ---- refusals ---- */

static void conn_refuse_path(struct conn *c, int status, const char *reason, const char *extra_headers,
                             const char *path)
{
    if (c->state != CONN_SERVING)
        return;
    char text[160];
    int n = snprintf(text, sizeof(text), "%d %s: %s\n", status, http_status_text(status), reason);
    if (!c->turned_away) /* the listener speaks for the crowd */
        refusal_tell(c->loop, LOG_LEVEL_INFO,
                     &(struct refusal){.status = status, .reason = reason, .peer = c->peer, .path = path});
    struct exchange *x = exchange_new(c, NULL);
    x->is_head = http_parser_is_head(c->parser); /* RFC 9110 section 9.3.2 */
    struct http_response r = {.status = status,
                              .content_type = "text/plain; charset=utf-8",
                              .body = {text, n > 0 ? (size_t)n : 0},
                              .extra_headers = extra_headers,
                              .close = true};
    exchange_answer(x, &r);
    conn_queue_add(c, x);
    c->state = CONN_FINISHING;
    loop_chore(c->loop, &c->chore);
}

void conn_refuse(struct conn *c, int status, const char *reason, const char *extra_headers)
{
    conn_refuse_path(c, status, reason, extra_headers, NULL);
}

/* Of a method nobody serves the path is not looked at: what is allowed is what the listener is there for. */
static const char *refusal_headers(const struct conn *c, int status)
{
    if (status == 405)
        return c->listener->is_admin ? "Allow: GET, HEAD\r\n" : "Allow: GET, HEAD, POST\r\n";
    return status == 503 ? "Retry-After: 5\r\n" : NULL;
}

/* ---- requests ---- */

/* RFC 9110 section 9.2.1: of the methods that are served here. */
static bool method_is_safe(const char *method)
{
    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

static void request_hand_over(struct conn *c)
{
    struct exchange *x = exchange_new(c, http_parser_take(c->parser));
    conn_queue_add(c, x);
    if (!x->keep_alive || c->listener->draining)
        c->state = CONN_FINISHING;
    if (!method_is_safe(x->request.method))
        c->unsafe = x;
    c->listener->handler(c->listener->arg, &x->request);
}

/* Returns how many bytes were taken; fewer than n only when no more requests may be taken now, or ever. */
static size_t conn_parse(struct conn *c, const char *p, size_t n)
{
    size_t taken = 0;
    while (taken < n && conn_may_take_requests(c)) {
        size_t used = 0;
        enum http_event event = http_parser_feed(c->parser, p + taken, n - taken, &used);
        taken += used;
        if (event == HTTP_EV_REFUSED) {
            struct http_refusal why = http_parser_refusal(c->parser);
            conn_refuse_path(c, why.status, why.reason, refusal_headers(c, why.status), why.path);
            continue;
        }
        if (event == HTTP_EV_HEAD)
            c->wants_continue = http_parser_message(c->parser)->expects_continue;
        if (event == HTTP_EV_REQUEST)
            request_hand_over(c);
        conn_enter_phase(c);
    }
    return taken;
}

/* ---- bytes, and those that are held ---- */

static void held_keep(struct conn *c, const char *p, size_t n)
{
    c->held = net_alloc(n);
    memcpy(c->held, p, n);
    c->held_at = 0;
    c->held_n = n;
}

void conn_held_drop(struct conn *c)
{
    if (c->held != NULL)
        explicit_bzero(c->held, c->held_n);
    free(c->held);
    c->held = NULL;
    c->held_at = c->held_n = 0;
}

void conn_take_bytes(struct conn *c, const char *p, size_t n)
{
    size_t taken = conn_parse(c, p, n);
    if (taken < n && c->state == CONN_SERVING)
        held_keep(c, p + taken, n - taken);
    conn_weigh(c);
}

void conn_take_held(struct conn *c)
{
    if (c->held == NULL)
        return;
    size_t taken = conn_parse(c, c->held + c->held_at, c->held_n - c->held_at);
    if (c->held == NULL)
        return; /* given back in the meantime */
    c->held_at += taken;
    if (c->held_at == c->held_n)
        conn_held_drop(c);
    if (c->held == NULL && c->eof)
        conn_eof(c);
}

void conn_eof(struct conn *c)
{
    c->eof = true;
    if (c->phase == HTTP_PHASE_HEAD || c->phase == HTTP_PHASE_BODY)
        conn_refuse(c, 400, "the request is incomplete", NULL);
}
