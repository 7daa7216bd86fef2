/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * One client, from its beginning to its end. Bytes come in through on_read(), conn_take.c makes requests of them, which
 * go to the handler, and everything else - answers out, reading on or off, closing - is decided in one place,
 * conn_turn(), once a turn of the loop and with nobody's call on the stack. Closing is orderly: an answer that ends the
 * connection is followed by a half-close and a wait, because a reset would take the answer away from a peer that is
 * still sending.
 */
#include "conn.h"

#include "fault.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static void conn_turn(void *arg);
static void reading_set(struct conn *c, bool on);

/* ---- the beginning ---- */

struct conn *conn_new(struct loop *l, struct listener *ls, bool is_pipe)
{
    struct conn *c = net_alloc(sizeof(*c));
    c->loop = l;
    c->listener = ls;
    c->last = &c->first;
    c->chore.fn = conn_turn;
    c->chore.arg = c;
    c->parser = http_parser_new(&ls->limits);
    l->connections++;
    if (is_pipe)
        (void)uv_pipe_init(&l->uv, &c->io.pipe, 0);
    else
        (void)uv_tcp_init(&l->uv, &c->io.tcp);
    (void)uv_timer_init(&l->uv, &c->timer);
    c->io.any.data = c;
    c->timer.data = c;
    c->handles = 2;
    c->next = ls->conns;
    c->link = &ls->conns;
    if (c->next != NULL)
        c->next->link = &c->next;
    ls->conns = c;
    return c;
}

static void conn_peer_name(struct conn *c)
{
    struct sockaddr_storage peer = {0};
    socklen_t size = sizeof(peer);
    uv_os_fd_t fd = -1;
    if (uv_fileno(&c->io.any, &fd) != 0 || getpeername(fd, (struct sockaddr *)&peer, &size) != 0)
        return;
    address_format((const struct sockaddr *)&peer, c->peer, sizeof(c->peer));
    peer_key_of((const struct sockaddr *)&peer, &c->key);
}

void conn_begin(struct conn *c)
{
    conn_peer_name(c);
    conn_memory_begin(c);
    conn_place_begin(c);
    if (!c->listener->is_pipe)
        (void)uv_tcp_nodelay(&c->io.tcp, 1);
    c->phase_since_ms = uv_now(&c->loop->uv);
    if (c->listener->tls != NULL)
        conn_tls_begin(c);
    reading_set(c, true);
    if (c->state != CONN_CLOSED)
        conn_arm(c);
}

/* ---- the queue of exchanges, in the order of the requests ---- */

void conn_queue_add(struct conn *c, struct exchange *x)
{
    *c->last = x;
    c->last = &x->next;
    c->in_work++;
    conn_place_keep(c);
}

static struct exchange *queue_take(struct conn *c)
{
    struct exchange *x = c->first;
    c->first = x->next;
    if (c->first == NULL)
        c->last = &c->first;
    x->next = NULL;
    return x;
}

/* What is not being written yet will never be. The handlers keep theirs, as orphans. */
static void conn_queue_abandon(struct conn *c)
{
    while (c->first != NULL) {
        struct exchange *x = queue_take(c);
        c->in_work--;
        if (x->state == EXCHANGE_WORKING)
            exchange_orphan(x);
        else
            exchange_free(x);
    }
}

/* ---- bytes in ---- */

/* Whether to read off the wire: not more than can be taken now, and nothing while the handshake waits for a worker or a
 * worker has what came last. */
static bool may_read(const struct conn *c)
{
    return conn_may_take_bytes(c) && !c->tls_lent && c->tls_stage != CONN_TLS_QUEUED && !conn_is_paced(c);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct conn *c = handle->data;
    (void)suggested;
    *buf = uv_buf_init(c->loop->wire, sizeof(c->loop->wire));
}

static void on_read(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buf)
{
    struct conn *c = stream->data;
    if (nread == 0 || c->state == CONN_CLOSED)
        return;
    if (nread < 0 && (nread != UV_EOF || c->state == CONN_LINGERING)) {
        conn_close(c);
        return;
    }
    if (c->state == CONN_LINGERING) { /* read, so that no reset takes our last answer away, and thrown away */
        reading_set(c, false);
        conn_pace(c);
        return;
    }
    loop_chore(c->loop, &c->chore);
    if (nread == UV_EOF)
        conn_eof(c);
    else if (c->tls == NULL)
        conn_take_bytes(c, buf->base, (size_t)nread);
    else
        conn_tls_hear(c, buf->base, (size_t)nread);
    if (c->state == CONN_SERVING && conn_is_bulk(c))
        conn_pace(c);
    /* at once and not at the end of the turn: libuv would read on */
    if (c->state != CONN_CLOSED && !may_read(c))
        reading_set(c, false);
    if (nread > 0)
        explicit_bzero(buf->base, (size_t)nread); /* somebody's passport number may have been in it */
}

static void reading_set(struct conn *c, bool on)
{
    if (c->reading == on)
        return;
    c->reading = on;
    if (!on)
        uv_read_stop(&c->io.stream);
    else if (uv_read_start(&c->io.stream, on_alloc, on_read) != 0)
        conn_close(c);
}

void conn_read_on(struct conn *c)
{
    if (c->state == CONN_LINGERING || (c->state == CONN_SERVING && may_read(c)))
        reading_set(c, true);
}

void conn_tls_failed(struct conn *c)
{
    const char *refused = tls_client_refused(c->tls);
    c->loop->handshakes.stats.failed++;
    refusal_tell(c->loop, refused != NULL ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO,
                 &(struct refusal){.reason = refused != NULL ? refused : "TLS failed",
                                   .peer = c->peer,
                                   .detail = tls_failure(c->tls)});
    c->tls_broken = true;
    conn_queue_abandon(c);
    c->state = CONN_FINISHING;
    c->owes_linger = true; /* the alert must be read before a reset */
    conn_write_tls_pending(c);
}

/* ---- a turn: answers out, reading on or off ---- */

static void send_answers(struct conn *c)
{
    while (c->state != CONN_CLOSED && !c->tls_lent && c->first != NULL && c->first->state == EXCHANGE_ANSWERED) {
        struct exchange *x = queue_take(c);
        bool is_last = c->first == NULL && c->held == NULL;
        bool close = x->answer.close || !x->keep_alive || (is_last && (c->state != CONN_SERVING || c->eof));
        if (close) {
            c->state = CONN_FINISHING;
            c->owes_linger = true;
        }
        conn_write_exchange(c, x, close);
        if (close && c->state != CONN_CLOSED)
            conn_queue_abandon(c);
    }
}

/* Not before the answers to earlier requests, and not when the body has come unasked. */
static void send_continue(struct conn *c)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    if (!c->wants_continue || c->in_work > 0 || c->tls_lent)
        return;
    c->wants_continue = false;
    if (c->state == CONN_SERVING && c->phase == HTTP_PHASE_BODY)
        conn_write_plain(c, text, sizeof(text) - 1);
}

static void conn_end(struct conn *c);

static void conn_turn(void *arg)
{
    struct conn *c = arg;
    if (c->listener->draining && c->state == CONN_SERVING && c->phase == HTTP_PHASE_IDLE)
        c->state = CONN_FINISHING;
    if (c->state != CONN_SERVING)
        conn_held_drop(c);
    send_answers(c);
    send_continue(c);
    conn_take_held(c);
    if (c->tls != NULL && c->state == CONN_SERVING)
        conn_tls_take(c);
    if (c->state == CONN_SERVING) {
        if (c->eof && c->held == NULL && c->first == NULL)
            c->state = CONN_FINISHING;
        else
            reading_set(c, may_read(c));
    }
    if (c->state == CONN_FINISHING) {
        reading_set(c, false);
        if (c->in_work == 0 && c->writes == 0 && !c->tls_lent)
            conn_end(c);
    }
    if (c->state == CONN_CLOSED)
        return;
    conn_weigh(c);
    conn_place_set(c);
    conn_arm(c);
}

void conn_drain(struct conn *c)
{
    if (c->state != CONN_CLOSED)
        loop_chore(c->loop, &c->chore);
}

/* ---- the end: half-close and wait, then close ---- */

static void on_shutdown(uv_shutdown_t *req, int status)
{
    struct conn *c = req->data;
    if (status < 0 && c->state != CONN_CLOSED)
        conn_close(c);
}

static void conn_end(struct conn *c)
{
    conn_write_farewell(c);
    c->shutdown.data = c;
    if (c->eof || !c->owes_linger || uv_shutdown(&c->shutdown, &c->io.stream, on_shutdown) != 0) {
        conn_close(c);
        return;
    }
    c->state = CONN_LINGERING;
    c->linger_since_ms = uv_now(&c->loop->uv);
    if (!conn_is_paced(c))
        reading_set(c, true);
}

static void on_handle_closed(uv_handle_t *handle);

static void conn_shut(struct conn *c, bool reset)
{
    if (c->state == CONN_CLOSED)
        return;
    if (!c->listener->is_admin)
        FAULT_POINT(client_closed);
    c->state = CONN_CLOSED;
    conn_queue_abandon(c);
    conn_held_drop(c);
    handshake_leave(c);
    conn_memory_end(c);
    conn_tls_call_off(c); /* may call back; the open handles keep c alive */
    if (c->tls_lent)      /* until it is given back */
        conn_place_keep(c);
    else
        conn_place_end(c);
    loop_chore_drop(c->loop, &c->chore);
    uv_close((uv_handle_t *)&c->timer, on_handle_closed);
    if (!reset || c->listener->is_pipe || uv_tcp_close_reset(&c->io.tcp, on_handle_closed) != 0)
        uv_close(&c->io.any, on_handle_closed);
}

void conn_close(struct conn *c)
{
    conn_shut(c, false);
}

void conn_reset(struct conn *c)
{
    conn_shut(c, true);
}

static void on_handle_closed(uv_handle_t *handle)
{
    conn_let_go(handle->data);
}

void conn_let_go(struct conn *c)
{
    if (--c->handles > 0)
        return;
    http_parser_free(c->parser);
    if (c->tls != NULL)
        tls_free(c->tls);
    *c->link = c->next;
    if (c->next != NULL)
        c->next->link = c->link;
    conn_place_end(c);
    listener_conn_gone(c->listener);
    free(c);
}
