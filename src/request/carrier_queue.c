/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Messages of queues: taken from the inbox, answered into it. Nobody waits for them; what they must not do is to wait
 * for each other or for who calls over HTTP, so they are counted for themselves, and each has the time of one request,
 * after which it is given back to be tried again.
 */
#include "request_private.h"

/* ---- in ---- */

#define ROOM_PART 4 /* of requests_max */

static unsigned queue_most(const struct service *s)
{
    return s->conf->requests_max > ROOM_PART ? s->conf->requests_max / ROOM_PART : 1;
}

unsigned request_queue_room(const struct service *s)
{
    unsigned most = queue_most(s);
    return s->drained != NULL || s->queued_in_work >= most ? 0 : most - s->queued_in_work;
}

enum err request_on_queue(struct service *s, const struct source *source, const struct queue_message *m,
                          queue_done_fn fn, void *arg, struct error *e)
{
    if (request_queue_room(s) == 0)
        return error_set(e, ERR_BUSY, "%u messages of queues are in work", s->queued_in_work);
    struct request *r = request_new(s, source, m->octets, "");
    r->queued = arena_alloc(r->arena, sizeof *r->queued);
    *r->queued = (struct queued){.message = *m, .done = fn, .arg = arg};
    r->message.by_id = true;
    s->queued_in_work++;
    request_begin(r);
    return ERR_OK;
}

/* ---- and out ---- */

/* A queue is one peer among those who call over HTTP, however many of its messages are in work. */
static void queue_work(struct request *r, loop_fn work, loop_fn done)
{
    worker_run_in_turn(r->service->loop, r->source->name, work, done, r);
}

static bool queue_is_gone(const struct request *r)
{
    (void)r;
    return false;
}

static void queue_send(struct request *r)
{
    struct queued *q = r->queued;
    queue_done_fn done = q->done;
    struct queue_outcome outcome = {.verdict = error_queue(r->failed),
                                    .reason = r->failed != ERR_OK ? error_name(r->failed) : NULL};
    if (r->is_journalled) {
        outcome.answer_id = q->answer_id;
        outcome.answer = r->answer_octets;
    } else if (outcome.verdict != QUEUE_PARK) {
        outcome.verdict = QUEUE_AGAIN; /* nothing was kept, whatever it would have been */
    }
    r->service->queued_in_work--;
    q->done = NULL;
    done(q->arg, &outcome);
}

/* It stays in the inbox, and whoever has it next finds it there. */
static void queue_abandon(struct request *r)
{
    (void)r;
}

const struct carrier carrier_queue = {
    .is_queue = true, .work = queue_work, .is_gone = queue_is_gone, .send = queue_send, .abandon = queue_abandon};
