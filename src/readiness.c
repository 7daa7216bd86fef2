/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Readiness: a database that answers, of the schema version we were built for, that keeps what it commits (promise: an
 * answer of success is sent only after a durable commit). Whose certificates are good: vigil.c. Changes are logged,
 * states are not.
 */
#include "readiness.h"

#include "log.h"

#include <stdio.h>
#include <string.h>

#define READINESS_EVERY_MS 3000
#define PROBE_EVERY_TURNS  10 /* and at each turn while it fails */
#define REASON_MAX         512

struct readiness {
    struct arena *arena;
    struct loop *loop;
    struct db_pool *db;
    struct timer *timer;
    struct db_session *session;
    bool is_asking, is_stopping;
    unsigned turns;
    bool is_database_good;
    char reason[REASON_MAX];
};

/* Numbers of files, processes and ports change from try to try: a reason that differs in them is the same one. */
static bool is_alike(const char *a, const char *b)
{
    for (;; a++, b++) {
        size_t n = strspn(a, "0123456789"), k = strspn(b, "0123456789");
        if ((n > 0) != (k > 0))
            return false;
        a += n;
        b += k;
        if (*a != *b || *a == '\0')
            return *a == *b;
    }
}

static void readiness_set(struct readiness *r, bool is_good, const char *reason)
{
    bool is_news = r->is_database_good != is_good || !is_alike(r->reason, reason);
    r->is_database_good = is_good;
    (void)snprintf(r->reason, sizeof r->reason, "%s", reason);
    if (is_news)
        log_event(is_good ? LOG_LEVEL_NOTICE : LOG_LEVEL_ERROR, "database", "ready", is_good ? "yes" : "no", "reason",
                  is_good ? NULL : reason, NULL);
}

static void readiness_answered(void *arg, struct db_result *const *results, unsigned n, enum err err,
                               const struct error *e)
{
    struct readiness *r = arg;
    const struct db_result *res = n > 1 ? results[1] : NULL;
    if (err != ERR_OK || res == NULL || db_rows(res) == 0) {
        readiness_set(r, false, err != ERR_OK ? e->detail : "api.ready() gave no row");
    } else {
        const char *ok = db_text(res, 0, db_column(res, "ok"));
        const char *reason = db_text(res, 0, db_column(res, "reason"));
        readiness_set(r, ok != NULL && *ok == 't', reason != NULL ? reason : "");
    }
    db_release(r->session);
    r->session = NULL;
    r->is_asking = false;
}

static void readiness_ask(void *arg, struct db_session *session, enum err err, const struct error *e)
{
    struct readiness *r = arg;
    if (err != ERR_OK) {
        r->is_asking = false;
        readiness_set(r, false, e->detail);
        return;
    }
    /* A transaction, as a write has one: a pooler between that allows none is found out here. */
    static const char *const newest = ZAPISD_NEWEST_MIGRATION;
    static const struct db_call calls[] = {
        {.sql = "begin"},
        {.sql = "select ok, reason from api.ready($1::text)", .nparams = 1, .values = &newest},
        {.sql = "select api.probe()"},
    };
    /* The probe comes last: what it leaves is rolled back with the session. */
    bool is_probe_due = !r->is_database_good || r->turns++ % PROBE_EVERY_TURNS == 0;
    r->session = session;
    db_send(session, calls, is_probe_due ? 3 : 2, readiness_answered, r);
}

static void readiness_tick(void *arg)
{
    struct readiness *r = arg;
    if (r->is_asking)
        return;
    r->is_asking = true;
    db_acquire(r->db, readiness_ask, r);
}

struct readiness *readiness_start(struct loop *l, struct db_pool *db)
{
    struct arena *a = arena_new();
    struct readiness *r = arena_alloc(a, sizeof *r);
    r->arena = a;
    r->loop = l;
    r->db = db;
    (void)snprintf(r->reason, sizeof r->reason, "the database was not asked yet");
    r->timer = timer_start(l, 10, READINESS_EVERY_MS, readiness_tick, r);
    return r;
}

void readiness_free(struct readiness *r)
{
    if (r == NULL)
        return;
    timer_stop(r->timer);
    arena_free(r->arena);
}

void readiness_set_stopping(struct readiness *r)
{
    r->is_stopping = true;
}

static void add_reason(struct buf *out, const char *reason)
{
    if (out->n > 0)
        buf_add_char(out, ',');
    buf_add_json(out, span_of(reason));
}

bool readiness_read(const struct readiness *r, struct buf *reasons_json)
{
    if (!r->is_database_good)
        add_reason(reasons_json, r->reason);
    if (r->is_stopping)
        add_reason(reasons_json, "stopping");
    return r->is_database_good && !r->is_stopping;
}
