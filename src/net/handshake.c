/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * TLS handshakes, by workers, in turn. A hello of 300 bytes costs us a signature, which makes it the cheapest way to
 * keep us busy; so no handshake runs on the loop, at most half of the workers run handshakes, a crowd of them gets a
 * quarter of one processor, and those who wait are served in turn by peer: a thousand connections of one address delay
 * another address by one handshake. Who waits behind too many is cut off, the oldest first and of the address with the
 * most. A client who went away costs nothing any more.
 */
#include "conn.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define WAITING_MAX      1024 /* handshakes that wait for a worker, of all listeners */
#define WAITING_PEER_MAX 256  /* of one address */
#define REST_FACTOR      3    /* of the time a step took, while others wait */

/* ---- what is told ---- */

void handshake_late(struct conn *c)
{
    c->loop->handshakes.stats.late++;
    refusal_tell(c->loop, LOG_LEVEL_INFO,
                 &(struct refusal){.reason = "the TLS handshake took too long", .peer = c->peer});
}

void loop_tls_read(const struct loop *l, struct tls_stats *out)
{
    *out = l->handshakes.stats;
    out->waiting = l->handshakes.turns.waiting;
    out->working = l->handshakes.working;
}

/* ---- who waits ---- */

/* IPv6 by network: an address of it costs nothing. */
void peer_key_of(const struct sockaddr *sa, struct peer_key *out)
{
    struct in_addr v4;
    bool is_v4 = address_is_v4(sa, &v4);
    *out = (struct peer_key){.family = is_v4 ? AF_INET : (unsigned char)sa->sa_family};
    if (is_v4)
        memcpy(out->address, &v4, sizeof(v4));
    else if (sa->sa_family == AF_INET6)
        memcpy(out->address, &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr, 8);
}

void handshake_leave(struct conn *c)
{
    turns_leave(&c->loop->handshakes.turns, &c->handshake_turn);
}

/* The oldest that has only said hello; of those whose half we have paid for, the last to be asked. */
static void handshakes_shed(struct handshakes *h, const struct turns_peer *p)
{
    const struct turn *turn = p->first;
    while (turn->next != NULL && ((struct conn *)turn->owner)->tls_steps > 0)
        turn = turn->next;
    struct conn *c = turn->owner;
    h->stats.crowded++;
    refusal_tell(c->loop, LOG_LEVEL_WARNING,
                 &(struct refusal){.reason = "too many TLS handshakes wait", .peer = c->peer});
    conn_reset(c);
}

static const struct turns_peer *peer_with_most(const struct handshakes *h, const struct turns_peer *most)
{
    for (const struct turns_peer *p = h->turns.peers; p != NULL; p = p->next)
        if (p->n > most->n)
            most = p;
    return most;
}

/* ---- work ---- */

static bool has_left(const struct conn *c)
{
    uv_os_fd_t fd = -1;
    if (uv_fileno(&c->io.any, &fd) != 0)
        return true;
    struct pollfd p = {.fd = fd, .events = POLLRDHUP};
    return poll(&p, 1, 0) > 0;
}

static void handshakes_serve(struct loop *l);

static uint64_t thread_cpu_us(void)
{
    struct timespec t;
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) != 0)
        return 0;
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void step_work(void *arg)
{
    struct conn *c = arg;
    uint64_t began_us = thread_cpu_us();
    c->loan.status = tls_handshake(c->tls);
    c->loan.cost_us = thread_cpu_us() - began_us;
    if (tls_is_shaken(c->tls))
        c->has_fingerprint = tls_peer_fingerprint(c->tls, c->fingerprint);
}

/* While many wait: a quarter of one processor is theirs, the rest is for those who are in. */
static void handshakes_rest(struct loop *l, uint64_t cost_us)
{
    uint64_t now_us = uv_hrtime() / 1000;
    uint64_t from_us = l->handshakes.rest_until_us > now_us ? l->handshakes.rest_until_us : now_us;
    l->handshakes.rest_until_us = from_us + cost_us * REST_FACTOR;
}

static void on_rested(uv_timer_t *timer)
{
    handshakes_serve(timer->data);
}

static bool handshakes_is_resting(struct loop *l)
{
    uint64_t now_us = uv_hrtime() / 1000;
    if (now_us >= l->handshakes.rest_until_us)
        return false;
    l->handshakes.rest.data = l;
    (void)uv_timer_start(&l->handshakes.rest, on_rested, (l->handshakes.rest_until_us - now_us + 999) / 1000, 0);
    return true;
}

static void step_done(void *arg)
{
    struct conn *c = arg;
    struct loop *l = c->loop;
    l->handshakes.working--;
    if (l->handshakes.turns.waiting > 0)
        handshakes_rest(l, c->loan.cost_us);
    if (tls_is_shaken(c->tls)) {
        l->handshakes.stats.done++;
        l->handshakes.stats.resumed += tls_is_resumed(c->tls);
    }
    if (conn_tls_take_back(c))
        conn_tls_stepped(c, c->loan.status);
    handshakes_serve(l);
}

static unsigned handshakes_width(void)
{
    unsigned n = worker_count() / 2;
    return n > 0 ? n : 1;
}

static void handshakes_serve(struct loop *l)
{
    struct handshakes *h = &l->handshakes;
    while (h->turns.waiting > 0 && h->working < handshakes_width() && !handshakes_is_resting(l)) {
        struct conn *c = turns_take(&h->turns);
        if (has_left(c)) {
            h->stats.gone++;
            conn_close(c);
            continue;
        }
        c->tls_steps++;
        h->working++;
        conn_tls_lend(c, step_work, step_done);
    }
}

void handshake_join(struct conn *c)
{
    struct handshakes *h = &c->loop->handshakes;
    turns_join(&h->turns, &c->handshake_turn, &c->key, c, c->tls_steps > 0);
    const struct turns_peer *p = c->handshake_turn.peer;
    if (p->n > WAITING_PEER_MAX || h->turns.waiting > WAITING_MAX)
        handshakes_shed(h, p->n > WAITING_PEER_MAX ? p : peer_with_most(h, p));
    handshakes_serve(c->loop);
}
