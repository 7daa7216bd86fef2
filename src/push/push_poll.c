/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Questions to a queue of SMEV 3 (adapter.h): GetResponse for what the portal has answered, GetStatus for errors of
 * notifications. What SMEV has not signed, or nobody can read, is no answer: it is told and kept apart, and not
 * acknowledged, so that SMEV has it still when the trouble is over; that it is not to come again is a person's decision
 * (docs/decisions/0339).
 */
#include "push_private.h"

#include "clock.h"
#include "fault.h"

#include <stdio.h>
#include <string.h>

#define STATUS_AGAIN_US 60000000u            /* after silence */
#define UNTRUSTED_US    UINT64_C(1200000000) /* SMEV delivers again after 15 minutes */

/* On a worker. */
static void understand(struct adapter_call *c)
{
    struct push_poll *q = c->arg;
    bool is_portals = c->response.kind == SMEV3_CONTENT || c->response.kind == SMEV3_REJECTED;
    if (c->reply.kind == SMEV3_RESPONSE) {
        push_said_read(c->arena, &c->response, &q->said);
        if (is_portals && c->conf->require_sender_signature && strcmp(c->sender_word, ADAPTER_GOOD) != 0)
            push_said_distrust(c->arena, c->sender_word, &q->said);
    } else {
        q->said = (struct push_said){.outcome = "unclear",
                                     .original_id = c->async.original_id,
                                     .answer_id = c->async.original_id,
                                     .ack_id = c->async.original_id,
                                     .reason = "an error of a notification"};
    }
}

struct push_poll *push_poll_new(struct push *p, struct push_source *s, const struct config_smev3 *conf,
                                enum smev3_op op, adapter_fn done)
{
    struct adapter_call *c = adapter_call_new(p->adapter, conf, &s->peer, op, done);
    struct push_poll *q = arena_alloc(c->arena, sizeof *q);
    *q = (struct push_poll){.push = p, .source = s, .call = c, .pace = &s->pace};
    c->arg = q;
    return q;
}

void push_poll_end(struct push_poll *q)
{
    adapter_call_free(q->call);
}

/* ---- questions ---- */

/* It is asked rarely: what is the matter is told at once, and until it is asked again. Silence says nothing of it. */
static void status_told(struct push_poll *q, enum adapter_result result, bool is_answered)
{
    struct push_source *s = q->source;
    const char *fault = is_answered ? "" : adapter_call_word(q->call);
    if (result == ADAPTER_RESULT_NOTHING) {
        push_source_ask_status(s, STATUS_AGAIN_US);
        return;
    }
    q->is_taken = is_answered && !s->is_status_told;
    s->is_status_told = is_answered;
    if (strcmp(s->status_fault, fault) == 0)
        return;
    (void)snprintf(s->status_fault, sizeof s->status_fault, "%s", fault);
    push_tell_operation(s, "GetStatus", s->status_fault);
}

/* SMEV gives answers again: what it says of the rest may be another, too, and whoever else waits asks it. */
static void told_again(struct push_poll *q)
{
    struct push *p = q->push;
    if (q->source->status_fault[0] != '\0')
        push_source_ask_status(q->source, 0);
    if (p->on_heard != NULL)
        p->on_heard(p->heard_arg, q->source->name);
}

/*
 * An empty answer is signed by nobody: what was not SMEV's is the queue's trouble until an answer is, or until it would
 * have come again.
 */
static void fault_told(struct push_source *s, const struct adapter_call *c, enum adapter_result result)
{
    bool is_answered = result == ADAPTER_RESULT_MESSAGE || result == ADAPTER_RESULT_EMPTY;
    if (result == ADAPTER_RESULT_MESSAGE || clock_mono_us() - s->untrusted_us > UNTRUSTED_US)
        s->untrusted_us = 0;
    if (result == ADAPTER_RESULT_UNTRUSTED && adapter_is_by_stranger(c)) {
        s->untrusted_us = clock_mono_us();
        (void)snprintf(s->untrusted, sizeof s->untrusted, "%s", adapter_call_word(c));
    }
    if (result != ADAPTER_RESULT_EMPTY || s->untrusted_us == 0)
        push_source_set_fault(s, is_answered ? NULL : adapter_call_word(c), c->error.detail);
    else if (strcmp(s->fault, s->untrusted) != 0)
        push_source_set_fault(s, s->untrusted, NULL);
}

static void pace(struct push_poll *q, enum adapter_result result)
{
    struct push_source *s = q->source;
    bool is_answered = result == ADAPTER_RESULT_MESSAGE || result == ADAPTER_RESULT_EMPTY;
    if (q->pace == &s->slow) {
        push_source_slow_heard(s, q->call, result);
        return;
    }
    if (q->call->op != SMEV3_GET_RESPONSE) {
        status_told(q, result, is_answered);
        return;
    }
    s->is_trust_told = s->is_trust_told && result != ADAPTER_RESULT_UNTRUSTED;
    if (q->pace == &s->strays) {
        s->stray_turn += result != ADAPTER_RESULT_MESSAGE;
        (void)snprintf(s->stray_fault, sizeof s->stray_fault, "%s", is_answered ? "" : adapter_call_word(q->call));
    } else {
        bool was_ill = s->fault[0] != '\0';
        fault_told(s, q->call, result);
        if (was_ill && s->fault[0] == '\0')
            told_again(q);
    }
    if (result == ADAPTER_RESULT_MESSAGE) {
        adapter_pace_gave(q->pace, q->call);
    } else if (result == ADAPTER_RESULT_EMPTY) {
        q->pace->faults = 0;
        adapter_pace_empty(q->pace, q->call->conf);
        adapter_pace_rest(q->pace, q->call->conf, 1);
    } else {
        adapter_pace_failed(q->pace, q->call);
    }
}

static void poll_done(struct adapter_call *c)
{
    struct push_poll *q = c->arg;
    struct push *p = q->push;
    enum adapter_result result = adapter_result_of(c);
    bool is_message = result == ADAPTER_RESULT_MESSAGE;
    if (q->pace == &q->source->slow)
        q->source->nslow--;
    else if (c->op == SMEV3_GET_STATUS)
        q->source->is_asked_status = false;
    else
        q->source->npolls--;
    q->source->nstrays -= q->pace == &q->source->strays;
    q->source->polls[result]++;
    if (is_message)
        FAULT_POINT(push_said_given);
    pace(q, result);
    bool is_none = !is_message && result != ADAPTER_RESULT_EMPTY, is_refused = is_none && c->answered.n > 0;
    bool is_unheard = is_none && !is_refused && adapter_call_has_left(c) && adapter_day_takes(&q->source->unheard, c);
    q->write = is_refused   ? PUSH_WRITE_REFUSED
               : is_unheard ? PUSH_WRITE_UNHEARD
               : is_message ? PUSH_WRITE_ANSWER
                            : PUSH_WRITE_TAKEN;
    if (is_message || is_refused || is_unheard || q->is_taken)
        push_said_add(q);
    else
        push_poll_end(q);
    push_go(p);
}

void push_poll_begin(struct push *p, struct push_source *s, const struct config_smev3 *conf, enum smev3_op op)
{
    struct push_poll *q = push_poll_new(p, s, conf, op, poll_done);
    q->call->selector.node_id = conf->node_id;
    q->call->understand = understand;
    if (op == SMEV3_GET_STATUS)
        s->is_asked_status = true;
    else
        s->npolls++;
    adapter_call_begin(q->call);
}

void push_poll_begin_stray(struct push *p, struct push_source *s, const struct config_smev3 *conf, const char *node_id)
{
    struct push_poll *q = push_poll_new(p, s, conf, SMEV3_GET_RESPONSE, poll_done);
    q->pace = &s->strays;
    q->call->selector.node_id = arena_strdup(q->call->arena, node_id);
    q->call->understand = understand;
    s->npolls++;
    s->nstrays++;
    adapter_call_begin(q->call);
}

/* What we send as an answer has no NodeID, and what SMEV says of it comes where there is none. */
void push_poll_begin_slow(struct push *p, struct push_source *s, const struct config_smev3 *conf)
{
    struct push_poll *q = push_poll_new(p, s, conf, SMEV3_GET_RESPONSE, poll_done);
    q->pace = &s->slow;
    q->call->understand = understand;
    s->nslow++;
    adapter_call_begin(q->call);
}
