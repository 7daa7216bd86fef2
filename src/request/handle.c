/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The steps that wait for the database: handle and journal. A write goes through a group (group.c), a transaction it
 * may share; a read takes a session for its one statement, and its journal entry follows in a batch (journal.c). When
 * the journal cannot keep up with the reads, they queue here instead of its memory growing. Either waits for a lock
 * only a moment here, and in the slow lane (slow_lane.c) until its time is over.
 */
#include "request_priv.h"

#include "clock.h"
#include "fault.h"

/* The fields known to be bad are the answer; rows only add to them, and need not have come. */
static void read_answer_bad_fields(struct request *r, const struct db_result *res)
{
    struct error ignored = {0};
    if (res != NULL)
        (void)r->op->result(&r->request, res, &r->reply, r->arena, &ignored);
    struct field_errors all = r->reply.fields.n > r->fields.n ? r->reply.fields : r->fields;
    booking_reply_error(&r->request, 2, NULL, &all, &r->reply);
}

/* A read is never uncertain: nothing depends on whether it was done. */
static enum step_result read_answer(struct request *r, const struct db_result *res, enum err err, const struct error *e)
{
    if (r->fields.n > 0)
        read_answer_bad_fields(r, res);
    else if (res != NULL)
        (void)r->op->result(&r->request, res, &r->reply, r->arena, &r->error);
    else
        (void)error_set(&r->error, err == ERR_UNCERTAIN ? ERR_DATABASE : err, "%s", e->detail);
    r->normalized.used[LENIENCY_names] += r->reply.is_respelled;
    return r->error.code == ERR_OK ? STEP_NEXT : STEP_FAIL;
}

static void read_done(void *arg, struct db_result *const *results, unsigned n, enum err err, const struct error *e)
{
    struct request *r = arg;
    bool is_locked = err == ERR_LOCKED && r->fields.n == 0;
    enum step_result result =
        is_locked ? STEP_WAIT : read_answer(r, err == ERR_OK && n == 1 ? results[0] : NULL, err, e);
    db_release(r->session);
    r->session = NULL;
    if (is_locked) {
        slow_lane_locked(r, r->patience_ms);
        return;
    }
    if (err == ERR_OK)
        slow_lane_passed(r);
    else
        slow_lane_failed(r);
    request_resume(r, result);
}

void read_try(struct request *r, struct db_session *session, uint64_t patience_ms)
{
    r->session = session;
    r->patience_ms = patience_ms;
    struct db_call call = r->op->call(&r->request, &r->message, &r->fields, r->arena);
    db_send_within(session, (struct db_patience){patience_ms, request_until_us(r)}, &call, 1, read_done, r);
}

static void read_begin(void *arg, struct db_session *session, enum err err, const struct error *e)
{
    struct request *r = arg;
    if (err == ERR_OK) {
        read_try(r, session, slow_lane_fast_patience_ms(r->service));
        return;
    }
    slow_lane_failed(r);
    request_resume(r, read_answer(r, NULL, err, e));
}

void read_start(struct request *r)
{
    db_acquire_until(r->service->db, request_until_us(r), read_begin, r);
}

static void handle_message(struct request *r)
{
    struct booking_message *m = &r->message;
    m->listener = r->endpoint->conf->name;
    m->channel = r->endpoint->conf->channel;
    if (m->channel == NULL)
        m->channel = r->endpoint->conf->kind == LISTENER_SMEV2 ? "portal" : "kiosk";
    m->peer = r->peer;
    m->received_us = clock_wall_us() - (int64_t)(clock_mono_us() - r->started_us);
    m->slots_max = r->service->conf->slots_max;
    m->ref_items_max = r->service->conf->ref_items_max;
    m->body = r->body;
}

enum step_result step_handle(struct request *r)
{
    handle_message(r);
    if (request_is_over(r, &r->error) != ERR_OK)
        return STEP_FAIL;
    r->reply.fields = r->fields;
    if (slow_lane_keeps(r))
        return STEP_WAIT;
    if (r->op->is_write)
        group_enqueue(r);
    else if (journal_is_behind(r->service) || r->service->reads.head != NULL)
        queue_push(&r->service->reads, r);
    else
        read_start(r);
    return STEP_WAIT;
}

void reads_release(struct service *s)
{
    while (s->reads.head != NULL && !journal_is_behind(s)) {
        struct request *r = queue_pop(&s->reads);
        if (!slow_lane_keeps(r))
            read_start(r);
    }
}

enum step_result step_journal(struct request *r)
{
    if (r->group == NULL)
        return STEP_NEXT; /* step_send hands it to the batch */
    group_member_ready(r);
    return STEP_WAIT;
}
