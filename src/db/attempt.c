/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * One attempt to connect, from names to a session that is ready, on a thread of its own: libpq opens files on the way
 * (passfile, service, root certificate), asks for the user's home, looks names up that it finds there, and computes a
 * TLS handshake. Any of it may hang, and none of it is for the loop.
 *
 * PQconnectPoll() knows no time: of several hosts a silent one (machine gone, packets dropped) would hold it for as
 * long as TCP tries. So each host has connect_timeout for itself, and each name that is looked up; when that is over
 * the next attempt begins with the host behind it, and the one that served last is asked first.
 *
 * The pool waits no longer for a thread that gives no sign of life: its connection is broken, and the attempt a stray.
 * What a stray brings home after all is used. While there is one no other attempt is made: it would hang as well.
 */
#include "db_private.h"

#include "clock.h"
#include "fault.h"

#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { LOOKUP_ADDRESSES_MAX = 8, SLICE_MS = 50, GRACE_US = 1000000 };

/* ---- names ---- */

static void sign_of_life(struct db_attempt *k)
{
    atomic_store(&k->alive_us, clock_mono_us());
}

static void add_host(struct db_attempt *k, const struct db_host *h, const char *address)
{
    k->hosts[k->nhosts++] = (struct db_host){h->name, arena_strdup(k->arena, address), h->port, false};
}

/* A name may have several addresses: each becomes an entry with the same name. */
static void look_up(struct db_attempt *k, const struct db_host *h)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    unsigned taken = 0;

    if (getaddrinfo(h->name, NULL, &hints, &found) != 0)
        return;
    for (const struct addrinfo *ai = found; ai != NULL && taken < LOOKUP_ADDRESSES_MAX; ai = ai->ai_next) {
        char text[NI_MAXHOST];
        if (getnameinfo(ai->ai_addr, ai->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST) != 0)
            continue;
        add_host(k, h, text);
        taken++;
    }
    freeaddrinfo(found);
}

static void find_hosts(struct db_attempt *k)
{
    const struct db_target *t = &k->target;
    k->hosts = arena_array(k->arena, t->nhosts * (size_t)LOOKUP_ADDRESSES_MAX + 1, sizeof *k->hosts);
    for (unsigned i = 0; i < t->nhosts && !atomic_load(&k->is_over); i++) {
        sign_of_life(k);
        if (t->hosts[i].is_name)
            look_up(k, &t->hosts[i]);
        else
            add_host(k, &t->hosts[i], t->hosts[i].address);
    }
    atomic_store(&k->is_past_names, true);
}

/* ---- the connection ---- */

static void ignore_notice(void *arg, const PGresult *r)
{
    (void)arg;
    (void)r; /* libpq would print it to stderr; a notice may quote data */
}

/* libpq goes from host to host by itself: each gets its own time. */
static void note_host(struct db_attempt *k, uint64_t *until_us)
{
    char host[DB_HOST_KEY_SIZE];
    db_host_key(host, PQhost(k->pg), PQhostaddr(k->pg), PQport(k->pg));
    if (strcmp(host, k->host) == 0)
        return;
    memcpy(k->host, host, sizeof k->host);
    *until_us = clock_mono_us() + k->target.connect_timeout_us;
}

/* False: the host said nothing in time, or no connection waits for this attempt any more. */
static bool wait_for_socket(struct db_attempt *k, PostgresPollingStatusType status, uint64_t until_us)
{
    struct pollfd p = {.fd = PQsocket(k->pg), .events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT};
    while (!atomic_load(&k->is_over) && clock_mono_us() < until_us) {
        sign_of_life(k);
        if (poll(&p, 1, SLICE_MS) > 0)
            return true;
    }
    return false;
}

static void note_silence(struct db_attempt *k)
{
    k->is_silent = true;
    (void)snprintf(k->detail, sizeof k->detail, "no answer from %s", k->host);
}

/* True: there is a session. False: detail says why not. */
static bool talk(struct db_attempt *k)
{
    uint64_t until_us = 0;
    /* libpq: behave as if PQconnectPoll had last said WRITING */
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;
    while (k->pg != NULL && PQstatus(k->pg) != CONNECTION_BAD && status != PGRES_POLLING_FAILED &&
           PQsocket(k->pg) >= 0) {
        note_host(k, &until_us);
        if (status == PGRES_POLLING_OK)
            return true;
        if (!wait_for_socket(k, status, until_us)) {
            note_silence(k);
            return false;
        }
        sign_of_life(k);
        status = PQconnectPoll(k->pg);
    }
    db_complaint(k->pg, k->detail, sizeof k->detail);
    return false;
}

static bool make_ready(struct db_attempt *k)
{
    if (PQsetnonblocking(k->pg, 1) == 0 && PQenterPipelineMode(k->pg) == 1)
        return true;
    (void)snprintf(k->detail, sizeof k->detail, "the connection does not take pipeline mode");
    return false;
}

static void attempt_work(void *arg)
{
    struct db_attempt *k = arg;

    if (FAULT_TAKEN(connect_begin)) {
        (void)snprintf(k->detail, sizeof k->detail, "the fault point connect_begin");
        return;
    }
    find_hosts(k);
    if (k->nhosts == 0 && k->target.nhosts > 0) {
        (void)snprintf(k->detail, sizeof k->detail, "none of the database hosts has an address");
        return;
    }
    sign_of_life(k);
    k->pg = db_target_connect_start(&k->target, k->hosts, k->nhosts, &k->start);
    if (k->pg != NULL)
        PQsetNoticeReceiver(k->pg, ignore_notice, NULL);
    if (talk(k) && make_ready(k))
        return;
    PQfinish(k->pg);
    k->pg = NULL;
}

/* ---- coming home ---- */

static void attempt_leave(struct db_attempt *k)
{
    *k->link = k->next;
    if (k->next != NULL)
        k->next->link = k->link;
}

static void attempt_take(struct db_attempt *k, struct db_conn *c)
{
    if (c == NULL)
        return;
    if (k->pg == NULL) {
        db_conn_attempt_failed(c, k->detail);
        return;
    }
    c->pg = k->pg;
    k->pg = NULL;
    memcpy(c->host, k->host, sizeof c->host);
    db_conn_come_up(c);
}

static void attempt_done(void *arg)
{
    struct db_attempt *k = arg;
    struct db_pool *p = k->pool;
    struct db_conn *c = k->conn;

    if (p != NULL) {
        db_pool_dispatch_begin(p);
        attempt_leave(k);
        if (k->is_silent) {
            memcpy(p->start.key, k->host, sizeof k->host);
            p->start.is_behind = true;
        }
        if (c != NULL) {
            c->attempt = NULL;
        } else {
            p->strays--;
            p->is_connect_due = true;
            c = k->pg != NULL ? p->lists[DB_CONN_BROKEN].first : NULL;
        }
        attempt_take(k, c);
        db_pool_dispatch_end(p);
    }
    PQfinish(k->pg); /* nobody wants it any more */
    arena_free(k->arena);
}

static void copy_target(struct db_attempt *k, const struct db_target *t)
{
    k->target = *t;
    k->target.conninfo = arena_strdup(k->arena, t->conninfo);
    k->target.hosts = arena_array(k->arena, t->nhosts + 1, sizeof *t->hosts);
    for (unsigned i = 0; i < t->nhosts; i++)
        k->target.hosts[i] = (struct db_host){
            .name = arena_strdup(k->arena, t->hosts[i].name),
            .address = arena_strdup(k->arena, t->hosts[i].address),
            .port = arena_strdup(k->arena, t->hosts[i].port),
            .is_name = t->hosts[i].is_name,
        };
}

void db_attempt_start(struct db_conn *c)
{
    struct db_pool *p = c->pool;
    struct arena *a = arena_new();
    struct db_attempt *k = arena_alloc(a, sizeof *k);

    k->arena = a;
    k->conn = c;
    k->pool = p;
    k->next = p->attempts;
    k->link = &p->attempts;
    if (k->next != NULL)
        k->next->link = &k->next;
    p->attempts = k;
    k->start = p->start;
    copy_target(k, &p->target);
    atomic_init(&k->is_over, false);
    atomic_init(&k->is_past_names, false);
    atomic_init(&k->alive_us, clock_mono_us());
    c->attempt = k;
    worker_run_alone(p->loop, attempt_work, attempt_done, k);
}

void db_attempt_look(struct db_conn *c, uint64_t now_us)
{
    struct db_attempt *k = c->attempt;
    if (now_us < atomic_load(&k->alive_us) + k->target.connect_timeout_us + GRACE_US)
        return;
    k->conn = NULL;
    c->attempt = NULL;
    c->pool->strays++;
    db_conn_attempt_failed(c, atomic_load(&k->is_past_names)
                                  ? "libpq does not come back: a file it reads (passfile, service, certificate) or a "
                                    "name it looks up hangs"
                                  : "a name is not looked up in time");
}

void db_attempts_leave(struct db_pool *p)
{
    for (struct db_attempt *k = p->attempts; k != NULL; k = k->next) {
        atomic_store(&k->is_over, true);
        k->pool = NULL;
        k->conn = NULL;
    }
}
