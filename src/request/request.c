/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The life of one message. REQUEST_STEPS in request_private.h is the whole story; this file walks it.
 *
 * Steps marked WORKER run one after the other on a worker thread, in one hop; steps marked LOOP run on the loop. A step
 * goes on, waits (and is resumed from the loop), or fails. A failure is an ordinary answer: the walk goes on at
 * `reply`, which writes the fault, and signing, journalling and sending do not change.
 */
#include "request_private.h"

#include "clock.h"

#define FREE_AWAY_BYTES ((size_t)4 << 20)

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

/* A step that fails at or after `reply` has no better answer to give than the one it failed to make. */
static void request_fail(struct request *r)
{
    r->failed =
        r->error.code == ERR_OK ? error_set(&r->error, ERR_INTERNAL, "step failed without a reason") : r->error.code;
    r->step = STEP_reply;
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

static void request_walk(struct request *r)
{
    unsigned failures = 0;
    while (r->step < STEP_COUNT && steps[r->step].place == WORKER) {
        enum step_result result = steps[r->step].run(r);
        if (result == STEP_FAIL && ++failures > 2) {
            r->step = STEP_commit; /* not even a fault could be written: the connection is closed without one */
            r->answer_octets = (struct span){0};
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
            r->origin->carrier->work(r, request_work, request_worked);
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
    r->origin->carrier->abandon(r);
    arena_free(r->answer_arena);
    keyring_unref(r->keys);
}

static void arena_free_work(void *arg)
{
    arena_free(arg);
}

void live_end_away(struct service *s, struct live *l)
{
    struct arena *a = l->arena;
    live_leave(l);
    worker_run(s->loop, arena_free_work, NULL, a);
}

/* Wiping and giving back what a large answer took is a worker's work, too. */
void request_free(struct request *r)
{
    struct arena *a = r->arena;
    reads_give_back(r);
    if (arena_size(a) < FREE_AWAY_BYTES) {
        live_end(&r->live);
        return;
    }
    arena_run_deferred(a, request_cleanup); /* connection and keyring are the loop's */
    live_end_away(r->service, &r->live);
}

struct request *request_new(const struct endpoint *ep, struct span body, const char *peer)
{
    struct service *s = ep->service;
    struct arena *a = arena_new();
    struct request *r = arena_alloc(a, sizeof *r);
    r->arena = a;
    live_begin(s, &r->live, a);
    arena_defer(a, request_cleanup, r);
    r->service = s;
    r->endpoint = ep;
    r->origin = origin_of(ep->conf->kind);
    r->message.channel = ep->conf->channel != NULL ? ep->conf->channel : r->origin->channel;
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
