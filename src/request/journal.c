/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The journal of what needed no transaction of its own: reads, faults, repeats. An answer is held until its row is
 * committed and only then leaves, so that what a client has seen can always be shown again. In the order of time:
 *
 *   wait     step_journal(): the row is described (journal_entry.c) and queued, a session is asked for
 *   write    batch_begin(): the session is here; what waits goes into one batch and is sent
 *   answer   batch_done(): the batch is committed, its answers leave
 *
 * An idle daemon writes each row at once; under load those that come while a batch is on its way share the next one.
 * There is no queue that drops: what is held is bounded by the reads' tickets (reads.c) and by requests_max.
 *
 * What may go wrong: an answer whose time is over before its row was written is not sent, a fault that says "come
 * again" (any 503) goes in its place. When the journal cannot be written even then, that fault alone leaves before its
 * row, which refused.c keeps and writes when it can. A row the database refuses for itself is tried by itself, and then
 * its answer is replaced by a fault. A batch whose COMMIT was never answered is written again: a row may be there
 * twice.
 */
#include "request_private.h"

#include "clock.h"
#include "fault.h"
#include "log.h"

#define JOURNAL_BATCH       64
#define JOURNAL_BATCH_BYTES (1u << 20)
#define JOURNAL_BATCHES     2 /* in flight at once: one is made durable while the next one is sent */
#define JOURNAL_GRACE_MS    1000

struct journal_batch {
    struct live live;
    struct service *service;
    struct db_session *session;
    struct journal_batch *next, **link;     /* in the list of those in flight */
    struct request *members[JOURNAL_BATCH]; /* NULL: its time ran out on the way */
    unsigned n;
    bool has_answers; /* large ones, of members whose time ran out */
};

static void journal_pump(struct service *s);
static void batch_begin(void *arg, struct db_session *session, enum err err, const struct error *e);
static void batch_done(void *arg, struct db_result *const *results, unsigned n, enum err err, const struct error *e);
static void batch_failed(struct journal_batch *b, enum err err, const char *why);
static void journal_give_up_waiting(struct journal *j, enum err err, const char *why);

void journal_init(struct journal *j)
{
    *j = (struct journal){0};
    queue_init(&j->waiting);
}

/* ---- wait: a row in the queue, a session asked for ---- */

/* The answer is a fault that says "come again". */
static bool is_come_again(const struct request *r)
{
    return r->failed != ERR_OK && error_http_status(r->failed) == 503;
}

/* A failure, or an answer given before: the journal has what it says already, or it says nothing of the matter. */
static bool is_repeat_beyond(const struct request *r)
{
    bool is_repeat = r->failed != ERR_OK || r->outcome.kind == OUTCOME_REPLAY;
    return is_repeat && request_is_repeated_too_often(r);
}

static uint64_t come_again_until_us(const struct request *r)
{
    uint64_t until_us = clock_mono_us() + JOURNAL_GRACE_MS * 1000;
    return until_us < r->deadline_us ? until_us : r->deadline_us;
}

enum step_result step_journal(struct request *r)
{
    struct service *s = r->service;
    if (r->is_journalled)
        return STEP_NEXT;
    if (request_is_queued(r))
        return request_is_silent(r) ? STEP_NEXT : keep_journal(r);
    if (request_is_unverified(r) || is_repeat_beyond(r)) {
        refused_add(r);
        return STEP_NEXT;
    }
    reads_weigh(r);
    reads_start(s); /* it may have taken more than its answer is */
    journal_describe(r);
    if (request_has_signer(r))
        repeats_charge(s->repeats, r->message.digest, r->message.body.n + r->answer_octets.n, clock_mono_us());
    r->journal_until_us = is_come_again(r) ? come_again_until_us(r) : request_until_us(r);
    if (journal_waiting(s) == 0)
        s->journal.since_us = clock_mono_us();
    queue_push(&s->journal.waiting, r);
    journal_pump(s);
    return STEP_WAIT;
}

static void journal_pump(struct service *s)
{
    struct journal *j = &s->journal;
    unsigned most = s->conf->db_connections > JOURNAL_BATCHES ? JOURNAL_BATCHES : 1;
    if (j->is_paused || j->asked > 0 || j->waiting.head == NULL || j->in_flight >= most)
        return;
    j->asked++;
    db_acquire_first(s->db, batch_begin, s);
}

/* ---- write: a batch ---- */

static struct journal_batch *batch_new(struct service *s, struct db_session *session)
{
    struct arena *a = arena_new();
    struct journal_batch *b = arena_alloc(a, sizeof *b);
    live_begin(s, &b->live, a);
    b->service = s;
    b->session = session;
    b->next = s->journal.batches;
    b->link = &s->journal.batches;
    if (b->next != NULL)
        b->next->link = &b->next;
    s->journal.batches = b;
    s->journal.in_flight++;
    return b;
}

/* It lies in an arena of its own. What is sent of it is not copied: the arena must live until the row is written. */
static bool has_large_answer(const struct request *r)
{
    return r->answer_arena != NULL && r->answer_octets.p == r->answer.p;
}

static void batch_gather(struct journal_batch *b, struct db_call calls[JOURNAL_BATCH])
{
    struct request_queue *q = &b->service->journal.waiting;
    size_t bytes = 0;
    while (b->n < JOURNAL_BATCH && bytes < JOURNAL_BATCH_BYTES && q->head != NULL) {
        bool is_alone = q->head->is_journal_alone;
        if (is_alone && b->n > 0)
            return;
        struct request *r = queue_pop(q);
        bytes += r->body.n + r->answer_octets.n;
        b->members[b->n] = r;
        calls[b->n++] =
            booking_journal_exchange(&r->message, r->answer_octets, has_large_answer(r), r->journal_status, r->arena);
        if (is_alone)
            return;
    }
}

/* One warning when writing fails, and one notice when it goes again; what is between is the same news. */
static void journal_note(struct journal *j, enum err err, const struct error *e)
{
    if (err != ERR_OK && !j->is_failing)
        log_event(LOG_LEVEL_WARNING, "journal", "error", error_name(err), "detail", e->detail, NULL);
    if (err == ERR_OK && j->is_failing)
        log_event(LOG_LEVEL_NOTICE, "journal", "state", "written again", NULL);
    j->is_failing = err != ERR_OK;
}

static void batch_begin(void *arg, struct db_session *session, enum err err, const struct error *e)
{
    struct service *s = arg;
    struct journal *j = &s->journal;
    j->asked--;
    if (err != ERR_OK) {
        struct error reason = *e;
        journal_note(j, err, &reason);
        j->is_paused = true;
        if (err == ERR_DATABASE)
            journal_give_up_waiting(j, err, reason.detail);
        return;
    }
    if (j->waiting.head == NULL) {
        db_release(session);
        return;
    }
    struct journal_batch *b = batch_new(s, session);
    struct db_call calls[JOURNAL_BATCH];
    batch_gather(b, calls);
    /* One pipeline with one Sync is one implicit transaction; what is sent is copied, or kept, so that a member may go.
     */
    FAULT_POINT(read_journal_begin);
    db_send(session, calls, b->n, batch_done, b);
    FAULT_POINT(read_journal_sent);
    journal_pump(s);
}

/* ---- answer: the row is committed, it may leave ---- */

static void answer_written(struct request *r)
{
    r->is_journalled = true;
    request_resume(r, STEP_NEXT);
}

static void batch_written(struct journal_batch *b)
{
    FAULT_POINT(read_journalled);
    for (unsigned i = 0; i < b->n; i++)
        if (b->members[i] != NULL)
            answer_written(b->members[i]);
}

static void batch_done(void *arg, struct db_result *const *results, unsigned n, enum err err, const struct error *e)
{
    (void)results;
    (void)n;
    struct journal_batch *b = arg;
    struct service *s = b->service;
    struct error reason = *e;
    db_release(b->session);
    *b->link = b->next;
    if (b->next != NULL)
        b->next->link = b->link;
    s->journal.in_flight--;
    journal_note(&s->journal, err, &reason);
    if (err != ERR_OK)
        batch_failed(b, err, reason.detail);
    else
        batch_written(b);
    if (err == ERR_OK)
        s->journal.since_us = clock_mono_us();
    if (b->has_answers)
        live_end_away(s, &b->live);
    else
        live_end(&b->live);
    journal_pump(s);
}

/* ---- what may go wrong ---- */

/* A fault in place of the answer. Only what an unanswered COMMIT has done cannot be said to be undone (ERR_UNCERTAIN).
 */
static void answer_fail(struct request *r, enum err err, const char *why)
{
    r->error = (struct error){0};
    (void)error_set(&r->error, r->is_uncertain ? ERR_UNCERTAIN : err, "%s", why);
    r->answer_octets = (struct span){0};
    request_resume(r, STEP_FAIL);
}

/* The row could not be written in time: "come again" takes the place of the answer. It is to be journalled as well,
 * within JOURNAL_GRACE_MS; when that fails, it leaves before its row. */
static void answer_give_up(struct request *r, enum err err, const char *why)
{
    FAULT_POINT(journal_given_up);
    if (is_come_again(r)) {
        r->is_unwritten = true;
        r->service->metrics.journal_unwritten++;
        refused_add(r);
        answer_written(r);
        return;
    }
    answer_fail(r, err, why);
}

/* The database refuses this row and takes others. A fault in its place says that it is our mistake; if that is not
 * taken either, the connection is closed without an answer. */
static void answer_refused(struct request *r, const char *why)
{
    FAULT_POINT(journal_refused);
    if (is_come_again(r)) {
        answer_give_up(r, ERR_DATABASE, why);
        return;
    }
    r->service->metrics.journal_dropped++;
    log_bounded(LOG_LEVEL_ERROR, LOG_BURST, "journal-refused", error_name(ERR_INTERNAL), "req", r->id, "method",
                request_method(r), "reason", why, NULL);
    if (r->failed == ERR_INTERNAL) {
        r->answer_octets = (struct span){0};
        answer_written(r);
        return;
    }
    answer_fail(r, ERR_INTERNAL, arena_printf(r->arena, "the journal refuses it: %s", why));
}

/* There is no database: nobody is kept waiting for it. */
static void journal_give_up_waiting(struct journal *j, enum err err, const char *why)
{
    for (unsigned todo = j->waiting.n; todo > 0; todo--)
        answer_give_up(queue_pop(&j->waiting), err, why);
}

static bool is_entry_at_fault(enum err err)
{
    return err == ERR_INTERNAL; /* else it is the database that is not there */
}

static void batch_failed(struct journal_batch *b, enum err err, const char *why)
{
    struct journal *j = &b->service->journal;
    FAULT_POINT(journal_failed);
    if (is_entry_at_fault(err) && b->n == 1) {
        if (b->members[0] != NULL)
            answer_refused(b->members[0], why);
        return;
    }
    for (unsigned i = b->n; i-- > 0;) {
        struct request *r = b->members[i];
        if (r == NULL)
            continue;
        r->is_journal_alone |= is_entry_at_fault(err);
        queue_push_front(&j->waiting, r);
    }
    j->is_paused = !is_entry_at_fault(err);
}

/* ---- time ---- */

#define TOO_LATE "its answer could not be journalled in time"

static void journal_expire_waiting(struct journal *j, uint64_t now_us)
{
    for (unsigned todo = j->waiting.n; todo > 0; todo--) {
        struct request *r = queue_pop(&j->waiting);
        if (r->journal_until_us > now_us)
            queue_push(&j->waiting, r);
        else
            answer_give_up(r, ERR_TIMEOUT, TOO_LATE);
    }
}

static void answer_free(void *arena)
{
    arena_free(arena);
}

/* The thread that sends the batch may still be reading it (db/bulk.c): the batch takes it over. */
static void batch_keep_answer(struct journal_batch *b, struct request *r)
{
    if (!has_large_answer(r))
        return;
    arena_defer(b->live.arena, answer_free, r->answer_arena);
    r->answer_arena = NULL;
    b->has_answers = true;
}

static void journal_expire_sent(struct journal *j, uint64_t now_us)
{
    for (struct journal_batch *b = j->batches; b != NULL; b = b->next)
        for (unsigned i = 0; i < b->n; i++) {
            struct request *r = b->members[i];
            if (r == NULL || r->journal_until_us > now_us)
                continue;
            b->members[i] = NULL;
            batch_keep_answer(b, r);
            answer_give_up(r, ERR_TIMEOUT, TOO_LATE);
        }
}

void journal_tick(struct service *s)
{
    struct journal *j = &s->journal;
    uint64_t now_us = clock_mono_us();
    j->is_paused = false;
    journal_watch(s);
    journal_expire_waiting(j, now_us);
    journal_expire_sent(j, now_us);
    journal_pump(s);
}

unsigned journal_waiting(const struct service *s)
{
    unsigned n = s->journal.waiting.n;
    for (const struct journal_batch *b = s->journal.batches; b != NULL; b = b->next)
        n += b->n;
    return n;
}
