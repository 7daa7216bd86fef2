/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Readiness: a database that answers, made by the very files we were built with, that keeps what it commits (promise:
 * an answer of success is sent only after a durable commit). Whose certificates are good: vigil.c. Changes are logged,
 * states are not.
 */
#include "readiness.h"

#include "clock.h"
#include "fault.h"
#include "log.h"
#include "sql_files.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READINESS_EVERY_MS 3000
#define PROBE_EVERY_TURNS  10 /* and at each turn while it fails */
#define REASON_MAX         512
#define CLOCK_TEXT         " s away from the database's: set one of them right (NTP)"

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
    int64_t age_max_us, asked_at_us; /* by our clock */
    int64_t offset_us;               /* of our clock, ahead of the database's */
    bool is_clock_told;
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

/* ---- the clock: by it messages are refused for their age, by the database's slots are offered ---- */

int64_t readiness_clock_offset_us(int64_t from_us, int64_t to_us, int64_t database_us)
{
    if (from_us > database_us)
        return from_us - database_us;
    return to_us < database_us ? to_us - database_us : 0;
}

static bool clock_is_odd(const struct readiness *r)
{
    return llabs(r->offset_us) > READINESS_CLOCK_ODD_US;
}

/* What is made now by a good clock would be refused. */
static bool clock_refuses_all(const struct readiness *r)
{
    return r->age_max_us != 0 && llabs(r->offset_us) >= r->age_max_us;
}

static void clock_text(const struct readiness *r, char out[REASON_MAX])
{
    (void)snprintf(out, REASON_MAX, "the clock is %s%" PRId64 CLOCK_TEXT, r->offset_us < 0 ? "-" : "+",
                   (int64_t)llabs(r->offset_us) / 1000000);
}

static void clock_compare(struct readiness *r, const struct db_result *res)
{
    const char *us = res != NULL && db_rows(res) == 1 ? db_text(res, 0, db_column(res, "us")) : NULL;
    char text[REASON_MAX];
    if (us == NULL)
        return;
    r->offset_us = readiness_clock_offset_us(r->asked_at_us, clock_wall_us(), strtoll(us, NULL, 10));
    if (clock_is_odd(r) == r->is_clock_told)
        return;
    r->is_clock_told = clock_is_odd(r);
    clock_text(r, text);
    log_event(r->is_clock_told ? LOG_LEVEL_WARNING : LOG_LEVEL_NOTICE, "clock", "state",
              r->is_clock_told ? "odd" : "good", "detail", r->is_clock_told ? text : NULL, NULL);
}

/* A database of before cannot be asked in this way. */
static void readiness_failed(struct readiness *r, const char *detail)
{
    char text[REASON_MAX];
    bool is_of_before = strstr(detail, "api.ready(jsonb)") != NULL;
    (void)snprintf(text, sizeof text, "%s%.400s%s", is_of_before ? "the database is of before this program: " : "",
                   detail, is_of_before ? ": run zapisd migrate" : "");
    readiness_set(r, false, text);
}

static void readiness_answered(void *arg, struct db_result *const *results, unsigned n, enum err err,
                               const struct error *e)
{
    struct readiness *r = arg;
    const struct db_result *res = n > 1 ? results[1] : NULL;
    clock_compare(r, n > 2 ? results[2] : NULL);
    if (err != ERR_OK || res == NULL || db_rows(res) == 0) {
        readiness_failed(r, err != ERR_OK ? e->detail : "api.ready() gave no row");
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
    static const char *const files = sql_digests_json;
    static const struct db_call calls[] = {
        {.sql = "begin"},
        {.sql = "select ok, reason from api.ready($1::jsonb)", .nparams = 1, .values = &files},
        {.sql = READINESS_CLOCK_SQL},
        {.sql = "select api.probe()"},
    };
    /* The probe comes last: what it leaves is rolled back with the session. */
    bool is_probe_due = !r->is_database_good || r->turns++ % PROBE_EVERY_TURNS == 0;
    r->session = session;
    r->asked_at_us = clock_wall_us();
    FAULT_POINT(ready_begin);
    db_send(session, calls, is_probe_due ? 4 : 3, readiness_answered, r);
}

static void readiness_tick(void *arg)
{
    struct readiness *r = arg;
    if (r->is_asking)
        return;
    r->is_asking = true;
    db_acquire(r->db, readiness_ask, r);
}

struct readiness *readiness_start(struct loop *l, struct db_pool *db, uint64_t message_age_max_ms)
{
    struct arena *a = arena_new();
    struct readiness *r = arena_alloc(a, sizeof *r);
    r->arena = a;
    r->loop = l;
    r->db = db;
    r->age_max_us = (int64_t)message_age_max_ms * 1000;
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
    if (clock_refuses_all(r)) {
        char text[REASON_MAX];
        clock_text(r, text);
        add_reason(reasons_json, text);
    }
    if (r->is_stopping)
        add_reason(reasons_json, "stopping");
    return r->is_database_good && !clock_refuses_all(r) && !r->is_stopping;
}

void readiness_notes_write(const struct readiness *r, struct buf *notes_json)
{
    char text[REASON_MAX];
    if (!clock_is_odd(r) || clock_refuses_all(r))
        return;
    clock_text(r, text);
    add_reason(notes_json, text);
}

void readiness_metrics_write(const struct readiness *r, struct buf *out)
{
    buf_printf(out,
               "# HELP zapisd_clock_offset_seconds By how much this machine's clock is ahead of the database's.\n"
               "# TYPE zapisd_clock_offset_seconds gauge\nzapisd_clock_offset_seconds %.3f\n",
               (double)r->offset_us / 1e6);
}
