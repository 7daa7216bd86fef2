/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* One request and its answer. Owns the request's bytes until http_respond() and the answer's until they are written. */
#include "conn.h"

#include "clock.h"

#include <stdlib.h>
#include <string.h>

struct exchange *exchange_new(struct conn *c, struct http_message *m)
{
    struct exchange *x = net_alloc(sizeof(*x));
    x->conn = c;
    x->message = m;
    x->key = c->key;
    x->write.data = x;
    if (m == NULL)
        return x;
    x->is_head = strcmp(m->method, "HEAD") == 0;
    x->keep_alive = m->keep_alive;
    x->request = (struct http_request){
        .method = m->method,
        .path = m->path,
        .query = m->query,
        .peer = arena_strdup(m->arena, c->peer),
        .body = buf_span(&m->body),
        .exchange = x,
        .is_tls = c->tls != NULL,
    };
    if (c->has_fingerprint) {
        memcpy(x->fingerprint, c->fingerprint, sizeof(x->fingerprint));
        x->request.client_fingerprint = x->fingerprint;
    }
    exchange_weigh(x);
    return x;
}

void exchange_free(struct exchange *x)
{
    exchange_unweigh(x);
    http_message_free(x->message);
    arena_free(x->answer_arena);
    free(x);
}

void exchange_answer(struct exchange *x, const struct http_response *r)
{
    struct arena *a = r->arena != NULL ? r->arena : arena_new_small();
    x->answer_arena = a;
    x->answer = *r;
    x->answer.arena = NULL;
    x->answer.content_type = arena_strdup(a, r->content_type);
    x->answer.extra_headers = arena_strdup(a, r->extra_headers);
    if (r->arena == NULL && !x->is_head && r->body.n > 0)
        x->answer.body.p = arena_copy(a, r->body.p, r->body.n);
    http_message_free(x->message);
    x->message = NULL;
    x->state = EXCHANGE_ANSWERED;
    exchange_weigh(x);
}

void http_respond(struct exchange *x, const struct http_response *r)
{
    struct conn *c = x->conn;
    if (c == NULL) {
        arena_free(r->arena);
        exchange_free(x);
        return;
    }
    exchange_answer(x, r);
    if (c->unsafe == x)
        c->unsafe = NULL;
    conn_weigh(c);
    loop_chore(c->loop, &c->chore);
}

const char *http_header(const struct http_request *req, const char *name)
{
    return http_message_header(req->exchange->message, name);
}
