/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The life of one message. REQUEST_STEPS in request_private.h is the whole story; this file walks it.
 *
 * Steps marked WORKER run one after the other on a worker thread, in one hop; steps marked LOOP run on the loop. A step
 * goes on, waits (and is resumed from the loop), or fails. A failure is an ordinary answer: the walk goes on at
 * `reply`, which writes the fault, and signing, journalling and sending do not change. Where nobody waits (a queue), a
 * failure of ours is told to nobody: it goes on at `commit`, which gives up what stands, and leaves without an answer.
 */
#include "request_private.h"

#include "clock.h"

#include <malloc.h>

#define FREE_AWAY_BYTES ((size_t)4 << 20)
#define TRIM_BYTES      ((size_t)256 << 10)

enum step_place { WORKER, LOOP };

static const struct {
    const char *name;
    enum step_place place;
    enum step_result (*run)(struct request *r);
} steps[] = {
#define X(name, where) {#name, where, step_##name},
    REQUEST_STEPS(X)
#undef X
};

static void request_run(struct request *r);

bool request_is_silent(const struct request *r)
{
    enum queue_verdict verdict = error_queue(r->failed);
    return request_is_queued(r) && verdict != QUEUE_ANSWER && !queue_rejects(verdict);
}

/* A step that fails at or after `reply` has no better answer to give than the one it failed to make. */
static void request_fail(struct request *r)
{
    r->failed =
        r->error.code == ERR_OK ? error_set(&r->error, ERR_INTERNAL, "step failed without a reason") : r->error.code;
    r->step = request_is_silent(r) ? STEP_commit : STEP_reply;
}

static void request_advance(struct request *r, enum step_result result)
{
    if (result == STEP_NEXT)
        r->step++;
    else if (result == STEP_RECALL)
        r->step = STEP_handle;
    else if (result == STEP_ANSWERED)
        r->step = STEP_reply;
    else
        request_fail(r);
}

/* Not even a fault could be written: the connection is closed without one; in a queue the message is tried again. */
static void request_give_no_answer(struct request *r)
{
    r->step = STEP_commit;
    r->answer_octets = (struct span){0};
    if (!request_is_queued(r))
        return;
    r->error = (struct error){0};
    r->failed = error_set(&r->error, ERR_INTERNAL, "no answer can be written and signed");
}

static void request_walk(struct request *r)
{
    unsigned failures = 0;
    while (r->step < STEP_COUNT && steps[r->step].place == WORKER) {
        enum step_result result = steps[r->step].run(r);
        if (result == STEP_FAIL && ++failures > 2) {
            request_give_no_answer(r);
            return;
        }
        request_advance(r, result);
    }
}

/*
 * Between two hops a request may wait, and many may: what it has of the message then is its values. Its documents, many
 * times as large as what came and perhaps for the most part nobody's, live as long as one worker has it in hand (L3).
 */
static void request_work(void *arg)
{
    struct request *r = arg;
    request_walk(r);
    xml_docs_free(r->arena);
    r->doc = r->bare = NULL;
    r->soap_body = NULL;
}

static void request_worked(void *arg)
{
    struct request *r = arg;
    if (!r->service->is_stopped)
        request_run(r);
}

static void request_run(struct request *r)
{
    while (r->step < STEP_COUNT) {
        if (steps[r->step].place == WORKER) {
            r->source->origin->carrier->work(r, request_work, request_worked);
            return;
        }
        enum request_step at = r->step;
        enum step_result result = steps[at].run(r);
        if (result == STEP_WAIT || at == STEP_send)
            return; /* waits for request_resume(); or has been sent, and is gone */
        request_advance(r, result);
    }
}

void request_resume(struct request *r, enum step_result result)
{
    request_advance(r, result);
    request_run(r);
}

const char *request_method(const struct request *r)
{
    return r->op != NULL ? r->op->name : "-";
}

static void request_cleanup(void *arg)
{
    struct request *r = arg;
    r->source->origin->carrier->abandon(r);
    arena_free(r->answer_arena);
    keyring_unref(r->keys);
}

static void arena_free_work(void *arg)
{
    arena_free(arg);
}

/* A document is small pieces, which malloc() would keep; of those that came by HTTP the ledger sees to it. */
static void arena_free_heavy(void *arg)
{
    arena_free(arg);
    (void)malloc_trim(0);
}

static void end_away(struct service *s, struct live *l, loop_fn work)
{
    struct arena *a = l->arena;
    live_leave(l);
    worker_run(s->loop, work, NULL, a);
}

void live_end_away(struct service *s, struct live *l)
{
    end_away(s, l, arena_free_work);
}

/* Wiping and giving back what a large answer took is a worker's work, too. */
void request_free(struct request *r)
{
    struct arena *a = r->arena;
    bool is_heavy = request_is_queued(r) && r->body.n > TRIM_BYTES;
    reads_give_back(r);
    if (arena_size(a) < FREE_AWAY_BYTES && !is_heavy) {
        live_end(&r->live);
        return;
    }
    arena_run_deferred(a, request_cleanup); /* connection and keyring are the loop's */
    end_away(r->service, &r->live, is_heavy ? arena_free_heavy : arena_free_work);
}

struct request *request_new(struct service *s, const struct source *source, struct span body, const char *peer)
{
    struct arena *a = arena_new();
    struct request *r = arena_alloc(a, sizeof *r);
    r->arena = a;
    live_begin(s, &r->live, a);
    arena_defer(a, request_cleanup, r);
    r->service = s;
    r->source = source;
    r->message.channel = source->channel;
    r->keys = s->keys;
    r->keys->refs++;
    r->started_us = clock_mono_us();
    r->deadline_us = r->started_us + s->conf->request_timeout_ms * 1000;
    r->body = body;
    r->peer = arena_strdup(a, peer);
    r->fields.arena = a;
    uuid_v4(r->id);
    return r;
}

void request_begin(struct request *r)
{
    r->service->in_work++;
    request_run(r);
}
