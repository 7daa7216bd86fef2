/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Lapsed holds, outcomes, interrupted closures, slots ahead, partitions of the journal, answers of the portal that did
 * not come, messages that were over long ago, instants that a wrong clock has written: a task each, asked for when it
 * is due. A call is a short transaction under a deadline of its own; while a task answers with a row it is due again at
 * once, but behind all others that are due, so that none has to wait for more than one piece of each. One call at a
 * time, on a session taken anew, so that requests that wait come in between.
 *
 * The database lets one instance at a task and keeps the pauses after failures, for all instances to see. What it could
 * not write down itself (a lost connection, no database) we tell it afterwards, and pause on our own.
 */
#include "housekeeping.h"

#include "arena.h"
#include "clock.h"
#include "fault.h"
#include "log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define HOUSEKEEPING_FIRST_MS      2000
#define HOUSEKEEPING_TICK_MS       500
#define HOUSEKEEPING_PAUSE_MAX_MS  600000
#define HOUSEKEEPING_TELL_AGAIN_MS 60000
#define HOUSEKEEPING_LOOK_US       1000000u /* who reads on and on has it asked so often, */
#define HOUSEKEEPING_LOOK_SHARE    20       /* and, reader or none, for so small a part of the time */
#define HOUSEKEEPING_REST_MAX_US   45000000u
#define REASON_MAX                 512

/* Of the server's own: the piece is rolled back and the failure written down. Less than the pool waits for an answer.
 */
#define DEADLINE_SQL "set local statement_timeout = '4s'"

enum {
    TASK_SWEEP,
    TASK_OUTCOMES,
    TASK_CLOSURE,
    TASK_GENERATE,
    TASK_JOURNAL,
    TASK_OUTBOX,
    TASK_ENDED,
    TASK_CLOCK,
    TASK_STATE,
    TASKS
};

static const struct {
    const char *name; /* as data.housekeeping has it; the last is the question how all of them stand */
    uint64_t every_ms;
} tasks[TASKS] = {
    [TASK_SWEEP] = {"sweep", 60000},       [TASK_OUTCOMES] = {"outcomes", 60000}, [TASK_CLOSURE] = {"closure", 5000},
    [TASK_GENERATE] = {"generate", 60000}, [TASK_JOURNAL] = {"journal", 60000},   [TASK_OUTBOX] = {"outbox", 60000},
    [TASK_ENDED] = {"ended", 60000},       [TASK_CLOCK] = {"clock", 30000},       [TASK_STATE] = {"state", 10000},
};

struct task {
    uint64_t due_us;
    unsigned failed_in_row; /* calls that came to nothing; failures the database wrote down are its own to pause for */
    const char *untold;     /* the failure that is still to be told to the database, */
    uint64_t tell_us;       /* and when */
    uint64_t runs, failures;
    uint64_t asked_us, total_us, last_us;
    int64_t last_success_s; /* of any instance, since 1970; 0: never yet */
    int64_t behind;
    char reason[REASON_MAX];
};

struct housekeeping {
    struct arena *arena;
    struct db_pool *db;
    struct timer *timer;
    struct db_session *session;
    struct task tasks[TASKS];
    int asking; /* task whose answer is awaited; -1: none */
    uint64_t asked_us;
};

static void housekeeping_next(struct housekeeping *h);

/* ---- the end of a call ---- */

static uint64_t pause_us(const struct task *t)
{
    uint64_t ms = 5000;
    for (unsigned i = 1; i < t->failed_in_row && ms < HOUSEKEEPING_PAUSE_MAX_MS; i++)
        ms *= 2;
    return (ms < HOUSEKEEPING_PAUSE_MAX_MS ? ms : HOUSEKEEPING_PAUSE_MAX_MS) * 1000;
}

static void task_failed(struct housekeeping *h, enum err err, const struct error *e)
{
    struct task *t = &h->tasks[h->asking];
    FAULT_POINT(housekeeping_failed);
    t->failures++;
    t->failed_in_row++;
    t->due_us = clock_mono_us() + pause_us(t);
    if (h->asking != TASK_STATE && h->session != NULL) {
        t->untold = error_name(err);
        t->tell_us = clock_mono_us();
    }
    /* that there is no database the pool says itself, once */
    bool is_known = h->session == NULL && err == ERR_DATABASE;
    log_event(is_known ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARNING, "housekeeping", "task", tasks[h->asking].name, "error",
              error_name(err), "detail", e->detail, NULL);
}

/* A row tells what was done and that there may be more. */
static void task_done(struct housekeeping *h, const struct db_result *r)
{
    struct task *t = &h->tasks[h->asking];
    FAULT_POINT(housekeeping_done);
    uint64_t now_us = clock_mono_us();
    t->failed_in_row = 0;
    t->untold = NULL;
    t->due_us = now_us + tasks[h->asking].every_ms * 1000;
    if (db_rows(r) == 0) /* nothing is due, or another instance is at it, or it is paused */
        return;
    const char *did = db_text(r, 0, db_column(r, "did"));
    const char *failed = db_text(r, 0, db_column(r, "failed"));
    bool is_bad = failed != NULL && *failed == 't';
    t->due_us = now_us;
    t->failures += is_bad;
    log_event(is_bad ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, "housekeeping", "task", tasks[h->asking].name,
              is_bad ? "detail" : "did", did, NULL);
}

static void state_read_row(struct housekeeping *h, const struct db_result *r, unsigned row)
{
    const char *name = db_text(r, row, db_column(r, "task"));
    const char *reason = db_text(r, row, db_column(r, "reason"));
    struct error e = {.code = ERR_OK};
    for (unsigned i = 0; i < TASK_STATE; i++) {
        struct task *t = &h->tasks[i];
        if (name == NULL || strcmp(name, tasks[i].name) != 0)
            continue;
        bool is_news = strcmp(t->reason, reason != NULL ? reason : "") != 0;
        (void)snprintf(t->reason, sizeof t->reason, "%s", reason != NULL ? reason : "");
        if (db_int(r, row, db_column(r, "behind"), &t->behind, &e) != ERR_OK)
            t->behind = 0;
        if (db_is_null(r, row, db_column(r, "last_success")) ||
            db_int(r, row, db_column(r, "last_success"), &t->last_success_s, &e) != ERR_OK)
            t->last_success_s = 0;
        if (is_news)
            log_event(reason != NULL ? LOG_LEVEL_WARNING : LOG_LEVEL_NOTICE, "housekeeping", "task", name, "behind",
                      reason != NULL ? reason : "no", NULL);
    }
}

/* What takes its time, beside a thousand offices, is asked for a small part of it; about once a minute in any case. */
static uint64_t state_rest_us(uint64_t took_us, uint64_t least_us)
{
    uint64_t rest_us = took_us * HOUSEKEEPING_LOOK_SHARE;
    if (rest_us > HOUSEKEEPING_REST_MAX_US)
        rest_us = HOUSEKEEPING_REST_MAX_US;
    return rest_us > least_us ? rest_us : least_us;
}

static void state_read(struct housekeeping *h, const struct db_result *r)
{
    struct task *t = &h->tasks[TASK_STATE];
    uint64_t now_us = clock_mono_us();
    t->failed_in_row = 0;
    t->due_us = now_us + state_rest_us(now_us - h->asked_us, tasks[TASK_STATE].every_ms * 1000);
    for (unsigned i = 0; i < db_rows(r); i++)
        state_read_row(h, r, i);
}

static void task_call_end(struct housekeeping *h)
{
    struct task *t = &h->tasks[h->asking];
    t->runs++;
    t->last_us = clock_mono_us() - h->asked_us;
    t->total_us += t->last_us;
    if (h->session != NULL)
        db_release(h->session);
    h->session = NULL;
    h->asking = -1;
    housekeeping_next(h);
}

static void on_answer(void *arg, struct db_result *const *results, unsigned n, enum err err, const struct error *e)
{
    struct housekeeping *h = arg;
    if (err != ERR_OK)
        task_failed(h, err, e);
    else if (h->asking == TASK_STATE)
        state_read(h, results[2]);
    else
        task_done(h, results[2]);
    (void)n;
    task_call_end(h);
}

/* Told or not, the next turn is the task's own again. */
static void on_told(void *arg, struct db_result *const *results, unsigned n, enum err err, const struct error *e)
{
    struct housekeeping *h = arg;
    struct task *t = &h->tasks[h->asking];
    (void)results;
    (void)n;
    (void)e;
    if (err == ERR_OK) {
        t->untold = NULL;
        t->due_us = clock_mono_us() + pause_us(t); /* its pause has begun now: asked sooner, it would say "not due" */
    } else {
        t->tell_us = clock_mono_us() + HOUSEKEEPING_TELL_AGAIN_MS * 1000;
    }
    db_release(h->session);
    h->session = NULL;
    h->asking = -1;
    housekeeping_next(h);
}

/* ---- a call ---- */

static void send_untold(struct housekeeping *h)
{
    const char *values[] = {tasks[h->asking].name, h->tasks[h->asking].untold};
    const struct db_call call = {
        .sql = "select api.housekeeping_failed($1::text, $2::text)", .nparams = 2, .values = values};
    FAULT_POINT(housekeeping_tell);
    db_send(h->session, &call, 1, on_told, h);
}

static void send_task(struct housekeeping *h)
{
    const char *values[] = {tasks[h->asking].name};
    struct db_call calls[] = {
        {.sql = "begin"},
        {.sql = DEADLINE_SQL},
        {.sql = "select did, failed from api.housekeeping($1::text)", .nparams = 1, .values = values},
        {.sql = "commit"},
    };
    if (h->asking == TASK_STATE)
        calls[2] = (struct db_call){.sql = "select task, behind, reason, last_success from api.housekeeping_state()"};
    FAULT_POINT(housekeeping_begin);
    db_send(h->session, calls, 4, on_answer, h);
    FAULT_POINT(housekeeping_sent);
}

static void on_session(void *arg, struct db_session *session, enum err err, const struct error *e)
{
    struct housekeeping *h = arg;
    h->session = session;
    if (err != ERR_OK) {
        task_failed(h, err, e);
        task_call_end(h);
    } else if (h->tasks[h->asking].untold != NULL && h->tasks[h->asking].tell_us <= clock_mono_us()) {
        send_untold(h);
    } else {
        send_task(h);
    }
}

/* The one that has been due longest; of two, the first of the table. What is to be told goes first. */
static int longest_due(const struct housekeeping *h, uint64_t now_us)
{
    int found = -1;
    uint64_t least_us = now_us;
    for (int i = TASKS; i-- > 0;) {
        const struct task *t = &h->tasks[i];
        uint64_t due_us = t->untold != NULL && t->tell_us < t->due_us ? t->tell_us : t->due_us;
        if (due_us > least_us)
            continue;
        found = i;
        least_us = due_us;
    }
    return found;
}

static void housekeeping_next(struct housekeeping *h)
{
    uint64_t now_us = clock_mono_us();
    int next = longest_due(h, now_us);
    if (h->asking >= 0 || next < 0)
        return;
    h->asking = next;
    h->asked_us = h->tasks[next].asked_us = now_us;
    db_acquire(h->db, on_session, h);
}

static void on_tick(void *arg)
{
    housekeeping_next(arg);
}

void housekeeping_look(struct housekeeping *h)
{
    struct task *t = &h->tasks[TASK_STATE];
    uint64_t now_us = clock_mono_us(), due_us = t->asked_us + state_rest_us(t->last_us, HOUSEKEEPING_LOOK_US);
    if (t->failed_in_row > 0 || h->asking == TASK_STATE || t->due_us <= due_us)
        return;
    t->due_us = due_us > now_us ? due_us : now_us;
    housekeeping_next(h);
}

/* ---- what others may know ---- */

static void metric_head(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP zapisd_housekeeping_%s %s\n# TYPE zapisd_housekeeping_%s %s\n", name, help, name, type);
}

void housekeeping_metrics_write(const struct housekeeping *h, struct buf *out)
{
    static const char line[] = "zapisd_housekeeping_%s{task=\"%s\"} %.10g\n";
    metric_head(out, "runs_total", "counter", "Pieces of housekeeping asked for.");
    for (unsigned i = 0; i < TASK_STATE; i++)
        buf_printf(out, line, "runs_total", tasks[i].name, (double)h->tasks[i].runs);
    metric_head(out, "failures_total", "counter", "Pieces of housekeeping that failed.");
    for (unsigned i = 0; i < TASK_STATE; i++)
        buf_printf(out, line, "failures_total", tasks[i].name, (double)h->tasks[i].failures);
    metric_head(out, "seconds_total", "counter",
                "Time spent on pieces of housekeeping, waiting for a session included.");
    for (unsigned i = 0; i < TASK_STATE; i++)
        buf_printf(out, line, "seconds_total", tasks[i].name, (double)h->tasks[i].total_us / 1e6);
    metric_head(out, "last_seconds", "gauge", "Time the last piece took.");
    for (unsigned i = 0; i < TASK_STATE; i++)
        buf_printf(out, line, "last_seconds", tasks[i].name, (double)h->tasks[i].last_us / 1e6);
    metric_head(out, "last_success_timestamp_seconds", "gauge",
                "When the task last ended well, on whichever instance.");
    for (unsigned i = 0; i < TASK_STATE; i++)
        buf_printf(out, line, "last_success_timestamp_seconds", tasks[i].name, (double)h->tasks[i].last_success_s);
    metric_head(out, "behind", "gauge",
                "Troubles of a task: no partition for next month, organizations without slots up to the horizon, "
                "closures that do not go on, updates that the portal refuses, that are held or wait for long.");
    for (unsigned i = 0; i < TASK_STATE; i++)
        buf_printf(out, line, "behind", tasks[i].name, (double)h->tasks[i].behind);
}

void housekeeping_warnings_read(const struct housekeeping *h, struct buf *warnings_json)
{
    for (unsigned i = 0; i < TASK_STATE; i++) {
        if (h->tasks[i].reason[0] == '\0')
            continue;
        if (warnings_json->n > 0)
            buf_add_char(warnings_json, ',');
        buf_add_json(warnings_json, span_of(h->tasks[i].reason));
    }
}

/* ---- start and stop ---- */

struct housekeeping *housekeeping_start(struct loop *l, struct db_pool *db)
{
    struct arena *a = arena_new();
    struct housekeeping *h = arena_alloc(a, sizeof *h);
    h->arena = a;
    h->db = db;
    h->asking = -1;
    h->timer = timer_start(l, HOUSEKEEPING_FIRST_MS, HOUSEKEEPING_TICK_MS, on_tick, h);
    return h;
}

void housekeeping_free(struct housekeeping *h)
{
    if (h == NULL)
        return;
    timer_stop(h->timer);
    arena_free(h->arena);
}
