/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * One connection on the loop: made by a thread (attempt.c), and from then on readiness of its socket handed to its
 * session. Once it is up the socket stays the same.
 */
#include "db_private.h"

#include "clock.h"
#include "fault.h"
#include "log.h"

#include <stdio.h>
#include <string.h>

static void conn_on_event(void *arg, int events);

void db_conn_watch(struct db_conn *c, int events)
{
    if (c->watch == NULL)
        c->watch = watch_start(c->pool->loop, PQsocket(c->pg), events, conn_on_event, c);
    else if (c->watched != events)
        watch_update(c->watch, events);
    c->watched = events;
}

void db_conn_unwatch(struct db_conn *c)
{
    watch_stop(c->watch);
    c->watch = NULL;
}

void db_conn_close(struct db_conn *c)
{
    db_conn_unwatch(c);
    if (c->bulk != NULL)
        db_bulk_leave(c->bulk);
    else if (c->pg != NULL)
        PQfinish(c->pg);
    c->bulk = NULL;
    c->pg = NULL;
    if (c->is_up)
        db_pool_note_down(c);
}

/* ---- connecting ---- */

void db_conn_connect(struct db_conn *c)
{
    struct db_pool *p = c->pool;

    db_pool_move(c, DB_CONN_CONNECTING);
    c->deadline_us = 0; /* looked at in each tick */
    if (p->target.mistake != NULL)
        db_conn_attempt_failed(c, p->target.mistake);
    else
        db_attempt_start(c);
}

void db_conn_attempt_failed(struct db_conn *c, const char *detail)
{
    db_conn_close(c);
    db_pool_note_failed_attempt(c->pool, detail);
    db_pool_break(c);
}

void db_conn_come_up(struct db_conn *c)
{
    memcpy(c->pool->start.key, c->host, sizeof c->host);
    c->pool->start.is_behind = false;
    db_prepared_forget(c);
    db_conn_watch(c, WATCH_READ);
    c->heard_us = clock_mono_us();
    db_pool_note_up(c);
    FAULT_POINT(connected);
    db_pool_move(c, DB_CONN_IDLE);
}

/* ---- an established connection ---- */

void db_conn_lost(struct db_conn *c, const char *detail)
{
    struct db_session *s = &c->session;

    FAULT_POINT(connection_lost);
    c->pool->lost++;
    if (!s->in_call || s->is_rolling_back) /* else the holder hears of it, and logs it */
        log_bounded(LOG_LEVEL_WARNING, 1, "database_connection_lost", "lost", "detail", detail, NULL);
    db_conn_close(c);
    if (c->state == DB_CONN_IDLE || s->is_rolling_back) {
        s->is_rolling_back = s->in_call = false;
        db_pool_break(c);
    } else {
        db_session_lost(s, detail); /* whoever holds the session keeps it, without a connection, until db_release() */
    }
}

static void conn_on_established(struct db_conn *c, int events)
{
    char detail[400];

    if ((events & WATCH_READ) != 0)
        c->heard_us = clock_mono_us();
    if ((events & WATCH_READ) != 0 && PQconsumeInput(c->pg) != 1) {
        db_conn_unwatch(c); /* libpq has closed the socket; what the server said before is still to be collected */
        if (c->session.in_call)
            db_session_collect(&c->session);
        if (c->pg != NULL) {
            db_complaint(c->pg, detail, sizeof detail);
            db_conn_lost(c, detail);
        }
        return;
    }
    if (c->session.in_call) {
        db_session_flush(&c->session);
        if (c->pg != NULL && c->session.in_call)
            db_session_collect(&c->session);
        return;
    }
    /* no call: a notice, a parameter status, or the server's farewell, upon which PQconsumeInput fails next time */
    (void)PQisBusy(c->pg);
    if (PQstatus(c->pg) == CONNECTION_BAD) {
        db_complaint(c->pg, detail, sizeof detail);
        db_conn_lost(c, detail);
    }
}

static void conn_on_event(void *arg, int events)
{
    struct db_conn *c = arg;

    db_pool_dispatch_begin(c->pool);
    if ((events & WATCH_BROKEN) != 0) {
        /* the watch is silent now, and there may be more to read than one turn's worth */
        db_conn_unwatch(c);
        db_conn_watch(c, c->watched);
    }
    conn_on_established(c, events);
    db_pool_dispatch_end(c->pool);
}
