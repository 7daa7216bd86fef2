/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * What the queues tell the database: one session at a time for all of them, several statements in a transaction while
 * several wait. What only says how a call of SMEV went waits a little for company: lost, it is learnt again. A
 * transaction that fails is said again statement by statement, so that what one of them cannot say costs no other.
 * None of them waits for a row that somebody holds at a console: it answers so (NULL), or fails at once, and is said
 * again by itself until he lets go. What must be waited for, an insert of the same key, a table, is waited for shortly
 * (docs/decisions/0353).
 * Killed in between: what was not said is due again when its lease ends, or is delivered again.
 */
#include "queue_private.h"

#include "clock.h"
#include "fault.h"
#include "log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define WRITE_PARAMS_MAX  26
#define WRITE_BATCH       16
#define WRITE_BATCH_SIZE  ((size_t)4 << 20)
#define WRITE_PATIENCE_US 8000000u
#define WRITE_LOCK_MS     50  /* for many, or once more; */
#define WRITE_ALONE_MS    250 /* for one, the first time */
#define WRITE_LATE_MS     50
#define HELD_FIRST_US     100000u /* it may be another session of ours, for a moment */
#define HELD_NEXT_US      1000000u
#define HELD_SHORT_US     10000000u /* it has a place that others wait for; what it says is learnt again */

struct queue_write {
    struct queue_write *next;
    struct queue_source *source;
    struct arena *arena;
    struct db_call call;
    const char *values[WRITE_PARAMS_MAX];
    int lengths[WRITE_PARAMS_MAX];
    unsigned char is_binary[WRITE_PARAMS_MAX], is_kept[WRITE_PARAMS_MAX];
    unsigned said;
    bool is_late;
    bool is_alone; /* what was said with it failed: it is said by itself */
    bool is_row;   /* only for a row: what else it cannot do its caller keeps */
    bool was_locked;
    unsigned held; /* how often somebody was found to hold its row */
    uint64_t held_us, due_us, most_us;
    size_t size;
    queue_write_fn fn;
    void *arg;
};

static void writes_go(struct queues *q);

/* ---- what is to be said ---- */

static struct queue_write *new_write(struct queue_source *s, struct arena *a, queue_write_fn fn, void *arg)
{
    struct queue_write *w = arena_alloc(a, sizeof *w);
    w->source = s;
    w->arena = a;
    w->fn = fn;
    w->arg = arg;
    w->most_us = HELD_SHORT_US;
    return w;
}

struct queue_write *queue_write_new(struct queue_source *s, struct arena *a, enum inbox_door door, queue_write_fn fn,
                                    void *arg)
{
    struct queue_write *w = new_write(s, a, fn, arg);
    w->call = (struct db_call){.sql = inbox_texts[door].sql,
                               .nparams = inbox_texts[door].nparams,
                               .values = w->values,
                               .lengths = w->lengths,
                               .is_binary = w->is_binary,
                               .is_kept = w->is_kept};
    return w;
}

void queue_write_text(struct queue_write *w, const char *text)
{
    w->values[w->said++] = text;
}

void queue_write_int(struct queue_write *w, int64_t n)
{
    queue_write_text(w, arena_printf(w->arena, "%" PRId64, n));
}

void queue_write_octets(struct queue_write *w, struct span octets)
{
    w->values[w->said] = octets.p != NULL ? octets.p : "";
    w->lengths[w->said] = (int)octets.n;
    w->is_binary[w->said] = 1;
    w->is_kept[w->said] = 1;
    w->size += octets.n;
    w->said++;
}

void queue_write_insist(struct queue_write *w, uint64_t most_us, bool is_kept)
{
    w->most_us = most_us;
    w->is_row = is_kept;
}

static void line_add(struct queue_write ***last, struct queue_write *w)
{
    w->next = NULL;
    **last = w;
    *last = &w->next;
}

void queue_write_begin(struct queue_write *w)
{
    struct queues *q = w->source->queues;
    w->source->writing++;
    w->held = 0;
    line_add(&q->last_write, w);
    writes_go(q);
}

void queue_write_begin_late(struct queue_write *w)
{
    w->is_late = w->size < WRITE_BATCH_SIZE / WRITE_BATCH;
    queue_write_begin(w);
}

void queue_write_refused(struct adapter_call *c, const char *reason, queue_write_fn fn, void *arg)
{
    struct queue_write *w = new_write(c->owner, c->arena, fn, arg);
    w->call = adapter_refused_row(c, reason);
    w->size = c->answered.n + c->asked.n;
    queue_write_begin(w);
}

void queue_write_exchange(struct adapter_call *c, const char *outcome, queue_write_fn fn, void *arg)
{
    struct queue_write *w = queue_write_new(c->owner, c->arena, INBOX_SLOW_SAID, fn, arg);
    queue_write_int(w, c->row_id);
    queue_write_text(w, outcome);
    queue_write_text(w, c->endpoint);
    queue_write_text(w, c->signature.octets.n > 0 ? "good" : NULL);
    queue_write_octets(w, c->asked);
    queue_write_octets(w, c->answered);
    queue_write_begin(w);
}

void queue_write_unheard(struct adapter_call *c, queue_write_fn fn, void *arg)
{
    struct queue_write *w = queue_write_new(c->owner, c->arena, INBOX_UNHEARD, fn, arg);
    queue_write_text(w, c->conf->name);
    queue_write_text(w, c->conf->agency);
    queue_write_text(w, smev3_op_name(c->op));
    queue_write_text(w, adapter_call_word(c));
    queue_write_text(w, c->endpoint);
    queue_write_octets(w, c->asked);
    queue_write_begin_late(w);
}

bool queue_writes_are_done(const struct queues *q)
{
    return q->writes == NULL && q->batch == NULL && q->held == NULL;
}

static void write_ended(struct queues *q, struct queue_write *w, const struct db_result *r, enum err err)
{
    struct queue_source *s = w->source;
    s->writing--;
    w->fn(w->arg, r, err); /* w may be gone */
    queue_source_go(s);
    (void)q;
}

/* ---- somebody holds its row ---- */

/* A door says so by one row whose first word is none. */
static bool is_held(const struct db_result *r)
{
    return r != NULL && db_rows(r) == 1 && db_is_null(r, 0, 0);
}

/* Told when it is no moment's matter. */
static void held_tell(struct queues *q)
{
    struct error e = {0};
    error_set(&e, ERR_LOCKED, "somebody holds a row of the inbox");
    queue_database_said(q, ERR_LOCKED, &e);
}

static void write_hold(struct queues *q, struct queue_write *w)
{
    uint64_t now_us = clock_mono_us();
    if (w->held++ == 0)
        w->held_us = now_us;
    else
        held_tell(q);
    if (q->drained != NULL || now_us - w->held_us >= w->most_us) {
        write_ended(q, w, NULL, ERR_LOCKED);
        return;
    }
    w->due_us = now_us + (w->held == 1 ? HELD_FIRST_US : HELD_NEXT_US);
    w->source->held += w->is_row;
    line_add(&q->last_held, w);
}

void queue_writes_go(struct queues *q)
{
    struct queue_write *w = q->held, *next;
    q->held = NULL;
    q->last_held = &q->held;
    for (; w != NULL; w = next) {
        next = w->next;
        if (q->drained == NULL && clock_mono_us() < w->due_us) {
            line_add(&q->last_held, w);
            continue;
        }
        w->source->held -= w->is_row;
        if (q->drained != NULL)
            write_ended(q, w, NULL, ERR_LOCKED);
        else
            line_add(&q->last_write, w);
    }
    writes_go(q);
}

/* ---- how it is said ---- */

static void batch_end(struct queues *q, struct db_result *const *results, enum err err)
{
    struct queue_write *w = q->batch;
    q->batch = NULL;
    for (unsigned i = 0; w != NULL; i++) {
        struct queue_write *next = w->next;
        w->was_locked = w->was_locked || err == ERR_LOCKED;
        if (err == ERR_OK ? is_held(results[i]) : err == ERR_LOCKED && !w->is_row)
            write_hold(q, w);
        else
            write_ended(q, w, err == ERR_OK ? results[i] : NULL, err);
        w = next;
    }
}

static void session_end(struct queues *q)
{
    if (q->session != NULL)
        db_release(q->session);
    q->session = NULL;
    q->is_writing = false;
}

static void send_batch(struct queues *q);

/* The same again, one at a time: those behind the first go back to the head of the line. */
static void say_singly(struct queues *q)
{
    struct queue_write *first = q->batch, *last = first;
    for (struct queue_write *w = first; w != NULL; w = w->next) {
        w->is_alone = true;
        w->is_late = false;
        last = w;
    }
    last->next = q->writes;
    if (q->writes == NULL)
        q->last_write = &last->next;
    q->writes = first;
    q->batch = NULL;
}

/* Somebody waits for one of them, or they are many. */
static bool are_to_be_said(const struct queues *q)
{
    unsigned n = 0;
    for (const struct queue_write *w = q->writes; w != NULL; w = w->next)
        if (!w->is_late || ++n == WRITE_BATCH)
            return true;
    return false;
}

static bool is_of_the_statement(enum err err)
{
    return err != ERR_DATABASE && err != ERR_UNCERTAIN;
}

static void on_said(void *arg, struct db_result *const *results, unsigned n, enum err err, const struct error *e)
{
    struct queues *q = arg;
    (void)n;
    if (err != ERR_OK && q->batch->next != NULL && is_of_the_statement(err)) {
        say_singly(q);
    } else {
        queue_database_said(q, err, e);
        batch_end(q, results, err);
    }
    if (err == ERR_OK && are_to_be_said(q) && !q->is_stopped) {
        send_batch(q);
        return;
    }
    session_end(q);
    writes_go(q);
}

static unsigned batch_take(struct queues *q, struct db_call calls[WRITE_BATCH])
{
    unsigned n = 0;
    bool is_full = false;
    size_t size = 0;
    struct queue_write **last = &q->batch;
    while (q->writes != NULL && n < WRITE_BATCH && !is_full &&
           (n == 0 || (!q->writes->is_alone && size + q->writes->size < WRITE_BATCH_SIZE))) {
        struct queue_write *w = q->writes;
        is_full = w->is_alone;
        q->writes = w->next;
        if (q->writes == NULL)
            q->last_write = &q->writes;
        w->next = NULL;
        *last = w;
        last = &w->next;
        size += w->size;
        calls[n++] = w->call;
    }
    return n;
}

static void send_batch(struct queues *q)
{
    struct db_call calls[WRITE_BATCH];
    unsigned n = batch_take(q, calls);
    bool is_first = n == 1 && !q->batch->was_locked;
    const struct db_patience patience = {.lock_ms = is_first ? WRITE_ALONE_MS : WRITE_LOCK_MS,
                                         .until_us = clock_mono_us() + WRITE_PATIENCE_US};
    db_send_within(q->session, patience, calls, n, on_said, q);
}

static void on_session(void *arg, struct db_session *session, enum err err, const struct error *e)
{
    struct queues *q = arg;
    q->session = session;
    if (err == ERR_OK) {
        send_batch(q);
        return;
    }
    (void)e; /* that there is no database the pool says itself */
    q->batch = q->writes;
    q->writes = NULL;
    q->last_write = &q->writes;
    batch_end(q, NULL, err);
    session_end(q);
    writes_go(q);
}

static void on_late(void *arg)
{
    struct queues *q = arg;
    q->late = NULL;
    for (struct queue_write *w = q->writes; w != NULL; w = w->next)
        w->is_late = false;
    writes_go(q);
}

static void writes_go(struct queues *q)
{
    if (q->is_writing || q->writes == NULL || q->is_stopped)
        return;
    if (!are_to_be_said(q)) {
        if (q->late == NULL)
            q->late = timer_start(q->loop, WRITE_LATE_MS, 0, on_late, q);
        return;
    }
    timer_stop(q->late);
    q->late = NULL;
    q->is_writing = true;
    db_acquire(q->db, on_session, q);
}
