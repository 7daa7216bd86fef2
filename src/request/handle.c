/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The steps that wait for the database: handle and commit. A write goes through a group (group.c), a transaction it
 * may share; a read takes a session for its one statement when there is memory for its rows (reads.c). Either waits for
 * a lock only a moment here, and in the slow lane (slow_lane.c) until its time is over.
 */
#include "request_private.h"

#include "clock.h"

static void handle_message(struct request *r)
{
    struct booking_message *m = &r->message;
    m->listener = r->source->name;
    m->peer = r->peer;
    m->received_us = clock_wall_us() - (int64_t)(clock_mono_us() - r->started_us);
    m->slots_max = r->service->conf->slots_max;
    m->ref_items_max = r->service->conf->ref_items_max;
    m->body = r->body;
}

enum err request_cannot_sign(struct request *r)
{
    return error_set(&r->error, ERR_AGENCY, "agency %s cannot sign: its key or certificate is of no use now",
                     r->agency->code);
}

enum step_result step_handle(struct request *r)
{
    handle_message(r);
    if (request_is_over(r, &r->error) != ERR_OK)
        return STEP_FAIL;
    r->reply.fields = r->fields;
    /* A write's repeat gets the bytes of the first time whatever it costs; a read's would make new ones. */
    if (!r->op->is_write && request_is_repeated_too_often(r)) {
        (void)error_set(&r->error, ERR_BUSY, "this very message was sent too often within the hour");
        return STEP_FAIL;
    }
    if (slow_lane_keeps(r))
        return STEP_WAIT;
    if (request_writes(r))
        group_enqueue(r);
    else
        reads_enqueue(r);
    return STEP_WAIT;
}

enum step_result step_commit(struct request *r)
{
    if (r->group == NULL)
        return STEP_NEXT;
    group_member_ready(r);
    return STEP_WAIT;
}
