/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The callers who wait for a connection: in the order of coming, but for the journal's, which go first. Each ends with
 * a session, or with the reason why there is none; never inside the call that asked.
 */
#include "db_private.h"

#include "clock.h"

/* ---- they ask ---- */

static struct waiter *waiter_new(struct db_pool *p, uint64_t until_us, db_session_fn fn, void *arg)
{
    struct waiter *w = p->free_waiters;
    uint64_t deadline_us = clock_mono_us() + p->conf.acquire_timeout_ms * 1000;

    if (w != NULL)
        p->free_waiters = w->next;
    else
        w = arena_alloc(p->arena, sizeof *w);
    *w = (struct waiter){.fn = fn, .arg = arg, .deadline_us = until_us < deadline_us ? until_us : deadline_us};
    p->waiting++;
    return w;
}

void db_acquire(struct db_pool *p, db_session_fn fn, void *arg)
{
    db_acquire_until(p, UINT64_MAX, fn, arg);
}

void db_acquire_until(struct db_pool *p, uint64_t until_us, db_session_fn fn, void *arg)
{
    struct waiter *w = waiter_new(p, until_us, fn, arg);

    *(p->last_waiter != NULL ? &p->last_waiter->next : &p->first_waiter) = w;
    p->last_waiter = w;
    if (db_pool_has_due(p))
        db_pool_turn(p);
}

void db_acquire_first(struct db_pool *p, db_session_fn fn, void *arg)
{
    struct waiter *w = waiter_new(p, UINT64_MAX, fn, arg);

    w->next = p->first_waiter;
    p->first_waiter = w;
    if (p->last_waiter == NULL)
        p->last_waiter = w;
    if (db_pool_has_due(p))
        db_pool_turn(p);
}

/* ---- they are served, or told that there is none ---- */

bool db_pool_is_away(const struct db_pool *p, uint64_t now_us)
{
    return p->up == 0 && now_us - p->down_since_us >= p->conf.acquire_timeout_ms * 1000;
}

static void waiter_fail(struct db_pool *p, struct waiter *w, enum err err)
{
    struct error e = {.code = ERR_OK};
    db_session_fn fn = w->fn;
    void *arg = w->arg;

    w->next = p->free_waiters;
    p->free_waiters = w;
    if (err == ERR_BUSY)
        error_set(&e, err, "no free database connection in time (acquire_timeout is %llu ms), %u callers waiting",
                  (unsigned long long)p->conf.acquire_timeout_ms, p->waiting);
    else
        error_set(&e, err, "there is no database");
    fn(arg, NULL, err, &e);
}

void db_waiters_serve(struct db_pool *p)
{
    uint64_t now_us = clock_mono_us();

    /* those who ask again from inside a callback have their turn later: a counted loop */
    for (unsigned todo = p->waiting; todo > 0 && p->first_waiter != NULL; todo--) {
        struct db_conn *c = p->lists[DB_CONN_IDLE].first;
        struct waiter *w = p->first_waiter;

        if (c == NULL && w->deadline_us > now_us && !db_pool_is_away(p, now_us))
            return;
        p->first_waiter = w->next;
        if (w->next == NULL)
            p->last_waiter = NULL;
        p->waiting--;
        if (c == NULL) {
            waiter_fail(p, w, p->up > 0 ? ERR_BUSY : ERR_DATABASE);
            continue;
        }
        db_pool_move(c, DB_CONN_BUSY);
        db_session_open(&c->session);
        p->given++;
        db_session_fn fn = w->fn;
        void *arg = w->arg;
        w->next = p->free_waiters;
        p->free_waiters = w;
        fn(arg, &c->session, ERR_OK, &c->session.error);
    }
}

/* Callers whose own time ends before that of those who asked earlier. */
void db_waiters_fail_late(struct db_pool *p, uint64_t now_us)
{
    struct waiter *late = NULL, **late_end = &late, *w;

    p->last_waiter = NULL;
    for (struct waiter **at = &p->first_waiter; (w = *at) != NULL;) {
        if (w->deadline_us > now_us) {
            p->last_waiter = w;
            at = &w->next;
            continue;
        }
        *at = w->next;
        w->next = NULL;
        *late_end = w;
        late_end = &w->next;
        p->waiting--;
    }
    while ((w = late) != NULL) {
        late = w->next;
        waiter_fail(p, w, p->up > 0 ? ERR_BUSY : ERR_DATABASE);
    }
}
