/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * What came out of a queue of answers is written down, in one transaction with the exchange it came by, and then
 * acknowledged: killed in between, SMEV brings it again, and it has no second effect. What cannot be written down is
 * not acknowledged. What was not SMEV's is written down apart, so many a day whole; what SMEV said to an Ack, too.
 */
#include "push_private.h"

#include "clock.h"
#include "fault.h"
#include "log.h"

#include <inttypes.h>
#include <string.h>

#define PATIENCE_MS 10000
#define LOCK_MS     250                       /* of a row nobody waits for: for a table */
#define LOCKED_US   2000000                   /* somebody has its row at a console: the others go on meanwhile */
#define MOMENT_US   100000                    /* the first time it may be a taker of ours */
#define OF_USE_US   ((uint64_t)600 * 1000000) /* SMEV brings it again after 15 minutes */

/* ---- the line ---- */

static void said_drop(struct push_poll *q)
{
    q->source->nsaids -= q->write != PUSH_WRITE_ACK;
    push_poll_end(q);
}

static void line_add(struct push_poll *q)
{
    struct push *p = q->push;
    q->next_waiting = NULL;
    *p->last_said = q;
    p->last_said = &q->next_waiting;
}

/* Who may be a stranger fills no disk. */
static bool has_room(struct push_source *s, const struct adapter_call *c)
{
    if (adapter_day_takes(&s->refused, c))
        return true;
    if (s->refused.beyond == 1)
        log_event(LOG_LEVEL_ERROR, "push-refused", "queue", s->name, "trouble",
                  "more than is kept of a day: what comes is only counted", NULL);
    return false;
}

void push_said_add(struct push_poll *q)
{
    q->source->nsaids += q->write != PUSH_WRITE_ACK; /* those are as few as what was written down before */
    q->heard_us = clock_mono_us();
    q->is_whole = q->write == PUSH_WRITE_REFUSED && has_room(q->source, q->call);
    if (q->write == PUSH_WRITE_REFUSED && !q->is_whole && !push_said_is_noted(q))
        said_drop(q);
    else
        line_add(q);
}

bool push_saids_wait(const struct push *p)
{
    for (const struct push_poll *q = p->saids; q != NULL; q = q->next_waiting)
        if (clock_mono_us() >= q->due_us)
            return true;
    return false;
}

/* ---- what comes back ---- */

static const char *const said_names[] = {
#define X(name) #name,
    PUSH_SAIDS(X)
#undef X
};

static enum push_said_kind kind_of(const struct db_result *res)
{
    const char *text = db_rows(res) == 1 ? db_text(res, 0, 0) : NULL;
    for (unsigned i = 0; text != NULL && i < PUSH_SAID_COUNT; i++)
        if (strcmp(text, said_names[i]) == 0)
            return i;
    return PUSH_SAID_unclear;
}

static void pace(struct push_poll *q, enum push_said_kind kind)
{
    bool has_effect =
        kind == PUSH_SAID_answered || kind == PUSH_SAID_stopped || kind == PUSH_SAID_afresh || kind == PUSH_SAID_parked;
    if (q->call->op != SMEV3_GET_RESPONSE)
        return;
    if (has_effect)
        adapter_pace_new(q->pace);
    else
        adapter_pace_known(q->pace, q->call, q->said.answer_id, q->call->response.metadata.delivered);
}

/* Not SMEV's own (AsyncProcessingStatus): that says nothing of the portal. */
static bool is_of_portal(const struct adapter_call *c)
{
    return c->reply.kind == SMEV3_RESPONSE && (c->response.kind == SMEV3_CONTENT || c->response.kind == SMEV3_REJECTED);
}

/* An answer to nothing of ours may be another program's: SMEV is to bring it again, to whoever asks. */
static bool is_left(const struct push_poll *q, enum push_said_kind kind)
{
    return kind == PUSH_SAID_unknown && q->call->op == SMEV3_GET_RESPONSE;
}

static void said_kept(struct push_poll *q, enum push_said_kind kind)
{
    struct push_lane *l = push_lane(q->push, q->source->agency);
    FAULT_POINT(push_said_kept);
    l->saids[kind]++;
    q->source->is_trust_told = q->source->is_trust_told || q->call->op == SMEV3_GET_RESPONSE;
    if ((kind == PUSH_SAID_answered || kind == PUSH_SAID_stopped) && is_of_portal(q->call))
        push_lane_well(l);
    if (kind == PUSH_SAID_afresh)
        push_lane_ill(l, q->said.reason);
    if (kind == PUSH_SAID_answered)
        l->take_us = 0; /* the next of its booking may be due */
    push_tell_said(q, kind);
    pace(q, kind);
    const struct config_smev3 *conf = push_queue_conf(service_keyring(q->push->service), q->source->name);
    if (conf != NULL && strcmp(conf->agency, q->source->agency) == 0 && q->said.ack_id != NULL && !is_left(q, kind))
        push_ack_begin(q->push, q->source, conf, q->said.ack_id);
}

/* No connection, no time: of none of them. Otherwise one of them is at fault. */
static bool is_of_one(enum err err)
{
    return err == ERR_INTERNAL || err == ERR_CONFLICT || err == ERR_LOCKED;
}

/* Again with the others, or by itself; what is of no use any more SMEV brings again. */
static void batch_again(struct push *p, enum err err)
{
    for (unsigned i = 0; i < p->nsaid_batch; i++) {
        struct push_poll *q = p->said_batch[i];
        bool is_hopeless = q->is_alone && is_of_one(err) && err != ERR_LOCKED;
        if (q->is_alone && err == ERR_LOCKED)
            q->due_us = clock_mono_us() + (q->due_us == 0 ? MOMENT_US : LOCKED_US);
        q->is_alone = q->is_alone || is_of_one(err);
        if (!is_hopeless && clock_mono_us() - q->heard_us < OF_USE_US) {
            line_add(q);
            continue;
        }
        if (q->is_taken)
            q->source->is_status_told = false;
        if (q->write == PUSH_WRITE_ANSWER) {
            push_source_set_fault(q->source, "DATABASE", NULL);
            adapter_pace_unkept(q->pace, q->call);
        }
        said_drop(q);
    }
    p->nsaid_batch = 0;
}

static void on_written(void *arg, struct db_result *const *results, unsigned n, enum err err, const struct error *e)
{
    struct push *p = arg;
    (void)n;
    if (err != ERR_OK) {
        batch_again(p, err);
        push_store_failed(p, "answers", err, e);
        if (is_of_one(err))
            p->retry_us = 0; /* of nobody else's */
        push_go(p);
        return;
    }
    unsigned nsaids = p->nsaid_batch;
    p->nsaid_batch = 0;
    enum push_said_kind kinds[PUSH_SAID_BATCH];
    for (unsigned i = 0; i < nsaids; i++)
        kinds[i] =
            p->said_batch[i]->write == PUSH_WRITE_ANSWER ? kind_of(results[p->said_batch[i]->at]) : PUSH_SAID_unclear;
    push_store_good(p);
    for (unsigned i = 0; i < nsaids; i++) {
        struct push_poll *q = p->said_batch[i];
        if (q->write == PUSH_WRITE_ANSWER)
            said_kept(q, kinds[i]);
        said_drop(q);
    }
    push_go(p);
}

/* Those that are due; one that failed among others goes by itself. */
static void batch_fill(struct push *p)
{
    struct push_poll *rest = p->saids;
    bool is_full = false;
    p->saids = NULL;
    p->last_said = &p->saids;
    while (rest != NULL) {
        struct push_poll *q = rest;
        rest = q->next_waiting;
        bool is_due = clock_mono_us() >= q->due_us && (!q->is_alone || p->nsaid_batch == 0);
        if (is_full || !is_due) {
            line_add(q);
            continue;
        }
        p->said_batch[p->nsaid_batch++] = q;
        is_full = q->is_alone || p->nsaid_batch == PUSH_SAID_BATCH;
    }
}

void push_saids_send(struct push *p)
{
    struct arena *a = arena_new();
    struct db_call calls[PUSH_SAID_BATCH * PUSH_SAID_CALLS];
    unsigned ncalls = 0;
    batch_fill(p);
    for (unsigned i = 0; i < p->nsaid_batch; i++) {
        p->said_batch[i]->at = ncalls;
        ncalls += push_said_write(a, p->said_batch[i], &calls[ncalls]);
    }
    FAULT_POINT(push_said_begin);
    db_send_within(p->session,
                   (struct db_patience){.lock_ms = LOCK_MS, .until_us = clock_mono_us() + PATIENCE_MS * 1000}, calls,
                   ncalls, on_written, p);
    FAULT_POINT(push_said_sent);
    arena_free(a);
}
