/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Ack of an answer, any number of times. One that came to nothing, or to a trouble that passes, is said again a few
 * times; after that, or killed meanwhile, the answer is delivered again, has no second effect, and is acknowledged once
 * more. What SMEV said to it is a pair of the journal, and that it refuses ours is told.
 */
#include "push_private.h"

#include "clock.h"
#include "fault.h"

#include <stdio.h>
#include <string.h>

#define AGAIN_US UINT64_C(5000000) /* the first time, then twice as long */
#define TRIES    3

/* ---- once more ---- */

static struct push_unacked *unacked_find(struct push_source *s, const char *id)
{
    for (struct push_unacked *u = s->unacked; u < s->unacked + PUSH_UNACKED; u++)
        if (strcmp(u->id, id) == 0)
            return u;
    return NULL;
}

static void unacked_forget(struct push_unacked *u)
{
    if (u != NULL)
        *u = (struct push_unacked){0};
}

/* Of one that is refused nothing better is to be expected within minutes. */
static void ack_again(struct push_source *s, const struct adapter_call *c)
{
    enum smev3_reaction reaction = adapter_call_reaction(c);
    struct push_unacked *u = unacked_find(s, c->message_id);
    if ((reaction != SMEV3_AGAIN && reaction != SMEV3_SLOWER) || (u != NULL && u->tries >= TRIES)) {
        unacked_forget(u);
        return;
    }
    if (u == NULL)
        u = unacked_find(s, "");
    if (u == NULL)
        return;
    (void)snprintf(u->id, sizeof u->id, "%s", c->message_id);
    u->tries++;
    u->due_us = clock_mono_us() + adapter_pause_us(u->tries, AGAIN_US);
}

void push_acks_again(struct push *p, struct push_source *s, const struct config_smev3 *conf)
{
    for (struct push_unacked *u = s->unacked; u < s->unacked + PUSH_UNACKED; u++) {
        if (s->nacks >= conf->in_flight)
            return; /* the next when one of these is over */
        if (u->id[0] == '\0' || clock_mono_us() < u->due_us)
            continue;
        u->due_us = UINT64_MAX; /* until what comes of it is known */
        push_ack_begin(p, s, conf, u->id);
    }
}

/* Behind those that SMEV leaves unanswered. */
static void ack_later(struct push_source *s, const char *id)
{
    struct push_unacked *u = unacked_find(s, id);
    if (u == NULL && (u = unacked_find(s, "")) != NULL)
        (void)snprintf(u->id, sizeof u->id, "%s", id);
}

/* ---- whether SMEV takes them ---- */

bool push_source_is_untaken(const struct push_source *s)
{
    return s->untaken[0] != '\0' && clock_mono_us() - s->untaken_us < PUSH_UNTAKEN_US;
}

static void judge(struct push_source *s, const struct adapter_call *c)
{
    const char *word = adapter_is_refusal(c) ? adapter_call_word(c) : adapter_call_is_done(c) ? "" : NULL;
    if (word == NULL)
        return; /* nothing is known */
    s->untaken_us = clock_mono_us();
    if (strcmp(s->untaken, word) == 0)
        return;
    (void)snprintf(s->untaken, sizeof s->untaken, "%s", word);
    push_tell_operation(s, "Ack", s->untaken);
}

/* ---- an Ack ---- */

static void ack_done(struct adapter_call *c)
{
    struct push_poll *q = c->arg;
    struct push *p = q->push;
    struct push_source *s = q->source;
    s->nacks--;
    judge(s, c);
    if (adapter_call_is_done(c)) {
        s->acks++;
        unacked_forget(unacked_find(s, c->message_id));
        FAULT_POINT(push_said_acked);
    } else {
        s->acks_failed++;
        ack_again(s, c);
    }
    if (adapter_call_has_left(c))
        push_said_add(q);
    else
        push_poll_end(q);
    push_go(p);
}

void push_ack_begin(struct push *p, struct push_source *s, const struct config_smev3 *conf, const char *ack_id)
{
    if (s->nacks >= ADAPTER_ACKS_MAX) {
        ack_later(s, ack_id);
        return;
    }
    struct push_poll *q = push_poll_new(p, s, conf, SMEV3_ACK, ack_done);
    q->write = PUSH_WRITE_ACK;
    q->call->message_id = arena_strdup(q->call->arena, ack_id);
    s->nacks++;
    adapter_call_begin(q->call);
}
