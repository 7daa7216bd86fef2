/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The connections, in lists by state. Moving a connection between lists happens here and nowhere else. Everything that
 * depends on time (a caller, a call or an attempt that takes too long, the next attempt) is looked after by one ticking
 * timer, so that a call costs no timer of its own. The callers who wait are in waiters.c.
 */
#include "db_private.h"

#include "clock.h"
#include "log.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

static void list_push(struct db_conn_list *l, struct db_conn *c);
static void pool_on_tick(void *arg);

/* ---- the pool ---- */

static uint64_t pool_tick_ms(const struct db_conf *conf)
{
    uint64_t least =
        conf->acquire_timeout_ms < conf->statement_timeout_ms ? conf->acquire_timeout_ms : conf->statement_timeout_ms;
    uint64_t tick = least / 8;
    return tick < 5 ? 5 : tick > DB_TICK_MAX_MS ? DB_TICK_MAX_MS : tick;
}

static uint64_t or_default(uint64_t value, uint64_t fallback)
{
    return value != 0 ? value : fallback;
}

struct db_pool *db_pool_new(struct loop *l, const struct db_conf *conf)
{
    struct arena *a = arena_new();
    struct db_pool *p = arena_alloc(a, sizeof *p);

    p->arena = a;
    p->loop = l;
    p->conf = *conf;
    p->conf.connections = (unsigned)or_default(conf->connections, 8);
    p->conf.acquire_timeout_ms = or_default(conf->acquire_timeout_ms, 5000);
    p->conf.statement_timeout_ms = or_default(conf->statement_timeout_ms, 10000);
    p->conf.reconnect_max_ms = or_default(conf->reconnect_max_ms, 5000);
    p->down_since_us = clock_mono_us();
    db_target_init(&p->target, a, conf->conninfo);
    p->conns = arena_array(a, p->conf.connections, sizeof *p->conns);
    for (unsigned i = 0; i < p->conf.connections; i++) {
        struct db_conn *c = &p->conns[i];
        c->pool = p;
        c->session.conn = c;
        c->state = DB_CONN_BROKEN; /* and due at once */
        list_push(&p->lists[DB_CONN_BROKEN], c);
    }
    p->tick = timer_start(l, 0, pool_tick_ms(&p->conf), pool_on_tick, p);
    return p;
}

void db_pool_free(struct db_pool *p)
{
    if (p == NULL)
        return;
    timer_stop(p->tick);
    timer_stop(p->turn);
    db_attempts_leave(p);
    for (unsigned i = 0; i < p->conf.connections; i++) {
        db_conn_close(&p->conns[i]);
        db_session_fini(&p->conns[i].session);
    }
    arena_free(p->arena);
}

void db_pool_read_stats(const struct db_pool *p, struct db_pool_stats *out)
{
    out->idle = p->lists[DB_CONN_IDLE].n;
    out->busy = p->lists[DB_CONN_BUSY].n;
    out->connecting = p->lists[DB_CONN_CONNECTING].n + p->lists[DB_CONN_BROKEN].n;
    out->waiting = p->waiting;
    out->lost = p->lost;
    out->given = p->given;
}

/* ---- lists ---- */

static void list_remove(struct db_conn_list *l, struct db_conn *c)
{
    *(c->prev != NULL ? &c->prev->next : &l->first) = c->next;
    *(c->next != NULL ? &c->next->prev : &l->last) = c->prev;
    c->prev = c->next = NULL;
    l->n--;
}

/* In front: the connection used last is used next, its backend is the warm one. */
static void list_push(struct db_conn_list *l, struct db_conn *c)
{
    c->next = l->first;
    *(l->first != NULL ? &l->first->prev : &l->last) = c;
    l->first = c;
    l->n++;
}

void db_pool_move(struct db_conn *c, enum db_conn_state to)
{
    list_remove(&c->pool->lists[c->state], c);
    c->state = to;
    list_push(&c->pool->lists[to], c);
    if (to == DB_CONN_IDLE && c->pool->waiting > 0)
        db_pool_turn(c->pool);
}

/* ---- what is due: at the end of whatever the loop called us for, or at its next turn ---- */

bool db_pool_has_due(const struct db_pool *p)
{
    return p->failures_due > 0 || p->is_connect_due ||
           (p->waiting > 0 && (p->lists[DB_CONN_IDLE].n > 0 || db_pool_is_away(p, clock_mono_us())));
}

static void pool_connect_due(struct db_pool *p)
{
    uint64_t now_us = clock_mono_us();

    p->is_connect_due = false;
    for (unsigned i = 0; i < p->conf.connections; i++) {
        struct db_conn *c = &p->conns[i];
        /* while there is no database one connection knocks for all, and an attempt that hangs is not doubled */
        if (c->state == DB_CONN_BROKEN && c->deadline_us <= now_us && p->strays == 0 &&
            p->lists[DB_CONN_CONNECTING].n < (p->up > 0 ? DB_CONNECTING_MAX : 1))
            db_conn_connect(c);
    }
}

static void pool_run_due(struct db_pool *p)
{
    if (p->is_connect_due)
        pool_connect_due(p);
    if (p->failures_due > 0)
        for (unsigned i = 0; i < p->conf.connections; i++)
            db_session_run_due(&p->conns[i].session);
    if (p->waiting > 0)
        db_waiters_serve(p);
}

void db_pool_dispatch_begin(struct db_pool *p)
{
    p->is_dispatching = true;
}

/*
 * The registering calls have all returned here, so what is due may run at once and needs no timer. What becomes due
 * meanwhile waits for the next turn, lest the loop's other guests starve.
 */
void db_pool_dispatch_end(struct db_pool *p)
{
    if (db_pool_has_due(p))
        pool_run_due(p);
    p->is_dispatching = false;
    if (db_pool_has_due(p))
        db_pool_turn(p);
}

static void pool_on_turn(void *arg)
{
    struct db_pool *p = arg;
    p->turn = NULL;
    p->is_in_turn = true;
    db_pool_dispatch_begin(p);
    db_pool_dispatch_end(p);
    p->is_in_turn = false;
}

void db_pool_turn(struct db_pool *p)
{
    /* a timer of 0 ms started by a timer runs in the same round of timers: descriptors would never have their turn */
    if (p->turn == NULL && !p->is_dispatching)
        p->turn = timer_start(p->loop, p->is_in_turn ? 1 : 0, 0, pool_on_turn, p);
}

/* ---- time ---- */

static void pool_on_tick(void *arg)
{
    struct db_pool *p = arg;
    uint64_t now_us = clock_mono_us();

    p->is_in_turn = true;
    db_pool_dispatch_begin(p);
    for (unsigned i = 0; i < p->conf.connections; i++) {
        struct db_conn *c = &p->conns[i];
        if (c->state == DB_CONN_IDLE || c->deadline_us > now_us)
            continue;
        if (c->state == DB_CONN_BROKEN)
            p->is_connect_due = true;
        else if (c->state == DB_CONN_CONNECTING)
            db_attempt_look(c, now_us);
        else if (c->state == DB_CONN_BUSY && c->session.in_call)
            db_session_time_out(&c->session);
    }
    db_waiters_serve(p);
    db_waiters_fail_late(p, now_us);
    db_pool_dispatch_end(p);
    p->is_in_turn = false;
}

static uint64_t pool_jitter_us(uint64_t range_us)
{
    uint32_t r = 0;
    if (getrandom(&r, sizeof r, GRND_NONBLOCK) != (ssize_t)sizeof r)
        r = (uint32_t)clock_mono_us();
    return range_us * r / UINT32_MAX;
}

/* A connection that has served for a while is made anew at once; everything else waits, longer after each failure. */
void db_pool_break(struct db_conn *c)
{
    struct db_pool *p = c->pool;
    uint64_t now_us = clock_mono_us(), pause_ms = DB_RECONNECT_MIN_MS;

    for (unsigned i = 1; i < p->attempts_failed && pause_ms < p->conf.reconnect_max_ms; i++)
        pause_ms *= 2;
    if (pause_ms > p->conf.reconnect_max_ms)
        pause_ms = p->conf.reconnect_max_ms;
    if (p->attempts_failed == 0 && now_us - c->up_since_us > DB_SERVED_WELL_US)
        pause_ms = 0;
    c->deadline_us = now_us + pause_ms * 750 + pool_jitter_us(pause_ms * 500);
    db_pool_move(c, DB_CONN_BROKEN);
    if (pause_ms == 0) {
        p->is_connect_due = true;
        db_pool_turn(p);
    }
}

/* ---- up and down ---- */

void db_pool_note_up(struct db_conn *c)
{
    struct db_pool *p = c->pool;

    c->is_up = true;
    c->up_since_us = clock_mono_us();
    if (p->up++ == 0)
        log_event(LOG_LEVEL_NOTICE, "database_up", "host", PQhost(c->pg), "port", PQport(c->pg), NULL);
    p->attempts_failed = 0;
    for (struct db_conn *b = p->lists[DB_CONN_BROKEN].first; b != NULL; b = b->next)
        b->deadline_us = 0;
    p->is_connect_due = p->lists[DB_CONN_BROKEN].n > 0; /* we are inside a dispatch, whose end looks */
}

void db_pool_note_down(struct db_conn *c)
{
    c->is_up = false;
    if (--c->pool->up == 0)
        c->pool->down_since_us = clock_mono_us();
}

static bool is_of_host(const struct db_conn *c, const struct db_conn *like)
{
    return c->is_up && strcmp(c->host, like->host) == 0;
}

/*
 * A machine that has died says nothing, and each connection to it would cost somebody the whole of a timeout to find
 * that out. So when a call was given up and its host has been silent on all connections since it left, those that are
 * idle are not trusted: they are made anew, which a host that lives notices for some milliseconds.
 */
void db_pool_note_silent(struct db_conn *c)
{
    struct db_pool *p = c->pool;
    unsigned broken = 0;
    char text[16];

    if (c->heard_us >= c->sent_us)
        return;
    for (unsigned i = 0; i < p->conf.connections; i++)
        if (is_of_host(&p->conns[i], c) && p->conns[i].heard_us >= c->sent_us)
            return;
    for (unsigned i = 0; i < p->conf.connections; i++) {
        struct db_conn *idle = &p->conns[i];
        if (idle->state != DB_CONN_IDLE || !is_of_host(idle, c))
            continue;
        db_conn_close(idle);
        db_pool_break(idle);
        p->lost++;
        broken++;
    }
    (void)snprintf(text, sizeof text, "%u", broken);
    log_bounded(LOG_LEVEL_WARNING, 1, "database_silent", "silent", "host", c->host, "idle_connections_left", text,
                NULL);
}

/* The first of several failures one after the other is a warning; those that follow say nothing new. */
void db_pool_note_failed_attempt(struct db_pool *p, const char *detail)
{
    p->attempts_failed++;
    log_event(p->attempts_failed == 1 ? LOG_LEVEL_WARNING : LOG_LEVEL_DEBUG, "database_connect_failed", "detail",
              detail, NULL);
}
