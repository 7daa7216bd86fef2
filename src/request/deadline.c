/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * A request's time, and its client. The deadline travels with the request and is asked before each wait, each try and
 * COMMIT; whoever waits is looked at again with every tick of the service.
 */
#include "request_private.h"

#define RESERVE_MAX_US 1000000

/* What is kept of the time for making, signing and sending the answer: all of it, and for a COMMIT on its way a half.
 */
static uint64_t reserve_us(const struct request *r)
{
    uint64_t quarter_us = r->service->conf->request_timeout_ms * 1000 / 4;
    return quarter_us < RESERVE_MAX_US ? quarter_us : RESERVE_MAX_US;
}

uint64_t request_until_us(const struct request *r)
{
    return r->deadline_us - reserve_us(r);
}

uint64_t request_commit_until_us(const struct request *r)
{
    return r->deadline_us - reserve_us(r) / 2;
}

enum err request_is_over(const struct request *r, struct error *e)
{
    if (clock_mono_us() >= request_until_us(r))
        return error_set(e, ERR_TIMEOUT, "its time was over before anything could be done");
    if (r->source->origin->carrier->is_gone(r))
        return error_set(e, ERR_GONE, "the client has hung up; nothing was done");
    return ERR_OK;
}

void request_give_up(struct request *r, enum err err, const struct error *e)
{
    slow_lane_failed(r);
    (void)error_set(&r->error, r->is_uncertain ? ERR_UNCERTAIN : err, "%s", e->detail);
    r->step = STEP_handle;
    request_resume(r, STEP_FAIL);
}

void request_start_again(struct request *r)
{
    if (request_writes(r))
        group_enqueue_first(r);
    else
        reads_enqueue_first(r);
}

void requests_sweep(struct request_queue *q, uint64_t queued_since_us)
{
    for (unsigned todo = q->n; todo > 0; todo--) {
        struct request *r = queue_pop(q);
        struct error e = {0};
        enum err err = request_is_over(r, &e);
        if (err == ERR_OK && r->queued_us < queued_since_us)
            err = error_set(&e, ERR_BUSY, "no free database connection in time, %u wait", q->n + 1);
        if (err == ERR_OK)
            queue_push(q, r);
        else
            request_give_up(r, err, &e);
    }
}
