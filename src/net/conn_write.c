/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Bytes to the peer, through TLS when there is one. Knows nothing of requests; order is the order of the calls. */
#include "conn.h"

#include "fault.h"

#include <stdlib.h>
#include <string.h>

#define RECORD_BYTES    ((size_t)16 * 1024)
#define TURN_BYTES      (32 * RECORD_BYTES) /* of an answer in one turn: a millisecond or two, */
#define TURN_BYTES_GOST (4 * RECORD_BYTES)  /* and four by a suite that is computed in software */

struct raw_write {
    uv_write_t req;
    struct conn *conn;
    char data[];
};

static void write_begun(struct conn *c)
{
    if (c->writes++ == 0)
        c->write_since_ms = uv_now(&c->loop->uv);
}

static void write_ended(struct conn *c, int status)
{
    c->writes--;
    c->write_since_ms = uv_now(&c->loop->uv);
    if (c->phase == HTTP_PHASE_IDLE)
        c->phase_since_ms = c->write_since_ms;
    if (c->state == CONN_CLOSED)
        return;
    if (status < 0)
        conn_close(c);
    else
        loop_chore(c->loop, &c->chore);
}

static void on_raw_written(uv_write_t *req, int status)
{
    struct raw_write *w = req->data;
    struct conn *c = w->conn;
    free(w);
    write_ended(c, status);
}

static void raw_write(struct conn *c, const char *p, size_t n)
{
    struct raw_write *w = net_alloc(sizeof(*w) + n);
    w->conn = c;
    w->req.data = w;
    memcpy(w->data, p, n);
    uv_buf_t buf = uv_buf_init(w->data, (unsigned)n);
    write_begun(c);
    int rc = uv_write(&w->req, &c->io.stream, &buf, 1, on_raw_written);
    if (rc != 0)
        on_raw_written(&w->req, rc);
}

void conn_write_tls_pending(struct conn *c)
{
    size_t n = 0;
    while (c->state != CONN_CLOSED && !c->tls_lent &&
           (n = tls_pending(c->tls, c->loop->plain, sizeof(c->loop->plain))) > 0)
        raw_write(c, c->loop->plain, n);
}

void conn_write_plain(struct conn *c, const char *p, size_t n)
{
    if (c->tls == NULL) {
        raw_write(c, p, n);
        return;
    }
    if (tls_write(c->tls, p, n) == TLS_OK)
        conn_write_tls_pending(c);
}

void conn_write_farewell(struct conn *c)
{
    if (c->tls == NULL || c->tls_broken || c->tls_lent)
        return;
    tls_close_notify(c->tls);
    size_t n = tls_pending(c->tls, c->loop->plain, sizeof(c->loop->plain));
    uv_buf_t buf = uv_buf_init(c->loop->plain, (unsigned)n);
    if (n > 0)
        (void)uv_try_write(&c->io.stream, &buf, 1);
}

static void on_exchange_written(uv_write_t *req, int status)
{
    struct exchange *x = req->data;
    struct conn *c = x->conn;
    if (!c->listener->is_admin)
        FAULT_POINT(answer_written);
    exchange_free(x);
    c->in_work--;
    write_ended(c, status);
}

/* Puts head and body on the wire; both live as long as x. */
static void exchange_put(struct exchange *x, const struct buf *head, struct span body)
{
    struct conn *c = x->conn;
    /* libuv only reads through the pointer it is given */
    uv_buf_t bufs[2] = {{.base = head->p, .len = head->n}, {.len = body.n}};
    memcpy(&bufs[1].base, &body.p, sizeof(bufs[1].base));
    write_begun(c);
    exchange_weigh(x);
    if (!c->listener->is_admin)
        FAULT_POINT(answer_begin);
    int rc =
        head->n == 0 ? UV_EPROTO : uv_write(&x->write, &c->io.stream, bufs, body.n > 0 ? 2 : 1, on_exchange_written);
    if (rc != 0)
        on_exchange_written(&x->write, rc);
}

/* A record at a time: what waits inside OpenSSL stays with the connection for as long as it lives. */
static bool encrypt_piece(struct tls *tls, struct span piece, struct buf *out)
{
    char part[4096];
    if (tls_write(tls, piece.p, piece.n) != TLS_OK)
        return false;
    for (size_t n; (n = tls_pending(tls, part, sizeof(part))) > 0;)
        buf_add(out, part, n);
    return true;
}

/*
 * Replaces head and body by their ciphertext, by nothing when there can be none: so many bytes of it at once, the rest
 * when it is called again. May be a worker's work.
 */
static void seal(struct tls *tls, struct loan *l, size_t most)
{
    if (l->sealed_in == NULL) {
        size_t n = l->head.n + l->body.n;
        l->sealed_in = arena_new_small();
        buf_init(&l->sealed, l->sealed_in, n + n / 64 + 1024);
        l->is_broken = !encrypt_piece(tls, (struct span){l->head.p, l->head.n}, &l->sealed);
    }
    size_t end = l->body.n - l->sealed_n < most ? l->body.n : l->sealed_n + most;
    while (!l->is_broken && l->sealed_n < end) {
        size_t n = end - l->sealed_n < RECORD_BYTES ? end - l->sealed_n : RECORD_BYTES;
        l->is_broken = !encrypt_piece(tls, (struct span){l->body.p + l->sealed_n, n}, &l->sealed);
        l->sealed_n += n;
    }
    l->is_sealed = l->is_broken || l->sealed_n == l->body.n;
    if (!l->is_sealed)
        return;
    if (l->is_broken)
        buf_reset(&l->sealed);
    arena_free(l->exchange->answer_arena); /* the plain text has done its service, and is large */
    l->exchange->answer_arena = l->sealed_in;
    l->sealed_in = NULL;
    l->head = l->sealed;
    l->body = (struct span){NULL, 0};
}

static void write_bulk_work(void *arg)
{
    struct conn *c = arg;
    seal(c->tls, &c->loan, tls_is_slow(c->tls) ? TURN_BYTES_GOST : TURN_BYTES);
}

static void write_bulk_done(void *arg)
{
    struct conn *c = arg;
    if (c->state != CONN_CLOSED && !c->loan.is_sealed) {
        conn_tls_lend_in_turn(c, write_bulk_work, write_bulk_done, true);
        return;
    }
    struct loan loan = c->loan;
    c->loan = (struct loan){0};
    if (c->state == CONN_CLOSED) {
        arena_free(loan.sealed_in);
        exchange_free(loan.exchange);
        c->in_work--;
        (void)conn_tls_take_back(c);
        return;
    }
    (void)conn_tls_take_back(c);
    exchange_put(loan.exchange, &loan.head, loan.body);
    if (c->state != CONN_CLOSED)
        loop_chore(c->loop, &c->chore);
}

void conn_write_exchange(struct conn *c, struct exchange *x, bool close)
{
    struct buf head;
    buf_init(&head, x->answer_arena, 256);
    http_answer_head(&head, &x->answer, loop_http_date(c->loop), close);
    struct span body =
        x->is_head || x->answer.status == 204 || x->answer.status == 304 ? (struct span){NULL, 0} : x->answer.body;
    x->state = EXCHANGE_WRITING;
    if (c->tls != NULL && conn_tls_is_bulk(c, head.n + body.n)) {
        c->loan = (struct loan){.exchange = x, .head = head, .body = body};
        conn_tls_lend_in_turn(c, write_bulk_work, write_bulk_done, false);
        return;
    }
    struct loan here = {.exchange = x, .head = head, .body = body};
    if (c->tls != NULL)
        seal(c->tls, &here, SIZE_MAX);
    exchange_put(x, &here.head, here.body);
}
