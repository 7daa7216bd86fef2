/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * GetRequest, and what it gives: stored, then acknowledged. What SMEV has signed is stored whatever it holds; what it
 * has not is no message (queue_refused.c), and those behind it are delivered meanwhile.
 */
#include "queue_private.h"

#include "clock.h"
#include "fault.h"
#include "log.h"

#include <stdio.h>
#include <string.h>

static void pause_of_empty(struct queue_source *s)
{
    if (s->untrusted_us == 0)
        s->pace.faults = 0;
    adapter_pace_empty(&s->pace, &s->conf);
    queue_names_rest(s);
}

/* ---- what was given ---- */

/* By how much our clock is away from SMEV's: it has delivered this now. */
static void compare_clocks(struct queue_source *s, const struct smev3_metadata *m)
{
    if (m->delivered == NULL)
        return;
    s->clock_offset_us = clock_wall_us() - m->delivered_us;
    s->clock_told_us = clock_mono_us();
}

/*
 * An empty answer is signed by nobody: what was not SMEV's is the queue's trouble until a message is, or until it would
 * have come again.
 */
static void tell_of_poll(struct queue_source *s, const struct adapter_call *c, enum adapter_result result)
{
    bool is_answered = result == ADAPTER_RESULT_EMPTY || result == ADAPTER_RESULT_MESSAGE;
    static const char unknown[] = "UnknownMessageType"; /* of one name: SMEV answers */
    const char *root;
    if (result == ADAPTER_RESULT_MESSAGE || queue_is_untrusted_over(s))
        s->untrusted_us = 0;
    if (result == ADAPTER_RESULT_UNTRUSTED && adapter_is_by_stranger(c))
        s->untrusted_us = clock_mono_us();
    if (!is_answered) {
        queue_source_set_fault(s, adapter_call_word(c), c->error.detail);
        return;
    }
    bool was_faulty = s->fault[0] != '\0' && strncmp(s->fault, unknown, sizeof unknown - 1) != 0;
    if (was_faulty && s->queues->on_heard != NULL)
        s->queues->on_heard(s->queues->heard_arg, s->conf.name);
    queue_name_answered(s, c, result == ADAPTER_RESULT_MESSAGE);
    root = queue_name_unknown(s);
    if (result == ADAPTER_RESULT_EMPTY && s->untrusted_us != 0) {
        queue_source_set_fault(s, s->fault, NULL);
    } else if (root != NULL) {
        s->good_us = clock_mono_us();
        queue_source_set_fault(s, arena_printf(c->arena, "UnknownMessageType %s", root), NULL);
    } else {
        queue_source_set_fault(s, NULL, NULL);
    }
}

static void on_unheard(void *arg, const struct db_result *r, enum err err)
{
    (void)r;
    (void)err; /* the log has it */
    adapter_call_free(arg);
}

static void on_nothing(struct queue_source *s, struct adapter_call *c)
{
    if (!queue_name_is_unknown(s, c))
        adapter_pace_failed(&s->pace, c);
    if (c->answered.n > 0)
        queue_refused_begin(c);
    else if (adapter_call_has_left(c) && adapter_day_takes(&s->unheard, c))
        queue_write_unheard(c, on_unheard, c);
    else
        adapter_call_free(c);
}

static void poll_done(struct adapter_call *c)
{
    struct queue_source *s = c->owner;
    enum adapter_result result = adapter_result_of(c);
    s->polls--;
    s->counts.polls[result]++;
    queue_source_heard(s, c);
    tell_of_poll(s, c, result);
    switch (result) {
    case ADAPTER_RESULT_MESSAGE:
        FAULT_POINT(queue_polled);
        adapter_pace_gave(&s->pace, c);
        compare_clocks(s, c->reply.kind == SMEV3_CANCEL ? &c->cancel.metadata : &c->request.metadata);
        queue_files_begin(c);
        break;
    case ADAPTER_RESULT_EMPTY:
        pause_of_empty(s);
        adapter_call_free(c);
        break;
    default:
        on_nothing(s, c);
    }
    queue_source_go(s);
}

void queue_poll_begin(struct queue_source *s)
{
    struct adapter_call *c = queue_call(s, SMEV3_GET_REQUEST, poll_done, NULL);
    c->selector = (struct smev3_selector){.node_id = s->conf.node_id};
    queue_name_ask(s, &c->selector);
    s->polls++;
    adapter_call_begin(c);
}
