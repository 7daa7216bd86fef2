/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The TLS of a connection: handshake, then bytes through the filter. What is dear is done by a worker, to whom the
 * filter is lent: every step of a handshake (by way of handshake.c), and bulk, peers in turn (errand.c): GOST suites
 * are computed in software and would hold the loop for 20 ms with one answer of 350 KB. While it is lent nobody else
 * touches it, nothing is read, and the connection, closed or not, stays until it is given back.
 */
#include "conn.h"

#include <stdlib.h>
#include <string.h>

#define STEPS_MAX    64 /* of one handshake; an honest one has two or three */
#define STEP_BYTES   (128 * 1024)
#define BULK         (128 * 1024) /* bytes that are not worth the way to a worker and back: some 0.3 ms */
#define BULK_GOST    (4 * 1024)
#define RECORD_BYTES (18 * 1024)

void conn_tls_begin(struct conn *c)
{
    c->tls = tls_new(c->listener->tls);
    c->tls_since_ms = uv_now(&c->loop->uv);
}

/* ---- lending ---- */

void conn_tls_lend(struct conn *c, loop_fn work, loop_fn done)
{
    c->tls_unread = tls_unread(c->tls);
    c->tls_lent = true;
    conn_place_keep(c);
    c->handles++;
    worker_run(c->loop, work, done, c);
}

void conn_tls_lend_in_turn(struct conn *c, loop_fn work, loop_fn done, bool is_begun)
{
    if (!is_begun) {
        c->tls_unread = tls_unread(c->tls);
        c->tls_lent = true;
        conn_place_keep(c);
        c->handles++;
    }
    c->errand.work = work;
    c->errand.done = done;
    c->errand.arg = c;
    errand_run(c->loop, &c->errand, &c->key, is_begun);
}

void conn_tls_call_off(struct conn *c)
{
    if (errand_drop(c->loop, &c->errand))
        c->errand.done(c);
}

bool conn_tls_take_back(struct conn *c)
{
    bool is_open = c->state != CONN_CLOSED;
    c->tls_lent = false;
    conn_let_go(c);
    return is_open;
}

bool conn_tls_is_bulk(const struct conn *c, size_t n)
{
    return n > (tls_is_slow(c->tls) ? BULK_GOST : BULK);
}

/* ---- handshake ---- */

static void handshake_go_on(struct conn *c)
{
    c->tls_stage = CONN_TLS_SHAKING;
    if (!tls_has_step(c->tls))
        return;
    if (c->tls_steps >= STEPS_MAX || c->tls_bytes > STEP_BYTES) {
        conn_tls_failed(c);
        return;
    }
    c->tls_stage = CONN_TLS_QUEUED;
    handshake_join(c);
}

void conn_tls_stepped(struct conn *c, enum tls_status status)
{
    loop_chore(c->loop, &c->chore);
    if (tls_is_shaken(c->tls))
        c->tls_stage = CONN_TLS_UP;
    if (status == TLS_FAILED) {
        conn_tls_failed(c);
        return;
    }
    conn_write_tls_pending(c);
    if (c->state == CONN_CLOSED)
        return;
    if (status == TLS_CLOSED)
        conn_eof(c);
    else if (c->tls_stage != CONN_TLS_UP)
        handshake_go_on(c);
}

/* ---- bytes ---- */

static void bytes_taken(struct conn *c, enum tls_status status)
{
    if (c->state == CONN_CLOSED)
        return;
    if (status == TLS_FAILED) {
        conn_tls_failed(c);
        return;
    }
    conn_write_tls_pending(c);
    if (status == TLS_CLOSED && !c->eof)
        conn_eof(c);
}

static void tls_bulk_work(void *arg)
{
    struct loan *loan = &((struct conn *)arg)->loan;
    struct tls *tls = ((struct conn *)arg)->tls;
    size_t n = 1;
    while (loan->status == TLS_OK && n > 0 && loan->n < loan->cap) {
        loan->status = tls_read(tls, loan->plain + loan->n, loan->cap - loan->n, &n);
        loan->n += n;
    }
}

static void tls_bulk_done(void *arg)
{
    struct conn *c = arg;
    struct loan loan = c->loan;
    c->loan = (struct loan){0};
    if (conn_tls_take_back(c)) {
        loop_chore(c->loop, &c->chore);
        if (loan.n > 0) {
            c->tls_talking = true;
            conn_take_bytes(c, loan.plain, loan.n);
        }
        bytes_taken(c, loan.status);
    }
    explicit_bzero(loan.plain, loan.n);
    free(loan.plain);
}

static void take_bulk(struct conn *c, size_t unread)
{
    c->loan = (struct loan){.status = TLS_OK, .cap = unread + RECORD_BYTES};
    c->loan.plain = net_alloc(c->loan.cap);
    conn_tls_lend_in_turn(c, tls_bulk_work, tls_bulk_done, false);
}

void conn_tls_take(struct conn *c)
{
    enum tls_status status = TLS_OK;
    size_t n = 1;
    if (c->tls_lent || c->tls_broken || c->tls_stage != CONN_TLS_UP)
        return;
    size_t unread = tls_unread(c->tls);
    if (conn_tls_is_bulk(c, unread) && conn_may_take_bytes(c)) {
        take_bulk(c, unread);
        return;
    }
    while (status == TLS_OK && n > 0 && conn_may_take_bytes(c)) {
        n = 0;
        status = tls_read(c->tls, c->loop->plain, sizeof(c->loop->plain), &n);
        if (n == 0)
            continue;
        c->tls_talking = true;
        conn_take_bytes(c, c->loop->plain, n);
        explicit_bzero(c->loop->plain, n);
    }
    bytes_taken(c, status);
}

void conn_tls_hear(struct conn *c, const char *p, size_t n)
{
    if (tls_feed(c->tls, p, n) == TLS_FAILED) {
        conn_tls_failed(c);
    } else if (c->tls_stage == CONN_TLS_UP) {
        conn_tls_take(c);
    } else {
        c->tls_bytes += (unsigned)n;
        handshake_go_on(c);
    }
}
